"""A sitter: all of an actor that does not change with the expression, prepared once.

Symbols: V scene vertices (scene.py), S shirt vertices, H the side in pixels of the picture as it is
drawn.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from stimuli.actors import (
    atlas,
    beards,
    camera,
    clothing,
    eyes,
    facial_hair,
    facs,
    film,
    glasses,
    hair,
    mesh,
    raster,
    scalp,
    shading,
    shadow,
    skin,
    store,
)
from stimuli.actors.anatomy import load_anatomy
from stimuli.actors.atlas import smoothstep
from stimuli.actors.cast import Actor
from stimuli.actors.rig import Rig, load_rig
from stimuli.actors.scene import Scene, layout, stage
from stimuli.actors.strands import draw_strands, light_strands

LEAST_INSIDE = 0.30  # openness of a mouth's lining: light that its wet walls pass on to each other


@dataclass(frozen=True, eq=False)
class Sitter:
    """An actor in the studio."""

    rig: Rig
    turn: np.ndarray  # (3, 3) rig to studio space
    origin: np.ndarray  # (3,)
    static: np.ndarray  # (body V, 8): rest x, y, albedo, gloss, roughness, key through hair
    at_rest: np.ndarray  # (body V,) openness of the neutral face
    glimpse: np.ndarray  # (C,) openness of the neutral face as quickly seen
    detail: skin.SkinDetail
    iris: np.ndarray  # (eyes.TEXTURE, eyes.TEXTURE, 3)
    fold: np.ndarray  # (S,) relief of the shirt
    shirt_openness: np.ndarray  # (S,)
    cloth_rgb: np.ndarray  # (3,) linear
    rooted: tuple[facial_hair.Rooted, ...]  # brows, beard
    lashes: facial_hair.Lashes
    hair_front: np.ndarray  # (H, H, 4) layer before the neutral face
    hair_behind: np.ndarray  # (H, H, 4) layer behind it
    worn: glasses.Glasses | None = None

    def rig_points(self, weights: np.ndarray) -> np.ndarray:
        """Rig vertices (R, 3) in studio space under facial action weights (52,)."""
        posed = self.rig.base.astype(np.float64)
        for action in np.flatnonzero(weights):  # as Rig.pose, but added up in a fixed order
            posed += weights[action] * self.rig.deltas[action]
        points = camera.to_studio(posed, self.turn, self.origin)
        return _folded(points, camera.to_studio(self.rig.base, self.turn, self.origin))

    def openness(self, rig_points: np.ndarray) -> np.ndarray:
        """Openness (body V,) of the posed skin to the room: at rest, plus what the pose changes."""
        change = load_anatomy().coarse.refine @ (_glimpse(rig_points) - self.glimpse)
        least = 0.02 + LEAST_INSIDE * load_anatomy().regions["inside_mouth"]
        return np.clip(self.at_rest + change, least, 1).astype(np.float32)


def _folded(points: np.ndarray, neutral: np.ndarray) -> np.ndarray:
    """Keep the skin between the brows from shrinking without end.

    Added up, brow and nose actions would squeeze its width to a third and raise a ridge. Below
    four fifths of its width, skin folds instead: its width comes to rest at little over a half.
    """
    x, y = neutral[:, 0], neutral[:, 1]
    between = smoothstep(y, -0.05, 0.15) * smoothstep(np.abs(x), 0.60, 0.30)
    where = np.flatnonzero((between > 0) & (neutral[:, 2] > -0.2) & (np.abs(x) > 0.01))
    width = points[where, 0] / x[where]
    kept = np.where(width < 0.8, 0.55 + 0.25 * np.exp(np.minimum(width - 0.8, 0) / 0.25), width)
    points[where, 0] += (between[where] * (kept - width) * x[where]).astype(np.float32)
    return points


def _glimpse(rig_points: np.ndarray) -> np.ndarray:
    """Openness (C,) of the coarse face, from few and small views: cheap enough for every frame."""
    coarse = load_anatomy().coarse
    points = mesh.pose(coarse.matrix, rig_points)
    facing = mesh.normals(points, coarse.triangles)
    sky = shadow.fibonacci_sphere(24)
    return shadow.openness(points, facing, coarse.triangles, sky[sky[:, 2] > -0.2], size=160)


def sit(actor: Actor, grain: int, cache_dir: Path | None = None) -> Sitter:
    """Prepare an actor for pictures drawn on grain x grain pixels.

    What takes long is kept in cache_dir (None: store.default_folder()), the rest made anew.
    """
    return _sit(actor, grain, cache_dir or store.default_folder())


@lru_cache(maxsize=3)
def _sit(actor: Actor, grain: int, folder: Path) -> Sitter:
    rig = load_rig(actor.id, actor.folder / "rigs")
    turn, origin = camera.alignment(rig.eye_centres())
    plan, anatomy = layout(), load_anatomy()
    fold = clothing.folds(np.random.default_rng([actor.seed, 12]), plan.shirt)
    rig_points = camera.to_studio(rig.base, turn, origin)
    scene = stage(rig_points, fold)
    rest = anatomy.rest[anatomy.body]
    quads = anatomy.quads[: anatomy.faces["body"].stop // 2]
    head = hair.Head(scene.points[plan.body], scene.normals[plan.body], rest, quads)
    key = store.key_of([repr(actor), rig.base.tobytes(), anatomy.rest.tobytes(), str(grain)])
    slow = store.fetch(folder, actor.id, key, lambda: _slowly(actor, scene, head, grain))

    cut = hair.cut_of(actor)
    cover = scalp.cover(rest, cut.receding, cut.thinning, cut.sideburns).astype(np.float32)
    look = skin.skin_map(actor, rest, anatomy.regions, cover)
    through = slow["through"]
    static = np.column_stack([rest[:, :2], look.albedo, look.gloss, look.roughness, through])
    rng = np.random.default_rng([actor.seed, 13])
    detail = skin.skin_detail(
        actor, rng, beards.shadow(actor), beards.area(actor.beard, *atlas.grid())
    )
    grown = (facial_hair.brows(actor, head), beards.grow(actor, head))
    sitter = Sitter(
        rig=rig,
        turn=turn,
        origin=origin,
        static=static.astype(np.float32),
        at_rest=slow["openness"][plan.body],
        glimpse=_glimpse(rig_points),
        detail=detail,
        iris=eyes.iris_picture(actor, rng),
        fold=fold,
        shirt_openness=slow["openness"][plan.cloth],
        cloth_rgb=film.decode(actor.clothing_rgb),
        rooted=tuple(hairs for hairs in grown if hairs is not None),
        lashes=facial_hair.lashes(actor),
        hair_front=slow["front"],
        hair_behind=slow["behind"],
    )
    return sitter if actor.glasses == "none" else replace(sitter, worn=_fitted(sitter, actor))


def _fitted(sitter: Sitter, actor: Actor) -> glasses.Glasses:
    """The actor's glasses, clear of the face at rest and in the poses that come nearest."""
    poses = [np.zeros(len(sitter.rig.actions)), *(facs.parse(code) for code in glasses.CLEARED)]
    scenes = [stage(sitter.rig_points(pose), sitter.fold) for pose in poses]
    return glasses.fit(actor.glasses, scenes)


