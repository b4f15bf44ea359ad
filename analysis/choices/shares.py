"""Shares of answers, with intervals that know which answers belong together.

Answers of one participant are alike, so an interval that counts each answer as new information is
too narrow. Shares here are pooled over answers, and their intervals rest on *clusters*: the
participants, or, where those of imported answers are unknown, the identities (else stimuli) shown.

The interval is Wilson's with an effective number of answers (Korn & Graubard, 1998; compared with
others by Dean & Pagano, 2015): n* = p(1 - p) / v, at most n, with v the variance of p
between G clusters, and the t quantile with G - 1 degrees of freedom in place of the normal one.
Where p is 0 or 1 there is no such v: then each cluster counts as one answer, n* = G.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from protocols.ratings import UNKNOWN

LEAST = 5  # identities: with fewer, stimuli are the clusters
MANY = {"participant": "participants", "identity": "identities", "stimulus_id": "stimuli"}


@dataclass(frozen=True)
class Clusters:
    """Which answers belong together.

    Attributes:
        by: column of the ratings: participant, identity or stimulus_id.
        codes: (n,) cluster of each answer, 0…count - 1.
        count: number of clusters.
        known: whether it is known who gave which answers.
    """

    by: str
    codes: np.ndarray
    count: int
    known: bool = True

    @property
    def over(self) -> str:
        """`over participants`; else also why not over them."""
        if self.by == "participant":
            return "over participants"
        if self.known:
            return f"over {MANY[self.by]}, as there is one participant only"
        return f"over {MANY[self.by]}, as it is not known which answers are one participant's"


@dataclass(frozen=True)
class Interval:
    """Pooled shares and their 95 % limits, arrays of one shape; NaN where nothing was answered."""

    share: np.ndarray
    low: np.ndarray
    high: np.ndarray


def clusters_of(rows: pd.DataFrame) -> Clusters:
    """The clusters of answers with the columns participant, identity and stimulus_id."""
    people = rows.participant.astype(str)
    by, known = "participant", not (people == UNKNOWN).any()
    if people.nunique() < 2 or not known:
        by = "identity" if rows.identity.nunique() >= LEAST else "stimulus_id"
    codes, found = pd.factorize(rows[by].astype(str))
    return Clusters(by, codes, len(found), known)


def sums(clusters: Clusters, values: np.ndarray) -> np.ndarray:
    """Sums of `values` (n, …) per cluster: (G, …)."""
    total = np.zeros((clusters.count, *values.shape[1:]))
    np.add.at(total, clusters.codes, values)
    return total


def interval(hits: np.ndarray, answers: np.ndarray, level: float = 0.95) -> Interval:
    """Shares of hits among answers, each (G, …): one row per cluster; see the module."""
    total = answers.sum(axis=0)
    groups = (answers > 0).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = hits.sum(axis=0) / total
        errors = ((hits - p * answers) ** 2).sum(axis=0)
        v = groups / (groups - 1) * errors / total**2
        spread = p * (1 - p)
        effective = np.where(spread > 0, np.minimum(spread / v, total), groups)
        t = stats.t.ppf((1 + level) / 2, groups - 1)  # NaN with a single cluster
        centre = (p + t**2 / (2 * effective)) / (1 + t**2 / effective)
        half = np.sqrt(spread / effective + t**2 / (4 * effective**2)) * t / (1 + t**2 / effective)
    low, high = np.clip(centre - half, 0, p), np.clip(centre + half, p, 1)
    return Interval(p, low, high)


def resampled(counts: np.ndarray, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Sums of `counts` (G, …) over clusters drawn with replacement: (draws, …)."""
    groups = len(counts)
    weights = rng.multinomial(groups, np.full(groups, 1 / groups), size=draws)
    return np.tensordot(weights.astype(float), counts, axes=1)
