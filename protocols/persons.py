"""From the two tables to persons as the exclusion rules see them, and their verdicts.

The report and the import of foreign ratings ask here; the study server builds its persons from its
own store. All of them ask `protocols.exclusions.verdict`.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from protocols.exclusions import Answer, Person, verdict
from protocols.protocol import Protocol
from protocols.ratings import UNKNOWN
from protocols.tasks import questions_in

BOXES = "; "  # between the ticked options of a checkboxes answer
SEEN = ("kind", "stimulus_id", "question", "response", "label", "rt_ms", "repeat_of", "trial",
        "check")  # fmt: skip


def verdicts(
    ratings: pd.DataFrame,
    people: pd.DataFrame,
    protocol: Protocol,
    planned: pd.Series | None = None,
) -> list[str | None]:
    """For each row of `people`, the first rule that fails; None for who counts.

    Where nobody knows who the raters were (participant `unknown`) no rule can be applied.

    Args:
        ratings: answers of these people, and of no others of the same name.
        people: rows of the participants' table.
        protocol: for the rules.
        planned: slot -> number of its trials, practice not counted; without a plan, as many are
            expected of everybody as the participant with the most has.
    """
    most = trials_of_the_most(ratings)
    looks = any(rule.rule != "answer" for rule in protocol.exclusions)
    answers = _answers(ratings, protocol) if looks else {}
    out: list[str | None] = []
    for row in people.to_dict("records"):
        if row["participant"] == UNKNOWN:
            out.append(None)
            continue
        slot = row.get("slot")
        expected = most if planned is None or pd.isna(slot) else int(planned.get(slot, most))
        said = {
            task.id: (_number(row.get(f"{task.id}_response")), text(row.get(task.id)))
            for task in questions_in(protocol.pages.questionnaire)
        }
        person = Person(answers.get(str(row["participant"]), []), said, expected)
        out.append(verdict(protocol.exclusions, str(row["status"]), person))
    return out


def trials_of_the_most(ratings: pd.DataFrame) -> int:
    """Number of trials, practice not counted, of the participant who has most."""
    counted = ratings[(ratings.kind != "practice") & (ratings.participant != UNKNOWN)]
    trials = counted[["participant", "trial"]].drop_duplicates()
    return int(trials.groupby("participant").size().max()) if len(trials) else 0


def _answers(ratings: pd.DataFrame, protocol: Protocol) -> dict[str, list[Answer]]:
    """Participant -> answers, read column by column: a million rows take a few seconds."""
    known = ratings[ratings.participant != UNKNOWN]
    columns: list[list[Any]] = [
        known[name].astype(object).where(known[name].notna(), None).tolist()
        if name in known
        else [None] * len(known)
        for name in SEEN
    ]
    boxes = {task.id for task in protocol.tasks if task.type == "checkboxes"}
    checks = {check.id: check for check in protocol.design.attention}
    out: dict[str, list[Answer]] = {}
    for name, *cells in zip(known.participant.tolist(), *columns, strict=True):
        answer = _answer(cells, boxes, checks)
        if answer is not None:
            out.setdefault(str(name), []).append(answer)
    return out


def _answer(cells: list[Any], boxes: set[str], checks: dict[str, Any]) -> Answer | None:
    kind, stimulus, question, response, label, rt_ms, repeat_of, trial, check = cells
    asked = checks.get(check)
    if kind == "attention" and (asked is None or question != asked.task):
        return None  # a trial with several tasks: only the one that the check names counts
    label = label or ""
    return Answer(
        kind=kind,
        stimulus=stimulus,
        question=question,
        response=response,
        label=label,
        boxes=ticked(label) if question in boxes else None,
        rt_ms=rt_ms,
        repeat_of=None if repeat_of is None else int(repeat_of),
        trial=int(trial),
        expected=None if asked is None else float(asked.answer),
    )


def ticked(label: str) -> frozenset[str]:
    """The options of a checkboxes answer."""
    return frozenset(part for part in label.split(BOXES) if part)


def text(value: Any) -> str:
    """A cell as words; empty where it is missing."""
    return "" if value is None or pd.isna(value) else str(value)


def _number(value: Any) -> float | None:
    return None if value is None or pd.isna(value) else float(value)
