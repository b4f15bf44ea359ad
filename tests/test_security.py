"""What strangers and participants may try: each is refused or does nothing, and nothing leaks."""

from __future__ import annotations

import http.client
import itertools
import json
import re
import socket

import httpx
import pytest

from experiments.export import export
from experiments.guard import HEADERS
from experiments.refusals import Refusals
from protocols.ratings import read_participants, read_ratings
from tests.serving import Serving
from tests.small_study import look_built, make_study
from tests.test_server import QUESTIONNAIRE, Browser, Clock

MOUNTS = ("", "/media", "/static", "/jspsych", "/api")
UPWARDS = ("..", "%2e%2e", ".%2e", "%252e%252e", "..%c0%af", "....", "..;", "..%00")
SLASHES = ("/", "%2f", "%252f", "\\", "%5c", "%255c", "//")
SECRETS = ("protocol.yaml", "data/web.sqlite", "plan/trials.csv", "etc/passwd")
ODD = "Peculiar/7.31 (Unheard-of; x9) Strange/42"


@pytest.fixture
def study(tmp_path):
    return look_built(make_study(tmp_path / "study"))


@pytest.fixture
def browser(study):
    return Browser(study)


def test_no_spelling_of_a_path_leads_out(study):
    """Paths are sent as they stand, not normalised."""
    asked = [
        f"{mount}{slash}{slash.join([up] * depth)}{slash}{secret}"
        for mount, up, slash in itertools.product(MOUNTS, UPWARDS, SLASHES)
        for depth, secret in zip((1, 2, 2, 12), SECRETS, strict=True)
    ]
    asked += [f"/{mount}//{study.folder}/{secret}" for mount, secret in
              itertools.product(("media", "static", ""), SECRETS)]  # fmt: skip
    asked += [
        "/media/%00",
        "/static/.",
        "/jspsych/%2e",
        "/media/c:%5cx",
        "/static/file:///etc/passwd",
    ]
    with Serving(study.folder) as serving:
        connection = http.client.HTTPConnection("127.0.0.1", serving.port)
        for path in asked:
            connection.putrequest("GET", path, skip_accept_encoding=True)
            connection.endheaders()
            answer = connection.getresponse()
            body = answer.read()
            assert answer.status in (400, 404, 405), path
            assert len(body) < 100, path
        connection.close()
        log = serving.log.read_text()
    assert "refused once: 404 at /media/…" in log
    assert "passwd" not in log
    assert log.count("refused") < 20  # a thousand refusals do not fill it


def test_a_token_opens_its_own_session_of_its_own_study_only(browser, tmp_path):
    one, two = (browser.start(name).json()["token"] for name in ("one", "two"))
    browser.post(
        "answers", {"token": one, "answers": [{"trial": 2, "question": "valence", "choice": 7}]}
    )
    assert all(
        not trial["done"] for trial in browser.post("resume", {"token": two}).json()["trials"]
    )
    elsewhere = Browser(make_study(tmp_path / "other", pictures=False), source="simulation")
    near = [one[:-1], f"{one} ", one.swapcase(), f"{one}\u0000", one + one, "", "' OR 1=1 --", "%"]
    for where, token in [(elsewhere, one), *((browser, forged) for forged in near)]:
        for name in ("resume", "answers", "complete", "withdraw"):
            body = {"token": token} | ({"answers": []} if name == "answers" else {})
            refused = where.post(name, body)
            assert (refused.status_code, refused.json()) == (403, {"reason": "unknown-token"}), name


def test_completing_twice_and_answering_afterwards_change_nothing(study):
    clock = Clock()
    browser = Browser(study, clock)
    token = browser.start("one").json()["token"]
    first = browser.finish(token)
    export(study)
    before = study.ratings_file.read_bytes(), study.participants_file.read_bytes()
    clock.now += 100_000
    assert browser.post("complete", {"token": token}).json() == first.json()
    late = [{"trial": 2, "question": "valence", "choice": 9}, {"question": "remarks", "text": "=1"}]
    held = browser.post("answers", {"token": token, "answers": late})
    assert held.status_code == 200  # a page that has not heard of its end sends on; it is ignored
    assert browser.start("one").json()["status"] == "completed"
    export(study)
    assert (study.ratings_file.read_bytes(), study.participants_file.read_bytes()) == before


def test_a_token_of_somebody_who_withdrew_brings_nothing_back(browser, study):
    token = browser.start("one").json()["token"]
    browser.post("withdraw", {"token": token})
    answers = {"token": token, "answers": browser.all_answers(token)}
    browser.post("answers", answers)
    assert browser.post("complete", {"token": token}).status_code == 409
    export(study)
    assert len(read_ratings(study.ratings_file)) == 0
    assert read_participants(study.participants_file).status.tolist() == ["withdrawn"]


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("a\0b", "a\ufffdb"),
        ("half \ud83d of a pair", "half \ufffd of a pair"),
        ("\ud83d\ude00 whole", "\U0001f600 whole"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("'; DROP TABLE answers; --", "'; DROP TABLE answers; --"),
        ("{{ 7 * 7 }} ${x} %s", "{{ 7 * 7 }} ${x} %s"),
        ("\u202egnp.exe", "\u202egnp.exe"),
        ("x" * 1000, "x" * 1000),
    ],
)
def test_whatever_is_typed_is_kept_as_words(browser, study, typed, kept):
    token = browser.start().json()["token"]
    said = json.dumps({"token": token, "answers": [{"question": "remarks", "text": typed}]})
    sent = browser._send("POST", "/api/answers", content=said,
                         headers={"content-type": "application/json"})  # fmt: skip
    assert sent.json() == {"held": 1}
    export(study)
    assert read_participants(study.participants_file).remarks.tolist() == [kept]


