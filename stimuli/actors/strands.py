"""Strands of hair: thin curves, lit as fibres and drawn with partial coverage.

Symbols: N strands of K points each; points (N, K, 3) in studio space, root first; colour (N, 3)
linear albedo; width (units) at the root, tapering to the tip. A layer is a picture (H, W, 4): light
times coverage, and coverage.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numba import njit

from stimuli.actors import camera, shading

SHIFTS = np.array([-0.10, 0.14], np.float32)  # of the two highlights, towards the outside
POWERS = (90, 16)  # how narrow each is


@dataclass(frozen=True)
class Strands:
    """Hair of one kind."""

    points: np.ndarray  # (N, K, 3) float32
    colour: np.ndarray  # (N, 3) float32
    width: float  # units
    sheen: float = 1.0  # strength of the highlights


def light_strands(
    strands: Strands, outward: np.ndarray, key: np.ndarray, openness: np.ndarray
) -> np.ndarray:
    """Light (N, K, 3) that the strands send to the lens.

    outward (N, K, 3) unit normals of the hair's bulk, key and openness (N, K): shares of the key
    light and of the room that arrive. Kajiya & Kay (1989) diffuse term, two shifted highlights
    after Marschner et al. (2003) as simplified by Scheuermann (2004).
    """
    tangents = _tangents(strands.points)
    sines = _sines(tangents, outward, _halves(), SHIFTS)
    # numpy raises to powers, many at a time
    narrow, wide = (sine**power for sine, power in zip(sines, POWERS, strict=True))
    return _light(
        tangents, outward, strands.colour, key, openness, openness**1.5, narrow, wide,
        shading.DIRECTIONS, shading.STRENGTHS, np.float32(1.15 * shading.ROOM),
        np.float32(strands.sheen),
    )  # fmt: skip


@lru_cache(maxsize=1)
def _halves() -> np.ndarray:
    """Unit directions (L, 3) halfway between each light and the lens."""
    halves = shading.DIRECTIONS + np.array([0.0, 0.0, 1.0], np.float32)
    return np.stack([half / np.linalg.norm(half) for half in halves])


def draw_strands(
    strands: Strands, light: np.ndarray, front: np.ndarray, behind: np.ndarray | None,
    depth: np.ndarray, alpha: float = 1.0,
) -> None:  # fmt: skip
    """Blend strands, far ones first, into `front` where they lie before `depth`, else `behind`.

    front, behind (H, W, 4) are changed; with behind None, hidden strands are left out.
    """
    size = front.shape[0]
    screen = camera.project(strands.points, size)
    middle = 0.5 * (screen[:, :-1, 2] + screen[:, 1:, 2])
    order = np.argsort(-middle.ravel(), kind="stable").astype(np.int32)
    width = np.float32(strands.width * camera.EYE_DISTANCE * size)
    hidden = front if behind is None else behind
    _draw(screen, light, order, width, np.float32(alpha), front, hidden, behind is not None, depth)


@njit(cache=True, nogil=True)
def _tangents(points):
    """Unit directions (N, K, 3) from root to tip."""
    count, steps = points.shape[:2]
    out = np.empty_like(points)
    for n in range(count):
        for k in range(steps):
            before, after = max(k - 1, 0), min(k + 1, steps - 1)
            x = points[n, after, 0] - points[n, before, 0]
            y = points[n, after, 1] - points[n, before, 1]
            z = points[n, after, 2] - points[n, before, 2]
            far = np.float32(after - before)
            x, y, z = x / far, y / far, z / far
            length = max(np.sqrt(x * x + y * y + z * z), np.float32(1e-9))
            out[n, k, 0], out[n, k, 1], out[n, k, 2] = x / length, y / length, z / length
    return out


@njit(cache=True, nogil=True)
def _sines(tangents, outward, halves, shifts):
    """Sines (2, L, N, K) between the shifted tangents and the directions halfway to each light."""
    count, steps = tangents.shape[:2]
    one, none = np.float32(1), np.float32(0)
    out = np.empty((2, halves.shape[0], count, steps), np.float32)
    for n in range(count):
        for k in range(steps):
            for s in range(2):
                x = tangents[n, k, 0] + shifts[s] * outward[n, k, 0]
                y = tangents[n, k, 1] + shifts[s] * outward[n, k, 1]
                z = tangents[n, k, 2] + shifts[s] * outward[n, k, 2]
                length = np.sqrt(x * x + y * y + z * z)
                x, y, z = x / length, y / length, z / length
                for i in range(halves.shape[0]):
                    along = x * halves[i, 0] + y * halves[i, 1] + z * halves[i, 2]
                    out[s, i, n, k] = np.sqrt(min(max(one - along * along, none), one))
    return out


@njit(cache=True, nogil=True)
def _light(
    tangents, outward, colour, key, room, hollow, narrow, wide,
    directions, strengths, ambient, sheen,
):  # fmt: skip
    """Light (N, K, 3); hollow: room to the power of 1.5, narrow and wide (L, N, K) highlights."""
    count, steps = tangents.shape[:2]
    one, none = np.float32(1), np.float32(0)
    out = np.empty((count, steps, 3), np.float32)
    for n in range(count):
        for k in range(steps):
            for d in range(3):
                out[n, k, d] = ambient * room[n, k] * colour[n, d]
            tx, ty, tz = tangents[n, k, 0], tangents[n, k, 1], tangents[n, k, 2]
            ox, oy, oz = outward[n, k, 0], outward[n, k, 1], outward[n, k, 2]
            for i in range(directions.shape[0]):
                dx, dy, dz = directions[i, 0], directions[i, 1], directions[i, 2]
                arrives = strengths[i] * (key[n, k] if i == 0 else hollow[n, k])
                facing = ox * dx + oy * dy + oz * dz
                bulk = min(max(np.float32(0.35) + np.float32(0.65) * facing, none), one)
                along = tx * dx + ty * dy + tz * dz
                across = np.sqrt(min(max(one - along * along, none), one))
                diffuse = arrives * bulk * across * np.float32(0.80)
                white = np.float32(0.040) * narrow[i, n, k]
                tinted = np.float32(0.50) * wide[i, n, k]
                power = arrives * bulk * sheen
                for d in range(3):
                    light = out[n, k, d] + diffuse * colour[n, d]
                    out[n, k, d] = light + power * (white + tinted * colour[n, d])
    return out


@njit(cache=True, nogil=True)
def _draw(screen, light, order, width, alpha, front, behind, keep, depth):
    height, columns = depth.shape
    segments = screen.shape[1] - 1
    for o in range(order.shape[0]):
        n, k = order[o] // segments, order[o] % segments
        x0, y0, x1, y1 = screen[n, k, 0], screen[n, k, 1], screen[n, k + 1, 0], screen[n, k + 1, 1]
        z0, z1 = screen[n, k, 2], screen[n, k + 1, 2]
        # tapers over the outer third
        taper = np.float32(1) - np.float32(0.75) * max(
            np.float32(0), (k - np.float32(0.62) * segments) / (np.float32(0.38) * segments)
        )
        wide = width * taper
        steep = abs(y1 - y0) > abs(x1 - x0)
        a0, a1 = (y0, y1) if steep else (x0, x1)
        b0, b1 = (x0, x1) if steep else (y0, y1)
        if a0 == a1:
            continue
        turned = a1 < a0
        if turned:
            a0, a1, b0, b1 = a1, a0, b1, b0
        slope = (b1 - b0) / (a1 - a0)
        reach = max(wide, np.float32(1.0)) * np.float32(0.5) * np.sqrt(1 + slope * slope)
        cover = min(wide, np.float32(1.0)) * alpha
        first, last = int(np.ceil(a0 - 0.5)), int(np.ceil(a1 - 0.5))
        for a in range(first, last):
            t = (a + np.float32(0.5) - a0) / (a1 - a0)
            b = b0 + slope * (a + np.float32(0.5) - a0)
            f = 1 - t if turned else t
            z = z0 * (1 - f) + z1 * f
            for m in range(int(np.floor(b - reach)), int(np.floor(b + reach)) + 1):
                r, c = (a, m) if steep else (m, a)
                if r < 0 or c < 0 or r >= height or c >= columns:
                    continue
                inside = min(m + np.float32(1), b + reach) - max(np.float32(m), b - reach)
                if inside <= 0:
                    continue
                share = cover * min(inside, np.float32(1))
                before = z < depth[r, c]
                if not before and not keep:
                    continue
                layer = front if before else behind
                rest = 1 - share
                for d in range(3):
                    value = light[n, k, d] * (1 - f) + light[n, k + 1, d] * f
                    layer[r, c, d] = layer[r, c, d] * rest + value * share
                layer[r, c, 3] = layer[r, c, 3] * rest + share
