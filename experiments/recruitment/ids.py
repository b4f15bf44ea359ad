"""The platform's ids, apart from the answers: who came in by which submission and which link.

These rows tell who a participant is. They stand in `external_ids`, `external_visits` and
`external_links` only, and are deleted together once everybody is paid (`mien study purge`).
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from experiments.slots import LEASE_S
from experiments.store import (
    EXTERNAL_IDS,
    EXTERNAL_LINKS,
    EXTERNAL_VISITS,
    SESSIONS,
    hash_token,
)

CLOCKS_DIFFER = 30  # seconds that the clocks of who signs a link and of who reads it may differ


@dataclass(frozen=True)
class Known:
    """A session with the ids of its platform; `submission` is the latest of this participant."""

    session: int
    participant: str  # pseudonym
    external: str
    submission: str | None
    study: str | None  # the platform's
    status: str  # active | completed | withdrawn
    valid: bool | None
    reason: str | None
    list: int


def note_visit(
    db: Connection, participant: str, platform: str, study: str | None, submission: str, now: float
) -> None:
    """Note that `participant` (pseudonym) came in by this submission; the first note stays."""
    seen = sa.select(EXTERNAL_VISITS.c.session).where(EXTERNAL_VISITS.c.submission == submission)
    if db.execute(seen).first() is not None:
        return
    session = db.scalar(sa.select(SESSIONS.c.id).where(SESSIONS.c.participant == participant))
    db.execute(
        sa.insert(EXTERNAL_VISITS).values(
            submission=submission, session=session, platform=platform, study=study, time=now
        )
    )


def use_link(db: Connection, link: str, visit: str, expires: float, now: float) -> bool:
    """Whether `visit` may use the signed `link`: nobody else has; notes that it did.

    A page that asks again, after a lost connection or a reload, is the same visit. Links are
    forgotten once their signature is refused as expired anyhow, and not before.
    """
    refused = EXTERNAL_LINKS.c.expires < now - CLOCKS_DIFFER
    db.execute(sa.delete(EXTERNAL_LINKS).where(refused))
    known = sa.select(EXTERNAL_LINKS.c.visit_sha256).where(
        EXTERNAL_LINKS.c.sha256 == hash_token(link)
    )
    holder = db.scalar(known)
    if holder is not None:
        return holder == hash_token(visit)
    db.execute(
        sa.insert(EXTERNAL_LINKS).values(
            sha256=hash_token(link), visit_sha256=hash_token(visit), expires=expires
        )
    )
    return True


def known_people(db: Connection) -> list[Known]:
    """Everybody of whom the platform's id is (still) stored."""
    columns = (SESSIONS.c.id, SESSIONS.c.participant, EXTERNAL_IDS.c.external, SESSIONS.c.status,
               SESSIONS.c.valid, SESSIONS.c.reason, SESSIONS.c.list)  # fmt: skip
    people = sa.select(*columns).join(EXTERNAL_IDS, EXTERNAL_IDS.c.session == SESSIONS.c.id)
    visits = {row.session: row for row in db.execute(sa.select(EXTERNAL_VISITS).order_by("time"))}
    found = []
    for row in db.execute(people.order_by(SESSIONS.c.id)):
        visit = visits.get(row.id)
        found.append(
            Known(
                row.id,
                row.participant,
                row.external,
                visit.submission if visit else None,
                visit.study if visit else None,
                row.status,
                row.valid,
                row.reason,
                row.list,
            )  # fmt: skip
        )
    return found


def free_place(db: Connection, session: int, now: float) -> bool:
    """Give the place of somebody who has gone to the next; their answers stay as they are.

    Returns whether they held one: from now on it counts as long unused.
    """
    held = (SESSIONS.c.id == session) & (SESSIONS.c.status == "active")
    held &= SESSIONS.c.seen > now - LEASE_S
    return db.execute(sa.update(SESSIONS).where(held).values(seen=now - LEASE_S)).rowcount > 0
