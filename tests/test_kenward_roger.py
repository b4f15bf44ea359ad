"""Kenward-Roger agrees with pbkrtest, with closed forms, and with itself in other units."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.mixed import fit as fitting
from analysis.mixed.columns import Variable
from analysis.mixed.fit import fit
from analysis.mixed.joint import joint_test
from analysis.mixed.term_tests import term_tests
from tests.lmm_data import NO_REFERENCES, REFERENCES, crossed, reference, reference_ids

NEEDS = pytest.mark.skipif(not REFERENCES.is_dir(), reason=NO_REFERENCES)
LEVELS = ("angry", "neutral", "happy")
EMOTION = {"emotion": Variable("emotion", LEVELS, "sliding-difference")}
SLOPES = "rating ~ emotion + (emotion | participant) + (1 | identity)"


def with_kr(formula, data, variables=None):
    return fit(formula, data, variables, df="kenward-roger")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(97)


def stored(key: str) -> list[str]:
    return [name for name in reference_ids() if key in reference(name)[0]]


@NEEDS
@pytest.mark.parametrize("name", stored("fixed_kr"))
def test_coefficients_agree_with_pbkrtest(name):
    found, data, variables = reference(name)
    r = pd.DataFrame(found["fixed_kr"])
    ours = with_kr(found["formula"], data, variables).fixed
    np.testing.assert_allclose(ours.se, r["Std. Error"], rtol=1e-3)
    np.testing.assert_allclose(ours.df, r["df"], rtol=1e-3)
    np.testing.assert_allclose(ours.p, r["Pr(>|t|)"], atol=1e-3)


@NEEDS
@pytest.mark.parametrize("name", stored("anova3_kr"))
def test_f_tests_agree_with_pbkrtest(name):
    """F with its scale lambda, of every term."""
    found, data, variables = reference(name)
    r = pd.DataFrame(found["anova3_kr"])
    ours = term_tests(with_kr(found["formula"], data, variables))
    assert ours.term.tolist() == r["term"].tolist()
    assert ours.numerator.tolist() == r["NumDF"].tolist()
    np.testing.assert_allclose(ours.f, r["F value"], rtol=1e-3)
    np.testing.assert_allclose(ours.denominator, r["DenDF"], rtol=1e-3)
    np.testing.assert_allclose(ours.p, r["Pr(>F)"], atol=1e-4)


def test_one_slope_per_person_is_hotelling_s_test(rng):
    """Every person in every condition, free covariance: F is Hotelling's T squared, scaled."""
    people, k = 14, 3
    spread = rng.normal(0, 1, (k, k))
    means = rng.multivariate_normal([5, 5.4, 6], spread @ spread.T + np.eye(k), people)
    data = pd.DataFrame(
        {
            "rating": np.repeat(means.ravel(), 2) + rng.normal(0, 0.3, people * k * 2),
            "emotion": np.tile(np.repeat(LEVELS, 2), people),
            "participant": np.repeat([f"p{i}" for i in range(people)], k * 2),
        }
    )
    fitted = with_kr("rating ~ emotion + (emotion | participant)", data, EMOTION)
    cells = data.groupby(["participant", "emotion"]).rating.mean().unstack()[list(LEVELS)]
    steps = cells.diff(axis=1).iloc[:, 1:].to_numpy()
    q = k - 1
    t2 = people * steps.mean(0) @ np.linalg.solve(np.cov(steps.T), steps.mean(0))
    f = (people - q) / (q * (people - 1)) * t2
    found = joint_test(fitted, np.eye(k)[1:])
    assert found.numerator == q
    assert found.denominator == pytest.approx(people - q, rel=1e-4)
    assert found.f == pytest.approx(f, rel=1e-4)
    assert found.p == pytest.approx(stats.f.sf(f, q, people - q), rel=1e-3)


def test_balanced_designs_have_the_df_of_anova(rng):
    data = crossed(rng, participants=9, items=6, levels=LEVELS)
    fitted = with_kr("rating ~ emotion + (1 | participant)", data, EMOTION)
    n, p = len(data), 3
    assert fitted.fixed.df[1] == pytest.approx(n - 9 - p + 1, rel=1e-6)
    assert fitted.fixed.df[0] == pytest.approx(8, rel=1e-6)
    plain = fit("rating ~ emotion + (1 | participant)", data, EMOTION)
    np.testing.assert_allclose(fitted.fixed.se, plain.fixed.se, rtol=1e-6)  # nothing to adjust


def test_units_of_ratings_and_predictors_change_nothing(rng):
    data = crossed(rng).assign(trial=lambda d: np.arange(len(d)) % 17)
    data = data[rng.random(len(data)) < 0.8]
    formula = "rating ~ trial + (trial | participant) + (1 | identity)"
    small = with_kr(formula, data)
    large = with_kr(formula, data.assign(trial=data.trial * 1e4, rating=data.rating * 100))
    np.testing.assert_allclose(large.fixed.df, small.fixed.df, rtol=1e-3)
    np.testing.assert_allclose(large.fixed.se / [100, 0.01], small.fixed.se, rtol=1e-4)


def test_tests_do_not_depend_on_the_coding(rng):
    data = crossed(rng, participants=10, items=5, levels=LEVELS)
    data = data[rng.random(len(data)) < 0.7]
    formula = "rating ~ emotion + (1 | participant) + (1 | identity)"
    found = [
        with_kr(formula, data, {"emotion": Variable("emotion", LEVELS, coding)})
        for coding in ("treatment", "helmert", "polynomial")
    ]
    tests = [term_tests(each).loc[0, ["f", "denominator"]].tolist() for each in found]
    np.testing.assert_allclose(tests[1], tests[0], rtol=1e-4)
    np.testing.assert_allclose(tests[2], tests[0], rtol=1e-4)


def test_too_many_random_effects_fall_back_to_satterthwaite_and_say_so(rng, monkeypatch):
    data = crossed(rng, participants=10, items=5, levels=LEVELS)
    monkeypatch.setattr(fitting, "MOST_EFFECTS", 12)
    fitted = with_kr("rating ~ emotion + (1 | participant) + (1 | identity)", data, EMOTION)
    (problem,) = [p for p in fitted.problems if p.code == "SATTERTHWAITE_INSTEAD"]
    assert problem.found.startswith("15 random effects")
    assert fitted.df_method == "satterthwaite"


def test_thousands_of_ratings_need_no_square_matrix(rng):
    """40,000 ratings: a matrix of ratings by ratings would take 13 GB."""
    data = crossed(rng, participants=400, items=50)
    variables = {"emotion": Variable("emotion", ("angry", "happy"))}
    formula = "rating ~ emotion + (1 | participant) + (1 | identity)"
    both = [fit(formula, data, variables, df=df) for df in ("satterthwaite", "kenward-roger")]
    np.testing.assert_allclose(both[1].fixed.df, both[0].fixed.df, rtol=2e-3)
