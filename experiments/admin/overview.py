"""How a running study stands: the numbers of `mien study status` and of the admin page.

A participant is in exactly one state:

valid      finished, passes every rule (among them those over quota, who finished late)
active     taking part: there was a sign of life within the lease
expired    began, and has given no sign of life for longer than the lease
excluded   fails a rule, or was excluded by hand
withdrawn  stopped, and wants the answers not to be used

Times are seconds since 1970 (UTC), durations minutes, shares 0…1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from experiments.slots import LEASE_S

HOUR = 3600.0
STATES = ("valid", "active", "expired", "excluded", "withdrawn")


@dataclass(frozen=True)
class Places:
    """One list, or all of them together.

    Attributes:
        number: of the list, from 1; 0: all of them.
        wanted: valid participants wanted.
        over_quota: of the valid, those who finished when the list was full.
        left: places that the next people will get.
    """

    number: int
    wanted: int
    valid: int
    over_quota: int
    active: int
    expired: int
    excluded: int
    withdrawn: int
    left: int


@dataclass(frozen=True)
class Person:
    """One participant, by pseudonym.

    Attributes:
        reason: why excluded: the rule's id, or words after `by hand: `.
        by_hand: whether somebody has excluded them by hand, whatever the rules say.
        trials, planned: trials answered, and trials in all; practice does not count.
        minutes: from consent to the last sign of life.
        idle_s: seconds since then.
        signs: what deserves a look in the answers.
    """

    participant: str
    list: int
    slot: int
    state: str
    reason: str | None
    by_hand: bool
    over_quota: bool
    trials: int
    planned: int
    minutes: float
    idle_s: float
    signs: tuple[str, ...]


@dataclass(frozen=True)
class Quality:
    """Answers of everybody who has not withdrawn: counts, and how many participants show a sign.

    `refresh_hz`: refresh rate of the screen, rounded -> participants.
    """

    trials: int
    hidden: int
    stalled: int
    failed: int
    timed: int
    fast: int
    slow: int
    checks: int
    missed: int
    signs: Mapping[str, int]
    refresh_hz: Mapping[str, int]


@dataclass(frozen=True)
class Overview:
    """The study at the moment `now`.

    Attributes:
        paused_since: None: new people are let in.
        lists: each list; `all`: their sums.
        finished_last_hour, finished_last_day: everybody who came to the end.
        by_hour: of each of the last 24 hours, oldest first: how many finished, and are valid.
        hours_to_go: until every list is full, at the pace of the last hours; None: cannot be said.
        minutes: 25, 50 and 75 % of valid participants took at most so long; None: nobody finished.
        reasons: why people are excluded -> how many.
        last_sign: of life, of anybody; None: nobody has begun.
        free_bytes, data_bytes: room on the disk, and what the folder `data` takes of it.
        attention: what somebody should look at now, in sentences.
    """

    study: str
    title: str
    source: str
    now: float
    paused_since: float | None
    all: Places
    lists: tuple[Places, ...]
    finished_last_hour: int
    finished_last_day: int
    by_hour: tuple[tuple[int, int], ...]
    hours_to_go: float | None
    minutes: tuple[float, float, float] | None
    reasons: Mapping[str, int]
    quality: Quality
    last_sign: float | None
    free_bytes: int
    data_bytes: int
    people: tuple[Person, ...]  # who was seen last comes first
    attention: tuple[str, ...] = ()


def state_of(session: Any, now: float) -> str:
    """The one state that a session is in; see above."""
    if session.status == "withdrawn":
        return "withdrawn"
    if session.valid is not None and not session.valid:
        return "excluded"
    if session.status == "completed":
        return "valid"
    return "active" if session.seen > now - LEASE_S else "expired"


def attention(overview: Overview) -> Iterable[str]:
    """What somebody should look at now."""
    total, quality = overview.all, overview.quality
    if overview.free_bytes < 2**30:
        yield f"Only {overview.free_bytes / 2**20:.0f} MB are left on the disk."
    if overview.paused_since is not None:
        yield "Nobody new is let in: the study is paused."
    waiting = total.left and overview.source == "web" and overview.paused_since is None
    if waiting and overview.last_sign is not None and overview.now - overview.last_sign > HOUR:
        idle = (overview.now - overview.last_sign) / HOUR
        yield f"No sign of life for {idle:.1f} hours, though {total.left} places are free."
    finished = total.valid + total.excluded
    if finished >= 5 and total.excluded > 0.25 * finished:
        yield f"{total.excluded} of {finished} who finished are excluded."
    if quality.failed:
        yield f"Media could not be shown in {quality.failed} trials."
    if quality.trials >= 100 and quality.stalled > 0.05 * quality.trials:
        share = quality.stalled / quality.trials
        yield f"Media waited for the network in {share:.0%} of the trials."
