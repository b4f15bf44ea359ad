"""Chance-corrected agreement of any number of raters: Krippendorff's alpha and Fleiss' kappa.

Both start from `counts` (n, v): how many raters gave stimulus u the value c. Raters may be
missing; a stimulus with a single rating says nothing and is left out.

Krippendorff (2011), "Computing Krippendorff's alpha-reliability": with m_u ratings of stimulus u,
coincidences o_ck = sum_u n_uc (n_uk - [c = k]) / (m_u - 1), margins n_c, total n, and a squared
distance delta_ck (nominal 0 or 1, ordinal between mid-ranks, interval between values),

    alpha = 1 - (n - 1) sum_ck o_ck delta_ck / sum_ck n_c n_k delta_ck

Fleiss (1971), for numbers of raters that differ as in Gwet (2014, "Handbook of inter-rater
reliability", section 2.3): kappa = (P - P_e) / (1 - P_e), P the mean share of agreeing pairs per
stimulus, P_e the sum of the squared mean shares of the values.

Intervals: bootstrap over stimuli (Zapf, Castell, Morawietz & Karch 2016), see
`analysis.raters.bootstrap`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd

from analysis.raters.bootstrap import percentiles

Metric = Literal["nominal", "ordinal", "interval"]
Statistic = Callable[[np.ndarray], np.ndarray]  # weights of stimuli (times, n) -> values (times,)


@dataclass(frozen=True)
class Coefficient:
    """A coefficient with its 95 % interval; missing where the ratings do not vary."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Counts:
    """How often each stimulus got each value.

    Attributes:
        counts: (n, v), every row with two ratings or more.
        values: the v values in ascending order, or words.
        clusters: identity of each stimulus, (n,).
    """

    counts: np.ndarray
    values: np.ndarray
    clusters: np.ndarray

    @cached_property
    def coincidences(self) -> np.ndarray:
        """Coincidences of values within each stimulus, (n, v, v)."""
        own = self.counts[:, :, None] * np.eye(len(self.values))
        pairs = self.counts[:, :, None] * self.counts[:, None, :] - own
        return pairs / (self.counts.sum(axis=1) - 1)[:, None, None]


def count(
    values: pd.Series, stimuli: pd.Series, identities: pd.Series, order: Sequence[object] = ()
) -> Counts:
    """Count the `values` of each stimulus; `order` of the values: as given, or ascending."""
    table = pd.crosstab(stimuli, values)
    table = table[[v for v in order if v in table]] if len(order) else table.sort_index(axis=1)
    table = table[table.sum(axis=1) >= 2]
    of = dict(zip(stimuli, identities, strict=True))
    clusters = np.array([str(of[name]) for name in table.index])
    return Counts(table.to_numpy(float), table.columns.to_numpy(), clusters)


def with_interval(statistic: Statistic, drawn: np.ndarray) -> Coefficient:
    """`statistic` of all stimuli, with its interval over the bootstrap samples `drawn`."""
    value = float(statistic(np.ones((1, drawn.shape[1])))[0])
    return Coefficient(value, *percentiles(statistic(drawn)))


def alpha(counts: Counts, metric: Metric, weights: np.ndarray) -> np.ndarray:
    """Krippendorff's alpha with each stimulus counted as often as `weights` (times, n) say."""
    v = len(counts.values)
    observed = (weights @ counts.coincidences.reshape(-1, v * v)).reshape(-1, v, v)
    margins = observed.sum(axis=2)  # (times, v)
    total = margins.sum(axis=1)
    delta = _distances(margins, counts.values, metric)  # (times or 1, v, v)
    disagreement = (observed * delta).sum(axis=(1, 2))
    by_chance = (margins[:, :, None] * margins[:, None, :] * delta).sum(axis=(1, 2))
    return 1 - _divided((total - 1) * disagreement, by_chance)


def _distances(margins: np.ndarray, values: np.ndarray, metric: Metric) -> np.ndarray:
    """Squared distances between values (Krippendorff 2011, section E)."""
    if metric == "nominal":
        return 1 - np.eye(len(values))[None]
    # the sum of margins from c to k, half of both ends taken off, is a difference of mid-ranks
    places = np.cumsum(margins, axis=1) - margins / 2
    places = places if metric == "ordinal" else values.astype(float)[None]
    return (places[:, :, None] - places[:, None, :]) ** 2


def fleiss(counts: Counts, weights: np.ndarray) -> np.ndarray:
    """Fleiss' kappa with each stimulus counted as often as `weights` (times, n) say."""
    per_stimulus = counts.counts / counts.counts.sum(axis=1, keepdims=True)
    shares = weights @ per_stimulus / weights.sum(axis=1, keepdims=True)
    by_chance = np.sum(shares**2, axis=1)
    return _divided(pairs(counts, weights) - by_chance, 1 - by_chance)


def pairs(counts: Counts, weights: np.ndarray, within: float = 0) -> np.ndarray:
    """Mean share of pairs of raters of a stimulus whose values lie at most `within` apart."""
    raters = counts.counts.sum(axis=1)
    near = np.eye(len(counts.values)) if not within else _near(counts.values.astype(float), within)
    agreeing = np.einsum("ucd,cd->u", counts.coincidences, near) / raters
    return weights @ agreeing / weights.sum(axis=1)


def _near(values: np.ndarray, within: float) -> np.ndarray:
    return (np.abs(values[:, None] - values[None, :]) <= within + 1e-9).astype(float)


def _divided(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Quotients; missing where there is nothing to divide by (the ratings do not vary)."""
    out = np.full(np.shape(above), np.nan)
    return np.divide(above, below, out=out, where=below > 1e-12)
