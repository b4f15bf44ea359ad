"""A portrait: one actor, one expression, head and shoulders before a grey wall.

    picture = portrait(load_cast()[0], weights("happy", 0.5), Studio(size=256))

Both eyes lie on the same two pixels of every picture (camera.eye_pixels). The same actor, weights
and settings give the same bytes in any order and in any process: nothing here is drawn at random
but what the actor's seed fixes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stimuli.actors import (
    camera,
    eyes,
    eyewear,
    film,
    glasses,
    headpose,
    raster,
    shading,
    shadow,
    surfaces,
    wrinkles,
)
from stimuli.actors.cast import Actor
from stimuli.actors.posture import Posture, eyes_in_head, take_up
from stimuli.actors.rig import weights_array
from stimuli.actors.scene import Scene, layout, stage
from stimuli.actors.sitter import Sitter, sit
from stimuli.actors.strands import Strands, draw_strands, light_strands

Weights = Mapping[str, float] | np.ndarray
LASH_RGB = np.array([0.014, 0.010, 0.008], np.float32)
LASH_WIDTH = 0.0038  # units
LASH_FREE = 0.08  # units: skin folds of the lid hide lashes only from so deep on


@dataclass(frozen=True)
class Studio:
    """How a portrait is taken; the only defaults there are."""

    size: int = 256  # width and height of the picture, pixels
    supersample: int | None = (
        None  # drawn so many times larger, then averaged; None: 3 up to 320 px, else 2
    )
    background: tuple[int, int, int] = (128, 128, 128)  # sRGB
    cache_dir: Path | None = None  # where prepared actors are kept; None: the user's cache folder

    def __post_init__(self) -> None:
        """Refuse settings that no picture can be made with."""
        if not 64 <= self.size <= 2048:
            raise ValueError(f"studio: size is {self.size} px; give 64 to 2048")
        if not 1 <= self.times <= 4:
            raise ValueError(f"studio: supersample is {self.supersample}; give 1 to 4")

    @property
    def times(self) -> int:
        """How many times larger the picture is drawn."""
        return self.supersample or (3 if self.size <= 320 else 2)

    @property
    def grain(self) -> int:
        """Pixels a side of the picture as it is drawn, before averaging."""
        return self.size * self.times

    @property
    def eye_left(self) -> tuple[float, float]:
        """Centre (x, y) in pixels of the actor's left eye, on the right of the picture."""
        return camera.eye_pixels(self.size)[0]

    @property
    def eye_right(self) -> tuple[float, float]:
        """Centre (x, y) in pixels of the actor's right eye."""
        return camera.eye_pixels(self.size)[1]


def portrait(
    actor: Actor,
    weights: Weights,
    studio: Studio | None = None,
    *,
    gaze: tuple[float, float] = (0.0, 0.0),
    head: headpose.Pose = headpose.AHEAD,
) -> np.ndarray:
    """Picture (size, size, 3) uint8 sRGB of an actor under facial action weights.

    weights: name -> weight, or an array (52,) in the order of Rig.actions; 0 is at rest, 1 the full
    action. gaze: degrees to the actor's left and up from the lens, whatever the head does; lids
    follow. head: yaw, pitch, roll (headpose.py). Raises ValueError on what no head can do.
    """
    studio = studio or Studio()
    pose, aside = headpose.checked(head), eyes.checked(gaze)
    sitter = sit(actor, studio.grain, studio.cache_dir)
    weights = weights_array(weights, sitter.rig.actions)
    return develop(take_up(sitter, actor, pose, studio.grain), actor, weights, aside, studio)


def develop(
    posture: Posture, actor: Actor, weights: np.ndarray, aside: tuple[float, float], studio: Studio
) -> np.ndarray:
    """The picture of an actor who has taken up a posture; weights (52,), aside the gaze."""
    sitter, names = posture.sitter, posture.sitter.rig.actions
    actions = dict(zip(names, weights.tolist(), strict=True))
    follow = eyes_in_head(posture.pose, aside)
    lids = weights_array(follow, names) + weights if follow else weights
    unturned = sitter.rig_points(lids)
    openness = sitter.openness(unturned)
    rig_points = posture.turn(unturned)
    scene = stage(rig_points, sitter.fold)
    frame = raster.Frame.empty(studio.grain, studio.grain)
    raster.draw(
        frame, camera.project(scene.points, studio.grain), layout().triangles,
        yielding=layout().yielding,
    )  # fmt: skip

    look = posture.gaze(actions, aside)
    worn = None if sitter.worn is None else eyewear.turned(sitter.worn, posture.pose)
    light = _light(sitter, scene, frame, openness, actions, actor.ageing, look, worn)
    _add_facial_hair(light, sitter, scene, rig_points, frame.depth)
    wall = film.decode(np.asarray(studio.background) / 255)
    front, behind = posture.hair(frame.depth)
    seen = frame.triangle
    if worn is not None:
        seen, front = eyewear.put_on(worn, actor.hair, light, frame, front, behind, wall)
    return film.develop(light, seen, front, behind, wall, studio.times)


def _light(
    sitter: Sitter, scene: Scene, frame: raster.Frame, openness, actions, ageing: float,
    gaze: eyes.Gaze, worn: glasses.Glasses | None,
) -> np.ndarray:  # fmt: skip
    """Linear light (H, W, 4) of skin, eyes, mouth and shirt; last channel 1."""
    position = camera.pixel_positions(np.where(np.isfinite(frame.depth), frame.depth, 0))
    relief = wrinkles.wrinkled(sitter.detail.relief, wrinkles.strengths(actions, ageing))
    painted = surfaces.paint(layout(), scene, frame, position, sitter, openness, relief, gaze)
    surface, solid = painted.surface, eyewear.casts_shadow(scene, worn)
    key = shadow.reach(position, surface.normal, *solid, shading.KEY_DIRECTION) * painted.through
    arriving, glancing = shading.illuminate(surface, position, camera.LENS, key)
    unit_px = camera.EYE_DISTANCE * frame.depth.shape[0]
    arriving = shading.diffuse_under_skin(arriving, surface.scatter, frame.depth, unit_px)
    return shading.leaving(arriving, surface.albedo, glancing, painted.sparkle)


def _add_facial_hair(light, sitter: Sitter, scene: Scene, rig_points, depth) -> None:
    """Blend brows, beard and lashes over the light (H, W, 4) of the face."""
    body = layout().body
    for hairs in sitter.rooted:
        points, out = hairs.follow(scene.points[body], scene.normals[body])
        strands = Strands(points, hairs.colour, hairs.width, sheen=0.25)
        outward = np.repeat(out[:, None], points.shape[1], axis=1)
        open_ = np.full(points.shape[:2], 0.8, np.float32)
        lit = light_strands(strands, outward, open_, open_)
        draw_strands(strands, lit, light, None, depth + 0.02, alpha=0.7)
    points = sitter.lashes.follow(rig_points)
    colour = np.tile(LASH_RGB, (len(points), 1))
    dull = np.repeat(colour[:, None], points.shape[1], axis=1)
    draw_strands(Strands(points, colour, LASH_WIDTH), dull, light, None, depth + LASH_FREE)
