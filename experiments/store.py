"""Raw sessions in SQLite: who started, every answer, the questionnaire. Nothing is overwritten.

The first answer to a question wins; sending it again changes nothing. Every writing transaction
starts with BEGIN IMMEDIATE, so that two people never get the same place, and is on the disk
(synchronous = FULL) before the server says that it holds an answer. Times are seconds since
1970 (UTC). Tokens are stored as SHA-256 only; addresses and browsers' names are not stored at all.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.engine import Connection

from experiments.errors import StudyError

METADATA = sa.MetaData()
ABOUT = sa.Table(
    "about", METADATA,
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("value", sa.String, nullable=False),
)  # fmt: skip
SESSIONS = sa.Table(
    "sessions", METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("participant", sa.String, unique=True, nullable=False),
    sa.Column("slot", sa.Integer, nullable=False),
    sa.Column("list", sa.Integer, nullable=False),
    sa.Column("status", sa.String, nullable=False),  # active | completed | withdrawn
    sa.Column("valid", sa.Boolean),  # verdict of the exclusion rules, at completion
    sa.Column("reason", sa.String),  # first rule that failed
    sa.Column("over_quota", sa.Boolean, nullable=False, default=False),
    sa.Column("started", sa.Float, nullable=False),
    sa.Column("seen", sa.Float, nullable=False),  # last sign of life
    sa.Column("finished", sa.Float),
    sa.Column("device", sa.Text, nullable=False),  # JSON: size of window, refresh rate
)  # fmt: skip
EXTERNAL_IDS = sa.Table(  # apart from the answers, so that it can be deleted once all are paid
    "external_ids", METADATA,
    sa.Column("external", sa.String, primary_key=True),
    sa.Column("session", sa.ForeignKey("sessions.id"), nullable=False),
)  # fmt: skip
TOKENS = sa.Table(
    "tokens", METADATA,
EXTERNAL_VISITS = sa.Table(  # each way in: the platform's ids of its study and of the submission
    "external_visits", METADATA,
    sa.Column("submission", sa.String, primary_key=True),
    sa.Column("session", sa.ForeignKey("sessions.id"), nullable=False),
    sa.Column("platform", sa.String, nullable=False),
    sa.Column("study", sa.String),
    sa.Column("time", sa.Float, nullable=False),
)  # fmt: skip
EXTERNAL_LINKS = sa.Table(  # signed links that were used, and by which visit
    "external_links", METADATA,
    sa.Column("sha256", sa.String, primary_key=True),
    sa.Column("visit_sha256", sa.String, nullable=False),
    sa.Column("expires", sa.Float, nullable=False),
)  # fmt: skip
    sa.Column("sha256", sa.String, primary_key=True),
    sa.Column("session", sa.ForeignKey("sessions.id"), nullable=False),
)  # fmt: skip
_SAID = ("response", sa.Float), ("label", sa.Text), ("boxes", sa.Text), ("rt_ms", sa.Float)
ANSWERS = sa.Table(
    "answers", METADATA,
    sa.Column("session", sa.ForeignKey("sessions.id"), primary_key=True),
    sa.Column("trial", sa.Integer, primary_key=True),
    sa.Column("question", sa.String, primary_key=True),
    *(sa.Column(name, kind) for name, kind in _SAID),
    sa.Column("onset_ms", sa.Float),
    sa.Column("hidden_ms", sa.Float),
    sa.Column("details", sa.Text),  # JSON: events of the media
    sa.Column("time", sa.Float, nullable=False),
    sqlite_with_rowid=False,
)  # fmt: skip
QUESTIONNAIRE = sa.Table(
    "questionnaire", METADATA,
    sa.Column("session", sa.ForeignKey("sessions.id"), primary_key=True),
    sa.Column("question", sa.String, primary_key=True),
    *(sa.Column(name, kind) for name, kind in _SAID),
    sa.Column("time", sa.Float, nullable=False),
    sqlite_with_rowid=False,
)  # fmt: skip
BY_HAND = sa.Table(  # decisions of a researcher, each a row; the last one holds
    "by_hand", METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("session", sa.ForeignKey("sessions.id"), nullable=False),
    sa.Column("reason", sa.Text),  # why the session is excluded; NULL: no longer
    sa.Column("time", sa.Float, nullable=False),
)  # fmt: skip


class Store:
    """One SQLite file of sessions."""

    def __init__(self, file: Path) -> None:
        """Open `file`, making it and its tables if need be."""
        file.parent.mkdir(parents=True, exist_ok=True)
        self.file = file
        self.engine = sa.create_engine(f"sqlite:///{file}", connect_args={"timeout": 30})
        sa.event.listen(self.engine, "connect", _configure)
        sa.event.listen(self.engine, "begin", _begin)
        try:
            with self.write() as db:
                METADATA.create_all(db)
        except sa.exc.DatabaseError as error:
            raise StudyError(
                f"{file}: cannot be used as a store of sessions: {error.orig}"
            ) from None

    def close(self) -> None:
        """Close every connection; SQLite then folds its log into the file."""
        self.engine.dispose()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that nobody else writes into."""
        with self.engine.begin() as db:
            yield db

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A consistent view for reading; does not wait for writers."""
        with self.engine.connect().execution_options(reading=True) as db, db.begin():
            yield db

    def belongs_to(
        self,
        facts: Mapping[str, str],
        advice: str,
        before: Mapping[str, Collection[str]] = MappingProxyType({}),
    ) -> None:
        """Note `facts` (such as the plan's hash) in a new store; refuse a store of other facts.

        `before`: for a fact, earlier values that the present one continues.
        """
        with self.write() as db:
            known = {row.key: row.value for row in db.execute(sa.select(ABOUT))}
            for key, value in facts.items():
                if known.get(key, value) not in (value, *before.get(key, ())):
                    raise StudyError(f"{self.file}: was made with another {key}; {advice}")
                if known.get(key, value) != value:
                    db.execute(sa.update(ABOUT).where(ABOUT.c.key == key).values(value=value))
            new = [{"key": k, "value": v} for k, v in facts.items() if k not in known]
            if new:
                db.execute(insert(ABOUT), new)


def _configure(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # SQLAlchemy's own BEGIN, see _begin
    for setting in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000",
                    "foreign_keys=ON"):  # fmt: skip
        connection.execute(f"PRAGMA {setting}")


def _begin(db: Connection) -> None:
    reading = db.get_execution_options().get("reading", False)
    db.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def hash_token(token: str) -> str:
    """SHA-256 of a token, as it is stored."""
    return hashlib.sha256(token.encode()).hexdigest()


def session_of_token(db: Connection, token: str) -> sa.Row | None:
    """The session that `token` opens."""
    opens = sa.select(SESSIONS).join(TOKENS, TOKENS.c.session == SESSIONS.c.id)
    return db.execute(opens.where(TOKENS.c.sha256 == hash_token(token))).first()


def session_of_external(db: Connection, external: str) -> sa.Row | None:
    """The session of a platform's participant."""
    own = sa.select(SESSIONS).join(EXTERNAL_IDS, EXTERNAL_IDS.c.session == SESSIONS.c.id)
    return db.execute(own.where(EXTERNAL_IDS.c.external == external)).first()


def session_of_participant(db: Connection, participant: str) -> sa.Row | None:
    """The session of a pseudonym."""
    return db.execute(sa.select(SESSIONS).where(SESSIONS.c.participant == participant)).first()


def holders(db: Connection, now: float, lease_s: float) -> list[int]:
    """The slot of everyone who finished and is valid, or is active and was seen lately.

    Whom a researcher has excluded by hand holds none, though they may go on to the end.
    """
    done = (SESSIONS.c.status == "completed") & SESSIONS.c.valid
    active = (SESSIONS.c.status == "active") & (SESSIONS.c.seen > now - lease_s)
    active &= SESSIONS.c.valid.is_(None)
    return list(db.scalars(sa.select(SESSIONS.c.slot).where(done | active)))


def valid_on(db: Connection, number: int, but: int | None = None) -> int:
    """How many valid participants have finished on list `number`; `but`: a session left out."""
    done = (SESSIONS.c.list == number) & (SESSIONS.c.status == "completed") & SESSIONS.c.valid
    if but is not None:
        done &= SESSIONS.c.id != but
    return db.scalar(sa.select(sa.func.count()).where(done)) or 0


def add_session(db: Connection, external: str | None, **values: Any) -> sa.Row:
    """A new session, belonging to `external` where the platform named someone."""
    session = db.execute(insert(SESSIONS).values(**values).returning(SESSIONS)).one()
    if external is not None:
        db.execute(insert(EXTERNAL_IDS).values(external=external, session=session.id))
    return session


def add_token(db: Connection, session: int, token: str) -> None:
    """One more token that opens `session`; earlier ones stay good, for tabs still open."""
    db.execute(insert(TOKENS).values(sha256=hash_token(token), session=session))


def change_session(db: Connection, session: int, **values: Any) -> None:
    """Change status, verdict or last sign of life of a session."""
    db.execute(sa.update(SESSIONS).where(SESSIONS.c.id == session).values(**values))


def keep(db: Connection, table: sa.Table, rows: Iterable[Mapping[str, Any]]) -> None:
    """Store answers; where there is one already, the first stays."""
    rows = list(rows)
    if rows:
        db.execute(insert(table).on_conflict_do_nothing(), rows)


def note_about(db: Connection, key: str, value: str) -> None:
    """Note a fact about this store, in place of what was noted before."""
    if db.execute(sa.update(ABOUT).where(ABOUT.c.key == key).values(value=value)).rowcount == 0:
        db.execute(sa.insert(ABOUT).values(key=key, value=value))


def answered(db: Connection, session: int) -> set[tuple[int, str]]:
    """(trial, question) of every answer to a trial."""
    own = sa.select(ANSWERS.c.trial, ANSWERS.c.question).where(ANSWERS.c.session == session)
    return {(row.trial, row.question) for row in db.execute(own)}


def answered_at_the_end(db: Connection, session: int) -> set[str]:
    """Ids of the questions of the questionnaire that were answered."""
    own = sa.select(QUESTIONNAIRE.c.question).where(QUESTIONNAIRE.c.session == session)
    return set(db.scalars(own))


def rows_of(db: Connection, table: sa.Table, session: int | None = None) -> list[sa.Row]:
    """Rows of `table`, of one session or of all, in order of their keys."""
    rows = sa.select(table).order_by(*table.primary_key.columns)
    if session is not None:
        rows = rows.where(table.c.session == session)
    return list(db.execute(rows))


def to_json(value: Any) -> str | None:
    """Compact JSON, or None for None."""
    return None if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
