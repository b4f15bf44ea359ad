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
START, STEP, STEPS = 0.09, 0.10, 20  # units from a point at which light is followed


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

    def through(
        self, points: np.ndarray, direction: np.ndarray, start: float = START,
        spans: np.ndarray | None = None,
    ) -> np.ndarray:  # fmt: skip
        """Share (M,) of the light from `direction` that reaches points (M, 3) through the hair.

        spans: from spans() for these points and a direction near this one, to save time.
        """
        points = np.ascontiguousarray(points, np.float32)
        spans = np.full((len(points), 2), (0, STEPS), np.int8) if spans is None else spans
        return _through(
            self.density, points, direction.astype(np.float32), np.array(LOW, np.float32),
            np.float32(start), np.float32(STEP), spans,
        )  # fmt: skip

    def spans(self, points: np.ndarray, direction: np.ndarray, within: float) -> np.ndarray:
        """Steps (M, 2), from and up to, at which light can meet hair on its way to points (M, 3).

        Holds for all directions `within` so many radians of `direction`.
        """
        shape = np.array(self.density.shape)
        # cells to the nearest hair, diagonal neighbours being one away
        free = np.asarray(
            ndimage.distance_transform_cdt(self.density == 0, metric="chessboard"), np.int32
        )
        near = np.empty((STEPS, len(points)), bool)
        outside = np.zeros(len(points), bool)
        for k in range(STEPS):
            far = START + STEP * k
            cell = np.floor((points + far * direction - np.array(LOW)) / CELL).astype(int)
            aside = 2 * far * np.sin(within / 2) / CELL + 1
            near[k] = free[tuple(np.clip(cell, 0, shape - 1).T)] <= aside
            if k == 0:  # a path that begins outside is not followed at all: leave that as it is
                outside[:] = ((cell < 1) | (cell >= shape - 1)).any(axis=1)
        last = np.where(near.any(axis=0), STEPS - near[::-1].argmax(axis=0), 0)
        spans = np.column_stack([near.argmax(axis=0), last])
        return np.where(outside[:, None], (0, STEPS), spans).astype(np.int8)

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
def _through(density, points, direction, low, start, step, spans):
    out = np.empty(points.shape[0], np.float32)
    nx, ny, nz = density.shape
    inverse = np.float32(1 / CELL)
    for n in range(points.shape[0]):
        depth = np.float32(0)
        for k in range(spans[n, 0], spans[n, 1]):
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
