"""From raw sessions and imported files to `ratings.csv` and `participants.csv`.

Both tables are written anew from everything in `data/`, which itself is only read.
Answers of people who withdrew are left out; their row in `participants.csv` says so.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import pandas as pd

from experiments.answers import asked_at_the_end
from experiments.database import sources_of
from experiments.decisions import excluded_by_hand
from experiments.demographics import with_demographics
from experiments.errors import StudyError
from experiments.importing import imported_tables
from experiments.lab.sessions import brought, kept_sessions
from experiments.plan import Plan, Trial, read_plan
from experiments.server import open_store
from experiments.static import sessions as static
from experiments.store import ANSWERS, QUESTIONNAIRE, SESSIONS, Store, rows_of
from experiments.verdict import person
from protocols.asked import known_questions
from protocols.exclusions import verdict
from protocols.protocol import Protocol
from protocols.ratings import (
    BEFORE_FACTORS,
    COLUMNS,
    PEOPLE,
    write_participants,
    write_ratings,
)
from protocols.study import Study

NUMBERS = tuple(column.name for column in COLUMNS if column.kind == "number")
MEASURED = ("media_ms", "stalled_ms", "refresh_hz")  # in the details of an answer
STATUS = {"active": "incomplete", "completed": "completed", "withdrawn": "withdrawn"}


def export(study: Study) -> tuple[Path, Path]:
    """Write `ratings.csv` and `participants.csv`; returns their paths.

    Raises:
        StudyError: there are no data yet, or they belong to another plan.
    """
    protocol = study.protocol()
    more_ratings, more_people = imported_tables(study, protocol)
    sources = sources_of(study)
    played = bool(sources or brought(study) or static.brought(study))
    if not played and not more_ratings:
        raise StudyError(
            f"{study.data}: no data yet; run mien study serve, mien study import or mien simulate"
        )
    ratings: list[dict[str, Any]] = []
    people: list[dict[str, Any]] = []
    if played:
        for someone, answers in _played(study, protocol, sources):
            people.append(someone)
            ratings += answers
    asked = [name for q in asked_at_the_end(protocol) for name in (q.id, f"{q.id}_response")]
    columns = [*BEFORE_FACTORS, *protocol.factors,
               *(c.name for c in COLUMNS if c.name not in BEFORE_FACTORS)]  # fmt: skip
    table = _together(ratings, columns, more_ratings)
    persons = _together(people, [*(c.name for c in PEOPLE), *asked], more_people)
    persons = with_demographics(persons, study)
    return (
        write_ratings(_whole(table, COLUMNS), study.ratings_file, protocol.factors),
        write_participants(_whole(persons, PEOPLE), study.participants_file),
    )


def _together(
    rows: list[dict[str, Any]], columns: list[str], tables: list[pd.DataFrame]
) -> pd.DataFrame:
    """One table of these columns, from rows and further tables."""
    own = pd.DataFrame(rows, columns=columns)
    more = [table.reindex(columns=columns).astype(object) for table in tables]
    if not more:
        return own
    whole = pd.concat([own.astype(object), *more] if rows else more, ignore_index=True)
    numbers = [c for c in columns if c in NUMBERS or c.endswith("_response")]
    return whole.assign(**{c: pd.to_numeric(whole[c]).astype("Float64") for c in numbers})


def _sessions(
    store: Store, protocol: Protocol, plan: Plan, source: str
) -> Iterable[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Each session's row for participants.csv and its rows for ratings.csv."""
    with store.read() as db:
        sessions, by_hand = rows_of(db, SESSIONS), excluded_by_hand(db)
        order = {name: place for place, name in enumerate(known_questions(protocol))}
        in_order = sorted(
            rows_of(db, ANSWERS),
            key=lambda row: (row.session, row.trial, order[row.question]),
        )
        answers = _by_session(in_order)
        at_the_end = _by_session(rows_of(db, QUESTIONNAIRE))
    for session in sessions:
        said, asked = answers.get(session.id, []), at_the_end.get(session.id, [])
        yield _told(protocol, plan, source, session, said, asked, by_hand.get(session.id))


