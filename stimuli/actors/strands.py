"""Strands of hair: thin curves, lit as fibres and drawn with partial coverage.

Symbols: N strands of K points each; points (N, K, 3) in studio space, root first; colour (N, 3)
linear albedo; width (units) at the root, tapering to the tip. A layer is a picture (H, W, 4): light
times coverage, and coverage.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit

from stimuli.actors import camera, shading
from stimuli.actors.mesh import dot


@dataclass(frozen=True)
class Strands:
    """Hair of one kind."""

    points: np.ndarray  # (N, K, 3) float32
    colour: np.ndarray  # (N, 3) float32
    width: float  # units
    sheen: float = 1.0  # strength of the highlights

    @property
    def tangents(self) -> np.ndarray:
        """Unit directions (N, K, 3) from root to tip."""
        along = np.gradient(self.points, axis=1)
        return along / np.maximum(np.linalg.norm(along, axis=2, keepdims=True), 1e-9)


def light_strands(
    strands: Strands, outward: np.ndarray, key: np.ndarray, openness: np.ndarray
) -> np.ndarray:
    """Light (N, K, 3) that the strands send to the lens.

    outward (N, K, 3) unit normals of the hair's bulk, key and openness (N, K): shares of the key
    light and of the room that arrive. Kajiya & Kay (1989) diffuse term, two shifted highlights
    after Marschner et al. (2003) as simplified by Scheuermann (2004).
    """
    tangent = strands.tangents
    view = np.array([0.0, 0.0, 1.0], np.float32)
    base = strands.colour[:, None, :]
    light = shading.ROOM * 1.15 * openness[..., None] * base
    for i, direction in enumerate(shading.DIRECTIONS):
        arrives = shading.STRENGTHS[i] * (key if i == 0 else openness**1.5)
        bulk = np.clip(0.35 + 0.65 * (dot(outward, direction)), 0, 1)
        half = direction + view
        half /= np.linalg.norm(half)
        across = np.sqrt(np.clip(1 - dot(tangent, direction) ** 2, 0, 1))
        light = light + (arrives * bulk * across * 0.80)[..., None] * base
        first = _lobe(tangent, outward, half, -0.10, 90)
        second = _lobe(tangent, outward, half, 0.14, 16)
        power = (arrives * bulk * strands.sheen)[..., None]
        light = light + power * (0.040 * first[..., None] + 0.50 * second[..., None] * base)
    return light.astype(np.float32)


def _lobe(tangent, outward, half, shift, exponent):
    shifted = tangent + shift * outward
    shifted /= np.linalg.norm(shifted, axis=-1, keepdims=True)
    along = dot(shifted, half)
    return np.sqrt(np.clip(1 - along**2, 0, 1)) ** exponent


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
