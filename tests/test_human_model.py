"""People beside a model: identities, closed forms, other programs, and recovered parameters."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.mixed.fit import Estimate
from analysis.problems import AnalysisError
from analysis.raters.bootstrap import draws
from analysis.raters.concordance import calibration, measures, with_intervals
from analysis.raters.equivalence import tost, verdict
from analysis.raters.human_model import on_a_choice, on_a_scale, one_person
from analysis.raters.items import chosen
from analysis.raters.rater_kinds import compare_kinds
from protocols.analysis_plan import HumanModel

LEVELS = {"emotion": ["angry", "happy"], "m": ["0", "0.5", "1"]}


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(11)


def once(x, y, middle=5.0) -> dict[str, float]:
    found = measures(np.asarray(x, float), np.asarray(y, float), middle, np.ones((1, len(x))))
    return {name: float(value[0]) for name, value in found.items()}


def made(
    rng: np.random.Generator, *, people=30, identities=12, bias=0.0, gain=1.0, emotion=1.0,
    own_sd=0.0, slope_sd=0.4, person_sd=0.5, noise=1.0,
) -> tuple[pd.DataFrame, pd.DataFrame]:  # fmt: skip
    """People and a model whose effect of emotion is `gain` times that of people."""
    cells = [(i, e, m) for i in range(identities) for e in (-0.5, 0.5) for m in (0, 0.5, 1)]
    table = pd.DataFrame(cells, columns=["i", "e", "w"])
    table["stimulus_id"] = [f"s{i}x{e}x{w}".replace(".", "p") for i, e, w in cells]
    table["identity"] = [f"a{i:02d}" for i in table.i]
    table["emotion"] = np.where(table.e > 0, "happy", "angry")
    table["m"] = [f"{w:g}" for w in table.w]
    table["true"] = 5 + emotion * table.e + rng.normal(0, 0.5, identities)[table.i]
    parts = []
    for p in range(people):
        rows = table.assign(participant=f"p{p:02d}", list=p % 2 + 1)
        level, slope = rng.normal(0, person_sd), rng.normal(0, slope_sd)
        rows["rating"] = rows.true + level + slope * rows.e + rng.normal(0, noise, len(rows))
        parts.append(rows)
    machine = table.assign(participant="net", list=1)
    machine["rating"] = machine.true + bias + (gain - 1) * emotion * machine.e
    machine["rating"] += rng.normal(0, own_sd, len(machine)) if own_sd else 0
    return pd.concat(parts, ignore_index=True), machine


def test_concordance_is_one_only_for_identical_ratings(rng):
    y = rng.normal(5, 1.5, 60)
    same = once(y, y)
    assert (same["ccc"], same["rmse"], same["sagr"], same["bias"]) == pytest.approx((1, 0, 1, 0))
    for x in (y + 0.3, 5 + 1.2 * (y - 5), y + rng.normal(0, 0.2, 60)):
        assert once(x, y)["ccc"] < 1 - 1e-4
    assert once(y + 0.3, y)["r"] == pytest.approx(1)


def test_squared_error_is_squared_bias_and_variance(rng):
    x, y = rng.normal(4, 1, 80), rng.normal(5, 2, 80)
    found = once(x, y)
    assert found["rmse"] ** 2 == pytest.approx(found["bias"] ** 2 + np.var(x - y))
    half = 1.96 * np.std(x - y, ddof=1)
    assert (found["lower"], found["upper"]) == pytest.approx(
        (found["bias"] - half, found["bias"] + half)
    )


def test_measures_are_those_of_scipy_and_of_lins_formula(rng):
    x = rng.integers(1, 10, 50).astype(float)  # with ties
    y = np.clip(x + rng.normal(0, 1.5, 50), 1, 9)
    found = once(x, y)
    assert found["r"] == pytest.approx(np.corrcoef(x, y)[0, 1])
    assert (found["slope"], found["intercept"]) == pytest.approx(tuple(np.polyfit(x, y, 1)))
    assert found["rho"] == pytest.approx(stats.spearmanr(x, y)[0])
    lin = 2 * np.cov(x, y, bias=True)[0, 1] / (x.var() + y.var() + (x.mean() - y.mean()) ** 2)
    assert found["ccc"] == pytest.approx(lin)
    assert found["ccc"] <= abs(found["r"])


def test_sign_agreement_is_that_of_the_published_equation():
    # Lindt et al. (2019): a true valence of .3 is met by .7, and missed by -.1, at the same RMSE
    truth = np.array([0.3])
    near, far = once([0.7], truth, 0.0), once([-0.1], truth, 0.0)
    assert (near["sagr"], far["sagr"]) == (1, 0)
    assert near["rmse"] == pytest.approx(far["rmse"])
    # the middle itself agrees only with the middle
    assert once([5, 5, 6, 2], [5, 6, 7, 8], 5.0)["sagr"] == pytest.approx(2 / 4)


def test_a_weight_of_two_is_a_stimulus_twice(rng):
    x, y = rng.integers(1, 6, 20).astype(float), rng.normal(4, 1, 20)
    weights = rng.integers(0, 4, 20)
    weighted = measures(x, y, 3.0, weights[None].astype(float))
    copied = once(x.repeat(weights), y.repeat(weights), 3.0)
    for name, value in weighted.items():
        assert value[0] == pytest.approx(copied[name]), name


def test_intervals_cover_the_true_values(rng):
    truth = {"r": 0.6, "slope": 0.6, "bias": 0.0, "rho": 6 / np.pi * np.arcsin(0.3)}
    inside = dict.fromkeys(truth, 0)
    for _ in range(150):
        x, noise = rng.normal(0, 1, (2, 60))
        y = 0.6 * x + 0.8 * noise
        found = with_intervals(x, y, 0.0, draws(np.arange(60), rng, 400)).set_index("measure")
        for name, value in truth.items():
            inside[name] += found.low[name] < value < found.high[name]
    assert all(0.87 <= n / 150 <= 0.99 for n in inside.values()), inside


def test_calibration_bins_hold_every_stimulus_once(rng):
    x = rng.integers(1, 5, 90).astype(float)
    y = x + 1
    bins = calibration(x, y)
    assert bins.n.sum() == 90
    assert len(bins) == 4
    assert np.allclose(bins.people - bins.model, 1)


def test_equivalence_is_the_90_percent_interval_inside_the_bound():
    for value in (-0.45, -0.2, 0.0, 0.3, 0.6):
        found = tost(Estimate(value, 0.1, 40), 0.5)
        assert found.shown == (found.low > -0.5 and found.high < 0.5)
    # the larger of two one-sided t tests, from scipy
    sample = stats.norm.ppf((np.arange(30) + 0.5) / 30) + 0.1
    se = sample.std(ddof=1) / 30**0.5
    above = stats.ttest_1samp(sample, -0.5, alternative="greater")[1]
    below = stats.ttest_1samp(sample, 0.5, alternative="less")[1]
    assert tost(Estimate(sample.mean(), se, 29), 0.5).p == pytest.approx(np.max([above, below]))


def test_two_tests_have_four_outcomes():
    assert verdict(0.2, 0.01) == "equivalent"
    assert verdict(0.2, 0.3) == "undecided"
    assert verdict(0.01, 0.3) == "different"
    assert verdict(0.01, 0.01) == "different, but within the bound"
    assert verdict(0.2, None) == "not shown to differ"  # never "equal"


def test_the_mixed_model_recovers_bias_and_gain_of_a_model(rng):
    people, machine = made(rng, bias=0.6, gain=2.0, own_sd=0.3, identities=24)
    found = compare_kinds(people, machine, LEVELS)
    assert abs(found.difference.value - 0.6) < 3 * found.difference.se
    emotion = found.effects.set_index("factor").loc["emotion"]
    assert abs(emotion.people - 1) < 0.35
    assert emotion.difference == pytest.approx(emotion.model - emotion.people)
    by = machine.groupby("emotion").rating.mean()
    assert emotion.model == pytest.approx(by["happy"] - by["angry"], abs=1e-3)  # as it is
    assert abs(emotion.difference - 1) < 3 * emotion.se
    assert found.joint["emotion"][3] < 0.001
    assert found.joint["m"][3] > 0.001


@pytest.mark.parametrize(("own_sd", "noise"), [(1.0, 0.6), (0.2, 2.0)])
def test_a_models_difference_is_as_sure_as_people_and_stimuli_make_it(rng, own_sd, noise):
    # balanced: variance of people's mean level over people, and of the difference over stimuli;
    # the noise of people's single ratings does not count as noise of the model
    people, machine = made(
        rng, person_sd=0.8, slope_sd=0, noise=noise, own_sd=own_sd, people=20, identities=4
    )  # (four identities are too few for random effects of their own)
    found = compare_kinds(people, machine, {"emotion": LEVELS["emotion"]}).difference
    apart = machine.set_index("stimulus_id").rating - people.groupby("stimulus_id").rating.mean()
    assert found.value == pytest.approx(apart.mean(), abs=1e-6)
    levels = people.groupby("participant").rating.mean().var(ddof=1) / 20
    stimuli = apart.groupby(apart.index.str.contains("x0p5")).apply(lambda d: d - d.mean()).var()
    residual = noise**2 / (20 * len(apart))  # in both terms; counted once
    expected = (levels + stimuli / len(apart) - residual) ** 0.5
    assert found.se == pytest.approx(expected, rel=0.12)


def test_a_model_that_is_right_differs_in_one_study_of_twenty(rng):
    p = []
    for _ in range(20):
        people, machine = made(rng, people=12, identities=8, own_sd=0.5)
        p.append(compare_kinds(people, machine, {"emotion": LEVELS["emotion"]}).difference.p)
    assert sum(value < 0.05 for value in p) <= 4  # more would happen 3 times in 1000
    assert sum(value < 0.5 for value in p) >= 4  # nor are they all near 1


def test_a_level_or_factor_that_is_not_there_plays_no_part(rng):
    people, machine = (part[part.m != "0.5"].assign(sentence="kids") for part in made(rng))
    found = compare_kinds(people, machine, {**LEVELS, "sentence": ["kids"], "m": ["0", "1", "2"]})
    assert set(found.effects.factor) == {"emotion", "m"}
    assert (found.effects.factor == "m").sum() == 1


def test_a_perfect_model_reaches_the_noise_ceiling(rng):
    people, machine = made(rng, identities=40, people=16, noise=2.0, slope_sd=0)
    asked = HumanModel(task="valence", equivalence=0.8)
    found = on_a_scale(people, machine, asked, (1, 9), LEVELS, rng)
    assert found.halves is not None
    assert found.value("r") == pytest.approx(found.halves.ceiling, abs=0.04)
    assert found.one_person < found.value("r")
    assert found.equivalence is not None
    assert found.equivalence.bound == 0.8
    within = (found.stimuli.difference.abs() <= 0.8).mean()
    assert within == pytest.approx(
        (np.abs(found.stimuli.model - found.stimuli.people) <= 0.8).mean()
    )


def test_one_person_is_correlated_with_the_others_only():
    table = np.array([[1.0, 2, 3, 5], [2, 2, 4, 5], [1, 3, 3, 4]])
    rows = pd.DataFrame({
        "participant": np.repeat(["a", "b", "c"], 4), "stimulus_id": list("wxyz") * 3,
        "rating": table.ravel()})  # fmt: skip
    by_hand = [np.corrcoef(table[i], np.delete(table, i, 0).mean(0))[0, 1] for i in range(3)]
    assert one_person(rows) == pytest.approx(np.mean(by_hand))


def choices(people: dict[str, str], machine: dict[str, str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Stimulus -> the letters that people chose, and the model's letter."""
    rows = [(f"p{j}", s, c) for s, letters in people.items() for j, c in enumerate(letters)]
    parts = [pd.DataFrame(rows, columns=["participant", "stimulus_id", "rating"]),
             pd.DataFrame([("net", s, c) for s, c in machine.items()],
                          columns=["participant", "stimulus_id", "rating"])]  # fmt: skip
    for part in parts:
        part["identity"] = part["list"] = "1"
        part["emotion"] = part.stimulus_id.str[0].map({"a": "angry", "h": "happy"})
    return parts[0], parts[1]


