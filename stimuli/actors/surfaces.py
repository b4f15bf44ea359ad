"""From what each pixel sees to what it reflects with: skin, eyes, teeth, tongue and cloth.

Pictures are (H, W); a frame says which triangle each pixel shows (raster.Frame), a plan which material that is.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit

from stimuli.actors import atlas, camera, clothing, eyes, raster, skin
from stimuli.actors.scene import CLOTH, EYE_RIGHT, SKIN, TEETH, TONGUE, Layout, Scene
from stimuli.actors.shading import KEY_DIRECTION, Surface

TONGUE_RGB = (0.30, 0.095, 0.09)


@dataclass(frozen=True)
class Painted:
    """Surfaces, and what else reaches the lens: sparkle of wet eyes (H, W), key light through hair (H, W)."""

    surface: Surface
    sparkle: np.ndarray
    through: np.ndarray
    material: np.ndarray  # (H, W) int8, -1 the wall


def paint(
    plan: Layout, scene: Scene, frame: raster.Frame, position, sitter, openness, relief, gaze
) -> Painted:
    """Surfaces of every pixel.

    position (H, W, 3) studio space; sitter: sitter.Sitter; openness (body V,) of the posed skin; relief: the skin's atlas relief with wrinkles.
    """
    size = frame.depth.shape[0]
    unit_px = camera.EYE_DISTANCE * size
    s = Surface.empty(size)
    material = np.where(frame.triangle >= 0, plan.material[frame.triangle], -1).astype(np.int8)
    s.normal[:] = raster.interpolate(frame.triangle, frame.weights, plan.triangles, scene.normals)
    height = np.zeros((size, size), np.float32)
    sparkle, through = np.zeros((2, size, size), np.float32)
    through += 1

    bare = np.where(material == SKIN, frame.triangle, raster.NOTHING).astype(np.int32)
    values = np.column_stack([sitter.static, openness])
    seen = raster.interpolate(bare, frame.weights, plan.triangles, values)
    mask = material == SKIN
    s.albedo[mask] = seen[mask, 2:5]
    s.gloss[:], s.roughness[:], s.openness[:] = seen[..., 5], seen[..., 6], seen[..., 8]
    s.scatter[:] = mask
    through[mask] = seen[mask, 7]
    column, row = atlas.to_texels(seen[..., :2])
    skin.paint(bare, column, row, sitter.detail.tint, relief, s.albedo, height)

    which = np.where((material > SKIN) & (material <= EYE_RIGHT), material - 1, -1).astype(np.int8)
    lids = eyes.lid_distances(which >= 0, unit_px)

    _paint_mouth(plan, frame, material, position, s, unit_px)
    cloth = np.where(material == CLOTH, frame.triangle, raster.NOTHING).astype(np.int32)
    worn = np.zeros((len(scene.points), 2), np.float32)
    worn[plan.cloth] = np.column_stack([plan.shirt.drop, sitter.shirt_openness])
    drop, open_ = np.moveaxis(raster.interpolate(cloth, frame.weights, plan.triangles, worn), -1, 0)
    mask = material == CLOTH
    height[mask] = clothing.cloth_relief(position, drop)[mask]
    s.albedo[mask] = sitter.cloth_rgb
    s.gloss[mask], s.roughness[mask], s.openness[mask] = 0.02, 0.85, open_[mask]

    _emboss(s.normal, s.gloss_normal, height, material, frame.depth, np.float32(unit_px), 0.75)
    eyes.paint(
        which, position, lids, gaze.centre, gaze.direction, sitter.iris,
        np.array(eyes.SCLERA, np.float32), KEY_DIRECTION,
        s.normal, s.gloss_normal, s.albedo, s.gloss, s.roughness, s.openness, s.scatter, sparkle,
    )  # fmt: skip
    return Painted(s, sparkle, through, material)


def _paint_mouth(plan, frame, material, position, s: Surface, unit_px: float) -> None:
    """Teeth and tongue: wet, and darker the deeper they lie behind the lips."""
    teeth, tongue = material == TEETH, material == TONGUE
    shown = np.where(teeth, frame.triangle, raster.NOTHING).astype(np.int32)
    colour = raster.interpolate(shown, frame.weights, plan.triangles, plan.teeth_albedo)
    s.albedo[teeth] = colour[teeth]
    s.albedo[tongue] = TONGUE_RGB
    inside = teeth | tongue
    below_lip = eyes.lid_distances(inside, unit_px)
    depth = atlas.smoothstep(position[..., 2], -0.35, 0.35)
    lip = 0.45 + 0.55 * atlas.smoothstep(below_lip[..., 0], -0.01, 0.10)
    lip = lip * (0.65 + 0.35 * atlas.smoothstep(below_lip[..., 1], -0.01, 0.08))
    open_ = (0.05 + 0.75 * depth) * lip
    s.openness[inside] = open_[inside]
    s.albedo[inside] *= np.clip(0.15 + 1.2 * open_, 0, 1)[inside][:, None]
    s.gloss[inside], s.roughness[inside] = 0.035, 0.30
    s.scatter[inside] = 0


@njit(cache=True)
def _emboss(normal, gloss_normal, height, material, depth, unit_px, share):
    """Tilt normals by the slope of a height field seen in the picture (bump mapping).

    A height that does not change along the view has the gradient (dh/dx, dh/dy, 0); its part along the surface tilts
    the normal. Diffuse light takes `share` of the tilt, highlights all of it.
    """
    rows, columns = height.shape
    for r in range(1, rows - 1):
        for c in range(1, columns - 1):
            m = material[r, c]
            nx, ny, nz = normal[r, c, 0], normal[r, c, 1], normal[r, c, 2]
            gloss_normal[r, c, 0], gloss_normal[r, c, 1], gloss_normal[r, c, 2] = nx, ny, nz
            if m < 0:
                continue
            if (
                material[r, c - 1] != m or material[r, c + 1] != m
                or material[r - 1, c] != m or material[r + 1, c] != m
            ):  # fmt: skip
                continue
            if abs(depth[r, c - 1] - depth[r, c + 1]) > np.float32(0.12) or abs(
                depth[r - 1, c] - depth[r + 1, c]
            ) > np.float32(0.12):
                continue
            hx = (height[r, c + 1] - height[r, c - 1]) * np.float32(0.5) * unit_px
            hy = (height[r - 1, c] - height[r + 1, c]) * np.float32(0.5) * unit_px
            if hx == 0 and hy == 0:
                continue
            steep = max(nz, np.float32(0))
            hx, hy = hx * min(steep * 2, np.float32(1)), hy * min(steep * 2, np.float32(1))
            along = hx * nx + hy * ny
            for k in range(2):
                w = np.float32(share) if k == 0 else np.float32(1)
                x = nx - w * (hx - along * nx)
                y = ny - w * (hy - along * ny)
                z = nz + w * along * nz
                length = 1 / np.sqrt(x * x + y * y + z * z)
                out = normal if k == 0 else gloss_normal
                out[r, c, 0], out[r, c, 1], out[r, c, 2] = x * length, y * length, z * length
