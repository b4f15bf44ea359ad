"""Amazon Mechanical Turk, for those who have an account: it takes no new customers since July 2026.

A HIT shows the study in a frame (ExternalQuestion). Everything goes to the sandbox unless `live` is
asked for. Credentials are those of boto3 (environment, ~/.aws); boto3 is imported here only, and
comes with the part `mturk`. Source: Amazon Mechanical Turk API Reference, version 2017-01-17.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import wraps
from typing import Any
from xml.sax.saxutils import escape

import boto3
import botocore.exceptions

from experiments.errors import StudyError
from experiments.recruitment.bonuses import Bonuses
from experiments.recruitment.ids import Known
from experiments.recruitment.notes import Notes
from experiments.recruitment.offer import asked_for, offer_of
from experiments.recruitment.payment import Replacement
from experiments.recruitment.submissions import Pair
from protocols.recruitment import Recruitment
from protocols.study import Study

REGION = "us-east-1"
SANDBOX = "https://mturk-requester-sandbox.us-east-1.amazonaws.com"
LIVE = "https://mturk-requester.us-east-1.amazonaws.com"
XML = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2006-07-14/ExternalQuestion.xsd"
DAY = 24 * 3600  # seconds
LIFETIME = 7 * DAY  # how long a HIT can be found
APPROVED_AFTER = 7 * DAY  # then Amazon approves by itself
AT_LEAST = 3600  # seconds that a worker has
STATUSES = {"Submitted": "AWAITING REVIEW", "Approved": "APPROVED", "Rejected": "REJECTED"}
LOCALE, RATE, HITS = "00000000000000000071", "000000000000000000L0", "00000000000000000040"
COUNTRIES = {
    "united states": "US", "usa": "US", "united kingdom": "GB", "canada": "CA", "australia": "AU",
    "ireland": "IE", "new zealand": "NZ", "germany": "DE", "austria": "AT", "switzerland": "CH",
    "india": "IN",
}  # fmt: skip
NUMBER = re.compile(r"^(more than|at least|>|≥|>=)?\s*(\d+)\s*%?$", re.I)
MORE = ("more than", ">")


@dataclass(frozen=True)
class Hit:
    """What `create_hit` gets, and what of the prescreening Mechanical Turk cannot filter."""

    values: dict[str, Any]
    unknown: tuple[str, ...]


def _in_one_line(work: Callable[..., Any]) -> Callable[..., Any]:
    """What Amazon or the connection says, as one line for the researcher."""

    @wraps(work)
    def done(*args: Any, **more: Any) -> Any:
        try:
            return work(*args, **more)
        except botocore.exceptions.ClientError as error:
            told = error.response.get("Error", {})
            message = " ".join(str(told.get("Message", "")).split())
            raise StudyError(f"Mechanical Turk: {told.get('Code', 'error')}: {message}") from None
        except botocore.exceptions.NoCredentialsError:
            raise StudyError(
                "Mechanical Turk: no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
            ) from None
        except botocore.exceptions.BotoCoreError as error:
            raise StudyError(f"Mechanical Turk: {' '.join(str(error).split())}") from None

    return done


class MTurk:
    """Mechanical Turk, in the sandbox or live."""

    def __init__(self, live: bool = False, client: Any = None) -> None:
        """`client`: of boto3; made from the environment's credentials if left out."""
        self.live = live
        self.client = client or boto3.client(
            "mturk", region_name=REGION, endpoint_url=LIVE if live else SANDBOX
        )

    @_in_one_line
    def make_hit(self, study: Study, hit: Hit) -> str:
        """Make the HIT once; returns its id, which is noted in the study."""
        notes = Notes(study)
        known = notes.hit(self.live)
        if known is not None:
            raise StudyError(
                f"{notes.file}: this study has a HIT already ({known['id']}); delete it there and "
                "its note here to make another"
            )
        made = self.client.create_hit(**hit.values)["HIT"]
        where = "hit-live" if self.live else "hit-sandbox"
        notes.keep(**{where: {"id": made["HITId"], "group": made.get("HITGroupId")}})
        return made["HITId"]

    @_in_one_line
    def pairs(self, hit: str, people: Iterable[Known]) -> list[Pair]:
        """Every assignment of a HIT beside its session."""
        by_person = {known.external: known for known in people}
        pairs, more = [], {}
        while True:
            page = self.client.list_assignments_for_hit(HITId=hit, MaxResults=100, **more)
            for one in page.get("Assignments", []):
                worker = one["WorkerId"]
                status = STATUSES.get(one["AssignmentStatus"], "")
                pairs.append(Pair(one["AssignmentId"], worker, status, by_person.get(worker)))
            if not page.get("NextToken"):
                return pairs
            more = {"NextToken": page["NextToken"]}

    @_in_one_line
    def approve(self, ready: Iterable[Pair]) -> None:
        """Approve assignments, excluded participants too."""
        for pair in ready:
            self.client.approve_assignment(AssignmentId=pair.submission)

    @_in_one_line
    def pay(self, study: Study, bonuses: Bonuses) -> None:
        """Send bonuses; each is noted once it is sent, so that another try sends the others."""
        notes = Notes(study)
        sent = notes.sent(bonuses.digest)
        for bonus in bonuses.each:
            if bonus.known.participant in sent:
                continue
            if bonus.known.submission is None:
                raise StudyError(f"{bonus.known.participant}: no assignment is stored; pay by hand")
            self.client.send_bonus(
                WorkerId=bonus.known.external, BonusAmount=str(bonus.amount),
                AssignmentId=bonus.known.submission, Reason=bonus.reason or "Thank you.",
                UniqueRequestToken=_token(bonuses.digest, bonus.known.participant),
            )  # fmt: skip
            sent.append(bonus.known.participant)
            notes.keep_sent(bonuses.digest, sent)

    @_in_one_line
    def replacement(self, hit: str, wanted: int, taken: int) -> Replacement:
        """How many assignments the HIT needs; asked twice, the answer is the same."""
        now = int(self.client.get_hit(HITId=hit)["HIT"]["MaxAssignments"])
        return Replacement(now, wanted, taken)

    @_in_one_line
    def replace(self, hit: str, needed: Replacement) -> None:
        """Add assignments."""
        self.client.create_additional_assignments_for_hit(
            HITId=hit, NumberOfAdditionalAssignments=needed.places - needed.now,
            UniqueRequestToken=_token(hit, str(needed.places)),
        )  # fmt: skip

    @_in_one_line
    def qualification(self, name: str) -> str:
        """The id of the qualification of those who took part in study `name`; made if need be."""
        wanted = f"Took part in {name}"
        more: dict[str, str] = {}
        while True:
            page = self.client.list_qualification_types(
                Query=wanted, MustBeRequestable=False, MustBeOwnedByCaller=True, MaxResults=100,
                **more,
            )  # fmt: skip
            for one in page.get("QualificationTypes", []):
                if one["Name"] == wanted:
                    return one["QualificationTypeId"]
            if not page.get("NextToken"):
                break
            more = {"NextToken": page["NextToken"]}
        made = self.client.create_qualification_type(
            Name=wanted, Description="Took part in an earlier study of these researchers.",
            QualificationTypeStatus="Active",
        )  # fmt: skip
        return made["QualificationType"]["QualificationTypeId"]

    @_in_one_line
    def mark(self, qualification: str, people: Iterable[Known]) -> int:
        """Give everybody the qualification, without a message; returns how many."""
        workers = sorted({known.external for known in people})
        for worker in workers:
            self.client.associate_qualification_with_worker(
                QualificationTypeId=qualification, WorkerId=worker, IntegerValue=1,
                SendNotification=False,
            )  # fmt: skip
        return len(workers)


