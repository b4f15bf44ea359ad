"""The protocol: one YAML file that holds a whole study.

`Protocol` is the file, parsed and checked across its parts; `load` reads it safely and turns
every problem into one line: where, what was found, what is accepted, the nearest word.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from protocols.analysis_plan import GROUPS, AnalysisPlan, MixedModel
from protocols.conditions import Stimuli
from protocols.design import Design
from protocols.exclusions import AnswerRule, Exclusion, RepeatsRule, SameAnswerRule
from protocols.pages import Pages
from protocols.recruitment import Recruitment
from protocols.section import Name, Section, Words, accepted, fail, nearest
from protocols.simulation import Simulation
from protocols.tasks import NUMERIC, FreeText, Task, unique_ids

IDENTITY = "identity"


class Protocol(Section):
    """A whole study. Every default there is stands in these classes and nowhere else.

    Attributes:
        mien: version of the format.
        name: short name, for folders and file names.
        seed: from it and a stimulus's id comes the seed of that stimulus; from it, the plan.
    """

    mien: Literal[1] = 1
    name: Name
    title: Words
    source: Words | None = None
    description: Words | None = None
    seed: int = Field(default=1, ge=0, lt=2**63)
    stimuli: Stimuli
    tasks: tuple[Task, ...] = Field(min_length=1)
    design: Design = Design()
    pages: Pages = Pages()
    recruitment: Recruitment = Recruitment()
    exclusions: tuple[Exclusion, ...] = ()
    analysis: AnalysisPlan = AnalysisPlan()
    simulation: Simulation = Simulation()

    _unique_tasks = field_validator("tasks")(unique_ids)

    @model_validator(mode="after")
    def _parts_fit_together(self) -> Protocol:
        _check_design(self)
        _check_pages(self)
        _check_exclusions(self)
        _check_analysis(self)
        _check_simulation(self)
        return self

    @property
    def factors(self) -> list[str]:
        """Names of the factors, in order."""
        return list(self.stimuli.factors)

    @property
    def questions(self) -> dict[str, Any]:
        """Task id -> task, of the ratings (not of the questionnaire)."""
        return {task.id: task for task in self.tasks}


def known(name: str, names: Iterable[str], where: str, what: str) -> None:
    """Refuse `name` unless it is one of `names`."""
    names = list(names)
    if name not in names:
        raise fail(f"{where}: unknown {what} '{name}'; {accepted(names)}{nearest(name, names)}")


def _check_design(protocol: Protocol) -> None:
    factors = protocol.factors
    for place, names in protocol.design.factors_named().items():
        may_be_identity = place in ("order.max_run", "order.min_distance")
        for name in names:
            known(name, [*factors, *([IDENTITY] if may_be_identity else [])],
                  f"design.{place}", "factor")  # fmt: skip
    for check in protocol.design.attention:
        known(check.task, protocol.questions, "design.attention", "task")
        task = protocol.questions[check.task]
        if isinstance(task, FreeText) or task.type == "checkboxes":
            raise fail(f"design.attention: {check.id} needs a scale or a choice, not {task.type}")
        top = len(task.options) if task.type == "forced-choice" else task.points
        if check.answer > top:
            raise fail(
                f"design.attention: {check.id} asks for {check.answer}; the task has 1…{top}"
            )
    if protocol.design.rotate and protocol.stimuli.identities.per_cell != "all":
        raise fail(
            "design.rotate: rotates identities over levels, so every identity must be made in "
            "every cell; leave out stimuli.identities.per_cell"
        )


def _check_pages(protocol: Protocol) -> None:
    if protocol.pages.familiarisation:
        known(protocol.pages.familiarisation.factor, protocol.factors,
              "pages.familiarisation.factor", "factor")  # fmt: skip
    clash = {task.id for task in protocol.pages.questionnaire} & set(protocol.questions)
    if clash:
        raise fail(f"pages.questionnaire: '{min(clash)}' is also a task; give it another id")


def _check_exclusions(protocol: Protocol) -> None:
    ids = [rule.id for rule in protocol.exclusions]
    if len(set(ids)) != len(ids):
        raise fail("exclusions: two rules share an id; give each its own")
    questionnaire = {task.id: task for task in protocol.pages.questionnaire}
    for rule in protocol.exclusions:
        where = f"exclusions.{rule.id}"
        if isinstance(rule, AnswerRule):
            known(rule.question, questionnaire, where, "question of the questionnaire")
            task = questionnaire[rule.question]
            words = getattr(task, "options", getattr(task, "labels", ()))
            for label in rule.of:
                if words:
                    known(label, words, where, "answer")
        if isinstance(rule, SameAnswerRule):
            known(rule.task, protocol.questions, where, "task")
        if isinstance(rule, RepeatsRule):
            for name in rule.tolerance:
                known(name, protocol.questions, f"{where}.tolerance", "task")
            if protocol.design.repeats is None:
                raise fail(f"{where}: the design has no repeats; add design.repeats")
        if rule.rule == "attention" and not protocol.design.attention:
            raise fail(f"{where}: the design has no attention checks; add design.attention")


def _check_analysis(protocol: Protocol) -> None:
    for model in protocol.analysis.models:
        _check_model(protocol, model)
    for figure in protocol.analysis.figures:
        known(figure.task, protocol.questions, "analysis.figures.task", "task")
        for name in filter(None, (figure.x, figure.colour)):
            known(name, protocol.factors, "analysis.figures", "factor")
    for other in protocol.analysis.beside:
        if other.by:
            known(other.by, protocol.factors, "analysis.beside.by", "factor")


def _check_model(protocol: Protocol, model: MixedModel) -> None:
    where = f"analysis.models.{model.id}"
    known(model.task, protocol.questions, f"{where}.formula", "task on the left side")
    if protocol.questions[model.task].type not in NUMERIC:
        raise fail(f"{where}.formula: {model.task} is no scale; a linear model needs numbers")
    for name in model.variables:
        known(name, [*protocol.factors, *GROUPS, "trial"], f"{where}.formula", "variable")
    for name in [*model.coding, *model.levels]:
        known(name, protocol.factors, where, "factor")
    for name, order in model.levels.items():
        if sorted(map(str, order)) != sorted(map(str, protocol.stimuli.factors[name])):
            raise fail(
                f"{where}.levels.{name}: found {list(order)}; name every level of "
                f"{list(protocol.stimuli.factors[name])} once"
            )
    for comparison in model.comparisons:
        for name in filter(None, (comparison.factor, comparison.at)):
            known(name, model.variables, f"{where}.comparisons", "factor of the formula")
            known(name, protocol.factors, f"{where}.comparisons", "factor")


def _check_simulation(protocol: Protocol) -> None:
    for task, answers in protocol.simulation.tasks.items():
        where = f"simulation.tasks.{task}"
        known(task, protocol.questions, "simulation.tasks", "task")
        slopes = [*answers.participant_slope_sd, *answers.identity_slope_sd, *answers.follows]
        for name in slopes:
            known(name, protocol.factors, where, "factor")
        if sum(answers.follows.values()) > 1:
            raise fail(f"{where}.follows: probabilities add up to more than 1")
        for effect in answers.effects:
            for name, level in effect.when.items():
                known(name, protocol.factors, f"{where}.effects", "factor")
                if level not in protocol.stimuli.factors[name]:
                    levels = protocol.stimuli.factors[name]
                    raise fail(
                        f"{where}.effects: {name} has no level {level!r}; {accepted(levels)}"
                        f"{nearest(level, levels)}"
                    )
