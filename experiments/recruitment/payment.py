"""Approving submissions, and replacing excluded participants, on Prolific.

Everybody who finished is approved, excluded or not: Prolific does not let anybody refuse payment
for inconsistent answers. Nobody is ever rejected from here.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from experiments.recruitment.client import Prolific
from experiments.recruitment.submissions import SUBMITTED, Pair

BULK = "/api/v1/submissions/bulk-approve/"
AT_ONCE = 100  # submissions in one request


@dataclass(frozen=True)
class Approval:
    """Who is to be approved, and who must be looked at by hand."""

    ready: list[Pair]
    by_hand: list[Pair]


@dataclass(frozen=True)
class Replacement:
    """Places of a study on Prolific.

    Attributes:
        now: places there are.
        wanted: valid participants wanted.
        taken: submissions that take a place there but fill none here, see `places_taken`.
        places: places that are needed; never fewer than there are.
    """

    now: int
    wanted: int
    taken: int

    @property
    def places(self) -> int:
        """What the study must have so that `wanted` valid participants can take part."""
        return max(self.now, self.wanted + self.taken)


def to_approve(pairs: list[Pair]) -> Approval:
    """Of those who await review: who finished here, and who did not."""
    waiting = [pair for pair in pairs if pair.there == "AWAITING REVIEW"]
    ready = [pair for pair in waiting if pair.here == "completed"]
    return Approval(ready, [pair for pair in waiting if pair not in ready])


def approve(prolific: Prolific, ready: list[Pair]) -> None:
    """Approve submissions, some at a time; approving again changes nothing."""
    for start in range(0, len(ready), AT_ONCE):
        batch = [pair.submission for pair in ready[start : start + AT_ONCE]]
        prolific.post(BULK, {"submission_ids": batch})


def places_taken(pairs: list[Pair], per_list: int) -> int:
    """Submissions that take a place on the platform but fill none of the lists' places here.

    These are who did not finish, who is excluded, and who is one too many on a list: somebody who
    finished late, beside the one who had got the place that was free.
    """
    submitted = [pair for pair in pairs if pair.there in SUBMITTED]
    lists = {pair.known.session: pair.known.list for pair in submitted
             if pair.known is not None and pair.counts}  # fmt: skip
    filled = sum(min(number, per_list) for number in Counter(lists.values()).values())
    return len(submitted) - filled


def replacement(prolific: Prolific, study_id: str, wanted: int, taken: int) -> Replacement:
    """How many places the study needs; asked twice, the answer is the same."""
    now = int(prolific.get(f"/api/v1/studies/{study_id}/").get("total_available_places") or 0)
    return Replacement(now, wanted, taken)


def replace(prolific: Prolific, study_id: str, places: int) -> None:
    """Set the number of places; Prolific lets it grow only."""
    prolific.patch(f"/api/v1/studies/{study_id}/", {"total_available_places": places})
