"""How a drawn face looks to a light meter: lightness, contrast, texture, furrows, clipped pixels.

    quality = measure(picture, Studio(size=256))

A face is taken to be an ellipse around where it was drawn, the same for all actors; cheeks and nose
are rectangles in it. What is measured says whether people of one group are drawn darker, flatter,
smoother, with shallower furrows, or with more lost in black and white than those of another.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from stimuli.actors.camera import EYE_DISTANCE, EYE_LINE
from stimuli.actors.film import decode
from stimuli.actors.portrait import Studio

# In distances between the eyes, from the middle between them, x to the right, y up.
FACE_MIDDLE, FACE_RADII = (0.0, -0.55), (1.05, 1.45)
CHEEK_MIDDLE, CHEEK_HALF = (0.62, -0.62), (0.20, 0.18)  # and its mirror image
NOSE_MIDDLE, NOSE_HALF = (0.0, -0.125), (0.30, 0.325)  # with the root of the nose
FINE, COARSE = 1.5, 4.0  # SD in pixels of the blurs whose rest is texture and furrows ...
FINE_SIZE = 256  # ... in a picture of this size
LEAST_LIGHT = 1e-4  # so that black has a logarithm
BLACK, WHITE = 2, 253  # sRGB values from 0 to 255: at or below, at or above, detail is lost
LUMINANCE = np.array([0.2126, 0.7152, 0.0722])  # of linear sRGB (IEC 61966-2-1)


@dataclass(frozen=True)
class Quality:
    """One face as it was drawn."""

    lightness: float  # mean CIE L* of the face, 0 black to 100 white
    contrast: float  # SD of the face's linear luminance by its mean
    texture: float  # SD of what is finer than FINE in the L* of the cheeks
    furrows: float  # SD of what is finer than COARSE in the light of the nose, stops (doublings)
    clipped: float  # share of the face's pixels all black, or burnt out in a channel


def measure(picture: np.ndarray, studio: Studio) -> Quality:
    """Quality of a picture (H, W, 3) uint8 sRGB taken in `studio`."""
    luminance = decode(picture / 255) @ LUMINANCE
    l_star = lightness(luminance)
    face, cheeks, nose = regions(studio.size)
    pixel = studio.size / FINE_SIZE
    stops = np.log2(np.maximum(luminance, LEAST_LIGHT))
    lost = np.where((picture <= BLACK).all(-1), True, (picture >= WHITE).any(-1))
    return Quality(
        lightness=float(l_star[face].mean()),
        contrast=float(luminance[face].std() / max(luminance[face].mean(), 1e-6)),
        texture=float(_finer(l_star, FINE * pixel)[cheeks].std()),
        furrows=float(_finer(stops, COARSE * pixel)[nose].std()),
        clipped=float(lost[face].mean()),
    )


def lightness(luminance: np.ndarray) -> np.ndarray:
    """CIE 1976 L* (0 to 100) of luminance relative to white (0 to 1)."""
    y = np.asarray(luminance, float)
    return np.where(y > 216 / 24389, 116 * np.cbrt(y) - 16, y * 24389 / 27)


def regions(size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which pixels (size, size) of a picture are the face, the cheeks, and the nose."""
    rows, columns = np.mgrid[:size, :size] + 0.5
    x = (columns - size / 2) / (EYE_DISTANCE * size)
    y = (EYE_LINE * size - rows) / (EYE_DISTANCE * size)
    (x0, y0), (a, b) = FACE_MIDDLE, FACE_RADII
    face = ((x - x0) / a) ** 2 + ((y - y0) / b) ** 2 < 1
    (x0, y0), (a, b) = CHEEK_MIDDLE, CHEEK_HALF
    cheeks = (np.abs(np.abs(x) - x0) < a) & (np.abs(y - y0) < b)
    (x0, y0), (a, b) = NOSE_MIDDLE, NOSE_HALF
    nose = (np.abs(x - x0) < a) & (np.abs(y - y0) < b)
    return face, cheeks, nose


def _finer(values: np.ndarray, sd: float) -> np.ndarray:
    """What is left of values (H, W) without what a blur of sd pixels keeps."""
    return values - ndimage.gaussian_filter(values, sd)
