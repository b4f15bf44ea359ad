"""What a researcher decides by hand frees places, can be taken back, and deletes nothing."""

from __future__ import annotations

import sqlite3

import pytest

from experiments.decisions import worded
from experiments.errors import Refused, StudyError
from experiments.export import export
from protocols.ratings import read_participants, read_ratings
from tests.small_study import TINY, make_study
from tests.test_server import QUESTIONNAIRE, Browser, Clock

ONE_LIST = TINY.replace("rotate: [emotion]", "rotate: []").replace("per_list: 3", "per_list: 2")


@pytest.fixture
def browser(tmp_path):
    study = make_study(tmp_path / "study", ONE_LIST, pictures=False)
    return Browser(study, Clock(), "simulation")


def code(browser, token):
    return browser.desk.resume(token).participant


def people(study):
    export(study)
    return read_participants(study.participants_file).set_index("participant")


def study_of(browser):
    from protocols.study import Study

    return Study(browser.desk.store.database.file.parents[1])


def finished(browser, external):
    token = browser.start(external).json()["token"]
    assert browser.finish(token).status_code == 200
    return token


def test_who_is_excluded_by_hand_makes_room_and_stays_in_the_tables_with_the_reason(browser):
    one, _ = finished(browser, "one"), finished(browser, "two")
    assert browser.start("three").json()["reason"] == "full"
    browser.desk.decide(code(browser, one), "watched\ta film\n meanwhile")
    token = browser.start("three").json()["token"]
    assert browser.slot(token) == browser.slot(one)
    study = study_of(browser)
    found = people(study).loc[code(browser, one)]
    assert (found.status, found.valid) == ("completed", False)
    assert found.exclusion_reason == "by hand: watched a film meanwhile"
    rows = read_ratings(study.ratings_file)
    rows = rows[rows.participant == code(browser, one)]
    assert len(rows) == len(browser.all_answers(one))
    assert not rows.valid.any()


def test_taking_it_back_makes_valid_again_and_over_quota_if_the_place_was_refilled(browser):
    one = code(browser, finished(browser, "one"))
    finished(browser, "two")
    browser.desk.decide(one, "by mistake")
    browser.desk.decide(one, None)
    assert browser.start("three").json()["reason"] == "full"
    browser.desk.decide(one, "by mistake")
    finished(browser, "three")
    browser.desk.decide(one, None)
    study = study_of(browser)
    assert people(study).valid.tolist() == [True, True, True]
    with sqlite3.connect(browser.desk.store.database.file) as db:
        flags = db.execute("SELECT over_quota FROM sessions ORDER BY id").fetchall()
        decided = db.execute("SELECT reason FROM by_hand ORDER BY id").fetchall()
    assert flags == [(1,), (0,), (0,)]
    assert decided == [("by mistake",), (None,), ("by mistake",), (None,)]


def test_who_is_excluded_in_mid_study_gives_the_place_back_but_may_finish(browser):
    token = browser.start("one").json()["token"]
    browser.start("two")
    browser.desk.decide(code(browser, token), "a second window")
    heir = browser.start("three").json()["token"]
    assert browser.slot(heir) == browser.slot(token)
    study = study_of(browser)
    assert people(study).exclusion_reason[code(browser, token)] == "not-completed"
    assert browser.finish(token).json() == {"code": None, "redirect": None}
    assert people(study).exclusion_reason[code(browser, token)] == "by hand: a second window"
    assert browser.start("four").json()["reason"] == "full"


def test_a_rule_that_fails_stays_the_reason(browser):
    token = browser.start("one").json()["token"]
    answers = browser.all_answers(token)
    answers[-1]["choice"] = 5  # the check asked for 2
    browser.post("answers", {"token": token, "answers": [*answers, *QUESTIONNAIRE]})
    browser.post("complete", {"token": token})
    browser.desk.decide(code(browser, token), "odd")
    browser.desk.decide(code(browser, token), None)
    assert people(study_of(browser)).exclusion_reason.tolist() == ["attention"]


def test_a_restart_keeps_what_was_decided(browser):
    one = finished(browser, "one")
    browser.desk.decide(code(browser, one), "odd")
    browser.desk.pause(True)
    browser.desk.store.close()
    again = Browser(study_of(browser), Clock(), "simulation")
    assert again.start("two").json() == {"reason": "paused"}
    again.desk.pause(False)
    assert again.slot(again.start("two").json()["token"]) == again.slot(one)


def test_a_pause_turns_new_people_away_and_lets_the_others_go_on(browser):
    token = browser.start("one").json()["token"]
    browser.desk.pause(True)
    assert browser.start("two").status_code == 409
    assert browser.start("one").status_code == 200
    assert browser.finish(token).status_code == 200


def test_a_reason_is_needed_and_only_those_who_are_there_can_be_excluded(browser):
    token = browser.start("one").json()["token"]
    for wrong in ("", " \n", "x" * 201):
        with pytest.raises(StudyError, match="reason"):
            browser.desk.decide(code(browser, token), wrong)
    with pytest.raises(Refused):
        browser.desk.decide("p000", "odd")
    browser.post("withdraw", {"token": token})
    with pytest.raises(Refused):
        browser.desk.decide(code(browser, token), "odd")
    assert worded(" =1+1\u202e\x00 ") == "=1+1"
