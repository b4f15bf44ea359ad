"""`mien recruit draft`: the study as a draft on Prolific, made from the protocol.

A draft is never published from here: look at it on Prolific first. Sources: Prolific's API
reference, "Create a draft study", "Filters", "Study Distribution (Quotas) with Filters".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from experiments.errors import StudyError
from experiments.recruitment.client import Prolific
from experiments.recruitment.codes import ways_out
from experiments.recruitment.filters import match_filters
from experiments.recruitment.money import in_cents
from experiments.recruitment.notes import Notes
from experiments.recruitment.offer import Offer, asked_for, offer_of
from protocols.recruitment import Recruitment
from protocols.study import Study

STUDIES = "/api/v1/studies/"
FILTERS = "/api/v1/filters/"


@dataclass(frozen=True)
class Draft:
    """What is sent, and what of the prescreening Prolific has no filter for."""

    body: dict[str, Any]
    unknown: tuple[str, ...]


def draft_of(study: Study, prolific: Prolific, address: str | None = None) -> Draft:
    """The draft of a study, compared with Prolific's own filters; nothing is made.

    Raises:
        StudyError: something of the offer is missing, or Prolific cannot be asked.
    """
    protocol = study.protocol()
    recruitment = protocol.recruitment
    if recruitment.platform != "prolific":
        raise StudyError(f"{protocol.name}: is for {recruitment.platform}, not for Prolific")
    if recruitment.codes.completed is None:
        raise StudyError(
            f"{protocol.name}: recruitment.codes.completed is missing; choose a code of your own, "
            "such as eight random letters and digits"
        )
    offer = asked_for(offer_of(study, address))
    blocked, unknown = _blocked(study, recruitment.block)
    offered = prolific.pages(FILTERS, key="filter_id")
    match = match_filters(recruitment.prescreening, offered, blocked)
    return Draft(_body(recruitment, offer, match.filters), (*match.unknown, *unknown))


def make_draft(study: Study, prolific: Prolific, draft: Draft) -> str:
    """Make the draft; returns its id on Prolific, which is noted in the study."""
    notes = Notes(study)
    known = notes.prolific_study()
    if known is not None:
        raise StudyError(
            f"{notes.file}: this study has a draft already ({known}); change it on Prolific, or "
            "delete it there and prolific_study here"
        )
    made = prolific.post(STUDIES, draft.body)
    if not isinstance(made, dict) or not made.get("id"):
        raise StudyError("Prolific's answer names no study; look at Prolific's page")
    notes.keep(prolific_study=str(made["id"]))
    return str(made["id"])


def _body(recruitment: Recruitment, offer: Offer, filters: list[dict[str, Any]]) -> dict[str, Any]:
    codes = [way.as_json() for way in ways_out(recruitment, offer.places) if way.code]
    assert offer.reward is not None  # see asked_for
    return {
        "name": offer.title,
        "internal_name": offer.name,
        "description": offer.description,
        "external_study_url": offer.address,
        "prolific_id_option": "url_parameters",
        "is_external_study_url_secure": recruitment.signed == "prolific",
        "completion_codes": codes,
        "total_available_places": offer.places,
        "estimated_completion_time": offer.minutes,
        "reward": in_cents(offer.reward),
        "device_compatibility": list(offer.devices),
        "peripheral_requirements": ["audio"] if offer.sound else [],
        "filters": filters,
        "submissions_config": {"max_submissions_per_participant": 1},
    }


def _blocked(study: Study, names: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """Prolific's ids of blocked studies that stand beside this one; a line for each other."""
    found, unknown = [], []
    for name in names:
        known = Notes(study.beside(name)).prolific_study()
        if known is None:
            unknown.append(f"block {name}: exclude its participants by hand (previous studies)")
        else:
            found.append(known)
    return found, unknown
