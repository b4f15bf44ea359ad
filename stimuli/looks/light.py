"""Grey levels of coloured pixels, and colours of another grey level.

A picture is float64 (height, width, channels) with one channel (grey) or three (red, green, blue),
in sRGB codes 0…255; between the steps it may leave that range. Its *grey level* is the code of a
grey pixel with the same relative luminance Y = 0.2126 R + 0.7152 G + 0.0722 B, taken in linear
light (IEC 61966-2-1), so that equally bright colours become equally bright greys.
"""

from __future__ import annotations

import numpy as np

LUMINANCE = np.array([0.2126, 0.7152, 0.0722])  # of linear R, G, B; they sum to 1
WHITE = 255.0


def linear(codes: np.ndarray) -> np.ndarray:
    """Linear light 0…1 of sRGB codes, which are cut to 0…255 first."""
    srgb = np.clip(codes, 0, WHITE) / WHITE
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def coded(light: np.ndarray) -> np.ndarray:
    """The sRGB codes 0…255 of linear light 0…1."""
    light = np.clip(light, 0, 1)
    return WHITE * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def grey_levels(picture: np.ndarray) -> np.ndarray:
    """Grey level (height, width) of every pixel; grey pictures as they are."""
    if picture.shape[-1] == 1:
        return picture[..., 0].astype(np.float64)
    return coded(linear(picture) @ LUMINANCE)


def to_grey(picture: np.ndarray) -> np.ndarray:
    """The grey picture (height, width, 1) of equal relative luminance."""
    return grey_levels(picture)[..., None]


def with_grey_levels(picture: np.ndarray, grey: np.ndarray) -> np.ndarray:
    """The picture with other grey levels (height, width), its colours kept.

    Linear light is scaled, which keeps the chromaticity. A colour that would leave the range of
    the screen is mixed with grey of the same luminance, as little as needed: so the grey level is
    exact wherever it lies in 0…255.
    """
    if picture.shape[-1] == 1:
        return grey[..., None]
    light, wanted = linear(picture), linear(grey)
    now = light @ LUMINANCE
    scale = np.divide(wanted, now, out=np.ones_like(now), where=now > 0)
    colour = light * scale[..., None]  # (H, W, 3), its luminance is what is wanted
    colour[now <= 0] = wanted[now <= 0, None]  # black has no colour: grey
    over = colour.max(axis=-1)
    room = np.divide(1 - wanted, over - wanted, out=np.ones_like(over), where=over > 1)
    return coded(wanted[..., None] + room[..., None] * (colour - wanted[..., None]))


def as_pixels(picture: np.ndarray) -> np.ndarray:
    """Pixels (height, width, 3) uint8, rounded and cut to 0…255."""
    pixels = np.rint(np.clip(picture, 0, WHITE)).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(pixels, (*pixels.shape[:2], 3)))
