"""The analysis, declared before data come in: models, contrasts, comparisons, figures."""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from protocols.section import Name, Section, Words, fail

Coding = Literal["sliding-difference", "treatment", "sum", "helmert"]
WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
FORMULA = re.compile(r"^[A-Za-z0-9_.~+*:/|() \-]+$")
GROUPS = ("participant", "identity", "stimulus_id", "list")


class Comparison(Section):
    """Differences between the levels of `factor`, at each level of `at`, from a model.

    `equivalence` (points of the scale): also test whether the difference is smaller than this
    (two one-sided tests). `adjust`: correction over the comparisons of this family.
    """

    factor: str
    at: str | None = None
    adjust: Literal["holm", "none"] = "holm"
    equivalence: float | None = Field(default=None, gt=0)


class MixedModel(Section):
    """A linear mixed-effects model, in lme4's notation.

    Attributes:
        formula: the task on the left side, whose answers are the response; effects on the right.
        coding: factor -> contrast coding. A factor whose levels are numbers counts as numeric
            unless it stands here.
        levels: factor -> order of its levels, if not the order of `stimuli.factors`.
        reml: restricted maximum likelihood (else maximum likelihood).
    """

    id: Name
    title: Words | None = None
    formula: Words
    coding: dict[str, Coding] = {}
    levels: dict[str, tuple[str | int | float, ...]] = {}
    reml: bool = True
    comparisons: tuple[Comparison, ...] = ()

    @field_validator("formula")
    @classmethod
    def _looks_like_lme4(cls, formula: str) -> str:
        if not FORMULA.match(formula):
            wrong = next(c for c in formula if not FORMULA.match(c))
            raise fail(f"{wrong!r} cannot stand in a formula; write it as in lme4")
        if formula.count("~") != 1:
            raise fail("accepted: RATING ~ fixed effects + (slopes | group)")
        if formula.count("(") != formula.count(")"):
            raise fail("a bracket is not closed")
        if "|" not in formula:
            raise fail(
                "no random effect such as (1 | participant); ratings of one participant "
                "belong together"
            )
        return formula

    @property
    def task(self) -> str:
        """The task whose answers are modelled: the formula's left side."""
        return self.formula.split("~")[0].strip()

    @property
    def variables(self) -> list[str]:
        """Every name on the right side, in order."""
        return list(dict.fromkeys(WORD.findall(self.formula.split("~")[1])))


class Figure(Section):
    """Mean rating by the levels of `x`, one colour per level of `colour`; dots: participants."""

    task: Name
    x: str
    colour: str | None = None


class HumanModel(Section):
    """Ratings beside those of another study, or beside a machine's prediction.

    `study`: name of the other study. This version declares the comparison and the report names it
    as planned but not run.
    """

    study: Words
    by: str | None = None


class AnalysisPlan(Section):
    """Every model, figure and comparison that the report will hold."""

    models: tuple[MixedModel, ...] = ()
    figures: tuple[Figure, ...] = ()
    beside: tuple[HumanModel, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _a_mapping(cls, data: Any) -> Any:
        return {} if data is None else data

    @field_validator("models")
    @classmethod
    def _unique(cls, models: tuple[MixedModel, ...]) -> tuple[MixedModel, ...]:
        ids = [model.id for model in models]
        if len(set(ids)) != len(ids):
            raise fail("two models share an id; give each its own")
        return models
