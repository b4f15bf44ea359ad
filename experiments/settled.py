"""Response and label of foreign answers: each from the other, and both checked against the task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from experiments.errors import StudyError
from protocols.asked import Asked, known_questions
from protocols.persons import BOXES
from protocols.protocol import Protocol
from protocols.section import accepted, nearest
from protocols.tasks import NO_SECOND, NUMERIC

if TYPE_CHECKING:
    from experiments.foreign import Foreign

Reply = tuple[float | None, str | None]


def settle(table: pd.DataFrame, file: Foreign, protocol: Protocol) -> pd.DataFrame:
    """`table` with response and label as the study itself would have stored them.

    A model may answer between the points of a scale, or beyond its ends.

    Raises:
        StudyError: an answer that the task does not have, with its line.
    """
    known = known_questions(protocol)
    given = pd.DataFrame(
        {name: table.get(name, pd.NA) for name in ("question", "response", "label")},
        index=table.index,
    ).astype("string")  # fmt: skip
    codes = given.groupby(list(given.columns), dropna=False, sort=False).ngroup().to_numpy()
    distinct = given[~pd.Series(codes, index=range(len(given))).duplicated().to_numpy()]
    replies: list[Reply] = []
    for line, (question, response, label) in zip(
        distinct.index, distinct.itertuples(index=False), strict=True
    ):
        try:
            value = _number(response, file.mapping.rescale.get(question), known[question])
            replies.append(_reply(known[question], value, _word(label), file.source == "model"))
        except ValueError as error:
            raise StudyError(f"{file.name}:{line}: {question}: {error}") from None
    responses = pd.array([reply[0] for reply in replies], dtype="Float64")
    labels = pd.array([reply[1] for reply in replies], dtype="string")
    return table.assign(response=responses.take(codes), label=labels.take(codes))


def _reply(asked: Asked, response: float | None, label: str | None, of_model: bool) -> Reply:
    task = asked.task
    if task.type == "free-text":
        return None, label
    if task.type == "checkboxes":
        return _boxes(asked, response, label)
    if asked.second and label == NO_SECOND:
        return None, label
    highest = task.points if task.type in NUMERIC else len(asked.options)
    words = [task.label(place) for place in range(1, highest + 1)]
    if response is None:
        return (None, None) if label is None else _place_of(label, words)
    between = of_model and task.type in NUMERIC
    if not between and (response % 1 or not 1 <= response <= highest):
        raise ValueError(f"found {response:g}; accepted: 1 to {highest}, or nothing where an "
                         "answer is missing")  # fmt: skip
    whole = response % 1 == 0 and 1 <= response <= highest
    word = words[int(response) - 1] if whole else ""
    if label is not None and word and label != word:
        raise ValueError(f"found {response:g} and '{label}'; {response:g} is '{word}'")
    return response, (word or label) or None


def _place_of(label: str, words: list[str]) -> Reply:
    """The point or option that is called `label`, capitals apart."""
    plain = [word.casefold() for word in words]
    if plain.count(label.casefold()) != 1:
        named = [word for word in words if word]
        raise ValueError(f"found '{label}'; {accepted(named)}{nearest(label, named)}; other words "
                         "can be translated in a mapping (values)")  # fmt: skip
    place = plain.index(label.casefold())
    return float(place + 1), words[place]


def _boxes(asked: Asked, response: float | None, label: str | None) -> Reply:
    if label is None:
        if response:
            raise ValueError("which options were ticked? Name them in label, joined by '; '")
        return response, None
    ticked = [part.strip() for part in label.split(BOXES.strip()) if part.strip()]
    for part in ticked:
        if part not in asked.options:
            raise ValueError(
                f"found '{part}'; {accepted(asked.options)}{nearest(part, asked.options)}"
            )
    return float(len(ticked)), BOXES.join(ticked)


def _number(cell: Any, ends: tuple[float, float] | None, asked: Asked) -> float | None:
    """The response as a number, on the points of the task's scale."""
    if pd.isna(cell):
        return None
    value = pd.to_numeric(str(cell), errors="coerce")
    if pd.isna(value) or abs(value) == float("inf"):
        raise ValueError(f"response: found '{cell}'; accepted: a number; words belong in label")
    if ends is None:
        return float(value)
    low, high = ends
    return 1 + (float(value) - low) / (high - low) * (asked.task.points - 1)


def _word(cell: Any) -> str | None:
    return None if pd.isna(cell) else " ".join(str(cell).split())
