"""The protocol: one YAML file that holds a whole study.

`Protocol` is the file, parsed and checked across its parts; `load` reads it safely and turns
every problem into one line: where, what was found, what is accepted, the nearest word.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from protocols.analysis_checks import check_analysis
from protocols.analysis_plan import AnalysisPlan
from protocols.conditions import Stimuli
from protocols.design import Design
from protocols.exclusions import AnswerRule, Exclusion, RepeatsRule, SameAnswerRule
from protocols.pages import Pages
from protocols.recruitment import Recruitment
from protocols.section import Name, Section, Words, fail, known
from protocols.simulation import ScaleAnswers, Simulation
from protocols.tasks import Task, questions_in, unique_ids

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

    @field_validator("simulation")
    @classmethod
    def _fits_sliders(cls, simulation: Simulation, info: ValidationInfo) -> Simulation:
        sliders = [task for task in info.data.get("tasks", ()) if task.type == "slider"]
        return simulation.with_sliders({task.id: task.high - task.low for task in sliders})

    @model_validator(mode="after")
    def _parts_fit_together(self) -> Protocol:
        _check_design(self)
        _check_pages(self)
        _check_exclusions(self)
        check_analysis(self)
        _check_simulation(self)
        return self

    @property
    def factors(self) -> list[str]:
        """Names of the factors, in order."""
        return list(self.stimuli.factors)

    @property
    def questions(self) -> dict[str, Any]:
        """Question id -> task, of the ratings (not of the questionnaire).

        An affect grid is two questions; see `protocols.tasks`.
        """
        return {task.id: task for task in questions_in(self.tasks)}


def _check_design(protocol: Protocol) -> None:
    for place, names in protocol.design.factors_named().items():
        may_be_identity = place in (("order", "max_run"), ("order", "min_distance"))
        allowed = [*protocol.factors, *([IDENTITY] if may_be_identity else [])]
        for name in names:
            known(name, allowed, "factor", "design", *place, name)
    for i, check in enumerate(protocol.design.attention):
        at = ("design", "attention", i)
        known(check.task, protocol.questions, "task", *at, "task")
        task = protocol.questions[check.task]
        if task.type in ("free-text", "checkboxes", "slider"):
            why = ", on which nobody hits one number" if task.type == "slider" else ""
            raise fail(f"needs a scale of points or a choice, not {task.type}{why}", *at, "task")
        top = len(task.options) if task.type == "forced-choice" else task.points
        if check.answer > top:
            raise fail(f"asks for {check.answer}; the task has 1…{top}", *at, "answer")
    if protocol.design.rotate and protocol.stimuli.identities.per_cell != "all":
        raise fail(
            "rotates identities over levels, so every identity must be made in every cell; leave "
            "out stimuli.identities.per_cell",
            "design",
            "rotate",
        )


def _check_pages(protocol: Protocol) -> None:
    examples = protocol.pages.familiarisation
    if examples:
        at = ("pages", "familiarisation")
        known(examples.factor, protocol.factors, "factor", *at, "factor")
        others = [name for name in protocol.factors if name != examples.factor]
        for name, level in examples.levels.items():
            known(name, others, "other factor", *at, "levels", name)
            known(level, protocol.stimuli.factors[name], f"level of {name}", *at, "levels", name)
    for i, task in enumerate(protocol.pages.questionnaire):
        for name in {task.id, *(question.id for question in questions_in([task]))}:
            if name in {*protocol.questions, *(asked.id for asked in protocol.tasks)}:
                raise fail(f"'{name}' is also a task; give it another id",
                           "pages", "questionnaire", i, "id")  # fmt: skip


def _check_exclusions(protocol: Protocol) -> None:
    questionnaire = {task.id: task for task in questions_in(protocol.pages.questionnaire)}
    seen: set[str] = set()
    for i, rule in enumerate(protocol.exclusions):
        at = ("exclusions", i)
        if rule.id in seen:
            raise fail(f"two rules are called '{rule.id}'; give each its own id", *at, "id")
        seen.add(rule.id)
        if isinstance(rule, AnswerRule):
            known(rule.question, questionnaire, "question of the questionnaire", *at, "question")
            task = questionnaire[rule.question]
            words = getattr(task, "options", getattr(task, "labels", ()))
            for label in rule.of if words else ():
                known(label, words, "answer", *at, "of")
        if isinstance(rule, SameAnswerRule):
            known(rule.task, protocol.questions, "task", *at, "task")
        if isinstance(rule, RepeatsRule):
            for name in rule.tolerance:
                known(name, protocol.questions, "task", *at, "tolerance", name)
            if protocol.design.repeats is None:
                raise fail("the design has no repeats; add design.repeats", *at)
            for task in protocol.tasks:
                if task.type == "slider" and task.id not in rule.tolerance:
                    raise fail(f"says nothing of {task.id}; nobody gives the same number on a "
                               "slider twice: say how far answers may lie apart",
                               *at, "tolerance")  # fmt: skip
        if rule.rule == "attention" and not protocol.design.attention:
            raise fail("the design has no attention checks; add design.attention", *at)


def _check_simulation(protocol: Protocol) -> None:
    for task, answers in protocol.simulation.tasks.items():
        at = ("simulation", "tasks", task)
        known(task, protocol.questions, "task", *at)
        for part in ("participant_slope_sd", "identity_slope_sd"):
            for name in getattr(answers, part):
                known(name, protocol.factors, "factor", *at, part, name)
        for i, effect in enumerate(answers.effects):
            for name, level in effect.when.items():
                place = (*at, "effects", i, "when", name)
                known(name, protocol.factors, "factor", *place)
                known(level, protocol.stimuli.factors[name], f"level of {name}", *place)
        _check_follows(protocol, task, answers, at)
        _check_ticks(protocol, task, answers, at)


def _check_follows(
    protocol: Protocol, task: str, answers: ScaleAnswers, at: tuple[str | int, ...]
) -> None:
    asked = protocol.questions[task]
    if answers.followed and asked.type != "forced-choice":
        raise fail(f"{task} is of type {asked.type}; only a forced choice follows factors",
                   *at, "follows" if answers.follows else "follows_when")  # fmt: skip
    for name in answers.follows:
        known(name, protocol.factors, "factor", *at, "follows", name)
    for i, one in enumerate(answers.follows_when):
        for name, level in one.when.items():
            place = (*at, "follows_when", i, "when", name)
            known(name, protocol.factors, "factor", *place)
            known(level, protocol.stimuli.factors[name], f"level of {name}", *place)
        for name in one.of:
            known(name, protocol.factors, "factor", *at, "follows_when", i, "of", name)
    for levels in protocol.stimuli.cells if answers.followed else ():
        if sum(answers.follows_at(levels).values()) > 1 + 1e-9:
            where = ", ".join(f"{name} = {level}" for name, level in levels.items())
            raise fail(f"probabilities add up to more than 1 at {where}",
                       *at, "follows_when" if answers.follows_when else "follows")  # fmt: skip


def _check_ticks(
    protocol: Protocol, task: str, answers: ScaleAnswers, at: tuple[str | int, ...]
) -> None:
    asked = protocol.questions[task]
    if answers.ticks and asked.type != "checkboxes":
        raise fail(f"{task} is of type {asked.type}; only checkboxes are ticked", *at, "ticks")
    for i, ticks in enumerate(answers.ticks):
        for name, level in ticks.when.items():
            place = (*at, "ticks", i, "when", name)
            known(name, protocol.factors, "factor", *place)
            known(level, protocol.stimuli.factors[name], f"level of {name}", *place)
        boxes = [option for option in asked.options if option != asked.exclusive]
        for option in ticks.of:
            known(option, boxes, "box that clears no others", *at, "ticks", i, "of")
