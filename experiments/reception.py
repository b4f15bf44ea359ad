"""The desk of a running study: lets people in, keeps their answers, tells them when they are done.

Every function here is one transaction; `experiments.server` puts them behind addresses.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row
from sqlalchemy.engine import Connection

from experiments import decisions
from experiments import store as rows
from experiments.answers import (
    Given,
    Question,
    WrongAnswer,
    asked,
    asked_at_the_end,
    questions_of,
)
from experiments.errors import Refused
from experiments.plan import Plan
from experiments.slots import LEASE_S, next_slot
from experiments.store import ANSWERS, QUESTIONNAIRE, Store
from experiments.verdict import person
from protocols.exclusions import COMPLETED, verdict
from protocols.protocol import Protocol


def random_code() -> str:
    """A pseudonym of ten hexadecimal digits that says nothing about the person."""
    return f"p{secrets.token_hex(5)}"


@dataclass(frozen=True)
class Place:
    """What a participant has of the study."""

    token: str
    participant: str
    status: str  # active | completed | withdrawn
    slot: int
    done: set[tuple[int, str]] = field(default_factory=set)  # (trial, question) held
    done_at_the_end: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Reception:
    """One study's desk. `clock` gives seconds since 1970; `new_code` a new pseudonym."""

    protocol: Protocol
    plan: Plan
    store: Store
    clock: Callable[[], float] = time.time
    new_code: Callable[[], str] = random_code
    taken_elsewhere: Callable[[str], bool] = lambda external: False

    def admit(self, external: str | None, device: dict[str, Any]) -> Place:
        """Give a participant the next place; who was here before gets the old one back.

        Raises:
            Refused: every list is full, or the person took part in a study that excludes them.
        """
        with self.store.write() as db:
            known = rows.session_of_external(db, external) if external else None
            if known is None:
                known = self._open(db, external, device)
            token = secrets.token_urlsafe(24)
            rows.add_token(db, known.id, token)
            return self._place(db, known, token)

    def resume(self, token: str) -> Place:
        """The place that `token` opens, as far as it has been filled."""
        with self.store.write() as db:
            return self._place(db, self._session(db, token), token)

    def keep(self, token: str, given: Iterable[Given]) -> int:
        """Store answers; returns how many answers of this participant are held in all.

        Raises:
            Refused: unknown token, or an answer that its question does not have.
        """
        with self.store.write() as db:
            session = self._session(db, token)
            if session.status == "active":
                self._store(db, session, list(given))
                rows.change_session(db, session.id, seen=self.clock())
            return rows.count_answers(db, session.id)

    def complete(self, token: str) -> str:
        """Close a session that holds every answer; returns the participant's pseudonym.

        Raises:
            Refused: 409 with the answers that are missing.
        """
        with self.store.write() as db:
            session = self._session(db, token)
            if session.status == "withdrawn":
                raise Refused(409, "withdrawn")
            if session.status == "active":
                self._refuse_gaps(db, session)
                self._finish(db, session)
            return session.participant

    def withdraw(self, token: str) -> None:
        """Stop taking part: the place is free again, and the answers are not exported."""
        with self.store.write() as db:
            session = self._session(db, token)
            rows.change_session(db, session.id, status="withdrawn", valid=False,
                                reason="withdrawn", finished=self.clock())  # fmt: skip

    def review(self) -> None:
        """Judge everyone who finished again, for rules may have changed between two runs."""
        with self.store.write() as db:
            for session in rows.rows_of(db, rows.SESSIONS):
                if session.status == "completed":
                    failed = self._verdict(db, session)
                    rows.change_session(db, session.id, valid=failed is None, reason=failed)

    def decide(self, participant: str, reason: str | None) -> None:
        """Exclude a participant by hand, which frees the place; None takes that back.

        Nothing is deleted, and the participant is not told: who is in mid-study may finish, and
        is paid. Rules that fail stay the reason, whatever is decided here.

        Raises:
            StudyError: the reason is empty or too long.
            Refused: there is no such participant, or they withdrew.
        """
        reason = None if reason is None else decisions.worded(reason)
        with self.store.write() as db:
            session = rows.session_of_participant(db, participant)
            if session is None or session.status == "withdrawn":
                raise Refused(404, "no-such-participant")
            decisions.decide(db, session.id, reason, self.clock())
            if session.status == "completed":
                rows.change_session(db, session.id, **self._judged(db, session))
            else:
                failed = decisions.excluded_by_hand(db).get(session.id)
                rows.change_session(db, session.id, reason=failed,
                                    valid=None if failed is None else False)  # fmt: skip

    def pause(self, paused: bool) -> None:
        """Let nobody new in, or let people in again; who has begun may always go on."""
        with self.store.write() as db:
            decisions.pause(db, self.clock() if paused else None)

    def _open(self, db: Connection, external: str | None, device: dict[str, Any]) -> Row:
        if external and self.taken_elsewhere(external):
            raise Refused(403, "took-part-elsewhere")
        if decisions.paused_since(db) is not None:
            raise Refused(409, "paused")
        now = self.clock()
        slot = next_slot(
            self.plan.lists, rows.holders(db, now, LEASE_S), self.protocol.recruitment.per_list
        )
        if slot is None:
            raise Refused(409, "full")
        return rows.add_session(
            db, external, participant=self.new_code(), slot=slot, list=self.plan.lists[slot],
            status="active", started=now, seen=now, device=rows.to_json(device),
        )  # fmt: skip

    def _session(self, db: Connection, token: str) -> Row:
        session = rows.session_of_token(db, token)
        if session is None:
            raise Refused(403, "unknown-token")
        return session

    def _place(self, db: Connection, session: Row, token: str) -> Place:
        if session.status == "active":
            rows.change_session(db, session.id, seen=self.clock())
        held, said = rows.answered(db, session.id), rows.answered_at_the_end(db, session.id)
        return Place(token, session.participant, session.status, session.slot, held, said)

    def _store(self, db: Connection, session: Row, given: list[Given]) -> None:
        at_the_end = {question.id: question for question in asked_at_the_end(self.protocol)}
        now = self.clock()
        answers, questionnaire = [], []
        for one in given:
            if one.trial is None:
                row = _row(session, at_the_end.get(one.question), one, now)
                questionnaire.append(row)
            else:
                trial = self.plan.trial(session.slot, one.trial)
                if trial is None:
                    raise Refused(422, "no-such-trial", trial=one.trial)
                question = questions_of(self.protocol, trial).get(one.question)
                row = _row(session, question, one, now)
                answers.append(row | _measured(one))
        rows.keep(db, ANSWERS, answers)
        rows.keep(db, QUESTIONNAIRE, questionnaire)

    def _refuse_gaps(self, db: Connection, session: Row) -> None:
        held = rows.answered(db, session.id)
        trials = self.plan.trials[session.slot]
        gaps = [t.number for t in trials
                if any((t.number, q.id) not in held for q in asked(self.protocol, t))]  # fmt: skip
        said = rows.answered_at_the_end(db, session.id)
        silent = [q.id for q in asked_at_the_end(self.protocol) if q.id not in said]
        if gaps or silent:
            raise Refused(409, "incomplete", trials=gaps, questionnaire=silent)

    def _finish(self, db: Connection, session: Row) -> None:
        """Judge right away: who is excluded makes room for the next."""
        rows.change_session(
            db, session.id, status="completed", finished=self.clock(), seen=self.clock(),
            **self._judged(db, session),
        )  # fmt: skip

    def _judged(self, db: Connection, session: Row) -> dict[str, Any]:
        """Whether a session counts, why not, and whether its list was full without it."""
        failed = self._verdict(db, session)
        others = rows.valid_on(db, session.list, but=session.id)
        full = others >= self.protocol.recruitment.per_list
        return {"valid": failed is None, "reason": failed, "over_quota": failed is None and full}

    def _verdict(self, db: Connection, session: Row) -> str | None:
        someone = person(
            self.protocol,
            self.plan.trials[session.slot],
            rows.rows_of(db, ANSWERS, session.id),
            rows.rows_of(db, QUESTIONNAIRE, session.id),
        )
        by_rules = verdict(self.protocol.exclusions, COMPLETED, someone)
        return by_rules or decisions.excluded_by_hand(db).get(session.id)


def _row(session: Row, question: Question | None, given: Given, now: float) -> dict[str, Any]:
    if question is None:
        raise Refused(422, "no-such-question", question=given.question)
    try:
        reply = question.reply(given)
    except WrongAnswer as error:
        raise Refused(422, "wrong-answer", message=str(error)) from None
    row = {"session": session.id, "question": question.id, "response": reply.response,
           "label": reply.label, "boxes": rows.to_json(reply.boxes), "rt_ms": given.rt_ms,
           "time": now}  # fmt: skip
    return row if given.trial is None else row | {"trial": given.trial}


def _measured(given: Given) -> dict[str, Any]:
    details = rows.to_json(given.details)
    return {"onset_ms": given.onset_ms, "hidden_ms": given.hidden_ms, "details": details}
