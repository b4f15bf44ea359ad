"""A face cut out so that its eyes lie on fixed points: a similarity of the plane, and its pixels.

A similarity (turn, scale, shift; no mirror) is w = a z + b on points z = x + iy of the picture and
w of the crop, in pixels, the first pixel's centre at (0.5, 0.5).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

FINEST = 4  # samples a pixel of the crop is averaged from, each way
GRID = 32  # points a side at which it is asked what lies inside the picture
MARGIN = 3  # pixels around the part that is cut out, for the interpolation


@dataclass(frozen=True)
class Similarity:
    """From points of a picture to points of its crop."""

    a: complex
    b: complex

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Points (…, 2) of the picture, in the crop."""
        return _xy(self.a * _z(points) + self.b)

    def back(self, points: np.ndarray) -> np.ndarray:
        """Points (…, 2) of the crop, in the picture."""
        return _xy((_z(points) - self.b) / self.a)

    def numbers(self) -> tuple[float, float, float, float]:
        """Real and imaginary part of a, then of b."""
        return self.a.real, self.a.imag, self.b.real, self.b.imag


def eyes_to(eyes: np.ndarray, targets: np.ndarray) -> Similarity:
    """The one similarity that moves two eyes (2, 2) onto two points (2, 2); eyes differ."""
    z, w = _z(np.asarray(eyes, float)), _z(np.asarray(targets, float))
    a = (w[1] - w[0]) / (z[1] - z[0])
    return Similarity(complex(a), complex(w[0] - a * z[0]))


def cut(pixels: np.ndarray, place: Similarity, size: int) -> tuple[np.ndarray, float]:
    """The crop (size, size, 3) of a picture (H, W, 3), both uint8, and its share inside.

    Bicubic; where the picture is finer than the crop, several samples of each pixel are averaged.
    Beyond its borders the picture goes on with the colour of its last pixel.
    """
    coarser = 1 / abs(place.a)  # pixels of the picture for one of the crop
    shrunk = max(1, math.ceil(coarser / FINEST))
    samples = max(1, math.ceil(coarser / shrunk))
    corners = place.back(size * np.array([[0, 0], [1, 0], [0, 1], [1, 1]]))
    low = np.floor(corners.min(0)).astype(int) - MARGIN * shrunk
    sides = np.ceil((corners.max(0) - low) / shrunk).astype(int) + MARGIN
    patch = Image.fromarray(_region(pixels, low, sides * shrunk))
    if shrunk > 1:
        patch = patch.reduce(shrunk)
    step = complex(1 / (place.a * samples * shrunk))  # pixels of the patch for one sample
    start = (-place.b / place.a - complex(float(low[0]), float(low[1]))) / shrunk
    affine = (step.real, -step.imag, start.real, step.imag, step.real, start.imag)
    crop = patch.transform(
        (size * samples, size * samples), Image.Transform.AFFINE, affine, Image.Resampling.BICUBIC
    )
    if samples > 1:
        crop = crop.reduce(samples)
    return np.asarray(crop), _inside(pixels.shape, place, size)


def _region(pixels: np.ndarray, low: np.ndarray, sides: np.ndarray) -> np.ndarray:
    """The part of a picture from (x, y) = low on, its border drawn out where it leaves it."""
    height, width = pixels.shape[:2]
    (left, top), (right, bottom) = low, low + sides
    if left >= 0 and top >= 0 and right <= width and bottom <= height:
        return np.ascontiguousarray(pixels[top:bottom, left:right])
    rows = np.arange(top, bottom).clip(0, height - 1)
    columns = np.arange(left, right).clip(0, width - 1)
    return pixels[rows[:, None], columns[None, :]]


def _inside(shape: tuple[int, ...], place: Similarity, size: int) -> float:
    """The share of a crop that lies inside the picture."""
    ticks = (np.arange(GRID) + 0.5) * size / GRID
    x, y = np.moveaxis(place.back(np.stack(np.meshgrid(ticks, ticks), -1)), -1, 0)
    return float(((x >= 0) & (y >= 0) & (x <= shape[1]) & (y <= shape[0])).mean())


def _z(points: np.ndarray) -> np.ndarray:
    return points[..., 0] + 1j * points[..., 1]


def _xy(z: np.ndarray) -> np.ndarray:
    return np.stack([np.real(z), np.imag(z)], -1)
