"""What each platform puts into the study's address, and where it takes people back.

Prolific: PROLIFIC_PID, STUDY_ID, SESSION_ID (the submission), and prolific_token where links are
signed. Mechanical Turk: workerId, hitId, assignmentId, turkSubmitTo; the page stands in a frame.
A panel, a link or the lab: one id, whose name a panel may choose, and `token` where mien signs.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from protocols.recruitment import ID, Recruitment

BACK_TO_PROLIFIC = "https://app.prolific.com/submissions/complete?cc="
TOKEN = "token"
MTURK_FRAMES = ("https://worker.mturk.com", "https://workersandbox.mturk.com",
                "https://www.mturk.com")  # fmt: skip
MTURK_SUBMITS = ("https://www.mturk.com", "https://workersandbox.mturk.com")  # turkSubmitTo
PREVIEW = "ASSIGNMENT_ID_NOT_AVAILABLE"  # assignmentId of who only looks at a HIT
WAYS_OUT = ("completed", "no_consent", "screened_out", "failed_attention", "over_quota")


@dataclass(frozen=True)
class Parameters:
    """Names of the study's URL parameters on one platform; None: it has none."""

    participant: str
    study: str | None = None
    submission: str | None = None
    signature: str | None = None


def parameters(recruitment: Recruitment) -> Parameters:
    """What the platform of a study calls its parameters."""
    if recruitment.platform == "prolific":
        signed = recruitment.signed == "prolific"
        return Parameters("PROLIFIC_PID", "STUDY_ID", "SESSION_ID",
                          "prolific_token" if signed else None)  # fmt: skip
    if recruitment.platform == "mturk":
        return Parameters("workerId", "hitId", "assignmentId")
    name = recruitment.panel.parameter if recruitment.platform == "panel" else "participant"
    return Parameters(name, signature=TOKEN if recruitment.signed == "links" else None)


def needs_id(recruitment: Recruitment) -> bool:
    """Whether nobody may start without an id: they could not be paid, or not be known."""
    return recruitment.platform in ("prolific", "mturk", "panel") or recruitment.signed != "none"


def entry_address(recruitment: Recruitment, address: str) -> str:
    """The address to give to the platform, with its own gaps for the ids.

    Mechanical Turk adds its parameters itself.
    """
    if recruitment.platform == "prolific":
        gaps = {"PROLIFIC_PID": "{{%PROLIFIC_PID%}}", "STUDY_ID": "{{%STUDY_ID%}}",
                "SESSION_ID": "{{%SESSION_ID%}}"}  # fmt: skip
        return with_parameters(address, gaps, safe="{}%")
    if recruitment.platform == "panel":
        return with_parameters(address, {recruitment.panel.parameter: "ID"})
    return address


def with_parameters(address: str, values: dict[str, str], safe: str = "") -> str:
    """`address` with further URL parameters."""
    parts = urlsplit(address)
    more = urlencode(values, safe=safe, quote_via=quote)
    query = f"{parts.query}&{more}" if parts.query else more
    return urlunsplit(parts._replace(path=parts.path or "/", query=query))


def code_of(recruitment: Recruitment, way: str) -> str | None:
    """The completion code of one of `WAYS_OUT`."""
    return getattr(recruitment.codes, way)


def redirect_of(recruitment: Recruitment, way: str, participant: str | None = None) -> str | None:
    """Where who leaves by `way` is sent; an id that is not known yet stays the gap `{id}`.

    The address comes from the protocol, never from a URL parameter.
    """
    if recruitment.platform == "prolific":
        code = code_of(recruitment, way)
        return f"{BACK_TO_PROLIFIC}{quote(code, safe='')}" if code else None
    if recruitment.platform != "panel":
        return None
    address = getattr(recruitment.panel, way)
    if address is None and way == "failed_attention":
        address = recruitment.panel.completed
    if address is None or participant is None:
        return address
    return address.replace(ID, quote(participant, safe=""))


def framed_by(recruitment: Recruitment) -> tuple[str, ...]:
    """Who may show the study in a frame."""
    return MTURK_FRAMES if recruitment.platform == "mturk" else ()


def submits_to(recruitment: Recruitment) -> tuple[str, ...]:
    """Whom the last page may send a form to."""
    return MTURK_SUBMITS if recruitment.platform == "mturk" else ()
