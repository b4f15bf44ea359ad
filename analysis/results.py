"""The models that a protocol declares, run on a sample: fits, tests, and what went wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from analysis.choices.success import success_ratings
from analysis.mixed.coding import DEFAULT, HYPOTHESES
from analysis.mixed.columns import Variable, word, words
from analysis.mixed.comparisons import Family, compare
from analysis.mixed.fit import SATTERTHWAITE, Fit, fit
from analysis.mixed.formula import Formula, parse, with_bars
from analysis.mixed.general import GeneralFit, fit_general
from analysis.mixed.influence import Influence, influence
from analysis.mixed.likelihood_ratio import LikelihoodRatio, likelihood_ratios
from analysis.mixed.probabilities import marginal_probabilities
from analysis.mixed.proportional import slopes_at_cuts
from analysis.mixed.reduction import Reduction, reduce
from analysis.mixed.term_tests import term_tests
from analysis.mixed.variance import intraclass
from analysis.problems import AnalysisError, Problem
from analysis.sample.exclude import Sample, task_ratings
from protocols.mixed_models import MixedModel
from protocols.protocol import Protocol

NUMBERS = ("trial",)  # every other variable that is no factor of the protocol names groups
MOST_NAMED = 3  # influential levels that a caution names


@dataclass(frozen=True)
class ModelResult:
    """One declared model and all that is asked of it, or why there is none (`failure`).

    Attributes:
        model: as the protocol declares it.
        variables: how each variable counts.
        fit: the model of the report: the planned one, or its reduction; a `GeneralFit` if it is
            binomial or ordinal.
        families: declared comparisons.
        failure: why the model could not be fitted.
        terms: type III tests, one row per term (`analysis.mixed.term_tests`).
        likelihood_ratios: tests against simpler formulas.
        reduction: the way from the planned random effects to fewer ones; None if none was needed.
        influences: what single participants and items do to the fixed effects.
        icc: intraclass correlations; of the latent scale if the model is binomial or ordinal.
        skipped: grouping factors whose influence would have taken too long.
        probabilities: marginal probabilities (binomial models), one table per comparison, or one
            of all cells.
        cuts: slopes at each cut of the scale (ordinal models), `analysis.mixed.proportional`.
    """

    model: MixedModel
    variables: dict[str, Variable]
    fit: Fit | Any | None = None
    families: tuple[Family, ...] = ()
    failure: str = ""
    terms: pd.DataFrame | None = None
    likelihood_ratios: tuple[LikelihoodRatio, ...] = ()
    reduction: Reduction | None = None
    influences: tuple[Influence, ...] = ()
    icc: pd.DataFrame | None = None
    skipped: tuple[str, ...] = ()
    probabilities: tuple[pd.DataFrame, ...] = ()
    cuts: pd.DataFrame | None = None

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What a reader should know about the fit and its tests."""
        if self.fit is None:
            return ()
        found = list(self.fit.problems)
        if self.reduction and not self.reduction.solved:
            found.append(Problem("STILL_SINGULAR", "no step of the reduction was without trouble"))
        for test in self.likelihood_ratios:
            if test.failure:
                why = f"not tested against {test.formula}: {test.failure}"
                found.append(Problem("NOT_NESTED", why))
        for each in self.influences:
            found += _turning(each)
        return tuple(found)

    @property
    def is_reduced(self) -> bool:
        """Whether the report's model has fewer random effects than planned."""
        reduced = self.reduction.reduced if self.reduction else None
        return bool(self.fit and reduced and self.fit.design is reduced.design)


def _turning(found: Influence) -> list[Problem]:
    """Levels beyond the cutoff without which an effect would no longer, or newly, be significant.

    Near p = .05 anybody's absence turns a test; only who also stands out deserves a caution.
    """
    turning = found.table[(found.table.turned != "") & (found.table.cook > found.cutoff)]
    named = [
        f"{row.level} ({row.turned})" for row in turning.head(MOST_NAMED).itertuples(index=False)
    ]
    if not named:
        return []
    more = f" and {len(turning) - MOST_NAMED} more" if len(turning) > MOST_NAMED else ""
    text = f"without {found.group} {', '.join(named)}{more} a test would cross .05"
    return [Problem("INFLUENTIAL", text)]


def run(model: MixedModel, protocol: Protocol, sample: Sample) -> ModelResult:
    """Fit a declared model and make its tests; a model that cannot be fitted says why."""
    variables: dict[str, Variable] = {}
    try:
        data = model_ratings(model, protocol, sample)
        formula = parse(model.formula)
        named = {*formula.variables, *_of_simpler(model)}
        for name in filter(data.columns.__contains__, sorted(named)):
            variables[name] = variable(name, model, protocol, data)
        data = data.dropna(subset=[name for name in formula.variables if name in data])
        return _analyse(model, protocol, formula, data, variables)
    except AnalysisError as error:
        return ModelResult(model, variables, failure=str(error))


def _analyse(
    model: MixedModel,
    protocol: Protocol,
    formula: Formula,
    data: pd.DataFrame,
    variables: dict[str, Variable],
) -> ModelResult:
    """The planned model, its reduction if it needs one, and the tests of the one in use."""
    refit = fitter(model, data, variables)
    planned, reduction = _planned(model, formula, refit)
    used = planned
    if reduction and (model.when_singular == "reduce" or planned is None):
        used = reduction.reduced or planned
    assert used is not None
    levels = {name: ordered_levels(name, protocol, model) for name in protocol.factors}
    result = ModelResult(
        model,
        variables,
        used,
        tuple(compare(used, asked, levels) for asked in model.comparisons),
        terms=term_tests(used),
        likelihood_ratios=_likelihood_ratios(model, formula, used, refit),
        reduction=reduction,
    )
    if isinstance(used, GeneralFit):
        result = replace(result, **_beside_general(used, model, levels))
    found = {group: influence(used, group) for group in used.groups if len(used.beta)}
    return replace(
        result,
        influences=tuple(each for each in found.values() if each),
        skipped=tuple(group for group, each in found.items() if each is None),
        icc=intraclass(used),
    )


