"""Masks: an oval at a fixed place around the eyes, and the outline of the person.

Every picture of a set has its eyes on the same pixels, and so every oval covers the same pixels.
The wall behind a person belongs to no mask: it would be brightened or darkened with the face.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import ndimage

from protocols.looks import Mask

Point = tuple[float, float]  # x, y in pixels; centres of pixels lie at .5
SPECK = 1 / 32  # side of the smallest patch of wall, as a share of the picture's height
RIM = 0.5  # cover of the outermost pixels of a person, which the wall shines through


@dataclass(frozen=True)
class Window:
    """Which pixels of a picture are seen.

    Attributes:
        cover: (height, width) 1 inside, 0 outside, between on the soft edge.
        inside: (height, width) where the picture alone is seen; there it is measured and matched.
        box: rows and columns that hold all that is seen.
        unit: distance between the eyes in pixels.
    """

    cover: np.ndarray
    inside: np.ndarray
    box: tuple[slice, slice]
    unit: float


def window(
    mask: Mask,
    pixels: np.ndarray,
    eyes: tuple[Point, Point],
    wall: Sequence[int] | None,
) -> Window:
    """The window of `mask` in a picture (height, width, 3) with these eyes.

    wall: sRGB of the plain wall behind the person, if there is one.
    """
    (x1, y1), (x2, y2) = eyes
    unit = float(np.hypot(x2 - x1, y2 - y1))
    cover = np.ones(pixels.shape[:2])
    if mask.shape == "oval":
        cover = _oval(mask, eyes, unit, *pixels.shape[:2])
    if mask.shape != "none" and wall is not None:
        cover = cover * _person(pixels, wall)
    rows, columns = np.flatnonzero(cover.any(axis=1)), np.flatnonzero(cover.any(axis=0))
    box = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    return Window(cover, cover == 1, box, unit)


def _oval(
    mask: Mask, eyes: tuple[Point, Point], unit: float, height: int, width: int
) -> np.ndarray:
    """Cover (height, width) of the ellipse; on a soft edge it falls to 0 as half a cosine."""
    (x1, y1), (x2, y2) = eyes
    x = np.arange(width)[None, :] + 0.5 - (x1 + x2) / 2
    y = np.arange(height)[:, None] + 0.5 - ((y1 + y2) / 2 + mask.drop * unit)
    a, b = mask.width * unit / 2, mask.height * unit / 2
    inside = (x / a) ** 2 + (y / b) ** 2 <= 1
    cover = inside.astype(np.float64)
    edge = mask.edge * unit
    if edge:
        # How far outside, on the ray from the centre: 0 on the ellipse, 1 where the edge ends.
        outer = np.hypot(x, y)
        radius = np.hypot(x / a, y / b)
        out = (outer - np.divide(outer, radius, out=np.zeros_like(outer), where=radius > 0)) / edge
        cover = np.where(inside, 1.0, (1 + np.cos(np.pi * np.clip(out, 0, 1))) / 2)
    return cover


def _person(pixels: np.ndarray, wall: Sequence[int]) -> np.ndarray:
    """Cover (height, width) of what is not wall: 1 on the person, RIM on the outermost pixels."""
    plain = (pixels == np.asarray(wall, np.uint8)).all(axis=-1)
    labelled: Any = ndimage.label(plain)
    patches = labelled[0]
    large = np.bincount(patches.ravel()) >= (SPECK * pixels.shape[0]) ** 2
    large[0] = False  # what is not plain
    behind = large[patches]
    rim = ndimage.binary_dilation(behind, np.ones((3, 3))) & ~behind
    return np.where(behind, 0.0, np.where(rim, RIM, 1.0))


def on_background(picture: np.ndarray, view: Window, background: float) -> np.ndarray:
    """The picture (height, width, channels) where it is seen, before a plain background."""
    cover = view.cover[..., None]
    return np.where(cover == 1, picture, cover * picture + (1 - cover) * background)
