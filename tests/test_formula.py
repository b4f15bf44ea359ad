"""Formulas and codings give the columns that R gives, and say plainly when they cannot."""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest

from analysis.mixed.coding import R_FUNCTIONS, contrasts
from analysis.mixed.columns import Variable, columns, word
from analysis.mixed.design import design
from analysis.mixed.formula import parse
from analysis.problems import AnalysisError
from tests.lmm_data import NO_REFERENCES, REFERENCES, reference, reference_ids

M = ("0", "0.25", "0.5", "0.75", "1")
EMOTION = ("angry", "happy")


@pytest.fixture
def cells() -> pd.DataFrame:
    """Three ratings in every cell of m and emotion, by three participants."""
    rows = [
        {"m": float(m), "emotion": e, "participant": p, "trial": i, "rating": float(i % 7)}
        for i, (m, e, p) in enumerate(itertools.product(M, EMOTION, "abc"))
    ]
    return pd.DataFrame(rows)


def nested(m_coding: str = "treatment", emotion_coding: str = "sliding-difference"):
    return {
        "m": Variable("m", M, m_coding),
        "emotion": Variable("emotion", EMOTION, emotion_coding),
        "trial": Variable("trial"),
    }


@pytest.mark.parametrize(
    ("text", "fixed", "bars"),
    [
        ("y ~ m + (1 | p)", [(), ("m",)], [([()], "p", True)]),
        ("y ~ m*e + (m | p)", [(), ("m",), ("e",), ("m", "e")], [([(), ("m",)], "p", True)]),
        ("y ~ 0 + m + (0 + m || p)", [("m",)], [([("m",)], "p", False)]),
        ("y ~ m/e + (1|a/b)", [(), ("m",), ("m", "e")], [([()], "b:a", True), ([()], "a", True)]),
        ("y ~ (1|a:b) + m + m:e", [(), ("m",), ("m", "e")], [([()], "a:b", True)]),
        ("y ~ (m + e) + (1 + m|p)", [(), ("m",), ("e",)], [([(), ("m",)], "p", True)]),
        ("y ~ (1 | p)", [()], [([()], "p", True)]),
        ("y ~ m - 1 + (1 | p)", [("m",)], [([()], "p", True)]),
    ],
)
def test_a_formula_is_taken_apart_as_in_lme4(text, fixed, bars):
    found = parse(text)
    assert list(found.fixed) == fixed
    assert [(list(b.terms), b.group_name, b.correlated) for b in found.bars] == bars


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("y ~ m + (1 | p", "brackets do not match"),
        ("y ~ m | p", "in brackets"),
        ("y ~ m + (1 | log(p))", "group"),
        ("y ~ 2*m + (1 | p)", "cannot read '2*m'"),
        ("y ~ m + + (1 | p) ~ x", "accepted: RATING ~"),
        ("y ~ m * (1 | p)", "cannot read"),
    ],
)
def test_a_formula_that_cannot_be_read_says_why(text, says):
    with pytest.raises(AnalysisError, match="formula") as error:
        parse(text)
    assert says in str(error.value)


def test_nested_emotion_has_one_effect_at_every_level_of_m(cells):
    coded = columns(parse("r ~ m/emotion + (1|p)").fixed, nested(), cells)
    assert coded.names == (
        "(Intercept)", "m0.25", "m0.5", "m0.75", "m1",
        *(f"m{m}:emotionhappy-angry" for m in M),
    )  # fmt: skip
    assert np.linalg.matrix_rank(coded.values) == 10
    at = cells[(cells.m == 0.5) & (cells.emotion == "happy")].index[0]
    assert coded.values[at].tolist() == [1, 0, 1, 0, 0, 0, 0, 0.5, 0, 0]
    assert coded.meanings[7] == "emotion: happy minus angry, at m = 0.5"
    assert coded.meanings[0] == "mean, at m = 0"


