"""Glasses in the picture: the frame's light, the lenses' reflections, and the frame's shadow.

Drawn after the face and before the hair that falls over it; where the hair is short, the arms lie
on it. Studio space, units and pictures (H, W) as in camera.py.
"""

import numpy as np

from stimuli.actors import camera, headpose, raster, shading
from stimuli.actors.glasses import ARM, Glasses
from stimuli.actors.scene import Scene, layout
from stimuli.actors.shading import Surface

UNDER_HAIR = ("afro", "bob", "curly", "long")  # styles that fall over the arms
THROUGH = 0.965  # share of the light that a lens lets through
FRESNEL = 0.035  # share that its coated surfaces throw back at right angles
SOFT_BOX = 0.30  # light of the key's mirror image in a lens
BOX = ((0.13, 0.22), (0.15, 0.25))  # half widths of that image, soft edges: across, up
OPEN = {True: 0.55, False: 0.95}  # openness to the room, of the arms and of the rest


def turned(glasses: Glasses, pose: headpose.Pose) -> Glasses:
    """The glasses on a turned head: they sit on the skull, whatever the face does."""
    if pose == headpose.AHEAD:
        return glasses
    rotation = headpose.rotation(pose).T.astype(np.float32)
    parts = {}
    for name in ("points", "lens_points"):
        points = getattr(glasses, name)
        parts[name] = headpose.turn(points, np.ones(len(points), np.float32), pose)
    for name in ("normals", "lens_normals"):
        parts[name] = np.einsum("ni,ij->nj", getattr(glasses, name), rotation)
    return Glasses(**{**vars(glasses), **parts})


def casts_shadow(scene: Scene, worn: Glasses | None) -> tuple[np.ndarray, np.ndarray]:
    """Points and triangles of all that hides the key light."""
    if worn is None:
        return scene.points, layout().triangles
    points = np.concatenate([scene.points, worn.points])
    return points, np.concatenate([layout().triangles, worn.triangles + len(scene.points)])


def put_on(
    worn: Glasses, hair: str, light: np.ndarray, frame: raster.Frame, front: np.ndarray,
    behind: np.ndarray, wall: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Draw glasses (turned already) over the light (H, W, 4) of a face; `light` is changed.

    hair: the actor's style; frame: of the face; front, behind: hair layers; wall (3,) linear.
    Returns which pixels are no wall any more (as frame.triangle), and the hair layer before all.
    """
    size = frame.depth.shape[0]
    lens = raster.Frame.empty(size, size)
    raster.draw(lens, camera.project(worn.lens_points, size), worn.lens_triangles, cull=False)
    solid = raster.Frame.empty(size, size)
    raster.draw(solid, camera.project(worn.points, size), worn.triangles, cull=False)
    rim = (solid.triangle >= 0) & (solid.depth < frame.depth)
    glass = (lens.triangle >= 0) & (lens.depth < frame.depth) & ~rim
    bare = (rim | glass) & (frame.triangle < 0)  # before the wall: bring it into the light
    light[bare, :3] = behind[bare, :3] + (1 - behind[bare, 3:]) * wall
    seen = np.where(bare, 0, frame.triangle)
    colour, arm = _frame_light(worn, solid, rim)
    before = rim | glass  # hair there lies behind the glasses
    if hair in UNDER_HAIR:
        rows, columns = (where[arm] for where in np.nonzero(rim))
        before[rows, columns] = False
    front = front.copy()
    light[before, :3] = front[before, :3] + (1 - front[before, 3:]) * light[before, :3]
    front[before] = 0
    _look_through(worn, lens, glass, light)
    light[rim, :3] = colour
    return seen, front


def _look_through(worn: Glasses, lens: raster.Frame, glass: np.ndarray, light) -> None:
    """Dim what lies behind the lenses, and add what they mirror of the studio."""
    if not glass.any():
        return
    normal = _normals(lens, glass, worn.lens_triangles, worn.lens_normals)
    towards = _towards_lens(_positions(lens.depth, glass))
    facing = np.clip((normal * towards).sum(axis=1), 0.02, 1)
    mirrored = 2 * facing[:, None] * normal - towards
    fresnel = FRESNEL + (1 - FRESNEL) * (1 - facing) ** 5
    room = shading.ROOM * (0.80 + 0.20 * mirrored[:, 1])
    key = shading.KEY_DIRECTION
    near = np.maximum(mirrored[:, 2] + 1, 0.05)
    across = np.abs(mirrored[:, 0] / near - key[0] / (1 + key[2]))
    up = np.abs(mirrored[:, 1] / near - key[1] / (1 + key[2]))
    box = _soft(across, *BOX[0]) * _soft(up, *BOX[1])
    through = THROUGH * (1 - (1 - facing) ** 5)
    glow = fresnel * room + SOFT_BOX * box * np.clip(fresnel / FRESNEL, 0, 1.5)
    light[glass, :3] = light[glass, :3] * through[:, None] + glow[:, None]


def _frame_light(worn: Glasses, solid: raster.Frame, rim) -> tuple[np.ndarray, np.ndarray]:
    """Light (N, 3) of the frame's pixels, and which of them (N,) belong to the arms."""
    part = worn.part[solid.triangle[rim]]
    arm = part == ARM
    normal = _normals(solid, rim, worn.triangles, worn.normals)
    position = _positions(solid.depth, rim)
    towards = _towards_lens(position)
    normal = np.where((normal * towards).sum(axis=1, keepdims=True) < 0, -normal, normal)
    n, style = len(normal), worn.style
    flat = {"gloss": style.gloss, "roughness": style.roughness, "scatter": 0.0}
    surface = Surface(
        normal=normal[None],
        gloss_normal=normal[None],
        albedo=np.tile(np.asarray(style.rgb, np.float32), (1, n, 1)),
        openness=np.where(arm, OPEN[True], OPEN[False]).astype(np.float32)[None],
        **{key: np.full((1, n), value, np.float32) for key, value in flat.items()},
    )
    arrives = np.ones((1, n), np.float32)
    arriving, glancing = shading.illuminate(surface, position[None], camera.LENS, arrives)
    return (arriving * surface.albedo + glancing)[0], arm


def _normals(frame: raster.Frame, where: np.ndarray, triangles, normals) -> np.ndarray:
    """Unit normals (N, 3) of the pixels `where`."""
    corners, weights = triangles[frame.triangle[where]], frame.weights[where]
    a, b = weights[:, :1], weights[:, 1:]
    mixed = a * normals[corners[:, 0]] + b * normals[corners[:, 1]]
    mixed = mixed + (1 - a - b) * normals[corners[:, 2]]
    return (mixed / np.linalg.norm(mixed, axis=1, keepdims=True)).astype(np.float32)


def _positions(depth: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Studio points (N, 3) of the pixels `where`."""
    size, (rows, columns), far = depth.shape[0], np.nonzero(where), depth[where]
    focal = camera.EYE_DISTANCE * size * camera.DISTANCE
    x = (columns + 0.5 - size / 2) / focal * far
    y = (camera.EYE_LINE * size - rows - 0.5) / focal * far
    return np.column_stack([x, y, camera.DISTANCE - far]).astype(np.float32)


def _towards_lens(position: np.ndarray) -> np.ndarray:
    towards = camera.LENS.astype(np.float32) - position
    return towards / np.linalg.norm(towards, axis=1, keepdims=True)


def _soft(distance: np.ndarray, inner: float, outer: float) -> np.ndarray:
    t = np.clip((outer - distance) / (outer - inner), 0, 1)
    return t * t * (3 - 2 * t)
