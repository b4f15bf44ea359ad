"""Marginal means, differences, Holm, equivalence and joint tests against other ways to them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import ttost_paired

from analysis.figures.cells import BETWEEN, WITHIN, cell_means
from analysis.mixed.columns import Variable
from analysis.mixed.comparisons import compare, joint_test, marginal_means
from analysis.mixed.fit import fit
from protocols.mixed_models import Comparison
from tests.lmm_data import NO_REFERENCES, REFERENCES, crossed, reference

NEEDS = pytest.mark.skipif(not REFERENCES.is_dir(), reason=NO_REFERENCES)
LEVELS = ("angry", "neutral", "happy")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(11)


def paired(rng, people=18, difference=0.3):
    base = rng.normal(5, 1, people)
    angry, happy = base + rng.normal(0, 0.5, people), base + rng.normal(difference, 0.5, people)
    data = pd.DataFrame({
        "rating": np.concatenate([angry, happy]),
        "emotion": ["angry"] * people + ["happy"] * people,
        "participant": [f"p{i}" for i in range(people)] * 2,
    })  # fmt: skip
    fitted = fit("rating ~ emotion + (1 | participant)", data,
                 {"emotion": Variable("emotion", ("angry", "happy"))})  # fmt: skip
    return angry, happy, fitted


def three_levels(
    rng, formula="rating ~ emotion*half + (1 | participant) + (1 | identity)", **coding
):
    data = crossed(rng, levels=LEVELS, effect=0.4)
    data = data.assign(half=np.where(data.identity.isin(["i0", "i1", "i2"]), "one", "two"))
    variables = {
        "emotion": Variable("emotion", LEVELS, coding.get("emotion", "sliding-difference")),
        "half": Variable("half", ("one", "two"), coding.get("half", "sum")),
    }
    return data, fit(formula, data, variables)


@NEEDS
@pytest.mark.parametrize(
    "name", ["oats_unbalanced", "sim_exp1", "sim_exp2_nested", "machines_nested", "machines_slopes",
             "tvbo_colourbalance", "ham", "sim_unbal3_sum", "sim_unbal3_treatment"]
)  # fmt: skip
def test_marginal_means_and_holm_agree_with_emmeans(name):
    found, data, variables = reference(name)
    factor, _, at = found["emm_formula"].removeprefix("~").partition("|")
    fitted = fit(found["formula"], data, variables)
    by = [factor, *([at] if at else [])]
    means = marginal_means(fitted, by, {}).set_index(by)
    for row in found["emmeans"]:
        ours = means.loc[tuple(row[b] for b in by) if at else row[factor]]
        assert ours["mean"] == pytest.approx(row["emmean"], rel=1e-4)
        assert ours["se"] == pytest.approx(row["SE"], rel=1e-3)
        assert ours["df"] == pytest.approx(row["df"], rel=1e-2)
        assert ours["low"] == pytest.approx(row["lower.CL"], rel=2e-3)
    family = compare(fitted, Comparison(factor=factor, at=at or None, adjust="none"), {}).table
    pairs = {(r.get(at, ""), r["contrast"]): r for r in found["pairs_holm"]}
    assert len(pairs) == len(family)
    for _, row in family.iterrows():
        names = [
            f"{a} - {b}"
            for a, b in (
                (row.earlier, row.later),
                (f"{factor}{row.earlier}", f"{factor}{row.later}"),
            )
        ]
        theirs = next(pairs[row["at"], n] for n in names if (row["at"], n) in pairs)
        assert -row.estimate == pytest.approx(theirs["estimate"], rel=1e-3, abs=1e-6)
        assert row.se == pytest.approx(theirs["SE"], rel=1e-3)
        assert row.df == pytest.approx(theirs["df"], rel=1e-2)


@NEEDS
@pytest.mark.parametrize(
    "name", ["oats_unbalanced", "machines_slopes", "tvbo_colourbalance", "ham", "cake",
             "sim_unbal3_sdif", "sim_exp1", "sim_exp2_nested"]
)  # fmt: skip
@pytest.mark.parametrize("adjust", ["tukey", "holm"])
def test_adjusted_p_values_agree_with_emmeans(name, adjust):
    """Tukey within each level of `at`, as emmeans; Holm there over each level, here over all."""
    found, data, variables = reference(name)
    factor, _, at = found["emm_formula"].removeprefix("~").partition("|")
    fitted = fit(found["formula"], data, variables)
    family = compare(fitted, Comparison(factor=factor, at=at or None, adjust=adjust), {}).table
    theirs = pd.DataFrame(found[f"pairs_{adjust}"])
    for place, ours in family.groupby("at"):
        rows = theirs[theirs[at].astype(str) == place] if at else theirs
        expected = rows["p.value"].to_numpy()
        if adjust == "holm" and at:
            ours = ours.assign(p_adjusted=multipletests(ours.p, method="holm")[1])
        np.testing.assert_allclose(np.sort(ours.p_adjusted), np.sort(expected), atol=1e-3)


def test_tukey_is_the_range_of_balanced_means(rng):
    """Against SciPy's own Tukey test of a one-way layout, whose p it must give for many people."""
    data = pd.DataFrame({"emotion": np.repeat(LEVELS, 40), "rating": rng.normal(0, 1, 120)})
    data["rating"] += data.emotion.map(dict(zip(LEVELS, (0, 0.3, 0.6), strict=True)))
    data["participant"] = np.tile([f"p{i}" for i in range(40)], 3)
    data.rating -= data.groupby("participant").rating.transform("mean")  # nobody differs
    fitted = fit("rating ~ emotion + (1 | participant)", data,
                 {"emotion": Variable("emotion", LEVELS)})  # fmt: skip
    table = compare(fitted, Comparison(factor="emotion", adjust="tukey"), {}).table
    groups = [data[data.emotion == level].rating for level in LEVELS]
    expected = stats.tukey_hsd(*groups).pvalue[np.triu_indices(3, 1)]
    np.testing.assert_allclose(table.p_adjusted, expected, rtol=1e-3)


