"""Light in the studio: from surfaces to linear-light colour, one pixel at a time.

A surface is what every visible pixel reflects with; colours are linear sRGB, albedo in [0, 1].
Light is in units in which a white card that faces the key light returns about 1. The set-up is a
portrait photographer's: a large soft key from above and camera left, a fill from the other side,
two faint rims from behind, and a grey room.
"""

from dataclasses import dataclass, fields

import numpy as np
from numba import njit

# towards the light (x right, y up, z to viewer), strength, widening of highlights, shadows
KEY = ((-0.60, 0.62, 0.78), 1.16, 0.16, True)
FILL = ((0.80, 0.12, 0.72), 0.24, 0.22, False)
RIM_LEFT = ((-0.88, 0.35, -0.42), 0.26, 0.20, False)
RIM_RIGHT = ((0.88, 0.40, -0.42), 0.30, 0.20, False)
LIGHTS = (KEY, FILL, RIM_LEFT, RIM_RIGHT)
ROOM = 0.23  # light from all around
SCATTER = (0.034, 0.013, 0.006)  # how far red, green, blue travel under skin (SD), in eye distances
WRAP = (0.18, 0.10, 0.07)  # how far each bends around the edge of the shadow


@dataclass(frozen=True)
class Surface:
    """Reflecting surfaces of a picture (H, W[, C]); all zero where nothing is seen."""

    normal: np.ndarray  # (H, W, 3) for the diffuse part
    gloss_normal: np.ndarray  # (H, W, 3) for highlights: finer relief, wet layers
    albedo: np.ndarray  # (H, W, 3) linear
    gloss: np.ndarray  # (H, W) reflectance of the surface layer at right angles, 0.028 for skin
    roughness: np.ndarray  # (H, W) GGX alpha's root
    openness: np.ndarray  # (H, W) share of the room that the point sees
    scatter: np.ndarray  # (H, W) 1 for skin, 0 for what does not scatter

    @classmethod
    def empty(cls, size: int) -> "Surface":
        """Surfaces of a picture that shows nothing."""
        three = {"normal", "gloss_normal", "albedo"}
        return cls(
            *(
                np.zeros((size, size, 3) if f.name in three else (size, size), np.float32)
                for f in fields(cls)
            )
        )


def unit(vector: tuple[float, float, float]) -> np.ndarray:
    """A vector of length 1, float32."""
    v = np.asarray(vector, np.float64)
    return (v / np.linalg.norm(v)).astype(np.float32)


KEY_DIRECTION = unit(KEY[0])
DIRECTIONS = np.stack([unit(light[0]) for light in LIGHTS])
STRENGTHS = np.array([light[1] for light in LIGHTS], np.float32)
WIDENINGS = np.array([light[2] for light in LIGHTS], np.float32)


