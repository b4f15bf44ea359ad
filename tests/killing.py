"""`kill -9` of the real server under load, again and again; `make validate` does it 20 times.

Many more people knock than there are places. Everybody writes down what the server has confirmed,
goes on when it is back, and one in eight withdraws half-way. In the end the store must hold every
confirmed answer as it was first sent, and every list exactly its valid participants.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import sys
import tempfile
import zlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from rich.console import Console

from experiments.plan import read_plan
from experiments.server import open_store
from experiments.store import ANSWERS, EXTERNAL_IDS, QUESTIONNAIRE, SESSIONS, rows_of
from protocols.study import Study
from tests import postgresql
from tests.serving import Serving
from tests.small_study import TINY, look_built, make_study

console = Console(highlight=False)
ROUNDS = 20
BETWEEN = 25  # confirmed answers from one kill to the next
ANSWERS_OF_ONE = 27
KNOCK_S = 0.5  # until who was turned away tries again
SLOW = 2  # answers to spare: more come between two kills where the machine is busy
END = (("random", {"choice": 1}), ("aids", {"boxes": [1]}), ("sure", {"choice": 2}),
       ("remarks", {"text": "none"}))  # fmt: skip


@dataclass
class Person:
    """Somebody who takes part, and what the server has confirmed to them."""

    external: str
    answers: set[tuple[int | None, str]] = field(default_factory=set)
    ended: str | None = None  # completed | withdrawn, once confirmed
    turned_away: bool = False

    @property
    def leaves(self) -> bool:
        """Whether they withdraw half-way."""
        return zlib.crc32(self.external.encode()) % 8 == 0

    def choice(self, trial: int, question: str) -> int:
        """What they answer: always the same, and right where attention is checked."""
        return 2 if question == "valence" else 1 + zlib.crc32(f"{trial}{question}".encode()) % 3


class Crowd:
    """Everybody, over one client that waits while the server is down."""

    def __init__(self, url: str, people: int) -> None:
        self.url, self.over = url, asyncio.Event()
        self.people = [Person(f"p{number}") for number in range(people)]

    def confirmed(self) -> int:
        return sum(len(person.answers) for person in self.people)

    def completed(self) -> int:
        return sum(person.ended == "completed" for person in self.people)

    async def post(self, client: httpx.AsyncClient, name: str, body: dict) -> httpx.Response:
        while True:
            try:
                return await client.post(f"{self.url}/api/{name}", json=body)
            except httpx.TransportError:
                await asyncio.sleep(0.05)

    async def play(self, client: httpx.AsyncClient, person: Person) -> None:
        """From the first knock to the end; turned away only once the study is full for good."""
        start = {"agree": True, "external": person.external}
        while (begin := await self.post(client, "start", start)).status_code == 409:
            if self.over.is_set():
                person.turned_away = True
                return
            await asyncio.sleep(KNOCK_S)
        told = begin.raise_for_status().json()
        token, asked = told["token"], [(t["trial"], q) for t in told["trials"]
                                       for q in t["questions"]]  # fmt: skip
        for trial, question in asked[: len(asked) // 2 if person.leaves else None]:
            choice = person.choice(trial, question)
            one = {"trial": trial, "question": question, "choice": choice}
            await self.send(client, person, token, one)
            await asyncio.sleep(0.01)
        if person.leaves:
            (await self.post(client, "withdraw", {"token": token})).raise_for_status()
            person.ended = "withdrawn"
            return
        for question, reply in END:
            await self.send(client, person, token, {"question": question, **reply})
        (await self.post(client, "complete", {"token": token})).raise_for_status()
        person.ended = "completed"

    async def send(self, client: httpx.AsyncClient, person: Person, token: str, one: dict) -> None:
        sent = await self.post(client, "answers", {"token": token, "answers": [one]})
        person.answers.add((one.get("trial"), one["question"]))
        assert sent.raise_for_status().json()["held"] >= len(person.answers)  # also after a kill


async def _play_and_kill(serving: Serving, crowd: Crowd, rounds: int, places: int) -> int:
    """Returns how many kills there were: no more than there was something to lose."""
    kills = 0
    limits = httpx.Limits(max_connections=200)
    async with httpx.AsyncClient(timeout=30, limits=limits) as client:
        playing = [asyncio.create_task(crowd.play(client, person)) for person in crowd.people]
        while kills < rounds and crowd.completed() < places:
            goal = crowd.confirmed() + BETWEEN
            while crowd.confirmed() < goal and crowd.completed() < places:
                await _fail_early(playing)
            await asyncio.sleep(random.random() / 50)  # at any point of a request
            await asyncio.to_thread(serving.kill)
            await asyncio.to_thread(serving.start)
            kills += 1
        while crowd.completed() < places:
            await _fail_early(playing)
        crowd.over.set()
        await asyncio.gather(*playing)
    return kills


async def _fail_early(playing: list[asyncio.Task]) -> None:
    await asyncio.sleep(0.01)
    for one in playing:
        if one.done():
            one.result()


def kill_again_and_again(folder: Path, rounds: int) -> str:
    """Play a whole study while the server is killed `rounds` times; asserts that nothing is lost.

    Args:
        folder: an empty one; sessions are in MIEN_DATABASE where the environment names one.
        rounds: kills.

    Returns:
        What happened, in a line.
    """
    per_list = 3 + SLOW * rounds * BETWEEN // (2 * ANSWERS_OF_ONE)
    text = TINY.replace("per_list: 3", f"per_list: {per_list}")
    study = look_built(make_study(folder / "study", text))
    with Serving(study.folder) as serving:
        crowd = Crowd(serving.url, 3 * per_list)
        kills = asyncio.run(_play_and_kill(serving, crowd, rounds, 2 * per_list))
        serving.kill()  # once more: what is in the store is what it has said
    _compare(study, crowd, per_list)
    assert kills > rounds // 2, f"all places were filled after {kills} kills"
    return (
        f"{kills} kills: {crowd.confirmed():,} confirmed answers, all kept; "
        f"{2 * per_list} places, all filled once; {len(crowd.people)} people"
    )


def _compare(study: Study, crowd: Crowd, per_list: int) -> None:
    store = open_store(study, "web", read_plan(study, study.protocol()))
    with store.read() as db:
        sessions = {row.id: row for row in rows_of(db, SESSIONS)}
        by_external = {row.external: sessions[row.session] for row in rows_of(db, EXTERNAL_IDS)}
        answers = {(row.session, row.trial, row.question): row for row in rows_of(db, ANSWERS)}
        ending = {(row.session, None, row.question): row for row in rows_of(db, QUESTIONNAIRE)}
        if store.database.schema is None:
            assert db.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
    store.close()
    held = answers | ending
    for person in crowd.people:
        session = by_external.get(person.external)
        if session is None:
            assert person.turned_away
            continue
        assert session.status == person.ended
        own = {key[1:] for key in held if key[0] == session.id}
        assert own == person.answers, person.external
        for trial, question in person.answers:
            if trial is not None:
                stored = held[session.id, trial, question].response
                assert stored == person.choice(trial, question)
    valid = [row for row in sessions.values() if row.status == "completed" and row.valid]
    assert Counter(row.list for row in valid) == {1: per_list, 2: per_list}
    assert len({row.slot for row in valid}) == len(valid)
    assert not any(row.over_quota for row in valid)


def main() -> None:
    """Twenty kills with each kind of database."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    os.environ.pop("MIEN_DATABASE", None)
    report("SQLite", rounds)
    if reason := postgresql.why_not():
        console.print(f"PostgreSQL: not tried: {reason}")
        return
    cluster = postgresql.Cluster()
    os.environ["MIEN_DATABASE"] = cluster.url
    try:
        report("PostgreSQL", rounds)
    finally:
        cluster.stop()


def report(name: str, rounds: int) -> None:
    """Kill the server of one study, and print what happened."""
    folder = Path(tempfile.mkdtemp(prefix="mien-killing-"))
    try:
        console.print(f"{name}: {kill_again_and_again(folder, rounds)}")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
