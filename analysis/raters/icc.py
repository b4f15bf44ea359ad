"""Intraclass correlations: which share of the variance of ratings lies between stimuli.

n stimuli, k raters. A model of a rating: stimulus s + rater r + residual e, with variances of each.

=========== ==================== =====================================================
name        share                raters
=========== ==================== =====================================================
ICC(1,1)    s / (s + w)          differ from stimulus to stimulus, w = r + e
ICC(A,1)    s / (s + r + e)      a sample; their levels count (absolute agreement)
ICC(C,1)    s / (s + e)          their levels do not count (consistency)
ICC(.,k)    as above, with the error divided by k: the mean of k raters
=========== ==================== =====================================================

Where every rater saw every stimulus: mean squares and F-based intervals (Shrout & Fleiss 1979,
table 2; McGraw & Wong 1996, tables 4 and 7). Where raters saw different stimuli: variance
components of the mixed models rating ~ 1 + (1 | stimulus) + (1 | rater) and, for ICC(1,1),
rating ~ 1 + (1 | stimulus), by REML, k being the harmonic mean of the raters per stimulus
(ten Hove, Jorgensen & van der Ark 2022), with intervals by the delta method on the logit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special, stats

from analysis.mixed.fit import Fit, fit

ONE, AGREEMENT, CONSISTENCY = "1", "A", "C"
TAIL = 0.975


@dataclass(frozen=True)
class Icc:
    """One intraclass correlation with its 95 % interval; `raters` is 1, or k for their mean."""

    kind: str  # ONE, AGREEMENT or CONSISTENCY
    raters: float
    value: float
    low: float
    high: float

    @property
    def name(self) -> str:
        """Its usual name, such as ICC(A,1) or ICC(A,k)."""
        return f"ICC({self.kind},{1 if self.raters == 1 else 'k'})"

    def of_mean(self, k: float) -> Icc:
        """That of the mean of `k` raters (Spearman-Brown)."""
        value, low, high = (spearman_brown(v, k) for v in (self.value, self.low, self.high))
        return Icc(self.kind, k, value, low, high)


def spearman_brown(reliability: float, k: float) -> float:
    """Reliability of the mean of `k` measurements, each of this reliability."""
    below = 1 + (k - 1) * reliability
    return k * reliability / below if below > 0 else float("-inf")


def of_complete(ratings: np.ndarray) -> list[Icc]:
    """Every intraclass correlation of `ratings` (n, k) without gaps, n and k at least 2.

    Missing if the ratings do not vary.
    """
    n, k = ratings.shape
    grand = ratings.mean()
    rows = k * np.sum((ratings.mean(axis=1) - grand) ** 2)
    columns = n * np.sum((ratings.mean(axis=0) - grand) ** 2)
    total = np.sum((ratings - grand) ** 2)
    if total == 0:
        return []
    msr, msc = rows / (n - 1), columns / (k - 1)
    mse = max(total - rows - columns, 0.0) / ((n - 1) * (k - 1))
    msw = (total - rows) / (n * (k - 1))
    singles = [
        _ratio(ONE, msr, msw, (n - 1, n * (k - 1)), k),
        _absolute(msr, msc, mse, n, k),
        _ratio(CONSISTENCY, msr, mse, (n - 1, (n - 1) * (k - 1)), k),
    ]
    return [*singles, *(single.of_mean(k) for single in singles)]


def _ratio(kind: str, msr: float, error: float, df: tuple[int, int], k: int) -> Icc:
    """(MSR - MS) / (MSR + (k - 1) MS), MS being the error; F = MSR / MS has degrees `df`."""

    def icc(f: float) -> float:
        return float((msr - f * error) / (msr + (k - 1) * f * error))

    upper = 1 / float(stats.f.ppf(TAIL, df[1], df[0]))
    return Icc(kind, 1, icc(1.0), icc(float(stats.f.ppf(TAIL, *df))), icc(upper))


def _absolute(msr: float, msc: float, mse: float, n: int, k: int) -> Icc:
    """ICC(A,1), with McGraw & Wong's interval (table 7; Satterthwaite's v)."""
    value = float((msr - mse) / (msr + (k - 1) * mse + k / n * (msc - mse)))
    if mse == 0 and msc == 0:
        return Icc(AGREEMENT, 1, 1.0, 1.0, 1.0)
    a = k * value / (n * (1 - value))
    b = 1 + k * value * (n - 1) / (n * (1 - value))
    v = (a * msc + b * mse) ** 2 / ((a * msc) ** 2 / (k - 1) + (b * mse) ** 2 / ((n - 1) * (k - 1)))
    f_low, f_high = float(stats.f.ppf(TAIL, n - 1, v)), float(stats.f.ppf(TAIL, v, n - 1))
    error = k * msc + (k * n - k - n) * mse
    low = n * (msr - f_low * mse) / (f_low * error + n * msr)
    high = n * (f_high * msr - mse) / (error + n * f_high * msr)
    return Icc(AGREEMENT, 1, value, float(low), float(high))


def of_incomplete(ratings: pd.DataFrame) -> list[Icc]:
    """Intraclass correlations of `rating` by `stimulus_id` and `participant`, with gaps.

    ICC(C,k) is left out: where stimuli had different raters, the raters' own levels do not cancel
    between the means of stimuli.

    Raises:
        AnalysisError: the variance components cannot be estimated.
    """
    k = float(stats.hmean(ratings.groupby("stimulus_id").size()))
    crossed = fit("rating ~ 1 + (1 | stimulus_id) + (1 | participant)", ratings)
    nested = fit("rating ~ 1 + (1 | stimulus_id)", ratings)
    one = _of_components(nested, ONE, np.array([1.0]))
    absolute = _of_components(crossed, AGREEMENT, np.array([1.0, 1.0]))
    consistent = _of_components(crossed, CONSISTENCY, np.array([1.0, 0.0]))
    return [one, absolute, consistent, one.of_mean(k), absolute.of_mean(k)]


def _of_components(fitted: Fit, kind: str, counts: np.ndarray) -> Icc:
    """Share of the first component in those that count, and in the residual.

    With theta the standard deviations over that of the residual, the odds of the share are
    theta_1^2 / (1 + sum of the other theta^2); the interval is that of their logarithm.
    """
    theta = fitted.theta
    others = 1 + float(np.sum(counts[1:] * theta[1:] ** 2))
    value = float(theta[0] ** 2 / (theta[0] ** 2 + others))
    if value < 1e-8:
        return Icc(kind, 1, 0.0, float("nan"), float("nan"))
    slope = np.zeros(len(theta) + 1)  # of the log odds by theta and sigma
    slope[0] = 2 / theta[0]
    slope[1 : len(theta)] = -2 * counts[1:] * theta[1:] / others
    se = float(np.sqrt(slope @ fitted.satterthwaite.parameter_covariance @ slope))
    half = float(stats.norm.ppf(TAIL)) * se
    low, high = special.expit(special.logit(value) + np.array([-half, half]))
    return Icc(kind, 1, value, float(low), float(high))
