"""Expression wrinkles: relief that facial actions press into the skin.

Each wrinkle is a family of creases over the atlas (see atlas.py), height in units at full strength:
a valley with a small swelling on either side. Its strength grows with the actions that fold it, and
with age; what age leaves behind shows at rest as well.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numba import njit
from scipy import ndimage

from stimuli.actors import atlas
from stimuli.actors.atlas import smoothstep

DEPTH = 0.013  # of the deepest crease, units (0.8 mm)

# wrinkle: ({action: pull}, how much of it age leaves at rest); a pull is that of the same side
PULLS: dict[str, tuple[dict[str, float], float]] = {
    "forehead": ({"browInnerUp": 0.55, "browOuterUp": 0.55}, 0.40),
    "glabella": ({"browDown": 0.75}, 0.25),
    "nose_root": ({"noseSneer": 1.0}, 0.10),
    "nasolabial": (
        {"mouthSmile": 0.55, "mouthUpperUp": 0.6, "noseSneer": 0.55, "mouthStretch": 0.2},
        0.60,
    ),
    "crows_feet": ({"cheekSquint": 0.65, "eyeSquint": 0.3}, 0.45),
    "under_eye": ({"cheekSquint": 0.55, "eyeSquint": 0.40, "noseSneer": 0.4}, 0.50),
    "chin": ({"mouthShrugLower": 0.8}, 0.10),
    "mouth_corner": ({"mouthFrown": 0.6, "mouthStretch": 0.3}, 0.45),
}


@dataclass(frozen=True)
class WrinkleMaps:
    """Relief of every wrinkle (W, h, w) float32, over the part of the atlas where any lies."""

    relief: np.ndarray
    rows: slice
    columns: slice
    boxes: np.ndarray  # (W, 4): first row, end of rows, first column, end of columns of each


def strengths(actions: dict[str, float], ageing: float) -> np.ndarray:
    """Strength (W, 2) of each wrinkle on the left and right side under facial actions."""
    out = np.zeros((len(PULLS), 2), np.float32)
    for i, (pulls, rest) in enumerate(PULLS.values()):
        for s, side in enumerate(("Left", "Right")):
            pulled = sum(
                pull * max(actions.get(name, actions.get(name + side, 0.0)), 0.0)
                for name, pull in pulls.items()
            )
            out[i, s] = min(pulled, 1.4) * (0.72 + 0.60 * ageing) + rest * ageing**1.5 * 0.8
    return out


@lru_cache(maxsize=1)
def wrinkle_maps() -> WrinkleMaps:
    """Draw the wrinkles once a process; the same for all actors."""
    x, y = atlas.grid()
    side = np.abs(x)
    wobble = 0.012 * ndimage.gaussian_filter(atlas.noise(np.random.default_rng(3), 0.3), 8)
    fade = 0.6 + 0.4 * smoothstep(atlas.noise(np.random.default_rng(4), 0.25), -1.2, 0.3)
    maps = {
        "forehead": sum(
            depth * _crease(y - (at - 0.09 * side**2) + wobble * 2, 0.024)
            for at, depth in ((0.62, 0.75), (0.76, 1.0), (0.91, 0.85))
        )
        * smoothstep(side, 0.88, 0.45),
        "glabella": _crease(side - 0.125 + 0.10 * (y - 0.28) + wobble, 0.026)
        * smoothstep(y, 0.14, 0.26)
        * smoothstep(y, 0.62, 0.42),
        "nose_root": sum(_crease(y - at - 0.25 * side**2, 0.020) for at in (-0.01, 0.075, 0.15))
        * smoothstep(side, 0.19, 0.09)
        * 0.8,
        "nasolabial": 0.9
        * _crease(_to_nasolabial(side, y) + wobble, 0.058)
        * smoothstep(y, -0.52, -0.68)
        * smoothstep(y, -1.30, -1.08),
        "crows_feet": sum(
            _crease((y - at) - slope * (side - 0.98) + wobble, 0.017) * 0.75
            for at, slope in ((0.10, 0.50), (0.02, 0.14), (-0.06, -0.22), (-0.13, -0.55))
        )
        * smoothstep(side, 0.90, 0.99)
        * smoothstep(side, 1.22, 1.08),
        "under_eye": (
            0.8 * _crease(y + 0.225 - 0.30 * (side - 0.50) ** 2, 0.020)
            + 0.5 * _crease(y + 0.335 + 0.10 * (side - 0.50), 0.022)
        )
        * smoothstep(side, 0.20, 0.32)
        * smoothstep(side, 0.86, 0.70),
        "chin": 0.55
        * ndimage.gaussian_filter(atlas.noise(np.random.default_rng(9), 0.075), 2)
        * np.exp(-((x / 0.30) ** 2) - ((y + 1.56) / 0.15) ** 2),
        "mouth_corner": _crease(side - 0.47 - 0.16 * (-1.18 - y) + wobble, 0.026)
        * smoothstep(y, -1.12, -1.22)
        * smoothstep(y, -1.56, -1.38)
        * 0.8,
    }
    relief = np.stack([DEPTH * maps[name] * (1 if name == "chin" else fade) for name in PULLS])
    touched = np.abs(relief).max(axis=0) > 0.01 * DEPTH
    top, bottom, first, end = _box(touched)
    rows, columns = slice(top, bottom), slice(first, end)
    inside = np.ascontiguousarray(relief[:, rows, columns], np.float32)
    return WrinkleMaps(inside, rows, columns, np.array([_box(map_ != 0) for map_ in inside]))


def wrinkled(relief: np.ndarray, strength: np.ndarray) -> np.ndarray:
    """The actor's relief (HEIGHT, WIDTH) with wrinkles of strength (W, 2) pressed in."""
    maps = wrinkle_maps()
    out = relief.copy()
    middle = round((0 - atlas.LEFT) * atlas.TEXELS) - maps.columns.start
    _press(out[maps.rows, maps.columns], maps.relief, maps.boxes, strength, middle)
    return out


@njit(cache=True, nogil=True)
def _press(out, maps, boxes, strength, middle):
    across = np.empty(out.shape[1], np.float64)
    for i in range(maps.shape[0]):
        left, right = strength[i, 0], strength[i, 1]
        if left == 0 and right == 0:
            continue
        top, bottom, first, end = boxes[i]
        for c in range(first, end):
            # the sides meet over a fifth of a unit
            t = min(
                max((c - middle) / np.float32(44) + np.float32(0.5), np.float32(0)), np.float32(1)
            )
            across[c] = right * (1 - t) + left * t
        for r in range(top, bottom):
            for c in range(first, end):
                out[r, c] += across[c] * maps[i, r, c]


def _box(mask: np.ndarray) -> tuple[int, int, int, int]:
    """Rows and columns, each from and up to, of the smallest box around a mask."""
    r, c = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(r[0]), int(r[-1]) + 1, int(c[0]), int(c[-1]) + 1


def _crease(distance: np.ndarray, width: float) -> np.ndarray:
    """A valley of depth 1 and this half-width, with a swelling on either side."""
    valley = np.exp(-((distance / width) ** 2))
    swelling = np.exp(-(((np.abs(distance) - 2.2 * width) / (1.4 * width)) ** 2))
    return 0.30 * swelling - valley


def _to_nasolabial(side: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Signed distance to the fold from the wing of the nose to the corner of the mouth, about."""
    down = np.clip((-0.60 - y) / 0.62, 0, 1)
    return side - (0.33 + 0.30 * down**0.9)
