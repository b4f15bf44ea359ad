"""Where a study's sessions are: a file of SQLite in it, or a schema of a PostgreSQL database.

Both are used in the same way: a transaction that writes has the sessions to itself from its first
statement on, and is on the disk when it ends. PostgreSQL's address is noted beside the data, in
`data/<source>.postgresql.json`, without its password: that is given with the address (the
variable MIEN_DATABASE) or kept where PostgreSQL's own programs look for it (PGPASSWORD, .pgpass).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Engine

from experiments.address import EXAMPLE, VARIABLE, Address
from experiments.errors import StudyError
from protocols.study import Study
from protocols.tables import write_whole

SOURCES = ("web", "simulation")


@dataclass(frozen=True)
class Database:
    """The sessions of one source, and how to reach them.

    Attributes:
        engine: opens connections.
        name: what messages call it; holds no password.
        file: SQLite's file, or the note of where PostgreSQL is.
        schema: PostgreSQL's schema; None: SQLite.
        anew: what to do to start without these sessions.
    """

    engine: Engine
    name: str
    file: Path
    schema: str | None
    anew: str


def holds_sessions(study: Study, source: str) -> bool:
    """Whether sessions of `source` were begun in the study, wherever they are stored."""
    return _file(study, source).is_file() or _note(study, source).is_file()


def sources_of(study: Study) -> list[str]:
    """The sources (web, simulation) that have sessions."""
    return [source for source in SOURCES if holds_sessions(study, source)]


def database_of(study: Study, source: str, address: str | None = None) -> Database:
    """Where the sessions of one source are, or will be.

    Args:
        study: the study; its folder's name names the schema.
        source: web or simulation.
        address: of a PostgreSQL database, for new sessions; None: where they are, else SQLite.

    Raises:
        StudyError: `address` is none, or the study's sessions are elsewhere already.
    """
    file, note = _file(study, source), _note(study, source)
    given = None if address is None else Address.read(address)
    if note.is_file():
        known, schema = _noted(note)
        if given is not None and not given.same(known):
            raise StudyError(
                f"{note}: names another database than {given}; change the note if the database "
                "has moved"
            )
        return _postgresql(given or known.with_secrets(), schema, note)
    if given is None:
        return sqlite_file(file)
    if file.is_file():
        raise StudyError(
            f"{file}: holds the sessions of this study already; move it away to start anew in "
            f"PostgreSQL, or go on without --database and without {VARIABLE}"
        )
    database = _postgresql(given, _schema(study, source), note)
    _refuse_unknown_sessions(database)
    told = {"url": str(given), "schema": database.schema}
    write_whole(note, (json.dumps(told, indent=2) + "\n").encode())
    return database


def sqlite_file(file: Path) -> Database:
    """A file of SQLite, made if need be."""
    file.parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(
        f"sqlite:///{file}", connect_args={"timeout": 30}, hide_parameters=True
    )
    sa.event.listen(engine, "connect", _configure_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return Database(
        engine, str(file), file, None, f"move {file.name} out of {file.parent}, or delete it"
    )


@cache
def insert_new(engine: str, table: sa.Table) -> Any:
    """An INSERT, for an engine of this name, that leaves rows alone whose key is there already."""
    dialect = sqlite if engine == "sqlite" else postgresql
    return dialect.insert(table).on_conflict_do_nothing()


def make_tables(db: Connection, tables: sa.MetaData) -> None:
    """Make what is missing: tables, and columns that an older mien did not have (all empty)."""
    tables.create_all(db)
    found = sa.inspect(db)
    for table in tables.sorted_tables:
        there = {column["name"] for column in found.get_columns(table.name)}
        for column in table.columns:
            if column.name not in there:
                kind = column.type.compile(db.dialect)
                db.exec_driver_sql(f'ALTER TABLE {table.name} ADD COLUMN "{column.name}" {kind}')


def wipe(database: Database, tables: Sequence[str]) -> None:
    """Let nothing of deleted rows remain in the database's own files.

    Raises:
        StudyError: somebody is using the database.
    """
    connection = database.engine.raw_connection()
    try:
        if database.schema is None:
            connection.cursor().execute("VACUUM")
            busy = connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            if busy:
                raise StudyError(
                    f"{database.name}: is in use, so deleted rows are still in its log; stop the "
                    "server and purge again"
                )
            return
        connection.driver_connection.autocommit = True  # type: ignore[union-attr]
        for table in tables:
            connection.cursor().execute(f'VACUUM FULL "{table}"')
        connection.driver_connection.autocommit = False  # type: ignore[union-attr]
    finally:
        connection.close()


def unusable(name: str, error: sa.exc.DBAPIError) -> StudyError:
    """What the database says, in one line, without what was being stored."""
    lines = str(error.orig).strip().splitlines() or [type(error.orig).__name__]
    return StudyError(f"{name}: cannot be used as a store of sessions: {lines[0]}")


def _file(study: Study, source: str) -> Path:
    return study.data / f"{source}.sqlite"


def _note(study: Study, source: str) -> Path:
    return study.data / f"{source}.postgresql.json"


def _configure_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # SQLAlchemy's own BEGIN, see _begin_sqlite
    for setting in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000",
                    "foreign_keys=ON", "secure_delete=ON"):  # fmt: skip
        connection.execute(f"PRAGMA {setting}")


def _begin_sqlite(db: Connection) -> None:
    reading = db.get_execution_options().get("reading", False)
    db.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _postgresql(address: Address, schema: str, note: Path) -> Database:
    """One schema, made if need be; every connection sees nothing else."""
    name = f"{address} (schema {schema})"
    digest = hashlib.sha256(f"mien {schema}".encode()).digest()
    lock = int.from_bytes(digest[:8], signed=True)  # an advisory lock is known by such a number

    def configure(connection: Any, _record: Any) -> None:
        connection.execute(f'SET search_path TO "{schema}"')
        connection.execute("SET synchronous_commit TO on")
        connection.commit()

    def begin(db: Connection) -> None:
        if db.get_execution_options().get("reading", False):
            db.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        else:
            db.exec_driver_sql(f"SELECT pg_advisory_xact_lock({lock})")

    try:
        engine = sa.create_engine(address.url, hide_parameters=True, pool_pre_ping=True)
    except ModuleNotFoundError:
        raise StudyError("PostgreSQL needs its driver: pip install psycopg[binary]") from None
    sa.event.listen(engine, "connect", configure)
    try:
        with engine.begin() as db:
            db.exec_driver_sql(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
    except sa.exc.DBAPIError as error:
        engine.dispose()
        raise unusable(name, error) from None
    sa.event.listen(engine, "begin", begin)
    anew = (
        f"delete {note.name} in {note.parent}, and rename or drop schema {schema} in the database"
    )
    return Database(engine, name, note, schema, anew)


def _refuse_unknown_sessions(database: Database) -> None:
    """Two folders never share sessions by accident: only the one with the note goes on."""
    if sa.inspect(database.engine).get_table_names(database.schema):
        database.engine.dispose()
        raise StudyError(
            f"{database.name}: holds sessions already, and {database.file} is not there to say "
            "that they are this study's; restore that file, or rename the study's folder"
        )


def _schema(study: Study, source: str) -> str:
    folder = re.sub(r"[^a-z0-9]+", "_", study.folder.resolve().name.lower())
    return f"mien_{folder[:40]}_{source}"


def _noted(note: Path) -> tuple[Address, str]:
    try:
        told = json.loads(note.read_text(encoding="utf-8"))
        if not re.fullmatch(r"[a-z0-9_]{1,63}", told["schema"]):
            raise ValueError(told["schema"])
        return Address.read(told["url"]), told["schema"]
    except (ValueError, KeyError, TypeError):
        raise StudyError(
            f'{note}: is no note of a database; write {{"url": "{EXAMPLE}", "schema": "…"}}'
        ) from None
