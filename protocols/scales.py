"""Scales: what people answer with a number.

The numbers that can be given lie `step` apart from `low` to `high`. The *place* of such a number
counts them from 1; on scales with points, place and number are the same.
"""

from __future__ import annotations

import math
from typing import Any, Literal

from pydantic import Field, model_validator

from protocols.section import Name, Section, Words, fail

AXES = ("-valence", "-arousal")  # suffixes of the question ids of an affect grid
LONGEST_GRID = 40 - max(map(len, AXES))  # characters of an affect grid's id
MOST_STEPS = 10_000  # of a slider
NUMERIC = ("likert", "labelled-rating", "slider", "affect-grid")
WITH_POINTS = ("likert", "labelled-rating", "affect-grid")  # each number is chosen often


class Asking(Section):
    """What every task has."""

    id: Name
    question: Words
    required: bool = True


class Points(Asking):
    """Points 1…k."""

    @property
    def low(self) -> float:
        """The lowest response."""
        return 1

    @property
    def high(self) -> float:
        """The highest response."""
        return self.points  # type: ignore[attr-defined]

    @property
    def step(self) -> float:
        """From one response to the next."""
        return 1

    @property
    def ends(self) -> tuple[str, str]:
        """The words at the lowest and at the highest response."""
        return self.label(1), self.label(self.points)  # type: ignore[attr-defined]

    def label(self, response: float) -> str:
        """The words at `response`, or nothing."""
        raise NotImplementedError


class Likert(Points):
    """A row of numbered buttons; values are 1…points, never 0-based."""

    type: Literal["likert"]
    points: int = Field(default=9, ge=2, le=11)
    anchors: dict[int, Words] = {}

    @model_validator(mode="after")
    def _anchors_on_the_scale(self) -> Likert:
        for point in self.anchors:
            if not 1 <= point <= self.points:
                raise fail(f"anchor at {point}; the scale runs from 1 to {self.points}")
        return self

    def label(self, response: float) -> str:
        """The anchor's words at `response`, or nothing."""
        return self.anchors.get(int(response), "")


class Slider(Asking):
    """A line between two anchors (visual analogue scale), without a place to begin at.

    The handle comes with the first click, touch or key, so that nobody is drawn to a number
    (Matejka et al., 2016). `left`, `right`, `middle`: words below the line; `left` is `low`.
    """

    type: Literal["slider"]
    left: Words
    right: Words
    middle: Words | None = None
    low: float = Field(default=0, ge=-1e6, le=1e6)
    high: float = Field(default=100, ge=-1e6, le=1e6)
    step: float = Field(default=1, gt=0)
    show_number: bool = False

    @model_validator(mode="after")
    def _steps_fill_the_line(self) -> Slider:
        if not self.low < self.high:
            raise fail(f"runs from {self.low:g} to {self.high:g}; low must be below high", "low")
        steps = (self.high - self.low) / self.step
        if steps > MOST_STEPS:
            raise fail(f"found {self.step:g}: {steps:.0f} steps; {MOST_STEPS} at most", "step")
        if abs(steps - round(steps)) > 1e-6:
            raise fail(f"found {self.step:g}, which does not divide the line from {self.low:g} to "
                       f"{self.high:g} into equal steps; such as {_fitting(self):g} does",
                       "step")  # fmt: skip
        return self

    @property
    def ends(self) -> tuple[str, str]:
        """The words at `low` and at `high`."""
        return self.left, self.right

    def label(self, response: float) -> str:
        """The anchor at an end of the line, else nothing."""
        return {self.low: self.left, self.high: self.right}.get(response, "")


def _fitting(slider: Slider) -> float:
    """The step nearest to the one found that divides the line."""
    whole = slider.high - slider.low
    return whole / max(1, round(whole / slider.step))


class GridWords(Section):
    """Words around an affect grid; left out: those of Russell et al., in the study's language."""

    left: Words | None = None
    right: Words | None = None
    top: Words | None = None
    bottom: Words | None = None
    top_left: Words | None = None
    top_right: Words | None = None
    bottom_left: Words | None = None
    bottom_right: Words | None = None


class GridAxis(Points):
    """One of the two questions of an affect grid; made by it, not written in protocols."""

    type: Literal["affect-grid"]
    dimension: Literal["valence", "arousal"]
    points: int
    words: tuple[str, str]

    @property
    def ends(self) -> tuple[str, str]:
        """The words at the first and at the last place."""
        return self.words

    def label(self, response: float) -> str:
        """Nothing: a place of the grid has no words of its own."""
        return ""


class AffectGrid(Asking):
    """Points x points places: valence from left to right, arousal from bottom to top.

    One click answers both questions (Russell, Weiss & Mendelsohn, 1989).
    """

    type: Literal["affect-grid"]
    points: int = Field(default=9, ge=3, le=15)
    words: GridWords = GridWords()

    @model_validator(mode="after")
    def _has_a_middle(self) -> AffectGrid:
        if self.points % 2 == 0:
            raise fail(f"found {self.points}; accepted: an odd number, as the place in the middle "
                       "means neither of all", "points")  # fmt: skip
        if len(self.id) > LONGEST_GRID:
            raise fail(f"'{self.id}' names two columns of answers, {self.id}{AXES[0]} and "
                       f"{self.id}{AXES[1]}; {LONGEST_GRID} characters at most", "id")  # fmt: skip
        return self

    @property
    def axes(self) -> tuple[GridAxis, GridAxis]:
        """The two questions: valence and arousal."""
        words = self.words
        left, right = words.left or "unpleasant feelings", words.right or "pleasant feelings"
        bottom, top = words.bottom or "sleepiness", words.top or "high arousal"
        shared = {"type": self.type, "points": self.points, "required": self.required}
        return (
            GridAxis(id=self.id + AXES[0], dimension="valence", words=(left, right),
                     question=f"{self.question} (valence)", **shared),
            GridAxis(id=self.id + AXES[1], dimension="arousal", words=(bottom, top),
                     question=f"{self.question} (arousal)", **shared),
        )  # fmt: skip


def places(task: Any) -> int:
    """Number of places of a scale or choice."""
    if hasattr(task, "options"):
        return len(task.options)
    return round((task.high - task.low) / task.step) + 1


def response_at(scale: Any, place: int) -> float:
    """The response at `place` (from 1) of a scale."""
    return round(scale.low + (place - 1) * scale.step, 9)


def place_near(scale: Any, value: float) -> int:
    """The place of the response next to `value`, halves up; kept on the scale."""
    steps = math.floor((value - scale.low) / scale.step + 0.5)
    return min(max(steps + 1, 1), places(scale))
