"""Counts of votes as answers: one row for each vote, given by an unknown participant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from experiments.errors import StudyError
from protocols.asked import known_questions
from protocols.protocol import Protocol
from protocols.ratings import UNKNOWN
from protocols.section import accepted, nearest

if TYPE_CHECKING:
    from experiments.foreign import Foreign

MOST_VOTES = 20_000_000  # of one file; each becomes a row of the ratings table


def expand(
    table: pd.DataFrame, raw: pd.DataFrame, file: Foreign, protocol: Protocol
) -> pd.DataFrame:
    """`table` (a row per stimulus) with each row as often as it has votes, and their labels.

    Raises:
        StudyError: an option is not the task's, a column is missing, or a count is no whole number.
    """
    options = file.mapping.options
    _check_options(table, file, protocol)
    counts = np.column_stack([_counts(raw, column, file) for column in options])
    total = int(counts.sum())
    if total > MOST_VOTES:
        raise StudyError(f"{file.name}: {total:,} votes; accepted: up to {MOST_VOTES:,}")
    if not total:
        raise StudyError(f"{file.name}: no votes in the columns {', '.join(options)}")
    places, chosen = np.nonzero(counts)  # by stimulus, then in the order of the options
    times = counts[places, chosen]
    labels = pd.array(list(options.values()), dtype="string")
    votes = table.iloc[np.repeat(places, times)]
    return votes.assign(participant=UNKNOWN, label=labels.take(np.repeat(chosen, times)))


def _check_options(table: pd.DataFrame, file: Foreign, protocol: Protocol) -> None:
    known = known_questions(protocol)
    asked = table.question.dropna().unique() if "question" in table else list(known)
    if len(asked) != 1 or asked[0] not in known:
        raise StudyError(
            f"{file.name}: which task were the votes about? Say constants: {{question: …}} in the "
            f"mapping; {accepted(known)}"
        )
    words = known[asked[0]].options
    for column, option in file.mapping.options.items():
        if option not in words:
            raise StudyError(
                f"the mapping's options: {column}: '{option}' is no option of '{asked[0]}'; "
                f"{accepted(words)}{nearest(option, words)}"
            )


def _counts(raw: pd.DataFrame, column: str, file: Foreign) -> np.ndarray:
    if column not in raw:
        raise StudyError(
            f"{file.name}: the column '{column}' of the mapping is missing; "
            f"{accepted(raw.columns)}{nearest(column, raw.columns)}"
        )
    cells = raw[column].astype("string").str.strip()
    cells = cells.mask(cells.isin(["", *file.mapping.missing]), "0")
    numbers = pd.to_numeric(cells, errors="coerce").to_numpy(float, na_value=np.nan)
    wrong = ~((numbers >= 0) & (numbers % 1 == 0) & (numbers <= MOST_VOTES))
    if wrong.any():
        line, found = raw.index[wrong.argmax()], cells[wrong].iloc[0]
        raise StudyError(
            f"{file.name}:{line}: {column}: found '{found}'; accepted: a count of votes, 0, 1, 2 …"
        )
    return numbers.astype(int)
