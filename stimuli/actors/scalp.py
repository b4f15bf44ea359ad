"""Where hair grows: the hairline, from the forehead round the ears to the nape.

Rest coordinates (X, Y, Z) as in atlas.py. Angles around the head's axis: 0 is the middle of the
forehead, 90 the ear, 180 the nape, in degrees, the same on both sides.
"""

import numpy as np
from scipy import ndimage

from stimuli.actors.atlas import smoothstep

AXIS_Z = -1.2  # the head's vertical axis passes through X = 0 and this Z
# angle, height of the hairline over the eyes (units); dips: sideburn and nape, bump: ear
HAIRLINE = np.array(
    [
        (0, 1.13), (18, 1.16), (30, 1.13), (40, 1.00), (48, 0.76), (55, 0.52),
        (62, 0.28), (66, 0.00), (69, -0.30), (77, -0.32), (80, 0.07), (104, 0.07),
        (111, -0.40), (124, -0.85), (150, -1.10), (180, -1.15),
    ]
)  # fmt: skip

_ANGLES = np.arange(0, 180.5, 0.5)
_CURVE = (_ANGLES, ndimage.gaussian_filter1d(np.interp(_ANGLES, *HAIRLINE.T), 4, mode="nearest"))


def around(rest: np.ndarray) -> np.ndarray:
    """Angle around the head's axis of rest coordinates (..., 3): 0 front to 180 back, degrees."""
    return np.degrees(np.arctan2(np.abs(rest[..., 0]), rest[..., 2] - AXIS_Z))


def hairline(angle: np.ndarray, receding: float = 0.0, sideburns: float = 1.0) -> np.ndarray:
    """Height of the hairline at each angle, units over the eyes.

    receding 0-1 moves forehead and temples up and back; sideburns 0-1 is their length.
    """
    height = np.interp(angle, *_CURVE)
    burn = (angle > 62) & (angle < 79)
    height = np.where(burn, np.maximum(height, 0.25 - 0.60 * sideburns), height)
    temples = np.exp(-(((angle - 38) / 22) ** 2))
    return height + receding * (0.24 + 0.26 * temples) * (angle < 75)


def growth(rest: np.ndarray, receding: float = 0.0, sideburns: float = 1.0) -> np.ndarray:
    """How far rest coordinates (..., 3) lie inside the scalp, in units; negative outside."""
    angle = around(rest)
    step = 0.5
    slope = hairline(angle + step, receding, sideburns) - hairline(
        angle - step, receding, sideburns
    )
    slope = slope / (2 * step * np.pi / 180 * 1.25)  # the head's radius is about 1.25
    above = rest[..., 1] - hairline(angle, receding, sideburns)
    inside = above / np.sqrt(1 + np.minimum(np.abs(slope), 6.0) ** 2)
    ear = (np.abs(rest[..., 0]) > 1.22) & (rest[..., 1] < 0.06) & (angle > 72) & (angle < 116)
    return np.where(ear, -0.2, np.where(rest[..., 1] < -1.6, -1.0, inside))


def cover(
    rest: np.ndarray, receding: float = 0.0, thinning: float = 0.0, sideburns: float = 1.0
) -> np.ndarray:
    """Density of hair, 0-1, fading in behind the hairline; thinning 0-1 bares the crown."""
    dense = smoothstep(growth(rest, receding, sideburns), -0.03, 0.14)
    if thinning > 0:
        dense = dense * (1 - thinning * smoothstep(rest[..., 1], 0.75 - 0.65 * thinning, 0.85))
    return dense
