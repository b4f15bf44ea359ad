"""Type III tests agree with lmerTest and do not depend on the coding."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.mixed.columns import Variable
from analysis.mixed.fit import fit
from analysis.mixed.joint import joint_test
from analysis.mixed.term_tests import hypothesis, term_tests
from tests.lmm_data import NO_REFERENCES, REFERENCES, crossed, reference, reference_ids

NEEDS = pytest.mark.skipif(not REFERENCES.is_dir(), reason=NO_REFERENCES)
EMOTIONS, HALVES = ("angry", "neutral", "happy"), ("one", "two")
OTHERWISE = {("sim_exp2_nested", "weight")}  # lmerTest compares weights at the first emotion only


def stored() -> list[str]:
    names = [name for name in reference_ids() if not name.startswith("insteval")]  # a minute each
    return [name for name in names if reference(name)[0].get("anova3_satterthwaite")]


@NEEDS
@pytest.mark.parametrize("name", stored())
def test_f_tests_agree_with_lmertest(name):
    found, data, variables = reference(name)
    ours = term_tests(fit(found["formula"], data, variables, reml=found["REML"]))
    theirs = found["anova3_satterthwaite"]
    assert ours.term.tolist() == [row["term"] for row in theirs]
    for our, row in zip(ours.itertuples(), theirs, strict=True):
        if (name, our.term) in OTHERWISE:
            continue
        assert our.numerator == row["NumDF"]
        assert our.f == pytest.approx(row["F value"], rel=1e-3)
        assert our.denominator == pytest.approx(row["DenDF"], rel=1e-2)
        assert our.p == pytest.approx(row["Pr(>F)"], abs=1e-3)


@NEEDS
def test_the_outer_factor_of_a_nested_formula_is_tested_at_the_mean_of_the_inner_one():
    """Where lmerTest tests it at the inner factor's first level: both are reproduced."""
    found, data, variables = reference("sim_exp2_nested")
    fitted = fit(found["formula"], data, variables)
    grid = pd.DataFrame({"weight": variables["weight"].levels, "emotion": "angry"})
    first = joint_test(fitted, np.diff(fitted.design.rows(grid), axis=0))
    (row,) = [r for r in found["anova3_satterthwaite"] if r["term"] == "weight"]
    assert first.f == pytest.approx(row["F value"], rel=1e-3)
    crossed_too = fit(found["formula"].replace("weight/", "weight*"), data, variables)
    ours, other = term_tests(fitted).set_index("term"), term_tests(crossed_too).set_index("term")
    assert ours.f["weight"] == pytest.approx(other.f["weight"], rel=1e-4)
    assert ours.numerator["weight:emotion"] == 5
    assert other.numerator["weight:emotion"] == 4


def data_of(rng) -> pd.DataFrame:
    data = crossed(rng, levels=EMOTIONS, effect=0.4)
    half = np.where(data.identity.isin(["i0", "i1", "i2"]), *HALVES)
    data = data.assign(half=half, trial=np.arange(len(data)) % 11)
    return data[rng.random(len(data)) < 0.8]


@pytest.mark.parametrize(
    "formula", ["rating ~ emotion*half + trial", "rating ~ half/emotion", "rating ~ emotion*trial"]
)
def test_no_coding_changes_a_test(formula):
    data = data_of(np.random.default_rng(8))
    found = []
    for coding in ("treatment", "sum", "helmert", "sliding-difference", "polynomial"):
        variables = {
            "emotion": Variable("emotion", EMOTIONS, coding),
            "half": Variable("half", HALVES, coding),
        }
        fitted = fit(f"{formula} + (1 | participant) + (1 | identity)", data, variables)
        found.append(term_tests(fitted))
    for other in found[1:]:
        numbers = ["f", "numerator", "denominator", "p"]
        np.testing.assert_allclose(found[0][numbers], other[numbers], rtol=2e-3, atol=1e-9)


def test_hypotheses_are_differences_of_cell_means():
    """Contrasts times coefficients equal the differences of predictions of a full grid."""
    data = data_of(np.random.default_rng(8))
    variables = {"emotion": Variable("emotion", EMOTIONS), "half": Variable("half", HALVES)}
    fitted = fit("rating ~ emotion*half + (1 | participant)", data, variables)
    grid = pd.MultiIndex.from_product([EMOTIONS, HALVES], names=["emotion", "half"])
    cells = pd.Series(fitted.design.rows(grid.to_frame(index=False)) @ fitted.beta, grid).unstack()
    main = hypothesis(fitted, ("emotion",)) @ fitted.beta
    np.testing.assert_allclose(main, np.diff(cells.loc[list(EMOTIONS)].mean(axis=1)))
    both = hypothesis(fitted, ("emotion", "half")) @ fitted.beta
    apart = cells.loc[list(EMOTIONS), "two"] - cells.loc[list(EMOTIONS), "one"]
    np.testing.assert_allclose(np.sort(np.abs(both)), np.sort(np.abs(np.diff(apart))))


def test_a_test_says_at_which_number_it_was_made():
    data = data_of(np.random.default_rng(8))
    variables = {"emotion": Variable("emotion", EMOTIONS)}
    fitted = fit("rating ~ emotion*trial + (1 | participant)", data, variables)
    assert term_tests(fitted)["at"].tolist() == ["trial = 0", "", ""]


def test_a_term_of_one_coefficient_is_its_t_test_squared():
    data = data_of(np.random.default_rng(8))
    fitted = fit("rating ~ trial + (1 | participant) + (1 | identity)", data)
    (row,) = term_tests(fitted).itertuples()
    assert row.f == pytest.approx(fitted.fixed.t[1] ** 2)
    assert (row.p, row.denominator) == pytest.approx((fitted.fixed.p[1], fitted.fixed.df[1]))
