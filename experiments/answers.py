"""From what a browser sends to what is stored: each answer checked against its task.

The browser sends places (1-based) and typed text, never labels: `response` and `label` are made
here, in one place, from the protocol.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StrictInt

from experiments.plan import Trial
from protocols.design import AttentionCheck
from protocols.protocol import Protocol
from protocols.scales import MOST_STEPS, GridAxis, places, response_at
from protocols.tasks import (
    NO_SECOND,
    SECOND,
    Checkboxes,
    ForcedChoice,
    FreeText,
    Task,
    questions_in,
)

Milliseconds = Annotated[float, Field(ge=0, le=1e10, allow_inf_nan=False)]
MOST_DETAILS = 4000  # characters of media events kept for one answer
UNREADABLE = re.compile("[\0\ud800-\udfff]")  # halves of a character, and what ends a C string


def _plain(text: Any) -> Any:
    """Typed text without characters that no store can keep: each becomes U+FFFD."""
    return UNREADABLE.sub("\ufffd", text) if isinstance(text, str) else text


def storable(told: dict[str, Any]) -> dict[str, Any]:
    """What a browser measured, if it can be kept as JSON; raises ValueError."""
    try:
        written = json.dumps(told, allow_nan=False, ensure_ascii=False)
    except RecursionError:
        raise ValueError("too deep") from None
    if UNREADABLE.search(written) or "\\u0000" in written or len(written) > MOST_DETAILS:
        raise ValueError(f"accepted: text and finite numbers, at most {MOST_DETAILS} characters")
    return told


Measured = Annotated[dict[str, Any], AfterValidator(storable)]


class Given(BaseModel):
    """One answer as the browser sends it. All of choice, boxes and text empty: skipped.

    Attributes:
        trial: number of the trial; None for the questionnaire.
        question: id of the task, with `-second` for a second choice, or of an axis of a grid.
        choice: place on the scale or in the options, from 1; 0 for no second choice.
        boxes: places of the ticked options.
        text: words typed.
        rt_ms, onset_ms, hidden_ms: see `protocols.ratings`.
        details: events of the media, and anything else that was measured.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    trial: StrictInt | None = Field(default=None, ge=1, le=100_000)
    question: str = Field(max_length=60)
    choice: StrictInt | None = Field(default=None, ge=0, le=MOST_STEPS + 1)
    boxes: tuple[StrictInt, ...] | None = Field(default=None, max_length=30)
    text: Annotated[str | None, BeforeValidator(_plain)] = Field(default=None, max_length=10_000)
    rt_ms: Milliseconds | None = None
    onset_ms: Milliseconds | None = None
    hidden_ms: Milliseconds | None = None
    details: Measured | None = None


@dataclass(frozen=True)
class Reply:
    """One answer as it is stored; see the table in `protocols.tasks`."""

    response: float | None
    label: str
    boxes: tuple[str, ...] | None = None


class WrongAnswer(ValueError):
    """An answer that the question does not have."""


@dataclass(frozen=True)
class Question:
    """A task as it is asked: the task itself, the second choice of it, or an axis of a grid."""

    id: str
    task: Task | GridAxis
    second: bool = False

    def reply(self, given: Given) -> Reply:
        """`given` as it is stored; raises WrongAnswer if the question has no such answer."""
        task = self.task
        if given.choice is None and given.boxes is None and given.text is None:
            return self._skipped()
        if isinstance(task, Checkboxes):
            return self._ticked(task, given)
        if isinstance(task, FreeText):
            return self._typed(task, given)
        if given.choice is None or given.boxes is not None or given.text is not None:
            raise WrongAnswer(f"{self.id}: accepted: a choice")
        if self.second and given.choice == 0:
            return Reply(None, NO_SECOND)
        if not 1 <= given.choice <= places(task):
            raise WrongAnswer(f"{self.id}: found {given.choice}; accepted: 1 to {places(task)}")
        if isinstance(task, ForcedChoice):
            return Reply(given.choice, task.label(given.choice))
        response = response_at(task, given.choice)
        return Reply(response, task.label(response))  # type: ignore[union-attr]

    def _skipped(self) -> Reply:
        if self.task.required:
            raise WrongAnswer(f"{self.id}: an answer is required")
        return Reply(None, "")

    def _ticked(self, task: Checkboxes, given: Given) -> Reply:
        boxes = given.boxes
        if boxes is None or len(set(boxes)) != len(boxes):
            raise WrongAnswer(f"{self.id}: accepted: different boxes")
        if not all(1 <= box <= len(task.options) for box in boxes):
            raise WrongAnswer(f"{self.id}: accepted: boxes 1 to {len(task.options)}")
        if task.required and not boxes:
            raise WrongAnswer(f"{self.id}: an answer is required")
        ticked = tuple(task.options[box - 1] for box in sorted(boxes))
        if task.exclusive in ticked and len(ticked) > 1:
            raise WrongAnswer(f"{self.id}: '{task.exclusive}' excludes the other boxes")
        return Reply(len(ticked), "; ".join(ticked), ticked)

    def _typed(self, task: FreeText, given: Given) -> Reply:
        text = given.text
        if text is None or given.choice is not None or given.boxes is not None:
            raise WrongAnswer(f"{self.id}: accepted: text")
        if len(text) > task.max_length or (task.required and not text.strip()):
            raise WrongAnswer(f"{self.id}: accepted: 1 to {task.max_length} characters")
        return Reply(None, text)


def asked(protocol: Protocol, trial: Trial) -> Iterator[Question]:
    """The questions of one trial, in order; an attention check asks one task only."""
    check = check_of(protocol, trial)
    for task in protocol.tasks:
        questions = questions_in([task])
        if check is None or check.task in {question.id for question in questions}:
            yield from (Question(question.id, question) for question in questions)
            if isinstance(task, ForcedChoice) and task.second_choice and check is None:
                yield Question(task.id + SECOND, task, second=True)


def asked_at_the_end(protocol: Protocol) -> Iterator[Question]:
    """The questions of the questionnaire, in order."""
    for task in questions_in(protocol.pages.questionnaire):
        yield Question(task.id, task)
        if isinstance(task, ForcedChoice) and task.second_choice:
            yield Question(task.id + SECOND, task, second=True)


def check_of(protocol: Protocol, trial: Trial) -> AttentionCheck | None:
    """The attention check that `trial` holds, or None."""
    if trial.kind != "attention":
        return None
    return next(check for check in protocol.design.attention if check.id == trial.check)


def questions_of(protocol: Protocol, trial: Trial) -> Mapping[str, Question]:
    """Question id -> question, of one trial."""
    return {question.id: question for question in asked(protocol, trial)}
