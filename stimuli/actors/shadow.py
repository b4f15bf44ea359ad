"""What hides the light: the key light's shadow map, and how open each point is to the room.

Studio space and units as in camera.py. Both come from parallel depth pictures drawn with the
rasteriser.
"""

from functools import lru_cache

import numpy as np
from numba import njit

from stimuli.actors.raster import draw_depth, far_enough

EXTENT = 3.4  # half the width of the shadow map, in units
CENTRE = (0.0, -0.5, 0.0)
BIAS = 0.015  # a surface does not shade itself within this depth
OFFSET = 0.075  # the comparison is made this far off the surface, in units
SOFTNESS = 0.085  # radius of the penumbra, in units


def view_from(direction: np.ndarray) -> np.ndarray:
    """Rows right, up, forward-away (3, 3) of a parallel view from a far light in `direction`."""
    return _view_from(tuple(np.asarray(direction, np.float64).tolist()))


@lru_cache(maxsize=256)
def _view_from(direction: tuple[float, float, float]) -> np.ndarray:
    z = np.array(direction)
    x = np.cross((0.0, 1.0, 0.0) if abs(z[1]) < 0.95 else (1.0, 0.0, 0.0), z)
    x /= np.linalg.norm(x)
    return np.stack([x, np.cross(z, x), -z]).astype(np.float32)


def to_map(points: np.ndarray, view: np.ndarray, size: int) -> np.ndarray:
    """Points (..., 3) to the map's x, y in pixels and depth (+10, so that it is positive)."""
    flat = np.ascontiguousarray(points, np.float32).reshape(-1, 3)
    return _to_map(flat, view, np.array(CENTRE, np.float32), size).reshape(points.shape)


def shadow_map(
    points: np.ndarray, tris: np.ndarray, direction: np.ndarray, size: int = 512
) -> np.ndarray:
    """Depth (size, size) of the nearest surface as seen from the light."""
    depth = np.full((size, size), np.inf, np.float32)
    return draw_depth(depth, to_map(points, view_from(direction), size), tris)


