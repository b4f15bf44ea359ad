"""A small software rasteriser: triangles to depth, number and position inside the triangle.

No graphics driver takes part, so the same scene gives the same bytes on every run. Pixel (row r,
column c) is sampled at its centre (x = c + 0.5, y = r + 0.5), y down. Depth is the distance along
the view axis and grows away from the camera; the nearest surface wins, of equals the first drawn.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit

NOTHING = -1  # triangle number where no surface is seen


@dataclass(frozen=True)
class Frame:
    """What pixels see: depth (H, W), triangle (H, W), weights (H, W, 2) of two corners."""

    depth: np.ndarray
    triangle: np.ndarray
    weights: np.ndarray

    @classmethod
    def empty(cls, height: int, width: int) -> "Frame":
        """A frame that sees nothing yet."""
        return cls(
            np.full((height, width), np.inf, np.float32),
            np.full((height, width), NOTHING, np.int32),
            np.zeros((height, width, 2), np.float32),
        )


def draw(
    frame: Frame, screen: np.ndarray, tris: np.ndarray, *, cull: bool = True,
    yielding: np.ndarray | None = None,
) -> Frame:  # fmt: skip
    """Draw triangles (T, 3) over screen points (V, 3): x, y in pixels, depth; no back faces.

    yielding: (T,), how much nearer a triangle has to be than those drawn before it to hide them;
    None: anything nearer hides.
    """
    if yielding is None:
        yielding = np.zeros(len(tris), np.float32)
    _draw(screen, tris, cull, yielding, frame.depth, frame.triangle, frame.weights)
    return frame


def draw_depth(depth: np.ndarray, screen: np.ndarray, tris: np.ndarray) -> np.ndarray:
    """Nearest depth only, both faces, parallel projection: the map a shadow is looked up in."""
    _draw_depth(screen, tris, depth)
    return depth


@njit(cache=True, nogil=True)
def _draw(screen, tris, cull, yielding, depth, triangle, weights):
    height, width = depth.shape
    for t in range(tris.shape[0]):
        i, j, k = tris[t, 0], tris[t, 1], tris[t, 2]
        x0, y0, z0 = screen[i, 0], screen[i, 1], screen[i, 2]
        x1, y1, z1 = screen[j, 0], screen[j, 1], screen[j, 2]
        x2, y2, z2 = screen[k, 0], screen[k, 1], screen[k, 2]
        # y points down, so a triangle that faces the camera has a negative area here
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if area == 0 or (cull and area > 0):
            continue
        left = max(0, int(np.ceil(min(x0, x1, x2) - 0.5)))
        right = min(width - 1, int(np.floor(max(x0, x1, x2) - 0.5)))
        top = max(0, int(np.ceil(min(y0, y1, y2) - 0.5)))
        bottom = min(height - 1, int(np.floor(max(y0, y1, y2) - 0.5)))
        if left > right or top > bottom:
            continue
        inverse = np.float32(1) / area
        dax, dbx = (y1 - y2) * inverse, (y2 - y0) * inverse
        for r in range(top, bottom + 1):
            py = r + np.float32(0.5)
            px = left + np.float32(0.5)
            a = ((x1 - px) * (y2 - py) - (x2 - px) * (y1 - py)) * inverse
            b = ((x2 - px) * (y0 - py) - (x0 - px) * (y2 - py)) * inverse
            for c in range(left, right + 1):
                g = np.float32(1) - a - b
                if a >= 0 and b >= 0 and g >= 0:
                    # 1/depth is linear on the screen (perspective)
                    z = np.float32(1) / (a / z0 + b / z1 + g / z2)
                    if z + yielding[t] < depth[r, c]:
                        depth[r, c] = z
                        triangle[r, c] = t
                        weights[r, c, 0] = a * z / z0
                        weights[r, c, 1] = b * z / z1
                a += dax
                b += dbx


@njit(cache=True, nogil=True)
def _draw_depth(screen, tris, depth):
    height, width = depth.shape
    for t in range(tris.shape[0]):
        i, j, k = tris[t, 0], tris[t, 1], tris[t, 2]
        x0, x1, x2 = screen[i, 0], screen[j, 0], screen[k, 0]
        left = max(0, int(np.ceil(min(x0, x1, x2) - 0.5)))
        right = min(width - 1, int(np.floor(max(x0, x1, x2) - 0.5)))
        if left > right:
            continue  # most triangles of a small map lie between the centres of its pixels
        y0, y1, y2 = screen[i, 1], screen[j, 1], screen[k, 1]
        top = max(0, int(np.ceil(min(y0, y1, y2) - 0.5)))
        bottom = min(height - 1, int(np.floor(max(y0, y1, y2) - 0.5)))
        if top > bottom:
            continue
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if area == 0:
            continue
        z0, z1, z2 = screen[i, 2], screen[j, 2], screen[k, 2]
        inverse = np.float32(1) / area
        for r in range(top, bottom + 1):
            py = r + np.float32(0.5)
            for c in range(left, right + 1):
                px = c + np.float32(0.5)
                a = ((x1 - px) * (y2 - py) - (x2 - px) * (y1 - py)) * inverse
                b = ((x2 - px) * (y0 - py) - (x0 - px) * (y2 - py)) * inverse
                g = np.float32(1) - a - b
                if a >= 0 and b >= 0 and g >= 0:
                    z = a * z0 + b * z1 + g * z2
                    if z < depth[r, c]:
                        depth[r, c] = z


@njit(cache=True, nogil=True)
def interpolate(triangle, weights, corners, values):
    """Values at the vertices, carried to each pixel.

    triangle (H, W), weights (H, W, 2) as in Frame; corners (T, 3) rows of values (V, C). Returns
    (H, W, C), zero where nothing is seen or where the triangle has no row (corner -1).
    """
    height, width = triangle.shape
    channels = values.shape[1]
    out = np.zeros((height, width, channels), np.float32)
    for r in range(height):
        for c in range(width):
            t = triangle[r, c]
            if t < 0 or t >= corners.shape[0]:
                continue
            i, j, k = corners[t, 0], corners[t, 1], corners[t, 2]
            if i < 0:
                continue
            a, b = weights[r, c, 0], weights[r, c, 1]
            g = np.float32(1) - a - b
            for d in range(channels):
                out[r, c, d] = a * values[i, d] + b * values[j, d] + g * values[k, d]
    return out


@njit(cache=True, nogil=True)
def sample(image, x, y):
    """Bilinear look-up of image (H, W, C) at pixel positions x, y (N,): (N, C), edges held."""
    height, width, channels = image.shape
    out = np.empty((x.size, channels), np.float32)
    for n in range(x.size):
        u = min(max(x[n] - np.float32(0.5), np.float32(0)), np.float32(width - 1.001))
        v = min(max(y[n] - np.float32(0.5), np.float32(0)), np.float32(height - 1.001))
        c, r = int(u), int(v)
        fu, fv = u - c, v - r
        for d in range(channels):
            upper = image[r, c, d] * (1 - fu) + image[r, c + 1, d] * fu
            lower = image[r + 1, c, d] * (1 - fu) + image[r + 1, c + 1, d] * fu
            out[n, d] = upper * (1 - fv) + lower * fv
    return out
