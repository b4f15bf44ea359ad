"""The plan in memory: slot -> its trials, as `plan/trials.csv` lists them.

A *slot* is the place of one participant. Levels of factors are those of the protocol itself, so
that `"01"` stays a word and 0.5 a number.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from experiments.errors import StudyError
from protocols.conditions import Level
from protocols.protocol import Protocol
from protocols.study import Study
from protocols.tables import Column, TableError, read_table
from protocols.trials import COLUMNS, NAME


@dataclass(frozen=True)
class Trial:
    """One row of the plan."""

    number: int  # position in the slot, from 1
    block: int
    kind: str  # practice | rating | repeat | attention
    stimulus: str | None
    identity: str | None
    levels: Mapping[str, Level | None]  # factor -> level
    repeat_of: int | None
    check: str | None
    pause: bool


@dataclass(frozen=True)
class Plan:
    """Every slot's list and trials.

    `digests`: SHA-256 of the first slot, of the first two, … of all: a plan that has only grown
    starts with the digests of the smaller one.
    """

    lists: Mapping[int, int]  # slot -> list
    trials: Mapping[int, tuple[Trial, ...]]  # slot -> its trials, in order
    digests: tuple[str, ...]

    @property
    def digest(self) -> str:
        """SHA-256 of the whole plan."""
        return self.digests[-1]

    def trial(self, slot: int, number: int) -> Trial | None:
        """Trial `number` (from 1) of `slot`, or None."""
        trials = self.trials[slot]
        return trials[number - 1] if 1 <= number <= len(trials) else None


def read_plan(study: Study, protocol: Protocol) -> Plan:
    """The study's plan.

    Raises:
        StudyError: no plan, a plan that does not belong to the protocol, or too few slots.
    """
    file = study.plan / NAME
    if not file.is_file():
        raise StudyError(f"{study.folder}: no plan yet; run mien plan {study.folder}")
    factors = [Column(name, _kind(protocol, name), "factor") for name in protocol.factors]
    try:
        table = read_table(file, [*COLUMNS, *factors], ",")
        lists, trials = _slots(table, protocol)
    except TableError as error:
        raise StudyError(f"{error}; run mien plan {study.folder} again") from None
    plan = Plan(lists, trials, _digests(lists, trials))
    _check_size(plan, protocol, study)
    return plan


def _digests(lists: Mapping[int, int], trials: Mapping[int, tuple[Trial, ...]]) -> tuple[str, ...]:
    digest, digests = hashlib.sha256(), []
    for slot in sorted(lists):
        digest.update(f"{slot} {lists[slot]}\n".encode())
        for trial in trials[slot]:
            digest.update(f"{trial}\n".encode())
        digests.append(digest.hexdigest())
    return tuple(digests)


def _kind(protocol: Protocol, factor: str) -> str:
    return "number" if protocol.stimuli.numeric(factor) else "word"


def _slots(
    table: pd.DataFrame, protocol: Protocol
) -> tuple[dict[int, int], dict[int, tuple[Trial, ...]]]:
    known = {name: {str(level): level for level in levels}
             for name, levels in protocol.stimuli.factors.items()}  # fmt: skip
    checks = {check.id for check in protocol.design.attention}
    lists: dict[int, int] = {}
    trials: dict[int, list[Trial]] = {}
    for line, cells in enumerate(table.astype(object).to_dict("records"), start=2):
        row: dict[Any, Any] = {k: None if cell is pd.NA else cell for k, cell in cells.items()}
        slot = int(row["slot"])
        levels = {name: _level(row[name], known[name]) for name in known}
        mine = trials.setdefault(slot, [])
        if row["trial"] != len(mine) + 1 or lists.setdefault(slot, row["list"]) != row["list"]:
            raise TableError(f"{NAME}:{line}: slot {slot}: trials must count 1, 2, 3 in one list")
        if row["kind"] == "attention" and row["check"] not in checks:
            raise TableError(f"{NAME}:{line}: the protocol has no check '{row['check']}'")
        mine.append(
            Trial(row["trial"], row["block"], row["kind"], row["stimulus_id"], row["identity"],
                  levels, row["repeat_of"], row["check"], bool(row["pause"]))
        )  # fmt: skip
    if not lists:
        raise TableError(f"{NAME}: the plan has no trials")
    return lists, {slot: tuple(mine) for slot, mine in trials.items()}


def _level(value: object, known: Mapping[str, Level]) -> Level | None:
    """The protocol's own level for a value of the plan (0.0 in the file is 0 in the protocol)."""
    if value is None:
        return None
    matching = (level for word, level in known.items() if word == value or level == value)
    return next(matching, value)  # type: ignore[arg-type]  # practice may use other levels


def _check_size(plan: Plan, protocol: Protocol, study: Study) -> None:
    places = Counter(plan.lists.values())
    small = min(places, key=lambda number: (places[number], number))
    wanted = protocol.recruitment.per_list
    if places[small] < wanted:
        raise StudyError(
            f"{study.plan / NAME}: list {small} has {places[small]} slots, but "
            f"recruitment.per_list asks for {wanted} participants; run mien plan again"
        )
