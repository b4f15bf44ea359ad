"""Signed links: what is forged, expired or used by somebody else does not get in."""

from __future__ import annotations

import base64
import hmac
import json
import re
import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from typer.testing import CliRunner

import mien
from experiments.errors import StudyError
from experiments.recruitment import signature
from experiments.recruitment.links import links_of
from experiments.server import make_app
from protocols.errors import UserError
from protocols.study import Study
from tests.prolific_stand_in import StandIn
from tests.small_study import TINY, look_built, make_study
from tests.test_server import Browser, Clock

NOW = Clock.now
ADDRESS = "https://study.example/faces/"
PID, STUDY, SUBMISSION = "5f" * 12, "6a" * 12, "7b" * 12
PROLIFIC = (
    "recruitment: {per_list: 3, platform: prolific, signed: prolific, "
    f"address: '{ADDRESS}', codes: {{completed: C0DE}}}}"
)
LINKS = f"recruitment: {{per_list: 3, platform: link, signed: links, address: '{ADDRESS}'}}"
OURS = rsa.generate_private_key(65537, 2048)
THEIRS = rsa.generate_private_key(65537, 2048)


def with_recruitment(text: str) -> str:
    return TINY.replace("recruitment: {per_list: 3}", text)


def key_set(kid="k1", key=OURS):
    public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
    return {"keys": [public | {"kid": kid, "alg": "RS256", "use": "sig", "key_ops": ["verify"]}]}


def token(key=OURS, kid="k1", algorithm="RS256", drop=(), **changed):
    """A token as Prolific's documents describe it, good for five minutes."""
    ids = {"PROLIFIC_PID": PID, "STUDY_ID": STUDY, "SESSION_ID": SUBMISSION, "workspace_id": "w"}
    claims = {"iss": "https://www.prolific.com", "aud": ADDRESS, "sub": SUBMISSION,
              "exp": NOW + 300, "prolific": ids} | changed  # fmt: skip
    claims = {name: value for name, value in claims.items() if name not in drop}
    return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": kid})


@pytest.fixture
def study(tmp_path):
    study = make_study(tmp_path / "s", with_recruitment(PROLIFIC), pictures=False)
    look_built(study)
    file = signature.prolific_keys_file(study)
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(key_set()))
    return study


@pytest.fixture
def browser(study, monkeypatch):
    from experiments import server

    monkeypatch.setattr(server, "read_media", lambda study: ({}, None))
    return Browser(study, Clock())


def come(browser, signed, visit="a1", **changed):
    body = {"agree": True, "external": PID, "study": STUDY, "submission": SUBMISSION,
            "signature": signed, "visit": visit} | changed  # fmt: skip
    return browser.post("start", {k: v for k, v in body.items() if v is not None})


def why(answer):
    return None if answer.status_code == 200 else answer.json()["reason"]


def test_who_prolific_signed_gets_in_and_is_known_by_submission(browser):
    assert why(come(browser, token())) is None
    with browser.desk.store.read() as db:
        found = db.exec_driver_sql("SELECT submission, platform, study FROM external_visits").all()
    assert [tuple(row) for row in found] == [(SUBMISSION, "prolific", STUDY)]


@pytest.mark.parametrize(
    "signed",
    [
        "nonsense", "a.b.c", "", token(key=THEIRS), token(kid="k2"),
        token(aud="https://study.example/other/"), token(aud="https://evil.example/faces/"),
        token(aud="http://study.example/faces/"), token(aud=["evil.example", 1]), token(aud=""),
        token(iss="https://evil.example"), token(sub="8c" * 12), token(drop=["exp"]),
        token(drop=["prolific"]), token(prolific={"PROLIFIC_PID": PID}), token(exp="soon"),
        jwt.encode({"sub": SUBMISSION}, "", algorithm="none"), "x" * 4000,
    ],
)  # fmt: skip
def test_a_forged_link_is_refused(browser, signed):
    assert why(come(browser, signed)) == "forged-link"


@pytest.mark.parametrize("audience", [
    ADDRESS, "https://study.example/faces", "https://study.example", "study.example",
    f"{ADDRESS}?PROLIFIC_PID=x&STUDY_ID=y", ["https://other.example/", "https://STUDY.example/"],
])  # fmt: skip
def test_the_audience_is_the_address_of_the_study_or_its_host(browser, audience):
    assert why(come(browser, token(aud=audience))) is None


