"""Which responses and labels a task can have; see the table in `protocols.tasks`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from protocols.persons import ticked
from protocols.protocol import Protocol
from protocols.tasks import NO_SECOND, NUMERIC, SECOND


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
    """Name in the column `question` -> task, second choices too."""
    known = {}
    for task in protocol.tasks:
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
    low, high = (1, asked.task.points) if kind in NUMERIC else (1, len(asked.options))
    low = 0 if kind == "checkboxes" else low
    off = (values < low) | (values > high) | (values % 1 != 0)
    return off & ~np.isnan(values), f"accepted: {low}, {low + 1} … {high}"


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
    highest = task.points if task.type in NUMERIC else len(asked.options)
    words = [task.label(place) for place in range(1, highest + 1)]
    if missing:
        return label in words
    if response % 1 or not 1 <= response <= highest:
        return True  # off its scale, which is another finding
    return words[int(response) - 1] in ("", label)
