"""The codes of a study on Prolific: type and action of each, as its form and its API name them.

Nobody is rejected: who declines, has no fitting device or comes too late is asked to return the
submission; who misses attention checks is reviewed by hand.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from experiments.recruitment.money import exact, in_cents
from experiments.recruitment.platforms import WAYS_OUT, code_of
from protocols.recruitment import Recruitment

TYPES = {
    "completed": ("COMPLETED", "MANUALLY_REVIEW"),
    "no_consent": ("NO_CONSENT", "REQUEST_RETURN"),
    "screened_out": ("INCOMPATIBLE_DEVICE", "REQUEST_RETURN"),
    "failed_attention": ("FAILED_ATTENTION_CHECK", "MANUALLY_REVIEW"),
    "over_quota": ("OTHER", "REQUEST_RETURN"),
}
MEANINGS = {
    "completed": "every answer is stored",
    "no_consent": "does not agree",
    "screened_out": "has no computer, or too small a window",
    "failed_attention": "misses {n} or more attention checks, and is excluded for it",
    "over_quota": "comes when every place is taken",
}
ACTIONS = {
    "MANUALLY_REVIEW": "Manually review",
    "REQUEST_RETURN": "Request a return",
    "FIXED_SCREEN_OUT_PAYMENT": "Screen out with a fixed payment",
}
SCREENED_OUT_SHARE = 4  # one paid screen-out for every four places


@dataclass(frozen=True)
class WayOut:
    """One way out of a study.

    Attributes:
        name: as in `recruitment.codes`.
        code: None: the protocol sets none.
        kind: code type of the API.
        action: what Prolific does with a submission that brings the code.
        meaning: who gets it.
        details: further settings of the action.
    """

    name: str
    code: str | None
    kind: str
    action: str
    meaning: str
    details: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        """An entry of `completion_codes`."""
        action = {"action": self.action, **self.details}
        return {"code": self.code, "code_type": self.kind, "actions": [action]}


def ways_out(recruitment: Recruitment, places: int) -> list[WayOut]:
    """Every way out, with and without a code; `places`: of the study."""
    ways = []
    for name in WAYS_OUT:
        kind, action = TYPES[name]
        details: dict[str, Any] = {}
        if name == "screened_out" and recruitment.pay and recruitment.pay.screened_out:
            kind, action = "FIXED_SCREENOUT", "FIXED_SCREEN_OUT_PAYMENT"
            details = {"fixed_screen_out_reward": in_cents(exact(recruitment.pay.screened_out)),
                       "slots": math.ceil(places / SCREENED_OUT_SHARE)}  # fmt: skip
        meaning = MEANINGS[name].format(n=recruitment.failures_needed)
        ways.append(WayOut(name, code_of(recruitment, name), kind, action, meaning, details))
    return ways
