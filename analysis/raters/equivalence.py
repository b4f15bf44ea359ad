"""Is a difference small enough not to matter? Two one-sided tests (Schuirmann 1987).

A difference that is not significant need not be small. With a bound of d points, two one-sided
tests at 5 % ask whether the difference is above -d and below d; p is the larger of both, and the
90 % interval inside (-d, d) says the same (Lakens 2017).
"""

from __future__ import annotations

from dataclasses import dataclass

from scipy import stats

from analysis.mixed.fit import Estimate

ALPHA = 0.05


@dataclass(frozen=True)
class Equivalence:
    """Whether a difference lies within ±`bound`: p of both tests and the 90 % interval."""

    bound: float
    p: float
    low: float
    high: float

    @property
    def shown(self) -> bool:
        """Whether the difference is shown to lie within the bound."""
        return self.p < ALPHA


def tost(found: Estimate, bound: float) -> Equivalence:
    """The two one-sided tests of an estimate against ±`bound` (in its own units, above 0)."""
    above = float(stats.t.sf((found.value + bound) / found.se, found.df))
    below = float(stats.t.cdf((found.value - bound) / found.se, found.df))
    return Equivalence(bound, max(above, below), *found.interval(0.90))


def verdict(p_difference: float, p_equivalence: float | None) -> str:
    """What two tests of one difference say together, in one word or two."""
    differs = p_difference < ALPHA
    if p_equivalence is None:
        return "different" if differs else "not shown to differ"
    if p_equivalence < ALPHA:
        return "different, but within the bound" if differs else "equivalent"
    return "different" if differs else "undecided"
