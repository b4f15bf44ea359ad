"""Which responses and labels a task can have; see the table in `protocols.tasks`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from protocols.persons import ticked
from protocols.protocol import Protocol
from protocols.scales import NUMERIC, WITH_POINTS
from protocols.tasks import NO_SECOND, SECOND


@dataclass(frozen=True)
class Asked:
    """A task as it stands in the column `question`; `second`: the second choice of it."""

    task: Any
    second: bool = False

    @property
    def options(self) -> tuple[str, ...]:
        """The options of a choice."""
        return tuple(getattr(self.task, "options", ()))


def known_questions(protocol: Protocol) -> dict[str, Asked]:
    """Name in the column `question` -> task (or axis of an affect grid), second choices too."""
    known = {}
    for task in protocol.questions.values():
        known[task.id] = Asked(task)
        if getattr(task, "second_choice", False):
            known[f"{task.id}{SECOND}"] = Asked(task, second=True)
    return known


def off_scale(asked: Asked, responses: pd.Series) -> tuple[np.ndarray, str]:
    """Which responses the task cannot have, and what is accepted. Missing ones are not off."""
    values = responses.to_numpy(float, na_value=np.nan)
    kind = asked.task.type
    if kind == "free-text":
        return ~np.isnan(values), "accepted: no number, but words in the column label"
    low, high = ends(asked)
    off = (values < low) | (values > high)
    if kind == "slider":  # elsewhere it may have had other steps
        return off, f"accepted: {low:g} to {high:g}"
    off |= (values % 1 != 0) & ~np.isnan(values)
    return off, f"accepted: {low:g}, {low + 1:g} … {high:g}"


def ends(asked: Asked) -> tuple[float, float]:
    """The lowest and the highest response."""
    if asked.task.type in NUMERIC:
        return asked.task.low, asked.task.high
    return int(asked.task.type != "checkboxes"), len(asked.options)


def words_of(asked: Asked) -> dict[float, str]:
    """Response -> its words, where it has some, of a scale or choice."""
    task = asked.task
    if task.type == "slider":
        return dict(zip(ends(asked), task.ends, strict=True))
    count = task.points if task.type in WITH_POINTS else len(asked.options)
    words = {float(place): task.label(place) for place in range(1, count + 1)}
    return {place: said for place, said in words.items() if said}


def other_label(asked: Asked, responses: pd.Series, labels: pd.Series) -> np.ndarray:
    """Which labels are not those of their responses. All labels are given.

    A label without a response is right if the task has it; where a point has no words, any will do.
    """
    task = asked.task
    if task.type == "free-text":
        return np.zeros(len(labels), bool)
    pairs = pd.DataFrame(
        {"response": responses.astype("Float64"), "label": labels.astype("string")}
    )
    codes = pairs.groupby(["response", "label"], dropna=False, sort=False).ngroup()
    distinct = pairs.groupby(codes.to_numpy(), sort=True).first()
    wrong = np.array([not _agree(asked, *pair) for pair in distinct.itertuples(index=False)], bool)
    return wrong[codes.to_numpy()] if len(wrong) else np.zeros(len(labels), bool)


def _agree(asked: Asked, response: Any, label: str) -> bool:
    task, missing = asked.task, bool(pd.isna(response))
    if task.type == "checkboxes":
        boxes = ticked(label)
        return boxes <= set(asked.options) and (missing or response == len(boxes))
    if asked.second and label == NO_SECOND:
        return missing
    words = words_of(asked)
    if missing:
        return label in words.values()
    return words.get(float(response), label) == label
