"""Means over seeds of trainings, and how certain they are: over speakers and over seeds.

Three trainings are too few to be drawn again, so intervals are of t: the variance over speakers (a
jackknife: every speaker is left out in turn, with all clips) and that over trainings (of the mean)
are added, with degrees of freedom by Welch and Satterthwaite. Differences leave out the same
speaker on both sides. Trainings of one seed begin with the same weights of the base, share what is
learned first and see the same batches: their difference is one number (`minus`); others are
independent (`difference_of`). With one training, only speakers count.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

from models.reaction.metrics.scores import Scores
from models.reaction.metrics.tables import Tables

SHARE = 0.975  # of t, for 95 %
Version = Callable[[Tables], Scores]


class Scored(NamedTuple):
    """Numbers of one training: of all speakers (M,), and without each of G of them (G, M)."""

    whole: np.ndarray
    without: np.ndarray


class Estimate(NamedTuple):
    """A mean and its interval at 95 %."""

    mean: float
    low: float
    high: float

    @property
    def certain(self) -> bool:
        """Whether the interval leaves 0 out."""
        return self.low > 0 or self.high < 0

    def words(self, digits: int, sign: str = "") -> str:
        """The number and half its interval."""
        if np.isnan(self.mean):
            return "–"
        if np.isnan(self.low):
            return f"{self.mean:{sign}.{digits}f}"
        return f"{self.mean:{sign}.{digits}f}±{(self.high - self.low) / 2:.{digits}f}"


def scored(tables: Tables, speaker: np.ndarray, version: Version) -> Scored:
    """The six numbers, and with each speaker (C,) left out."""
    return _left_out(speaker, lambda rows: np.array(version(tables.of(rows))))


def averaged(values: np.ndarray, speaker: np.ndarray) -> Scored:
    """The mean of one number of each clip (C,), likewise."""
    return _left_out(speaker, lambda rows: np.array([values[rows].mean()]))


def _left_out(speaker: np.ndarray, numbers: Callable[[np.ndarray], np.ndarray]) -> Scored:
    """Numbers of all clips, and without those of each speaker; NaN if there is but one."""
    whole, people = numbers(np.arange(len(speaker))), np.unique(speaker)
    if len(people) == 1:
        return Scored(whole, np.full((1, len(whole)), np.nan))
    return Scored(whole, np.stack([numbers(np.flatnonzero(speaker != who)) for who in people]))


def mean_of(trainings: Sequence[Scored]) -> list[Estimate]:
    """The mean over trainings of each number."""
    whole, without = _together(trainings)
    return _estimates(whole.mean(0), without, [whole])


def minus(training: Scored, other: Scored) -> Scored:
    """The difference of two trainings of one seed."""
    return Scored(training.whole - other.whole, training.without - other.without)


def difference_of(
    trainings: Sequence[Scored], others: Sequence[Scored]
) -> list[Estimate]:  # fmt: skip
    """Mean of trainings minus mean of independent others, of each number."""
    (whole, without), (before, left) = _together(trainings), _together(others)
    return _estimates(whole.mean(0) - before.mean(0), without - left, [whole, before])


def _together(trainings: Sequence[Scored]) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of each training (n, M), and their mean without each speaker (G, M)."""
    return np.stack([one.whole for one in trainings]), np.mean(
        [one.without for one in trainings], 0
    )


def _estimates(
    mean: np.ndarray, without: np.ndarray, trainings: Sequence[np.ndarray]
) -> list[Estimate]:
    """Intervals from jackknifed means (G, M) and from the spread over trainings (n, M)."""
    many = len(without)
    parts = [((many - 1) / many * ((without - without.mean(0)) ** 2).sum(0), many - 1)]
    parts += [(of.var(0, ddof=1) / len(of), len(of) - 1) for of in trainings if len(of) > 1]
    found = []
    for i, middle in enumerate(mean):
        variances = np.array([part[i] for part, _ in parts])
        total = variances.sum()
        if many < 2 or np.isnan(total) or np.isnan(middle):
            found.append(Estimate(float(middle), float("nan"), float("nan")))
            continue
        freedom = np.array([df for _, df in parts])
        df = total**2 / (variances**2 / freedom).sum() if total > 0 else freedom[0]
        half = float(stats.t.ppf(SHARE, df) * np.sqrt(total))
        found.append(Estimate(float(middle), float(middle) - half, float(middle) + half))
    return found
