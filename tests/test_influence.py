"""Deleting a participant or item without a refit is exact, and points at who decides."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.mixed import influence as module
from analysis.mixed.columns import Variable
from analysis.mixed.fit import Fit, fit
from analysis.mixed.influence import influence
from tests.lmm_data import crossed

EMOTION = {"emotion": Variable("emotion", ("angry", "happy"), "sliding-difference")}
FORMULAS = [
    "rating ~ emotion + (emotion || participant) + (emotion | identity)",
    "rating ~ emotion + (1 | participant)",
    "rating ~ emotion + (1 | identity/participant)",
]


def unbalanced(seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    data = crossed(rng, participants=12, items=8)
    return data[rng.random(len(data)) < 0.8]


def covariance_of_ratings(fitted: Fit) -> np.ndarray:
    """V (n, n), written out."""
    v = fitted.sigma**2 * np.eye(fitted.n)
    for term, triangle in zip(fitted.design.random, fitted.triangles, strict=True):
        same = term.codes[:, None] == term.codes[None, :]
        v += same * (term.z @ (fitted.sigma**2 * triangle @ triangle.T) @ term.z.T)
    return v


@pytest.mark.parametrize("formula", FORMULAS)
def test_estimates_without_a_level_are_those_of_generalised_least_squares(formula):
    fitted = fit(formula, unbalanced(), EMOTION)
    v, x, y = covariance_of_ratings(fitted), fitted.design.x, fitted.design.y
    for group in fitted.groups:
        found = influence(fitted, group)
        codes = next(t.codes for t in fitted.design.random if t.group == group)
        for i, row in enumerate(found.table.itertuples()):
            kept = codes != i
            weights = np.linalg.solve(v[np.ix_(kept, kept)], x[kept])
            beta = np.linalg.solve(weights.T @ x[kept], weights.T @ y[kept])
            np.testing.assert_allclose(found.estimates[i], beta, rtol=1e-8)
            shift = fitted.beta - beta
            cook = shift @ np.linalg.solve(fitted.covariance, shift) / len(shift)
            assert row.cook == pytest.approx(cook, rel=1e-6)
            assert row.ratings == (~kept).sum()


def test_refits_without_each_participant_say_nearly_the_same():
    """A refit lets the variances change too, which moves estimates little."""
    data = unbalanced(7)
    fitted = fit(FORMULAS[0], data, EMOTION)
    found = influence(fitted, "participant")
    refits = np.array([
        fit(FORMULAS[0], data[data.participant != level], EMOTION).beta
        for level in found.table.level
    ])  # fmt: skip
    ours, theirs = (
        (b - fitted.beta) / fitted.fixed.se.to_numpy() for b in (found.estimates, refits)
    )
    assert np.abs(ours - theirs).max() < 0.1
    assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > 0.98


def test_a_participant_who_answers_the_other_way_round_stands_out():
    data = unbalanced()
    odd = data.participant == "p4"
    happy = data.emotion == "happy"
    data.loc[odd & happy, "rating"] -= 6
    found = influence(fit(FORMULAS[1], data, EMOTION), "participant")
    top = found.outstanding.iloc[0]
    assert top.level == "p4"
    assert top.effect == "emotionhappy-angry"
    assert top.change > 0  # without p4 the effect is larger


def test_an_effect_that_rests_on_one_participant_is_named():
    rng = np.random.default_rng(12)
    data = crossed(rng, participants=12, items=8, effect=0.0)
    data.loc[(data.participant == "p0") & (data.emotion == "happy"), "rating"] += 9
    fitted = fit("rating ~ emotion + (1 | participant)", data, EMOTION)
    assert fitted.fixed.p[1] < 0.05
    found = influence(fitted, "participant").table.set_index("level")
    assert found.turned["p0"] == "emotionhappy-angry"
    refit = fit("rating ~ emotion + (1 | participant)", data[data.participant != "p0"], EMOTION)
    assert refit.fixed.p[1] > 0.05


def test_a_level_that_an_effect_cannot_do_without_has_no_estimate():
    data = unbalanced().assign(only=lambda d: (d.identity == "i3").astype(float))
    found = influence(fit("rating ~ only + (1 | identity)", data), "identity").table
    assert found.cook.isna().tolist() == (found.level == "i3").tolist()


def test_what_would_take_too_long_is_left_out(monkeypatch):
    monkeypatch.setattr(module, "MOST_WORK", 10)
    assert influence(fit(FORMULAS[0], unbalanced(), EMOTION), "participant") is None