@pytest.mark.parametrize("k", [2, 3, 5])
@pytest.mark.parametrize("coding", [c for c in R_FUNCTIONS if c != "polynomial"])
def test_coefficients_estimate_what_their_meaning_says(coding, k):
    """The hypothesis matrix, inverse of (1, C), must be the differences in words."""
    levels = [f"l{i}" for i in range(k)]
    coded = contrasts(coding, levels)
    hypotheses = np.linalg.inv(np.column_stack([np.ones(k), coded.matrix]))[1:]
    unit = dict(zip(levels, np.eye(k), strict=True))
    for row, meaning in zip(hypotheses, coded.meaning, strict=True):
        level, rest = meaning.split(" minus ")
        if rest in unit:
            expected = unit[level] - unit[rest]
        elif rest == "the mean of all levels":
            expected = unit[level] - np.full(k, 1 / k)
        else:
            before, divisor = rest.removeprefix("the mean of ").split(", divided by ")
            mean = np.mean([unit[name] for name in before.split(", ")], axis=0)
            expected = (unit[level] - mean) / int(divisor)
        np.testing.assert_allclose(row, expected, atol=1e-12)


def test_levels_are_the_same_as_words_and_as_numbers(cells):
    terms = parse("r ~ m*emotion + (1|p)").fixed
    as_words = cells.assign(m=[word(m) for m in cells.m])
    as_nullable = cells.assign(m=cells.m.astype("Float64"))
    expected = columns(terms, nested(), cells).values
    for table in (as_words, as_nullable):
        np.testing.assert_array_equal(columns(terms, nested(), table).values, expected)
    values = (1, 1.0, 0.25, np.float64(0.1), "01")
    assert [word(v) for v in values] == ["1", "1", "0.25", "0.1", "01"]


def test_order_of_levels_is_as_stated(cells):
    reverse = {"emotion": Variable("emotion", ("happy", "angry"), "sliding-difference")}
    coded = columns(parse("r ~ emotion + (1|p)").fixed, reverse, cells)
    assert coded.names[1] == "emotionangry-happy"
    assert coded.values[cells.index[cells.emotion == "angry"][0], 1] == 0.5


def test_a_level_without_ratings_is_named(cells):
    with pytest.raises(AnalysisError, match=r"no ratings at m = 0\.75"):
        design(parse("rating ~ m + (1|participant)"), cells[cells.m != 0.75], nested())


def test_an_unknown_level_is_named(cells):
    odd = cells.assign(emotion=cells.emotion.where(cells.m != 0, "bored"))
    with pytest.raises(AnalysisError, match="found the level 'bored'; accepted: angry, happy"):
        design(parse("rating ~ emotion + (1|participant)"), odd, nested())


def test_an_empty_cell_names_the_effect_that_cannot_be_told_apart(cells):
    hole = cells[~((cells.m == 1) & (cells.emotion == "happy"))]
    with pytest.raises(AnalysisError, match=r"aliased.*: m1:emotionhappy-angry\. ") as error:
        design(parse("rating ~ m/emotion + (1|participant)"), hole, nested())
    assert error.value.problem.code == "RANK_DEFICIENT"


def test_a_column_made_of_others_is_the_one_that_r_would_drop(cells):
    twice = cells.assign(double=2 * cells.trial)
    with pytest.raises(AnalysisError, match="aliased with other effects: double"):
        design(parse("rating ~ trial + double + (1|participant)"), twice, {})


def test_slopes_without_correlations_become_single_columns_and_say_so(cells):
    made = design(parse("rating ~ m + (m || participant)"), cells, nested())
    assert [term.names for term in made.random] == [("(Intercept)",), *((f"m{m}",) for m in M[1:])]
    assert "SLOPES_EXPANDED" in [problem.code for problem in made.problems]


def test_a_slope_that_never_varies_within_its_group_is_named(cells):
    fixed_m = cells.assign(participant=cells.participant + cells.m.astype(str))
    fixed_m = pd.concat([fixed_m, fixed_m])  # enough ratings for every random effect
    made = design(parse("rating ~ emotion + (m | participant)"), fixed_m, {
        "m": Variable("m"), "emotion": nested()["emotion"]})  # fmt: skip
    (problem,) = [p for p in made.problems if p.code == "SLOPE_NOT_WITHIN"]
    assert problem.found == "m does not vary within participant"


