"""Wilcoxon's signed-rank test: exact with ties, and its estimate, interval and effect size."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy import stats

from analysis.choices.paired import holm
from analysis.choices.signed_rank import signed_rank


def by_enumeration(d: np.ndarray) -> float:
    """Two-sided p over every pattern of signs."""
    d = d[d != 0]
    ranks = stats.rankdata(np.abs(d))
    w = ranks[d > 0].sum()
    every = np.array(list(product([0, 1], repeat=len(d)))) @ ranks
    return min(1.0, 2 * min((every <= w).mean(), (every >= w).mean()))


@pytest.mark.parametrize("seed", range(6))
def test_p_values_with_ties_are_those_of_all_patterns_of_signs(seed):
    d = np.round(np.random.default_rng(seed).normal(0.3, 1, 12) * 5) / 5  # ties and zeros
    found = signed_rank(d)
    assert found.exact
    assert found.p == pytest.approx(by_enumeration(d), abs=1e-12)
    assert found.zeros == (d == 0).sum()


@pytest.mark.parametrize("n", [6, 25, 50])
def test_without_ties_the_test_is_scipy_s_exact_one(n):
    d = np.random.default_rng(n).normal(0.2, 1, n)
    statistic, p = stats.wilcoxon(d, method="exact")
    found = signed_rank(d)
    assert found.p == pytest.approx(p, rel=1e-9)
    assert min(found.w, n * (n + 1) / 2 - found.w) == statistic


def test_more_than_200_pairs_use_the_normal_approximation():
    d = np.random.default_rng(3).normal(0.1, 1, 260)
    found = signed_rank(d)
    assert not found.exact
    _, p = stats.wilcoxon(d, method="asymptotic")
    assert found.p == pytest.approx(p)
    assert found.low < found.estimate < found.high
    assert found.high - found.low == pytest.approx(2 * 1.96 / np.sqrt(260) * 1.02, rel=0.1)


def test_the_interval_holds_the_shifts_that_the_test_does_not_refuse():
    d = np.random.default_rng(4).normal(0.5, 1, 15)
    found, step = signed_rank(d), 1e-6
    for inside in (found.low + step, found.estimate, found.high - step):
        assert signed_rank(d - inside).p > 0.05
    for outside in (found.low - step, found.high + step):
        assert signed_rank(d - outside).p <= 0.05


def test_the_estimate_is_the_median_of_pairwise_means():
    d = [1.0, 2.0, 6.0]  # pairwise means: 1, 1.5, 2, 3.5, 4, 6
    found = signed_rank(d)
    assert found.estimate == pytest.approx((2 + 3.5) / 2)
    assert (found.w, found.r, found.p) == (6.0, 1.0, pytest.approx(0.25))
    assert not np.isfinite([found.low, found.high]).any()  # three pairs exclude nothing


def test_rank_biserial_correlation_is_the_difference_of_rank_shares():
    d = np.array([3.0, -1.0, 2.0, -4.0, 5.0])  # ranks 3, 1, 2, 4, 5
    assert signed_rank(d).r == pytest.approx((3 + 2 + 5) / 15 - (1 + 4) / 15)


def test_differences_that_only_rounding_makes_are_none():
    found = signed_rank([0.1 + 0.2 - 0.3, 0.3 - 0.1 - 0.2, 0.0])
    assert (found.zeros, found.p, found.r, found.estimate) == (3, 1.0, 0.0, 0.0)
    tied = signed_rank([0.3 - 0.1, 0.2, -(0.7 - 0.5), 1.0])  # three differences of .2
    assert tied.w == 2 + 2 + 4


def test_false_alarms_stay_below_five_per_cent_with_heavily_tied_ratings():
    rng = np.random.default_rng(5)
    alarms = [signed_rank(rng.integers(-2, 3, 20)).p < 0.05 for _ in range(600)]
    assert 0.015 < np.mean(alarms) < 0.065


def test_holm_steps_down():
    p = np.array([0.01, np.nan, 0.04, 0.03])
    np.testing.assert_allclose(holm(p), [0.03, np.nan, 0.06, 0.06])
