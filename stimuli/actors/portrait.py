"""A portrait: one actor, one expression, head and shoulders before a grey wall.

    picture = portrait(load_cast()[0], weights("happy", 0.5), Studio(size=256))

Both eyes lie on the same two pixels of every picture (camera.eye_pixels). The same actor, weights and settings give
the same bytes in any order and in any process: nothing here is drawn at random but what the actor's seed fixes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from stimuli.actors import atlas, camera, eyes, hair, raster, scalp, shading, shadow, skin
from stimuli.actors.strands import draw_strands, light_strands
from stimuli.actors.anatomy import Anatomy, load_anatomy
from stimuli.actors.mesh import normals
from stimuli.actors.rig import Rig, load_rig, weights_array

Weights = Mapping[str, float] | np.ndarray


@dataclass(frozen=True)
class Studio:
    """How a portrait is taken; the only defaults there are."""

    size: int = 256  # width and height of the picture, pixels
    supersample: int = 3  # the picture is drawn this many times larger, then averaged
    background: tuple[int, int, int] = (128, 128, 128)  # sRGB
    cache_dir: Path | None = None  # where prepared actors are kept; None: the user's cache folder

    def __post_init__(self) -> None:
        """Refuse settings that no picture can be made with."""
        if not 64 <= self.size <= 2048:
            raise ValueError(f"studio: size is {self.size} px; give 64 to 2048")
        if not 1 <= self.supersample <= 4:
            raise ValueError(f"studio: supersample is {self.supersample}; give 1 to 4")

    @property
    def grain(self) -> int:
        """Pixels a side of the picture as it is drawn, before averaging."""
        return self.size * self.supersample

    @property
    def eye_left(self) -> tuple[float, float]:
        """Centre (x, y) in pixels of the actor's left eye, on the right of the picture."""
        return camera.eye_pixels(self.size)[0]

    @property
    def eye_right(self) -> tuple[float, float]:
        """Centre (x, y) in pixels of the actor's right eye."""
        return camera.eye_pixels(self.size)[1]


@dataclass(frozen=True)
class Sitter:
    """What is prepared once for an actor and serves all expressions."""

    rig: Rig
    turn: np.ndarray  # (3, 3) rig to studio space
    origin: np.ndarray  # (3,)
    static: np.ndarray  # (V, 9): rest x, rest y, albedo, gloss, roughness, openness, key light through the hair of each body vertex
    detail: skin.SkinDetail
    iris: np.ndarray
    hair_front: np.ndarray  # (H, W, 4) layer before the neutral face
    hair_behind: np.ndarray  # (H, W, 4) layer behind it

    def pose(self, anatomy: Anatomy, weights: np.ndarray) -> np.ndarray:
        """Fine vertices (V, 3) in studio space under facial action weights (52,)."""
        return anatomy.matrix @ camera.to_studio(self.rig.pose(weights), self.turn, self.origin)


def portrait(actor, weights: Weights, studio: Studio | None = None) -> np.ndarray:
    """Picture (size, size, 3) uint8 sRGB of an actor who makes the face given by facial action weights.

    weights: name -> weight, or an array (52,) in the order of Rig.actions; 0 is at rest, 1 the full action.
    """
    studio = studio or Studio()
    sitter = sit(actor, studio)
    weights = weights_array(weights, sitter.rig.actions)
    anatomy = load_anatomy()
    points = sitter.pose(anatomy, weights)
    facing = normals(points, anatomy.triangles)
    frame = raster.Frame.empty(studio.grain, studio.grain)
    raster.draw(frame, camera.project(points, studio.grain), anatomy.triangles)
    position = camera.pixel_positions(np.where(np.isfinite(frame.depth), frame.depth, 0))
    surface, sparkle, through = surfaces(sitter, anatomy, frame, position, facing, points, weights)
    dark = shadow.shadow_map(points, anatomy.triangles, shading.KEY_DIRECTION)
    key = shadow.lit(position, dark, shading.KEY_DIRECTION) * through
    lens = np.array([0.0, 0.0, camera.DISTANCE])
    arriving, glancing = shading.illuminate(surface, position, lens, key)
    unit_px = camera.EYE_DISTANCE * studio.grain
    arriving = shading.diffuse_under_skin(arriving, surface.scatter, frame.depth, unit_px)
    light = arriving * surface.albedo + glancing + sparkle[..., None]
    wall = shading.decode(np.asarray(studio.background) / 255)
    back = sitter.hair_behind[..., :3] + (1 - sitter.hair_behind[..., 3:]) * wall
    light = np.where((frame.triangle < 0)[..., None], back, light)
    light = sitter.hair_front[..., :3] + (1 - sitter.hair_front[..., 3:]) * light
    return _average(shading.develop(light), studio.supersample)


def sit(actor, studio: Studio) -> Sitter:
    """The actor, prepared for the studio: from memory, or made now."""
    return _sit(actor, studio.grain)


