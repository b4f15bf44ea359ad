"""Raw sessions: who started, every answer, the questionnaire. Nothing is overwritten.

The first answer to a question wins; sending it again changes nothing. Every writing transaction
has the store to itself from its start, so that two people never get the same place, and is on the
disk before the server says that it holds an answer (see `experiments.database`). Times are seconds
since 1970 (UTC). Tokens are stored as SHA-256 only; addresses and browsers' names are not stored
at all.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from experiments.database import Database, insert_new, make_tables, unusable
from experiments.errors import Refused, StudyError
from experiments.writer import Writer

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
PURGED_IDS = sa.Table(  # what a purge keeps of the external ids, to know who comes back
    "purged_ids", METADATA,
    sa.Column("hmac_sha256", sa.String, primary_key=True),
    sa.Column("session", sa.ForeignKey("sessions.id"), nullable=False),
)  # fmt: skip
KEY_OF_HASHES = "key of purged ids"  # in `about`, once there was a purge
TOKENS = sa.Table(
    "tokens", METADATA,
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

# Statements that every answer needs: SQLAlchemy takes longer to make them than to execute them.
_OF_TOKEN = (
    sa.select(SESSIONS)
    .join(TOKENS, TOKENS.c.session == SESSIONS.c.id)
    .where(TOKENS.c.sha256 == sa.bindparam("sha256"))
)
_COUNTS = [sa.select(sa.func.count()).where(table.c.session == sa.bindparam("of"))
           for table in (ANSWERS, QUESTIONNAIRE)]  # fmt: skip
_COUNT = sa.select(_COUNTS[0].scalar_subquery() + _COUNTS[1].scalar_subquery())


@cache
def _change(names: tuple[str, ...]) -> sa.Update:
    new = {name: sa.bindparam(f"new_{name}") for name in names}
    return sa.update(SESSIONS).where(SESSIONS.c.id == sa.bindparam("changed")).values(new)


class Store:
    """The sessions of one source."""

    def __init__(self, database: Database) -> None:
        """Open `database`, making tables if need be."""
        self.database, self.engine = database, database.engine
        self.writer = Writer(self.write_together)
        self._turn = threading.RLock()  # SQLite's own waiting is not fair: it looks now and then
        self._mine = threading.local()  # .group: the transaction that this thread works in
        try:
            with self.write() as db:
                make_tables(db, METADATA)
        except sa.exc.DBAPIError as error:
            self.close()
            raise unusable(database.name, error) from None

    @property
    def file(self) -> Path:
        """SQLite's file, or the note of where PostgreSQL is."""
        return self.database.file

    def close(self) -> None:
        """Store what is waiting, and close every connection; SQLite then folds its log in."""
        self.writer.close()
        self.engine.dispose()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that nobody else writes into; a part of it inside `write_together`."""
        group = getattr(self._mine, "group", None)
        if group is None:
            with self._turn, self.engine.begin() as db:
                yield db
        else:
            with _savepoint(group):
                yield group

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A consistent view for reading; does not wait for writers."""
        with self.engine.connect().execution_options(reading=True) as db, db.begin():
            yield db

    def write_together(self, works: Sequence[Callable[[], Any]]) -> list[Any]:
        """Do several works, each of which calls `write`, in one transaction.

        What one of them has written is undone if it is refused; the others are stored. Nothing
        is stored until the end, so nobody may be told of it before.

        Returns:
            What each work returned, or how it was refused.

        Raises:
            Exception: what else went wrong, in the database or in one of the works; nothing is
                stored.
        """
        outcomes: list[Any] = []
        with self._turn, self.engine.begin() as db:
            self._mine.group = db
            try:
                for work in works:
                    try:
                        outcomes.append(work())
                    except Refused as refused:
                        outcomes.append(refused)
            finally:
                self._mine.group = None
        return outcomes

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
                    raise StudyError(f"{self.database.name}: was made with another {key}; {advice}")
                if known.get(key, value) != value:
                    db.execute(sa.update(ABOUT).where(ABOUT.c.key == key).values(value=value))
            new = [{"key": k, "value": v} for k, v in facts.items() if k not in known]
            if new:
                db.execute(sa.insert(ABOUT), new)


