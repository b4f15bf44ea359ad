"""Who asks too often has to wait; a laboratory behind one address does not; nobody is noted."""

from __future__ import annotations

import asyncio
import gc
import ipaddress
import sys

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.responses import PlainTextResponse

from experiments import limits, serve
from experiments.limits import CALLS, FILES, STARTS, Buckets, Limit, Limits, Visitors

ONE, OTHER = "203.0.113.77", "198.51.100.5"


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


class Door:
    """An app that answers everything, behind the limits."""

    def __init__(self, clock, *, behind_proxy=True):
        self.visitors = Visitors(behind_proxy)
        self.app = Limits(PlainTextResponse("in"), self.visitors, clock)

    def ask(self, path, forwarded=None, peer="192.0.2.1", times=1):
        """Status and Retry-After of each of several requests."""
        headers = {"X-Forwarded-For": forwarded} if forwarded else {}

        async def send():
            transport = httpx.ASGITransport(app=self.app, client=(peer, 1))
            async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
                answers = [await client.post(path, headers=headers) for _ in range(times)]
            return [(one.status_code, one.headers.get("retry-after")) for one in answers]

        return asyncio.run(send())


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(0, 20), max_size=60), st.integers(1, 8), st.floats(0.1, 5))
def test_no_one_gets_more_than_the_burst_and_the_rate(gaps, burst, per_s):
    """In any time span of t seconds at most burst + t * per_s requests pass."""
    clock = Clock()
    buckets = Buckets(Limit(burst, per_s), clock)
    passed = []
    for gap in gaps:
        clock.now += gap
        wait = buckets.take(b"one")
        if wait == 0:
            passed.append(clock.now)
        else:
            assert 0 < wait <= 1 / per_s + 1e-9
    for i, begin in enumerate(passed):
        for j in range(i, len(passed)):
            assert j - i + 1 <= burst + (passed[j] - begin) * per_s + 1e-6


def test_who_waits_as_long_as_told_gets_in(clock):
    buckets = Buckets(Limit(1, 0.25), clock)
    assert buckets.take(b"one") == 0
    wait = buckets.take(b"one")
    clock.now += wait
    assert buckets.take(b"one") == 0
    assert buckets.take(b"other") == 0


def test_the_status_is_429_with_the_time_to_wait(clock):
    door = Door(clock)
    assert door.ask("/api/start", ONE, times=STARTS.burst) == [(200, None)] * STARTS.burst
    assert door.ask("/api/start", ONE) == [(429, "1")]
    assert door.ask("/api/start", OTHER) == [(200, None)]
    assert door.ask("/api/answers", ONE) == [(200, None)]
    clock.now += 1
    assert door.ask("/api/start", ONE) == [(200, None)]


def test_thirty_people_who_share_an_address_are_not_held_up(clock):
    door = Door(clock)
    assert {s for s, _ in door.ask("/api/start", ONE, times=30)} == {200}
    assert FILES.burst >= 30 * 400
    for _ in range(20):  # seconds, with two answers of each person
        assert {s for s, _ in door.ask("/api/answers", ONE, times=60)} == {200}
        clock.now += 1
    flood = door.ask("/api/answers", ONE, times=CALLS.burst + 60)
    assert flood[-1] == (429, "1")


def test_nobody_escapes_by_making_up_an_address(clock):
    door = Door(clock)
    asked = [door.ask("/api/start", f"10.1.{n // 250}.{n % 250}, {ONE}")[0]
             for n in range(STARTS.burst + 1)]  # fmt: skip
    assert asked[-1] == (429, "1")


def test_without_the_option_the_header_is_not_believed_and_it_is_said_once(clock, caplog):
    door = Door(clock, behind_proxy=False)
    for n in range(STARTS.burst):
        door.ask("/api/start", f"10.0.0.{n}", peer=ONE)
    assert door.ask("/api/start", "10.9.9.9", peer=ONE) == [(429, "1")]
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "--behind-proxy" in caplog.text
    assert ONE not in caplog.text
    assert "10.0.0" not in caplog.text


@pytest.mark.parametrize("peer", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_this_machine_and_the_health_check_are_not_limited(clock, peer):
    door = Door(clock)
    times = STARTS.burst + 20
    assert {s for s, _ in door.ask("/api/start", peer=peer, times=times)} == {200}
    assert {s for s, _ in door.ask("/api/health", ONE, times=CALLS.burst + 20)} == {200}


def test_one_network_of_ipv6_is_one_visitor(clock):
    visitors = Visitors()

    def of(address):
        return visitors.of({"type": "http", "client": (address, 1), "headers": []})

    assert of("2001:db8:1:2::1") == of("2001:db8:1:2:ffff::9") != of("2001:db8:1:3::1")
    assert of("::ffff:203.0.113.9") == of("203.0.113.9") != of("203.0.113.8")
    assert Visitors().of({"type": "http", "client": (ONE, 1), "headers": []}) != of(ONE)


def test_a_proxy_that_names_nobody_counts_as_one_visitor(clock):
    door = Door(clock)
    door.ask("/api/start", "unknown", times=STARTS.burst)
    assert door.ask("/api/start", "no address") == [(429, "1")]


def test_no_address_stays_in_memory(clock):
    door = Door(clock)
    door.ask("/api/answers", ONE)
    packed = ipaddress.ip_address(ONE).packed
    kept = [key for buckets in (door.app.starts, door.app.calls, door.app.files)
            for key in buckets.left]  # fmt: skip
    assert kept == [door.visitors.of({"client": (ONE, 1), "headers": [], "type": "http"})]
    gc.collect()
    for held in (*kept, door.visitors.key):
        assert packed not in held
        assert ONE.encode() not in held


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
@pytest.mark.parametrize("error", [ValueError, OSError])
def test_a_system_that_grants_no_more_files_serves_all_the_same(monkeypatch, error):
    import resource

    asked = []

    def refuse(_what, limits):
        asked.append(limits)
        raise error("not permitted")

    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, resource.RLIM_INFINITY))
    monkeypatch.setattr(resource, "setrlimit", refuse)
    serve._allow_connections()
    assert asked == [(serve.MOST_FILES, resource.RLIM_INFINITY)]


def test_memory_is_bounded(clock, monkeypatch):
    monkeypatch.setattr(limits, "MOST_VISITORS", 3)
    buckets = Buckets(Limit(1, 0.01), clock)
    for name in (b"a", b"b", b"c", b"a", b"d"):
        buckets.take(name)
    assert set(buckets.left) == {b"c", b"a", b"d"}  # who has not asked for longest is forgotten
    assert buckets.take(b"a") > 0