def test_a_public_key_used_as_a_secret_is_refused(browser):
    """The classic confusion of algorithms: HS256 with the public key, which everybody has."""
    pem = OURS.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    head = {"alg": "HS256", "typ": "JWT", "kid": "k1"}
    body = token().split(".")[1]
    start = f"{base64.urlsafe_b64encode(json.dumps(head).encode()).decode().rstrip('=')}.{body}"
    mac = hmac.new(pem, start.encode(), "sha256").digest()
    signed = f"{start}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"
    assert why(come(browser, signed)) == "forged-link"


@pytest.mark.parametrize("changed", [
    {"external": "9d" * 12}, {"study": "9d" * 12}, {"submission": "9d" * 12}, {"submission": None},
])  # fmt: skip
def test_ids_that_the_signature_does_not_name_are_refused(browser, changed):
    assert why(come(browser, token(), **changed)) == "forged-link"


def test_without_a_signature_nobody_gets_in(browser):
    assert why(come(browser, None)) == "unsigned-link"
    assert why(come(browser, token(), visit=None)) == "unsigned-link"


def test_an_expired_link_is_refused_and_a_fresh_one_of_the_same_person_resumes(study, monkeypatch):
    from experiments import server

    monkeypatch.setattr(server, "read_media", lambda study: ({}, None))
    clock = Clock()
    browser = Browser(study, clock)
    assert why(come(browser, token(exp=NOW - 60))) == "expired-link"
    assert why(come(browser, token(exp=NOW - 10))) is None  # clocks may differ a little
    clock.now += 1000
    assert why(come(browser, token(exp=NOW + 1300), visit="b2")) is None
    with browser.desk.store.read() as db:
        assert db.exec_driver_sql("SELECT count(*) FROM sessions").scalar() == 1


def test_a_link_serves_one_browser_whose_page_may_ask_again(browser):
    signed = token()
    assert why(come(browser, signed)) is None
    assert why(come(browser, signed)) is None  # the answer was lost on its way
    assert why(come(browser, signed, visit="b2")) == "used-link"


def test_a_link_serves_nobody_else_as_long_as_its_signature_is_accepted(study, monkeypatch):
    from experiments import server

    monkeypatch.setattr(server, "read_media", lambda study: ({}, None))
    clock = Clock()
    browser = Browser(study, clock)
    signed = token()
    assert why(come(browser, signed)) is None
    for late, told in ((29, "used-link"), (30, "used-link"), (31, "expired-link")):
        clock.now = NOW + 300 + late
        assert why(come(browser, signed, visit="b2")) == told


def test_a_link_of_another_study_of_the_same_account_is_refused(study, monkeypatch):
    from experiments import server
    from experiments.recruitment.notes import Notes

    monkeypatch.setattr(server, "read_media", lambda study: ({}, None))
    Notes(study).keep(prolific_study="0" * 24)
    assert why(come(Browser(study, Clock()), token())) == "forged-link"


def test_new_keys_count_as_soon_as_they_are_recorded(study, browser):
    newer = token(key=THEIRS, kid="k2")
    assert why(come(browser, newer)) == "forged-link"
    file = signature.prolific_keys_file(study)
    file.write_text(json.dumps({"keys": key_set()["keys"] + key_set("k2", THEIRS)["keys"]}))
    assert why(come(browser, newer)) is None
    file.write_text("")  # a running server goes on with the keys that it knows
    assert why(come(browser, token(exp=NOW + 200), visit="c3")) is None


def test_keys_are_recorded_as_prolific_publishes_them(tmp_path):
    study = make_study(tmp_path / "s", with_recruitment(PROLIFIC), pictures=False)
    path = "/.well-known/study/jwks.json"
    answers = [(200, key_set()), (200, {"keys": []}), (503, {})]
    api = StandIn({("GET", path): answers})
    try:
        verb = ["recruit", "keys", str(study.folder), "--api", api.url]
        assert CliRunner().invoke(mien.app, verb).exit_code == 0
        keys = signature.ProlificKeys(signature.prolific_keys_file(study))
        for _ in range(2):  # what cannot be used does not take their place
            with pytest.raises(StudyError, match="no keys .*try again later"):
                signature.record_keys(study, api.url)
            assert keys.of("k1") is not None
        assert "Authorization" not in api.asked[0][-1]
    finally:
        api.close()
    with pytest.raises(StudyError, match="over https only"):
        signature.record_keys(study, "http://api.prolific.example")