def _beside_general(
    fit: GeneralFit, model: MixedModel, levels: dict[str, Sequence[str | int | float]]
) -> dict[str, Any]:
    """Probabilities of a binomial model; slopes at the cuts of an ordinal one."""
    if fit.family == "ordinal":
        return {"cuts": slopes_at_cuts(fit)}
    asked = [[c.factor, *([c.at] if c.at else [])] for c in model.comparisons]
    inside = [name for name in fit.design.formula.fixed_variables if name in levels]
    wanted = list(dict.fromkeys(map(tuple, asked or [inside])))
    return {"probabilities": tuple(marginal_probabilities(fit, by, levels) for by in wanted)}


def _planned(
    model: MixedModel, formula: Formula, refit: Callable[..., Any]
) -> tuple[Any | None, Reduction | None]:
    """The planned model, and how its random part is reduced if that is called for."""
    try:
        planned = refit(formula)
    except AnalysisError as error:
        fewer = error.problem is not None and error.problem.code == "TOO_FEW_RATINGS"
        if not fewer or model.when_singular == "keep":
            raise
        reduction = reduce(formula, None, refit)
        if reduction.reduced is None:
            raise
        return None, reduction
    reduction = reduce(formula, planned, refit)
    return planned, reduction if reduction.needed else None


def _likelihood_ratios(
    model: MixedModel, formula: Formula, used: Any, refit: Callable[..., Any]
) -> tuple[LikelihoodRatio, ...]:
    """The declared tests; a simpler model with the planned random part gets the one in use."""
    if not model.likelihood_ratio:
        return ()
    bars = used.design.formula.bars
    whole = refit(used.design.formula, ml=True) if getattr(used, "reml", False) else used

    def simpler(text: str) -> Any:
        parsed = parse(text)
        return refit(with_bars(parsed, bars) if parsed.bars == formula.bars else parsed, ml=True)

    return likelihood_ratios(model.likelihood_ratio, whole, simpler)


def fitter(
    model: MixedModel, data: pd.DataFrame, variables: dict[str, Variable]
) -> Callable[..., Any]:
    """A function that fits any formula to the ratings of a model; `ml`: by maximum likelihood."""

    def refit(formula: Formula, *, ml: bool = False) -> Fit | Any:
        if model.family != "gaussian":
            return fit_general(formula, data, variables, family=model.family)
        df = SATTERTHWAITE if ml else model.df
        return fit(formula, data, variables, reml=model.reml and not ml, df=df)

    return refit


def model_ratings(model: MixedModel, protocol: Protocol, sample: Sample) -> pd.DataFrame:
    """The ratings that a model is fitted to: of its task, and of the levels in `where`.

    The response of a binomial model is 1 where the answer counts (`success`), else 0.
    """
    if model.family == "binomial":
        data = success_ratings(sample, protocol, model)
    else:
        data = task_ratings(sample, model.task, protocol.factors)
    for name, kept in model.where.items():
        data = data[words(data[name]).isin([word(level) for level in kept])]
    return data.reset_index(drop=True)


def _of_simpler(model: MixedModel) -> list[str]:
    return [name for text in model.likelihood_ratio for name in parse(text).variables]


def variable(name: str, model: MixedModel, protocol: Protocol, data: pd.DataFrame) -> Variable:
    """How a variable of a model counts.

    A factor of the protocol is a number if its levels are and the model gives it neither coding
    nor hypotheses; `trial` is a number; participant, identity, stimulus and list are factors of
    what is found.
    """
    if name in protocol.stimuli.factors:
        coded = name in model.coding or name in model.hypotheses
        if protocol.stimuli.numeric(name) and not coded:
            return Variable(name)
        levels = tuple(word(level) for level in ordered_levels(name, protocol, model))
        if name in model.hypotheses:
            return Variable(name, levels, HYPOTHESES, _weights(name, model, levels))
        return Variable(name, levels, model.coding.get(name, DEFAULT))
    if name in NUMBERS:
        return Variable(name)
    return Variable(name, tuple(words(pd.Series(sorted(data[name].dropna().unique())))))


def _weights(
    name: str, model: MixedModel, levels: Sequence[str]
) -> tuple[tuple[str, tuple[float, ...]], ...]:
    """Weights of every hypothesis in the order of the levels; 0 where none is given."""
    found = []
    for label, given in model.hypotheses[name].items():
        weights = {word(level): float(weight) for level, weight in given.items()}
        gone = [level for level, weight in weights.items() if weight and level not in levels]
        if gone:
            raise AnalysisError(
                f"the hypothesis {label} gives {name} = {gone[0]} a weight, but `where` leaves it "
                "out: give weights to levels that are analysed"
            )
        found.append((label, tuple(weights.get(level, 0.0) for level in levels)))
    return tuple(found)


def ordered_levels(
    name: str, protocol: Protocol, model: MixedModel | None = None
) -> Sequence[str | int | float]:
    """The levels of a factor that a model has, in its order if it states one."""
    stated = model.levels.get(name) if model else None
    levels = stated or protocol.stimuli.factors[name]
    kept = model.where.get(name) if model else None
    return levels if kept is None else [v for v in levels if word(v) in map(word, kept)]
