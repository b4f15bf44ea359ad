"""A small software rasteriser: triangles to depth, number and position inside the triangle.

No graphics driver takes part, so the same scene gives the same bytes on every run. Pixel (row r,
column c) is sampled at its centre (x = c + 0.5, y = r + 0.5), y down. Depth is the distance along
the view axis and grows away from the camera; the nearest surface wins, of equals the first drawn.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit

BLOCK, LARGE = 8, 16  # pixels; see far_enough
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


def draw_depth(
    depth: np.ndarray, screen: np.ndarray, tris: np.ndarray, until: np.ndarray | None = None
) -> np.ndarray:
    """Nearest depth only, both faces, parallel projection: the map a shadow is looked up in.

    until: from far_enough(); depths beyond it are left out where that saves time.
    """
    until = np.full((1, 1), np.inf, np.float32) if until is None else until
    _draw_depth(screen, tris, depth, until)
    return depth


@njit(cache=True, nogil=True)
def far_enough(spot, asked, size, reach):
    """How far away surfaces can still matter: (B, B) blocks of BLOCK pixels of a map of `size`.

    spot (..., 3): where, in pixels, and at which depth the map will be looked up, within `reach`
    pixels; asked (...): which of them will be. A block answers for triangles that begin in it and
    are no larger than LARGE pixels.
    """
    blocks = (size + BLOCK - 1) // BLOCK
    furthest = np.full((blocks, blocks), -np.inf, np.float32)
    places, used = spot.reshape(-1, 3), asked.ravel()
    for n in range(places.shape[0]):
        if used[n]:
            r = min(max(int(places[n, 1]) // BLOCK, 0), blocks - 1)
            c = min(max(int(places[n, 0]) // BLOCK, 0), blocks - 1)
            furthest[r, c] = max(furthest[r, c], places[n, 2])
    before, after = (reach + BLOCK - 1) // BLOCK, (reach + LARGE + BLOCK - 1) // BLOCK + 1
    until = np.full((blocks, blocks), -np.inf, np.float32)
    for r in range(blocks):
        for c in range(blocks):
            for i in range(max(r - before, 0), min(r + after, blocks - 1) + 1):
                for j in range(max(c - before, 0), min(c + after, blocks - 1) + 1):
                    until[r, c] = max(until[r, c], furthest[i, j])
    return until


@njit(cache=True, nogil=True)
def _cells(screen):
    """Where points (V, 3) lie among pixel centres: (V, 2) int32, 2k on centre k, 2k - 1 before it.

    The centres between two points are those from (smaller + 1) >> 1 to larger >> 1: whole numbers,
    which are compared faster than they are rounded.
    """
    out = np.empty((screen.shape[0], 2), np.int32)
    for n in range(screen.shape[0]):
        for d in range(2):
            place = screen[n, d] - np.float32(0.5)
            next_centre = np.ceil(place)
            out[n, d] = 2 * int(next_centre) - (next_centre > place)
    return out


@njit(cache=True, nogil=True)
def _draw(screen, tris, cull, yielding, depth, triangle, weights):
    height, width = depth.shape
    cells = _cells(screen)
    for t in range(tris.shape[0]):
        i, j, k = tris[t, 0], tris[t, 1], tris[t, 2]
        left = (min(cells[i, 0], cells[j, 0], cells[k, 0]) + 1) >> 1
        right = max(cells[i, 0], cells[j, 0], cells[k, 0]) >> 1
        if left > right:
            continue
        top = (min(cells[i, 1], cells[j, 1], cells[k, 1]) + 1) >> 1
        bottom = max(cells[i, 1], cells[j, 1], cells[k, 1]) >> 1
        if top > bottom:
            continue
        x0, y0, z0 = screen[i, 0], screen[i, 1], screen[i, 2]
        x1, y1, z1 = screen[j, 0], screen[j, 1], screen[j, 2]
        x2, y2, z2 = screen[k, 0], screen[k, 1], screen[k, 2]
        # y points down, so a triangle that faces the camera has a negative area here
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if area == 0 or (cull and area > 0):
            continue
        left, right = max(0, left), min(width - 1, right)
        top, bottom = max(0, top), min(height - 1, bottom)
        inverse = np.float32(1) / area
        dax, dbx = (y1 - y2) * inverse, (y2 - y0) * inverse
        for r in range(top, bottom + 1):
            py = r + np.float32(0.5)
            px = left + np.float32(0.5)
            a = ((x1 - px) * (y2 - py) - (x2 - px) * (y1 - py)) * inverse
            b = ((x2 - px) * (y0 - py) - (x0 - px) * (y2 - py)) * inverse
            for c in range(left, right + 1):
                g = np.float32(1) - a - b
                if (a >= 0) & (b >= 0) & (g >= 0):
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
def _draw_depth(screen, tris, depth, until):
    height, width = depth.shape
    all_matter = until.shape[0] == 1
    cells = _cells(screen)
    for t in range(tris.shape[0]):
        i, j, k = tris[t, 0], tris[t, 1], tris[t, 2]
        left = (min(cells[i, 0], cells[j, 0], cells[k, 0]) + 1) >> 1
        right = max(cells[i, 0], cells[j, 0], cells[k, 0]) >> 1
        if left > right:
            continue  # most triangles of a small map lie between the centres of its pixels
        top = (min(cells[i, 1], cells[j, 1], cells[k, 1]) + 1) >> 1
        bottom = max(cells[i, 1], cells[j, 1], cells[k, 1]) >> 1
        if top > bottom:
            continue
        left, right = max(0, left), min(width - 1, right)
        top, bottom = max(0, top), min(height - 1, bottom)
        z0, z1, z2 = screen[i, 2], screen[j, 2], screen[k, 2]
        if (
            not all_matter
            and right - left < LARGE and bottom - top < LARGE and left < width and top < height
            and min(z0, z1, z2) - np.float32(1e-3) > until[top // BLOCK, left // BLOCK]
        ):  # fmt: skip
            continue
        x0, x1, x2 = screen[i, 0], screen[j, 0], screen[k, 0]
        y0, y1, y2 = screen[i, 1], screen[j, 1], screen[k, 1]
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if area == 0:
            continue
        inverse = np.float32(1) / area
        for r in range(top, bottom + 1):
            py = r + np.float32(0.5)
            for c in range(left, right + 1):
                px = c + np.float32(0.5)
                a = ((x1 - px) * (y2 - py) - (x2 - px) * (y1 - py)) * inverse
                b = ((x2 - px) * (y0 - py) - (x0 - px) * (y2 - py)) * inverse
                g = np.float32(1) - a - b
                # without a branch, which could not be foretold
                inside = (a >= 0) & (b >= 0) & (g >= 0)
                z = a * z0 + b * z1 + g * z2
                before = depth[r, c]
                depth[r, c] = z if inside & (z < before) else before


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
