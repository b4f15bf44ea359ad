"""Mixed models agree with lme4 and lmerTest, with closed forms, and with a density written out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.mixed import engine
from analysis.mixed.coding import R_FUNCTIONS
from analysis.mixed.columns import Variable
from analysis.mixed.fit import fit
from analysis.problems import AnalysisError
from tests.lmm_data import NO_REFERENCES, REFERENCES, crossed, reference, reference_ids

MAXIMAL = "rating ~ emotion + (emotion | participant) + (emotion | identity)"
EMOTION = {"emotion": Variable("emotion", ("angry", "happy"), "sliding-difference")}


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20240)


@pytest.mark.skipif(not REFERENCES.is_dir(), reason=NO_REFERENCES)
@pytest.mark.parametrize("name", reference_ids())
def test_fits_agree_with_lme4_and_lmertest(name):
    found, data, variables = reference(name)
    fitted = fit(found["formula"], data, variables, reml=found["REML"])
    r = pd.DataFrame(found["fixed"])
    error = np.abs(fitted.fixed.estimate - r["Estimate"]) / r["Std. Error"]
    assert error.max() < 1e-3
    np.testing.assert_allclose(fitted.fixed.se, r["Std. Error"], rtol=1e-3)
    np.testing.assert_allclose(fitted.fixed.df, r["df"], rtol=1e-2)
    np.testing.assert_allclose(fitted.fixed.t, r["t value"], rtol=2e-3, atol=1e-3)
    np.testing.assert_allclose(fitted.fixed.p, r["Pr(>|t|)"], rtol=2e-2, atol=1e-6)
    np.testing.assert_allclose(fitted.fixed.p, r["Pr(>|t|)"], rtol=0, atol=1e-3)
    assert fitted.log_likelihood == pytest.approx(found["logLik"], abs=1e-3)
    assert fitted.aic == pytest.approx(found["AIC"], abs=2e-3)
    assert fitted.sigma == pytest.approx(found["sigma"], rel=1e-3)
    assert (fitted.n, fitted.groups) == (found["n"], found["ngroups"])
    assert ("SINGULAR" in [p.code for p in fitted.problems]) == found["singular"]
    assert "NOT_CONVERGED" not in [p.code for p in fitted.problems]
    _compare_random_effects(fitted, found)


def _compare_random_effects(fitted, found):
    sds = {
        (r["grp"].split(".")[0], i): r["sdcor"]
        for i, r in enumerate(found["varcorr"])
        if not r["var2"]
    }
    ours = fitted.random.sd.to_numpy()
    np.testing.assert_allclose(
        np.sort(ours), np.sort([*sds.values()]), atol=2e-3 * fitted.sigma, rtol=2e-3
    )
    correlations = [r["sdcor"] for r in found["varcorr"] if r["var2"]]
    flat = [c for row in fitted.random.correlations for c in row]
    if not found["singular"]:
        np.testing.assert_allclose(np.sort(flat), np.sort(correlations), atol=5e-3)


@pytest.mark.skipif(not REFERENCES.is_dir(), reason=NO_REFERENCES)
@pytest.mark.parametrize("name", ["sleepstudy", "penicillin", "machines_slopes", "ham"])
def test_r_squared_agrees_with_performance(name):
    found, data, variables = reference(name)
    fitted = fit(found["formula"], data, variables)
    expected = (found["r2"]["marginal"], found["r2"]["conditional"])
    assert fitted.r_squared == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("reml", [True, False])
def test_likelihood_is_the_normal_density_written_out(rng, reml):
    """log N(y; X beta, V), and for REML the correction of Harville (1974)."""
    data = crossed(rng, participants=9, items=7)
    fitted = fit(MAXIMAL, data, EMOTION, reml=reml)
    v = fitted.sigma**2 * np.eye(fitted.n)
    for term, triangle in zip(fitted.design.random, fitted.triangles, strict=True):
        covariance = fitted.sigma**2 * triangle @ triangle.T
        same = term.codes[:, None] == term.codes[None, :]
        v += same * (term.z @ covariance @ term.z.T)
    x, y = fitted.design.x, fitted.design.y
    information = x.T @ np.linalg.solve(v, x)
    beta = np.linalg.solve(information, x.T @ np.linalg.solve(v, y))
    np.testing.assert_allclose(fitted.beta, beta, rtol=1e-8)
    np.testing.assert_allclose(fitted.covariance, np.linalg.inv(information), rtol=1e-7, atol=1e-12)
    density = stats.multivariate_normal(x @ beta, cov=v).logpdf(y)
    if reml:
        density += x.shape[1] / 2 * np.log(2 * np.pi) - np.linalg.slogdet(information)[1] / 2
    assert fitted.log_likelihood == pytest.approx(density, abs=1e-6)
    blup = np.zeros(fitted.n)
    left = np.linalg.solve(v, y - x @ beta)
    blup = y - fitted.sigma**2 * left  # X beta + Z b = y - R V^-1 (y - X beta)
    np.testing.assert_allclose(fitted.fitted, blup, rtol=1e-6)


def test_balanced_one_way_layout_has_the_closed_form_of_anova(rng):
    groups, each = 12, 6
    effect = rng.normal(0, 2, groups)
    rating = effect[:, None] + rng.normal(0, 1, (groups, each)) + 5
    data = pd.DataFrame({"rating": rating.ravel(), "g": np.repeat(np.arange(groups), each)})
    fitted = fit("rating ~ 1 + (1 | g)", data.assign(g=data.g.astype(str)))
    between = each * rating.mean(axis=1).var(ddof=1)  # mean squares
    within = rating.var(axis=1, ddof=1).mean()
    assert fitted.sigma**2 == pytest.approx(within, rel=1e-6)
    assert fitted.random.sd[0] ** 2 == pytest.approx((between - within) / each, rel=1e-5)
    (row,) = fitted.fixed.itertuples()
    assert row.estimate == pytest.approx(rating.mean())
    assert row.se == pytest.approx(np.sqrt(between / rating.size), rel=1e-6)
    assert row.df == pytest.approx(groups - 1, rel=1e-4)


def test_two_conditions_of_the_same_people_are_a_paired_t_test(rng):
    people = 20
    base = rng.normal(5, 1, people)
    angry, happy = base + rng.normal(0, 0.5, people), base + rng.normal(0.4, 0.5, people)
    data = pd.DataFrame({
        "rating": np.concatenate([angry, happy]),
        "emotion": ["angry"] * people + ["happy"] * people,
        "participant": [f"p{i}" for i in range(people)] * 2,
    })  # fmt: skip
    row = fit("rating ~ emotion + (1 | participant)", data, EMOTION).fixed.iloc[1]
    expected = stats.ttest_rel(happy, angry)
    assert row.df == pytest.approx(people - 1, rel=1e-4)
    assert (row.t, row.p) == pytest.approx((expected.statistic, expected.pvalue), rel=1e-4)
    low, high = expected.confidence_interval()
    assert (row.low, row.high) == pytest.approx((low, high), rel=1e-4)


def test_simulated_growth_is_recovered():
    """Many rows: estimates lie within three standard errors, variances within 25 per cent."""
    rng = np.random.default_rng(5)
    people, days = 150, np.arange(10)
    intercept, slope = rng.multivariate_normal([250, 10], [[600, 40], [40, 36]], people).T
    rating = intercept[:, None] + slope[:, None] * days + rng.normal(0, 25, (people, len(days)))
    data = pd.DataFrame({
        "rating": rating.ravel(), "days": np.tile(days, people).astype(float),
        "person": np.repeat([f"p{i}" for i in range(people)], len(days)),
    })  # fmt: skip
    fitted = fit("rating ~ days + (days | person)", data)
    z = (fitted.fixed.estimate - [250, 10]) / fitted.fixed.se
    assert z.abs().max() < 3
    np.testing.assert_allclose(fitted.random.sd, [np.sqrt(600), 6, 25], rtol=0.25)
    assert fitted.problems == ()


@pytest.mark.parametrize("coding", R_FUNCTIONS)
def test_predictions_do_not_depend_on_the_coding(rng, coding):
    data = crossed(rng, levels=("angry", "neutral", "happy"))
    levels = ("angry", "neutral", "happy")
    formula = "rating ~ emotion + (1 | participant) + (1 | identity)"
    base = fit(formula, data, {"emotion": Variable("emotion", levels)}, reml=False)
    other = fit(formula, data, {"emotion": Variable("emotion", levels, coding)}, reml=False)
    assert other.log_likelihood == pytest.approx(base.log_likelihood, abs=1e-6)
    np.testing.assert_allclose(other.fixed_part, base.fixed_part, atol=1e-6)


def test_units_of_a_predictor_change_only_its_coefficient(rng):
    data = crossed(rng).assign(trial=lambda d: np.arange(len(d)) % 17)
    formula = "rating ~ trial + (trial | participant) + (1 | identity)"
    small = fit(formula, data, reml=False)
    large = fit(formula, data.assign(trial=data.trial * 1e4), reml=False)
    assert large.log_likelihood == pytest.approx(small.log_likelihood, abs=1e-6)
    np.testing.assert_allclose(large.fixed.estimate, small.fixed.estimate / [1, 1e4], rtol=1e-5)
    np.testing.assert_allclose(large.fixed.df, small.fixed.df, rtol=1e-3)
    np.testing.assert_allclose(large.fixed.se, small.fixed.se / [1, 1e4], rtol=1e-5)
    codes = [problem.code for problem in small.problems]
    assert [problem.code for problem in large.problems] == ["SCALE", *codes]  # R would stop short


def test_order_of_rows_and_names_of_people_do_not_matter(rng):
    data = crossed(rng)
    shuffled = data.sample(frac=1, random_state=1).assign(
        participant=lambda d: d.participant.map(lambda p: f"{7 * int(p[1:]) % 24}x")
    )
    one, other = fit(MAXIMAL, data, EMOTION), fit(MAXIMAL, shuffled, EMOTION)
    np.testing.assert_allclose(one.fixed.estimate, other.fixed.estimate, atol=1e-7)
    np.testing.assert_allclose(one.fixed.df, other.fixed.df, rtol=1e-4)


def test_rows_without_an_answer_are_left_out(rng):
    data = crossed(rng)
    data.loc[[3, 5], "rating"] = np.nan
    assert fit(MAXIMAL, data, EMOTION).n == len(data) - 2


def test_a_variance_of_zero_is_called_singular(rng):
    people = [f"p{i}" for i in range(12)]
    data = pd.DataFrame({"participant": np.repeat(people, 6), "rating": rng.normal(5, 1, 72)})
    data.rating -= data.groupby("participant").rating.transform("mean")  # nobody differs
    fitted = fit("rating ~ 1 + (1 | participant)", data)
    assert [p.code for p in fitted.problems] == ["SINGULAR"]
    assert fitted.random.sd[0] == pytest.approx(0, abs=1e-4)
    assert fitted.fixed.df[0] == pytest.approx(71, rel=1e-3)  # n - 1, as without groups


def test_few_groups_are_pointed_out(rng):
    data = crossed(rng, items=3)
    codes = {p.code: p.found for p in fit(MAXIMAL, data, EMOTION).problems}
    assert codes["FEW_LEVELS"] == "identity has 3 levels"


def test_a_fit_away_from_the_optimum_is_called_not_converged(rng, monkeypatch):
    right = engine.find
    monkeypatch.setattr(
        engine, "find", lambda deviance: replace(found := right(deviance), theta=found.theta * 1.3)
    )
    codes = [p.code for p in fit(MAXIMAL, crossed(rng), EMOTION).problems]
    assert "NOT_CONVERGED" in codes


@pytest.mark.parametrize(
    ("change", "formula", "says"),
    [
        (lambda d: d.assign(rating=3.0), MAXIMAL, "every rating is 3"),
        (lambda d: d[d.participant == "p1"], MAXIMAL, "all ratings belong to one participant"),
        (
            lambda d: d.sample(frac=1, random_state=1).drop_duplicates(["participant", "emotion"]),
            MAXIMAL,
            "random effects",
        ),
        (lambda d: d, "rating ~ mood + (1 | participant)", "no column 'mood'"),
        (lambda d: d, "rating ~ emotion", "no random effect"),
        (lambda d: d.assign(rating=np.nan), MAXIMAL, "no ratings"),
    ],
)
def test_what_cannot_be_fitted_says_why(rng, change, formula, says):
    with pytest.raises(AnalysisError, match=says):
        fit(formula, change(crossed(rng)), EMOTION)
