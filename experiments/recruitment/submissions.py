"""Each submission on Prolific beside the session here.

Statuses of a submission (Prolific's API reference): RESERVED, ACTIVE, TIMED-OUT, AWAITING REVIEW,
APPROVED, PARTIALLY APPROVED, RETURNED, REJECTED, SCREENED OUT. A place on Prolific is taken by who
is active, awaits review or is approved. Addresses that the list may hold are not read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from experiments.errors import StudyError
from experiments.recruitment import ids
from experiments.recruitment.client import Prolific
from experiments.recruitment.ids import Known
from experiments.recruitment.notes import Notes
from experiments.store import Store
from protocols.study import Study

SUBMISSIONS = "/api/v1/submissions/"
SUBMITTED = ("AWAITING REVIEW", "APPROVED", "PARTIALLY APPROVED")
GONE = ("RETURNED", "TIMED-OUT", "REJECTED", "SCREENED OUT")
LEFT = ("RETURNED", "TIMED-OUT")  # their places are given away here too
NO_SESSION = "no session"


@dataclass(frozen=True)
class Pair:
    """One submission and the session that belongs to it.

    Attributes:
        submission: Prolific's id.
        external: Prolific's id of the participant.
        there: status on Prolific.
        known: the session here, if there is one.
        code: completion code that was entered.
    """

    submission: str
    external: str
    there: str
    known: Known | None
    code: str | None = None

    @property
    def here(self) -> str:
        """Status of the session here."""
        return self.known.status if self.known else NO_SESSION

    @property
    def counts(self) -> bool:
        """Whether the session is complete and valid."""
        return self.known is not None and self.here == "completed" and bool(self.known.valid)

    @property
    def left(self) -> bool:
        """Whether this person has gone without finishing, and has not come in anew since."""
        return (
            self.known is not None
            and self.here == "active"
            and self.there in GONE
            and self.known.submission in (None, self.submission)
        )

    @property
    def remark(self) -> str:
        """What a researcher should look at; empty if the two fit together."""
        finished = self.here == "completed"
        if finished and self.there in ("ACTIVE", "RESERVED"):
            return "finished here, not yet submitted"
        if finished and self.there in LEFT:
            return f"finished here, but {self.there.lower()}: pay by hand or with a bonus"
        if not finished and self.there in SUBMITTED:
            return "submitted without finishing here: look at it before you approve"
        if self.left:
            return f"{self.there.lower()}: the place is free for somebody else"
        if finished and self.known is not None and not self.known.valid:
            return f"excluded ({self.known.reason}): pay, and replace"
        return ""


def prolific_study(study: Study, store: Store | None, given: str | None = None) -> str:
    """The study's id on Prolific: as given, as drafted, or as the participants' links say.

    Raises:
        StudyError: nobody knows it.
    """
    found = given or Notes(study).prolific_study()
    if found:
        return found
    if store is not None:
        with store.read() as db:
            named = {known.study for known in ids.known_people(db) if known.study}
        if len(named) == 1:
            return named.pop()
    raise StudyError(
        f"{study.folder}: its id on Prolific is not known; give it with --study (it stands in the "
        "address of the study's page on Prolific)"
    )


def pairs_of(prolific: Prolific, study_id: str, people: Iterable[Known]) -> list[Pair]:
    """Every submission of a study beside its session."""
    by_submission: dict[str, Known] = {}
    by_person: dict[str, Known] = {}
    for known in people:
        by_person[known.external] = known
        if known.submission:
            by_submission[known.submission] = known
    pairs = []
    for row in prolific.pages(SUBMISSIONS, study=study_id):
        submission = str(row.get("id", ""))
        external = str(row.get("participant_id") or row.get("participant") or "")
        known = by_submission.get(submission) or by_person.get(external)
        pairs.append(Pair(submission, external, _status(row), known, row.get("study_code") or
                          row.get("entered_code")))  # fmt: skip
    return pairs


def free_places(store: Store, pairs: Iterable[Pair], now: float) -> int:
    """Give away the places of those who returned their submission or ran out of time.

    Returns how many held one at `now`, in seconds since 1970.
    """
    freed = 0
    with store.write() as db:
        for pair in pairs:
            if pair.known is not None and pair.left and pair.there in LEFT:
                freed += ids.free_place(db, pair.known.session, now)
    return freed


def lines_of(pairs: list[Pair]) -> list[str]:
    """Counts of both statuses, then a line for each submission that asks for attention."""
    counts = Counter((pair.there, pair.here) for pair in pairs)
    lines = [f"{n:5d}  {there.lower()} on Prolific, {here} here"
             for (there, here), n in sorted(counts.items())]  # fmt: skip
    odd = [f"{p.known.participant if p.known else p.submission}: {p.remark}"
           for p in pairs if p.remark]  # fmt: skip
    return [*lines, *odd]


def _status(row: dict[str, Any]) -> str:
    """AWAITING REVIEW and AWAITING_REVIEW are the same, as are TIMED-OUT and TIMED OUT."""
    words = str(row.get("status", "")).upper().replace("_", " ")
    return "TIMED-OUT" if words in ("TIMED OUT", "TIMED-OUT") else words
