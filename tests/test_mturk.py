"""Mechanical Turk: every request fits the service's own description, and the sandbox is the rule.

botocore's Stubber checks each request and each answer against Amazon's model of the service.
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import boto3
import pytest
from botocore.stub import ANY, Stubber
from typer.testing import CliRunner

import mien
from experiments.errors import StudyError
from experiments.recruitment import mturk
from experiments.recruitment.desk import MTurkDesk
from experiments.recruitment.mturk import LIVE, SANDBOX, MTurk, external_question, hit_of
from experiments.recruitment.notes import Notes
from experiments.recruitment.payment import to_approve
from tests.small_study import TINY, make_study
from tests.test_server import Browser, Clock

HIT = "3HIT0000000000000000000000000A"
TASK2 = """recruitment:
  platform: mturk
  per_list: 3
  address: https://study.example/?a=1&b=2
  minutes: 8
  pay: {hourly: 12, currency: USD}
  block: [task1]
  prescreening: {Location: United States, Lifetime HIT approval rate: more than 95 %, Vision: "Yes"}
"""


def text(recruitment=TASK2):
    return TINY.replace("recruitment: {per_list: 3}\n", recruitment)


def worker(n):
    return f"A{n}WORKER"


def assignment(n):
    return f"3ASSIGNMENT{n}"


def play(study, people):
    """Workers who come in; `people`: number -> whether they finish. Leaves web.sqlite."""
    browser = Browser(study, Clock(), "simulation")
    for n, finishes in people.items():
        body = {"agree": True, "external": worker(n), "study": HIT, "submission": assignment(n)}
        token = browser.post("start", body).json()["token"]
        if finishes:
            browser.finish(token)
    browser.desk.store.close()
    (study.data / "simulation.sqlite").rename(study.data / "web.sqlite")


@pytest.fixture
def study(tmp_path):
    first = make_study(tmp_path / "task1", text(TASK2.replace("  block: [task1]\n", "")),
                       pictures=False)  # fmt: skip
    play(first, {7: True, 8: False})
    return make_study(tmp_path / "task2", text(), pictures=False)


@pytest.fixture
def turk():
    """(MTurk, Stubber) that talks to nobody."""
    client = boto3.client(
        "mturk", region_name="us-east-1", endpoint_url=SANDBOX, aws_access_key_id="x",
        aws_secret_access_key="y",
    )  # fmt: skip
    with Stubber(client) as stub:
        yield MTurk(client=client), stub
        stub.assert_no_pending_responses()


def test_the_question_is_xml_of_amazons_schema():
    root = ElementTree.fromstring(external_question("https://a.example/?a=1&b=<2>"))
    assert root.tag == f"{{{mturk.XML}}}ExternalQuestion"
    assert [child.text for child in root] == ["https://a.example/?a=1&b=<2>", "0"]


def test_workers_of_task_1_cannot_see_task_2(study, turk):
    desk = MTurkDesk(study, turk[0])
    draft = desk.draft(None)
    assert [line.split(":")[0] for line in draft.unknown] == ["Vision"]
    stub, name = turk[1], "Took part in task1"
    other = {"QualificationTypeId": "Q0", "Name": f"{name} again"}
    stub.add_response("list_qualification_types", {"QualificationTypes": [other], "NextToken": "n"},
                      {"Query": name, "MustBeRequestable": False, "MustBeOwnedByCaller": True,
                       "MaxResults": 100})  # fmt: skip
    stub.add_response("list_qualification_types", {"QualificationTypes": []},
                      {"Query": name, "MustBeRequestable": False, "MustBeOwnedByCaller": True,
                       "MaxResults": 100, "NextToken": "n"})  # fmt: skip
    about = {"Name": name, "Description": ANY, "QualificationTypeStatus": "Active"}
    stub.add_response("create_qualification_type",
                      {"QualificationType": {"QualificationTypeId": "Q1"}}, about)  # fmt: skip
    for n in (7, 8):  # who finished, and who only began
        stub.add_response("associate_qualification_with_worker", {},
                          {"QualificationTypeId": "Q1", "WorkerId": worker(n), "IntegerValue": 1,
                           "SendNotification": False})  # fmt: skip
    wanted = {
        "Title": "Rating pictures of faces", "Description": ANY, "Keywords": ANY,
        "Reward": "1.60", "MaxAssignments": 6, "LifetimeInSeconds": ANY,
        "AssignmentDurationInSeconds": 3600, "AutoApprovalDelayInSeconds": ANY,
        "Question": external_question("https://study.example/?a=1&b=2"),
        "QualificationRequirements": [
            {"QualificationTypeId": "00000000000000000071", "Comparator": "In",
             "LocaleValues": [{"Country": "US"}], "ActionsGuarded": "DiscoverPreviewAndAccept"},
            {"QualificationTypeId": "000000000000000000L0", "Comparator": "GreaterThan",
             "IntegerValues": [95], "ActionsGuarded": "DiscoverPreviewAndAccept"},
            {"QualificationTypeId": "Q1", "Comparator": "DoesNotExist",
             "ActionsGuarded": "DiscoverPreviewAndAccept"},
        ],
        "UniqueRequestToken": ANY,
    }  # fmt: skip
    stub.add_response("create_hit", {"HIT": {"HITId": HIT, "HITGroupId": "G"}}, wanted)
    assert desk.make(draft) == f"HIT {HIT} in the sandbox"
    assert desk.hit == HIT
    noted = Notes(study).file.read_text()
    assert "hit-live" not in noted
    assert worker(7) not in noted


def test_assignments_stand_beside_sessions_and_who_finished_is_approved(study, turk):
    play(study, {1: True, 2: False})
    Notes(study).keep(**{"hit-sandbox": {"id": HIT}})
    desk = MTurkDesk(study, turk[0])
    first = {"AssignmentId": assignment(1), "WorkerId": worker(1), "AssignmentStatus": "Submitted"}
    second = {"AssignmentId": assignment(2), "WorkerId": worker(2), "AssignmentStatus": "Submitted"}
    stub = turk[1]
    stub.add_response("list_assignments_for_hit", {"Assignments": [first], "NextToken": "n"},
                      {"HITId": HIT, "MaxResults": 100})  # fmt: skip
    stub.add_response("list_assignments_for_hit", {"Assignments": [second]},
                      {"HITId": HIT, "MaxResults": 100, "NextToken": "n"})  # fmt: skip
    pairs = desk.pairs()
    assert [(p.there, p.here) for p in pairs] == [
        ("AWAITING REVIEW", "completed"), ("AWAITING REVIEW", "active"),
    ]  # fmt: skip
    stub.add_response("approve_assignment", {}, {"AssignmentId": assignment(1)})
    desk.approve(to_approve(pairs).ready)
    # one of the six places is taken by somebody who does not count
    stub.add_response("get_hit", {"HIT": {"MaxAssignments": 6}}, {"HITId": HIT})
    needed = desk.needed(pairs)
    assert (needed.wanted, needed.taken, needed.places) == (6, 1, 7)
    stub.add_response("create_additional_assignments_for_hit", {},
                      {"HITId": HIT, "NumberOfAdditionalAssignments": 1,
                       "UniqueRequestToken": ANY})  # fmt: skip
    desk.replace(needed)
    desk.close()


def test_each_bonus_is_sent_once_even_after_an_interruption(study, turk, tmp_path):
    play(study, {1: True, 2: True})
    file = tmp_path / "b.csv"
    file.write_text(f"participant,amount,reason\n{worker(1)},0.50,Well done\n{worker(2)},1,\n")
    desk = MTurkDesk(study, turk[0])
    bonuses = desk.bonuses(file)
    assert desk.set_up(bonuses).startswith("$1.50 in all")

    def sent(n, amount, reason):
        return {"WorkerId": worker(n), "BonusAmount": amount, "AssignmentId": assignment(n),
                "Reason": reason, "UniqueRequestToken": ANY}  # fmt: skip

    stub = turk[1]
    stub.add_response("send_bonus", {}, sent(1, "0.50", "Well done"))
    stub.add_client_error("send_bonus", "ServiceFault", "Try\nlater", 500)
    with pytest.raises(StudyError, match="Mechanical Turk: ServiceFault: Try later"):
        desk.pay(bonuses)
    stub.add_response("send_bonus", {}, sent(2, "1.00", "Thank you."))
    desk.pay(desk.bonuses(file))
    with pytest.raises(StudyError, match="paid before"):
        desk.bonuses(file)
    assert worker(1) not in Notes(study).file.read_text()
    desk.close()


def test_the_sandbox_is_the_rule_and_live_must_be_said(study, monkeypatch):
    made = []
    monkeypatch.setattr(mturk.boto3, "client", lambda name, **more: made.append(more))
    for live in ([], ["--live"]):
        verb = ["recruit", "draft", str(study.folder), "--dry-run", *live]
        done = CliRunner().invoke(mien.app, verb)
        assert done.exit_code == 0, done.output
        assert '"Reward": "1.60"' in done.output
    assert [more["endpoint_url"] for more in made] == [SANDBOX, LIVE]


def test_without_credentials_there_is_one_clear_line(study, monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    Notes(study).keep(**{"hit-sandbox": {"id": HIT}})
    with pytest.raises(StudyError, match="no credentials; set AWS_ACCESS_KEY_ID"):
        MTurkDesk(study, MTurk()).pairs()


@pytest.mark.parametrize(("changed", "told"), [
    (("currency: USD", "currency: GBP"), "pays in USD"),
    (("platform: mturk", "platform: prolific"), "is for prolific, not Mechanical Turk"),
    (("  minutes: 8\n", ""), "recruitment.minutes is missing"),
])  # fmt: skip
def test_a_hit_that_lacks_something_is_one_clear_line(tmp_path, changed, told):
    study = make_study(tmp_path / "s", text(TASK2.replace(*changed)), pictures=False)
    with pytest.raises(StudyError, match=told):
        hit_of(study)


def test_a_study_without_a_hit_says_which_verb_makes_one(study, turk):
    with pytest.raises(StudyError, match="no HIT in the sandbox .* run mien recruit draft"):
        MTurkDesk(study, turk[0]).pairs()
