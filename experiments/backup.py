"""`mien study backup`: a whole copy of the sessions, also while the server is running."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from experiments.database import database_of, holds_sessions
from experiments.errors import StudyError
from protocols.study import Study


def back_up(study: Study, out: Path) -> str:
    """Copy the sessions of the web study into a new file of SQLite, and check the copy.

    Everything that the server had confirmed when the copy began is in it. The server goes on.

    Args:
        study: a study with sessions in SQLite.
        out: the file to make; only its owner may read it, as there are participants' ids in it.

    Returns:
        What is in the copy, in a line.

    Raises:
        StudyError: no sessions, sessions in PostgreSQL, `out` is there already, or a damaged store.
    """
    if out.exists():
        raise StudyError(f"{out}: is there already; name another file")
    file = _file(study, out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StudyError(f"{out.parent}: cannot be made: {error.strerror}") from None
    handle, name = tempfile.mkstemp(dir=out.parent, prefix=f".{out.name}.")
    os.close(handle)
    part = Path(name)
    try:
        held = _copy(file, part)
        with part.open("rb") as copied:
            os.fsync(copied.fileno())
        part.rename(out)
    finally:
        part.unlink(missing_ok=True)
    return f"{out}: {held}; checked and whole"


def _file(study: Study, out: Path) -> Path:
    if not holds_sessions(study, "web"):
        raise StudyError(f"{study.data}: no sessions yet; run mien study serve {study.folder}")
    database = database_of(study, "web")
    database.engine.dispose()
    if database.schema is not None:
        address = database.name.split(" ")[0]
        raise StudyError(
            "the sessions are in PostgreSQL, which makes its own copies: "
            f"pg_dump --format=custom --schema={database.schema} --file='{out}' '{address}'"
        )
    return database.file


def _copy(file: Path, part: Path) -> str:
    """Copy in one step, so that all in it is of one moment; returns what is in it."""
    try:
        with closing(sqlite3.connect(file, timeout=30)) as here, closing(
            sqlite3.connect(part)
        ) as there:  # fmt: skip
            here.backup(there)
            there.execute("PRAGMA journal_mode=DELETE")  # one file, without a log beside it
            (found,) = there.execute("PRAGMA integrity_check(1)").fetchone()
            if found != "ok":
                raise StudyError(f"{file}: is damaged ({found}); nothing was copied")
            people, answers = (
                there.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
                for table in ("sessions", "answers")
            )
            return f"{people:,} participants, {answers:,} answers"
    except sqlite3.DatabaseError as error:
        raise StudyError(f"{file}: cannot be copied: {error}") from None
