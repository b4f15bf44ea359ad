"""`mien study purge`: once everybody is paid, platforms' ids go; answers and pseudonyms stay.

A table whose name begins with `external` tells who a participant is; nothing else in the store
does. In its place a keyed hash of each id stays, so that nobody takes part twice and blocking
works. Whoever has the store and an id can still tell whether they belong together: this is
pseudonymisation, not anonymisation; `forget` deletes hashes and key too.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from experiments.database import database_of, holds_sessions, wipe
from experiments.errors import StudyError
from experiments.slots import LEASE_S
from experiments.store import (
    ABOUT,
    EXTERNAL_IDS,
    EXTERNAL_LINKS,
    KEY_OF_HASHES,
    METADATA,
    PURGED_IDS,
    SESSIONS,
    TOKENS,
    Store,
    hash_external,
    note_about,
)
from protocols.study import Study

EXTERNAL = tuple(table for name, table in METADATA.tables.items() if name.startswith("external"))
RAW = tuple(table for table in EXTERNAL if table is not EXTERNAL_LINKS)  # that one holds hashes


@dataclass(frozen=True)
class Purged:
    """What there is to delete, or was deleted."""

    ids: int  # platforms' ids that are stored: of participants, and of their submissions
    tokens: int  # tokens that open sessions
    hashes: int = 0  # keyed hashes that a purge before this one left

    def __str__(self) -> str:
        """The counts in words."""
        hashes = f" and {self.hashes:,} hashes of ids" if self.hashes else ""
        return f"{self.ids:,} platform ids, {self.tokens:,} tokens{hashes}"


def purgeable(study: Study) -> Purged:
    """How much a purge would delete.

    Raises:
        StudyError: no sessions.
    """
    store = _store(study)
    try:
        with store.read() as db:
            return _count(db)
    finally:
        store.close()


def purge(study: Study, *, forget: bool = False, now: float | None = None) -> Purged:
    """Delete platforms' ids and tokens, from the file's bytes too; returns how many.

    Args:
        study: a study with sessions.
        forget: keep no hashes: who comes back is then taken for somebody new.
        now: seconds since 1970; default: the clock.

    Raises:
        StudyError: no sessions, or somebody is taking part.
    """
    store = _store(study)
    try:
        with store.write() as db:
            _refuse_while_active(db, time.time() if now is None else now)
            found = _count(db)
            if forget:
                db.execute(sa.delete(PURGED_IDS))
                db.execute(sa.delete(ABOUT).where(ABOUT.c.key == KEY_OF_HASHES))
            else:
                _keep_hashes(db)
            for table in (*EXTERNAL, TOKENS):
                db.execute(sa.delete(table))
        wipe(store.database, [table.name for table in (*EXTERNAL, TOKENS, PURGED_IDS)])
    finally:
        store.close()
    return found if forget else Purged(found.ids, found.tokens)


def _store(study: Study) -> Store:
    if not holds_sessions(study, "web"):
        raise StudyError(f"{study.data}: no sessions of participants; nothing to delete")
    return Store(database_of(study, "web"))


def _count(db: Connection) -> Purged:
    def count(table: sa.Table) -> int:
        return db.scalar(sa.select(sa.func.count()).select_from(table)) or 0

    return Purged(sum(map(count, RAW)), count(TOKENS), count(PURGED_IDS))


def _refuse_while_active(db: Connection, now: float) -> None:
    active = (SESSIONS.c.status == "active") & (SESSIONS.c.seen > now - LEASE_S)
    there = db.scalar(sa.select(sa.func.count()).where(active))
    if there:
        raise StudyError(
            f"{there} taking part at this moment (seen in the last {LEASE_S // 60} minutes), who "
            "could not go on; purge when they have finished"
        )


def _keep_hashes(db: Connection) -> None:
    key = db.scalar(sa.select(ABOUT.c.value).where(ABOUT.c.key == KEY_OF_HASHES))
    if key is None:
        key = secrets.token_hex(32)
        note_about(db, KEY_OF_HASHES, key)
    hashes = [{"hmac_sha256": hash_external(key, row.external), "session": row.session}
              for row in db.execute(sa.select(EXTERNAL_IDS))]  # fmt: skip
    if hashes:
        db.execute(sa.insert(PURGED_IDS), hashes)
