"""Mixed-effects models of the answers, declared before data come in."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from protocols.section import Name, Section, Words, fail

Coding = Literal["sliding-difference", "treatment", "sum", "helmert", "polynomial"]
Weights = dict[str | int | float, float]  # level -> weight in a hypothesis
Hypotheses = Annotated[dict[Name, Weights], Field(min_length=1)]  # name of a coefficient -> weights
Family = Literal["gaussian", "binomial", "ordinal"]
WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
FORMULA = re.compile(r"^[A-Za-z0-9_.~+*:/|() \-]+$")
GROUPS = ("participant", "identity", "stimulus_id", "list")


class Comparison(Section):
    """Differences between the levels of `factor`, at each level of `at`, from a model.

    `equivalence` (points of the scale): also test whether the difference is smaller than this
    (two one-sided tests). `adjust`: correction over the comparisons of this family; `tukey` where
    all pairs are compared.
    """

    factor: str
    at: str | None = None
    adjust: Literal["holm", "tukey", "none"] = "holm"
    equivalence: float | None = Field(default=None, gt=0)


class Success(Section):
    """Which answers of a forced choice a binomial model counts as 1.

    Attributes:
        labels: these options.
        matches: the option that means the level of this factor.
        against: only with `matches`: answers that mean the level of `against` count as 0, and all
            others are left out (as are stimuli where both factors agree): the weight of one
            modality against the other.
    """

    labels: tuple[str, ...] = ()
    matches: str | None = None
    against: str | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Success:
        if bool(self.labels) == bool(self.matches):
            raise fail("give either labels or matches")
        if self.against and not self.matches:
            raise fail("needs matches: the factor whose level counts as 1", "against")
        return self


class MixedModel(Section):
    """A mixed-effects model, in lme4's notation.

    Attributes:
        formula: the task on the left side, whose answers are the response; effects on the right.
        family: gaussian (a scale), binomial (a choice, see `success`), ordinal (a scale whose
            points need not be equally far apart: cumulative logits).
        success: what counts as 1 in a binomial model.
        coding: factor -> contrast coding. A factor whose levels are numbers counts as numeric
            unless it stands here or under `hypotheses`.
        hypotheses: factor -> named hypotheses instead, each with a weight per level.
        levels: factor -> order of its levels, if not the order of `stimuli.factors`.
        where: factor -> levels; only ratings of these enter.
        reml: restricted maximum likelihood (else maximum likelihood).
        df: degrees of freedom of t and F tests.
        likelihood_ratio: simpler formulas that the model is tested against (by maximum likelihood).
        when_singular: keep the planned random effects, or use the largest reduction of them that
            is not singular. Both are reported.
    """

    id: Name
    title: Words | None = None
    formula: Words
    family: Family = "gaussian"
    success: Success | None = None
    coding: dict[str, Coding] = {}
    hypotheses: dict[str, Hypotheses] = {}
    levels: dict[str, tuple[str | int | float, ...]] = {}
    where: dict[str, tuple[str | int | float, ...]] = {}
    reml: bool = True
    df: Literal["satterthwaite", "kenward-roger"] = "satterthwaite"
    likelihood_ratio: tuple[Words, ...] = ()
    when_singular: Literal["keep", "reduce"] = "keep"
    comparisons: tuple[Comparison, ...] = ()

    @field_validator("formula", "likelihood_ratio")
    @classmethod
    def _looks_like_lme4(cls, formulas: str | tuple[str, ...]) -> str | tuple[str, ...]:
        for formula in (formulas,) if isinstance(formulas, str) else formulas:
            _check_formula(formula)
        return formulas

    @model_validator(mode="after")
    def _fits_together(self) -> MixedModel:
        if (self.family == "binomial") != (self.success is not None):
            raise fail("success belongs to a binomial model, and only to one", "success")
        for factor in self.hypotheses:
            if factor in self.coding:
                raise fail(f"{factor} has a coding too; give one of the two", "hypotheses", factor)
        if self.df == "kenward-roger" and not (self.reml and self.family == "gaussian"):
            raise fail("kenward-roger needs a gaussian model and reml: true", "df")
        for formula in self.likelihood_ratio:
            if formula.split("~")[0].strip() != self.task:
                raise fail(f"needs {self.task} on the left side too", "likelihood_ratio")
        return self

    @property
    def task(self) -> str:
        """The task whose answers are modelled: the formula's left side."""
        return self.formula.split("~")[0].strip()

    @property
    def variables(self) -> list[str]:
        """Every name on the right side of the formula, in order."""
        return list(dict.fromkeys(WORD.findall(self.formula.split("~")[1])))


def _check_formula(formula: str) -> None:
    if not FORMULA.match(formula):
        wrong = next(c for c in formula if not FORMULA.match(c))
        raise fail(f"{wrong!r} cannot stand in a formula; write it as in lme4")
    if formula.count("~") != 1:
        raise fail("accepted: RATING ~ fixed effects + (slopes | group)")
    if formula.count("(") != formula.count(")"):
        raise fail("a bracket is not closed")
    if "|" not in formula:
        raise fail(
            "no random effect such as (1 | participant); ratings of one participant belong together"
        )