def _slowly(actor: Actor, scene: Scene, head: hair.Head, grain: int) -> store.Arrays:
    """Hair layers, and how much light gets past head and hair: a second or two of work."""
    plan = layout()
    strands, outward, cloud = hair.grow(actor, head)
    sky = shadow.fibonacci_sphere(96)
    openness = shadow.openness(scene.points, scene.normals, plan.triangles, sky)
    openness[plan.body] *= cloud.openness(head.points, head.normals)
    openness[plan.cloth] *= cloud.openness(scene.points[plan.cloth], scene.normals[plan.cloth])
    front, behind = _hair_layers(strands, outward, cloud, scene, grain)
    through = cloud.through(head.points, shading.KEY_DIRECTION)
    return {"openness": openness, "through": through, "front": front, "behind": behind}


def _hair_layers(strands, outward, cloud, scene: Scene, grain: int):
    """The hair before and behind the neutral face, two layers (H, H, 4)."""
    count, steps = strands.points.shape[:2]
    # light changes slowly along a hair: find it at every third point
    knots = np.unique(np.append(np.arange(0, steps, 3), steps - 1))
    flat, out = strands.points[:, knots].reshape(-1, 3), outward[:, knots].reshape(-1, 3)
    between = np.stack([np.interp(np.arange(steps), knots, row) for row in np.eye(len(knots))])
    between = between.astype(np.float32)  # (knots, steps)
    key = mesh.dot(cloud.through(flat, shading.KEY_DIRECTION).reshape(count, -1), between)
    room = mesh.dot(cloud.openness(flat, out).reshape(count, -1), between)
    light = light_strands(strands, outward, key, room)
    frame = raster.Frame.empty(grain, grain)
    raster.draw(frame, camera.project(scene.points, grain), layout().triangles)
    front, behind = np.zeros((2, grain, grain, 4), np.float32)
    draw_strands(strands, light, front, behind, frame.depth)
    return front, behind
