"""What participants are offered: the set-up sheet, the reward, the code at the end."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner

import mien
from experiments.recruitment.money import amount_of, in_cents, reward, shown
from experiments.recruitment.sheet import sheet_of
from protocols.reading import load
from protocols.recruitment import Recruitment
from protocols.study import Study
from stimuli.corpora import identities_of
from stimuli.plan import write_plan
from tests.small_study import TINY, make_study
from tests.test_server import QUESTIONNAIRE, Browser, Clock

BLUME = Path(__file__).parents[1] / "protocols" / "blume2024-experiment2.yaml"


@pytest.fixture(scope="module")
def sheet(tmp_path_factory):
    protocol = load(BLUME, {"recruitment.pay": {"hourly": 9.6, "currency": "GBP"},
                            "recruitment.address": "https://lab.example/faces/"})  # fmt: skip
    study = Study(tmp_path_factory.mktemp("blume") / "study")
    study.freeze(protocol)
    write_plan(study, protocol, identities_of(protocol))
    return sheet_of(study)


def test_the_sheet_of_experiment_2_states_what_the_paper_states(sheet):
    """Blume et al. (2024), section 7.1: 80 participants, the filters, another group than before."""
    assert "| Places | 80 valid participants: 2 lists × 40 |" in sheet
    assert "| Reward | £1.92 (£9.60 an hour); £153.60 in all, without fees |" in sheet
    assert "120 pictures of faces and answer one question" in sheet
    for row in ("| Age | 18-35 | `age` |", "| First language | English | `first-language` |",
                "| Sex | balanced sample, 50 % female and 50 % male | `sex` |",
                "| Approval rate | 90-100 % | `approval_rate` |",
                "| Units of alcohol per week | 0, 1-4, 5-9 | look it up by this name |",
                "| Mental health treatment | None | look it up by this name |"):  # fmt: skip
        assert row in sheet
    table = sheet.split("## Prescreening")[1].split("##")[0]
    assert sum(line.startswith("| ") for line in table.splitlines()) == 2 + 25  # all of section 7.1
    assert "- blume2024-experiment1" in sheet
    assert "?PROLIFIC_PID={{%PROLIFIC_PID%}}&STUDY_ID={{%STUDY_ID%}}" in sheet
    assert "desktop only" in sheet


def test_what_participants_read_does_not_tell_the_hypothesis(sheet):
    read = sheet.split("## Text for participants")[1].split("## Link")[0]
    read += next(line for line in sheet.splitlines() if "Title for participants" in line)
    for word in ("angry", "happy", "emotion", "context", "model", "voice", "weight", "hypothes",
                 "changed"):  # fmt: skip
        assert word not in read.lower(), word


def test_the_sheet_of_every_platform_is_printed_or_written(tmp_path):
    for platform, told in (("mturk", "takes no new customers"), ("lab", "?participant=ID"),
                           ("link", "?participant=ID"), ("panel", "&id=ID")):  # fmt: skip
        text = TINY.replace("{per_list: 3}", f"{{per_list: 3, platform: {platform}}}")
        study = make_study(tmp_path / platform, text, pictures=False)
        verb = ["recruit", "sheet", str(study.folder), "--url", "https://lab.example/?a=1"]
        printed = CliRunner().invoke(mien.app, verb)
        assert told in printed.output, printed.output
        CliRunner().invoke(mien.app, [*verb, "-o", str(tmp_path / "sheet.md")])
        assert (tmp_path / "sheet.md").read_text() == printed.output


def test_a_reward_is_exact_and_never_below_the_stated_rate():
    def of(minutes, hourly):
        return reward(Recruitment(minutes=minutes, pay={"hourly": hourly}))

    assert of(12, 9) == Decimal("1.80")
    assert of(7, 9) == Decimal("1.05")
    assert of(10, 10) == Decimal("1.67")  # 1.6666…, rounded up
    assert of(20, 0.3) == Decimal("0.10")  # 0.3 * 20 / 60 is 0.09999… in floats
    assert in_cents(of(7, 9)) == 105
    assert reward(Recruitment(minutes=12)) is None
    assert shown(Decimal(3), "EUR") == "€3.00"
    assert amount_of(" 1.5 ") == Decimal("1.50")
    assert [amount_of(text) for text in ("", "x", "0", "1.001", "Infinity", "1,50")] == [None] * 6


CODES = "codes: {completed: DONE1, failed_attention: FAIL1, over_quota: FULL1}"
ATTENTION = """design:
  rotate: [emotion]
  attention:
    - {id: press-two, text: Please press 2., task: valence, answer: 2}
    - {id: press-three, text: Please press 3., task: valence, answer: 3}