def lit(position, normal, depth: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """Share of the light (0-1) that reaches each position (H, W, 3): a soft comparison over a disc.

    The comparison is made a little off the surface, along its normal (H, W, 3), so that a slope
    does not shade itself.
    """
    spot = to_map(position + normal * np.float32(OFFSET), view_from(direction), depth.shape[0])
    radius = np.float32(SOFTNESS * depth.shape[0] / (2 * EXTENT))
    return _lit(spot, normal, direction, depth, np.float32(BIAS), radius, _disc())


def reach(
    position: np.ndarray, normal: np.ndarray, points: np.ndarray, tris: np.ndarray,
    direction: np.ndarray, size: int = 512,
) -> np.ndarray:  # fmt: skip
    """As lit() with a shadow_map(), faster: what lies behind all the positions is not drawn."""
    view = view_from(direction)
    spot = to_map(position + normal * np.float32(OFFSET), view, size)
    radius = np.float32(SOFTNESS * size / (2 * EXTENT))
    until = far_enough(spot, _faces(normal, direction), size, int(radius) + 2)
    depth = np.full((size, size), np.inf, np.float32)
    draw_depth(depth, to_map(points, view, size), tris, until)
    return _lit(spot, normal, direction, depth, np.float32(BIAS), radius, _disc())


def openness(
    points: np.ndarray,
    normals: np.ndarray,
    tris: np.ndarray,
    directions: np.ndarray,
    size: int = 256,
) -> np.ndarray:
    """Cosine-weighted share (V,) of the sky that each vertex sees, one view a direction.

    directions (D, 3): evenly spread unit vectors, not drawn at random. size: pixels a side of each
    view.
    """
    seen = np.zeros(len(points), np.float32)
    weight = np.full(len(points), 1e-6, np.float32)
    depth = np.empty((size, size), np.float32)
    for direction in directions:
        spot = to_map(points, view_from(direction), size)
        depth.fill(np.inf)
        draw_depth(depth, spot, tris)
        _look(spot, normals, direction, depth, 0.045, seen, weight)
    return seen / weight


def fibonacci_sphere(n: int) -> np.ndarray:
    """Evenly spread unit vectors (n, 3)."""
    i = np.arange(n) + 0.5
    height, turn = 1 - 2 * i / n, i * np.pi * (3 - np.sqrt(5))
    ring = np.sqrt(1 - height**2)
    return np.stack([ring * np.cos(turn), height, ring * np.sin(turn)], axis=1).astype(np.float32)


def _disc(n: int = 11) -> np.ndarray:
    i = np.arange(n) + 0.5
    radius, turn = np.sqrt(i / n), i * np.pi * (3 - np.sqrt(5))
    return np.stack([radius * np.cos(turn), radius * np.sin(turn)], axis=1).astype(np.float32)


@njit(cache=True, nogil=True)
def _to_map(points, view, centre, size):
    out = np.empty_like(points)
    scale, half = np.float32(size / (2 * EXTENT)), np.float32(size / 2)
    for n in range(points.shape[0]):
        x, y, z = points[n, 0] - centre[0], points[n, 1] - centre[1], points[n, 2] - centre[2]
        out[n, 0] = half + scale * (view[0, 0] * x + view[0, 1] * y + view[0, 2] * z)
        out[n, 1] = half - scale * (view[1, 0] * x + view[1, 1] * y + view[1, 2] * z)
        out[n, 2] = 10 + (view[2, 0] * x + view[2, 1] * y + view[2, 2] * z)
    return out


@njit(cache=True, nogil=True)
def _faces(normal, towards):
    """Where surfaces (H, W) face the light: elsewhere it is not asked for."""
    out = np.empty(normal.shape[:2], np.bool_)
    for r in range(normal.shape[0]):
        for c in range(normal.shape[1]):
            out[r, c] = (
                normal[r, c, 0] * towards[0]
                + normal[r, c, 1] * towards[1]
                + normal[r, c, 2] * towards[2]
            ) > 0
    return out


@njit(cache=True, nogil=True)
def _lit(spot, away, towards, depth, bias, radius, disc):
    height, width = spot.shape[:2]
    size = depth.shape[0]
    out = np.ones((height, width), np.float32)
    facing = _faces(away, towards)
    for r in range(height):
        for c in range(width):
            if not facing[r, c]:
                continue  # no surface here, or one that faces away from the light anyway
            z = spot[r, c, 2] - bias
            total = np.float32(0)
            for k in range(disc.shape[0]):
                x = spot[r, c, 0] + disc[k, 0] * radius - np.float32(0.5)
                y = spot[r, c, 1] + disc[k, 1] * radius - np.float32(0.5)
                if x < 0 or y < 0 or x >= size - 1 or y >= size - 1:
                    total += 1
                    continue
                i, j = int(y), int(x)
                upper = (depth[i, j] >= z, depth[i, j + 1] >= z)
                lower = (depth[i + 1, j] >= z, depth[i + 1, j + 1] >= z)
                if upper[0] & upper[1] & lower[0] & lower[1]:
                    total += 1
                elif upper[0] | upper[1] | lower[0] | lower[1]:
                    fy, fx = y - i, x - j
                    a = np.float32(upper[0]) * (1 - fx) + np.float32(upper[1]) * fx
                    b = np.float32(lower[0]) * (1 - fx) + np.float32(lower[1]) * fx
                    total += a * (1 - fy) + b * fy
            out[r, c] = total / disc.shape[0]
    return out


@njit(cache=True, nogil=True)
def _look(spot, normals, towards, depth, bias, seen, weight):
    """Add to seen (V,) and weight (V,) what each vertex sees of the sky in one direction."""
    size = depth.shape[0]
    for n in range(spot.shape[0]):
        cosine = (
            normals[n, 0] * towards[0] + normals[n, 1] * towards[1] + normals[n, 2] * towards[2]
        )
        if cosine <= 0:
            continue
        weight[n] += cosine
        x, y = spot[n, 0] - np.float32(0.5), spot[n, 1] - np.float32(0.5)
        if x < 0 or y < 0 or x >= size - 1 or y >= size - 1:
            seen[n] += cosine
            continue
        i, j = int(y), int(x)
        fy, fx = y - i, x - j
        z = spot[n, 2] - bias
        a = np.float32(depth[i, j] >= z) * (1 - fx) + np.float32(depth[i, j + 1] >= z) * fx
        b = np.float32(depth[i + 1, j] >= z) * (1 - fx) + np.float32(depth[i + 1, j + 1] >= z) * fx
        seen[n] += cosine * np.float32(a * (1 - fy) + b * fy)
