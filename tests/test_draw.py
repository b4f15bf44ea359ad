"""Ratings drawn from a fit have its means and covariances; modes are those of the normal model."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import linalg

from analysis.mixed.columns import Variable
from analysis.mixed.draw import draw, new_design
from analysis.mixed.fit import fit
from analysis.problems import AnalysisError
from tests.lmm_data import crossed

FORMULA = "rating ~ emotion + (emotion | participant) + (1 | identity)"
EMOTION = {"emotion": Variable("emotion", ("angry", "happy"), "sliding-difference")}


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(17)


def effects(fitted) -> tuple[np.ndarray, np.ndarray]:
    """Z (n, q) and the covariance (q, q) of the effects, written out."""
    z, blocks = [], []
    for term, triangle in zip(fitted.design.random, fitted.triangles, strict=True):
        levels = np.eye(len(term.levels))[term.codes]
        z.append((levels[:, :, None] * term.z[:, None, :]).reshape(len(term.z), -1))
        blocks += [fitted.sigma**2 * triangle @ triangle.T] * len(term.levels)
    return np.hstack(z), np.asarray(linalg.block_diag(*blocks))


def test_drawn_ratings_have_the_mean_and_covariance_of_the_model(rng):
    fitted = fit(FORMULA, crossed(rng, participants=6, items=5), EMOTION)
    drawn = np.array([draw(fitted, rng) for _ in range(20_000)])
    z, between = effects(fitted)
    expected = z @ between @ z.T + fitted.sigma**2 * np.eye(fitted.n)
    error = np.sqrt(np.diag(expected) / len(drawn))
    assert np.max(np.abs(drawn.mean(axis=0) - fitted.fixed_part) / error) < 5
    np.testing.assert_allclose(np.cov(drawn.T), expected, atol=0.06 * expected.max())


def test_a_larger_study_drawn_from_a_pilot_gives_its_effects_back(rng):
    pilot = fit(FORMULA, crossed(rng), EMOTION)
    cells = crossed(rng, participants=150, items=30).drop(columns="rating")
    planned = new_design(pilot, cells)
    beta = np.array([4.0, 0.5])
    study = cells.assign(rating=draw(pilot, rng, planned, beta))
    found = fit(FORMULA, study, EMOTION)
    assert np.max(np.abs(found.fixed.estimate - beta) / found.fixed.se) < 4
    np.testing.assert_allclose(found.random.sd, pilot.random.sd, rtol=0.35, atol=0.05)
    assert found.sigma == pytest.approx(pilot.sigma, rel=0.05)


def test_the_same_seed_draws_the_same_ratings(rng):
    fitted = fit(FORMULA, crossed(rng), EMOTION)
    one, two = (draw(fitted, np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(one, two)


def test_a_planned_study_without_a_level_is_refused(rng):
    pilot = fit(FORMULA, crossed(rng), EMOTION)
    cells = crossed(rng).query("emotion == 'happy'")
    with pytest.raises(AnalysisError, match="no ratings at emotion = angry"):
        new_design(pilot, cells)


def test_modes_and_their_sds_are_those_of_the_normal_model(rng):
    """b given y: G Z'V^-1 (y - X beta), covariance G - G Z'V^-1 Z G."""
    data = crossed(rng, participants=8, items=6)
    data = data.assign(trial=np.arange(len(data)) % 13)
    fitted = fit("rating ~ trial + (trial | participant) + (1 | identity)", data)
    z, between = effects(fitted)
    inverse = np.linalg.inv(z @ between @ z.T + fitted.sigma**2 * np.eye(fitted.n))
    residual = fitted.design.y - fitted.fixed_part
    expected = between @ z.T @ inverse @ residual
    spread = between - between @ z.T @ inverse @ z @ between
    table = fitted.modes
    np.testing.assert_allclose(table.deviation, expected, atol=1e-7)
    np.testing.assert_allclose(table.sd, np.sqrt(np.diag(spread).clip(0)), atol=1e-6)
    assert list(table.columns) == ["group", "level", "effect", "deviation", "sd"]
    np.testing.assert_allclose(fitted.fitted, fitted.fixed_part + z @ expected, atol=1e-7)
    scaled = (fitted.design.y - fitted.fitted) / fitted.sigma
    np.testing.assert_allclose(fitted.residuals, scaled)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda d: d[d.participant == "p1"], "all ratings belong to one participant"),
        (lambda d: d[d.identity == "i1"], "all ratings belong to one identity"),
        (lambda d: d.assign(rating=4.0), "every rating is 4: nothing to model"),
        (lambda d: d[d.emotion == "happy"], "no ratings at emotion = angry"),
        (
            lambda d: d.sample(frac=1, random_state=1).drop_duplicates(["participant", "emotion"]),
            "48 ratings for 48 random effects",
        ),
        (lambda d: d.assign(rating=np.inf), "infinite"),
        (lambda d: d.assign(rating="high"), "not a number"),
        (lambda d: d.iloc[:0], "no ratings of 'rating'"),
    ],
)
def test_each_thing_that_cannot_be_fitted_has_one_sentence(rng, change, says):
    with pytest.raises(AnalysisError, match=says) as caught:
        fit(
            "rating ~ emotion + (emotion | participant) + (1 | identity)",
            change(crossed(rng)),
            EMOTION,
        )
    assert "\n" not in str(caught.value)


def test_a_missing_cell_of_two_factors_names_the_effects_that_cannot_be_told_apart(rng):
    data = crossed(rng).assign(m=lambda d: np.where(d.index % 3 == 0, "low", "high"))
    data = data[(data.emotion == "happy") | (data.m == "low")]
    variables = EMOTION | {"m": Variable("m", ("low", "high"))}
    with pytest.raises(AnalysisError, match="aliased with other effects") as caught:
        fit("rating ~ emotion * m + (1 | participant)", data, variables)
    assert caught.value.problem is not None
    assert caught.value.problem.code == "RANK_DEFICIENT"


def test_a_factor_with_one_level_is_refused(rng):
    data = crossed(rng).assign(kind="face")
    variables = {"kind": Variable("kind", ("face",))}
    with pytest.raises(AnalysisError, match="only the level 'face'"):
        fit("rating ~ kind + (1 | participant)", data, variables)


def test_a_factor_whose_level_was_not_declared_is_refused(rng):
    with pytest.raises(AnalysisError, match="found the level 'sad'; accepted: angry, happy"):
        fit(FORMULA, crossed(rng, levels=("angry", "happy", "sad")), EMOTION)


def test_a_frame_of_modes_has_one_row_per_level_and_effect(rng):
    fitted = fit(FORMULA, crossed(rng), EMOTION)
    counts = fitted.modes.groupby(["group", "effect"])["level"].nunique()
    assert isinstance(counts, pd.Series)
    assert counts.to_dict() == {
        ("identity", "(Intercept)"): 12,
        ("participant", "(Intercept)"): 24,
        ("participant", "emotionhappy-angry"): 24,
    }
