"""What a researcher decides by hand while a study runs: whom to exclude, and to let nobody in.

Decisions stand beside the verdict of the rules and are never deleted: each is a row of its own,
taking it back is another row, and the last one holds. Times are seconds since 1970 (UTC).
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from experiments.errors import StudyError
from experiments.store import ABOUT, BY_HAND, note_about

PREFIX = "by hand: "  # of the reason in participants.csv; no id of a rule looks like this
LONGEST = 200  # characters of a reason
PAUSED = "paused"  # key in `about`: since when nobody new is let in; empty: not paused


def worded(reason: str) -> str:
    """A reason on one line.

    Raises:
        StudyError: nothing was written, or too much.
    """
    reason = " ".join("".join(c if c.isprintable() else " " for c in reason).split())
    if not reason:
        raise StudyError("a reason is needed: it will stand in participants.csv")
    if len(reason) > LONGEST:
        raise StudyError(f"the reason has {len(reason)} characters; accepted: at most {LONGEST}")
    return reason


def decide(db: Connection, session: int, reason: str | None, now: float) -> None:
    """Exclude a session for `reason`; None takes that back."""
    db.execute(sa.insert(BY_HAND).values(session=session, reason=reason, time=now))


def excluded_by_hand(db: Connection) -> dict[int, str]:
    """Session -> reason, as it stands in participants.csv, for whom a decision holds."""
    rows = db.execute(sa.select(BY_HAND.c.session, BY_HAND.c.reason).order_by(BY_HAND.c.id))
    last = {row.session: row.reason for row in rows}
    return {session: PREFIX + reason for session, reason in last.items() if reason is not None}


def pause(db: Connection, now: float | None) -> None:
    """Let nobody new in from `now` on; None lets people in again."""
    note_about(db, PAUSED, "" if now is None else str(now))


def paused_since(db: Connection) -> float | None:
    """Since when nobody new is let in; None: people are let in."""
    found = db.scalar(sa.select(ABOUT.c.value).where(ABOUT.c.key == PAUSED))
    return float(found) if found else None
