"""Wilcoxon's signed-rank test of paired differences, with estimate, interval and effect size.

Symbols: d (n,) differences; W+ and W- sums of the ranks of |d| over positive and negative d.
Differences of 0 are left out of the test, as Wilcoxon (1945) and R's `wilcox.test` do, and counted.
The p value is exact, given the ranks found (ties share their mean rank), by the shift algorithm of
Streitberg & Roehmel (1986); from MOST_EXACT pairs on, normal with correction for ties. The effect
size is the matched-pairs rank-biserial correlation (W+ - W-) / (W+ + W-) (Kerby, 2014), -1…1. The
estimate is that of Hodges & Lehmann (1963), the median of all pairwise means of d, zeros included,
and its interval holds the pairwise means that the test does not refuse.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

MOST_EXACT = 200  # pairs
SAME = 9  # decimals: differences of means that differ less are the same


@dataclass(frozen=True)
class SignedRank:
    """A two-sided signed-rank test.

    Attributes:
        n: pairs.
        zeros: pairs without a difference, which the test leaves out.
        w: W+, the sum of ranks of positive differences.
        p: two-sided p value; 1 if all differences are 0.
        exact: whether p is exact.
        estimate, low, high: Hodges-Lehmann estimate of the difference and its 95 % interval.
        r: matched-pairs rank-biserial correlation.
    """

    n: int
    zeros: int
    w: float
    p: float
    exact: bool
    estimate: float
    low: float
    high: float
    r: float


def signed_rank(differences: Sequence[float] | np.ndarray) -> SignedRank:
    """The test of the differences (n,); NaN estimates without any."""
    d = np.round(np.asarray(differences, float), SAME)
    moved = d[d != 0]
    ranks = stats.rankdata(np.abs(moved))
    w, total = float(ranks[moved > 0].sum()), float(ranks.sum())
    exact = len(moved) <= MOST_EXACT
    p = _exact_p(ranks, w) if exact else _normal_p(moved)
    estimate, low, high = hodges_lehmann(d)
    r = (2 * w - total) / total if total else 0.0
    return SignedRank(len(d), len(d) - len(moved), w, p, exact, estimate, low, high, r)


def distribution(ranks: np.ndarray) -> np.ndarray:
    """Probability that twice W+ is 0, 1, 2 …, if each rank is positive or negative alike."""
    doubled = np.round(2 * ranks).astype(int)  # mean ranks of ties are halves
    chances = np.zeros(doubled.sum() + 1)
    chances[0] = 1.0
    for rank in doubled:
        shifted = np.zeros_like(chances)
        shifted[rank:] = chances[: len(chances) - rank]
        chances = (chances + shifted) / 2
    return chances


def _exact_p(ranks: np.ndarray, w: float) -> float:
    chances = distribution(ranks)
    place = round(2 * w)
    return float(min(1.0, 2 * min(chances[: place + 1].sum(), chances[place:].sum())))


def _normal_p(moved: np.ndarray) -> float:
    _, p = stats.wilcoxon(moved, method="asymptotic")
    return float(p)  # type: ignore[arg-type]


def hodges_lehmann(d: np.ndarray) -> tuple[float, float, float]:
    """Median of the pairwise means of d (n,), and its 95 % interval (at least 95 %, if exact)."""
    n = len(d)
    if n == 0:
        return float("nan"), float("nan"), float("nan")
    i, j = np.triu_indices(n)
    means = np.sort((d[i] + d[j]) / 2)  # (n (n + 1) / 2,)
    if n <= MOST_EXACT:
        below = np.cumsum(distribution(np.arange(1, n + 1)))[::2]  # P(W+ <= 0, 1, 2, …)
        k = int(np.searchsorted(below, 0.025, side="right"))  # most means left out at each end
    else:
        sd = np.sqrt(n * (n + 1) * (2 * n + 1) / 24)
        k = int(np.floor(n * (n + 1) / 4 - stats.norm.ppf(0.975) * sd))
    low, high = (means[k - 1], means[-k]) if k > 0 else (-np.inf, np.inf)
    return float(np.median(means)), float(low), float(high)
