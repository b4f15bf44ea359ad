"""How certain accuracies and their differences are: over folds, over people, clip by clip."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import stats

from stimuli.context_faces.evaluation.resampling import interval, ratio


class Interval(NamedTuple):
    """An estimate and its 95 % confidence interval."""

    estimate: float
    low: float
    high: float


def over_folds(values: np.ndarray) -> Interval:
    """Mean of k folds' values (k,): mean ± t(.975, k - 1) s / sqrt(k).

    Folds share training people, so the interval is somewhat too narrow (Bengio & Grandvalet 2004).
    """
    values = np.asarray(values, float)
    k, mean = len(values), float(values.mean())
    if k < 2:
        return Interval(mean, float("nan"), float("nan"))
    half = float(stats.t.ppf(0.975, k - 1) * values.std(ddof=1) / np.sqrt(k))
    return Interval(mean, mean - half, mean + half)


def over_people(right: np.ndarray, person: np.ndarray) -> Interval:
    """Share of right clips, by bootstrap of whole people: right (C,), or a difference of two."""
    _, own = np.unique(person, return_inverse=True)
    sums, counts = np.bincount(own, np.asarray(right, float)), np.bincount(own)
    low, high = interval(np.stack([sums, counts], 1), ratio)
    return Interval(float(sums.sum() / counts.sum()), float(low), float(high))


def mcnemar(first: np.ndarray, second: np.ndarray) -> tuple[int, int, float]:
    """Clips that only the first, only the second gets right, and the exact two-sided p.

    McNemar (1947); clips count as independent, which clips of one person are not quite.
    """
    first, second = np.asarray(first, bool), np.asarray(second, bool)
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    n = only_first + only_second
    p = float(stats.binomtest(only_first, n, 0.5).pvalue) if n else 1.0
    return only_first, only_second, p


def holm(p: np.ndarray) -> np.ndarray:
    """Probabilities p adjusted for their number (Holm 1979)."""
    p = np.asarray(p, float)
    order = np.argsort(p)
    steps = np.maximum.accumulate(p[order] * (len(p) - np.arange(len(p))))
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(steps, 1)
    return adjusted
