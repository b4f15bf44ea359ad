"""Intervals at 95 % over actors: whole actors are drawn again, with all their pictures."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np

DRAWS, SEED = 2000, 1
ENDS = (2.5, 97.5)  # percentiles


def interval(
    per_actor: np.ndarray, statistic: Callable[[np.ndarray], np.ndarray] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Percentile bootstrap of a statistic of A actors' values (A, ...); by default their mean.

    statistic: from values (draws, A, ...) to (draws, ...). Returns low and high, (...).
    """
    values = np.asarray(per_actor, float)
    rows = np.random.default_rng(SEED).integers(len(values), size=(DRAWS, len(values)))
    drawn = values[rows]
    found = drawn.mean(1) if statistic is None else statistic(drawn)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # nothing but nan: nan
        low, high = np.nanpercentile(found, ENDS, axis=0, method="inverted_cdf")
    return low, high


def ratio(drawn: np.ndarray) -> np.ndarray:
    """Sum of the first value over sum of the second, of values (draws, A, 2); nan over 0."""
    first, second = drawn.sum(1).T
    return np.divide(first, second, out=np.full(first.shape, np.nan), where=second != 0)
