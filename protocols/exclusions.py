"""Rules that exclude a participant, declared before data come in.

The same rules are evaluated by the study server (to free a slot), by the report and in
simulations: `reason(rules, person)` names the first rule that a participant fails. Nothing is
deleted: an excluded participant stays in the table, marked with the rule's id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field, model_validator

from protocols.section import Name, Section, Words, fail

COMPLETED, WITHDRAWN = "completed", "withdrawn"  # how a session ended; see protocols.ratings
NOT_COMPLETED = "not-completed"  # why somebody who has not finished does not count


@dataclass(frozen=True)
class Answer:
    """One answer of a participant, as in a row of the ratings table."""

    kind: str  # practice | rating | repeat | attention
    stimulus: str
    question: str
    response: float | None
    label: str = ""
    boxes: frozenset[str] | None = None  # ticked options, for checkboxes only
    rt_ms: float | None = None
    repeat_of: int | None = None  # trial number of the first showing
    trial: int = 0
    expected: float | None = None  # the answer that an attention check asks for


@dataclass(frozen=True)
class Person:
    """What is known of one participant when rules are applied.

    Attributes:
        answers: every answer to a trial.
        questionnaire: question id -> (response, label).
        expected: number of trials planned for the participant, practice not counted.
    """

    answers: Sequence[Answer]
    questionnaire: Mapping[str, tuple[float | None, str]] = field(default_factory=dict)
    expected: int = 0


class _Rule(Section):
    id: Name
    reason: Words | None = None


class AnswerRule(_Rule):
    """Excluded by an answer in the questionnaire: one `of` these labels, or beyond a number."""

    rule: Literal["answer"]
    question: Name
    of: tuple[Words, ...] = ()
    at_least: float | None = None
    at_most: float | None = None

    @model_validator(mode="after")
    def _some_test(self) -> AnswerRule:
        if not self.of and self.at_least is None and self.at_most is None:
            raise fail("accepted: of: [labels], at_least: NUMBER or at_most: NUMBER")
        return self

    def fails(self, person: Person) -> bool:
        """Whether the participant gave such an answer."""
        response, label = person.questionnaire.get(self.question, (None, ""))
        if label in self.of:
            return True
        if response is None:
            return False
        above = self.at_least is not None and response >= self.at_least
        return above or (self.at_most is not None and response <= self.at_most)


class IncompleteRule(_Rule):
    """Excluded if fewer than the share `at_least` of the trials was answered."""

    rule: Literal["incomplete"]
    at_least: float = Field(default=1.0, gt=0, le=1)

    def fails(self, person: Person) -> bool:
        """Whether too few trials were answered."""
        done = {answer.trial for answer in person.answers if answer.kind != "practice"}
        return len(done) < self.at_least * person.expected


class AttentionRule(_Rule):
    """Excluded if more than `more_than` attention checks were answered wrongly."""

    rule: Literal["attention"]
    more_than: int = Field(default=0, ge=0)

    def fails(self, person: Person) -> bool:
        """Whether too many checks were missed."""
        checks = [answer for answer in person.answers if answer.kind == "attention"]
        return sum(check.response != check.expected for check in checks) > self.more_than


class RepeatsRule(_Rule):
    """Excluded if more than `more_than` answers to repeated stimuli differ from the first.

    `tolerance`: question -> how far answers may lie apart (points of a scale; number of boxes
    that differ). Paper: Eskimez et al. (2021), IV-D: realness 1, aspects 1, more than 5 of 9.
    """

    rule: Literal["repeats"]
    more_than: int = Field(ge=0)
    tolerance: dict[str, int | float] = {}

    def fails(self, person: Person) -> bool:
        """Whether too many repeated answers are inconsistent."""
        first = {(a.trial, a.question): a for a in person.answers if a.kind == "rating"}
        inconsistent = 0
        for again in person.answers:
            before = first.get((again.repeat_of or 0, again.question))
            if again.kind == "repeat" and before is not None:
                inconsistent += self._differ(before, again)
        return inconsistent > self.more_than

    def _differ(self, before: Answer, again: Answer) -> bool:
        allowed = self.tolerance.get(again.question, 0)
        if before.boxes is not None and again.boxes is not None:
            return len(before.boxes ^ again.boxes) > allowed
        if before.response is None or again.response is None:
            return before.label != again.label
        return abs(before.response - again.response) > allowed


class TooFastRule(_Rule):
    """Excluded if more than the share `more_than` of the ratings came before `below_ms`."""

    rule: Literal["too-fast"]
    below_ms: float = Field(default=200, gt=0)
    more_than: float = Field(default=0.1, ge=0, le=1)

    def fails(self, person: Person) -> bool:
        """Whether too many answers were too fast."""
        times = [a.rt_ms for a in person.answers if a.kind == "rating" and a.rt_ms is not None]
        return bool(times) and sum(t < self.below_ms for t in times) > self.more_than * len(times)


class SameAnswerRule(_Rule):
    """Excluded if one answer makes up more than the share `more_than` of a task's ratings."""

    rule: Literal["same-answer"]
    task: Name
    more_than: float = Field(default=0.95, ge=0, le=1)

    def fails(self, person: Person) -> bool:
        """Whether the participant gave nearly always the same answer."""
        given = [
            answer.response
            for answer in person.answers
            if answer.kind == "rating" and answer.question == self.task
        ]
        most = max((given.count(value) for value in set(given)), default=0)
        return bool(given) and most > self.more_than * len(given)


Exclusion = Annotated[
    AnswerRule | IncompleteRule | AttentionRule | RepeatsRule | TooFastRule | SameAnswerRule,
    Field(discriminator="rule"),
]


def verdict(rules: Sequence[Exclusion], status: str, person: Person) -> str | None:
    """Why a participant does not count; None if valid. Server and report ask this one function.

    Who withdrew never counts. Then the first rule that fails decides. Who has not finished does not
    count either, unless a rule `incomplete` says how much is enough and it is reached.
    """
    if status == WITHDRAWN:
        return WITHDRAWN
    failed = reason(rules, person)
    lenient = any(rule.rule == "incomplete" for rule in rules)
    return NOT_COMPLETED if failed is None and status != COMPLETED and not lenient else failed


def reason(rules: Sequence[Exclusion], person: Person) -> str | None:
    """The id of the first rule, in the order declared, that `person` fails; None if valid."""
    return next((rule.id for rule in rules if rule.fails(person)), None)
