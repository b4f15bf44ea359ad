"""Trends and named hypotheses: R's numbers, and coefficients that estimate what they say."""

from __future__ import annotations

import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest

from analysis.mixed.coding import R_FUNCTIONS, contrasts, hypotheses
from analysis.mixed.columns import Variable
from analysis.mixed.fit import fit
from analysis.problems import AnalysisError
from tests.lmm_data import crossed

WORDS = ("angry", "neutral", "happy", "fearful")


def in_r(expression: str) -> np.ndarray:
    """A matrix that R computes, row by row."""
    ran = subprocess.run(
        ["Rscript", "-e", f"cat(format(t({expression}), digits = 15), sep = '\\n')"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return np.array(ran.stdout.split(), float)


@pytest.mark.parametrize("k", [2, 3, 4, 6])
def test_polynomials_are_orthonormal_and_of_rising_degree(k):
    matrix = contrasts("polynomial", [f"l{i}" for i in range(k)]).matrix
    np.testing.assert_allclose(matrix.T @ matrix, np.eye(k - 1), atol=1e-12)
    np.testing.assert_allclose(matrix.sum(axis=0), 0, atol=1e-12)
    for degree, column in enumerate(matrix.T, start=1):
        powers = np.vander(np.arange(k), degree, increasing=True)  # below this degree
        np.testing.assert_allclose(powers.T @ column, 0, atol=1e-10)
        assert column @ np.arange(k) ** degree > 0


def test_trends_are_named_as_in_r():
    assert contrasts("polynomial", [*WORDS, "sad"]).names == (".L", ".Q", ".C", "^4")


def test_numbers_as_levels_are_as_far_apart_as_they_are():
    """A straight line over 0, 0.25, 1 has a linear trend alone."""
    coded = contrasts("polynomial", ["0", "0.25", "1"])
    weights = np.linalg.inv(np.column_stack([np.ones(3), coded.matrix]))
    _, linear, quadratic = weights @ np.array([0, 0.25, 1])
    assert linear > 0.5
    assert quadratic == pytest.approx(0, abs=1e-12)
    even = contrasts("polynomial", ["low", "middle", "high"]).matrix
    np.testing.assert_allclose(even[:, 1], np.array([1, -2, 1]) / np.sqrt(6))


@pytest.mark.parametrize("k", [2, 3, 5])
@pytest.mark.parametrize("coding", R_FUNCTIONS)
@pytest.mark.r
@pytest.mark.skipif(shutil.which("Rscript") is None, reason="Rscript is not installed")
def test_codings_are_those_of_r(coding, k):
    matrix = contrasts(coding, [f"l{i}" for i in range(k)]).matrix
    np.testing.assert_allclose(matrix.ravel(), in_r(f"{R_FUNCTIONS[coding]}({k})"), atol=1e-12)


@pytest.mark.r
@pytest.mark.skipif(shutil.which("Rscript") is None, reason="Rscript is not installed")
def test_polynomials_over_uneven_numbers_are_those_of_r():
    matrix = contrasts("polynomial", ["0", "0.25", "0.5", "1"]).matrix
    expected = in_r("contr.poly(4, scores = c(0, 0.25, 0.5, 1))")
    np.testing.assert_allclose(matrix.ravel(), expected, atol=1e-12)


def test_hypotheses_estimate_their_weighted_means():
    """Balanced ratings: the coefficient is the sum of weight times cell mean."""
    data = crossed(np.random.default_rng(4), levels=WORDS[:3])
    given = (("pleasant", (-0.5, -0.5, 1.0)), ("anger", (1.0, -1.0, 0.0)))
    variables = {"emotion": Variable("emotion", WORDS[:3], "hypotheses", given)}
    found = fit("rating ~ emotion + (1 | participant) + (1 | identity)", data, variables)
    means = data.groupby("emotion").rating.mean()[list(WORDS[:3])]
    estimate = found.fixed.set_index("term").estimate
    for name, weights in given:
        assert estimate[f"emotion{name}"] == pytest.approx(np.dot(weights, means), abs=1e-9)
    assert found.design.meanings[1] == "emotion: happy − 0.5 × angry − 0.5 × neutral"


@pytest.mark.parametrize("half", [False, True])
def test_weights_are_hypotheses_and_no_codes(half):
    """The trap of pymer4: -0.5 and 0.5 ask for half of the difference, and mien says so."""
    size = 0.5 if half else 1.0
    coded = hypotheses({"d": (-size, size)}, ["angry", "happy"])
    assert coded.matrix[1, 0] - coded.matrix[0, 0] == pytest.approx(1 / size)
    assert ("0.5 times a difference between means" in coded.meaning[0]) == half


def test_an_incomplete_set_is_completed_with_orthogonal_named_columns():
    given = {"anger": (1.0, -1.0, 0.0, 0.0)}
    coded = hypotheses(given, WORDS)
    assert coded.names == ("anger", "rest1", "rest2")
    weights = np.linalg.inv(np.column_stack([np.ones(4), coded.matrix]))
    np.testing.assert_allclose(weights[1], given["anger"], atol=1e-12)
    np.testing.assert_allclose(weights[2:] @ weights[1], 0, atol=1e-12)  # orthogonal to it
    np.testing.assert_allclose(weights[2] @ weights[3], 0, atol=1e-12)
    assert all(m.startswith("what the hypotheses leave open: ") for m in coded.meaning[1:])


def test_completing_a_set_does_not_change_the_hypotheses():
    data = crossed(np.random.default_rng(4), levels=WORDS[:3])
    formula = "rating ~ emotion + (1 | participant) + (1 | identity)"
    alone = (("anger", (1.0, -1.0, 0.0)),)
    both = (*alone, ("joy", (0.0, -1.0, 1.0)))
    rows = [
        fit(formula, data, {"emotion": Variable("emotion", WORDS[:3], "hypotheses", given)})
        .fixed.set_index("term").loc["emotionanger"]
        for given in (alone, both)
    ]  # fmt: skip
    pd.testing.assert_series_equal(rows[0], rows[1], rtol=1e-6)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"a": (1, -1, 0), "b": (-2, 2, 0)}, "imply each other"),
        ({"a": (1, -1, 0), "b": (0, 1, -1), "c": (1, 0, -1)}, "3 hypotheses .* at most 2"),
    ],
)
def test_hypotheses_that_cannot_be_tested_together_are_refused(given, says):
    with pytest.raises(AnalysisError, match=says):
        hypotheses(given, WORDS[:3])


