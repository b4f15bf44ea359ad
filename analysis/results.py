"""The models that a protocol declares, run on a sample: fits, comparisons, and what went wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from analysis.mixed.coding import DEFAULT
from analysis.mixed.columns import Variable, word, words
from analysis.mixed.comparisons import Family, compare
from analysis.mixed.fit import Fit, fit
from analysis.mixed.formula import parse
from analysis.problems import AnalysisError, Problem
from analysis.sample.exclude import Sample, task_ratings
from protocols.mixed_models import MixedModel
from protocols.protocol import Protocol

NUMBERS = ("trial",)  # every other variable that is no factor of the protocol names groups


@dataclass(frozen=True)
class ModelResult:
    """One declared model: its fit and comparisons, or why there is none (`failure`)."""

    model: MixedModel
    variables: dict[str, Variable]
    fit: Fit | None = None
    families: tuple[Family, ...] = ()
    failure: str = ""

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What a reader should know about the fit."""
        return self.fit.problems if self.fit else ()


def run(model: MixedModel, protocol: Protocol, sample: Sample) -> ModelResult:
    """Fit a declared model and make its comparisons; a model that cannot be fitted says why."""
    data = task_ratings(sample, model.task, protocol.factors)
    formula = parse(model.formula)
    variables = {
        name: variable(name, model, protocol, data) for name in formula.variables if name in data
    }
    try:
        fitted = fit(formula, data, variables, reml=model.reml)
        levels = {name: ordered_levels(name, protocol, model) for name in protocol.factors}
        families = tuple(compare(fitted, asked, levels) for asked in model.comparisons)
    except AnalysisError as error:
        return ModelResult(model, variables, failure=str(error))
    return ModelResult(model, variables, fitted, families)


def variable(name: str, model: MixedModel, protocol: Protocol, data: pd.DataFrame) -> Variable:
    """How a variable of a model counts.

    A factor of the protocol is a number if its levels are and the model gives it no coding;
    `trial` is a number; participant, identity, stimulus and list are factors of what is found.
    """
    if name in protocol.stimuli.factors:
        if protocol.stimuli.numeric(name) and name not in model.coding:
            return Variable(name)
        levels = tuple(word(level) for level in ordered_levels(name, protocol, model))
        return Variable(name, levels, model.coding.get(name, DEFAULT))
    if name in NUMBERS:
        return Variable(name)
    return Variable(name, tuple(words(pd.Series(sorted(data[name].dropna().unique())))))


def ordered_levels(
    name: str, protocol: Protocol, model: MixedModel | None = None
) -> Sequence[str | int | float]:
    """The levels of a factor, in the model's order if it states one, else the protocol's."""
    stated = model.levels.get(name) if model else None
    return stated or protocol.stimuli.factors[name]
