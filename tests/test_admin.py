"""The admin page: only for who has the token; nothing of it is in addresses, logs or the store."""

from __future__ import annotations

import logging
import os
import pty
import re
import select
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest

from experiments.admin.access import SESSION_S, TRIES
from experiments.admin.office import Office
from experiments.admin.status import change_token
from experiments.serve import tell_token
from experiments.server import make_app
from protocols.ratings import read_participants
from tests.serving import ROOT, Serving, free_port
from tests.small_study import TINY, look_built, make_study
from tests.test_server import Browser, Clock

SMALL = TINY.replace("rotate: [emotion]", "rotate: []").replace("per_list: 3", "per_list: 2")


class Researcher(Browser):
    """Talks to the admin page in the same process, and keeps its cookies as a browser does."""

    def __init__(self, study, clock=None, *, behind_proxy=False, database=None):
        self.app = make_app(study, clock=clock or time.time, behind_proxy=behind_proxy,
                            database=database)  # fmt: skip
        self.desk = self.app.state.reception
        self.office = Office(study, self.desk, self.app.state.visitors)
        self.office.open(self.app)
        self.cookies, self.headers = {}, {}

    def page(self, path="admin", **fields):
        """GET, or POST of these fields."""
        method = "POST" if fields else "GET"
        headers = {"Content-Type": "application/x-www-form-urlencoded"} | self.headers
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{k}={v}" for k, v in self.cookies.items())
        answer = self._send(method, f"/{path}", content=urlencode(fields), headers=headers)
        self.said = SimpleCookie(answer.headers.get("set-cookie", ""))
        for name, morsel in self.said.items():
            self.cookies[name] = morsel.value
        return answer

    def sign_in(self, token):
        return self.page("admin/sign-in", token=token)

    @property
    def form(self):
        return re.search(r'name="form" value="([^"]+)"', self.page().text)[1]

    def act(self, name, **fields):
        return self.page(f"admin/{name}", form=self.form, **fields)

    def states(self):
        return re.findall(r'<tr class="(\w+)">\s*<th scope="row"><code>(\w+)', self.page().text)


@pytest.fixture
def study(tmp_path):
    return look_built(make_study(tmp_path / "study", SMALL))


@pytest.fixture
def someone(study):
    """A researcher who has not signed in."""
    return Researcher(study, Clock())


@pytest.fixture
def researcher(study, someone):
    assert someone.sign_in(change_token(study)).status_code == 303
    return someone


def test_without_signing_in_nothing_is_told_and_nothing_can_be_done(someone):
    someone.finish(someone.start("one").json()["token"])
    code = someone.desk.resume(someone.start("one").json()["token"]).participant
    pages = [someone.page("admin"), someone.page("admin?people=all")]
    for name in ("ratings.csv", "participants.csv", "backup"):
        pages.append(someone.page(f"admin/{name}"))
        assert pages[-1].status_code == 403
    for name in ("exclude", "take-back", "pause", "go-on", "sign-out"):
        pages.append(someone.page(f"admin/{name}", form="", participant=code, reason="x"))
        assert pages[-1].status_code == 403, name
    for page in pages:
        assert code not in page.text
        assert "tiny" not in page.text.lower()  # the title may tell the hypothesis
    assert someone.start("two").status_code == 200


def test_a_token_opens_until_it_is_changed_or_half_a_day_has_passed(study, someone):
    first = change_token(study)
    assert someone.sign_in(first).headers["location"] == "../admin"
    assert "Participants" in someone.page().text
    second = change_token(study)
    assert "Participants" not in someone.page().text
    assert someone.sign_in(first).status_code == 403
    someone.office.access.clock = Clock()
    assert someone.sign_in(f" {second}\n").status_code == 303
    someone.office.access.clock.now += SESSION_S - 1
    assert "Participants" in someone.page().text
    someone.office.access.clock.now += 2
    assert "Participants" not in someone.page().text


def test_signing_out_ends_it_also_for_who_kept_the_cookie(researcher):
    kept = dict(researcher.cookies)
    researcher.act("sign-out")
    assert next(iter(researcher.said.values()))["max-age"] == "0"
    researcher.cookies = kept
    assert "Participants" not in researcher.page().text


def test_who_guesses_is_slowed_down_and_nobody_else_is(study, caplog):
    one = Researcher(study, behind_proxy=True)
    token = change_token(study)
    one.headers = {"X-Forwarded-For": "203.0.113.77"}
    one.office.access.tries.clock = Clock()
    for guess in ["", "x", token[:-1], token.upper(), token + "x"][: TRIES.burst]:
        assert one.sign_in(guess).status_code == 403
    refused = one.sign_in(token)  # right, but too late
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 30
    one.headers = {"X-Forwarded-For": "198.51.100.5"}
    assert one.sign_in(token).status_code == 303
    one.headers = {"X-Forwarded-For": "203.0.113.77"}
    one.office.access.tries.clock.now += int(refused.headers["retry-after"])
    assert one.sign_in(token).status_code == 303
    assert token not in caplog.text
    assert "203.0.113.77" not in caplog.text
    assert caplog.record_tuples[0] == ("mien", logging.WARNING,
                                       "admin page: a wrong token was refused")  # fmt: skip


