"""Do conditions change a model's ratings as they change people's? A mixed model of both.

People are a sample, and their levels and effects differ: participants have random intercepts and
slopes. A model is *one* rater. Nobody asks about other models from which it was drawn, so its
level and its effects are fixed: the factor `kind` (people, model) and its interactions with the
conditions; the random effects of participants are switched off in its rows. What the model has
over people at single stimuli (and identities) is random: without it, one lucky stimulus would
count as an effect. Several models are compared with people one by one.

    rating ~ kind × (conditions) + (people + people:conditions | participant)
           + (1 | stimulus_id) + (0 + machine | stimulus_id), and the same for identity

`people` and `machine` are 1 in the rows of that kind, else 0; the slope of a factor whose levels
are numbers is the change per unit. In the fixed part all factors have sliding-difference coding,
so that the coefficient of kind is the mean difference over conditions, model minus people.
Tests generalise over participants and stimuli.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.mixed.columns import Variable
from analysis.mixed.comparisons import joint_test
from analysis.mixed.fit import Estimate, Fit, fit
from analysis.problems import AnalysisError, Problem

PEOPLE, MODEL = "people", "model"
KIND = f"kind{MODEL}-{PEOPLE}"  # name of the coefficient of kind
MOST_CORRELATED = 3  # columns of one random term; with more, correlations are left out
FEWEST_IDENTITIES, FEWEST_PEOPLE = 5, 5
EXPECTED = ("SLOPE_NOT_WITHIN", "SLOPES_EXPANDED")  # the random part is built that way


@dataclass(frozen=True)
class Kinds:
    """The mixed model of people and one model.

    Attributes:
        fit: the fitted model.
        difference: mean rating of the model minus that of people, over conditions.
        effects: one row per contrast of a factor: factor, contrast, people, model (the effect in
            each), difference (model minus people), se, df, t, p, low, high.
        joint: factor -> F test that its effect is the same: F, its two df, p.
    """

    fit: Fit
    difference: Estimate
    effects: pd.DataFrame
    joint: Mapping[str, tuple[float, int, float, float]]

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What a reader should know about the fit."""
        return tuple(p for p in self.fit.problems if p.code not in EXPECTED)


def compare_kinds(
    people: pd.DataFrame, machine: pd.DataFrame, levels: Mapping[str, Sequence[str]]
) -> Kinds:
    """Fit the model.

    Args:
        people: participant, stimulus_id, identity, the factors and `rating`.
        machine: the same of the model, about the same stimuli.
        levels: factor -> its levels in order, as words; those that no stimulus has, and factors
            with one level, play no part.

    Raises:
        AnalysisError: the model cannot be fitted to these ratings.
    """
    if people.participant.nunique() < FEWEST_PEOPLE:
        raise AnalysisError(
            f"{people.participant.nunique()} of the people rated these stimuli; a mixed model that "
            f"generalises to other people needs {FEWEST_PEOPLE} or more",
            "TOO_FEW_RATINGS",
        )
    there = {name: [level for level in found if (people[name] == level).any()]
             for name, found in levels.items()}  # fmt: skip
    levels = {name: found for name, found in there.items() if len(found) > 1}
    within = [name for name in levels if people.groupby("participant")[name].nunique().max() > 1]
    data, slopes = _data(people, machine, levels, within)
    variables = {name: Variable(name, tuple(found), "sliding-difference")
                 for name, found in {**levels, "kind": (PEOPLE, MODEL)}.items()}  # fmt: skip
    fitted = fit(_formula(data, levels, slopes), data, variables)
    unit = dict(zip(fitted.design.names, np.eye(len(fitted.design.names)), strict=True))
    effects, joint = [], {}
    for name in levels:
        coded = variables[name].contrasts
        terms = [f"{name}{label}" for label in coded.names]
        apart = [unit[_interaction(unit, term)] for term in terms]
        effects += [
            {"factor": name, "contrast": meaning, **_effect(fitted, unit[term], difference)}
            for term, meaning, difference in zip(terms, coded.meaning, apart, strict=True)
        ]
        joint[name] = joint_test(fitted, np.array(apart))
    return Kinds(fitted, fitted.contrast(unit[KIND]), pd.DataFrame(effects), joint)


def _effect(fitted: Fit, mean: np.ndarray, apart: np.ndarray) -> dict[str, float]:
    """One effect in people and in the model, from its mean in both and its difference."""
    found = fitted.contrast(apart)
    low, high = found.interval()
    return {
        PEOPLE: fitted.contrast(mean - apart / 2).value,
        MODEL: fitted.contrast(mean + apart / 2).value,
        "difference": found.value, "se": found.se, "df": found.df, "t": found.t, "p": found.p,
        "low": low, "high": high,
    }  # fmt: skip


def _interaction(names: Iterable[str], column: str) -> str:
    return next(name for name in names if set(name.split(":")) == {KIND, column})


def _data(
    people: pd.DataFrame, machine: pd.DataFrame, levels: Mapping[str, Sequence[str]],
    within: Sequence[str],
) -> tuple[pd.DataFrame, dict[str, int]]:  # fmt: skip
    """Both kinds in one table, and participants' slopes: name -> number of columns.

    The slope of a factor whose levels are numbers is one column, the change per unit.
    """
    data = pd.concat(
        [people.assign(kind=PEOPLE, people=1.0, machine=0.0),
         machine.assign(kind=MODEL, people=0.0, machine=1.0)], ignore_index=True)  # fmt: skip
    slopes = {}
    for name in within:
        numbers = pd.to_numeric(data[name], errors="coerce")
        if len(levels[name]) > 2 and numbers.notna().all():
            data[f"{name}.number"] = numbers - numbers.mean()
            slopes[f"{name}.number"] = 1
        else:
            slopes[name] = len(levels[name]) - 1
    return data, slopes


def _formula(data: pd.DataFrame, factors: Iterable[str], slopes: Mapping[str, int]) -> str:
    bar = "|" if 1 + sum(slopes.values()) <= MOST_CORRELATED else "||"
    own = " + ".join(["people", *(f"people:{name}" for name in slopes)])
    parts = [
        f"kind*({' + '.join(factors)})" if factors else "kind",
        f"(0 + {own} {bar} participant)",
    ]
    groups = ["stimulus_id"]
    if FEWEST_IDENTITIES <= data.identity.nunique() < data.stimulus_id.nunique():
        groups.append("identity")
    for group in groups:
        parts += [f"(1 | {group})", f"(0 + machine | {group})"]
    return f"rating ~ {' + '.join(parts)}"