@pytest.mark.parametrize(("text", "told"), [(None, "not a study"), (LINKS, "found links")])
def test_keys_are_only_recorded_in_a_study_that_needs_them(tmp_path, text, told):
    if text is not None:
        make_study(tmp_path / "s", with_recruitment(text), pictures=False)
    api = StandIn({})
    try:
        with pytest.raises(UserError, match=told):
            signature.record_keys(Study(tmp_path / "s"), api.url)
        assert api.asked == []
    finally:
        api.close()
    assert not (tmp_path / "s" / "recruitment").exists()


@pytest.mark.parametrize("content", ["", "{}", '{"keys": []}', '{"keys": [{"kty": "oct"}]}', "[1]"])
def test_without_keys_the_server_does_not_start(study, content):
    signature.prolific_keys_file(study).write_text(content)
    with pytest.raises(StudyError, match="run mien recruit keys"):
        signature.ProlificKeys(signature.prolific_keys_file(study))


def test_own_links_let_each_person_in_and_nobody_else(tmp_path):
    study = make_study(tmp_path / "s", with_recruitment(LINKS), pictures=False)
    (tmp_path / "ids.txt").write_text("anna\nbert\n\n")
    anna, bert = links_of(study, tmp_path / "ids.txt", None, 1)
    assert anna.startswith(f"{ADDRESS}?participant=anna&token=")
    assert signature.secret_file(study).stat().st_mode & 0o077 == 0
    secret = signature.study_secret(study)
    read = signature.read_own(anna.split("token=")[1], "tiny", secret, time.time())
    assert read.participant == "anna"
    with pytest.raises(signature.Refused, match="forged"):
        signature.read_own(anna.split("token=")[1], "other-study", secret, time.time())
    with pytest.raises(signature.Refused, match="forged"):
        signature.read_own(bert.split("token=")[1], "tiny", b"0" * 32, time.time())
    with pytest.raises(signature.Refused, match="expired"):
        signature.read_own(anna.split("token=")[1], "tiny", secret, time.time() + 100_000)


@pytest.mark.parametrize(("ids", "told"), [
    ("anna\nx y", "line 2: found 'x y'"), ("anna\nanna", "holds an id twice"),
])  # fmt: skip
def test_a_list_of_ids_that_cannot_be_used_is_one_line(tmp_path, ids, told):
    study = make_study(tmp_path / "s", with_recruitment(LINKS), pictures=False)
    (tmp_path / "ids.txt").write_text(ids)
    with pytest.raises(StudyError, match=told):
        links_of(study, tmp_path / "ids.txt", None, 1)


def test_simulated_participants_need_no_signature(tmp_path):
    study = make_study(tmp_path / "s", with_recruitment(PROLIFIC), pictures=False)
    make_app(study, "simulation").state.reception.store.close()


@pytest.mark.parametrize(("text", "told"), [
    ("{platform: link, signed: prolific, address: 'https://a.example/'}", "its own links only"),
    ("{platform: prolific, signed: prolific}", "add recruitment.address"),
    ("{platform: mturk, signed: links}", "makes the links itself"),
    ("{platform: panel, panel: {completed: 'http://a.example/'}}", "begins with https"),
    ("{platform: panel, panel: {completed: 'https://{id}.a.example/'}}", "after the name"),
    ("{platform: panel, panel: {completed: 'https://a.example/{who}'}}", "only gap is {id}"),
    ("{platform: panel, panel: {parameter: '<x>'}}", "accepted: a letter"),
    ("{codes: {completed: AAA, no_consent: AAA}}", "same code"),
    ("{pay: {hourly: 0}}", "greater than 0"),
])  # fmt: skip
def test_settings_that_do_not_fit_are_refused(tmp_path, text, told):
    with pytest.raises(UserError, match=re.escape(told)):
        make_study(tmp_path / "s", with_recruitment(f"recruitment: {text}"), pictures=False)
