"""`make bench`: the study server under load, beside oTree 6 in the same run.

The same study of ten questions on a nine-point scale, SQLite, one worker each, on the same cores.
oTree comes from PyPI into a virtual environment of its own. In oTree a trial is the form that is
sent and the page that the browser then asks for; in mien, which sends the whole plan at the start,
it is the answer that is sent. Both have written to the disk when they answer.

Seconds of the server's processor for each trial do not depend on what else the machine does. How
late the slowest answers are does, and it depends on the disk: what one write takes on that disk
without any server is printed beside it. TMPDIR=/dev/shm shows the server without a disk.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.parse
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
from rich.console import Console

from protocols.study import Study
from tests.serving import Serving, free_port
from tests.small_study import look_built, make_study

QUESTIONS = 10
AT_ONCE = 32  # people who answer as fast as they can
PEOPLE = 64  # in all, one after the other
MANY, EVERY, SECONDS = 1000, 4.0, 24.0  # people, seconds between two trials of one, duration
OTREE = "otree>=6,<7"
console = Console(highlight=False)
STUDY = f"""
name: ten
title: Ten questions
seed: 1
stimuli:
  generator: actor
  identities: {QUESTIONS}
  factors: {{emotion: [angry, happy], m: [1]}}
  size: 64
tasks: [{{id: valence, type: likert, question: How negative or positive does this face look?}}]
design: {{rotate: [emotion]}}
recruitment: {{per_list: {(MANY + PEOPLE) // 2}}}
"""
SETTINGS = """
SESSION_CONFIGS = [dict(name="ten", app_sequence=["ten"], num_demo_participants=1)]
SESSION_CONFIG_DEFAULTS = dict(real_world_currency_per_point=1, participation_fee=0, doc="")
PARTICIPANT_FIELDS, SESSION_FIELDS = [], []
LANGUAGE_CODE, REAL_WORLD_CURRENCY_CODE, USE_POINTS = "en", "USD", False
ADMIN_USERNAME, ADMIN_PASSWORD, DEMO_PAGE_INTRO_HTML, SECRET_KEY = "a", "b", "", "c"
"""
APP = f"""
from otree.api import *

class C(BaseConstants):
    NAME_IN_URL, PLAYERS_PER_GROUP, NUM_ROUNDS = "ten", None, 1

class Subsession(BaseSubsession):
    pass

class Group(BaseGroup):
    pass

class Player(BasePlayer):
    pass

for n in range({QUESTIONS}):
    field = models.IntegerField(label="How negative or positive?", choices=list(range(1, 10)),
                                widget=widgets.RadioSelectHorizontal)
    setattr(Player, "q%d" % n, field)

page_sequence = []
for n in range({QUESTIONS}):
    page = type("Page%d" % n, (Page,), dict(form_model="player", form_fields=["q%d" % n],
                                            template_name="ten/Rate.html"))
    globals()["Page%d" % n] = page
    page_sequence.append(page)
"""
TEMPLATE = """{{ block title }}A face{{ endblock }}
{{ block content }}{{ formfields }}{{ next_button }}{{ endblock }}
"""


@dataclass(frozen=True)
class Measured:
    """What one server did: seconds of each trial, of the whole, and of its processor."""

    name: str
    latencies: list[float]
    wall: float
    processor: float

    @property
    def per_second(self) -> float:
        return len(self.latencies) / self.wall

    @property
    def cost(self) -> float:
        """Milliseconds of the server's processor for each trial."""
        return 1000 * self.processor / len(self.latencies)

    def __str__(self) -> str:
        p50, p99 = 1000 * np.quantile(self.latencies, [0.5, 0.99])
        return (
            f"{self.name}: {self.per_second:.0f} trials saved per second, latency {p50:.0f} ms "
            f"(median) and {p99:.0f} ms (p99); {self.cost:.2f} ms of the processor each"
        )


class Line:
    """One connection that is kept open: a browser's, at the least cost for the machine."""

    def __init__(self, port: int) -> None:
        self.port, self.reader, self.writer = port, None, None

    async def ask(self, method: str, path: str, body: bytes = b"", kind: str = "application/json"):
        """(status, headers, body) of one request; a connection that was closed is opened again."""
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n"
        if method == "POST":
            head += f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            self.writer.write(head.encode() + b"\r\n" + body)
            told = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        except (asyncio.IncompleteReadError, ConnectionError):  # closed while idle
            self.close()
            return await self.ask(method, path, body, kind)
        first, *lines = told.split("\r\n")
        headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
        content = await self._content(headers)
        if headers.get("connection") == "close":
            self.close()
        return int(first.split()[1]), headers, content

    async def _content(self, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding") != "chunked":
            return await self.reader.readexactly(int(headers.get("content-length", 0)))
        content = b""
        while size := int(await self.reader.readuntil(b"\r\n"), 16):
            content += (await self.reader.readexactly(size + 2))[:-2]
        await self.reader.readexactly(2)
        return content

    def close(self) -> None:
        if self.writer is not None:
            self.writer.close()
        self.writer = None


Trial = Callable[[Line, int], Awaitable[None]]
Begin = Callable[[Line], Awaitable[Trial]]


async def begin_mien(line: Line) -> Trial:
    """Start a session; returns what sends answer number n."""
    status, _, body = await line.ask("POST", "/api/start", b'{"agree":true}')
    assert status == 200, body
    token = json.loads(body)["token"]

    async def trial(line: Line, number: int) -> None:
        one = {"trial": number + 1, "question": "valence", "choice": 5, "rt_ms": 812.4,
               "onset_ms": 4105.2, "hidden_ms": 0, "details": {"by": "key"}}  # fmt: skip
        sent = json.dumps({"token": token, "answers": [one]}).encode()
        status, _, body = await line.ask("POST", "/api/answers", sent)
        assert (status, json.loads(body)["held"]) == (200, number + 1), body

    return trial


def begin_otree(codes: list[str]) -> Begin:
    """Likewise for oTree, whose participants are made before."""

    async def begin(line: Line) -> Trial:
        status, headers, _ = await line.ask("GET", f"/InitializeParticipant/{codes.pop()}")
        assert status in (302, 307)
        page = [path_of(headers["location"])]
        assert (await line.ask("GET", page[0]))[0] == 200

        async def trial(line: Line, number: int) -> None:
            form = urllib.parse.urlencode({f"q{number}": 5}).encode()
            status, headers, _ = await line.ask(
                "POST", page[0], form, "application/x-www-form-urlencoded"
            )
            assert status == 302
            page[0] = path_of(headers["location"])
            assert (await line.ask("GET", page[0]))[0] in (200, 302, 404)
            # 404: oTree has no page after the last

        return trial

    return begin


def path_of(address: str) -> str:
    return urllib.parse.urlsplit(address).path


async def as_fast_as_they_can(port: int, begin: Begin, people: int) -> tuple[list[float], float]:
    """Seconds of every trial, and of the whole, of `people` of whom AT_ONCE are busy."""
    latencies: list[float] = []
    lines = [Line(port) for _ in range(AT_ONCE)]
    trials = [[await begin(line) for _ in range(people // AT_ONCE)] for line in lines]

    async def play(line: Line, own: list[Trial]) -> None:
        for trial in own:
            for number in range(QUESTIONS):
                before = time.perf_counter()
                await trial(line, number)
                latencies.append(time.perf_counter() - before)

    start = time.perf_counter()
    await asyncio.gather(*(play(*one) for one in zip(lines, trials, strict=True)))
    wall = time.perf_counter() - start
    for line in lines:
        line.close()
    return latencies, wall


async def one_every_four_seconds(port: int, begin: Begin) -> tuple[list[float], float]:
    """MANY people, each with a trial every EVERY seconds; latency counts from when it was due."""
    latencies: list[float] = []
    lines = [Line(port) for _ in range(MANY)]
    trials = [await begin(line) for line in lines]
    start = time.perf_counter() + 0.5

    async def play(place: int) -> None:
        for number in range(int(SECONDS / EVERY)):
            due = start + EVERY * (number + place / MANY)
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            await trials[place](lines[place], number)
            latencies.append(time.perf_counter() - due)

    await asyncio.gather(*(play(place) for place in range(MANY)))
    wall = time.perf_counter() - start
    for line in lines:
        line.close()
    return latencies, wall


def processor(pid: int) -> float:
    """Seconds of the processor that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class OTree:
    """oTree's production server with the same study, in `folder`."""

    def __init__(self, folder: Path, people: int) -> None:
        self.folder, self.port = folder, free_port()
        python = self._install()
        for part in ("ten", "_static"):
            (folder / part).mkdir()
        (folder / "settings.py").write_text(SETTINGS)
        (folder / "ten" / "__init__.py").write_text(APP)
        (folder / "ten" / "Rate.html").write_text(TEMPLATE)
        path = f"{python.parent}:{os.environ['PATH']}"
        self.log = folder / "log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [str(python.parent / "otree"), "prodserver1of2", f"127.0.0.1:{self.port}"],
                cwd=folder, env=os.environ | {"PATH": path, "OTREE_PRODUCTION": "1"},
                start_new_session=True, stdout=log, stderr=log,
            )  # fmt: skip
        self.codes = self._make_session(people)

    def _install(self) -> Path:
        python = self.folder / "venv" / "bin" / "python"
        uv = shutil.which("uv") or str(Path(__file__).parents[1] / ".tools" / "bin" / "uv")
        for command in (["venv", "-q", "--python", sys.executable, str(self.folder / "venv")],
                        ["pip", "install", "-q", "--python", str(python), OTREE]):  # fmt: skip
            subprocess.run([uv, *command], check=True)
        return python

    def _make_session(self, people: int) -> list[str]:
        body = {"session_config_name": "ten", "num_participants": people}
        with httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=300) as client:
            while True:
                try:
                    client.get("/api/otree_version").raise_for_status()
                    break
                except httpx.TransportError:
                    if self.process.poll() is not None:
                        raise RuntimeError(self.log.read_text()) from None
                    time.sleep(0.1)
            code = client.post("/api/sessions", json=body).raise_for_status().json()["code"]
            told = client.get(f"/api/sessions/{code}").raise_for_status().json()
        return [participant["code"] for participant in told["participants"]]

    def saved(self) -> int:
        """How many answers stand in its database."""
        columns = " + ".join(f"(q{n} IS NOT NULL)" for n in range(QUESTIONS))
        with sqlite3.connect(self.folder / "db.sqlite3") as db:
            return db.execute(f"SELECT sum({columns}) FROM ten_player").fetchone()[0]

    def stop(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def describe_disk(folder: Path, writes: int = 400) -> str:
    """What the least that a commit needs, 16 KB made safe on the disk, takes there."""
    took = []
    with (folder / "disk").open("wb", buffering=0) as file:
        for _ in range(writes):
            before = time.perf_counter()
            file.write(bytes(16_384))
            os.fdatasync(file.fileno())
            took.append(time.perf_counter() - before)
            time.sleep(0.01)
    p50, p99 = 1000 * np.quantile(took, [0.5, 0.99])
    return f"this disk alone: 16 KB are safe after {p50:.1f} ms (median) and {p99:.0f} ms (p99)"


def measure(name: str, port: int, pid: int, playing: Awaitable[tuple[list[float], float]]):
    """Play, and see what it cost."""
    before = processor(pid)
    latencies, wall = asyncio.run(playing)  # type: ignore[arg-type]
    return Measured(name, latencies, wall, processor(pid) - before)


def main() -> None:
    """Print both servers' speed, how they compare, and a thousand participants."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 8192), most))
    folder = Path(tempfile.mkdtemp(prefix="mien-load-"))
    try:
        study = study_of_ten(folder / "study")
        with Serving(study.folder) as serving:
            port, pid = serving.port, serving.process.pid
            ours = measure("mien", port, pid, as_fast_as_they_can(port, begin_mien, PEOPLE))
            console.print(str(ours))
        compare_with_otree(ours, folder / "otree")
        console.print(describe_disk(folder))
        with Serving(study.folder) as serving:
            port, pid = serving.port, serving.process.pid
            many = measure(
                f"mien, {MANY} people with a trial every {EVERY:.0f} s", port, pid,
                one_every_four_seconds(port, begin_mien),
            )  # fmt: skip
            console.print(str(many))
        rows = study.ratings_file.read_text().count("\n") - 1
        assert rows == len(ours.latencies) + len(many.latencies), "an answer was lost"
    finally:
        shutil.rmtree(folder)


def study_of_ten(folder: Path) -> Study:
    return look_built(make_study(folder, STUDY))


def compare_with_otree(ours: Measured, folder: Path) -> None:
    folder.mkdir()
    try:
        theirs = measure_otree(folder)
    except (subprocess.CalledProcessError, FileNotFoundError):
        console.print("oTree could not be installed: mien was measured alone")
        return
    console.print(
        f"mien saves {ours.per_second / theirs.per_second:.1f} times as many trials per second as "
        f"oTree; oTree takes {theirs.cost / ours.cost:.1f} times as much of the processor for each"
    )


def measure_otree(folder: Path) -> Measured:
    otree = OTree(folder, PEOPLE)
    try:
        version = httpx.get(f"http://127.0.0.1:{otree.port}/api/otree_version").json()["version"]
        begin, port = begin_otree(otree.codes), otree.port
        theirs = measure(
            f"oTree {version}", port, otree.process.pid,
            as_fast_as_they_can(port, begin, PEOPLE),
        )  # fmt: skip
        console.print(str(theirs))
        assert otree.saved() == len(theirs.latencies), "oTree has not saved every answer"
    finally:
        otree.stop()
    return theirs


if __name__ == "__main__":
    main()