ANSWER = '{"token": "TOKEN", "answers": [{"trial": 2, "question": "valence", "choice": 1, %s}]}'
BODIES = {
    "deep": '{"token": ' + "[" * 60_000 + "]" * 60_000 + "}",
    "huge number": ANSWER % ('"rt_ms": ' + "9" * 5000),
    "not a number": ANSWER % '"rt_ms": NaN',
    "infinite": ANSWER % '"details": {"x": 1e999}',
    "half a character": ANSWER % '"details": {"x": "\\ud800"}',
    "a truth for a number": ANSWER.replace("1, %s", "true"),
    "no text": b"\xff\xfe",
    "many": '{"token": "TOKEN", "answers": [' + ",".join(['{"question": "remarks"}'] * 201) + "]}",
    "a long text": ANSWER % f'"text": "{"x" * 10_001}"',
}  # fmt: skip


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_bodies_that_are_no_answers_are_refused_and_nothing_is_kept(browser, body):
    token = browser.start().json()["token"]
    content = body.replace("TOKEN", token) if isinstance(body, str) else body
    refused = browser._send("POST", "/api/answers", content=content,
                            headers={"content-type": "application/json"})  # fmt: skip
    assert refused.status_code in (400, 422)
    assert set(refused.json()) <= {"reason", "where", "message"}
    assert browser.post("answers", {"token": token, "answers": []}).json() == {"held": 0}


def test_what_a_device_says_of_itself_is_bounded(browser):
    for device in ({"x": "y" * 5000}, {str(n): n for n in range(13)}, {"x": [1]}, {"x": "\0"}):
        refused = browser.post("start", {"agree": True, "device": device})
        assert refused.status_code == 422, device


@pytest.mark.parametrize("length", ["-1", "²", "9" * 5000, "1e3", "", "0x10"])
def test_a_length_that_is_no_number_is_refused(browser, length):
    refused = browser._send("POST", "/api/start", content=b"{}",
                            headers={"content-length": length.encode("latin-1")})  # fmt: skip
    assert refused.status_code == 413


def test_a_body_in_chunks_is_refused_whatever_length_it_names(study):
    with Serving(study.folder) as serving:
        with socket.create_connection(("127.0.0.1", serving.port), timeout=10) as raw:
            raw.sendall(
                b"POST /api/start HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
            )
            assert re.match(rb"HTTP/1.1 (413|400) ", raw.recv(4096))
        in_chunks = httpx.post(f"{serving.url}/api/start", content=iter([b"{}"]))
    assert in_chunks.status_code == 413


def test_a_fault_of_the_server_is_answered_safely_and_logged_without_what_was_sent(
    browser, caplog, monkeypatch
):
    def broken(_desk, token):
        raise RuntimeError(f"not stored: {token}")

    monkeypatch.setattr(type(browser.desk), "resume", broken)
    answer = browser.post("resume", {"token": "words-typed"})
    assert (answer.status_code, answer.json()) == (500, {"reason": "server-error"})
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    assert "Content-Security-Policy" in answer.headers
    assert "refused once: 500 at /api/resume" in caplog.text
    assert "RuntimeError" in caplog.text
    assert "in broken" in caplog.text
    assert "words-typed" not in caplog.text


def test_neither_address_nor_browser_are_in_database_log_or_tables(study):
    """A whole visit by a browser with an odd name, through a proxy that tells its address."""
    agent = {
        "User-Agent": ODD,
        "X-Forwarded-For": "203.0.113.77",
        "Referer": "https://odd.example/",
    }
    with (
        Serving(study.folder) as serving,
        httpx.Client(base_url=serving.url, headers=agent) as client,
    ):
        begin = client.post("/api/start", json={"agree": True, "external": "PID7731"}).json()
        answers = [
            {"trial": trial["trial"], "question": question, "choice": 2}
            for trial in begin["trials"]
            for question in trial["questions"]
        ]
        for part in (answers, QUESTIONNAIRE):
            sent = client.post("/api/answers", json={"token": begin["token"], "answers": part})
            assert sent.status_code == 200
        client.get("/nowhere", params={"participant": "PID7731"})
        client.post("/api/resume", json={"token": "forged"})
        assert client.post("/api/complete", json={"token": begin["token"]}).status_code == 200
        while_open = b"".join(p.read_bytes() for p in study.data.rglob("*") if p.is_file())
    after = b"".join(p.read_bytes() for p in study.data.rglob("*") if p.is_file())
    log = serving.log.read_bytes()
    tables = study.ratings_file.read_bytes() + study.participants_file.read_bytes()
    assert b"refused once: 403 at /api/resume" in log
    for place in (while_open, after, log, tables):
        for word in (*re.findall(r"[\w-]{4,}", ODD), "203.0.113", "odd.example", begin["token"]):
            assert word.encode() not in place, word
    for place in (while_open, after, tables):
        assert b"127.0.0.1" not in place
    assert b"PID7731" not in log + tables


def test_refusals_are_told_once_a_minute_with_how_many_there_were():
    told, now = [], [0.0]
    refusals = Refusals(told.append, lambda: now[0])
    for _ in range(1000):
        refusals.note(403, "/api/resume")
        refusals.note(404, "/media/../../etc/passwd")
        refusals.note(409, "/api/start")
        refusals.note(200, "/")
    now[0] = 61.0
    refusals.note(403, "/api/resume")
    assert told == ["refused once: 403 at /api/resume", "refused once: 404 at /media/…",
                    "refused 1000 times: 403 at /api/resume"]  # fmt: skip
