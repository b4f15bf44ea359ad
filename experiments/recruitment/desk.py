"""One desk for the verbs of recruitment, whichever platform the study is on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.blocking import not_beside
from experiments.database import holds_sessions
from experiments.errors import StudyError
from experiments.plan import read_plan
from experiments.recruitment import bonuses as paying
from experiments.recruitment import draft as drafting
from experiments.recruitment import ids, payment, submissions
from experiments.recruitment.bonuses import Bonuses
from experiments.recruitment.client import Prolific
from experiments.recruitment.ids import Known
from experiments.recruitment.money import shown
from experiments.recruitment.notes import Notes
from experiments.recruitment.offer import offer_of
from experiments.recruitment.payment import Replacement
from experiments.recruitment.submissions import Pair
from experiments.server import open_store
from experiments.store import Store
from protocols.study import Study

SOURCE = "web"


@dataclass(frozen=True)
class Drafted:
    """What would be made on the platform, and what of it must be set by hand."""

    values: dict[str, Any]
    unknown: tuple[str, ...]


class Desk:
    """What both platforms share: the sessions of the study."""

    def __init__(self, study: Study) -> None:
        """Open the study's sessions, if there are any yet."""
        self.study, self.protocol = study, study.protocol()
        pay = self.protocol.recruitment.pay
        self.currency = pay.currency if pay else "GBP"
        self.store: Store | None = None
        if holds_sessions(study, SOURCE):
            self.store = open_store(study, SOURCE, read_plan(study, self.protocol))

    def close(self) -> None:
        """Close the sessions."""
        if self.store is not None:
            self.store.close()

    def people(self) -> list[Known]:
        """Everybody whose id of the platform is stored."""
        if self.store is None:
            return []
        with self.store.read() as db:
            return ids.known_people(db)

    def free(self, pairs: list[Pair], now: float | None = None) -> int:
        """Free the places of those who have gone; returns how many. `now`: default the clock."""
        if self.store is None:
            return 0
        return submissions.free_places(self.store, pairs, time.time() if now is None else now)

    def bonuses(self, file: Path) -> Bonuses:
        """A file of bonuses, checked, and refused if it was paid."""
        found = paying.read_bonuses(file, self.people())
        paying.refuse_paid(self.study, found)
        return found

    @property
    def wanted(self) -> int:
        """Valid participants wanted."""
        return offer_of(self.study).places

    def taken(self, pairs: list[Pair]) -> int:
        """Submissions that take a place on the platform but fill none here."""
        return payment.places_taken(pairs, self.protocol.recruitment.per_list)


class ProlificDesk(Desk):
    """The verbs on Prolific."""

    def __init__(self, study: Study, prolific: Prolific, study_id: str | None) -> None:
        """`study_id`: on Prolific; None: as drafted, or as the links say."""
        super().__init__(study)
        self.prolific, self.given = prolific, study_id
        self.made: dict[str, Any] = {}

    @property
    def study_id(self) -> str:
        """The study's id on Prolific."""
        return submissions.prolific_study(self.study, self.store, self.given)

    def draft(self, address: str | None) -> Drafted:
        """The draft, compared with Prolific's filters."""
        found = drafting.draft_of(self.study, self.prolific, address)
        return Drafted(found.body, found.unknown)

    def make(self, draft: Drafted) -> str:
        """Make the draft; says where it is."""
        made = drafting.make_draft(
            self.study, self.prolific, drafting.Draft(draft.values, draft.unknown)
        )
        return f"draft {made}: look at it on https://app.prolific.com/researcher/studies/{made}"

    def pairs(self) -> list[Pair]:
        """Every submission beside its session."""
        return submissions.pairs_of(self.prolific, self.study_id, self.people())

    def approve(self, ready: list[Pair]) -> None:
        """Approve submissions."""
        payment.approve(self.prolific, ready)

    def needed(self, pairs: list[Pair]) -> Replacement:
        """Places that are needed."""
        return payment.replacement(self.prolific, self.study_id, self.wanted, self.taken(pairs))

    def replace(self, needed: Replacement) -> None:
        """Raise the places."""
        payment.replace(self.prolific, self.study_id, needed.places)

    def set_up(self, found: Bonuses) -> str:
        """Prepare a payment; says what it will cost, with fees where Prolific tells them."""
        self.made = paying.set_up(self.prolific, self.study_id, found)
        total = self.made.get("total_amount")
        cost = f", {total} in all with fees, as Prolific counts (cents)" if total else ""
        return f"set up as {self.made['id']}{cost}; not paid yet"

    def pay(self, found: Bonuses) -> None:
        """Pay what was set up."""
        paying.pay(self.study, self.prolific, found, self.made)