@pytest.mark.parametrize(
    ("behind_proxy", "headers", "secure"),
    [(False, {}, False), (True, {}, True), (True, {"X-Forwarded-Proto": "http"}, False),
     (False, {"X-Forwarded-Proto": "https"}, False)],
)  # fmt: skip
def test_the_cookie_is_out_of_reach(study, behind_proxy, headers, secure):
    one = Researcher(study, behind_proxy=behind_proxy)
    one.headers = headers
    one.sign_in(change_token(study))
    (cookie,) = one.said.values()
    assert cookie["httponly"]
    assert cookie["samesite"] == "strict"
    assert int(cookie["max-age"]) == SESSION_S
    assert bool(cookie["secure"]) == secure
    assert cookie["path"] == ""  # the browser's own: the folder of the form's address
    assert cookie["domain"] == ""


def test_a_form_of_another_site_changes_nothing(researcher):
    token = researcher.start("one").json()["token"]
    code = researcher.desk.resume(token).participant
    forged = {"participant": code, "reason": "forged"}
    for form in ("", "x", "ü"):
        assert researcher.page("admin/exclude", form=form, **forged).status_code == 403
    form = researcher.form
    for site in ("cross-site", "same-site", "none"):
        researcher.headers = {"Sec-Fetch-Site": site}
        assert researcher.page("admin/exclude", form=form, **forged).status_code == 403
    assert researcher.page("admin/pause", form=form).status_code == 403
    assert researcher.start("two").status_code == 200
    researcher.headers = {"Sec-Fetch-Site": "same-origin"}
    assert researcher.page("admin/exclude", form=form, **forged).status_code == 303


def test_excluding_frees_the_place_and_taking_back_fills_it(researcher, study):
    tokens = [researcher.start(name).json()["token"] for name in ("one", "two")]
    codes = [researcher.desk.resume(token).participant for token in tokens]
    researcher.finish(tokens[0])
    assert researcher.start("three").json()["reason"] == "full"
    done = researcher.act("exclude", participant=codes[0], reason="=cmd|' /C calc'!A0")
    assert done.headers["location"] == "../admin"
    assert ("excluded", codes[0]) in researcher.states()
    table = researcher.page("admin/participants.csv")
    assert table.headers["content-disposition"] == 'attachment; filename="tiny-participants.csv"'
    assert "by hand: =cmd|' /C calc'!A0" in table.text
    assert ",=cmd" not in table.text  # no formula at the beginning of a cell
    researcher.act("take-back", participant=codes[0])
    assert ("valid", codes[0]) in researcher.states()
    assert researcher.start("three").json()["reason"] == "full"
    researcher.act("exclude", participant=codes[0], reason="again")
    assert researcher.start("three").status_code == 200
    ratings = researcher.page("admin/ratings.csv")
    assert ratings.text == study.ratings_file.read_text()
    assert read_participants(study.participants_file).exclusion_reason.notna().sum() == 3


def test_the_page_and_its_decisions_are_the_same_in_either_database(study, database):
    researcher = Researcher(study, Clock(), database=database)
    try:
        assert researcher.sign_in(change_token(study)).status_code == 303
        token = researcher.start("one").json()["token"]
        code = researcher.desk.resume(token).participant
        researcher.finish(token)
        assert researcher.states() == [("valid", code)]
        researcher.act("exclude", participant=code, reason="asleep")
        assert researcher.states() == [("excluded", code)]
        assert "by hand: asleep" in researcher.page("admin/participants.csv").text
        researcher.act("take-back", participant=code)
        assert researcher.states() == [("valid", code)]
        researcher.act("pause", x="y")
        assert researcher.start("two").json() == {"reason": "paused"}
        researcher.act("go-on", x="y")
        assert researcher.start("two").status_code == 200
        assert researcher.sign_in(change_token(study)).status_code == 303  # a new one holds at once
    finally:
        researcher.close()


def test_a_back_up_holds_what_the_store_holds(researcher, tmp_path):
    token = researcher.start("PID7").json()["token"]
    sent = {"token": token, "answers": [{"trial": 1, "question": "valence", "choice": 4}]}
    assert researcher.post("answers", sent).status_code == 200
    answer = researcher.page("admin/backup")
    name = answer.headers["content-disposition"]
    assert re.fullmatch(r'attachment; filename="tiny-\d{8}-\d{6}\.sqlite"', name)
    copy = tmp_path / "copy.sqlite"
    copy.write_bytes(answer.content)
    with closing(sqlite3.connect(copy)) as db:
        assert db.execute("SELECT trial, question, response FROM answers").fetchall() == [
            (1, "valence", 4)
        ]
    assert not list(Path(tempfile.gettempdir()).glob("mien-backup-*"))


def test_what_cannot_be_done_is_said(researcher):
    token = researcher.start("one").json()["token"]
    code = researcher.desk.resume(token).participant
    for fields, said in (
        ({"participant": code, "reason": " "}, "a reason is needed"),
        ({"participant": code, "reason": "x" * 201}, "at most 200"),
        ({"participant": "<b>p</b>", "reason": "x"}, "no such participant"),
    ):
        answer = researcher.act("exclude", **fields)
        assert answer.status_code == 422
        assert said in answer.text
        assert "<b>p" not in answer.text
    assert researcher.states() == [("active", code)]


