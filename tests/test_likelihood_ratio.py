"""Likelihood-ratio tests: a closed form, R's anova, and models that cannot be compared."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.mixed.columns import Variable
from analysis.mixed.fit import fit
from analysis.mixed.likelihood_ratio import likelihood_ratios
from tests.lmm_data import NO_REFERENCES, REFERENCES, crossed, reference

EMOTION = {"emotion": Variable("emotion", ("angry", "happy"), "sliding-difference")}
WHOLE = "rating ~ emotion + (emotion | participant) + (1 | identity)"


@pytest.fixture
def data() -> pd.DataFrame:
    return crossed(np.random.default_rng(5), participants=16, items=8, effect=0.3)


def against(simple: str, data: pd.DataFrame, whole: str = WHOLE):
    def refit(formula):
        return fit(formula, data, EMOTION, reml=False)

    (test,) = likelihood_ratios([simple], refit(whole), refit)
    return test


def test_paired_ratings_have_the_closed_form():
    """n log(1 + t^2 / (n - 1)) is the likelihood ratio of the paired t test."""
    rng = np.random.default_rng(6)
    n = 20
    base = rng.normal(5, 1, n)
    angry, happy = base + rng.normal(0, 0.5, n), base + rng.normal(0.3, 0.5, n)
    data = pd.DataFrame({
        "rating": np.concatenate([angry, happy]), "emotion": ["angry"] * n + ["happy"] * n,
        "participant": [f"p{i}" for i in range(n)] * 2,
    })  # fmt: skip
    test = against("rating ~ 1 + (1 | participant)", data, "rating ~ emotion + (1 | participant)")
    t = stats.ttest_rel(happy, angry).statistic
    assert test.chi2 == pytest.approx(n * np.log1p(t**2 / (n - 1)), rel=1e-5)
    assert test.df == 1
    assert test.p == pytest.approx(stats.chi2.sf(test.chi2, 1))
    assert not test.boundary


@pytest.mark.skipif(not REFERENCES.is_dir(), reason=NO_REFERENCES)
def test_sleepstudy_agrees_with_lme4():
    """Bates et al. (2015): ML log likelihood -875.9697 with the slope, -876.0016 without r."""
    found, data, variables = reference("sleepstudy")

    def refit(formula):
        return fit(formula, data, variables, reml=False)

    (test,) = likelihood_ratios(
        ["Reaction ~ Days + (Days || Subject)"], refit(found["formula"]), refit
    )
    assert test.log_likelihoods[1] == pytest.approx(-875.9697, abs=1e-3)
    assert test.chi2 == pytest.approx(0.0639, abs=2e-4)  # anova(fm2, fm1) in the lme4 vignette
    assert (test.df, round(test.p, 3)) == (1, 0.8)
    assert not test.boundary  # a correlation of zero is no edge


def test_variances_at_the_edge_are_pointed_out(data):
    test = against("rating ~ emotion + (1 | participant) + (1 | identity)", data)
    assert test.boundary
    assert test.df == 2  # a variance and a correlation


@pytest.mark.parametrize(
    ("simple", "says"),
    [
        ("rating ~ trial + (1 | participant)", "fixed effects trial are not in the model"),
        ("rating ~ 1 + (1 | trial)", "of trial are not in the model"),
        ("rating ~ 1 + (emotion | identity)", "of identity are not in the model"),
        (WHOLE, "as many parameters"),
        ("rating ~ 1 + (1 | half)", "fitted to"),
    ],
)
def test_models_that_are_no_special_case_are_refused(data, simple, says):
    data = data.assign(trial=np.arange(len(data)) % 13, half=data.identity.where(data.index > 9))
    assert says in against(simple, data).failure


def test_another_coding_of_the_same_effects_is_a_special_case(data):
    """Nested by the space of the columns, not by their names."""
    other = data.assign(happy=(data.emotion == "happy").astype(float))
    assert against("rating ~ happy + (1 | participant)", other).failure == ""