def test_plurality_and_shares_are_those_of_counting_by_hand():
    people, machine = choices(
        {"a1": "AAH", "a2": "AAHH", "h1": "HHH", "h2": "AAH"},
        {"a1": "A", "a2": "H", "h1": "H", "h2": "X"},
    )
    table = chosen(people, machine, ["emotion"]).set_index("stimulus_id")
    assert table.plurality.to_dict() == {"a1": "A", "a2": "A / H", "h1": "H", "h2": "A"}
    assert table.agrees.to_dict() == {"a1": True, "a2": True, "h1": True, "h2": False}
    assert table.share.tolist() == pytest.approx([2 / 3, 1 / 2, 1, 0])
    found = on_a_choice(people, machine, HumanModel(task="f"), ("A", "H", "X"),
                        {"emotion": LEVELS["emotion"]})  # fmt: skip
    z = stats.norm.ppf(0.975)  # Wilson (1927) by hand
    middle, half = (0.75 + z**2 / 8) / (1 + z**2 / 4), z * (0.75 * 0.25 / 4 + z**2 / 64) ** 0.5
    half /= 1 + z**2 / 4
    assert found.agreement == pytest.approx((0.75, middle - half, middle + half))
    assert found.with_a_person == pytest.approx((2 / 3 + 1 / 2 + 1 + 0) / 4)
    assert found.person_with_person == pytest.approx((1 / 3 + 2 / 6 + 1 + 1 / 3) / 4)
    confusion = found.confusions["emotion"].set_index(["kind", "emotion"])
    assert confusion.loc[("people", "angry")].tolist() == pytest.approx([7, 4 / 7, 3 / 7, 0])
    assert confusion.loc[("model", "happy")].tolist() == pytest.approx([2, 0, 0.5, 0.5])
    assert found.against.loc["A"].tolist() == [1, 0, 1]  # the tied stimulus stays out


def test_ratings_that_cannot_be_modelled_still_get_their_concordance(rng):
    people, machine = made(rng, people=1)
    found = on_a_scale(people, machine, HumanModel(task="t", equivalence=1), (1, 9), LEVELS, rng)
    assert found.kinds is None
    assert found.failure
    assert found.equivalence is None
    assert np.isfinite(found.value("ccc"))
    with pytest.raises(AnalysisError):
        compare_kinds(people.assign(rating=5.0), machine.assign(rating=5.0), LEVELS)
