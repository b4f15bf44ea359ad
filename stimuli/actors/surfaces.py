"""From what each pixel sees to what it reflects with: skin, eyes, teeth, tongue and cloth.

Pictures are (H, W); a frame says which triangle each pixel shows (raster.Frame), a plan which
material that is.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit

from stimuli.actors import atlas, camera, clothing, eyes, raster
from stimuli.actors.scene import EYE_RIGHT, SKIN, TEETH, TONGUE, Layout, Scene
from stimuli.actors.shading import KEY_DIRECTION, Surface

TONGUE_RGB = np.array([0.40, 0.14, 0.13], np.float32)
# Depth in units from which a furrow darkens (pores and lip lines are shallower), and at which it
# has lost these shares of light. Shares, not sums: furrows have one contrast on every skin tone.
FURROW = (np.float32(0.004), np.float32(0.016))
FURROW_FROM_ROOM, FURROW_FROM_KEY = np.float32(0.55), np.float32(0.30)


@dataclass(frozen=True)
class Painted:
    """Surfaces, sparkle of wet eyes (H, W), key light that comes through hair (H, W)."""

    surface: Surface
    sparkle: np.ndarray
    through: np.ndarray
    material: np.ndarray  # (H, W) int8, -1 the wall


def paint(
    plan: Layout, scene: Scene, frame: raster.Frame, position, sitter, openness, relief, gaze
) -> Painted:
    """Surfaces of every pixel.

    position (H, W, 3) studio space; sitter a sitter.Sitter; openness (body V,) of the posed skin;
    relief the skin's atlas relief with its wrinkles; gaze an eyes.Gaze.
    """
    size = frame.depth.shape[0]
    unit_px = camera.EYE_DISTANCE * size
    s = Surface.empty(size)
    material = np.full((size, size), -1, np.int8)
    height, sparkle = np.zeros((2, size, size), np.float32)
    through = np.ones((size, size), np.float32)
    worn = np.column_stack([plan.shirt.drop, sitter.shirt_openness])
    _skin_and_cloth(
        frame.triangle, frame.weights, plan.triangles, plan.material, scene.normals, position,
        sitter.static, openness, sitter.detail.tint, relief,
        (np.float32(atlas.LEFT), np.float32(atlas.TOP), np.float32(atlas.TEXELS)),
        worn, plan.cloth.start, sitter.cloth_rgb, np.float32(clothing.RIB),
        s.normal, s.albedo, s.gloss, s.roughness, s.openness, s.scatter, through, height, material,
    )  # fmt: skip
    _emboss(s.normal, s.gloss_normal, height, material, frame.depth, np.float32(unit_px), 0.75)
    _paint_mouth(plan, frame, material, position, s, unit_px)
    _paint_eyes(material, position, s, sparkle, unit_px, sitter, gaze)
    return Painted(s, sparkle, through, material)


def _paint_eyes(material, position, s: Surface, sparkle, unit_px: float, sitter, gaze) -> None:
    """Both eyes, in the part of the picture that shows them."""
    eye = (material > SKIN) & (material <= EYE_RIGHT)
    if not eye.any():
        return
    box = _box(eye)
    which = np.where(eye, material - 1, -1)[box].astype(np.int8)
    lids = eyes.lid_distances(which >= 0, unit_px)
    eyes.paint(
        which, position[box], lids, gaze.centre, gaze.direction, sitter.iris,
        np.array(eyes.SCLERA, np.float32), KEY_DIRECTION,
        s.normal[box], s.gloss_normal[box], s.albedo[box], s.gloss[box], s.roughness[box],
        s.openness[box], s.scatter[box], sparkle[box],
    )  # fmt: skip


def _paint_mouth(plan, frame, material, position, s: Surface, unit_px: float) -> None:
    """Teeth and tongue: wet, and darker the deeper they lie behind the lips."""
    inside = (material == TEETH) | (material == TONGUE)
    if not inside.any():
        return
    box = _box(inside)
    teeth, inside = (material[box] == TEETH), inside[box]
    shown = np.where(teeth, frame.triangle[box], raster.NOTHING).astype(np.int32)
    colour = raster.interpolate(shown, frame.weights[box], plan.triangles, plan.teeth_albedo)
    albedo = np.where(teeth[..., None], colour, TONGUE_RGB)
    below_lip = eyes.lid_distances(inside, unit_px)
    depth = atlas.smoothstep(position[box][..., 2], -0.35, 0.35)
    lip = 0.45 + 0.55 * atlas.smoothstep(below_lip[..., 0], -0.01, 0.10)
    lip = lip * (0.65 + 0.35 * atlas.smoothstep(below_lip[..., 1], -0.01, 0.08))
    open_ = (0.14 + 0.76 * depth) * lip
    albedo = albedo * np.clip(0.15 + 1.2 * open_, 0, 1)[..., None]
    s.openness[box][inside], s.albedo[box][inside] = open_[inside], albedo[inside]
    s.gloss[box][inside], s.roughness[box][inside] = 0.035, 0.30


def _box(mask: np.ndarray) -> tuple[slice, slice]:
    """Rows and columns of the smallest box around a mask."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


