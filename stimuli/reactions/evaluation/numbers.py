"""The six numbers of every way and baseline, in both versions of the metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from models.reaction.metrics import corrected, react2024
from models.reaction.metrics.scores import LOWER, NAMES, Scores
from stimuli.reactions.evaluation.certainty import (
    Estimate,
    Scored,
    Version,
    difference_of,
    mean_of,
    minus,
    scored,
)
from stimuli.reactions.evaluation.measuring import Record
from stimuli.reactions.evaluation.trained import Tried, Way

VERSIONS: dict[str, Version] = {"react2024": react2024.scores, "corrected": corrected.scores}
METRICS = Scores._fields
DIGITS = {
    "react2024": dict(zip(METRICS, (2, 2, 4, 4, 4, 2), strict=True)),
    "corrected": dict(zip(METRICS, (3, 4, 4, 4, 4, 1), strict=True)),
}
ARROWS = {name: f"{NAMES[name]} {'↓' if name in LOWER else '↑'}" for name in METRICS}


@dataclass(frozen=True)
class Numbers:
    """Of one version of the metrics; estimates are in the order of METRICS."""

    version: str
    ways: Mapping[Way, Mapping[str, Scored]]  # of each training, by seed
    baselines: Mapping[str, Scored]

    def mean(self, of: Way | str) -> list[Estimate]:
        """Means over trainings of a way, or of a baseline."""
        if isinstance(of, str):
            return mean_of([self.baselines[of]])
        return mean_of([*self.ways[of].values()])

    def difference(self, way: Way, other: Way) -> list[Estimate]:
        """Of a way from another one; trainings of one seed are a pair, if all have their pair."""
        ours, theirs = self.ways[way], self.ways[other]
        if set(ours) == set(theirs):
            return mean_of([minus(ours[seed], theirs[seed]) for seed in ours])
        return difference_of([*ours.values()], [*theirs.values()])

    def words(self, estimates: Sequence[Estimate], sign: str = "") -> dict[str, str]:
        """Estimates as cells of a table."""
        return {
            ARROWS[name]: one.words(DIGITS[self.version][name], sign)
            for name, one in zip(METRICS, estimates, strict=True)
        }


def numbers_of(
    tried: Tried, naive: Mapping[str, Record], speaker: np.ndarray
) -> dict[str, Numbers]:
    """Both versions, by name."""
    return {
        name: Numbers(
            name,
            {way: {seed: scored(one.tables, speaker, version) for seed, one in records.items()}
             for way, records in tried.items()},
            {words: scored(one.tables, speaker, version) for words, one in naive.items()},
        )
        for name, version in VERSIONS.items()
    }  # fmt: skip