def _played(
    study: Study, protocol: Protocol, sources: list[str]
) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Everybody who played the plan: on the web, simulated, in the lab, without a server."""
    plan = read_plan(study, protocol)
    for source in sources:
        store = open_store(study, source, plan)
        yield from _sessions(store, protocol, plan, source)
        store.close()
    for kept in kept_sessions(study, protocol, plan):
        yield _told(protocol, plan, "lab", kept.person, kept.answers, kept.at_the_end)
    for kept in static.kept_sessions(study, protocol, plan):
        yield _told(protocol, plan, "web", kept.person, kept.answers, kept.at_the_end)


def _told(
    protocol: Protocol, plan: Plan, source: str, session: Any, said: list[Any], asked: list[Any],
    by_hand: str | None = None,
) -> tuple[dict[str, Any], list[dict[str, Any]]]:  # fmt: skip
    """One session's row for participants.csv and its rows for ratings.csv.

    `by_hand`: why a researcher excluded the session; a rule that fails goes before it.
    """
    trials = plan.trials[session.slot]
    known = person(protocol, trials, said, asked)
    failed = verdict(protocol.exclusions, session.status, known) or by_hand
    someone = _participant(session, source, failed, said, asked)
    if session.status == "withdrawn":
        return someone, []
    return someone, [
        _rating(protocol, session, trials[row.trial - 1], row, someone) for row in said
    ]


def _by_session(rows: Iterable[Any]) -> dict[int, list[Any]]:
    return {number: list(own) for number, own in groupby(rows, key=lambda row: row.session)}


def _participant(
    session: Any, source: str, failed: str | None, said: list[Any], asked: list[Any]
) -> dict[str, Any]:
    last = max((row.time for row in [*said, *asked]), default=None)
    replies = {}
    if session.status != "withdrawn":
        replies = {row.question: _one_line(row.label) for row in asked}
        replies |= {f"{row.question}_response": row.response for row in asked}
    return {
        "participant": session.participant,
        "source": source,
        "slot": session.slot,
        "list": session.list,
        "status": STATUS[session.status],
        "valid": failed is None,
        "exclusion_reason": failed,
        "started": _utc(session.started),
        "finished": _utc(last),
        **replies,
    }


def _rating(
    protocol: Protocol, session: Any, trial: Trial, row: Any, someone: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "study": protocol.name,
        **{key: someone[key] for key in
           ("source", "participant", "slot", "list", "valid", "exclusion_reason")},
        "block": trial.block,
        "trial": trial.number,
        "kind": trial.kind,
        "stimulus_id": trial.stimulus,
        "identity": trial.identity,
        **trial.levels,
        "repeat_of": trial.repeat_of,
        "check": trial.check,
        "question": row.question,
        "response": row.response,
        "label": _one_line(row.label),
        "rt_ms": row.rt_ms,
        "onset_ms": row.onset_ms,
        "hidden_ms": row.hidden_ms,
        **_measured(row.details),
        "time": _utc(row.time),
    }  # fmt: skip


def _measured(details: str | None) -> dict[str, float | None]:
    """What the player measured beside the times, where it is a number."""
    known = (json.loads(details) if details else None) or {}
    found = {name: known.get(name) for name in MEASURED}
    return {name: value if type(value) in (int, float) else None for name, value in found.items()}


def _whole(table: pd.DataFrame, columns: Iterable[Any]) -> pd.DataFrame:
    """Whole numbers without `.0`, truth as words, so that the file reads well."""
    for column in columns:
        if column.kind == "integer":
            table[column.name] = table[column.name].astype("Int64")
        elif column.kind == "yes-no":
            table[column.name] = table[column.name].map({True: "true", False: "false"})
    return table


def _one_line(text: str | None) -> str | None:
    """Typed text on one line; the store keeps it as it was typed."""
    return " ".join(text.split()) if text else None


def _utc(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    moment = datetime.fromtimestamp(seconds, tz=UTC)
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