@NEEDS
@pytest.mark.parametrize("name", ["sim_exp2_nested", "ham", "tvbo_colourbalance"])
def test_joint_tests_agree_with_type_3_anova_of_lmertest(name):
    """With sum and difference coding a term's coefficients together are its type III test."""
    found, data, variables = reference(name)
    fitted = fit(found["formula"], data, variables)
    if name == "sim_exp2_nested":
        terms = {"weight:emotion": [":" in n for n in fitted.design.names]}
    else:
        terms = {
            row["term"]: [_term_of(n, variables) == row["term"] for n in fitted.design.names]
            for row in found["anova3_satterthwaite"]
        }
    for row in found["anova3_satterthwaite"]:
        if row["term"] in terms:
            f, q, df, p = joint_test(fitted, np.eye(len(fitted.beta))[np.array(terms[row["term"]])])
            assert q == row["NumDF"]
            assert f == pytest.approx(row["F value"], rel=1e-3)
            assert df == pytest.approx(row["DenDF"], rel=1e-2)
            assert p == pytest.approx(row["Pr(>F)"], rel=2e-2)


def _term_of(name: str, variables: dict[str, Variable]) -> str:
    if name == "(Intercept)":
        return ""
    return ":".join(next(v for v in variables if part.startswith(v)) for part in name.split(":"))


def test_balanced_marginal_means_are_the_cell_means(rng):
    data, fitted = three_levels(rng)
    by_hand = data.groupby(["emotion", "half"]).rating.mean().groupby("emotion").mean()
    ours = marginal_means(fitted, ["emotion"], {}).set_index("emotion")["mean"]
    np.testing.assert_allclose(ours[by_hand.index], by_hand, rtol=1e-6)


@pytest.mark.parametrize("coding", ["treatment", "sum", "helmert", "sliding-difference"])
def test_comparisons_do_not_depend_on_the_coding(coding):
    asked = Comparison(factor="emotion", at="half")
    _, base = three_levels(np.random.default_rng(2))
    _, other = three_levels(np.random.default_rng(2), emotion=coding, half=coding)
    one, two = compare(base, asked, {}), compare(other, asked, {})
    numbers = ["estimate", "se", "df", "p_adjusted", "low", "high", "d"]
    np.testing.assert_allclose(one.table[numbers], two.table[numbers], rtol=1e-3, atol=1e-6)
    assert one.joint == pytest.approx(two.joint, rel=1e-3)


def test_every_pair_is_compared_later_minus_earlier(rng):
    data, fitted = three_levels(rng)
    table = compare(fitted, Comparison(factor="emotion", at="half"), {}).table
    pairs = [("neutral", "angry"), ("happy", "angry"), ("happy", "neutral")]
    expected = [(at, *pair) for at in ("one", "two") for pair in pairs]
    assert list(zip(table["at"], table.later, table.earlier, strict=True)) == expected
    cell = data.groupby(["half", "emotion"]).rating.mean()
    for row in table.itertuples():
        assert row.estimate == pytest.approx(cell[row.at, row.later] - cell[row.at, row.earlier])


