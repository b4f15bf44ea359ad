"""Sessions that were brought into a study, from the lab and from static exports, counted.

They fill no place of the server's lists: neither knows which places the other has given.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from experiments.lab import sessions as lab
from experiments.lab.sessions import Kept
from experiments.plan import Plan, read_plan
from experiments.static import sessions as static
from experiments.verdict import person
from protocols.exclusions import COMPLETED, verdict
from protocols.protocol import Protocol
from protocols.study import Study


@dataclass(frozen=True)
class Brought:
    """People by how their session ended; valid and excluded have finished."""

    valid: int
    excluded: int
    unfinished: int
    withdrawn: int

    def __str__(self) -> str:
        """Numbers that are not zero, in words."""
        told = [f"{self.valid} valid"]
        told += [f"{count} {name}" for name, count in
                 (("excluded", self.excluded), ("unfinished", self.unfinished),
                  ("withdrawn", self.withdrawn)) if count]  # fmt: skip
        return ", ".join(told)


def brought(study: Study) -> dict[str, Brought]:
    """Where sessions were brought from (`lab`, `static`) -> how many of each kind there are.

    Raises:
        StudyError: a session is damaged or does not belong to the plan.
    """
    found = {name: one for name, one in (("lab", lab), ("static", static)) if one.brought(study)}
    if not found:
        return {}
    protocol = study.protocol()
    plan = read_plan(study, protocol)
    return {
        name: _counted(one.kept_sessions(study, protocol, plan), protocol, plan)
        for name, one in found.items()
    }


def _counted(sessions: Iterable[Kept], protocol: Protocol, plan: Plan) -> Brought:
    count = Counter(_state(one, protocol, plan) for one in sessions)
    return Brought(count["valid"], count["excluded"], count["active"], count["withdrawn"])


def _state(session: Kept, protocol: Protocol, plan: Plan) -> str:
    who = session.person
    if who.status != COMPLETED:
        return who.status
    known = person(protocol, plan.trials[who.slot], session.answers, session.at_the_end)
    return "valid" if verdict(protocol.exclusions, who.status, known) is None else "excluded"