@lru_cache(maxsize=4)
def _sit(actor, grain) -> Sitter:
    anatomy = load_anatomy()
    rig = load_rig(actor.id)
    turn, origin = camera.alignment(rig.eye_centres())
    points = anatomy.matrix @ camera.to_studio(rig.base, turn, origin)
    facing = normals(points, anatomy.triangles)
    rest = anatomy.rest[anatomy.body]
    rng = np.random.default_rng(actor.seed)
    x, y = atlas.grid()
    cut = hair.cut_of(actor)
    cover = scalp.cover(rest, cut.receding, cut.thinning, cut.sideburns)
    look = skin.skin_map(actor, rest, anatomy.regions, cover.astype(np.float32))
    lips = np.zeros_like(x)
    detail = skin.skin_detail(actor, rng, lips, skin.beard_area(x, y))
    open_ = shadow.openness(points, facing, anatomy.triangles)[anatomy.body]
    quads = anatomy.quads[: anatomy.faces["body"].stop // 2]
    head = hair.Head(points[anatomy.body], facing[anatomy.body], rest, quads)
    strands, outward, cloud = hair.grow(actor, head)
    flat, out = strands.points.reshape(-1, 3), outward.reshape(-1, 3)
    shape = strands.points.shape[:2]
    key = cloud.through(flat, shading.KEY_DIRECTION).reshape(shape)
    room = cloud.openness(flat, out).reshape(shape)
    light = light_strands(strands, outward, key, room)
    frame = raster.Frame.empty(grain, grain)
    raster.draw(frame, camera.project(points, grain), anatomy.triangles)
    front, behind = np.zeros((2, grain, grain, 4), np.float32)
    draw_strands(strands, light, front, behind, frame.depth)
    open_ = open_ * cloud.openness(head.points, head.normals)
    under = cloud.through(head.points, shading.KEY_DIRECTION)
    static = np.column_stack(
        [rest[:, :2], look.albedo, look.gloss, look.roughness, open_, under]
    ).astype(np.float32)
    return Sitter(rig, turn, origin, static, detail, eyes.iris_picture(actor, rng), front, behind)


def surfaces(sitter, anatomy, frame, position, facing, points, weights):
    """The reflecting surface under every pixel, and the sparkle of the eyes."""
    grain = frame.depth.shape[0]
    s = shading.Surface.empty(grain)
    sparkle = np.zeros((grain, grain), np.float32)
    part = part_of(anatomy, frame.triangle)
    body = np.where(part == 0, frame.triangle, raster.NOTHING).astype(np.int32)
    tris = anatomy.triangles
    values = np.concatenate([facing[anatomy.body], sitter.static], axis=1)
    seen = raster.interpolate(body, frame.weights, tris, values)
    s.normal[:] = seen[..., :3]
    s.albedo[:] = seen[..., 5:8]
    s.gloss[:], s.roughness[:], s.openness[:] = seen[..., 8], seen[..., 9], seen[..., 10]
    s.scatter[:] = part == 0
    column, row = atlas.to_texels(seen[..., 3:5])
    height = np.zeros((grain, grain), np.float32)
    skin.paint(body, column, row, sitter.detail.tint, sitter.detail.relief, s.albedo, height)
    s.gloss_normal[:] = s.normal
    actions = dict(zip(sitter.rig.actions, weights, strict=True))
    look = eyes.gaze(np.array([[0.5, 0, 0], [-0.5, 0, 0]]), actions)
    which = np.where((part == 1) | (part == 2), part - 1, -1).astype(np.int8)
    lids = eyes.lid_distances(which >= 0, camera.EYE_DISTANCE * grain)
    eyes.paint(
        which, position, lids, look.centre, look.direction, sitter.iris,
        np.array(eyes.SCLERA, np.float32), shading.KEY_DIRECTION,
        s.normal, s.gloss_normal, s.albedo, s.gloss, s.roughness, s.openness, s.scatter, sparkle,
    )  # fmt: skip
    mouth = part >= 3
    n = raster.interpolate(
        np.where(mouth, frame.triangle, -1).astype(np.int32), frame.weights, tris, facing
    )
    s.normal[mouth] = n[mouth]
    s.gloss_normal[mouth] = n[mouth]
    s.albedo[mouth] = (0.6, 0.55, 0.45)
    s.albedo[part == 5] = (0.35, 0.12, 0.12)
    s.gloss[mouth], s.roughness[mouth], s.openness[mouth] = 0.04, 0.35, 0.3
    return s, sparkle, np.where(part == 0, seen[..., 11], 1)


def part_of(anatomy: Anatomy, triangle: np.ndarray) -> np.ndarray:
    """Number of the part in anatomy.PARTS that each pixel shows (H, W) int8; -1 the wall."""
    ends = np.array([faces.stop for faces in anatomy.faces.values()])
    part = np.searchsorted(ends, triangle, side="right").astype(np.int8)
    part[triangle < 0] = -1
    return part


def _average(picture: np.ndarray, times: int) -> np.ndarray:
    size = picture.shape[0] // times
    mean = picture.reshape(size, times, size, times, 3).mean(axis=(1, 3), dtype=np.float64)
    return np.clip(np.rint(mean * 255), 0, 255).astype(np.uint8)
