"""The server says whether its store answers, and ends in order when it is told to."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import threading
import time

import httpx
import pytest

from experiments.health import Pulse
from protocols.ratings import read_participants, read_ratings
from tests.serving import Serving
from tests.small_study import look_built, make_study
from tests.test_server import Browser


@pytest.fixture
def study(tmp_path):
    return look_built(make_study(tmp_path / "study"))


def test_health_is_503_when_the_store_is_gone(study):
    browser = Browser(study)
    assert browser.get("/api/health").json() == {"status": "ok"}
    file = study.data / "web.sqlite"
    file.rename(study.data / "moved.sqlite")
    gone = browser.get("/api/health")
    assert (gone.status_code, gone.json()) == (503, {"reason": "no-store"})
    (study.data / "moved.sqlite").rename(file)
    assert browser.get("/api/health").status_code == 200


def test_health_does_not_wait_for_a_store_that_hangs_and_asks_it_once(study):
    store = Browser(study).desk.store
    go_on, asked, read = threading.Event(), [], store.read

    def hang():
        asked.append(1)
        go_on.wait(10)
        return read()

    store.read = hang
    pulse = Pulse(store, within_s=0.1)

    async def twice():
        began = time.monotonic()
        assert not await pulse.beats()
        assert not await pulse.beats()
        assert time.monotonic() - began < 5
        assert len(asked) == 1
        go_on.set()
        while not pulse.reading.done():
            await asyncio.sleep(0.01)
        assert await pulse.beats()

    asyncio.run(twice())


def test_a_request_that_is_open_is_answered_and_stored_before_the_server_ends(study):
    with Serving(study.folder) as serving:
        begin = httpx.post(f"{serving.url}/api/start", json={"agree": True}).json()
        answer = {"trial": 1, "question": "valence", "choice": 3}
        body = json.dumps({"token": begin["token"], "answers": [answer]}).encode()
        with socket.create_connection(("127.0.0.1", serving.port)) as slow:
            head = (f"POST /api/answers HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                    f"Content-Length: {len(body)}\r\n\r\n")  # fmt: skip
            slow.sendall(head.encode() + body[:20])
            time.sleep(0.5)
            serving.process.send_signal(signal.SIGTERM)
            time.sleep(1)
            assert serving.process.poll() is None
            with pytest.raises(httpx.TransportError):  # nobody new is let in meanwhile
                httpx.get(f"{serving.url}/api/health", timeout=2)
            slow.sendall(body[20:])
            assert slow.makefile("rb").readline() == b"HTTP/1.1 200 OK\r\n"
        assert serving.process.wait(30) == 0
    assert read_ratings(study.ratings_file).response.tolist() == [3]
    assert len(read_participants(study.participants_file)) == 1
    assert "Traceback" not in serving.log.read_text()
