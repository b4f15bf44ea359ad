"""Who decides about a binomial or ordinal model, its shares of variance, and whether it fits."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import expit

from analysis.mixed.answer_checks import expected_answers, mode_table, quantile_residuals
from analysis.mixed.binomial import Binomial
from analysis.mixed.general import fit_general
from analysis.mixed.influence import influence
from analysis.mixed.ordinal import Ordinal
from analysis.mixed.variance import intraclass
from analysis.mixed.working import working
from tests.lmm_data import NO_REFERENCES, REFERENCES
from tests.test_general import alike, binary, cbpp, latent, rated

FAMILIES = {"binomial": binary, "ordinal": rated}
FORMULA = "y ~ c + (c | p) + (1 | i)"
SIMPLE = "y ~ c + (1 | p) + (1 | i)"


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(53)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_working_model_has_slope_and_curvature_of_the_likelihood(rng, family):
    """By effects, thresholds and deviations of people, as difference quotients say."""
    data = FAMILIES[family](latent(rng, people=8, items=6))
    fit = fit_general(FORMULA, data, family=family)
    made, term = working(fit), fit.design.random[0]
    k = len(fit.beta) + len(fit.thresholds)
    person = np.flatnonzero(term.codes == 2)

    def log_p(at: np.ndarray) -> float:
        eta = fit.fitted + fit.design.x @ at[: len(fit.beta)]
        eta[person] += term.z[person] @ at[k:]
        cuts = fit.thresholds + at[len(fit.beta) : k]
        place = np.searchsorted(fit.points, fit.design.y) if fit.points else None
        likelihood = Binomial(fit.design.y) if place is None else Ordinal(place, len(fit.points))
        return float(likelihood.rows(eta, cuts).log_p.sum())

    own = made.random[0].codes == 2
    rows = np.column_stack([made.x, made.random[0].z * own[:, None]])
    at = np.concatenate([fit.beta, fit.thresholds, fit.modes[0][2]])
    rest = made.y - made.x @ at[:k]
    for t, modes in zip(made.random, fit.modes, strict=True):
        rest = rest - np.sum(t.z * modes[t.codes], axis=1)
    h, units = 1e-4, 1e-4 * np.eye(len(at))
    slope = [(log_p(u) - log_p(-u)) / (2 * h) for u in units]
    np.testing.assert_allclose(rows.T @ rest, slope, atol=1e-4)
    curvature = [
        [(log_p(u + v) - log_p(u - v) - log_p(v - u) + log_p(-u - v)) / (4 * h**2) for v in units]
        for u in units
    ]
    np.testing.assert_allclose(rows.T @ rows, -np.array(curvature), rtol=2e-4, atol=2e-4)


def test_without_variance_a_deletion_is_one_step_of_logistic_regression(rng):
    x = rng.normal(size=200)
    data = pd.DataFrame({"x": x, "y": (0.4 + x + rng.logistic(size=200) > 0).astype(float)})
    data["g"] = alike(data, 10)
    fit = fit_general("y ~ x + (1 | g)", data, family="binomial")
    fit = replace(fit, triangles=(np.zeros((1, 1)),), modes=(np.zeros((10, 1)),))
    found = influence(fit, "g")
    p = expit(fit.fixed_part)
    w, z = p * (1 - p), fit.fixed_part + (fit.design.y - p) / (p * (1 - p))
    for i, level in enumerate(found.table.level):
        kept = (data.g != level).to_numpy()
        xw = fit.design.x[kept] * w[kept, None]
        step = np.linalg.solve(xw.T @ fit.design.x[kept], xw.T @ z[kept])
        np.testing.assert_allclose(found.estimates[i], step, atol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_refits_without_each_person_say_nearly_the_same(rng, family):
    data = FAMILIES[family](latent(rng, people=14, items=8))
    fit = fit_general(SIMPLE, data, family=family)
    found = influence(fit, "p")
    refits = np.array([
        fit_general(SIMPLE, data[data.p != level], family=family).beta
        for level in found.table.level
    ])  # fmt: skip
    ours, theirs = ((b - fit.beta) / fit.fixed.se.to_numpy() for b in (found.estimates, refits))
    assert np.abs(ours - theirs).max() < 0.2
    assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > 0.97
    assert found.table.ratings.tolist() == [16] * 14


def test_somebody_who_answers_the_other_way_round_stands_out(rng):
    data = binary(latent(rng, people=20, items=10, slope=1.5))
    odd = data.p == "p4"
    data.loc[odd, "y"] = (data.c[odd] < 0).astype(float)
    top = influence(fit_general("y ~ c + (1 | p)", data, family="binomial"), "p").outstanding
    assert top.iloc[0].level == "p4"
    assert top.iloc[0].change > 0  # without p4 the effect is larger


def test_the_intercept_of_a_weight_can_rest_on_one_person():
    """Fifteen people name both things alike, one always the first."""
    answers = [[0.0, 1.0] * 6] * 15 + [[1.0] * 40]
    data = pd.DataFrame([(f"p{i}", y) for i, own in enumerate(answers) for y in own],
                        columns=["p", "y"])  # fmt: skip
    fit = replace(fit_general("y ~ 1 + (1 | p)", data, family="binomial"), problems=())
    flat = replace(fit, triangles=(np.zeros((1, 1)),), modes=(np.zeros((16, 1)),))
    plain = np.log(130 / 90)
    certain = replace(flat, beta=np.array([plain]), joint_covariance=np.array([[220 / 130 / 90]]))
    table = influence(certain, "p").table.set_index("level")
    assert table.turned["p15"] == "(Intercept)"
    assert (table.turned.drop("p15") == "").all()


@pytest.mark.skipif(not REFERENCES.is_dir(), reason=NO_REFERENCES)
def test_shares_of_variance_are_those_of_performance():
    """Which has one row per herd and period, so that its fixed part varies a little otherwise."""
    found = json.loads((REFERENCES / "cbpp.json").read_text())
    fit = fit_general("y ~ period + (1 | herd)", cbpp()[0], family="binomial")
    ours = intraclass(fit).set_index(["measure", "group"]).value
    assert ours["adjusted", "all"] == pytest.approx(found["icc"]["adjusted"], rel=3e-3)
    assert ours["unadjusted", "all"] == pytest.approx(found["icc"]["unadjusted"], rel=5e-3)
    assert ours["share", "herd"] == pytest.approx(ours["adjusted", "all"])


@pytest.mark.parametrize("family", FAMILIES)
def test_residuals_are_normal_where_the_model_is_right_and_not_where_it_is_wrong(rng, family):
    data = FAMILIES[family](latent(rng, people=40, items=20, repeats=4))
    right = fit_general(FORMULA, data, family=family)
    found = quantile_residuals(right, rng)
    assert stats.kstest(found, "norm").pvalue > 0.01
    assert expected_answers(right).mean() == pytest.approx(data.y.mean(), abs=0.01)
    tenths = pd.qcut(expected_answers(right), 10, labels=False)
    means = pd.DataFrame({"e": expected_answers(right), "y": data.y.to_numpy()}).groupby(tenths)
    assert (means.mean().e - means.mean().y).abs().max() < 0.06 * np.ptp(data.y)
    wrong = replace(right, beta=right.beta + 3)
    assert stats.kstest(quantile_residuals(wrong, rng), "norm").pvalue < 1e-6


def test_modes_have_a_row_for_each_level_and_effect(rng):
    fit = fit_general(FORMULA, binary(latent(rng, people=8, items=6)), family="binomial")
    table = mode_table(fit).set_index(["group", "level", "effect"]).deviation
    assert len(table) == 8 * 2 + 6
    assert table["p", "p3", "c"] == fit.modes[0][3, 1]