def illuminate(
    surface: Surface, position: np.ndarray, eye: np.ndarray, shadow: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Light that arrives (H, W, 3) and light that glances off (H, W, 3).

    position (H, W, 3) studio space, eye (3,) the lens, shadow (H, W) share of the key light that
    arrives. Highlights: Cook-Torrance with GGX (Walter et al. 2007) and Schlick's Fresnel term.
    """
    s = surface
    return _illuminate(
        position,
        eye.astype(np.float32),
        s.normal,
        s.gloss_normal,
        s.gloss,
        s.roughness,
        s.openness,
        s.scatter,
        shadow,
    )


@njit(cache=True, nogil=True)
def _illuminate(position, eye, normal, gloss_normal, gloss, roughness, openness, scatter, shadow):
    height, width = gloss.shape
    arriving = np.zeros((height, width, 3), np.float32)
    glancing = np.zeros((height, width, 3), np.float32)
    for r in range(height):
        for c in range(width):
            nx, ny, nz = normal[r, c, 0], normal[r, c, 1], normal[r, c, 2]
            if nx == 0 and ny == 0 and nz == 0:
                continue
            gx, gy, gz = gloss_normal[r, c, 0], gloss_normal[r, c, 1], gloss_normal[r, c, 2]
            vx = eye[0] - position[r, c, 0]
            vy = eye[1] - position[r, c, 1]
            vz = eye[2] - position[r, c, 2]
            length = np.float32(1) / np.sqrt(vx * vx + vy * vy + vz * vz)
            vx, vy, vz = vx * length, vy * length, vz * length
            open_ = openness[r, c]
            # the room: brighter above than below, colour bleeds a little from lit skin in creases
            room = np.float32(ROOM) * (np.float32(0.80) + np.float32(0.20) * ny)
            bleed = scatter[r, c] * np.float32(0.35) * (1 - open_) * open_
            red = room * (open_ + bleed)
            green = room * (open_ + np.float32(0.3) * bleed)
            blue = room * (open_ + np.float32(0.15) * bleed)
            glance = np.float32(0)
            nv = max(gx * vx + gy * vy + gz * vz, np.float32(0.02))
            for i in range(DIRECTIONS.shape[0]):
                lx, ly, lz = DIRECTIONS[i, 0], DIRECTIONS[i, 1], DIRECTIONS[i, 2]
                nl = nx * lx + ny * ly + nz * lz
                seen = shadow[r, c] if i == 0 else open_
                if i > 1:  # rims come from behind: keep them out of hollows
                    seen = open_ * open_
                power = STRENGTHS[i] * seen
                soft = scatter[r, c]
                w = soft * np.float32(WRAP[0])
                red += power * max((nl + w) / ((1 + w) * (1 + w)), np.float32(0))
                w = soft * np.float32(WRAP[1])
                green += power * max((nl + w) / ((1 + w) * (1 + w)), np.float32(0))
                w = soft * np.float32(WRAP[2])
                blue += power * max((nl + w) / ((1 + w) * (1 + w)), np.float32(0))
                gl = gx * lx + gy * ly + gz * lz
                if gl <= 0 or gloss[r, c] <= 0:
                    continue
                hx, hy, hz = lx + vx, ly + vy, lz + vz
                length = np.float32(1) / np.sqrt(hx * hx + hy * hy + hz * hz)
                hx, hy, hz = hx * length, hy * length, hz * length
                nh = gx * hx + gy * hy + gz * hz
                vh = vx * hx + vy * hy + vz * hz
                a = roughness[r, c] * roughness[r, c]
                wide = min(a + WIDENINGS[i] * np.float32(0.5), np.float32(1))
                energy = (a / wide) * (a / wide)
                a2 = wide * wide
                d = nh * nh * (a2 - 1) + 1
                spread = a2 / (np.float32(np.pi) * d * d)
                k = (roughness[r, c] + 1) * (roughness[r, c] + 1) / 8
                masking = 1 / (4 * (gl * (1 - k) + k) * (nv * (1 - k) + k))
                f0 = gloss[r, c]
                x = 1 - vh
                fresnel = f0 + (1 - f0) * x * x * x * x * x
                energy = max(energy, np.float32(0.35))
                glance += power * gl * spread * masking * fresnel * energy * np.float32(np.pi)
            # the room in the surface layer, strongest at grazing angles
            x = 1 - nv
            smooth = 1 - roughness[r, c]
            grazing = gloss[r, c] + smooth * smooth * x * x * x * x * x * np.float32(0.6)
            glance += room * open_ * open_ * grazing
            arriving[r, c, 0], arriving[r, c, 1], arriving[r, c, 2] = red, green, blue
            glancing[r, c, 0], glancing[r, c, 1], glancing[r, c, 2] = glance, glance, glance
    return arriving, glancing


def diffuse_under_skin(
    arriving: np.ndarray, scatter: np.ndarray, depth: np.ndarray, unit_px: float
) -> np.ndarray:
    """Blur arriving light as skin does: red furthest, blue least; not across edges in depth.

    arriving (H, W, 3), scatter (H, W), depth (H, W) in units, unit_px pixels a unit. Jimenez et al.
    (2009) in spirit: one Gaussian a channel, separable, on the picture.
    """
    out = arriving
    for axis in (0, 1):
        out = _blur_along(
            out, scatter, depth, axis, np.array(SCATTER, np.float32) * np.float32(unit_px)
        )
    return out


@njit(cache=True, nogil=True)
def _blur_along(light, scatter, depth, axis, sds):
    height, width = depth.shape
    reach = max(int(np.ceil(2.2 * sds[0])), 1)
    weights = np.empty((3, reach + 1), np.float32)
    for d in range(3):
        for k in range(reach + 1):
            weights[d, k] = np.exp(-0.5 * (k / max(sds[d], 0.2)) ** 2)
    out = light.copy()
    for r in range(height):
        for c in range(width):
            if scatter[r, c] <= 0:
                continue
            s0, s1, s2 = weights[0, 0] * light[r, c, 0], light[r, c, 1], light[r, c, 2]
            w0, w1, w2 = np.float32(1), np.float32(1), np.float32(1)
            for side in (-1, 1):
                for k in range(1, reach + 1):
                    y = r + side * k if axis == 0 else r
                    x = c + side * k if axis == 1 else c
                    if y < 0 or x < 0 or y >= height or x >= width:
                        break
                    if scatter[y, x] <= 0 or abs(depth[y, x] - depth[r, c]) > np.float32(0.16):
                        break
                    g = weights[0, k]
                    s0 += g * light[y, x, 0]
                    w0 += g
                    g = weights[1, k]
                    if g > np.float32(0.002):
                        s1 += g * light[y, x, 1]
                        w1 += g
                        g = weights[2, k]
                        s2 += g * light[y, x, 2]
                        w2 += g
            out[r, c, 0], out[r, c, 1], out[r, c, 2] = s0 / w0, s1 / w1, s2 / w2
    return out


@njit(cache=True, nogil=True)
def leaving(arriving, albedo, glancing, sparkle):
    """Light (H, W, 4) towards the lens: reflected, glancing, sparkling; last channel 1."""
    height, width = sparkle.shape
    out = np.ones((height, width, 4), np.float32)
    for r in range(height):
        for c in range(width):
            for d in range(3):
                out[r, c, d] = (
                    arriving[r, c, d] * albedo[r, c, d] + glancing[r, c, d] + sparkle[r, c]
                )
    return out
