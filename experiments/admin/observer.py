"""Counts how a study stands, from its store at one moment; see `experiments.admin.overview`."""

from __future__ import annotations

import json
import shutil
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from experiments.admin.behaviour import Behaviour, behaviour
from experiments.admin.overview import (
    HOUR,
    STATES,
    Overview,
    Person,
    Places,
    Quality,
    attention,
    state_of,
)
from experiments.decisions import excluded_by_hand, paused_since
from experiments.plan import Plan
from experiments.store import ANSWERS, SESSIONS, Store, rows_of
from protocols.protocol import Protocol

RECENT_H = 3.0  # hours from which the rate to come is guessed
LOOKED_AT = ("trial", "question", "response", "rt_ms", "hidden_ms", "details")  # of an answer
AT_ONCE = 500  # sessions in one query


class Observer:
    """Looks at a store again and again; of answers it reads only what is new."""

    def __init__(
        self, protocol: Protocol, plan: Plan, store: Store, data: Path, source: str = "web",
        clock: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        """`data` is the study's folder of raw sessions."""
        self.protocol, self.plan, self.store, self.data = protocol, plan, store, data
        self.source, self.clock = source, clock
        self.known: dict[int, tuple[int, Behaviour]] = {}  # session -> answers held, what they say

    def look(self) -> Overview:
        """How the study stands now; simulated people live in a time of their own."""
        with self.store.read() as db:
            sessions, by_hand = rows_of(db, SESSIONS), excluded_by_hand(db)
            self._read_answers(db)
            paused = paused_since(db)
        seen = max((session.seen for session in sessions), default=None)
        now = seen if self.source != "web" and seen is not None else self.clock()
        states = {session.id: state_of(session, now) for session in sessions}
        lists = tuple(self._places(number, sessions, states)
                      for number in sorted(set(self.plan.lists.values())))  # fmt: skip
        done = [session for session in sessions if session.status == "completed"]
        valid = [session for session in done if session.valid]
        total = _together(lists)
        overview = Overview(
            study=self.protocol.name,
            title=self.protocol.title,
            source=self.source,
            now=now,
            paused_since=paused,
            all=total,
            lists=lists,
            finished_last_hour=sum(session.finished > now - HOUR for session in done),
            finished_last_day=sum(session.finished > now - 24 * HOUR for session in done),
            by_hour=_by_hour(done, now),
            hours_to_go=_hours_to_go(total.left + total.active, sessions, valid, now),
            minutes=_quartiles([(s.finished - s.started) / 60 for s in valid]),
            reasons=_most_first(s.reason for s in sessions if states[s.id] == "excluded"),
            quality=self._quality([s for s in sessions if states[s.id] != "withdrawn"]),
            last_sign=seen,
            free_bytes=shutil.disk_usage(self.data).free,
            data_bytes=sum(file.stat().st_size for file in self.data.iterdir() if file.is_file()),
            people=tuple(
                self._person(session, states[session.id], session.id in by_hand, now)
                for session in sorted(sessions, key=lambda one: (-one.seen, one.id))
            ),
        )
        return replace(overview, attention=tuple(attention(overview)))

    def _places(self, number: int, sessions: list[Any], states: Mapping[int, str]) -> Places:
        wanted = self.protocol.recruitment.per_list
        own = [session for session in sessions if session.list == number]
        count = Counter(states[session.id] for session in own)
        held = [s.slot for s in own if states[s.id] in ("valid", "active")]
        free = {slot for slot, on in self.plan.lists.items() if on == number} - set(held)
        return Places(
            number=number,
            wanted=wanted,
            over_quota=sum(bool(s.over_quota) for s in own if states[s.id] == "valid"),
            left=max(0, min(wanted - len(held), len(free))),
            **{state: count[state] for state in STATES},
        )

    def _read_answers(self, db: Connection) -> None:
        """Bring `known` up to date; answers are never changed, so their number says what is new."""
        counted = sa.select(ANSWERS.c.session, sa.func.count(), SESSIONS.c.slot)
        counted = counted.join(SESSIONS, SESSIONS.c.id == ANSWERS.c.session)
        changed = {
            session: (number, slot)
            for session, number, slot in db.execute(
                counted.group_by(ANSWERS.c.session, SESSIONS.c.slot)
            )
            if self.known.get(session, (0,))[0] != number
        }
        columns = [ANSWERS.c[name] for name in ("session", *LOOKED_AT)]
        new = list(changed)
        for start in range(0, len(new), AT_ONCE):
            own = sa.select(*columns).where(ANSWERS.c.session.in_(new[start : start + AT_ONCE]))
            answers: dict[int, list[Any]] = {}
            for row in db.execute(own):
                answers.setdefault(row.session, []).append(row)
            for session, rows in answers.items():
                number, slot = changed[session]
                said = behaviour(self.protocol, self.plan.trials[slot], rows)
                self.known[session] = number, said

    def _behaviour(self, session: int) -> Behaviour:
        return self.known.get(session, (0, Behaviour()))[1]

    def _quality(self, sessions: list[Any]) -> Quality:
        found = [self._behaviour(session.id) for session in sessions]
        sums = {name: sum(getattr(one, name) for one in found) for name in
                ("trials", "hidden", "stalled", "failed", "timed", "fast", "slow", "checks",
                 "missed")}  # fmt: skip
        rates = (json.loads(session.device).get("refresh_hz") for session in sessions)
        return Quality(
            **sums,
            signs=_most_first(sign for one in found for sign in one.signs),
            refresh_hz=_most_first(str(round(hz)) if hz else "unknown" for hz in rates),
        )

    def _person(self, session: Any, state: str, by_hand: bool, now: float) -> Person:
        said = self._behaviour(session.id)
        planned = sum(trial.kind != "practice" for trial in self.plan.trials[session.slot])
        last = session.finished if session.finished is not None else session.seen
        return Person(
            participant=session.participant,
            list=session.list,
            slot=session.slot,
            state=state,
            reason=session.reason if state == "excluded" else None,
            by_hand=by_hand,
            over_quota=bool(session.over_quota) and state == "valid",
            trials=said.trials,
            planned=planned,
            minutes=round(max(0.0, last - session.started) / 60, 2),
            idle_s=round(max(0.0, now - session.seen), 1),
            signs=said.signs if state != "withdrawn" else (),
        )


def _together(lists: tuple[Places, ...]) -> Places:
    names = ("wanted", "over_quota", "left", *STATES)
    return Places(number=0, **{n: sum(getattr(one, n) for one in lists) for n in names})


def _by_hour(done: list[Any], now: float) -> tuple[tuple[int, int], ...]:
    hours = [[0, 0] for _ in range(24)]
    for session in done:
        ago = int((now - session.finished) // HOUR)
        if 0 <= ago < 24:
            hours[23 - ago][0] += 1
            hours[23 - ago][1] += bool(session.valid)
    return tuple((finished, valid) for finished, valid in hours)


def _hours_to_go(missing: int, sessions: list[Any], valid: list[Any], now: float) -> float | None:
    """Hours until `missing` more are valid, at the pace of the last RECENT_H hours."""
    if not missing:
        return 0.0
    window = RECENT_H * HOUR
    began = min((session.started for session in sessions), default=now)
    lately = sum(session.finished > now - window for session in valid)
    hours = min(now - began, window) / HOUR
    return missing * hours / lately if lately and hours > 0 else None


def _quartiles(minutes: list[float]) -> tuple[float, float, float] | None:
    if not minutes:
        return None
    if len(minutes) == 1:
        return minutes[0], minutes[0], minutes[0]
    low, middle, high = statistics.quantiles(minutes, n=4, method="inclusive")
    return low, middle, high


def _most_first(words: Iterable[Any]) -> dict[str, int]:
    return {str(word): count for word, count in Counter(words).most_common()}
