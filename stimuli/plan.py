"""The planner: from a protocol to who sees what in which order. Pure: no pixels, no clock.

The plan has more slots than participants are wanted (RESERVE), so that those who are excluded or
drop out can be replaced. Each slot has an order of its own, from the protocol's seed and its
number: more slots change none of the earlier ones. Slots take the lists in turn.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from protocols.protocol import Protocol
from protocols.study import Study
from protocols.tables import write_table
from protocols.trials import NAME, read_trials, write_trials
from stimuli.balance import Balance, weigh
from stimuli.corpora import Identity
from stimuli.counterbalance import List, make_lists
from stimuli.errors import PlanError
from stimuli.seeds import generator_of
from stimuli.session import Session, make_session
from stimuli.stimulus import Stimulus, plan_stimuli

__all__ = ["Plan", "PlanError", "make_plan", "write_plan"]

RESERVE = 2.0  # slots for each valid participant wanted
MOST_TRIALS = 5_000_000  # of all slots together

Row = dict[str, Any]


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

    Args:
        protocol: the study.
        identities: those of its corpus (`corpora.identities_of`).

    Raises:
        PlanError: the design is impossible; the message names the nearest that is not.
    """
    stimuli = plan_stimuli(protocol, identities)
    lists = make_lists(protocol, stimuli, identities)
    sessions = [make_session(protocol, one) for one in lists]
    rows = [
        row
        for slot in range(1, _slots(protocol, sessions) + 1)
        for row in slot_rows(protocol, slot, sessions, stimuli)
    ]
    trials = pd.DataFrame(rows)
    return Plan(protocol, stimuli, lists, trials, weigh(protocol, identities, trials))


def write_plan(study: Study, protocol: Protocol, identities: Sequence[Identity]) -> Path:
    """Write plan/trials.csv and plan/balance.csv; returns the path of the trials.

    A plan that is there is kept, unless the quota has grown beyond its slots: then slots are added.
    """
    path = study.plan / NAME
    if not path.is_file() or _too_short(study, protocol):
        planned = make_plan(protocol, identities)
        write_table(planned.balance.counts, study.plan / "balance.csv", ",")
        write_trials(planned.trials, study.plan, protocol.factors)
    return path


def _too_short(study: Study, protocol: Protocol) -> bool:
    """Whether some list of the written plan has fewer slots than valid participants wanted."""
    slots = read_trials(study.plan).groupby("list")["slot"].nunique()
    return bool(slots.min() < protocol.recruitment.per_list)


def _slots(protocol: Protocol, sessions: Sequence[Session]) -> int:
    """Number of slots, refused if nobody could hold that many trials."""
    slots = len(sessions) * math.ceil(protocol.recruitment.per_list * RESERVE)
    longest = max(len(session.items) for session in sessions)
    if slots * longest > MOST_TRIALS:
        possible = int(MOST_TRIALS / (len(sessions) * longest * RESERVE))
        raise PlanError(
            f"recruitment.per_list: found {protocol.recruitment.per_list}; {len(sessions)} lists "
            f"of {longest} trials make too long a plan (more than {MOST_TRIALS} trials); use "
            f"{possible} at most"
        )
    return slots


def slot_rows(
    protocol: Protocol, slot: int, sessions: Sequence[Session], stimuli: Sequence[Stimulus]
) -> list[Row]:
    """The trials of one slot: practice, then blocks with repeats, attention checks and pauses."""
    session, turn = sessions[(slot - 1) % len(sessions)], (slot - 1) // len(sessions)
    practice = [s for s in stimuli if s.role == "practice" and _sees(protocol, session, s)]
    rows = [_row(slot, session, 0, "practice", stimulus) for stimulus in practice]
    rows += _rated(protocol, slot, session, turn)
    every = protocol.design.breaks.every if protocol.design.breaks else None
    first: dict[str, int] = {}  # stimulus -> trial of its first rating
    for trial, row in enumerate(rows, 1):
        row["trial"] = trial
        if row["kind"] == "rating":
            first[row["stimulus_id"]] = trial
        if row["kind"] == "repeat":
            row["repeat_of"] = first[row["stimulus_id"]]
        done = trial - 1 - len(practice)
        row["pause"] = bool(every and done > 0 and done % every == 0)
    return rows


def _sees(protocol: Protocol, session: Session, stimulus: Stimulus) -> bool:
    """Whether the participants of a session see the stimulus's levels of the between factors."""
    levels = session.items[0].levels
    return all(stimulus.levels[f] == levels[f] for f in protocol.design.between)


def _rated(protocol: Protocol, slot: int, session: Session, turn: int) -> list[Row]:
    """Ratings, repeats and attention checks of one slot."""
    blocks = session.order(slot, turn)
    shown = [item for block in blocks for item in block]
    block_of = [number for number, block in enumerate(blocks, 1) for _ in block]
    seen: set[str] = set()
    rows = []
    for item, block in zip(shown, block_of, strict=True):
        stimulus = session.items[item]
        kind = "repeat" if stimulus.id in seen else "rating"
        seen.add(stimulus.id)
        rows.append(_row(slot, session, block, kind, stimulus))
    for place, item, check in _checks(protocol, slot, session, shown, block_of):
        row = _row(slot, session, block_of[place], "attention", session.items[item])
        rows.insert(place, {**row, "check": check})
    return rows


def _checks(
    protocol: Protocol, slot: int, session: Session, shown: list[int], block_of: list[int]
) -> Iterator[tuple[int, int, str]]:
    """Place, item and id of every attention check, the last first.

    One in each equal part of the session, never as its first trial. It shows a stimulus of its
    block that was rated before, so that no first impression is spent, at a place where it breaks
    no rule; where there is none, any stimulus of the block.
    """
    checks = protocol.design.attention
    rng = generator_of(protocol.seed, f"attention in slot {slot}")
    edges = np.linspace(min(1, len(shown) - 1), len(shown), len(checks) + 1).astype(int).tolist()
    place_of = {item: place for place, item in enumerate(shown)}
    sequence = list(shown)
    for check, low, high in reversed(list(zip(checks, edges[:-1], edges[1:], strict=True))):
        places = rng.permutation(range(low, max(high, low + 1))).tolist()
        items = rng.permutation(shown).tolist()
        inside = [(p, i) for p in places for i in items if block_of[place_of[i]] == block_of[p]]
        rated = [(p, i) for p, i in inside if place_of[i] < p - 1]
        keeping = (pair for pair in (*rated, *inside) if session.fits(sequence, *pair))
        place, item = next(keeping, inside[0])
        sequence.insert(place, item)
        yield place, item, check.id


def _row(slot: int, session: Session, block: int, kind: str, stimulus: Stimulus) -> Row:
    return {
        "slot": slot,
        "list": session.shown.number,
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
