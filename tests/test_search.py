"""The search finds the best fit from anywhere, its derivatives are exact, and a doubt is told."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import linalg

from analysis.mixed import elimination, engine, search
from analysis.mixed.design import Design, design
from analysis.mixed.deviance import Deviance
from analysis.mixed.fit import fit
from analysis.mixed.formula import parse
from tests.lmm_data import KNOWN_DIFFERENCES, NO_REFERENCES, REFERENCES, crossed
from tests.stress import FORMULA, WORSE, design_of, tried

FORMULAS = [
    "rating ~ emotion + (emotion | participant) + (emotion | identity)",
    "rating ~ emotion + (1 | participant) + (0 + emotion | participant) + (1 | identity) + (1|lab)",
    "rating ~ emotion + (emotion || lab/participant) + (1 | identity)",
    "rating ~ emotion + (1 | participant)",
]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(6)


def made(rng: np.random.Generator, formula: str) -> Design:
    data = crossed(rng, levels=("angry", "happy", "sad")).sample(frac=0.8, random_state=1)
    return design(parse(formula), data.assign(lab="lab" + data.participant.str[-1]), {})


def covariance(numbers: Design, triangles: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Z (n, q) and the covariance (q, q) of its effects over sigma^2, written out."""
    z, blocks = [], []
    for term, triangle in zip(numbers.random, triangles, strict=True):
        levels = np.eye(len(term.levels))[term.codes]
        z.append((levels[:, :, None] * term.z[:, None, :]).reshape(len(term.z), -1))
        blocks += [triangle @ triangle.T] * len(term.levels)
    return np.hstack(z), np.asarray(linalg.block_diag(*blocks))


