"""The set-up sheet: everything that a platform's form asks for, to copy from, as Markdown."""

from __future__ import annotations

from collections.abc import Callable

from experiments.recruitment.codes import ACTIONS, ways_out
from experiments.recruitment.filters import filter_id
from experiments.recruitment.money import exact, shown
from experiments.recruitment.offer import Offer, offer_of
from experiments.recruitment.platforms import parameters, redirect_of
from protocols.protocol import Protocol
from protocols.recruitment import Recruitment
from protocols.study import Study

OPEN = "**not stated**"
PLATFORMS = {"prolific": "Prolific", "mturk": "Mechanical Turk", "panel": "a panel",
             "link": "a web link", "lab": "the lab"}  # fmt: skip


def sheet_of(study: Study, address: str | None = None) -> str:
    """The sheet of a study with a plan.

    Raises:
        StudyError: there is no plan yet.
    """
    protocol, offer = study.protocol(), offer_of(study, address)
    parts = [_heading(protocol), _basics(protocol, offer), _text(offer)]
    parts += PARTS[protocol.recruitment.platform](protocol.recruitment, offer)
    parts += [
        _prescreening(protocol.recruitment),
        _blocked(protocol.recruitment),
        _before(protocol.recruitment),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _heading(protocol: Protocol) -> str:
    where = PLATFORMS[protocol.recruitment.platform]
    return (
        f"# Set-up sheet: {protocol.name} on {where}\n\n"
        "Made from the protocol, to copy into the platform's form. For researchers: participants "
        "see the title and the text for participants only."
    )


def _basics(protocol: Protocol, offer: Offer) -> str:
    recruitment = protocol.recruitment
    pay = recruitment.pay
    rate = f" ({shown(exact(pay.hourly), pay.currency)} an hour)" if pay else ""
    price = f"{shown(offer.reward, pay.currency)}{rate}" if offer.reward and pay else (
        f"{OPEN}: add `recruitment.pay: {{hourly: …, currency: GBP}}` and `minutes`")  # fmt: skip
    total = ""
    if offer.reward and pay:
        total = f"; {shown(offer.reward * offer.places, pay.currency)} in all, without fees"
    lists = f"{offer.lists} list{'s' * (offer.lists > 1)} × {recruitment.per_list}"
    width, height = offer.window
    rows = [
        ("Title for participants", offer.title),
        ("Internal name", f"{offer.name} (participants never see it)"),
        ("Places", f"{offer.places} valid participants: {lists}"),
        ("Duration", f"{offer.minutes} minutes" if offer.minutes else
         f"{OPEN}: add `recruitment.minutes`"),
        ("Reward", price + total),
        ("Devices", ", ".join(offer.devices) if len(offer.devices) > 1 else
         "desktop only (no phone, no tablet)"),
        ("Window", f"at least {width} × {height} pixels; the study checks it before consent"),
        ("Sound", "loudspeakers or headphones needed" if offer.sound else "none"),
    ]  # fmt: skip
    return _table(("What", "Enter"), rows)


def _text(offer: Offer) -> str:
    quoted = "\n".join(f"> {line}".rstrip() for line in offer.description.splitlines())
    return f"## Text for participants\n\n{quoted}"


def _prolific(recruitment: Recruitment, offer: Offer) -> list[str]:
    address = offer.address or f"{OPEN}: add `recruitment.address`, or give --url"
    told = [
        "## Link\n\nHow participants get there: *external study link*. How their ids are "
        f"recorded: *URL parameters*. The address:\n\n```\n{address}\n```"
    ]
    if recruitment.signed == "prolific":
        told.append(
            "Switch on the *secure* link (API: `is_external_study_url_secure`), and keep "
            "Prolific's keys up to date with `mien recruit keys`: links that Prolific has not "
            "signed are refused."
        )
    rows = []
    for way in ways_out(recruitment, offer.places):
        if way.name == "failed_attention" and not offer.checks:
            continue
        wanted = OPEN if way.name == "completed" else "optional"
        code = f"`{way.code}`" if way.code else f"{wanted}: `recruitment.codes.{way.name}`"
        action = ACTIONS[way.action]
        if (
            "fixed_screen_out_reward" in way.details
            and recruitment.pay
            and recruitment.pay.screened_out
        ):
            price = shown(exact(recruitment.pay.screened_out), recruitment.pay.currency)
            action += f" of {price}, {way.details['slots']} slots"
        rows.append((way.meaning, code, way.kind, action, redirect_of(recruitment, way.name) or ""))
    told.append(
        "## Completion codes\n\n"
        + _table(("Who", "Code", "Type", "Action", "Where mien sends them"), rows)
        + "\n\nNobody is rejected by mien. Whom a rule of the protocol excludes is paid and "
        "replaced (`mien recruit replace`); Prolific lets a submission be rejected only for clear "
        f"attention checks, {recruitment.failures_needed} of them in a study as long as this one."
    )
    return told


def _mturk(recruitment: Recruitment, offer: Offer) -> list[str]:
    rows = [
        ("Question", "ExternalQuestion (`mien recruit draft` makes it; sandbox unless --live)"),
        ("Address", offer.address or f"{OPEN}: add `recruitment.address`, or give --url"),
        ("Assignments", str(offer.places)),
        ("Confirmation code", f"`{recruitment.codes.completed}`" if recruitment.codes.completed else
         "each worker's own: the pseudonym in participants.csv"),
        ("Workers of blocked studies", ", ".join(recruitment.block) or "none"),
    ]  # fmt: skip
    return [
        "## The work (HIT)\n\nMechanical Turk takes no new customers since July 2026.\n\n"
        + _table(("What", "Enter"), rows)
    ]


def _panel(recruitment: Recruitment, offer: Offer) -> list[str]:
    name = parameters(recruitment).participant
    address = offer.address or f"{OPEN}: add `recruitment.address`, or give --url"
    rows = [(way.replace("_", " "), redirect_of(recruitment, way) or OPEN)
            for way in ("completed", "no_consent", "screened_out", "over_quota")]  # fmt: skip
    return [
        "## Link\n\nThe panel puts the participant's id in place of `ID` (1 to 64 letters, "
        f"digits, _ and -), under the name `{name}`:\n\n```\n{address}\n```",
        "## Ways back\n\n" + _table(("Who", "Where mien sends them; {id} is the same id"), rows),
    ]


def _link(recruitment: Recruitment, offer: Offer) -> list[str]:
    address = offer.address or f"{OPEN}: add `recruitment.address`, or give --url"
    told = f"## Link\n\n```\n{address}\n```"
    if recruitment.signed == "links":
        return [told + "\n\nEverybody needs a link of their own: `mien recruit links` makes them."]
    return [
        told + "\n\nWith `?participant=ID` somebody who comes back goes on where they stopped, on "
        "any computer; without it, in the same browser only."
    ]


PARTS: dict[str, Callable[[Recruitment, Offer], list[str]]] = {
    "prolific": _prolific, "mturk": _mturk, "panel": _panel, "link": _link, "lab": _link,
}  # fmt: skip


def _prescreening(recruitment: Recruitment) -> str:
    if not recruitment.prescreening:
        return "## Prescreening\n\nThe protocol declares none."
    rows = []
    for name, value in recruitment.prescreening.items():
        chosen = ", ".join(map(_said, value)) if isinstance(value, tuple) else _said(value)
        known = filter_id(name) if recruitment.platform == "prolific" else None
        rows.append((name, chosen, f"`{known}`" if known else "look it up by this name"))
    head = ("Filter, as in the protocol", "Choose")
    if recruitment.platform != "prolific":
        return "## Prescreening\n\n" + _table(head, [row[:2] for row in rows])
    return (
        "## Prescreening\n\nNames are those of the protocol; Prolific renames filters now and "
        "then. `mien recruit draft` compares them with Prolific's own list.\n\n"
        + _table((*head, "Id of Prolific's filter"), rows)
    )


def _blocked(recruitment: Recruitment) -> str:
    if not recruitment.block:
        return ""
    names = "\n".join(f"- {name}" for name in recruitment.block)
    how = {
        "prolific": "Exclude them on Prolific too (*previous studies*)",
        "mturk": "`mien recruit draft` gives their workers a qualification that shuts them out",
    }.get(recruitment.platform, "Exclude them on the platform too, if it can")
    return (
        "## Participants of these studies may not take part\n\n"
        f"{names}\n\n{how}; mien's server turns them away too, if that study's folder stands "
        "beside this study's folder there."
    )


def _before(recruitment: Recruitment) -> str:
    codes = "- [ ] The codes on the platform are those of the protocol, letter by letter.\n"
    return (
        "## Before you publish\n\n"
        "- [ ] Open the address yourself, from consent to the last page, with ids that you make "
        "up; then delete these data.\n"
        + (codes if recruitment.platform in ("prolific", "mturk") else "")
        + "- [ ] Recruit five people first, look at their data and times, then the others.\n"
        "- [ ] The server stands behind HTTPS and is started again by itself."
    )


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in row) + " |" for row in lines)


def _cell(text: str) -> str:
    """One cell: a bar or a new line in it would break the table."""
    return " ".join(text.replace("|", "\\|").split())


def _said(value: object) -> str:
    return {True: "Yes", False: "No"}[value] if isinstance(value, bool) else str(value)