"""


@pytest.mark.parametrize(("minutes", "missed", "code"), [
    (12, 0, "DONE1"), (12, 1, "DONE1"), (12, 2, "FAIL1"), (4, 1, "FAIL1"),
])  # fmt: skip
def test_the_code_for_missed_checks_is_given_only_where_the_policy_allows(
    tmp_path, minutes, missed, code
):
    head, rest = TINY.split("design:")
    text = head + ATTENTION + rest[rest.index("pages:") :]
    recruitment = f"{{per_list: 3, platform: prolific, minutes: {minutes}, {CODES}}}"
    text = text.replace("{per_list: 3}", recruitment)
    study = make_study(tmp_path / "s", text, pictures=False)
    browser = Browser(study, Clock(), "simulation")
    token = browser.start("someone").json()["token"]
    asked = {c.id: c.answer for c in study.protocol().design.attention}
    trials = browser.desk.plan.trials[browser.slot(token)]
    answers = browser.all_answers(token)
    wrong = missed
    for answer in answers:
        check = trials[answer["trial"] - 1].check
        if check is not None:
            answer["choice"] = asked[check] + (1 if wrong else 0)
            wrong -= bool(wrong)
    browser.post("answers", {"token": token, "answers": [*answers, *QUESTIONNAIRE]})
    done = browser.post("complete", {"token": token}).json()
    assert done == {
        "code": code,
        "redirect": f"https://app.prolific.com/submissions/complete?cc={code}",
    }


def test_who_comes_when_the_study_is_full_gets_a_way_back(tmp_path):
    text = TINY.replace("{per_list: 3}", f"{{per_list: 1, platform: prolific, {CODES}}}")
    browser = Browser(make_study(tmp_path / "s", text, pictures=False), Clock(), "simulation")
    for person in ("a", "b"):
        browser.finish(browser.start(person).json()["token"])
    refused = browser.start("c")
    assert refused.status_code == 409
    assert refused.json() == {
        "reason": "full", "code": "FULL1",
        "redirect": "https://app.prolific.com/submissions/complete?cc=FULL1",
    }  # fmt: skip


def test_only_mechanical_turk_may_frame_the_study(tmp_path):
    for platform in ("prolific", "mturk", "panel"):
        text = TINY.replace("{per_list: 3}", f"{{per_list: 1, platform: {platform}}}")
        study = make_study(tmp_path / platform, text, pictures=False)
        policy = (
            Browser(study, Clock(), "simulation")
            .get("/api/health")
            .headers["content-security-policy"]
        )
        parts = dict(part.strip().split(" ", 1) for part in policy.split(";"))
        if platform == "mturk":
            assert parts["frame-ancestors"].split()[0] == "https://worker.mturk.com"
            assert parts["form-action"] == "https://www.mturk.com https://workersandbox.mturk.com"
        else:
            assert parts["frame-ancestors"] == parts["form-action"] == "'none'"


def test_a_preview_starts_nothing_on_the_server_either(tmp_path):
    text = TINY.replace("{per_list: 3}", "{per_list: 1, platform: mturk}")
    browser = Browser(make_study(tmp_path / "s", text, pictures=False), Clock(), "simulation")
    body = {"agree": True, "external": "A1", "submission": "ASSIGNMENT_ID_NOT_AVAILABLE"}
    assert browser.post("start", body).json()["reason"] == "preview"
    token = browser.post("start", body | {"submission": "3A"}).json()["token"]
    done = browser.finish(token).json()
    with browser.desk.store.read() as db:
        assert done["code"] == db.exec_driver_sql("SELECT participant FROM sessions").scalar()


@pytest.mark.parametrize("changed", [
    {"external": "<script>"}, {"study": "a b"}, {"submission": "x" * 65}, {"submission": ""},
    {"study": "é"}, {"visit": "\n"},
])  # fmt: skip
def test_no_parameter_of_the_address_may_be_more_than_a_plain_word(tmp_path, changed):
    browser = Browser(make_study(tmp_path / "s", pictures=False), Clock(), "simulation")
    refused = browser.post("start", {"agree": True, "external": "a"} | changed)
    assert (refused.status_code, refused.json()["reason"]) == (422, "wrong-id")
