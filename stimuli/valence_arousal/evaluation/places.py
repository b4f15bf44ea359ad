"""The points of the plane at which faces are evaluated: (valence, arousal), -1 to 1.

    GRID   (49, 2)  the paper's: seven levels of each axis from -.75 to .75
    RIM    (8, 2)   ends and corners of the whole plane, beyond the paper's labels
    PLACES (57, 2)  both; every true picture is drawn there

The paper counts 18,000 of its 220,500 images as extreme, "very low/high arousal and very low/high
valence": 4 of 49 labels, so the grid's corners.
"""

from __future__ import annotations

import numpy as np

LEVELS = (-0.75, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75)
AXES = ("valence", "arousal")
ENDS = (-1.0, 0.0, 1.0)
GRID = np.array([(v, a) for v in LEVELS for a in LEVELS])
RIM = np.array([(v, a) for v in ENDS for a in ENDS if (v, a) != (0, 0)])
PLACES = np.concatenate([GRID, RIM])
REACH = np.abs(PLACES).max(1)  # distance from neutral, in whichever axis is farther

ON_GRID = np.arange(len(GRID))
NEUTRAL = len(GRID) // 2
MOVED = np.delete(ON_GRID, NEUTRAL)  # the 48 of figure 2
CORNERS = np.flatnonzero((np.abs(GRID) == max(LEVELS)).all(1))
FAR_CORNERS = len(GRID) + np.flatnonzero(np.abs(RIM).all(1))


def place(valence: float, arousal: float) -> int:
    """Row of PLACES."""
    return int(np.flatnonzero((PLACES[:, 0] == valence) & (PLACES[:, 1] == arousal))[0])


def line(axis: int, other: float) -> np.ndarray:
    """Rows (7,) of GRID along an axis (0 valence, 1 arousal) from low to high, the other fixed."""
    return np.array([
        place(*((level, other) if axis == 0 else (other, level))) for level in LEVELS
    ])  # fmt: skip


def as_plane(of_grid: np.ndarray) -> np.ndarray:
    """Something of each label of GRID (49, ...), laid out as the paper's figures: (7, 7, ...).

    From high valence (top) to low, from high arousal (left) to low.
    """
    n = len(LEVELS)
    return of_grid.reshape(n, n, *of_grid.shape[1:])[::-1, ::-1]


def given(actor: str, count: int, seed: int) -> list[int]:
    """Rows of PLACES at which an actor's picture is given: neutral, and `count` expressive ones.

    Drawn from the actor's number and the seed, all over the plane.
    """
    rng = np.random.default_rng([seed, *actor.encode()])
    far = np.flatnonzero(REACH >= 0.5)
    return [NEUTRAL, *rng.choice(far, count, replace=False).tolist()]
