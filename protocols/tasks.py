"""What a participant is asked about a stimulus, and in a questionnaire.

Every task has an `id`, which names its rows in the ratings table (column `question`). Answers are
stored as `response`, a number, and `label`, the words:

============== ============================== ===============================
type           response                       label
============== ============================== ===============================
likert         1…points                       the anchor, where there is one
labelled-rating 1…k, in the order of `labels` the label
slider         low…high                       the anchor at an end
affect-grid    1…points, on two axes          empty
forced-choice  1…k, in the order of `options` the option
checkboxes     number of boxes ticked         ticked options, joined by `; `
free-text      empty                          the text
============== ============================== ===============================

A *question* is what one row of the table answers. Most tasks ask one, of their own name; an affect
grid asks two, `<id>-valence` and `<id>-arousal`, and a second choice is `<id>-second`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from protocols.scales import NUMERIC, AffectGrid, Asking, Likert, Points, Slider
from protocols.section import Words, accepted, fail, nearest

NO_SECOND = "None"  # the option that says: only the first emotion was seen
SECOND = "-second"  # suffix of the question id of a second choice


class _Options(Asking):
    @field_validator("options", "labels", check_fields=False)
    @classmethod
    def _unique(cls, options: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(options)) != len(options):
            twice = next(o for o in options if options.count(o) > 1)
            raise fail(f"'{twice}' stands twice; each option needs its own words")
        return options


class LabelledRating(_Options, Points):
    """A scale whose every point has words, such as definitely real … definitely unreal."""

    type: Literal["labelled-rating"]
    labels: tuple[Words, ...] = Field(min_length=2, max_length=11)

    @property
    def points(self) -> int:
        """Number of points of the scale."""
        return len(self.labels)

    def label(self, response: float) -> str:
        """The words of point `response` (1…k)."""
        return self.labels[int(response) - 1]


class ForcedChoice(_Options):
    """One option of several, on request a second one or none (Eskimez et al. 2021, IV-D)."""

    type: Literal["forced-choice"]
    options: tuple[Words, ...] = Field(min_length=2, max_length=30)
    second_choice: bool = False
    second_question: Words = "Which is the second, if any?"

    def label(self, response: int) -> str:
        """The words of option `response` (1…k)."""
        return self.options[response - 1]


class Checkboxes(_Options):
    """Any number of options; `exclusive` is the one that clears the others (None)."""

    type: Literal["checkboxes"]
    options: tuple[Words, ...] = Field(min_length=1, max_length=30)
    exclusive: Words | None = None

    @model_validator(mode="after")
    def _exclusive_is_an_option(self) -> Checkboxes:
        if self.exclusive is not None and self.exclusive not in self.options:
            raise fail(
                f"exclusive: found '{self.exclusive}'; {accepted(self.options)}"
                f"{nearest(self.exclusive, self.options)}"
            )
        return self


class FreeText(Asking):
    """Words typed by the participant."""

    type: Literal["free-text"]
    max_length: int = Field(default=1000, ge=1, le=10_000)


Task = Annotated[
    Likert | LabelledRating | Slider | AffectGrid | ForcedChoice | Checkboxes | FreeText,
    Field(discriminator="type"),
]
TYPES = (*NUMERIC, "forced-choice", "checkboxes", "free-text")


def questions_in(tasks: Iterable[Any]) -> list[Any]:
    """What the rows of a table answer, in order: the tasks, for an affect grid its two axes."""
    return [question for task in tasks for question in getattr(task, "axes", (task,))]


def unique_ids(tasks: tuple[Any, ...]) -> tuple[Any, ...]:
    """The same tasks, refused if two share an id."""
    seen: set[str] = set()
    for task in tasks:
        for name in dict.fromkeys([task.id, *(question.id for question in questions_in([task]))]):
            if name in seen:
                raise fail(f"two tasks are called '{name}'; give each its own id")
            seen.add(name)
    return tasks
