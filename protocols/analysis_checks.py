"""Checks of the declared analysis against the rest of its protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING

from protocols.analysis_plan import AnalysisPlan, Figure, Published
from protocols.emotions import matching_options, option_for
from protocols.mixed_models import GROUPS, WORD, MixedModel
from protocols.scales import NUMERIC, WITH_POINTS
from protocols.section import fail, known

if TYPE_CHECKING:
    from protocols.protocol import Protocol

At = tuple[str | int, ...]
CHOICE, BOXES = "forced-choice", "checkboxes"
SHOWS = {
    "means": NUMERIC,
    "histogram": NUMERIC,
    "counts": (CHOICE, BOXES),
    "confusion": (CHOICE,),
}  # kind of figure -> types of task


def check_analysis(protocol: Protocol) -> None:
    """Every name in the analysis is that of a task or factor of the right kind."""
    plan = protocol.analysis
    for i, model in enumerate(plan.models):
        _check_model(protocol, model, ("analysis", "models", i))
    for i, figure in enumerate(plan.figures):
        _check_figure(protocol, figure, ("analysis", "figures", i))
    _check_steps(protocol, plan)


def _check_figure(protocol: Protocol, figure: Figure, at: At) -> None:
    _task(protocol, figure.task, SHOWS[figure.kind], f"a figure of kind {figure.kind}", at)
    for part, name in (("x", figure.x), ("colour", figure.colour)):
        if name:
            known(name, protocol.factors, "factor", *at, part)


def _check_steps(protocol: Protocol, plan: AnalysisPlan) -> None:
    factors = protocol.factors
    for i, step in enumerate(plan.modality):
        at: At = ("analysis", "modality", i)
        _task(protocol, step.task, (CHOICE,), "modality", at)
        known(step.visual, factors, "factor", *at, "visual")
        known(step.audio, factors, "factor", *at, "audio")
        for part in ("visual", "audio"):
            _check_options(protocol, step.task, getattr(step, part), (*at, part))
    for i, paired in enumerate(plan.paired):
        at = ("analysis", "paired", i)
        _task(protocol, paired.task, NUMERIC, "a signed-rank test", at)
        known(paired.factor, factors, "factor", *at, "factor")
    for i, value in enumerate(plan.published):
        _check_published(protocol, value, ("analysis", "published", i))
    for i, other in enumerate(plan.beside):
        at = ("analysis", "beside", i)
        known(other.by, factors, "factor", *at, "by")
        if len(protocol.stimuli.factors[other.by]) != 2:
            raise fail("needs a factor with two levels", *at, "by")
        if other.at is not None:
            known(other.at, [f for f in factors if f != other.by], "factor", *at, "at")
        if other.task is not None:
            _task(protocol, other.task, NUMERIC, "a comparison between studies", at)
    for i, judged in enumerate(plan.human_model):
        at = ("analysis", "human_model", i)
        _task(protocol, judged.task, (*NUMERIC, CHOICE), "people beside a model", at)
        for name in judged.by:
            known(name, factors, "factor", *at, "by")


def _check_published(protocol: Protocol, value: Published, at: At) -> None:
    factors = protocol.stimuli.factors
    for name, level in value.where.items():
        known(name, factors, "factor", *at, "where", name)
        known(level, factors[name], f"level of {name}", *at, "where", name)
    if value.matches is None:
        _task(protocol, value.task, NUMERIC, "a published mean", at)
        return
    _task(protocol, value.task, (CHOICE,), "a published share", at)
    for part in ("matches", "differs_from"):
        name = getattr(value, part)
        if name is not None:
            known(name, factors, "factor", *at, part)
            _check_options(protocol, value.task, name, (*at, part))
    if value.either and not protocol.questions[value.task].second_choice:
        raise fail(f"{value.task} asks for one label; leave out either", *at, "either")


def _task(protocol: Protocol, name: str, types: tuple[str, ...], what: str, at: At) -> None:
    known(name, protocol.questions, "task", *at, "task")
    found = protocol.questions[name].type
    if found not in types:
        raise fail(f"{name} is of type {found}; {what} takes {', '.join(types)}", *at, "task")


def _check_model(protocol: Protocol, model: MixedModel, at: At) -> None:
    known(model.task, protocol.questions, "task on the left side", *at, "formula")
    task = protocol.questions[model.task]
    if model.family == "binomial" and task.type != CHOICE:
        raise fail(f"{model.task} is no forced choice; a binomial model needs one", *at, "family")
    if model.family != "binomial" and task.type not in NUMERIC:
        raise fail(f"{model.task} is no scale; a {model.family} model needs numbers; for a "
                   "forced choice: family: binomial", *at, "formula")  # fmt: skip
    if model.family == "ordinal" and task.type not in WITH_POINTS:
        raise fail(f"{model.task} is a {task.type}; an ordinal model needs a scale of points; "
                   "leave out family", *at, "family")  # fmt: skip
    for place, formula in (("formula", model.formula), *(
        ("likelihood_ratio", simpler) for simpler in model.likelihood_ratio
    )):  # fmt: skip
        for name in WORD.findall(formula.split("~")[1]):
            known(name, [*protocol.factors, *GROUPS, "trial"], "variable", *at, place)
    _check_codings(protocol, model, at)
    _check_success(protocol, model, at)
    for i, comparison in enumerate(model.comparisons):
        for name in filter(None, (comparison.factor, comparison.at)):
            known(name, [f for f in protocol.factors if f in model.variables],
                  "factor of the formula", *at, "comparisons", i)  # fmt: skip


def _check_codings(protocol: Protocol, model: MixedModel, at: At) -> None:
    factors = protocol.stimuli.factors
    for name in model.coding:
        known(name, factors, "factor", *at, "coding", name)
    for name, hypotheses in model.hypotheses.items():
        known(name, factors, "factor", *at, "hypotheses", name)
        for label, weights in hypotheses.items():
            place = (*at, "hypotheses", name, label)
            for level in weights:
                known(str(level), [str(v) for v in factors[name]], f"level of {name}", *place)
            if abs(sum(weights.values())) > 1e-9:
                raise fail("the weights of a hypothesis must add up to 0", *place)
    for name, order in model.levels.items():
        known(name, factors, "factor", *at, "levels", name)
        if sorted(map(str, order)) != sorted(map(str, factors[name])):
            raise fail(f"found {list(order)}; name every level of {list(factors[name])} once",
                       *at, "levels", name)  # fmt: skip
    for name, kept in model.where.items():
        known(name, factors, "factor", *at, "where", name)
        for level in kept:
            known(level, factors[name], f"level of {name}", *at, "where", name)


def _check_success(protocol: Protocol, model: MixedModel, at: At) -> None:
    if model.success is None:
        return
    at = (*at, "success")
    for label in model.success.labels:
        known(label, protocol.questions[model.task].options, "option", *at, "labels")
    for part in ("matches", "against"):
        name = getattr(model.success, part)
        if name:
            known(name, protocol.factors, "factor", *at, part)
            _check_options(protocol, model.task, name, (*at, part))


def _check_options(protocol: Protocol, task: str, factor: str, at: At) -> None:
    """Every level of the factor has an option of its own."""
    levels, options = protocol.stimuli.factors[factor], protocol.questions[task].options
    if matching_options(levels, options):
        return
    missing = next((level for level in levels if option_for(level, options) is None), None)
    what = "two levels mean the same" if missing is None else f"none means '{missing}'"
    raise fail(f"every level of {factor} needs an option of {task} of its own; {what}; "
               f"options: {', '.join(options)}", *at)  # fmt: skip
