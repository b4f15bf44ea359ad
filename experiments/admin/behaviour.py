"""How one participant answers, counted while the study runs.

Practice does not count. Limits are those of the report (`analysis/sample/quality.py`) where it has
them. Shares are 0…1, times in milliseconds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from experiments.answers import check_of
from experiments.plan import Trial
from protocols.exclusions import TooFastRule
from protocols.protocol import Protocol
from protocols.tasks import SECOND

ELABORATE = ("checkboxes", "free-text")  # tasks of which times and sameness say little
SLOW_MS = 10_000.0
LEAST = 10  # fewest answers to a task of which sameness says something
SAME = 0.95  # share of the most frequent answer
OFTEN = 0.1  # share of trials or answers
STALLS = '"waiting"', '"stalled"'  # events of a medium that waited for the network
FAILURES = '"error"', '"undecoded"'


@dataclass(frozen=True)
class Behaviour:
    """Counts over the answers to trials.

    Attributes:
        trials: trials with an answer.
        hidden: of these, with the page hidden for some time.
        stalled, failed: of these, with a medium that waited for data, or could not be shown.
        timed: answers given at one go, in rating trials, whose time is known.
        fast, slow: of these, too fast or slower than SLOW_MS.
        same: share of the most frequent answer, largest over tasks with LEAST answers; None: none.
        checks, missed: attention checks answered, and answered wrongly.
    """

    trials: int = 0
    hidden: int = 0
    stalled: int = 0
    failed: int = 0
    timed: int = 0
    fast: int = 0
    slow: int = 0
    same: float | None = None
    checks: int = 0
    missed: int = 0

    @property
    def signs(self) -> tuple[str, ...]:
        """What deserves a look."""
        return tuple(
            name
            for name, met in {
                "tab hidden": self.hidden > OFTEN * self.trials,
                "media stalled": self.stalled > OFTEN * self.trials,
                "media failed": self.failed > 0,
                "too fast": self.fast > OFTEN * self.timed,
                "slow": self.slow > OFTEN * self.timed,
                "same answer": self.straight,
                "missed check": self.missed > 0,
            }.items()
            if met
        )

    @property
    def straight(self) -> bool:
        """Whether nearly every answer to a task is the same."""
        return self.same is not None and self.same > SAME


def behaviour(protocol: Protocol, trials: tuple[Trial, ...], answers: Iterable[Any]) -> Behaviour:
    """What one session's answers say.

    Args:
        protocol: the study.
        trials: the trials of the participant's slot.
        answers: rows with trial, question, response, rt_ms, hidden_ms, details.
    """
    fast_ms = too_fast_ms(protocol)
    elaborate = {task.id for task in protocol.tasks if task.type in ELABORATE}
    seen, hidden, stalled, failed = set(), set(), set(), set()
    given: dict[str, Counter[float]] = {}
    timed = fast = slow = checks = missed = 0
    for row in answers:
        trial = trials[row.trial - 1]
        if trial.kind == "practice":
            continue
        seen.add(row.trial)
        details = row.details or ""
        if row.hidden_ms:
            hidden.add(row.trial)
        if any(event in details for event in STALLS):
            stalled.add(row.trial)
        if any(event in details for event in FAILURES):
            failed.add(row.trial)
        check = check_of(protocol, trial)
        if check is not None and row.question == check.task:
            checks += 1
            missed += row.response != check.answer
        at_one_go = row.question not in elaborate and not row.question.endswith(SECOND)
        if trial.kind == "rating" and at_one_go:
            if row.response is not None:
                given.setdefault(row.question, Counter())[row.response] += 1
            if row.rt_ms is not None:
                timed += 1
                fast += row.rt_ms < fast_ms
                slow += row.rt_ms > SLOW_MS
    shares = [max(n.values()) / n.total() for n in given.values() if n.total() >= LEAST]
    return Behaviour(
        trials=len(seen), hidden=len(hidden), stalled=len(stalled), failed=len(failed),
        timed=timed, fast=fast, slow=slow, same=max(shares, default=None),
        checks=checks, missed=missed,
    )  # fmt: skip


def too_fast_ms(protocol: Protocol) -> float:
    """Below this an answer is too fast: what the protocol's rule says, or its default."""
    rules = (rule for rule in protocol.exclusions if isinstance(rule, TooFastRule))
    return next(rules, TooFastRule(id="too-fast", rule="too-fast")).below_ms
