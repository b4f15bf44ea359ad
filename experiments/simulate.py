"""A whole study without people: simulated participants play it through the real server.

Every answer travels as JSON through the same addresses, checks, quotas and store as a person's. If
asked for, some participants click through the pages themselves (`experiments.browsing`).
Time is simulated too: participant k starts k hours after BEGINNING, so the same seed gives the
same tables.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import httpx
from fastapi import FastAPI

from experiments.answers import Given, asked, asked_at_the_end
from experiments.crowd import Identities
from experiments.errors import StudyError
from experiments.export import export
from experiments.plan import Trial
from experiments.reception import Reception
from experiments.respondent import Respondent
from experiments.server import make_app
from experiments.store import EXTERNAL_IDS, SESSIONS, rows_of
from experiments.truth import true_means, true_shares
from protocols.protocol import Protocol
from protocols.study import Study

__all__ = ["Simulated", "simulate", "true_means", "true_shares"]

SOURCE = "simulation"
BEGINNING = 946_684_800.0  # 2000-01-01, so that nobody takes the data for real ones
HOUR = 3600.0
AWAY = 600.0  # seconds for which somebody who returns was away
LATE = 24 * HOUR  # … somebody who is late: longer than a place is kept, while others begin
BATCH = 100  # answers in one request
PATIENCE = 4  # times the quota: more recruits than this means that nobody passes the rules

Progress = Callable[[int, int], None]  # participants done, participants in all


@dataclass(frozen=True)
class Simulated:
    """How a simulation went, over everybody simulated so far."""

    participants: int
    valid: int
    excluded: int
    incomplete: int
    full: bool  # whether every list has its valid participants
    new: int = 0  # participants who were not there before this run
    over_quota: int = 0  # valid ones who finished late, after their list was full
    wanted: int | None = None  # participants asked for; None: as many as it takes

    def lines(self) -> list[str]:
        """What happened, for the command."""
        lists = "every list is full" if self.full else "some lists are not full yet"
        late = f"; {self.over_quota} finished late, beyond the quota, and are kept"
        if self.full and self.wanted is not None and self.participants < self.wanted:
            lists += f", so no more of the {self.wanted} were needed"
        before = f" ({self.participants - self.new} were there already)"
        return [
            f"{self.participants} simulated participants: {self.valid} valid, {self.excluded} "
            f"excluded, {self.incomplete} incomplete; {lists}"
            f"{before if self.new < self.participants else ''}"
            f"{late if self.over_quota else ''}"
        ]


@dataclass
class _World:
    """Simulated time, and whose turn it is."""

    now: float = BEGINNING
    number: int = 0
    ticking_since: float | None = None  # by the machine's clock: somebody is in a browser

    def clock(self) -> float:
        if self.ticking_since is None:
            return self.now
        return self.now + time.monotonic() - self.ticking_since

    def code(self) -> str:
        return f"s{self.number:04d}"


def simulate(
    study: Study, n: int | None = None, seed: int | None = None, progress: Progress | None = None,
    database: str | None = None, browsers: int = 0,
) -> Simulated:  # fmt: skip
    """Recruit `n` simulated participants, and export the tables.

    Those of an earlier run count; recruiting ends early once every list is full.

    Args:
        study: a study with a plan; stimuli are not needed.
        n: participants to recruit, careless ones and drop-outs included; None: as many as it
            takes until every list is full.
        seed: of the simulated people; default: the protocol's.
        progress: called after each participant.
        database: address of a PostgreSQL database, for a first simulation; else a file.
        browsers: that many of them, the first ones, click through the built study in Chromium.

    Raises:
        StudyError: no plan, or the simulated data there come from another seed or protocol; with
            `browsers`, the study is not built, or there is no browser.
    """
    protocol = study.protocol()
    seed = protocol.seed if seed is None else seed
    quota = protocol.recruitment.per_list
    world = _World()
    app = make_app(study, SOURCE, world.clock, world.code, database, pages=browsers > 0)
    desk: Reception = app.state.reception
    try:
        desk.store.belongs_to(
            {"simulation or seed": _recipe(protocol, seed)},
            f"to simulate anew, {desk.store.database.anew}",
        )
        with desk.store.read() as db:
            before = len(rows_of(db, SESSIONS))
        wanted = n if n is not None else PATIENCE * quota * len(set(desk.plan.lists.values()))
        if browsers:
            _browse(app, desk, world, min(browsers, wanted), seed)
        asyncio.run(_recruit(app, desk, world, wanted, seed, progress))
        done = replace(_summary(desk, before), wanted=n)
    finally:
        desk.store.close()
    export(study)
    if n is None and not done.full:
        raise StudyError(
            f"{wanted} simulated participants, but only {done.valid} pass the exclusion rules: "
            "the lists do not fill; check exclusions and simulation in the protocol"
        )
    return done


def _browse(app: FastAPI, desk: Reception, world: _World, browsers: int, seed: int) -> None:
    """The first participants, each in Chromium; those who were there already stay as they are."""
    from experiments.browsing import play_in_browser

    identities, known = Identities(desk.protocol, seed), _known(desk)
    numbers = {_external(k): k for k in range(1, browsers + 1) if _external(k) not in known}
    people = {external: Respondent(desk.protocol, identities, seed, k)
              for external, k in numbers.items()}  # fmt: skip

    def begin(external: str) -> None:
        world.number = numbers[external]
        world.now, world.ticking_since = BEGINNING + world.number * HOUR, time.monotonic()

    if people:
        play_in_browser(app, people, begin)
    world.ticking_since = None


def _external(number: int) -> str:
    return f"sim-{number:04d}"


def _known(desk: Reception) -> set[str]:
    with desk.store.read() as db:
        return {row.external for row in rows_of(db, EXTERNAL_IDS)}


async def _recruit(
    app: object, desk: Reception, world: _World, wanted: int, seed: int,
    progress: Progress | None,
) -> None:  # fmt: skip
    identities = Identities(desk.protocol, seed)
    known = _known(desk)
    transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://simulation") as browser:
        absent: list[_Visit] = []  # who will come back late
        for k in range(1, wanted + 1):
            external = _external(k)
            if external in known:
                continue
            start = BEGINNING + k * HOUR
            while absent and absent[0].began <= start:
                await _finish(browser, desk, world, absent.pop(0))
            world.number, world.now = k, start
            one = Respondent(desk.protocol, identities, seed, k)
            visit = await _begin(browser, desk, one, external, start)
            if visit is None:
                break
            if await _take_part(browser, desk, world, visit):
                absent.append(visit)
            if progress:
                progress(k, wanted)
        for visit in absent:
            await _finish(browser, desk, world, visit)


@dataclass
class _Visit:
    """One participant on the way through the study. `began` is moved when somebody is away."""

    one: Respondent
    external: str
    token: str
    planned: tuple[Trial, ...]
    began: float
    done: int = 0  # trials


async def _begin(
    browser: httpx.AsyncClient, desk: Reception, one: Respondent, external: str, now: float
) -> _Visit | None:
    """Consent; None if the study is full."""
    told = await _start(browser, external)
    if told is None:
        return None
    planned = desk.plan.trials[desk.resume(told["token"]).slot]
    return _Visit(one, external, told["token"], planned, now)


async def _start(browser: httpx.AsyncClient, external: str) -> dict[str, Any] | None:
    answer = await browser.post("/api/start", json={"agree": True, "external": external})
    if answer.status_code == 409 and answer.json()["reason"] == "full":
        return None
    return answer.raise_for_status().json()


async def _take_part(
    browser: httpx.AsyncClient, desk: Reception, world: _World, visit: _Visit
) -> bool:
    """A visit as far as it goes for now; True if the participant will come back late."""
    stays_for, course = visit.one.trials(visit.planned), visit.one.course
    if len(stays_for) < len(visit.planned):
        await _go_on(browser, desk, world, visit, len(stays_for))
        return False
    if course in ("returns", "late"):
        await _go_on(browser, desk, world, visit, len(visit.planned) // 2)
        visit.began += LATE if course == "late" else AWAY
    if course == "late":
        return True
    await _finish(browser, desk, world, visit)
    if course == "duplicates":
        await _start(browser, visit.external)
    return False


async def _finish(
    browser: httpx.AsyncClient, desk: Reception, world: _World, visit: _Visit
) -> None:
    """The rest of a visit; who was away opens the link again, as in another browser."""
    world.now = visit.began + visit.one.elapsed_ms / 1000
    if visit.done:
        told = await _start(browser, visit.external)
        assert told is not None  # a place that somebody has begun stays open
        visit.token = told["token"]
    await _go_on(browser, desk, world, visit, len(visit.planned))
    at_the_end = visit.one.questionnaire(list(asked_at_the_end(desk.protocol)))
    await _post(browser, visit.token, at_the_end)
    done = await browser.post("/api/complete", json={"token": visit.token})
    done.raise_for_status()


async def _go_on(
    browser: httpx.AsyncClient, desk: Reception, world: _World, visit: _Visit, until: int
) -> None:
    """Answer the trials up to number `until`."""
    waiting: list[Given] = []
    while visit.done < until:
        trial = visit.planned[visit.done]
        waiting += visit.one.answer(trial, list(asked(desk.protocol, trial)))
        visit.done += 1
        if len(waiting) >= BATCH or visit.done == until:
            world.now = visit.began + visit.one.elapsed_ms / 1000
            await _post(browser, visit.token, waiting)
            waiting = []


async def _post(browser: httpx.AsyncClient, token: str, given: list) -> None:
    answers = [one.model_dump(exclude_none=True) for one in given]
    for start in range(0, len(answers), BATCH):
        batch = {"token": token, "answers": answers[start : start + BATCH]}
        (await browser.post("/api/answers", json=batch)).raise_for_status()


def _summary(desk: Reception, before: int) -> Simulated:
    with desk.store.read() as db:
        people = rows_of(db, SESSIONS)
    finished = [p for p in people if p.status == "completed"]
    valid = [p for p in finished if p.valid]
    quota = desk.protocol.recruitment.per_list
    lists = [p.list for p in valid]
    return Simulated(
        participants=len(people),
        valid=len(valid),
        excluded=len(finished) - len(valid),
        incomplete=len(people) - len(finished),
        full=all(lists.count(one) >= quota for one in set(desk.plan.lists.values())),
        new=len(people) - before,
        over_quota=sum(bool(p.over_quota) for p in valid),
    )


def _recipe(protocol: Protocol, seed: int) -> str:
    """SHA-256 of all that decides what simulated participants answer."""
    parts = [str(seed), protocol.simulation.model_dump_json(), protocol.stimuli.model_dump_json()]
    listed = (*protocol.tasks, *protocol.pages.questionnaire, *protocol.exclusions)
    parts += [one.model_dump_json() for one in listed]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
