"""Means over people, with intervals at 95 %: whole actors are drawn again (bootstrap)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from stimuli.context_faces.evaluation.resampling import interval
from stimuli.talking_faces.evaluation.measuring import Record

Number = Callable[[Record], float]


class Mean(NamedTuple):
    """A mean over actors, each counted once, and its interval."""

    mean: float
    low: float
    high: float

    def words(self, digits: int) -> str:
        """The number and its interval."""
        return f"{self.mean:.{digits}f} ({self.low:.{digits}f} to {self.high:.{digits}f})"


def by_actor(records: Sequence[Record], number: Number) -> np.ndarray:
    """Mean (A,) of each actor's clips; clips without a number are left out."""
    values: dict[str, list[float]] = {}
    for record in records:
        value = number(record)
        if not np.isnan(value):
            values.setdefault(record["actor"], []).append(value)
    return np.array([np.mean(of) for of in values.values()])


def mean(records: Sequence[Record], number: Number) -> Mean:
    """Of a number that each clip has; NaN where none has it."""
    values = by_actor(records, number)
    if not len(values):
        return Mean(*3 * (float("nan"),))
    low, high = interval(values)
    return Mean(float(values.mean()), float(low), float(high))


def ratio_of(records: Sequence[Record], over: Number, under: Number) -> Mean:
    """Sum of one number over the sum of another, of clips that have both."""
    both = [r for r in records if not np.isnan(over(r) + under(r))]
    values = np.stack([by_actor(both, over), by_actor(both, under)], 1)  # (A, 2)
    if not len(values) or not values[:, 1].sum():
        return Mean(*3 * (float("nan"),))
    low, high = interval(values, lambda drawn: _ratio(drawn.sum(1)))
    return Mean(float(_ratio(values.sum(0))), float(low), float(high))


def columns(of: Mapping[str, Mean]) -> dict[str, float]:
    """As columns of a table: each name, and its low and high."""
    found: dict[str, float] = {}
    for name, one in of.items():
        found |= {name: one.mean, f"{name} low": one.low, f"{name} high": one.high}
    return found


def _ratio(sums: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return sums[..., 0] / sums[..., 1]
