"""Do conditions change a model's ratings as they change people's? Mixed models of the difference.

People are a sample: their levels and effects differ, and each rating has noise of its own. A model
is *one* rater that gives one answer per stimulus, mostly without noise. Nobody asks about other
models from which it was drawn, so its ratings are taken as they are. With rater kind as a factor,
one residual variance for both kinds would lend people's noise to the model and make its
differences look far less sure than they are. So every rating of a person is taken from the model's
rating of the same stimulus:

    model - rating ~ conditions + (conditions | participant) + (1 | stimulus_id)
                   + (conditions | identity)

The intercept is the effect of rater kind (model minus people), and the coefficient of a condition
its interaction with kind. Factors have sliding-difference coding, so that the intercept is the mean
over conditions. Participants carry people's variation; stimuli and identities what the model has
over people there: without it, one lucky stimulus would count as an effect. Tests generalise to
other people and stimuli, not to other models; several models are compared one by one. Slopes of a
factor whose levels are numbers are changes per unit; identities have slopes of a factor only where
they have several stimuli at each of its levels (else stimuli carry that variation).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.mixed.columns import Variable
from analysis.mixed.comparisons import joint_test
from analysis.mixed.fit import Estimate, Fit, fit
from analysis.problems import AnalysisError, Problem

DIFFERENCE, RATING = "difference", "rating"
MOST_CORRELATED = 3  # columns of one random term; with more, correlations are left out
FEWEST_IDENTITIES, FEWEST_PEOPLE = 5, 5
EXPECTED = ("SLOPES_EXPANDED",)  # the random part is built that way


@dataclass(frozen=True)
class Kinds:
    """People beside one model.

    Attributes:
        fit: mixed model of the model's rating minus a person's.
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
        machine: the same of the model, about the same stimuli; several ratings of one stimulus
            count as their mean.
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
    variables = {name: Variable(name, tuple(found), "sliding-difference")
                 for name, found in there.items() if len(found) > 1}  # fmt: skip
    data = people.assign(
        difference=people.stimulus_id.map(machine.groupby("stimulus_id").rating.mean())
        - people.rating
    )
    for name in variables:
        numbers = pd.to_numeric(data[name], errors="coerce")
        if len(variables[name].levels) > 2 and numbers.notna().all():
            data[f"{name}.number"] = numbers - numbers.mean()
    right = _right_side(data, variables)
    apart, own = (fit(f"{left} ~ {right}", data, variables) for left in (DIFFERENCE, RATING))
    unit = dict(zip(apart.design.names, np.eye(len(apart.design.names)), strict=True))
    effects, joint = [], {}
    for name, variable in variables.items():
        coded = variable.contrasts
        rows = [unit[f"{name}{label}"] for label in coded.names]
        effects += [
            {"factor": name, "contrast": meaning, **_effect(apart, own, row)}
            for meaning, row in zip(coded.meaning, rows, strict=True)
        ]
        joint[name] = joint_test(apart, np.array(rows))
    return Kinds(apart, apart.contrast(unit["(Intercept)"]), pd.DataFrame(effects), joint)


def _effect(apart: Fit, own: Fit, row: np.ndarray) -> dict[str, float]:
    """One effect in people and in the model, and the difference with its test."""
    people, found = own.contrast(row).value, apart.contrast(row)
    low, high = found.interval()
    return {
        "people": people, "model": people + found.value, "difference": found.value,
        "se": found.se, "df": found.df, "t": found.t, "p": found.p, "low": low, "high": high,
    }  # fmt: skip


def _right_side(data: pd.DataFrame, variables: Mapping[str, Variable]) -> str:
    """Conditions, and random effects of participants, stimuli and identities."""
    parts = [" + ".join(["1", *variables])]
    parts.append(_bar(data, variables, "participant", _varying(data, variables, "participant")))
    parts.append("(1 | stimulus_id)")
    if FEWEST_IDENTITIES <= data.identity.nunique() < data.stimulus_id.nunique():
        stimuli = data.drop_duplicates("stimulus_id")
        slopes = [
            name
            for name in _varying(stimuli, variables, "identity")
            if stimuli.groupby(["identity", name]).size().median() > 1
        ]
        parts.append(_bar(data, variables, "identity", slopes))
    return " + ".join(parts)


def _varying(data: pd.DataFrame, names: Mapping[str, Variable], group: str) -> list[str]:
    """Factors of which most members of the group have several levels."""
    return [name for name in names if data.groupby(group)[name].nunique().median() > 1]


def _bar(
    data: pd.DataFrame, variables: Mapping[str, Variable], group: str, slopes: Sequence[str]
) -> str:
    """Random intercepts and slopes of a group; correlated if there are few."""
    numbers = {name: f"{name}.number" in data for name in slopes}
    columns = 1 + sum(
        1 if number else len(variables[name].levels) - 1 for name, number in numbers.items()
    )
    shown = ["1", *(f"{name}.number" if number else name for name, number in numbers.items())]
    return f"({' + '.join(shown)} {'|' if columns <= MOST_CORRELATED else '||'} {group})"
