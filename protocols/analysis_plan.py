"""The analysis, declared before data come in: models, named steps and figures."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from protocols.mixed_models import MixedModel
from protocols.section import Name, Section, Words, fail


class Figure(Section):
    """One figure of a task, one colour per level of `colour`.

    `kind`: means of ratings by the levels of `x`, with a dot for each participant (Blume et al.
    2024, fig. 8 and 9); histogram of a scale (Eskimez et al. 2021, fig. 6); counts of the chosen
    options (fig. 7); confusion of the chosen options with the levels of `x` (fig. 8).
    """

    task: Name
    kind: Literal["means", "histogram", "counts", "confusion"] = "means"
    x: str | None = None
    colour: str | None = None

    @model_validator(mode="after")
    def _axes(self) -> Figure:
        if (self.x is None) == (self.kind in ("means", "confusion")):
            needs = "needs x, a factor" if self.x is None else "takes colour, and no x"
            raise fail(f"a figure of kind {self.kind} {needs}", "x")
        if self.colour and self.kind == "confusion":
            raise fail("a confusion matrix has no colour; give the factor as x", "colour")
        return self


class Modality(Section):
    """Do people go by the face or by the voice? (Eskimez et al. 2021, IV-D, task 2).

    Shares of answers to the forced choice `task` that match the emotion of the face (`visual`) and
    of the voice (`audio`), in all stimuli and in those where both differ; with a second choice
    also of both answers together.
    """

    task: Name
    visual: str
    audio: str


class Paired(Section):
    """Wilcoxon signed-rank tests between the levels of `factor` (Eskimez et al. 2021, IV-D).

    `unit`: what is paired, the means of participants or of identities.
    """

    task: Name
    factor: str
    unit: Literal["participant", "identity"] = "participant"
    adjust: Literal["holm", "none"] = "holm"


class Published(Section):
    """A value from the paper that a study repeats; the report sets it beside the study's own.

    Attributes:
        task: a scale, whose mean it is; or, with `matches`, a forced choice.
        value: points of the scale, or a share of answers (0…1).
        matches: the share of answers that name the level of this factor.
        differs_from: only of stimuli whose level of `matches` is not that of this other factor.
        either: an answer with two labels counts if either names it.
        where: factor -> its only level that counts.
    """

    task: Name
    value: float
    matches: str | None = None
    differs_from: str | None = None
    either: bool = False
    where: dict[str, str | int | float] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _a_share_or_a_mean(self) -> Published:
        if self.matches is None and (self.differs_from is not None or self.either):
            raise fail("differs_from and either belong to a share; add matches", "matches")
        if self.matches is not None and not 0 <= self.value <= 1:
            raise fail(f"found {self.value:g}; a share lies between 0 and 1", "value")
        return self


class BesideStudy(Section):
    """The effect of `by` here beside its effect in another study (Blume et al. 2024, 7.4).

    One model per level of `at` (a factor that only this study has): rating ~ by × study, with
    random slopes of `by` over participants and identities. The interaction says whether the effects
    differ; `equivalence` (points) adds two one-sided tests, as a difference that is "not
    significant" is not equality.

    Attributes:
        study: name of the other study; its folder stands beside this one.
        task: of both studies; default: the first scale that both have.
        by: factor of both studies, with the same two levels.
        at: factor of this study; default: the only one that the other study lacks, if any.
    """

    study: Words
    by: str
    task: Name | None = None
    at: str | None = None
    adjust: Literal["holm", "none"] = "holm"
    equivalence: float | None = Field(default=None, gt=0)


class HumanModel(Section):
    """People beside a model that answered the same task (rows of ratings with source `model`).

    Attributes:
        task: the task that both answered.
        by: factors whose effects are compared between kinds of rater; default: every factor.
        equivalence: bound (points of the scale) within which the mean difference counts as none;
            also the largest distance at which a stimulus counts as agreed upon.
    """

    task: Name
    by: tuple[str, ...] = ()
    equivalence: float | None = Field(default=None, gt=0)


class AnalysisPlan(Section):
    """Every model, step and figure that the report will hold."""

    models: tuple[MixedModel, ...] = ()
    modality: tuple[Modality, ...] = ()
    paired: tuple[Paired, ...] = ()
    published: tuple[Published, ...] = ()
    beside: tuple[BesideStudy, ...] = ()
    human_model: tuple[HumanModel, ...] = ()
    figures: tuple[Figure, ...] = ()

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