def test_a_table_that_cannot_be_written_is_said(researcher, study):
    assert researcher.page("admin/ratings.csv").status_code == 200
    (study.data / "lab").mkdir()
    (study.data / "lab" / "vp01.jsonl").write_text("damaged")
    answer = researcher.page("admin/ratings.csv")
    assert answer.status_code == 422
    assert "vp01.jsonl" in answer.text


def test_a_pause_lets_nobody_new_in_until_it_ends(researcher):
    researcher.act("pause", x="y")
    assert researcher.start("one").json() == {"reason": "paused"}
    assert "the study is paused" in researcher.page().text
    researcher.act("go-on", x="y")
    assert researcher.start("one").status_code == 200


def test_what_is_typed_in_the_page_is_shown_as_text(researcher):
    token = researcher.start("one").json()["token"]
    code = researcher.desk.resume(token).participant
    researcher.act("exclude", participant=code, reason="<script>alert(1)</script>")
    text = researcher.page().text
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text


def test_every_page_has_a_strict_policy_and_is_kept_by_no_cache(researcher, study):
    pages = [researcher.page(), researcher.act("exclude", participant="x", reason="x")]
    researcher.act("sign-out")
    pages += [researcher.page(), researcher.sign_in("wrong"), researcher.page("admin/ratings.csv")]
    for page in pages:
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["x-content-type-options"] == "nosniff"
        assert not re.search(r"<script(?![^>]*src=)|style=|https?://", page.text)
    for asset in ("admin.js", "admin.css"):
        assert researcher.page(f"admin/static/{asset}").status_code == 200


def test_a_real_server_keeps_the_token_out_of_store_and_log(study):
    with Serving(study.folder) as serving, httpx.Client(base_url=serving.url) as client:
        token = change_token(study)  # while it runs
        wrong = client.post("/admin/sign-in", data={"token": "wrong-guess"})
        assert wrong.status_code == 403
        right = client.post("/admin/sign-in", data={"token": token})
        assert right.status_code == 303
        cookie = right.headers["set-cookie"].partition("=")[2].partition(";")[0]
        assert "Participants" in client.get("/admin").text
        serving.stop()
    log = serving.log.read_text()
    stored = b"".join(path.read_bytes() for path in study.data.iterdir())
    for secret in (token, cookie, "wrong-guess"):
        assert secret not in log
        assert secret.encode() not in stored
    assert "a wrong token was refused" in log
    assert "127.0.0.1" not in log.replace(f"http://127.0.0.1:{serving.port}/", "")


def test_without_a_person_no_token_is_made_for_it_would_stand_in_a_log(someone, study):
    said = []
    tell_token(study, someone.desk.store, said.append)
    tell_token(study, someone.desk.store, said.append)
    assert len(set(said)) == 1
    assert said[0].startswith("it has no token yet; make one with: mien study token ")


def served_at_a_terminal(study):
    """What `mien study serve` shows to a person, from its start to its end."""
    person, terminal = pty.openpty()
    command = [sys.executable, str(Path(ROOT) / "mien.py"), "study", "serve", str(study.folder),
               "--port", str(free_port())]  # fmt: skip
    shown = b""
    with subprocess.Popen(command, stdin=terminal, stdout=terminal, stderr=terminal) as served:
        os.close(terminal)
        try:
            while select.select([person], [], [], 60)[0] and (part := os.read(person, 4096)):
                shown += part
                if b"Ctrl-C" in shown:  # what is written may come in pieces
                    served.terminate()
            served.kill()
            pytest.fail(f"it does not end: {shown.decode()}")
        except OSError:  # the server has ended, and with it the terminal
            pass
    os.close(person)
    return shown.decode()


def test_the_token_is_shown_once_to_a_person(study):
    first, second = served_at_a_terminal(study), served_at_a_terminal(study)
    token = re.search(r"its token, shown this once: (\S+)", first)[1]
    assert "shown this once" not in second
    assert "mien study token" in second
    researcher = Researcher(study)
    assert researcher.sign_in(token).status_code == 303


def test_two_people_may_sign_in_and_many_forget_the_first(study, someone, monkeypatch):
    monkeypatch.setattr("experiments.admin.access.MOST_SESSIONS", 2)
    token = change_token(study)
    access = someone.office.access
    cookies = [access.sign_in(None, token) for _ in range(3)]
    assert [access.who(cookie) is not None for cookie in cookies] == [False, True, True]
    assert access.who("") is access.who("x") is None


def test_a_flood_of_forms_is_refused_before_it_is_read(researcher):
    async def huge():
        yield b"x"

    answer = researcher._send("POST", "/admin/sign-in", content=huge())
    assert answer.status_code == 413
    many = "&".join(f"a{n}=1" for n in range(1000))
    fields = researcher._send("POST", "/admin/sign-in", content=many)
    assert fields.status_code == 403
