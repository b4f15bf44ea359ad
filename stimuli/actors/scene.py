"""One mesh of all before the lens: skin, eyes, tongue, teeth, shirt; posed for each frame.

Symbols: V vertices and T triangles of all parts, one part after the other, the same for every
actor; R rig vertices.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from stimuli.actors import clothing, mesh, mouth
from stimuli.actors.anatomy import PARTS, load_anatomy

SKIN, EYE_LEFT, EYE_RIGHT, TONGUE, TEETH, CLOTH = range(6)
ROWS = ("upper", "lower")
# Eyeballs are round and lids ride on them: where a half-closed lid dips into the cornea by less
# than this (units), the lid is seen all the same.
UNDER_LIDS = 0.03


@dataclass(frozen=True)
class Layout:
    """What the scenes of all actors share."""

    triangles: np.ndarray  # (T, 3) int32
    material: np.ndarray  # (T,) int8: SKIN to CLOTH
    yielding: np.ndarray  # (T,) how much nearer than skin a triangle must be to hide it, units
    apart: np.ndarray  # the triangles that are no skin
    teeth_albedo: np.ndarray  # (V, 3), zero but at the teeth
    shirt: clothing.Shell
    body: slice  # rows of V that are skin
    cloth: slice  # rows of V that are shirt


@dataclass(frozen=True)
class Scene:
    """A posed actor: points and unit normals (V, 3) in studio space."""

    points: np.ndarray
    normals: np.ndarray


@lru_cache(maxsize=1)
def layout() -> Layout:
    """The shared mesh, without the skin that the shirt hides."""
    anatomy = load_anatomy()
    body_triangles = anatomy.triangles[anatomy.faces["body"]]
    shell = clothing.shell(anatomy.rest[anatomy.body], body_triangles)
    triangles = [body_triangles[~shell.hidden]]
    material = [np.full(len(triangles[0]), SKIN)]
    for part in PARTS[1:]:
        faces = anatomy.triangles[anatomy.faces[part]]
        triangles.append(faces)
        material.append(np.full(len(faces), PARTS.index(part)))
    count = anatomy.matrix.shape[0]
    albedo = [np.zeros((count, 3), np.float32)]
    for row in ROWS:
        teeth = mouth.teeth(row)
        triangles.append(mesh.triangles(teeth.quads) + count)
        material.append(np.full(len(triangles[-1]), TEETH))
        albedo.append(teeth.albedo)
        count += len(teeth.rest)
    cloth = slice(count, count + len(shell.vertices))
    albedo.append(np.zeros((len(shell.vertices), 3), np.float32))
    triangles.append(shell.triangles + count)
    material.append(np.full(len(shell.triangles), CLOTH))
    every, kind = np.concatenate(triangles).astype(np.int32), np.concatenate(material)
    return Layout(
        every,
        kind.astype(np.int8),
        np.where(np.isin(kind, (EYE_LEFT, EYE_RIGHT)), UNDER_LIDS, 0).astype(np.float32),
        every[kind != SKIN],
        np.concatenate(albedo),
        shell,
        anatomy.body,
        cloth,
    )


def stage(rig_points: np.ndarray, fold: np.ndarray) -> Scene:
    """Pose everything: rig_points (R, 3) in studio space, fold (S,) relief of the actor's shirt."""
    plan = layout()
    flesh = mesh.pose(load_anatomy().matrix, rig_points)
    bare = mesh.normals(flesh, load_anatomy().triangles)
    body = plan.body
    teeth = [mouth.teeth(row).follow(rig_points) for row in ROWS]
    shirt = plan.shirt.drape(flesh[body], bare[body], fold)
    points = np.concatenate([flesh, *teeth, shirt])
    normals = mesh.normals(points, plan.apart)
    normals[body] = bare[body]  # skin at the edge of the shirt keeps its own normals
    return Scene(points, normals)
