"""Answers that the fixed effects tell apart without error: effects that grow without end.

If some direction of beta (and thresholds) predicts every answer at least as well however far one
goes along it, the likelihood has no maximum: the answers are separated (Albert & Anderson 1984,
"On the existence of maximum likelihood estimates in logistic regression models", Biometrika 71(1)).
Whether there is such a direction is a linear program (Konis 2007, PhD thesis, Oxford).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import optimize

CERTAIN = 1e-6  # below this a direction is zero


def separated(
    x: np.ndarray, places: np.ndarray, points: int, names: Sequence[str], intercept: bool
) -> list[str]:
    """Names of the effects that separate the answers; none if they overlap everywhere.

    Args:
        x: fixed columns (n, p), each of unit size.
        places: answers (n,), from 0 to `points` - 1.
        points: number of different answers.
        names: of the p columns.
        intercept: whether the model has thresholds beside the columns (ordinal models).
    """
    whole = np.unique(np.column_stack([x.round(12), places]), axis=0)
    x, places = whole[:, :-1], whole[:, -1].astype(int)
    cuts = points - 1 if intercept else 0
    rows = []  # of the direction (beta, thresholds): none of these may be negative
    for cut in range(points - 1):
        step = np.zeros((len(x), cuts))
        step[:, cut : cut + 1] = 1  # nothing to fill without thresholds
        toward = np.hstack([x, -step])
        rows += [toward[places == cut + 1], -toward[places == cut]]
    above = np.vstack(rows)
    found = optimize.linprog(
        -above.sum(axis=0), A_ub=-above, b_ub=np.zeros(len(above)), bounds=(-1, 1), method="highs"
    )
    if found.x is None or -found.fun < CERTAIN * len(above):
        return []
    parts = np.abs(found.x[: x.shape[1]]) > CERTAIN
    return [name for name, part in zip(names, parts, strict=True) if part]