@pytest.mark.r
@pytest.mark.skipif(shutil.which("Rscript") is None, reason="Rscript is not installed")
def test_hypotheses_are_the_generalised_inverse_of_mass():
    given = {"a": (1, -0.5, -0.5, 0), "b": (0, 1, -1, 0), "c": (-1 / 3, -1 / 3, -1 / 3, 1)}
    rows = ", ".join(f"c({', '.join(map(repr, row))})" for row in given.values())
    expected = in_r(f"MASS::ginv(rbind({rows}))")
    np.testing.assert_allclose(hypotheses(given, WORDS).matrix.ravel(), expected, atol=1e-12)


def test_levels_that_look_like_numbers_stay_words():
    """Levels 0, 0.25, 1 as text, with and without needless zeros, are three levels of a factor."""
    data = crossed(np.random.default_rng(4), levels=("0", "0.25", "1"))
    variables = {"emotion": Variable("emotion", ("0", "0.25", "1"), "sliding-difference")}
    formula = "rating ~ emotion + (1 | participant)"
    words, floats = (
        fit(formula, data.assign(emotion=emotion), variables)
        for emotion in (data.emotion, data.emotion.astype(float))
    )
    assert words.design.names == ("(Intercept)", "emotion0.25-0", "emotion1-0.25")
    np.testing.assert_array_equal(words.design.x, floats.design.x)