class MTurkDesk(Desk):
    """The same verbs on Mechanical Turk."""

    def __init__(self, study: Study, turk: Any) -> None:
        """`turk`: `experiments.recruitment.mturk.MTurk`."""
        super().__init__(study)
        self.turk = turk
        self.address: str | None = None
        self.currency = "USD"

    @property
    def hit(self) -> str:
        """The id of the study's HIT."""
        known = Notes(self.study).hit(self.turk.live)
        if known is None:
            where = "live" if self.turk.live else "in the sandbox (--live for the other)"
            raise StudyError(f"{self.study.folder}: no HIT {where} yet; run mien recruit draft")
        return known["id"]

    def draft(self, address: str | None) -> Drafted:
        """The HIT, without the qualifications that shut people out; see `make`."""
        from experiments.recruitment.mturk import hit_of

        hit, self.address = hit_of(self.study, (), address), address
        missing = not_beside(self.study, self.protocol.recruitment.block)
        return Drafted(hit.values, (*hit.unknown, *missing))

    def make(self, draft: Drafted) -> str:
        """Make the HIT; says where it is.

        Workers of blocked studies are given a qualification, and with it neither see nor get it.
        """
        from experiments.recruitment.mturk import hit_of

        shut = []
        for other in map(self.study.beside, self.protocol.recruitment.block):
            if other.protocol_file.is_file():
                before = Desk(other)
                shut.append(self.turk.qualification(other.folder.name))
                self.turk.mark(shut[-1], before.people())
                before.close()
        made = self.turk.make_hit(self.study, hit_of(self.study, shut, self.address))
        return f"HIT {made} {'live' if self.turk.live else 'in the sandbox'}"

    def pairs(self) -> list[Pair]:
        """Every assignment beside its session."""
        return self.turk.pairs(self.hit, self.people())

    def approve(self, ready: list[Pair]) -> None:
        """Approve assignments."""
        self.turk.approve(ready)

    def needed(self, pairs: list[Pair]) -> Replacement:
        """Assignments that are needed."""
        return self.turk.replacement(self.hit, self.wanted, self.taken(pairs))

    def replace(self, needed: Replacement) -> None:
        """Add assignments."""
        self.turk.replace(self.hit, needed)

    def set_up(self, found: Bonuses) -> str:
        """Nothing is prepared on Mechanical Turk; says what will be paid."""
        return f"{shown(found.total, self.currency)} in all, without Amazon's fee; not paid yet"

    def pay(self, found: Bonuses) -> None:
        """Send the bonuses."""
        self.turk.pay(self.study, found)
        Notes(self.study).keep_paid(
            found.digest, people=len(found.each), total=str(found.total), live=self.turk.live
        )


@contextmanager
def desk_of(
    study: Study, api: str, live: bool, study_id: str | None = None
) -> Iterator[ProlificDesk | MTurkDesk]:
    """The desk of a study's platform.

    Raises:
        StudyError: the platform has no interface, or there are no credentials.
    """
    platform = study.protocol().recruitment.platform
    if platform == "prolific":
        with Prolific(api) as prolific:
            desk = ProlificDesk(study, prolific, study_id)
            try:
                yield desk
            finally:
                desk.close()
    elif platform == "mturk":
        from experiments.recruitment.mturk import MTurk

        turk_desk = MTurkDesk(study, MTurk(live))
        try:
            yield turk_desk
        finally:
            turk_desk.close()
    else:
        raise StudyError(
            f"{study.folder}: recruitment.platform is {platform}; this verb is for prolific and "
            "mturk"
        )