def test_holm_agrees_with_statsmodels(rng):
    _, fitted = three_levels(rng)
    table = compare(fitted, Comparison(factor="emotion", at="half"), {}).table
    np.testing.assert_allclose(table.p_adjusted, multipletests(table.p, method="holm")[1])
    single = compare(fitted, Comparison(factor="emotion", at="half", adjust="none"), {}).table
    np.testing.assert_array_equal(single.p_adjusted, single.p)


@pytest.mark.parametrize("bound", [0.2, 0.5, 1.0])
def test_equivalence_agrees_with_two_one_sided_paired_t_tests(rng, bound):
    angry, happy, fitted = paired(rng)
    (row,) = compare(fitted, Comparison(factor="emotion", equivalence=bound), {}).table.itertuples()
    p, _, _ = ttost_paired(happy, angry, -bound, bound)
    assert row.p_equivalence == pytest.approx(p, rel=1e-3)
    inside = -bound < row.low90 and row.high90 < bound
    assert row.equivalent == inside == (p < 0.05)


def test_numeric_factors_are_compared_at_the_levels_of_the_protocol(rng):
    data = crossed(rng).assign(m=lambda d: np.tile([0.0, 0.5, 1.0], len(d) // 3))
    variables = {"emotion": Variable("emotion", ("angry", "happy")), "m": Variable("m")}
    fitted = fit("rating ~ m*emotion + (1 | participant)", data, variables)
    asked = Comparison(factor="emotion", at="m")
    table = compare(fitted, asked, {"m": [0, 0.5, 1]}).table
    slope = fitted.fixed.set_index("term").estimate
    assert table["at"].tolist() == ["0", "0.5", "1"]
    np.testing.assert_allclose(
        table.estimate, slope["emotionhappy"] + slope["m:emotionhappy"] * np.array([0, 0.5, 1])
    )


def test_effect_size_divides_by_the_sd_of_a_rating(rng):
    data, fitted = three_levels(rng, "rating ~ emotion + (1 | participant) + (1 | identity)")
    table = compare(fitted, Comparison(factor="emotion"), {}).table
    total = np.sqrt((fitted.random.sd**2).sum())  # only intercepts: variances add up
    np.testing.assert_allclose(table.d, table.estimate / total, rtol=1e-6)


def test_interval_of_an_effect_size_covers_its_truth():
    """300 simulated studies with d = 1 / sqrt(1.75) between conditions of the same people."""
    rng = np.random.default_rng(31)
    truth, inside = 1 / np.sqrt(0.75 + 1.0), 0
    people, each = 16, 4
    for _ in range(300):
        person = rng.normal(0, np.sqrt(0.75), people)
        data = pd.DataFrame({
            "participant": np.repeat([f"p{i}" for i in range(people)], 2 * each),
            "emotion": np.tile(np.repeat(["angry", "happy"], each), people)})  # fmt: skip
        data["rating"] = np.repeat(person, 2 * each) + (data.emotion == "happy")
        data["rating"] += rng.normal(0, 1, len(data))
        fitted = fit("rating ~ emotion + (1 | participant)", data,
                     {"emotion": Variable("emotion", ("angry", "happy"))})  # fmt: skip
        (row,) = compare(fitted, Comparison(factor="emotion"), {}).table.itertuples()
        inside += row.d_low < truth < row.d_high
    assert 0.915 < inside / 300 < 0.985  # 95 %, two and a half standard errors around


def test_within_intervals_are_those_of_the_paired_t_test(rng):
    """Two conditions: the Cousineau-Morey half width is the paired one over the root of two."""
    angry, happy, fitted = paired(rng)
    data = pd.DataFrame({
        "rating": fitted.design.y, "participant": list(range(18)) * 2,
        "emotion": ["angry"] * 18 + ["happy"] * 18})  # fmt: skip
    means = cell_means(data, "rating", ["emotion"])
    low, high = stats.ttest_rel(happy, angry).confidence_interval()
    half = (means.cells.high - means.cells.low) / 2
    assert means.interval == WITHIN
    np.testing.assert_allclose(half, (high - low) / 2 / np.sqrt(2))
    np.testing.assert_allclose(means.cells["mean"], [angry.mean(), happy.mean()])


def test_between_intervals_are_those_of_the_one_sample_t_test(rng):
    data = pd.DataFrame({"rating": rng.normal(5, 1, 20), "participant": range(20),
                         "emotion": ["angry", "happy"] * 10})  # fmt: skip
    means = cell_means(data, "rating", ["emotion"])
    assert means.interval == BETWEEN
    for row in means.cells.itertuples():
        values = data[data.emotion == row.emotion].rating
        expected = stats.ttest_1samp(values, 0).confidence_interval()
        assert (row.low, row.high) == pytest.approx((expected.low, expected.high))