@contextmanager
def _savepoint(db: Connection) -> Iterator[None]:
    """A part of a transaction that is undone alone; SQLAlchemy's own costs as much as an answer."""
    cursor = db.connection.cursor()
    cursor.execute("SAVEPOINT part")
    try:
        yield
    except Refused:
        cursor.execute("ROLLBACK TO SAVEPOINT part")
        cursor.execute("RELEASE SAVEPOINT part")
        raise
    cursor.execute("RELEASE SAVEPOINT part")
    cursor.close()


def hash_external(key: str, external: str) -> str:
    """HMAC-SHA-256 of a platform's id, by which a purged store knows it again."""
    return hmac.digest(bytes.fromhex(key), external.encode(), "sha256").hex()


def hash_token(token: str) -> str:
    """SHA-256 of a token, as it is stored."""
    return hashlib.sha256(token.encode()).hexdigest()


def session_of_token(db: Connection, token: str) -> sa.Row | None:
    """The session that `token` opens."""
    return db.execute(_OF_TOKEN, {"sha256": hash_token(token)}).first()


def session_of_external(db: Connection, external: str) -> sa.Row | None:
    """The session of a platform's participant."""
    own = sa.select(SESSIONS).join(EXTERNAL_IDS, EXTERNAL_IDS.c.session == SESSIONS.c.id)
    found = db.execute(own.where(EXTERNAL_IDS.c.external == external)).first()
    return found or _session_of_purged(db, external)


def session_of_participant(db: Connection, participant: str) -> sa.Row | None:
    """The session of a pseudonym."""
    return db.execute(sa.select(SESSIONS).where(SESSIONS.c.participant == participant)).first()


def _session_of_purged(db: Connection, external: str) -> sa.Row | None:
    key = db.scalar(sa.select(ABOUT.c.value).where(ABOUT.c.key == KEY_OF_HASHES))
    if key is None:
        return None
    own = sa.select(SESSIONS).join(PURGED_IDS, PURGED_IDS.c.session == SESSIONS.c.id)
    return db.execute(own.where(PURGED_IDS.c.hmac_sha256 == hash_external(key, external))).first()


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
    session = db.execute(sa.insert(SESSIONS).values(**values).returning(SESSIONS)).one()
    if external is not None:
        db.execute(sa.insert(EXTERNAL_IDS).values(external=external, session=session.id))
    return session


def add_token(db: Connection, session: int, token: str) -> None:
    """One more token that opens `session`; earlier ones stay good, for tabs still open."""
    db.execute(sa.insert(TOKENS).values(sha256=hash_token(token), session=session))


def change_session(db: Connection, session: int, **values: Any) -> None:
    """Change status, verdict or last sign of life of a session."""
    new = {f"new_{name}": value for name, value in values.items()}
    db.execute(_change(tuple(values)), new | {"changed": session})


def keep(db: Connection, table: sa.Table, rows: Iterable[Mapping[str, Any]]) -> None:
    """Store answers; where there is one already, the first stays."""
    rows = list(rows)
    if rows:
        db.execute(insert_new(db.dialect.name, table), rows)


def note_about(db: Connection, key: str, value: str) -> None:
    """Note a fact about this store, in place of what was noted before."""
    if db.execute(sa.update(ABOUT).where(ABOUT.c.key == key).values(value=value)).rowcount == 0:
        db.execute(sa.insert(ABOUT).values(key=key, value=value))


def answered(db: Connection, session: int) -> set[tuple[int, str]]:
    """(trial, question) of every answer to a trial."""
    own = sa.select(ANSWERS.c.trial, ANSWERS.c.question).where(ANSWERS.c.session == session)
    return {(row.trial, row.question) for row in db.execute(own)}


def count_answers(db: Connection, session: int) -> int:
    """How many answers of a session are held, to trials and at the end."""
    return db.scalar(_COUNT, {"of": session}) or 0


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
