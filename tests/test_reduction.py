"""Random effects are reduced by the stated rule, on record, until nothing is singular."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.mixed.columns import Variable
from analysis.mixed.fit import fit
from analysis.mixed.formula import parse
from analysis.mixed.reduction import Step, next_formula, reduce
from tests.lmm_data import crossed

LEVELS = ("angry", "happy")
VARIABLES = {
    "emotion": Variable("emotion", LEVELS, "sum"),
    "half": Variable("half", ("one", "two"), "sum"),
}
MAXIMAL = "rating ~ emotion*half + (emotion*half | participant) + (emotion | identity)"


def data_of(seed: int, *, interaction: float = 0.0) -> pd.DataFrame:
    """Slopes of emotion over participants; of half none; of the interaction if asked for."""
    rng = np.random.default_rng(seed)
    data = crossed(rng, participants=20, items=12)
    half = np.where(data.identity.str[1:].astype(int) < 6, "one", "two")
    own = dict(zip(data.participant.unique(), rng.normal(0, interaction, 20), strict=True))
    sign = np.where(half == "one", 1, -1) * np.where(data.emotion == "angry", 1, -1)
    return data.assign(half=half, rating=data.rating + sign * data.participant.map(own))


def reduction_of(data: pd.DataFrame, formula: str = MAXIMAL):
    def refit(smaller):
        return fit(smaller, data, VARIABLES)

    planned = parse(formula)
    return reduce(planned, refit(planned), refit)


def test_correlations_go_first_then_one_slope_at_a_time_until_nothing_is_singular():
    found = reduction_of(data_of(3))
    assert found.needed
    assert found.solved
    assert found.steps[1].change == "correlations of random effects dropped"
    assert " || participant)" in found.steps[1].formula.text
    assert all(step.trouble for step in found.steps[:-1])
    assert not found.steps[-1].trouble
    sizes = found.table.parameters.to_numpy()
    assert (np.diff(sizes) < 0).all()
    assert (np.diff(sizes[1:]) == -1).all()  # one slope, one variance
    assert all("(1 " in text or "emotion" in text for text in found.table.formula)


def test_the_interaction_goes_before_main_effects():
    found = reduction_of(data_of(3))
    changes = [step.change for step in found.steps[2:]]
    assert changes[0] == "slope of emotion:half over participant dropped"


def test_of_one_order_the_smallest_variance_goes():
    found = reduction_of(data_of(3, interaction=0.0))
    for before, after in zip(found.steps[1:], found.steps[2:], strict=False):
        assert before.fit is not None
        sd = before.fit.random[~before.fit.random.effect.isin(["", "(Intercept)"])]
        highest = sd[sd.effect.str.count(":") == sd.effect.str.count(":").max()]
        smallest = highest.loc[highest.sd.idxmin()]
        assert f"over {smallest.group} dropped" in after.change
        assert smallest.effect.replace("1", "") in after.change


def test_units_of_a_slope_do_not_decide_what_goes():
    rng = np.random.default_rng(2)
    data = crossed(rng, participants=16, items=8).assign(x=lambda d: rng.normal(size=len(d)))
    formula = parse("rating ~ x + emotion + (x + emotion || participant)")
    variables = {"emotion": VARIABLES["emotion"]}
    changes = []
    for unit in (1, 1e-4, 1e4):
        scaled = data.assign(x=data.x * unit)
        changes.append(next_formula(Step("", formula, fit(formula, scaled, variables)))[0])
    assert changes == ["slope of x over participant dropped"] * 3


def test_a_sound_model_is_left_as_planned():
    found = reduction_of(data_of(3), "rating ~ emotion + (1 | participant) + (1 | identity)")
    assert not found.needed
    assert found.planned is found.reduced


def test_the_same_data_give_the_same_path_whatever_the_order_of_rows():
    data = data_of(3)
    shuffled = data.sample(frac=1, random_state=5)
    assert reduction_of(data).table.formula.tolist() == (
        reduction_of(shuffled).table.formula.tolist()
    )


def test_intercepts_stay_even_if_they_are_singular():
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"participant": np.repeat([f"p{i}" for i in range(12)], 6),
                         "rating": rng.normal(5, 1, 72)})  # fmt: skip
    data.rating -= data.groupby("participant").rating.transform("mean")
    found = reduction_of(data, "rating ~ 1 + (1 | participant)")
    assert not found.solved
    assert not found.needed


def test_the_largest_change_is_in_standard_errors_of_the_planned_model():
    found = reduction_of(data_of(3))
    planned, reduced = found.planned, found.reduced
    assert planned is not None
    assert reduced is not None
    change = (reduced.fixed.estimate - planned.fixed.estimate) / planned.fixed.se
    term, largest = found.largest_change
    assert largest == pytest.approx(change[change.abs().idxmax()])
    assert term == planned.fixed.term[change.abs().idxmax()]
