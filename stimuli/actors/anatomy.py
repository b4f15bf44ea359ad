"""The parts of a head, subdivided once for all actors; one sparse product poses them all.

Symbols: R = rig vertices; V = fine vertices of all parts, one part after the other; T = triangles
likewise.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import sparse

from stimuli.actors import atlas, mesh, raster
from stimuli.actors.rig import load_masks, load_topology

PARTS = ("body", "eye_left", "eye_right", "tongue")
LEVELS = {"body": 2, "eye_left": 3, "eye_right": 3, "tongue": 2}
LOWEST = -5.2  # rest height under which the body is not drawn, in units


@dataclass(frozen=True)
class Coarse:
    """The skin of the face one subdivision earlier, for what need not be fine."""

    matrix: mesh.Matrix  # (C, R)
    triangles: np.ndarray  # (T, 3) of the face only
    refine: mesh.Matrix  # (body V, C)


@dataclass(frozen=True)
class Anatomy:
    """Fine mesh shared by the cast."""

    matrix: mesh.Matrix  # (V, R) float32: fine vertices from rig vertices
    quads: np.ndarray  # (Q, 4) int64
    triangles: np.ndarray  # (T, 3) int32
    vertices: dict[str, slice]  # part -> rows of V
    faces: dict[str, slice]  # part -> rows of T
    rest: np.ndarray  # (V, 3) rest coordinates
    regions: dict[str, np.ndarray]  # lips, eyelids, ears, inside_mouth: (body V,) in [0, 1]
    coarse: "Coarse"

    @property
    def body(self) -> slice:
        """Rows of V that are skin."""
        return self.vertices["body"]


@lru_cache(maxsize=1)
def load_anatomy() -> Anatomy:
    """Subdivide every part of the rig's topology; the same for all actors, kept for the process."""
    topology, rest = load_topology(), atlas.mean_face()
    matrices, quads, vertices, faces = [], [], {}, {}
    done_vertices = done_quads = 0
    for part in PARTS:
        coarse = topology.quads[part]
        if part == "body":
            coarse = coarse[_drawn(rest[coarse])]
        used, local = np.unique(coarse, return_inverse=True)
        pick: mesh.Matrix = sparse.csr_matrix(
            (np.ones(len(used), np.float32), (np.arange(len(used)), used)),
            shape=(len(used), topology.n_vertices),
        )
        fine, matrix = mesh.subdivide(local.reshape(-1, 4), len(used), LEVELS[part])
        if part == "body":
            once = _coarse(local.reshape(-1, 4), pick, rest)
        matrices.append(matrix @ pick)
        quads.append(fine + done_vertices)
        vertices[part] = slice(done_vertices, done_vertices + matrix.shape[0])
        faces[part] = slice(2 * done_quads, 2 * (done_quads + len(fine)))
        done_vertices += matrix.shape[0]
        done_quads += len(fine)
    matrix: mesh.Matrix = sparse.vstack(matrices).tocsr().astype(np.float32)
    all_quads = np.concatenate(quads)
    return Anatomy(
        matrix=matrix,
        quads=all_quads,
        triangles=mesh.triangles(all_quads),
        vertices=vertices,
        faces=faces,
        rest=matrix @ rest,
        regions=_regions(matrix[vertices["body"]]),
        coarse=once,
    )


def _coarse(quads: np.ndarray, pick: mesh.Matrix, rest: np.ndarray) -> Coarse:
    once, first = mesh.catmull_clark(quads, pick.shape[0])
    _, second = mesh.catmull_clark(once, first.shape[0])
    matrix: mesh.Matrix = (first @ pick).tocsr().astype(np.float32)
    middle = (matrix @ rest)[once].mean(axis=1)
    face = (middle[:, 1] > -2.5) & (middle[:, 2] > -1.8)
    used, local = np.unique(once[face], return_inverse=True)
    triangles = mesh.triangles(local.reshape(-1, 4))
    return Coarse(matrix[used], triangles, second.astype(np.float32)[:, used])


def _drawn(corners: np.ndarray) -> np.ndarray:
    """Which body faces (Q, 4, 3) can be seen in a portrait."""
    middle = corners.mean(axis=1)
    return (middle[:, 1] > LOWEST) & (np.abs(middle[:, 0]) < 3.9)


def _regions(matrix: mesh.Matrix) -> dict[str, np.ndarray]:
    """Masks painted on the texture, read at the rig's vertices and subdivided with them."""
    topology = load_topology()
    uv = np.zeros((topology.n_vertices, 2), np.float32)
    uv[topology.quads["body"].ravel()] = topology.uv[topology.uv_quads.ravel()]
    out = {}
    for name, mask in load_masks().items():
        size = mask.shape[0]
        at = raster.sample(
            np.ascontiguousarray(mask[..., None]), uv[:, 0] * size, (1 - uv[:, 1]) * size
        )
        out[name] = (matrix @ at[:, 0]).astype(np.float32)
    return out
