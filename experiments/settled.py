"""Response and label of foreign answers: each from the other, and both checked against the task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from experiments.errors import StudyError
from protocols.asked import Asked, ends, known_questions, words_of
from protocols.persons import BOXES
from protocols.protocol import Protocol
from protocols.scales import NUMERIC
from protocols.section import accepted, nearest
from protocols.tasks import NO_SECOND

if TYPE_CHECKING:
    from experiments.foreign import Foreign

DIGITS = 9  # after the point, of a rescaled response

Reply = tuple[float | None, str | None]


def settle(table: pd.DataFrame, file: Foreign, protocol: Protocol) -> pd.DataFrame:
    """`table` with response and label as the study itself would have stored them.

    A model may answer between the points of a scale, or beyond its ends; everybody may answer
    between the steps of a slider.

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
    words = words_of(asked)
    if response is None:
        return (None, None) if label is None else _place_of(label, words)
    low, high = ends(asked)
    on_scale = low <= response <= high and (task.type == "slider" or response % 1 == 0)
    if not on_scale and not (of_model and task.type in NUMERIC):
        raise ValueError(f"found {response:g}; accepted: {low:g} to {high:g}, or nothing where an "
                         "answer is missing")  # fmt: skip
    word = words.get(response, "")
    if label is not None and word and label != word:
        raise ValueError(f"found {response:g} and '{label}'; {response:g} is '{word}'")
    return response, (word or label) or None


def _place_of(label: str, words: dict[float, str]) -> Reply:
    """The response that is called `label`, capitals apart."""
    called = [place for place, word in words.items() if word.casefold() == label.casefold()]
    if len(called) != 1:
        named = list(words.values())
        raise ValueError(f"found '{label}'; {accepted(named)}{nearest(label, named)}; other words "
                         "can be translated in a mapping (values)")  # fmt: skip
    return called[0], words[called[0]]


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


def _number(cell: Any, their_ends: tuple[float, float] | None, asked: Asked) -> float | None:
    """The response as a number, on the task's scale."""
    if pd.isna(cell):
        return None
    value = pd.to_numeric(str(cell), errors="coerce")
    if pd.isna(value) or abs(value) == float("inf"):
        raise ValueError(f"response: found '{cell}'; accepted: a number; words belong in label")
    if their_ends is None:
        return float(value)
    share = (float(value) - their_ends[0]) / (their_ends[1] - their_ends[0])
    low, high = ends(asked)
    return round(low + share * (high - low), DIGITS)


def _word(cell: Any) -> str | None:
    return None if pd.isna(cell) else " ".join(str(cell).split())
