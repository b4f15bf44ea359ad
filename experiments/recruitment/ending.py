"""What a participant takes back to the platform: a completion code, and where to go with it.

The code of who misses attention checks is another one only where the platform's policy allows to
ask for the submission back. Nobody is rejected by mien.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from experiments import store as rows
from experiments.errors import Refused
from experiments.plan import Plan
from experiments.recruitment.platforms import code_of, redirect_of
from experiments.store import ANSWERS, EXTERNAL_IDS, Store
from experiments.verdict import person
from protocols.exclusions import AttentionRule
from protocols.protocol import Protocol


def way_of(protocol: Protocol, plan: Plan, store: Store, participant: str) -> str:
    """`completed`, or `failed_attention` if that is why `participant` does not count.

    The latter needs a code or address of its own, and as many failed checks as the policy of the
    platform asks for (`Recruitment.failures_needed`).
    """
    recruitment = protocol.recruitment
    if recruitment.platform == "panel":
        own = recruitment.panel.failed_attention or recruitment.codes.failed_attention
    else:
        own = recruitment.codes.failed_attention
    rules = {rule.id for rule in protocol.exclusions if isinstance(rule, AttentionRule)}
    if own is None or not rules:
        return "completed"
    with store.read() as db:
        session = rows.session_of_participant(db, participant)
        answers = [] if session is None else rows.rows_of(db, ANSWERS, session.id)
    if session is None or session.reason not in rules:
        return "completed"
    checks = person(protocol, plan.trials[session.slot], answers, []).answers
    failed = sum(a.response != a.expected for a in checks if a.kind == "attention")
    return "failed_attention" if failed >= recruitment.failures_needed else "completed"


def goodbye(
    protocol: Protocol, plan: Plan, store: Store, participant: str
) -> dict[str, str | None]:
    """Code and address at the end, for `participant` (pseudonym).

    Without a code, Mechanical Turk's workers enter their pseudonym, which the researcher finds in
    participants.csv.
    """
    recruitment = protocol.recruitment
    way = way_of(protocol, plan, store, participant)
    code = code_of(recruitment, way)
    if recruitment.platform == "mturk" and code is None:
        code = participant
    if recruitment.platform != "panel":
        return {"code": code, "redirect": redirect_of(recruitment, way)}
    external = external_of(store, participant)
    return {"code": code, "redirect": external and redirect_of(recruitment, way, external)}


def turned_away(protocol: Protocol, refused: Refused, external: str | None) -> Refused:
    """A refusal with the way back to the platform, if the study is full."""
    if refused.reason == "full":
        ways: dict[str, Any] = {
            "code": code_of(protocol.recruitment, "over_quota"),
            "redirect": redirect_of(protocol.recruitment, "over_quota", external),
        }
        refused.details |= {name: value for name, value in ways.items() if value is not None}
    return refused


def external_of(store: Store, participant: str) -> str | None:
    """The platform's id of a pseudonym, as long as it is kept."""
    with store.read() as db:
        session = rows.session_of_participant(db, participant)
        if session is None:
            return None
        own = sa.select(EXTERNAL_IDS.c.external).where(EXTERNAL_IDS.c.session == session.id)
        return db.scalar(own)
