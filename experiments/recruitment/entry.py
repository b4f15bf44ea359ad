"""Who comes in, by what the study's address says of them.

Every id is checked for its characters before anything is done with it; where links are signed, the
signature decides who comes, and what else stands in the address must agree with it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from experiments.errors import Refused
from experiments.reception import Place, Reception
from experiments.recruitment import ids
from experiments.recruitment.notes import Notes
from experiments.recruitment.platforms import PREVIEW, needs_id, parameters
from experiments.store import Store
from protocols.study import Study

PLAIN = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True)
class Arrival:
    """Somebody at the door.

    Attributes:
        external: the platform's id of the participant.
        study: the platform's id of the study.
        submission: the platform's id of this submission or assignment.
        link: the signed token of the address, where links are signed.
        visit: random word of the browser that opened it.
        expires: until when the link is good, in seconds since 1970.
    """

    external: str | None
    study: str | None = None
    submission: str | None = None
    link: str | None = None
    visit: str = ""
    expires: float = 0.0


class Entry:
    """The door of one study. `clock` gives seconds since 1970."""

    def __init__(
        self, study: Study, store: Store, clock: Callable[[], float], signed: bool = True
    ) -> None:
        """`signed`: False lets people in without a signature, whatever the protocol says.

        Raises:
            StudyError: links must be signed, and no key is recorded.
        """
        protocol = study.protocol()
        self.recruitment = protocol.recruitment
        self.store, self.clock = store, clock
        self.names = parameters(self.recruitment)
        self.ours = Notes(study).prolific_study()
        self.read_link = None
        if signed and self.recruitment.signed != "none":
            from experiments.recruitment.signature import reader_of_links  # needs PyJWT

            self.read_link = reader_of_links(study, protocol, clock)

    def arrive(
        self,
        external: str | None,
        study: str | None = None,
        submission: str | None = None,
        signature: str | None = None,
        visit: str | None = None,
    ) -> Arrival:
        """Who comes, checked as far as the address alone tells.

        Args:
            external: the participant's id.
            study: the platform's study.
            submission: the platform's submission.
            signature: the token that signs the link.
            visit: a random word of the browser; a signed link serves the first one only.

        Raises:
            Refused: an id is missing or no plain word; the link is forged or has expired.
        """
        if external is None and needs_id(self.recruitment):
            raise Refused(422, "no-id", parameter=self.names.participant)
        for one in (external, study, submission, visit):
            if one is not None and not PLAIN.fullmatch(one):
                raise Refused(422, "wrong-id")
        if self.recruitment.platform == "mturk" and submission == PREVIEW:
            raise Refused(422, "preview")
        if self.read_link is None:
            return Arrival(external, study, submission)
        if signature is None or visit is None:
            raise Refused(403, "unsigned-link")
        signed = self.read_link(signature)
        if external != signed.participant:
            raise Refused(403, "forged-link")
        if signed.study is not None and (study, submission) != (signed.study, signed.submission):
            raise Refused(403, "forged-link")
        if self.ours is not None and study != self.ours:
            raise Refused(403, "forged-link")
        return Arrival(external, study, submission, signature, visit, signed.expires)

    def admit(self, desk: Reception, arrival: Arrival, device: dict[str, Any]) -> Place:
        """Let somebody in, once by each signed link, and keep by which submission they came.

        Raises:
            Refused: the link was used by another browser; or the desk refuses.
        """
        with self.store.write() as db:
            if arrival.link is not None and not ids.use_link(
                db, arrival.link, arrival.visit, arrival.expires, self.clock()
            ):
                raise Refused(403, "used-link")
        place = desk.admit(arrival.external, device)
        if arrival.submission is not None:
            with self.store.write() as db:
                ids.note_visit(
                    db, place.participant, self.recruitment.platform, arrival.study,
                    arrival.submission, self.clock(),
                )  # fmt: skip
        return place
