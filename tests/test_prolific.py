"""Prolific's API: what is sent, what is paid and to whom, and what is said when it refuses."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest
from typer.testing import CliRunner

import mien
from experiments.admin.observer import Observer
from experiments.errors import StudyError
from experiments.export import export
from experiments.plan import read_plan
from experiments.purge import purge
from experiments.recruitment.bonuses import read_bonuses
from experiments.recruitment.client import Declined, Prolific
from experiments.recruitment.desk import ProlificDesk
from experiments.recruitment.filters import match_filters
from experiments.recruitment.ids import Known
from experiments.recruitment.notes import Notes
from experiments.recruitment.payment import places_taken
from experiments.recruitment.submissions import Pair, lines_of
from experiments.slots import LEASE_S
from experiments.store import holders
from tests.prolific_stand_in import FILTERS, StandIn
from tests.small_study import TINY, make_study
from tests.test_server import QUESTIONNAIRE, Browser, Clock

TOKEN = "secret-token-1"
STUDY = "6a" * 12
SUBMISSIONS = "/api/v1/submissions/"
RECRUITMENT = """recruitment:
  platform: prolific
  per_list: 3
  address: https://study.example/faces/
  minutes: 12
  pay: {hourly: 9.00, currency: GBP, screened_out: 0.5}
  codes: {completed: C0DE1, no_consent: C0DE2, screened_out: C0DE3, failed_attention: C0DE4}
  prescreening: {Age: 18-35, Sex: "balanced sample, 50 % each", First language: English}
