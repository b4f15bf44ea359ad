"""From linear light to a picture: layers over each other, the film's response, sRGB.

Linear light is in units in which a white card in the key light is about 1; sRGB values run from 0
to 1.
"""

import numpy as np
from numba import njit

KNEE = 0.55  # light up to here is shown as it is; above it, highlights roll off towards white


def develop(light, seen, front, behind, wall: np.ndarray, times: int) -> np.ndarray:
    """The picture (H / times, W / times, 3) uint8 sRGB.

    light (H, W, 4) of the surfaces; seen (H, W) triangle numbers, negative where the wall shows;
    front and behind (H, W, 4) hair layers, premultiplied by coverage; wall (3,) linear. times x
    times pixels are averaged into one, as light, so that edges are smooth.
    """
    mean = _develop(light, seen, front, behind, wall.astype(np.float32), times)
    return np.rint(encode(mean) * 255).astype(np.uint8)


def encode(linear: np.ndarray) -> np.ndarray:
    """Linear light in [0, 1] to sRGB (IEC 61966-2-1)."""
    linear = np.clip(linear, 0, 1)
    curve = 1.055 * np.power(linear, 1 / 2.4) - 0.055
    return np.where(linear <= 0.0031308, 12.92 * linear, curve).astype(np.float32)


def decode(srgb: np.ndarray | tuple[float, ...]) -> np.ndarray:
    """The sRGB values in [0, 1] to linear light (IEC 61966-2-1)."""
    srgb = np.asarray(srgb, np.float32)
    curve = np.power((srgb + 0.055) / 1.055, 2.4)
    return np.where(srgb <= 0.04045, srgb / 12.92, curve).astype(np.float32)


@njit(cache=True, nogil=True)
def roll_off(x):
    """Response of the film to linear light x >= 0: the identity up to KNEE, then towards 1."""
    if x <= KNEE:
        return max(x, np.float32(0))
    over = x - np.float32(KNEE)
    rest = np.float32(1 - KNEE)
    return np.float32(KNEE) + rest * over / (over + rest)


@njit(cache=True, nogil=True)
def _develop(light, seen, front, behind, wall, times):
    height, width = seen.shape[0] // times, seen.shape[1] // times
    out = np.empty((height, width, 3), np.float32)
    share = np.float32(1) / (times * times)
    for r in range(height):
        for c in range(width):
            for d in range(3):
                total = np.float32(0)
                for i in range(r * times, (r + 1) * times):
                    for j in range(c * times, (c + 1) * times):
                        x = light[i, j, d]
                        if seen[i, j] < 0:
                            x = behind[i, j, d] + (1 - behind[i, j, 3]) * wall[d]
                        x = front[i, j, d] + (1 - front[i, j, 3]) * x
                        total += roll_off(x)
                out[r, c, d] = total * share
    return out
