"""The ratings table `ratings.csv`, one row per response, and `participants.csv`, one per person.

`response` is a number (1…k on a scale, low…high on a slider, the place of the option in a choice,
ticked boxes) and `label` its words; see `protocols.tasks`. The factors of the protocol are columns
too, after `identity`. Answers of the questionnaire are columns of `participants.csv`: `<id>` holds
the label and `<id>_response` the number. A cell of words that a spreadsheet would run as a formula
is written with an apostrophe before it and read without (`protocols.formulas`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from protocols.formulas import guard_words, unguard_words
from protocols.tables import Column, TableError, read_table, write_table
from protocols.trials import KINDS

SOURCES = ("web", "lab", "simulation", "import", "model")
STATUSES = ("completed", "incomplete", "withdrawn")
COLUMNS = (
    Column("study", "word", "name of the protocol"),
    Column("source", "word", "where the response comes from; import: people, elsewhere", SOURCES),
    Column("participant", "word", "random code of the participant, or name of the model; `unknown` "
           "where nobody knows who answered, as in counts of votes"),
    Column("slot", "integer", "place in the plan; empty in imported ratings"),
    Column("list", "integer", "counterbalanced list; empty in imported ratings"),
    Column("block", "integer", "block of trials; 0 is practice"),
    Column("trial", "integer", "position in the slot, from 1"),
    Column("kind", "word", "what the trial is for", KINDS),
    Column("stimulus_id", "word", "stimulus that was shown"),
    Column("identity", "word", "who was shown (the item)"),
    Column("repeat_of", "integer", "trial that showed the stimulus first", required=False),
    Column("check", "word", "attention check that the trial held", required=False),
    Column("question", "word", "id of the task that was answered; of an affect grid with -valence "
           "or -arousal, of a second choice with -second"),
    Column("response", "number", "the answer as a number: 1…k, on a slider low…high",
           required=False),
    Column("label", "word", "the answer in words", required=False),
    Column("rt_ms", "number", "time from onset to response", required=False, unit="ms"),
    Column("onset_ms", "number", "onset of the stimulus, since the first page", required=False,
           unit="ms"),
    Column("hidden_ms", "number", "time for which the page was hidden during the trial",
           required=False, unit="ms"),
    Column("media_ms", "number", "how long the sound or film took, from its onset to its end",
           required=False, unit="ms"),
    Column("stalled_ms", "number", "time for which it stood still, waiting for its data",
           required=False, unit="ms"),
    Column("refresh_hz", "number", "refresh rate of the screen, measured when the page was opened",
           required=False, unit="Hz"),
    Column("valid", "yes-no", "whether the participant passes the exclusion rules"),
    Column("exclusion_reason", "word", "first exclusion rule that the participant fails; after "
           "`by hand:`, why a researcher excluded them", required=False),
    Column("time", "word", "when the response was stored (UTC, ISO 8601)", required=False),
)  # fmt: skip
PEOPLE = (
    Column("participant", "word", "random code of the participant"),
    Column("source", "word", "where the data come from", SOURCES),
    Column("slot", "integer", "place in the plan"),
    Column("list", "integer", "counterbalanced list"),
    Column("status", "word", "how it ended", STATUSES),
    Column("valid", "yes-no", "whether the participant passes the exclusion rules"),
    Column(
        "exclusion_reason",
        "word",
        "first exclusion rule that fails; after `by hand:`, why a researcher excluded them",
        required=False,
    ),
    Column("started", "word", "when consent was given (UTC, ISO 8601)", required=False),
    Column("finished", "word", "when the last answer was stored (UTC, ISO 8601)", required=False),
)
BEFORE_FACTORS = ("study", "source", "participant", "slot", "list", "block", "trial", "kind",
                  "stimulus_id", "identity")  # fmt: skip
NAME, PEOPLE_NAME = "ratings.csv", "participants.csv"
KEY = ["source", "participant", "trial", "question"]
PEOPLE_KEY = ["source", "participant"]
UNKNOWN = (
    "unknown"  # the participant of answers whose raters are not known, such as counts of votes
)


def read_ratings(path: Path, *, copies: bool = False) -> pd.DataFrame:
    """The ratings table at `path`; `copies`: let rows pass that stand there twice, word for word.

    Raises:
        TableError: a row is not as the format says, or two rows answer the same question.
    """
    table = unguard_words(read_table(path, COLUMNS, ","))
    _refuse_twice(path, table, KEY, "participant {participant}, trial {trial}, question {question}",
                  copies)  # fmt: skip
    return table


def write_ratings(table: pd.DataFrame, path: Path, factors: Sequence[str]) -> Path:
    """Write the ratings with their columns in order; columns that may be absent are left empty."""
    absent = {c.name: pd.NA for c in COLUMNS if not c.required and c.name not in table}
    table = table.assign(**absent)
    after = [c.name for c in COLUMNS if c.name not in BEFORE_FACTORS]
    return write_table(guard_words(table[[*BEFORE_FACTORS, *factors, *after]]), path, ",")


def read_participants(path: Path, *, copies: bool = False) -> pd.DataFrame:
    """The participants' table at `path`; questionnaire answers are further columns.

    Raises:
        TableError: a row is not as the format says, or a participant stands there twice.
    """
    table = unguard_words(read_table(path, PEOPLE, ","))
    _refuse_twice(path, table, PEOPLE_KEY, "participant {participant}", copies)
    return table


def _refuse_twice(path: Path, table: pd.DataFrame, key: list[str], name: str, copies: bool) -> None:
    """Refuse two rows of the same key; rows that are copies of another may pass."""
    twice = table.duplicated(key)
    if not twice.any():
        return
    several = table[table.duplicated(key, keep=False)]
    conflicts = several[~several.duplicated(keep="first")].duplicated(key)
    differ = conflicts.index[conflicts]
    if copies and not len(differ):
        return
    line = differ[0] if len(differ) else table.index[twice][0]
    row = name.format(**table.loc[line].to_dict())
    how = "with different values; which is right?" if len(differ) else "with the same values;"
    raise TableError(f"{path}:{line + 2}: {row} stands twice, {how} keep one row")


def write_participants(table: pd.DataFrame, path: Path) -> Path:
    """Write the participants' table, its own columns first, then the questionnaire's."""
    own = [c.name for c in PEOPLE]
    columns = [*own, *(c for c in table.columns if c not in own)]
    return write_table(guard_words(table[columns]), path, ",")