"""


def text(recruitment=RECRUITMENT):
    return TINY.replace("recruitment: {per_list: 3}\n", recruitment)


@pytest.fixture(autouse=True)
def token(monkeypatch):
    monkeypatch.setenv("PROLIFIC_TOKEN", TOKEN)


@pytest.fixture
def stand_in():
    running = []

    def start(routes):
        running.append(StandIn(routes))
        return running[-1]

    yield start
    for one in running:
        one.close()


@pytest.fixture
def study(tmp_path):
    return make_study(tmp_path / "s", text(), pictures=False)


def pid(n):
    return f"{n:024x}"


def submission(n):
    return f"{n + 100:024x}"


@pytest.fixture
def played(study):
    """Five people: finished, excluded, in mid-study, one who returned, one who withdrew."""
    browser = Browser(study, Clock(), "simulation")
    tokens = {}
    for n in range(1, 6):
        body = {"agree": True, "external": pid(n), "study": STUDY, "submission": submission(n)}
        tokens[n] = browser.post("start", body).json()["token"]
    assert browser.finish(tokens[1]).json()["code"] == "C0DE1"
    answers = browser.all_answers(tokens[2])
    answers[-1]["choice"] = 5  # the check asked for 2
    browser.post("answers", {"token": tokens[2], "answers": [*answers, *QUESTIONNAIRE]})
    assert browser.post("complete", {"token": tokens[2]}).json()["code"] == "C0DE1"
    browser.post("withdraw", {"token": tokens[5]})
    browser.desk.store.close()
    (study.data / "simulation.sqlite").rename(study.data / "web.sqlite")
    return study


def row(n, status, **more):
    """As `GET /api/v1/submissions/` lists it; addresses that it may hold are not ours to keep."""
    return {"id": submission(n), "participant_id": pid(n), "study_id": STUDY, "status": status,
            "started_at": "2026-11-21T10:00:00Z", "ip": "203.0.113.7", **more}  # fmt: skip


ROWS = [row(1, "AWAITING REVIEW"), row(2, "AWAITING REVIEW"), row(3, "AWAITING REVIEW"),
        row(4, "RETURNED"), row(5, "RETURNED"), row(6, "ACTIVE")]  # fmt: skip


def listed(*rows):
    return {("GET", SUBMISSIONS): [(200, {"results": list(rows), "meta": {"count": len(rows)}})]}


def desk(study, api, sleep=lambda s: None):
    return ProlificDesk(study, Prolific(api.url, sleep=sleep), STUDY)


# --- the draft


def test_a_draft_says_what_the_protocol_says(study, stand_in):
    api = stand_in({("GET", "/api/v1/filters/"): [(200, {"results": FILTERS})],
                    ("POST", "/api/v1/studies/"): [(201, {"id": STUDY})]})  # fmt: skip
    counter = desk(study, api)
    draft = counter.draft(None)
    assert draft.unknown == ()
    assert STUDY in counter.make(draft)
    body = api.sent("POST", "/api/v1/studies/")[0]
    assert body["external_study_url"] == (
        "https://study.example/faces/?PROLIFIC_PID={{%PROLIFIC_PID%}}&STUDY_ID={{%STUDY_ID%}}"
        "&SESSION_ID={{%SESSION_ID%}}"
    )
    assert body["reward"] == 180  # 12 minutes at £9.00, in pence
    assert body["total_available_places"] == 6  # two lists of three
    assert body["estimated_completion_time"] == 12
    assert body["device_compatibility"] == ["desktop"]
    assert body["is_external_study_url_secure"] is False
    assert body["filters"] == [
        {"filter_id": "age", "selected_range": {"lower": 18, "upper": 35}},
        {"filter_id": "sex", "selected_values": ["0", "1"], "weightings": {"0": 1, "1": 1}},
        {"filter_id": "first-language", "selected_values": ["4"]},
    ]
    codes = {one["code"]: (one["code_type"], one["actions"][0]) for one in body["completion_codes"]}
    assert codes == {
        "C0DE1": ("COMPLETED", {"action": "MANUALLY_REVIEW"}),
        "C0DE2": ("NO_CONSENT", {"action": "REQUEST_RETURN"}),
        "C0DE3": ("FIXED_SCREENOUT", {"action": "FIXED_SCREEN_OUT_PAYMENT",
                                      "fixed_screen_out_reward": 50, "slots": 2}),
        "C0DE4": ("FAILED_ATTENTION_CHECK", {"action": "MANUALLY_REVIEW"}),
    }  # fmt: skip
    for secret in ("angry", "happy", "emotion", study.protocol().title):
        assert secret not in body["name"] + body["description"]
    with pytest.raises(StudyError, match="has a draft already"):
        counter.make(draft)
    assert len(api.sent("POST", "/api/v1/studies/")) == 1
    assert TOKEN not in Notes(study).file.read_text()
    assert all(headers["Authorization"] == f"Token {TOKEN}" for *_, headers in api.asked)


def test_what_prolific_does_not_know_is_named_with_the_nearest():
    wanted = {"Handednes": "Left", "Handedness": ["Left", "Both"], "Age": "young",
              "Approval rate": "at least 95"}  # fmt: skip
    match = match_filters(wanted, FILTERS, ["b" * 24])
    assert match.filters == [
        {"filter_id": "approval_rate", "selected_range": {"lower": 95}},
        {"filter_id": "previous_studies_blocklist", "selected_values": ["b" * 24]},
    ]
    assert [line.split(";")[0] for line in match.unknown] == [
        "Handednes: Prolific has no filter of this name",
        "Handedness: has no choice 'Both'",
        "Age: found 'young'",
    ]
    assert "did you mean 'Handedness'?" in match.unknown[0]


def test_nothing_is_made_while_filters_are_unknown(study, stand_in):
    api = stand_in({("GET", "/api/v1/filters/"): [(200, {"results": FILTERS[:2]})],
                    ("POST", "/api/v1/studies/"): [(201, {"id": STUDY})]})  # fmt: skip
    verb = ["recruit", "draft", str(study.folder), "--api", api.url]
    refused = CliRunner().invoke(mien.app, verb)
    assert isinstance(refused.exception, StudyError)
    assert "by hand: First language: Prolific has no filter" in refused.output
    assert CliRunner().invoke(mien.app, [*verb, "--dry-run", "--without-unknown"]).exit_code == 0
    assert api.sent("POST", "/api/v1/studies/") == []
    made = CliRunner().invoke(mien.app, [*verb, "--without-unknown"])
    assert made.exit_code == 0, made.output
    assert TOKEN not in made.output + refused.output
    assert Notes(study).prolific_study() == STUDY


@pytest.mark.parametrize(("without", "told"), [
    ("  address: https://study.example/faces/\n", "recruitment.address is missing"),
    ("  minutes: 12\n", "recruitment.minutes is missing"),
    ("  pay: {hourly: 9.00, currency: GBP, screened_out: 0.5}\n", "recruitment.pay is missing"),
    ("completed: C0DE1, ", "recruitment.codes.completed is missing"),
])  # fmt: skip
def test_a_draft_that_lacks_something_is_one_clear_line(tmp_path, stand_in, without, told):
    study = make_study(tmp_path / "s", text(RECRUITMENT.replace(without, "")), pictures=False)
    api = stand_in({("GET", "/api/v1/filters/"): [(200, {"results": FILTERS})]})
    with pytest.raises(StudyError, match=told):
        desk(study, api).draft(None)


# --- submissions


def test_submissions_stand_beside_sessions_and_places_of_those_who_left_are_free(played, stand_in):
    api = stand_in(listed(*ROWS))
    counter = desk(played, api)
    pairs = counter.pairs()
    assert [(p.there, p.here, p.counts) for p in pairs] == [
        ("AWAITING REVIEW", "completed", True), ("AWAITING REVIEW", "completed", False),
        ("AWAITING REVIEW", "active", False), ("RETURNED", "active", False),
        ("RETURNED", "withdrawn", False), ("ACTIVE", "no session", False),
    ]  # fmt: skip
    remarks = "\n".join(lines_of(pairs))
    assert "excluded (attention): pay, and replace" in remarks
    assert "submitted without finishing here" in remarks
    assert "returned: the place is free" in remarks
    with counter.store.read() as db:
        before = len(holders(db, Clock.now, LEASE_S))
    assert [counter.free(pairs, Clock.now) for _ in range(2)] == [1, 0]
    with counter.store.read() as db:
        assert len(holders(db, Clock.now, LEASE_S)) == before - 1
    plan = read_plan(played, counter.protocol)
    people = (
        Observer(counter.protocol, plan, counter.store, played.data, clock=Clock()).look().people
    )
    assert {(p.minutes, p.idle_s) for p in people if p.state == "expired"} == {(0.0, LEASE_S)}
    counter.close()
    assert b"203.0.113.7" not in b"".join(p.read_bytes() for p in played.data.iterdir())


def test_who_came_back_by_a_newer_submission_keeps_their_place(played, stand_in):
    older = row(4, "RETURNED") | {"id": "ab" * 12}
    counter = desk(played, stand_in(listed(older, row(4, "ACTIVE"))))
    pairs = counter.pairs()
    assert [pair.known and pair.known.external for pair in pairs] == [pid(4)] * 2
    assert not any(pair.remark for pair in pairs)
    assert counter.free(pairs, Clock.now) == 0
    counter.close()


def test_raw_ids_are_in_no_table_and_go_with_the_ids(played):
    for file in export(played):
        content = file.read_text()
        assert not any(pid(n) in content or submission(n) in content for n in range(1, 6))
        assert STUDY not in content
    assert purge(played, now=Clock.now + 2 * LEASE_S).ids == 10  # of people and of submissions
    stored = b"".join(file.read_bytes() for file in played.data.iterdir())
    assert not any(one.encode() in stored for one in (pid(1), submission(1), STUDY))


def test_every_page_of_a_list_is_read(stand_in):
    rows = [{"id": str(n)} for n in range(250)]

    def page(query):
        start = (int(query["page"]) - 1) * 100
        more = "next" if start + 100 < len(rows) else None
        return 200, {"results": rows[start : start + 100], "_links": {"next": {"href": more}}}

    api = stand_in({("GET", "/list/"): [page], ("GET", "/whole/"): [(200, {"results": rows})]})
    prolific = Prolific(api.url)
    assert [one["id"] for one in prolific.pages("/list/")] == [one["id"] for one in rows]
    assert len(api.asked) == 3
    assert len(list(prolific.pages("/whole/"))) == 250  # a list without pages


def test_the_study_is_known_from_the_links_of_its_participants(played, stand_in):
    api = stand_in(listed())
    counter = ProlificDesk(played, Prolific(api.url), None)
    assert counter.study_id == STUDY
    counter.close()
    fresh = make_study(played.folder.parent / "fresh", text(), pictures=False)
    with pytest.raises(StudyError, match="give it with --study"):
        _ = ProlificDesk(fresh, Prolific(api.url), None).study_id


# --- payment


def test_who_finished_is_approved_excluded_or_not_and_nobody_is_rejected(played, stand_in):
    api = stand_in(listed(*ROWS) | {("POST", f"{SUBMISSIONS}bulk-approve/"): [(200, {})]})
    verb = ["recruit", "approve", str(played.folder), "--api", api.url, "--study", STUDY]
    shown = CliRunner().invoke(mien.app, verb, input="n\n")
    assert "2 to approve" in shown.output
    assert f"by hand: {submission(3)}: submitted without finishing" in shown.output
    assert api.sent("POST", f"{SUBMISSIONS}bulk-approve/") == []
    done = CliRunner().invoke(mien.app, [*verb, "--yes"])
    assert done.exit_code == 0, done.output
    assert api.sent("POST", f"{SUBMISSIONS}bulk-approve/") == [
        {"submission_ids": [submission(1), submission(2)]}
    ]
    assert not any("REJECT" in str(body) for _, _, _, body, _ in api.asked)


def pseudonym(study, n):
    counter = ProlificDesk(study, Prolific("http://127.0.0.1:1"), STUDY)
    name = next(k.participant for k in counter.people() if k.external == pid(n))
    counter.close()
    return name


def test_bonuses_are_shown_asked_for_and_paid_once(played, stand_in, tmp_path):
    pay = "/api/v1/bulk-bonus-payments/b1/pay/"
    api = stand_in({
        ("POST", f"{SUBMISSIONS}bonus-payments/"): [(201, {"id": "b1", "total_amount": 42.0})],
        ("POST", pay): [(202, None)],
    })  # fmt: skip
    file = tmp_path / "bonuses.csv"
    file.write_text(f"participant,amount\n{pseudonym(played, 1)},0.10\n{pid(2)},0.20\n")
    verb = ["recruit", "bonus", str(played.folder), "--file", str(file), "--api", api.url,
            "--study", STUDY]  # fmt: skip
    tried = CliRunner().invoke(mien.app, [*verb, "--dry-run"])
    assert "2 bonuses, £0.30 in all" in tried.output  # exactly, as no sum of floats would be
    assert api.asked == []
    declined = CliRunner().invoke(mien.app, verb, input="y\nn\n")
    assert api.sent("POST", f"{SUBMISSIONS}bonus-payments/") == [
        {"study_id": STUDY, "csv_bonuses": f"{pid(1)},0.10\n{pid(2)},0.20"}
    ]
    assert api.sent("POST", pay) == [], declined.output
    paid = CliRunner().invoke(mien.app, [*verb, "--yes"])
    assert paid.exit_code == 0, paid.output
    again = CliRunner().invoke(mien.app, [*verb, "--yes"])
    assert "paid before" in str(again.exception)
    assert len(api.sent("POST", pay)) == 1
    noted = Notes(played).file.read_text()
    assert pid(1) not in noted
    assert TOKEN not in noted


def test_a_payment_that_was_declined_may_be_tried_again_and_one_that_was_lost_may_not(
    played, stand_in, tmp_path
):
    pay = "/api/v1/bulk-bonus-payments/b1/pay/"
    api = stand_in({
        ("POST", f"{SUBMISSIONS}bonus-payments/"): [(201, {"id": "b1"})],
        ("POST", pay): [(400, {"error": {"detail": "Not enough money"}}), None],
    })  # fmt: skip
    file = tmp_path / "bonuses.csv"
    file.write_text(f"participant,amount\n{pid(1)},1\n")
    counter = desk(played, api)
    for told in (
        "it refused .400: Not enough money",
        "look at Prolific's page whether it was done",
    ):
        bonuses = counter.bonuses(file)
        counter.set_up(bonuses)
        with pytest.raises(StudyError, match=told):
            counter.pay(bonuses)
    with pytest.raises(StudyError, match="paid before"):
        counter.bonuses(file)
    assert len(api.sent("POST", pay)) == 2
    counter.close()


PEOPLE = [Known(n, f"p{n}", pid(n), submission(n), STUDY, "completed", True, None, 1)
          for n in (1, 2)]  # fmt: skip


@pytest.mark.parametrize(("content", "told"), [
    ("participant,amount\np1,1.005\n", "line 2: '1.005' is no amount"),
    ("participant,amount\np1,-1\n", "line 2: '-1' is no amount"),
    ("participant,amount\np1,NaN\n", "line 2: 'NaN' is no amount"),
    ("participant,amount\np1,1e3\n", "line 2: 1000.00 is above 100"),
    ("participant,amount\np1,1\np9,1\n", "line 3: 'p9' is nobody"),
    (f"participant,amount\np1,1\n{pid(1)},2\n", "line 3: this participant has a line already"),
    ("participant\np1\n", "columns amount"),
    ("participant,amount,iban\np1,1,x\n", "columns iban"),
    ("", "holds no bonus"),
])  # fmt: skip
def test_a_wrong_file_of_bonuses_is_named_with_its_line(tmp_path, content, told):
    file = tmp_path / "b.csv"
    file.write_text(content)
    with pytest.raises(StudyError, match=told):
        read_bonuses(file, PEOPLE)


def test_the_sum_of_many_bonuses_is_exact(tmp_path):
    people = [Known(n, f"p{n}", pid(n), None, None, "completed", True, None, 1) for n in range(199)]
    file = tmp_path / "b.csv"
    file.write_text("\ufeffparticipant,amount\n" + "\n".join(f"p{n},0.07" for n in range(199)))
    assert read_bonuses(file, people).total == Decimal("13.93")


def test_places_grow_by_as_many_as_do_not_count_and_asking_twice_adds_none(played, stand_in):
    study_path = f"/api/v1/studies/{STUDY}/"
    places = [6]

    def shown(_query):
        return 200, {"id": STUDY, "total_available_places": places[0]}

    api = stand_in(listed(*ROWS) | {
        ("GET", study_path): [shown], ("PATCH", study_path): [(200, {})],
    })  # fmt: skip
    verb = ["recruit", "replace", str(played.folder), "--api", api.url, "--study", STUDY, "--yes"]
    done = CliRunner().invoke(mien.app, verb)
    assert done.exit_code == 0, done.output
    # of the three who handed in, one is excluded and one did not finish
    assert api.sent("PATCH", study_path) == [{"total_available_places": 8}]
    places[0] = 8
    again = CliRunner().invoke(mien.app, verb)
    assert "places now 8, needed 8" in again.output
    places[0] = 20
    CliRunner().invoke(mien.app, verb)
    assert len(api.sent("PATCH", study_path)) == 1  # never fewer


@pytest.mark.parametrize(("lists", "taken"), [
    ([1, 1, 1, 2, 2, 2], 0), ([1, 1, 1, 1, 2, 2], 1), ([1, 1, 1, 1, 1], 2),
])  # fmt: skip
def test_who_is_one_too_many_on_a_list_fills_no_place_of_another(lists, taken):
    pairs = [Pair(submission(n), pid(n), "APPROVED",
                  Known(n, f"p{n}", pid(n), submission(n), STUDY, "completed", True, None, number))
             for n, number in enumerate(lists)]  # fmt: skip
    assert places_taken(pairs, per_list=3) == taken


# --- errors


@pytest.mark.parametrize(("status", "body", "told"), [
    (401, {"error": {"detail": "Invalid token."}}, "the token is not valid; put a new one"),
    (403, {"error": {"detail": "No."}}, "this token may not do that"),
    (404, {"error": {"detail": "Not found"}}, "there is no /x/; the id may belong"),
    (422, {"error": {"detail": {"reward": ["Too\nlow", "x" * 900]}}}, "reward: Too low"),
    (400, ["no object"], "it refused .400: no object"),
    (418, "<html>", "it refused .418"),
])  # fmt: skip
def test_a_refusal_is_one_clear_line(stand_in, status, body, told):
    api = stand_in({("GET", "/x/"): [(status, body)]})
    with pytest.raises(Declined, match=told) as refused:
        Prolific(api.url).get("/x/")
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 450
    assert TOKEN not in str(refused.value)
    assert len(api.asked) == 1


def test_a_busy_server_is_asked_again_when_it_says_so(stand_in):
    waited = []
    busy = (429, {}, {"Retry-After": "7"})
    later = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 30))
    api = stand_in({
        ("GET", "/x/"): [busy, (503, {}, {"Retry-After": later}), (500, {}), None, (200, {"a": 1})],
        ("POST", "/x/"): [busy, (201, {"b": 2})],
    })  # fmt: skip
    prolific = Prolific(api.url, sleep=waited.append)
    assert prolific.get("/x/") == {"a": 1}
    assert waited[0] == 7
    assert 25 < waited[1] <= 30
    assert waited[2:] == [4, 8]  # longer each time
    assert prolific.post("/x/") == {"b": 2}


def test_what_may_have_been_done_is_not_done_again(stand_in):
    api = stand_in({("POST", "/a/"): [(500, {})], ("POST", "/b/"): [None],
                    ("GET", "/c/"): [(500, {})]})  # fmt: skip
    prolific = Prolific(api.url, sleep=lambda s: None)
    for path, told in (("/a/", "out of order"), ("/b/", "connection was lost")):
        with pytest.raises(StudyError, match=told):
            prolific.post(path)
        assert len(api.sent("POST", path)) == 1
    with pytest.raises(StudyError, match="out of order; try again later .500"):
        prolific.get("/c/")
    assert len(api.sent("GET", "/c/")) == 5


def test_the_token_is_needed_and_never_sent_unencrypted(monkeypatch):
    with pytest.raises(StudyError, match="over https only"):
        Prolific("http://api.prolific.example")
    monkeypatch.setenv("PROLIFIC_TOKEN", " ")
    with pytest.raises(StudyError, match="PROLIFIC_TOKEN is not set"):
        Prolific()


def test_verbs_of_other_platforms_say_so(tmp_path):
    study = make_study(tmp_path / "s", pictures=False)
    refused = CliRunner().invoke(mien.app, ["recruit", "submissions", str(study.folder)])
    assert "this verb is for prolific and mturk" in str(refused.exception)