def hit_of(study: Study, blocked: Iterable[str] = (), address: str | None = None) -> Hit:
    """The HIT of a study; nothing is sent.

    Args:
        study: a study with a plan, for Mechanical Turk.
        blocked: ids of qualifications that shut people out, see `MTurk.qualification`.
        address: of the study, https.

    Raises:
        StudyError: something of the offer is missing, or pay is not in dollars.
    """
    protocol = study.protocol()
    recruitment = protocol.recruitment
    if recruitment.platform != "mturk":
        raise StudyError(f"{protocol.name}: is for {recruitment.platform}, not Mechanical Turk")
    offer = asked_for(offer_of(study, address))
    if recruitment.pay is None or recruitment.pay.currency != "USD":
        raise StudyError(f"{protocol.name}: Mechanical Turk pays in USD; set recruitment.pay")
    needed, unknown = _requirements(recruitment)
    needed += [{"QualificationTypeId": one, "Comparator": "DoesNotExist",
                "ActionsGuarded": "DiscoverPreviewAndAccept"} for one in blocked]  # fmt: skip
    values = {
        "Title": offer.title,
        "Description": offer.description,
        "Keywords": "study, research, faces, rating",
        "Reward": str(offer.reward),
        "MaxAssignments": offer.places,
        "LifetimeInSeconds": LIFETIME,
        "AssignmentDurationInSeconds": max(AT_LEAST, 3 * 60 * (offer.minutes or 0)),
        "AutoApprovalDelayInSeconds": APPROVED_AFTER,
        "Question": external_question(offer.address or ""),
        "QualificationRequirements": needed,
        "UniqueRequestToken": _token(protocol.name, offer.address or "", str(offer.places)),
    }
    return Hit(values, tuple(unknown))


def external_question(address: str, height: int = 0) -> str:
    """The XML that shows `address` in a frame; height 0: as high as the window."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><ExternalQuestion xmlns="{XML}">'
        f"<ExternalURL>{escape(address)}</ExternalURL><FrameHeight>{height}</FrameHeight>"
        "</ExternalQuestion>"
    )


def _requirements(recruitment: Recruitment) -> tuple[list[dict[str, Any]], list[str]]:
    """Country, approval rate and number of approved HITs; a line for everything else."""
    needed, unknown = [], []
    for name, value in recruitment.prescreening.items():
        plain, words = name.lower(), value if isinstance(value, tuple) else (value,)
        number = NUMBER.match(str(value).strip())
        if plain in ("location", "country"):
            countries = [COUNTRIES.get(str(w).lower(), str(w)) for w in words]
            if all(re.fullmatch(r"[A-Z]{2}", country) for country in countries):
                needed.append({"QualificationTypeId": LOCALE, "Comparator": "In",
                               "LocaleValues": [{"Country": c} for c in countries],
                               "ActionsGuarded": "DiscoverPreviewAndAccept"})  # fmt: skip
                continue
        elif number and ("approval rate" in plain or "hits approved" in plain):
            more = (number[1] or "at least").lower() in MORE
            needed.append({"QualificationTypeId": RATE if "rate" in plain else HITS,
                           "Comparator": "GreaterThan" if more else "GreaterThanOrEqualTo",
                           "IntegerValues": [int(number[2])],
                           "ActionsGuarded": "DiscoverPreviewAndAccept"})  # fmt: skip
            continue
        unknown.append(f"{name}: Mechanical Turk has no such filter for '{value}'")
    return needed, unknown


def _token(*parts: str) -> str:
    """A word that is the same for the same request, so that it is done once; 64 characters."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
