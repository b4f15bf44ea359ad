"""Bands of spatial frequencies, in cycles per face."""

from __future__ import annotations

import numpy as np
from scipy import fft

from protocols.looks import Frequencies


def filtered(picture: np.ndarray, band: Frequencies, face_px: float) -> np.ndarray:
    """The picture (height, width, channels) with the band's frequencies only, its mean kept.

    face_px: width of the face in pixels. Gains are Gaussian, exp(-ln 2 (f / limit)^2), which is one
    half at the limit: of low-pass for `below`, one minus that for `above`. The picture is mirrored
    at its borders, so that opposite borders do not mix.
    """
    if band.above is None and band.below is None:
        return picture
    height, width = picture.shape[:2]
    # The cosine transform is that of the mirrored picture: half cycles over the picture's length.
    fy = np.arange(height)[:, None] / (2 * height) * face_px
    fx = np.arange(width)[None, :] / (2 * width) * face_px
    square = fy**2 + fx**2  # (cycles per face)^2
    gain = np.ones((height, width))
    if band.below is not None:
        gain *= np.exp(-np.log(2) * square / band.below**2)
    if band.above is not None:
        gain *= 1 - np.exp(-np.log(2) * square / band.above**2)
    gain[0, 0] = 1  # the mean
    waves = np.asarray(fft.dctn(picture, axes=(0, 1), norm="ortho")) * gain[..., None]
    return np.asarray(fft.idctn(waves, axes=(0, 1), norm="ortho"))
