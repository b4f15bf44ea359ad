"""The prescreening of a protocol in the terms of Prolific's filters.

Prolific lists its filters (`GET /api/v1/filters/`): each has an id, a title, and either a range or
choices with ids. A name in `recruitment.prescreening` is a title or an id of that list, a value the
label of a choice, a range such as 18-35, or `balanced sample` for equal shares. Without the list,
only the ids below are known.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from experiments.errors import StudyError
from protocols.section import nearest

IDS = {  # names of the published studies -> id, where Prolific's documents and clients agree
    "age": "age",
    "sex": "sex",
    "approval rate": "approval_rate",
    "first language": "first-language",
    "fluent languages": "fluent-languages",
    "handedness": "handedness",
    "current country of residence": "current-country-of-residence",
    "location": "current-country-of-residence",
    "number of previous submissions": "approval_numbers",
}
BLOCKLIST = "previous_studies_blocklist"
RANGE = re.compile(
    r"^\s*(?:(\d+)\s*(?:-|–|to)\s*(\d+)|(?:at least|more than)\s*(\d+))\s*%?\s*$", re.I
)
BALANCED = re.compile(r"^\s*balanced\b", re.I)


@dataclass(frozen=True)
class Match:
    """What of a prescreening could be said in Prolific's terms.

    Attributes:
        filters: entries of `filters` of the study.
        unknown: a line for everything that must be set by hand.
    """

    filters: list[dict[str, Any]] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def match_filters(
    prescreening: Mapping[str, Any], offered: Iterable[Mapping[str, Any]], blocked: list[str]
) -> Match:
    """The filters of a study.

    Args:
        prescreening: name -> value or values, from the protocol.
        offered: Prolific's list: filter_id, title, type or data_type, choices.
        blocked: Prolific's ids of studies whose participants may not take part.
    """
    known = list(offered)
    found = Match()
    for name, value in prescreening.items():
        one = _named(name, known)
        if one is None:
            titles = [str(f.get("title") or f.get("filter_id")) for f in known]
            found.unknown.append(f"{name}: Prolific has no filter of this name"
                                 f"{nearest(name, titles)}")  # fmt: skip
            continue
        try:
            found.filters.append(_filled(one, value))
        except StudyError as error:
            found.unknown.append(f"{name}: {error}")
    if blocked:
        found.filters.append({"filter_id": BLOCKLIST, "selected_values": blocked})
    return found


def filter_id(name: str) -> str | None:
    """Prolific's id of a filter, as far as it is known without asking."""
    return IDS.get(_plain(name))


def _named(name: str, offered: list[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    wanted = _plain(name)
    for one in offered:
        if wanted in (_plain(one.get("title")), _plain(one.get("filter_id"))):
            return one
    known = IDS.get(wanted)
    return next((one for one in offered if known and one.get("filter_id") == known), None)


def _filled(one: Mapping[str, Any], value: Any) -> dict[str, Any]:
    """The filter with the protocol's value; raises StudyError if Prolific has no such choice."""
    entry: dict[str, Any] = {"filter_id": one["filter_id"]}
    if one.get("type") == "range":
        return entry | {"selected_range": _range(value)}
    choices = {str(key): str(label) for key, label in (one.get("choices") or {}).items()}
    if isinstance(value, str) and BALANCED.match(value):
        if len(choices) < 2 or len(choices) > 4:
            raise StudyError(f"cannot balance over {len(choices)} choices")
        return entry | {"selected_values": list(choices), "weightings": dict.fromkeys(choices, 1)}
    wanted = value if isinstance(value, list | tuple) else [value]
    return entry | {"selected_values": [_choice(choices, label) for label in wanted]}


def _choice(choices: Mapping[str, str], wanted: Any) -> str:
    told = (
        {True: "Yes", False: "No"}.get(wanted, str(wanted)) if isinstance(wanted, bool) else wanted
    )
    for key, label in choices.items():
        if _plain(label) == _plain(told):
            return key
    raise StudyError(f"has no choice '{told}'{nearest(str(told), choices.values())}")


def _range(value: Any) -> dict[str, int]:
    parts = RANGE.match(str(value))
    if parts is None:
        raise StudyError(f"found '{value}'; accepted: a range such as 18-35, or at least 95")
    lower, upper, least = parts.groups()
    return {"lower": int(least)} if least else {"lower": int(lower), "upper": int(upper)}


def _plain(words: Any) -> str:
    """Words without signs and capitals, so that titles can be compared."""
    return re.sub(r"[^a-z0-9]+", " ", str(words or "").lower()).strip()
