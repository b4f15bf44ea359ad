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
NO_BOX = (slice(0, 0), slice(0, 0))
ALIKE = 12.0  # sRGB codes between wall and person below which their mixture cannot be told
SPECK = 1 / 32  # side of the smallest patch of wall, as a share of the picture's height
RIM = 1 / 64  # width of the rim of a person, as a share of the picture's height


@dataclass(frozen=True)
class Window:
    """Which pixels of a picture are seen.

    Attributes:
        cover: (height, width) 1 inside, 0 outside, between on the soft edge.
        inside: (height, width) where the picture alone is seen; there it is measured and matched.
        box: rows and columns of the oval with its edge, or of the whole picture.
        unit: distance between the eyes in pixels.
        nearest: rows and columns (2, height, width) of the pixel whose colour a pixel has when the
            wall does not shine through: itself, or on the rim of a person the nearest behind it.
    """

    cover: np.ndarray
    inside: np.ndarray
    box: tuple[slice, slice]
    unit: float
    nearest: np.ndarray


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
    rows, columns = np.flatnonzero(cover.any(axis=1)), np.flatnonzero(cover.any(axis=0))
    box = (
        (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)) if len(rows) else NO_BOX
    )
    nearest = np.indices(cover.shape)
    if mask.shape != "none" and wall is not None:
        person, nearest = _person(pixels, wall)
        cover = cover * person
    return Window(cover, cover == 1, box, unit, nearest)


def _oval(
    mask: Mask, eyes: tuple[Point, Point], unit: float, height: int, width: int
) -> np.ndarray:
    """Cover (height, width) of the ellipse; outside it falls to 0 as half a cosine."""
    (x1, y1), (x2, y2) = eyes
    x = np.arange(width)[None, :] + 0.5 - (x1 + x2) / 2
    y = np.arange(height)[:, None] + 0.5 - ((y1 + y2) / 2 + mask.drop * unit)
    a, b = mask.width * unit / 2, mask.height * unit / 2
    inside = (x / a) ** 2 + (y / b) ** 2 <= 1
    # How far outside, on the ray from the centre: 0 on the ellipse, 1 where the edge ends.
    outer, radius = np.hypot(x, y), np.hypot(x / a, y / b)
    out = outer - np.divide(outer, radius, out=np.zeros_like(outer), where=radius > 0)
    edge = max(mask.edge * unit, 1.0)  # a hard edge is smooth over one pixel
    return np.where(inside, 1.0, (1 + np.cos(np.pi * np.clip(out / edge, 0, 1))) / 2)


def _person(pixels: np.ndarray, wall: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Cover (height, width) of what is not wall, and `nearest` of a Window.

    On the rim a pixel is a mixture of the wall and of the person behind the rim, whose share is
    its cover: the colour's place on the line between both. Elsewhere the person covers fully.
    """
    plain = (pixels == np.asarray(wall, np.uint8)).all(axis=-1)
    labelled: Any = ndimage.label(plain)
    patches = labelled[0]
    large = np.bincount(patches.ravel()) >= (SPECK * pixels.shape[0]) ** 2
    large[0] = False  # what is not plain
    behind = large[patches]
    nearest = np.indices(behind.shape)
    if not behind.any():
        return np.ones(behind.shape), nearest
    deep = np.asarray(ndimage.distance_transform_edt(~behind)) > RIM * pixels.shape[0] + 0.5
    rim = ~behind & ~deep
    if not deep.any():
        return np.where(behind, 0.0, 1.0), nearest
    towards: Any = ndimage.distance_transform_edt(
        ~deep, return_distances=False, return_indices=True
    )
    nearest = np.where(rim, towards, nearest)
    own = pixels.astype(np.float64) - wall
    whole = own[nearest[0], nearest[1]]  # the person's colour, from that of the wall
    length = (whole**2).sum(axis=-1)
    share = np.divide((own * whole).sum(axis=-1), length, out=np.ones_like(length),
                      where=length > ALIKE**2)  # fmt: skip
    return np.where(behind, 0.0, np.where(rim, np.clip(share, 0, 1), 1.0)), nearest


def on_background(picture: np.ndarray, view: Window, background: float) -> np.ndarray:
    """The picture (height, width, channels) where it is seen, before a plain background."""
    cover = view.cover[..., None]
    return np.where(cover == 1, picture, cover * picture + (1 - cover) * background)