@pytest.mark.skipif(not REFERENCES.is_dir(), reason=NO_REFERENCES)
@pytest.mark.parametrize("name", reference_ids())
def test_coefficients_stand_in_the_order_and_under_the_names_of_r(name):
    found, data, variables = reference(name)
    if any(v.coding == "poly" for v in variables.values()):
        pytest.skip("polynomial contrasts are not offered")
    made = design(parse(found["formula"]), data.dropna(), variables)
    expected = [row["term"] for row in found["fixed"]]
    for factor, variable in variables.items():  # the references number sdif and treatment columns
        numbers = {
            "sliding-difference": [f"{j + 1}-{j}" for j in range(1, len(variable.levels))],
            "treatment": [str(j) for j in range(2, len(variable.levels) + 1)],
        }.get(variable.coding, [])
        if factor in (found.get("contrasts") or {}):
            renamed = dict(zip(numbers, variable.contrasts.names, strict=False))
            expected = [_rename(term, factor, renamed, variable.levels) for term in expected]
    assert list(made.names) == expected


def _rename(term: str, factor: str, renamed: dict[str, str], levels: tuple[str, ...]) -> str:
    parts = []
    for part in term.split(":"):
        label = part.removeprefix(factor)
        own = part.startswith(factor) and label not in levels
        parts.append(factor + renamed.get(label, label) if own else part)
    return ":".join(parts)


FORMULAS = [
    "~ m/emotion", "~ m*emotion", "~ 0 + m + m:emotion", "~ emotion + m:emotion", "~ m:emotion",
    "~ 0 + emotion", "~ emotion*trial", "~ trial:emotion", "~ 0 + m*emotion", "~ m/emotion/trial",
    "~ emotion/trial", "~ 0 + emotion:m",
]  # fmt: skip


@pytest.mark.r
@pytest.mark.skipif(shutil.which("Rscript") is None, reason="Rscript is not installed")
@pytest.mark.parametrize("codings", [
    ("treatment", "sliding-difference"), ("helmert", "sum"), ("sum", "helmert"),
    ("sliding-difference", "treatment"),
])  # fmt: skip
def test_columns_equal_those_of_model_matrix_in_r(cells, codings, tmp_path):
    cells.to_csv(tmp_path / "cells.csv", index=False)
    variables = nested(*codings)
    lines = [
        'd <- read.csv("cells.csv", colClasses = c(m = "character"))',
        "d$m <- factor(as.character(as.numeric(d$m)))",
        "d$emotion <- factor(d$emotion)",
        f"contrasts(d$m) <- {R_FUNCTIONS[codings[0]]}(levels(d$m))",
        f"contrasts(d$emotion) <- {R_FUNCTIONS[codings[1]]}(levels(d$emotion))",
        "out <- lapply(c({}), function(f) {{ x <- model.matrix(as.formula(f), d);".format(
            ", ".join(f'"{f}"' for f in FORMULAS)
        ),
        "  list(names = I(colnames(x)), values = unname(x)) })",
        'jsonlite::write_json(out, "out.json", digits = NA)',
    ]
    (tmp_path / "x.R").write_text("\n".join(lines))
    ran = subprocess.run(["Rscript", "x.R"], cwd=tmp_path, capture_output=True, text=True)
    if "there is no package called" in ran.stderr:
        pytest.skip("R lacks a package that this test needs")
    assert ran.returncode == 0, ran.stderr
    for formula, expected in zip(FORMULAS, json.loads((tmp_path / "out.json").read_text()),
                                 strict=True):  # fmt: skip
        coded = columns(parse(f"r {formula} + (1|p)").fixed, variables, cells)
        assert list(coded.names) == expected["names"], formula
        np.testing.assert_allclose(coded.values, expected["values"], atol=1e-12, err_msg=formula)
