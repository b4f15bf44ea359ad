"""The tests that a protocol declares, on one (simulated) data set.

A test is named by its model, its kind and its label:

============ ============================================ ==========================
kind         significant when                             label
============ ============================================ ==========================
coefficient  p < .05                                      as R names the coefficient
comparison   p < .05, corrected as declared               happy - angry at m = 0.5
equivalence  p < .05 (two one-sided tests), as declared   … within 0.5
============ ============================================ ==========================

A binomial model without effects, of one thing named rather than another, has one test: whether one
is named more often. Estimates are in points of the scale, or in logits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import pandas as pd

from analysis.mixed.columns import word, words
from analysis.mixed.comparisons import Family, compare
from analysis.mixed.fit import Fit
from analysis.mixed.formula import Formula, parse
from analysis.mixed.general import GeneralFit
from analysis.mixed.reduction import reduce
from analysis.power.middle import closest
from analysis.power.source import Prepared
from analysis.problems import AnalysisError
from analysis.results import fitter, ordered_levels, variable
from protocols.mixed_models import MixedModel
from protocols.protocol import Protocol
from protocols.section import nearest

ALPHA = 0.05
COEFFICIENT, COMPARISON, EQUIVALENCE = "coefficient", "comparison", "equivalence"
POINTS, LOGITS = "points", "logits"
DIGITS = 9  # of assumed values; what is smaller is rounding
INTERCEPT = "(Intercept)"  # whether a mean differs from 0 is no question of any scale


@dataclass(frozen=True)
class Tested:
    """One test on one data set.

    Attributes:
        correction: how p is corrected, in words.
        bound: of an equivalence test (points or logits), else None.
        unit: of the estimate.
    """

    model: str
    kind: str
    label: str
    estimate: float
    p: float
    correction: str = "uncorrected"
    bound: float | None = None
    unit: str = POINTS

    @property
    def key(self) -> tuple[str, str, str]:
        """What names the test."""
        return self.model, self.kind, self.label


def models_of(protocol: Protocol) -> list[MixedModel]:
    """The models whose power is simulated.

    Raises:
        AnalysisError: there is none.
    """
    if not protocol.analysis.models:
        raise AnalysisError(
            f"the protocol {protocol.name} declares no mixed model, so there is nothing whose "
            "power could be simulated; add one under analysis.models"
        )
    return list(protocol.analysis.models)


def only(protocol: Protocol, names: Sequence[str]) -> Protocol:
    """The protocol with these models alone.

    Raises:
        AnalysisError: a model is not declared.
    """
    declared = {model.id: model for model in models_of(protocol)}
    for name in names:
        if name not in declared:
            hint = f"accepted: {', '.join(declared)}{nearest(name, declared)}"
            raise AnalysisError(f"--model: '{name}' is no model of the protocol; {hint}")
    kept = tuple(model for name, model in declared.items() if name in names)
    analysis = protocol.analysis.model_copy(update={"models": kept})
    return protocol.model_copy(update={"analysis": analysis})


def rows_of(model: MixedModel, trials: pd.DataFrame) -> pd.DataFrame:
    """The trials that enter a model (`where`)."""
    for factor, levels in model.where.items():
        trials = trials[words(trials[factor]).isin([word(level) for level in levels])]
    return trials.reset_index(drop=True)


def fit_planned(
    protocol: Protocol, model: MixedModel, trials: pd.DataFrame, answers: np.ndarray
) -> Fit | GeneralFit:
    """The planned model, fitted to `answers` (n,) to `trials`; raises AnalysisError."""
    return _refit(protocol, model, trials, answers)(parse(model.formula))


def analyse(
    protocol: Protocol, model: MixedModel, trials: pd.DataFrame, answers: np.ndarray
) -> tuple[Fit | GeneralFit, Fit | GeneralFit]:
    """The planned model, and the one that is used: the same, or its reduction if declared so.

    Raises:
        AnalysisError: the planned model cannot be fitted.
    """
    refit, formula = _refit(protocol, model, trials, answers), parse(model.formula)
    planned = refit(formula)
    if model.when_singular == "keep":
        return planned, planned
    return planned, reduce(formula, planned, refit).reduced or planned


def _refit(
    protocol: Protocol, model: MixedModel, trials: pd.DataFrame, answers: np.ndarray
) -> Callable[[Formula], Any]:
    data = trials.assign(**{model.task: answers}).dropna(subset=[model.task])
    named = [name for name in parse(model.formula).variables if name in data]
    return fitter(model, data, {name: variable(name, model, protocol, data) for name in named})


def tests_of(protocol: Protocol, model: MixedModel, fitted: Fit | GeneralFit) -> list[Tested]:
    """Every coefficient and declared comparison of a fitted model."""
    found = [
        Tested(model.id, COEFFICIENT, name, row["estimate"], row["p"])
        for row in fitted.fixed.to_dict("records")
        if (name := _coefficient(str(row["term"]), model))
    ]
    levels = {name: ordered_levels(name, protocol, model) for name in protocol.factors}
    for asked in model.comparisons:
        found += _of_family(model.id, compare(cast("Any", fitted), asked, levels))
    unit = POINTS if model.family == "gaussian" else LOGITS
    return [replace(test, unit=unit) for test in _told_apart(found)]


def _coefficient(term: str, model: MixedModel) -> str:
    """What a coefficient is called; nothing if it is no question."""
    if term != INTERCEPT:
        return term
    success = model.success
    alone = not parse(model.formula).fixed_variables
    return f"{success.matches} rather than {success.against}" if (
        alone and success and success.against) else ""  # fmt: skip


def assumed_values(
    protocol: Protocol,
    model: MixedModel,
    fitted: Fit | GeneralFit,
    prepared: Prepared,
    trials: pd.DataFrame,
) -> dict[tuple[str, str, str], float]:
    """(model, kind, label) of each test -> its true value under the assumptions.

    The coefficients are those that reproduce what is expected on all trials best, by least squares
    or, of a binomial or ordinal model, by likelihood (`analysis.power.middle`). They are put into
    the comparisons in place of the estimates of `fitted`, a fit to answers to the same trials.
    """
    if isinstance(fitted, GeneralFit):
        x = fitted.design.rows(trials)
        truth = closest(x, prepared.expected, ordinal=fitted.family == "ordinal")
    else:
        truth = np.linalg.lstsq(fitted.design.x, prepared.expected, rcond=None)[0]
    return {
        test.key: round(test.estimate, DIGITS)
        for test in tests_of(protocol, model, replace(fitted, beta=truth))
    }


def _of_family(model: str, family: Family) -> list[Tested]:
    asked, found = family.comparison, []
    how = _correction(asked.adjust, len(family.table))
    for row in family.table.to_dict("records"):
        where = f" at {asked.at} = {row['at']}" if asked.at else ""
        label = f"{row['later']} - {row['earlier']}{where}"
        found.append(Tested(model, COMPARISON, label, row["estimate"], row["p_adjusted"], how))
        if asked.equivalence is not None:
            bound = asked.equivalence
            within = f"{label} within {bound:g}"
            found.append(
                Tested(model, EQUIVALENCE, within, row["estimate"], row["p_equivalence"],
                       "two one-sided tests", bound)
            )  # fmt: skip
    return found


def _correction(adjust: str, comparisons: int) -> str:
    if adjust == "none" or comparisons == 1:
        return "uncorrected"
    return f"{adjust.capitalize()}-corrected over {comparisons} comparisons"


def _told_apart(found: list[Tested]) -> list[Tested]:
    """Labels that stand twice (the same comparison in two families) get a number."""
    seen: Counter[tuple[str, str]] = Counter()
    out = []
    for test in found:
        key = (test.kind, test.label)
        seen[key] += 1
        label = f"{test.label} ({seen[key]})" if seen[key] > 1 else test.label
        out.append(replace(test, label=label))
    return out
