"""Hair as a cloud: how much light comes through, from how densely the strands fill space.

A grid of cells over the head; its values are strand points per cell, smoothed. Light is followed
through it cell by cell (Beer-Lambert law).
"""

from dataclasses import dataclass

import numpy as np
from numba import njit
from scipy import ndimage

from stimuli.actors.mesh import dot
from stimuli.actors.shadow import fibonacci_sphere

CELL = 0.065  # units
LOW = (-2.9, -4.6, -4.2)
HIGH = (2.9, 3.0, 1.2)


@dataclass(frozen=True)
class Cloud:
    """Optical density of hair (nx, ny, nz) per unit of length."""

    density: np.ndarray

    @classmethod
    def of(cls, points: np.ndarray, length: np.ndarray, opacity: float) -> "Cloud":
        """Spread strand points (M, 3), each for `length` (M,) units of fibre, over the grid."""
        shape = tuple(int((h - lo) / CELL) for lo, h in zip(LOW, HIGH, strict=True))
        cell = np.floor((points - np.array(LOW)) / CELL).astype(np.int64)
        inside = np.all((cell >= 0) & (cell < shape), axis=1)
        flat = np.ravel_multi_index(tuple(cell[inside].T), shape)
        total = np.bincount(flat, weights=length[inside], minlength=int(np.prod(shape)))
        density = total.reshape(shape) * (opacity / CELL**3)
        return cls(ndimage.gaussian_filter(density, 0.7).astype(np.float32))

    def through(self, points: np.ndarray, direction: np.ndarray, start: float = 0.09) -> np.ndarray:
        """Share (M,) of the light from `direction` that reaches points (M, 3) through the hair."""
        return _through(
            self.density, np.ascontiguousarray(points, np.float32), direction.astype(np.float32),
            np.array(LOW, np.float32), np.float32(start), np.float32(0.10), 20,
        )  # fmt: skip

    def openness(self, points: np.ndarray, outward: np.ndarray, views: int = 12) -> np.ndarray:
        """Share (M,) of the room that reaches points through the hair, around `outward`."""
        total = np.zeros(len(points), np.float32)
        weight = np.full(len(points), 1e-6, np.float32)
        for direction in fibonacci_sphere(views):
            cosine = np.maximum(dot(outward, direction), 0) + np.float32(0.05)
            total += cosine * self.through(points, direction)
            weight += cosine
        return total / weight


@njit(cache=True, nogil=True)
def _through(density, points, direction, low, start, step, steps):
    out = np.empty(points.shape[0], np.float32)
    nx, ny, nz = density.shape
    inverse = np.float32(1 / CELL)
    for n in range(points.shape[0]):
        depth = np.float32(0)
        for k in range(steps):
            s = start + step * k
            i = int((points[n, 0] + direction[0] * s - low[0]) * inverse)
            j = int((points[n, 1] + direction[1] * s - low[1]) * inverse)
            m = int((points[n, 2] + direction[2] * s - low[2]) * inverse)
            if i < 0 or j < 0 or m < 0 or i >= nx or j >= ny or m >= nz:
                break
            depth += density[i, j, m] * step
            if depth > 6:
                break
        out[n] = np.exp(-depth)
    return out