@pytest.mark.parametrize("kept", ["dense", "sparse"])
@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("formula", FORMULAS)
def test_derivatives_and_solutions_are_those_of_the_matrices_written_out(
    rng, monkeypatch, formula, reml, kept
):
    monkeypatch.setattr(elimination, "SMALL", 0 if kept == "sparse" else np.inf)
    monkeypatch.setattr(elimination, "PAIR_COST", 0)
    numbers = made(rng, formula)
    deviance = Deviance(numbers.y, numbers.x, numbers.random, reml=reml)
    theta = rng.normal(0, 0.7, sum(k * (k + 1) // 2 for k in deviance.sizes))
    if kept == "sparse" and len(deviance.members) > 1:
        assert isinstance(deviance.crossing, elimination.Sparse)
    step = 1e-5 * np.eye(len(theta))
    numeric = [(deviance(theta + e) - deviance(theta - e)) / 2e-5 for e in step]
    np.testing.assert_allclose(deviance.gradient(theta), numeric, atol=1e-4)
    triangles, x = deviance.triangles(theta), numbers.x
    in_s = zip(deviance.curvatures(theta), triangles, strict=True)
    chained = [(2 * k @ t)[np.tril_indices(len(t))] for k, t in in_s]
    np.testing.assert_allclose(np.concatenate(chained), deviance.gradient(theta), atol=1e-8)
    z, between = covariance(numbers, triangles)
    inverse = np.linalg.inv(np.eye(len(x)) + z @ between @ z.T)
    beta = np.linalg.solve(x.T @ inverse @ x, x.T @ inverse @ numbers.y)
    np.testing.assert_allclose(deviance.at(theta).beta, beta)
    scores = np.concatenate([s.ravel() for s in deviance.scores(theta)])
    np.testing.assert_allclose(scores, z.T @ inverse @ (numbers.y - x @ beta), atol=1e-9)
    seen = np.concatenate([s.reshape(-1, x.shape[1]) for s in deviance.columns_seen(theta)])
    np.testing.assert_allclose(seen, z.T @ inverse @ x, atol=1e-9)
    spread = np.concatenate(
        [np.diagonal(s, axis1=1, axis2=2).ravel() for s in deviance.spreads(theta)]
    )
    left = np.diag(between - between @ z.T @ inverse @ z @ between)
    np.testing.assert_allclose(spread, left, atol=1e-9)


def test_pairs_that_never_meet_are_not_kept(rng):
    students, lecturers = 3000, 300
    data = pd.DataFrame({
        "s": [f"s{i}" for i in np.repeat(np.arange(students), 5)],
        "d": [f"d{i}" for i in rng.integers(0, lecturers, students * 5)],
        "rating": rng.normal(0, 1, students * 5),
    })  # fmt: skip
    numbers = design(parse("rating ~ 1 + (1 | s) + (1 | d)"), data, {})
    crossing = Deviance(numbers.y, numbers.x, numbers.random, reml=True).crossing
    assert isinstance(crossing, elimination.Sparse)
    assert len(crossing.target) <= 25 * students


@pytest.mark.parametrize("seed", range(20))
def test_no_random_start_comes_further_than_the_fit(seed):
    one = tried(seed, 5)
    assert one.gained < WORSE
    assert "NOT_CONVERGED" not in {p.code for p in one.fitted.problems}


@pytest.mark.parametrize("seed", [6, 34, 48])
def test_a_variance_of_zero_is_no_wall(seed):
    """With bounds on the diagonal of T searches from many starts stop short here."""
    fitted = fit(FORMULA, design_of(seed))
    deviance, theta = fitted.conditional.deviance, fitted.conditional.theta
    slopes = zip(deviance.curvatures(theta), deviance.triangles(theta), strict=True)
    assert max(np.abs(k @ t).max() for k, t in slopes) < 0.01
    for slope, triangle in zip(deviance.curvatures(theta), deviance.triangles(theta), strict=True):
        values, vectors = np.linalg.eigh(triangle @ triangle.T)
        null = vectors[:, values < 1e-6]
        assert np.all(np.linalg.eigvalsh(null.T @ slope @ null) > -0.01)


def test_a_search_leaves_zero_where_the_deviance_falls(rng):
    numbers = made(rng, FORMULAS[0])
    deviance = Deviance(numbers.y, numbers.x, numbers.random, reml=True)
    _, best = search.descend(deviance, search.start(deviance, 1.0))
    nowhere = np.zeros(sum(k * (k + 1) // 2 for k in deviance.sizes))
    assert np.abs(deviance.gradient(nowhere)).max() == 0
    assert search.descend(deviance, nowhere)[1] == pytest.approx(best, abs=1e-5)


def test_searches_that_disagree_are_followed_by_others(rng, monkeypatch):
    """The first search stops early; the second and third agree, so there is no doubt."""
    right, calls = search.descend, []

    def first_stops_early(deviance, theta, curvature=None):
        calls.append(theta)
        return (theta, deviance(theta)) if len(calls) == 1 else right(deviance, theta)

    data = crossed(rng)
    best = fit(FORMULAS[0], data).log_likelihood
    monkeypatch.setattr(search, "descend", first_stops_early)
    fitted = fit(FORMULAS[0], data)
    assert len(calls) == 3
    assert fitted.log_likelihood == pytest.approx(best, abs=1e-6)
    assert "NOT_CONVERGED" not in {p.code for p in fitted.problems}


def test_a_search_that_nobody_confirms_is_told_with_its_lead(rng, monkeypatch):
    right, calls = search.descend, []

    def only_the_first_arrives(deviance, theta, curvature=None):
        calls.append(theta)
        return right(deviance, theta) if len(calls) == 1 else (theta, deviance(theta))

    monkeypatch.setattr(search, "descend", only_the_first_arrives)
    fitted = fit(FORMULAS[0], crossed(rng))
    (problem,) = [p for p in fitted.problems if p.code == "NOT_CONVERGED"]
    deviance = fitted.conditional.deviance
    lead = (sorted(deviance(c) for c in calls[1:])[0] - deviance(fitted.conditional.theta)) / 2
    assert f"{lead:.3g} log-likelihood units" in problem.found
    assert len(calls) == 2 + len(engine.FURTHER)


def test_an_early_stop_is_told_with_what_is_left_to_gain(rng, monkeypatch):
    def both_stop(deviance, theta, curvature=None):
        return np.full_like(theta, 0.4), deviance(np.full_like(theta, 0.4))

    best = fit("rating ~ emotion + (1 | participant) + (1 | identity)", crossed(rng))
    monkeypatch.setattr(search, "descend", both_stop)
    fitted = fit("rating ~ emotion + (1 | participant) + (1 | identity)", crossed(rng))
    assert fitted.log_likelihood < best.log_likelihood or not np.allclose(fitted.theta, best.theta)
    assert any("could rise by another" in p.found for p in fitted.problems)


@pytest.mark.skipif(not REFERENCES.is_dir(), reason=NO_REFERENCES)
@pytest.mark.parametrize("factor", [1e4, 1e-4])
def test_the_unit_of_a_predictor_changes_nothing_where_lme4_stops_short(factor):
    """`KNOWN_DIFFERENCES`: lme4 reports -897.97 for days in units of 10^-4."""
    assert "predictor on a far larger scale" in KNOWN_DIFFERENCES
    data = pd.read_csv(REFERENCES / "sleepstudy.csv", dtype={"Subject": str})
    formula = "Reaction ~ Days + (Days | Subject)"
    base, other = fit(formula, data), fit(formula, data.assign(Days=data.Days * factor))
    moved = np.log(factor)  # REML counts the unit of X: |X'V^-1X|
    assert other.log_likelihood == pytest.approx(base.log_likelihood - moved, abs=1e-6)
    for column, power in [("estimate", 1), ("se", 1), ("df", 0), ("t", 0), ("p", 0)]:
        expected = base.fixed[column] / np.array([1, factor**power])
        np.testing.assert_allclose(other.fixed[column], expected, rtol=1e-4)
    assert not base.problems
    assert [problem.code for problem in other.problems] == ["SCALE"]  # the user is told of R


def test_the_unit_of_the_ratings_changes_nothing(rng):
    data = crossed(rng)
    one = fit(FORMULAS[0], data)
    hundred = fit(FORMULAS[0], data.assign(rating=data.rating * 100))
    np.testing.assert_allclose(hundred.fixed.estimate, one.fixed.estimate * 100, rtol=1e-5)
    np.testing.assert_allclose(
        hundred.fixed[["df", "t", "p"]], one.fixed[["df", "t", "p"]], rtol=1e-4
    )
    np.testing.assert_allclose(hundred.random.sd, one.random.sd * 100, rtol=1e-4, atol=1e-3)
