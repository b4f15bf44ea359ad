"""Means over people with intervals at 95 %: whole actors are drawn again (bootstrap).

Records are put in one table for each actor first, so that everybody counts once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from stimuli.context_faces.evaluation.resampling import interval
from stimuli.talking_faces.evaluation.averages import Mean
from stimuli.valence_arousal.evaluation.measuring import Record


def by_actor(records: Sequence[Record], value: Callable[[Record], np.ndarray]) -> np.ndarray:
    """Mean (A, ...) over each actor's records of something that each record has (...)."""
    found: dict[str, list[np.ndarray]] = {}
    for record in records:
        found.setdefault(record.actor, []).append(np.asarray(value(record), float))
    return np.stack([np.mean(of, axis=0) for of in found.values()])


def mean(per_actor: np.ndarray) -> Mean:
    """Of one number for each actor (A,)."""
    low, high = interval(per_actor)
    return Mean(float(np.mean(per_actor)), float(low), float(high))


def estimate(per_actor: np.ndarray, statistic: Callable[[np.ndarray], np.ndarray]) -> Mean:
    """A statistic of actors' values (A, ...), from values (draws, A, ...) to (draws,)."""
    low, high = interval(per_actor, statistic)
    return Mean(float(statistic(per_actor[None])[0]), float(low), float(high))


def decibels(squares: np.ndarray) -> Mean:
    """PSNR of the mean squared difference over actors (A,), of pictures in [0, 1].

    A mean of single pictures' PSNR would be infinite as soon as one of them is the true one.
    """
    error = mean(squares)
    with np.errstate(divide="ignore"):
        middle, worst, best = -10 * np.log10([error.mean, error.high, error.low])
    return Mean(float(middle), float(worst), float(best))
