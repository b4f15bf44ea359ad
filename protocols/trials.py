"""The plan `plan/trials.csv`: who sees what in which order, one row per slot and trial.

A *slot* is the place of one participant, with a list and an order of its own. Web, lab and
simulation play the same plan. The factors of the protocol are columns too, after `identity`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from protocols.tables import Column, TableError, read_table, write_table

KINDS = ("practice", "rating", "repeat", "attention")
COLUMNS = (
    Column("slot", "integer", "place of one participant, from 1"),
    Column("list", "integer", "counterbalanced list of the slot, from 1"),
    Column("block", "integer", "block of trials, from 1; 0 is practice"),
    Column("trial", "integer", "position in the slot, from 1; practice counts too"),
    Column("kind", "word", "what the trial is for", KINDS),
    Column("stimulus_id", "word", "stimulus that is shown"),
    Column("identity", "word", "who is shown"),
    Column("repeat_of", "integer", "trial that showed the stimulus first", required=False),
    Column("check", "word", "attention check that the trial holds", required=False),
    Column("pause", "yes-no", "whether a break comes before the trial"),
)
BEFORE_FACTORS = ("slot", "list", "block", "trial", "kind", "stimulus_id", "identity")
NAME = "trials.csv"


def read_trials(folder: Path) -> pd.DataFrame:
    """The plan in `folder`; raises TableError if it is missing or not a plan."""
    table = read_table(folder / NAME, COLUMNS, ",")
    if not len(table):
        raise TableError(f"{folder / NAME}: the plan has no trials; run mien plan again")
    return table


def write_trials(table: pd.DataFrame, folder: Path, factors: Sequence[str]) -> Path:
    """Write the plan with its columns in order."""
    after = [c.name for c in COLUMNS if c.name not in BEFORE_FACTORS]
    return write_table(table[[*BEFORE_FACTORS, *factors, *after]], folder / NAME, ",")
