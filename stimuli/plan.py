"""The planner: from a protocol to who sees what in which order. Pure: no pixels, no clock.

The plan has more slots than participants are wanted (RESERVE), so that those who are excluded or
drop out can be replaced. Each slot has an order of its own, from the protocol's seed and its
number: more slots change none of the earlier ones.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from protocols.protocol import Protocol
from protocols.study import Study
from protocols.tables import write_table
from protocols.trials import write_trials
from stimuli.balance import Balance, weigh
from stimuli.corpora import Identity
from stimuli.counterbalance import List, make_lists
from stimuli.order import Showing, check_feasible, draw, williams
from stimuli.seeds import generator_of
from stimuli.stimulus import PlanError, Stimulus, plan_stimuli

RESERVE = 2.0  # slots for each valid participant wanted
MOST_TRIALS = 5_000_000  # of all slots together


@dataclass(frozen=True)
class Plan:
    """Stimuli, lists and trials of a study.

    Attributes:
        stimuli: every stimulus.
        lists: what each list shows once.
        trials: one row per slot and trial, in the columns of protocols.trials.
        balance: how often each level stands where.
    """

    protocol: Protocol
    stimuli: list[Stimulus]
    lists: list[List]
    trials: pd.DataFrame
    balance: Balance

    def tables(self) -> list[Any]:
        """The balance as tables for the terminal."""
        return self.balance.tables()


def make_plan(protocol: Protocol, identities: Sequence[Identity]) -> Plan:
    """The whole plan of a protocol.

    Raises:
        PlanError: the design is impossible; the message names the nearest that is not.
    """
    stimuli = plan_stimuli(protocol, identities)
    lists = make_lists(protocol, stimuli, identities)
    queues = [_Queue(protocol, one) for one in lists]
    slots = len(lists) * math.ceil(protocol.recruitment.per_list * RESERVE)
    if slots * len(queues[0].showings) > MOST_TRIALS:
        raise PlanError(
            f"recruitment.per_list: {slots} slots of {len(queues[0].showings)} trials are more "
            f"than {MOST_TRIALS} trials; use fewer participants or stimuli"
        )
    practice = [s for s in stimuli if s.role == "practice"]
    rows: list[dict[str, Any]] = []
    for slot in range(1, slots + 1):
        queue = queues[(slot - 1) % len(queues)]
        rows += _number(protocol, slot, queue, practice, (slot - 1) // len(queues))
    trials = pd.DataFrame(rows)
    return Plan(protocol, stimuli, lists, trials, weigh(protocol, trials))


def write_plan(study: Study, protocol: Protocol, identities: Sequence[Identity]) -> Any:
    """Write plan/trials.csv and plan/balance.csv, unless the plan is there; returns the path."""
    path = study.plan / "trials.csv"
    if not path.is_file():
        planned = make_plan(protocol, identities)
        write_table(planned.balance.counts, study.plan / "balance.csv", ",")
        write_trials(planned.trials, study.plan, protocol.factors)
    return path


class _Queue:
    """What one list shows: main stimuli and repeats, grouped into blocks."""

    def __init__(self, protocol: Protocol, one: List) -> None:
        self.protocol, self.list = protocol, one
        self.name = f"list {one.number}"
        self.showings = [Showing(s) for s in one.stimuli] + self._repeats()
        check_feasible(self.showings, protocol.design.order, self.name)
        repeats = protocol.design.repeats
        self.repeat_distance = repeats.min_distance if repeats else 1

    def _repeats(self) -> list[Showing]:
        repeats = self.protocol.design.repeats
        if repeats is None:
            return []
        rng = generator_of(self.protocol.seed, f"repeats of {self.name}")
        groups: dict[object, list[Stimulus]] = {}
        for stimulus in self.list.stimuli:
            key = stimulus.levels[repeats.per] if repeats.per else "the list"
            groups.setdefault(key, []).append(stimulus)
        for key, group in groups.items():
            if repeats.count > len(group):
                raise PlanError(
                    f"design.repeats: {repeats.count} stimuli of {key} are to be repeated; "
                    f"{self.name} has {len(group)}; use {len(group)} at most"
                )
        shown = len(self.list.stimuli) + repeats.count * len(groups)
        if repeats.min_distance >= shown - repeats.count * len(groups) + 1:
            raise PlanError(
                f"design.repeats.min_distance: {repeats.min_distance} trials lie between no two of "
                f"{shown} trials; use {len(self.list.stimuli)} at most"
            )
        return [
            Showing(group[i], again=True)
            for group in groups.values()
            for i in sorted(rng.permutation(len(group))[: repeats.count])
        ]

    def order(self, slot: int, turn: int) -> list[list[Showing]]:
        """The showings of one slot, block by block; `turn` counts the slots of this list."""
        order, seed = self.protocol.design.order, self.protocol.seed
        rng = generator_of(seed, f"slot {slot}")
        blocks = self._blocks(turn, rng)
        if order.method == "as-listed":
            return blocks
        drawn = draw(blocks, order, self.repeat_distance, rng, self.name)
        if order.blocks and order.blocks.count:
            together = [showing for block in drawn for showing in block]
            return [list(part) for part in np.array_split(_boxed(together), order.blocks.count)]
        return drawn

    def _blocks(self, turn: int, rng: np.random.Generator) -> list[list[Showing]]:
        blocks = self.protocol.design.order.blocks
        if blocks is None or blocks.by is None:
            return [self.showings]
        levels = self.protocol.stimuli.factors[blocks.by]
        groups = [[s for s in self.showings if s.stimulus.levels[blocks.by] == v] for v in levels]
        groups = [group for group in groups if group]
        if blocks.order == "williams":
            rows = williams(len(groups))
            return [groups[i] for i in rows[turn % len(rows)]]
        if blocks.order == "random":
            return [groups[i] for i in rng.permutation(len(groups))]
        return groups


def _boxed(showings: list[Showing]) -> np.ndarray:
    """An array of objects, so that NumPy cuts the list and does not look into its items."""
    boxed = np.empty(len(showings), dtype=object)
    boxed[:] = showings
    return boxed


def _number(
    protocol: Protocol, slot: int, queue: _Queue, practice: Sequence[Stimulus], turn: int
) -> list[dict[str, Any]]:
    """Rows of one slot: practice, then blocks with repeats, attention checks and pauses."""
    rows = [_row(slot, queue, 0, "practice", stimulus) for stimulus in practice]
    for number, block in enumerate(queue.order(slot, turn), 1):
        rows += [
            _row(slot, queue, number, "repeat" if s.again else "rating", s.stimulus) for s in block
        ]
    rows = _with_checks(protocol, slot, queue, rows, len(practice))
    first: dict[str, int] = {}
    every = protocol.design.breaks.every if protocol.design.breaks else None
    for trial, row in enumerate(rows, 1):
        row["trial"] = trial
        if row["kind"] == "rating":
            first[row["stimulus_id"]] = trial
        if row["kind"] == "repeat":
            row["repeat_of"] = first[row["stimulus_id"]]
        done = trial - 1 - len(practice)
        row["pause"] = bool(every and done > 0 and done % every == 0)
    return rows


def _row(slot: int, queue: _Queue, block: int, kind: str, stimulus: Stimulus) -> dict[str, Any]:
    return {
        "slot": slot,
        "list": queue.list.number,
        "block": block,
        "trial": 0,
        "kind": kind,
        "stimulus_id": stimulus.id,
        "identity": stimulus.identity,
        **stimulus.levels,
        "repeat_of": None,
        "check": None,
        "pause": False,
    }


def _with_checks(
    protocol: Protocol, slot: int, queue: _Queue, rows: list[dict[str, Any]], practice: int
) -> list[dict[str, Any]]:
    """Attention checks, one in each equal part of the session, never as its first trial."""
    checks = protocol.design.attention
    if not checks:
        return rows
    rng = generator_of(protocol.seed, f"attention in slot {slot}")
    edges = np.linspace(practice + 1, len(rows), len(checks) + 1).astype(int)
    places = [
        int(rng.integers(low, max(high, low + 1)))
        for low, high in zip(edges[:-1], edges[1:], strict=True)
    ]
    for place, check in reversed(list(zip(places, checks, strict=True))):
        stimulus = queue.list.stimuli[int(rng.integers(len(queue.list.stimuli)))]
        block = rows[min(place, len(rows) - 1)]["block"]
        row = _row(slot, queue, block, "attention", stimulus)
        rows = [*rows[:place], {**row, "check": check.id}, *rows[place:]]
    return rows