@njit(cache=True, nogil=True)
def _mirrored(place, length):
    """A texel position folded back into the atlas."""
    place = np.float64(place)
    if not 0 <= place < 2 * length:
        place = place % (2 * length)
    if place > length:
        place = 2 * length - place
    return min(max(place - np.float32(0.5), np.float32(0)), np.float32(length - 1.001))


@njit(cache=True, nogil=True)
def _ramp(x, low, high):
    t = min(max((x - low) / (high - low), np.float32(0)), np.float32(1))
    return t * t * (3 - 2 * t)


@njit(cache=True, nogil=True)
def _skin_and_cloth(
    triangle, weights, corners, materials, normals, position,
    static, open_, tint, relief, frame_of_atlas, worn, first_worn, cloth_rgb, rib,
    normal, albedo, gloss, roughness, openness, scatter, through, height, material,
):  # fmt: skip
    """Interpolate what lies on the mesh and look up what lies in the atlas, pixel by pixel."""
    left, top, texels = frame_of_atlas
    rows, columns = relief.shape
    seen = np.empty(8, np.float32)
    for r in range(triangle.shape[0]):
        for c in range(triangle.shape[1]):
            t = triangle[r, c]
            if t < 0:
                continue
            m = materials[t]
            material[r, c] = m
            i, j, k = corners[t, 0], corners[t, 1], corners[t, 2]
            a, b = weights[r, c, 0], weights[r, c, 1]
            g = 1 - a - b
            nx = a * normals[i, 0] + b * normals[j, 0] + g * normals[k, 0]
            ny = a * normals[i, 1] + b * normals[j, 1] + g * normals[k, 1]
            nz = a * normals[i, 2] + b * normals[j, 2] + g * normals[k, 2]
            length = np.sqrt(nx * nx + ny * ny + nz * nz) + np.float32(1e-12)
            normal[r, c, 0], normal[r, c, 1], normal[r, c, 2] = (
                nx / length,
                ny / length,
                nz / length,
            )
            if m == 0:  # skin
                for d in range(8):
                    seen[d] = a * static[i, d] + b * static[j, d] + g * static[k, d]
                u = _mirrored((seen[0] - left) * texels, columns)
                v = _mirrored((top - seen[1]) * texels, rows)
                q, p = int(u), int(v)
                fu, fv = u - q, v - p
                w00, w01, w10, w11 = (1 - fu) * (1 - fv), fu * (1 - fv), (1 - fu) * fv, fu * fv
                for d in range(3):
                    albedo[r, c, d] = seen[2 + d] * (
                        w00 * tint[p, q, d] + w01 * tint[p, q + 1, d]
                        + w10 * tint[p + 1, q, d] + w11 * tint[p + 1, q + 1, d]
                    )  # fmt: skip
                height[r, c] = (
                    w00 * relief[p, q] + w01 * relief[p, q + 1]
                    + w10 * relief[p + 1, q] + w11 * relief[p + 1, q + 1]
                )  # fmt: skip
                gloss[r, c], roughness[r, c], through[r, c] = seen[5], seen[6], seen[7]
                # a furrow's floor sees a strip of the room, and of the soft key light
                furrow = _ramp(-height[r, c], FURROW[0], FURROW[1])
                openness[r, c] = a * open_[i] + b * open_[j] + g * open_[k]
                openness[r, c] *= 1 - FURROW_FROM_ROOM * furrow
                through[r, c] *= 1 - FURROW_FROM_KEY * furrow
                scatter[r, c] = 1
            elif m == 5:  # cloth
                i, j, k = i - first_worn, j - first_worn, k - first_worn
                drop = a * worn[i, 0] + b * worn[j, 0] + g * worn[k, 0]
                x, y = position[r, c, 0], position[r, c, 1]
                collar = _ramp(drop, np.float32(0.015), np.float32(0.035))
                collar *= _ramp(drop, rib, rib - np.float32(0.025))
                seam = (drop - rib) / np.float32(0.012)
                knit = np.float32(0.0008) * np.sin(x * 110) * np.sin(y * 90) * (1 - collar)
                ridge = np.float32(0.0035) * np.sin(x * 75) * collar
                height[r, c] = knit + ridge - np.float32(0.010) * np.exp(-seam * seam)
                for d in range(3):
                    albedo[r, c, d] = cloth_rgb[d]
                gloss[r, c], roughness[r, c] = np.float32(0.02), np.float32(0.85)
                openness[r, c] = a * worn[i, 1] + b * worn[j, 1] + g * worn[k, 1]


@njit(cache=True, nogil=True)
def _emboss(normal, gloss_normal, height, material, depth, unit_px, share):
    """Tilt normals by the slope of a height field seen in the picture (bump mapping).

    A height that does not change along the view has the gradient (dh/dx, dh/dy, 0); its part along
    the surface tilts the normal. Diffuse light takes `share` of the tilt, highlights all of it.
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
