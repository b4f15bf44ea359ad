"""Whether a participant counts: the protocol's exclusion rules applied to what is stored."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from experiments.answers import check_of
from experiments.plan import Trial
from protocols.exclusions import Answer, Person
from protocols.protocol import Protocol


def person(
    protocol: Protocol, trials: tuple[Trial, ...], answers: Iterable[Any], at_the_end: Iterable[Any]
) -> Person:
    """What the rules look at, from the rows of one session.

    Args:
        protocol: the study.
        trials: the trials of the participant's slot.
        answers: rows of `experiments.store.ANSWERS`.
        at_the_end: rows of `experiments.store.QUESTIONNAIRE`.
    """
    return Person(
        answers=[
            _answer(protocol, trial, row)
            for row in answers
            for trial in [trials[row.trial - 1]]
            if (check := check_of(protocol, trial)) is None or check.task == row.question
        ],
        questionnaire={row.question: (row.response, row.label or "") for row in at_the_end},
        expected=sum(trial.kind != "practice" for trial in trials),
    )


def _answer(protocol: Protocol, trial: Trial, row: Any) -> Answer:
    check = check_of(protocol, trial)
    return Answer(
        kind=trial.kind,
        stimulus=trial.stimulus or "",
        question=row.question,
        response=row.response,
        label=row.label or "",
        boxes=None if row.boxes is None else frozenset(json.loads(row.boxes)),
        rt_ms=row.rt_ms,
        repeat_of=trial.repeat_of,
        trial=trial.number,
        expected=None if check is None else check.answer,
    )
