"""The study's server: nothing acknowledged is lost, nobody gets in twice, lists stay balanced."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
from collections import Counter

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments import server
from experiments.answers import asked
from experiments.blocking import not_beside
from experiments.errors import StudyError
from experiments.export import export
from experiments.plan import read_plan
from experiments.server import make_app
from experiments.slots import LEASE_S, next_slot
from protocols.ratings import read_participants, read_ratings
from protocols.reading import load
from tests.killing import kill_again_and_again
from tests.serving import Serving
from tests.small_study import TINY, look_built, make_study

QUESTIONNAIRE = [
    {"question": "random", "choice": 1},
    {"question": "aids", "boxes": [1, 2]},
    {"question": "sure", "choice": 3},
    {"question": "remarks", "text": "none, thank you"},
]


class Clock:
    now = 1_000_000.0

    def __call__(self):
        return self.now


class Browser:
    """Talks to an app in the same process, as a participant's page does."""

    def __init__(self, study, clock=None, source="web", database=None):
        extra = {"clock": clock} if clock else {}
        self.app = make_app(study, source, database=database, **extra)
        self.desk = self.app.state.reception

    def close(self):
        self.desk.store.close()
        self.desk.taken_elsewhere.close()

    def get(self, path, **more):
        return self._send("GET", path, **more)

    def post(self, name, body, **more):
        return self._send("POST", f"/api/{name}", json=body, **more)

    def start(self, external=None):
        body = {"agree": True} | ({"external": external} if external else {})
        return self.post("start", body)

    def _send(self, method, path, **more):
        async def once():
            transport = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://study") as client:
                return await client.request(method, path, **more)

        return asyncio.run(once())

    def slot(self, token):
        return self.desk.resume(token).slot

    def all_answers(self, token, **changed):
        """Fitting answers to every trial of the slot; `changed`: question -> choice."""
        protocol, trials = self.desk.protocol, self.desk.plan.trials[self.slot(token)]
        return [
            {"trial": t.number, "question": q.id, "rt_ms": 900.5, "onset_ms": 10, "hidden_ms": 0,
             "choice": 2 if t.kind == "attention" else changed.get(q.id, 1)}
            for t in trials for q in asked(protocol, t)
        ]  # fmt: skip

    def finish(self, token, **changed):
        answers = self.all_answers(token, **changed)
        for part in (answers[:20], answers[20:], QUESTIONNAIRE):
            assert self.post("answers", {"token": token, "answers": part}).status_code == 200
        return self.post("complete", {"token": token})


def built(study):
    """A study that looks built: the page itself is tested in test_web_build."""
    look_built(study)
    (study.web / "media" / "abc.png").write_bytes(bytes(range(256)) * 8)
    return study


@pytest.fixture
def study(tmp_path):
    return built(make_study(tmp_path / "study"))


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def opened(clock, database):
    """Opens studies, all in one kind of database, and closes them in the end."""
    browsers = []

    def open_one(study, source="web"):
        browsers.append(Browser(study, clock, source, database))
        return browsers[-1]

    yield open_one
    for browser in browsers:
        browser.close()


@pytest.fixture
def browser(study, opened):
    return opened(study)


def test_a_whole_session_ends_in_exactly_the_planned_rows(browser, study):
    token = browser.start("someone").json()["token"]
    done = browser.finish(token)
    assert done.json() == {"code": None, "redirect": None}
    export(study)
    table = read_ratings(study.ratings_file)
    protocol = study.protocol()
    planned = {(t.number, q.id) for t in read_plan(study, protocol).trials[1]
               for q in asked(protocol, t)}  # fmt: skip
    assert set(zip(table.trial, table.question, strict=True)) == planned
    assert len(table) == len(planned)
    person = read_participants(study.participants_file).iloc[0]
    assert (person.status, person.valid, person.aids) == ("completed", True, "Eyes; Mouth")
    assert person.remarks == "none, thank you"
    repeat = table[table.kind == "repeat"].iloc[0]
    first = table[(table.trial == repeat.repeat_of) & (table.question == repeat.question)].iloc[0]
    assert first.stimulus_id == repeat.stimulus_id


def test_the_browser_is_told_neither_identity_nor_condition(browser):
    told = browser.start().text
    for secret in ("angry", "happy", "actor", "stimulus", "identity", "emotion", "slot", "list"):
        assert secret not in told, secret
    names = re.findall(r"media/([^\"]+)", told)
    assert len(names) == 11
    assert all(re.fullmatch(r"[0-9a-f]{20}\.png", name) for name in names)


def test_sending_again_changes_nothing_and_the_first_answer_stays(browser, study):
    token = browser.start().json()["token"]
    answer = {"trial": 2, "question": "valence", "choice": 3}
    for choice, held in ((3, 1), (3, 1), (9, 1)):
        sent = {"token": token, "answers": [answer | {"choice": choice}]}
        assert browser.post("answers", sent).json() == {"held": held}
    export(study)
    assert read_ratings(study.ratings_file).response.tolist() == [3]


def test_completion_waits_for_every_answer_and_names_what_is_missing(browser):
    token = browser.start().json()["token"]
    answers = browser.all_answers(token)
    browser.post("answers", {"token": token, "answers": answers[:-1]})
    refused = browser.post("complete", {"token": token})
    assert refused.status_code == 409
    assert refused.json() == {
        "reason": "incomplete", "trials": [answers[-1]["trial"]],
        "questionnaire": ["random", "aids", "sure", "remarks"],
    }  # fmt: skip


def test_a_forged_token_is_refused_everywhere(browser):
    browser.start()
    for name in ("resume", "answers", "complete", "withdraw"):
        body = {"token": "x" * 32} | ({"answers": []} if name == "answers" else {})
        refused = browser.post(name, body)
        assert (refused.status_code, refused.json()["reason"]) == (403, "unknown-token"), name


@pytest.mark.parametrize(
    "answer",
    [
        {"trial": 2, "question": "valence", "choice": 10},
        {"trial": 2, "question": "valence", "choice": 0},
        {"trial": 2, "question": "valence"},  # required
        {"trial": 2, "question": "valence", "text": "5"},
        {"trial": 2, "question": "unknown", "choice": 1},
        {"trial": 99, "question": "valence", "choice": 1},
        {"trial": 11, "question": "feeling", "choice": 1},  # the check asks valence only
        {"question": "aids", "boxes": [1, 3]},  # Nothing excludes Eyes
        {"question": "aids", "boxes": [1, 1]},
        {"question": "aids", "boxes": [7]},
        {"question": "remarks", "text": "x" * 1001},
        {"trial": 2, "question": "valence", "choice": 1, "rt_ms": -1},
        {"trial": 2, "question": "valence", "choice": 1, "response": 5},
        {"trial": 2, "question": "valence", "choice": 1, "details": {"x": "y" * 5000}},
    ],
)
def test_an_answer_that_the_question_does_not_have_is_refused_and_nothing_of_it_kept(
    browser, study, answer
):
    token = browser.start().json()["token"]
    good = {"trial": 1, "question": "valence", "choice": 1}
    refused = browser.post("answers", {"token": token, "answers": [good, answer]})
    assert refused.status_code == 422
    export(study)
    assert len(read_ratings(study.ratings_file)) == 0


def test_the_same_external_id_comes_back_to_its_place(browser, study):
    first = browser.start("PID1").json()
    sent = {"trial": 1, "question": "valence", "choice": 5}
    browser.post("answers", {"token": first["token"], "answers": [sent]})
    again = browser.start("PID1").json()
    assert again["token"] != first["token"]
    assert again["trials"][0]["done"] == ["valence"]
    assert browser.slot(again["token"]) == browser.slot(first["token"])
    export(study)
    assert len(read_participants(study.participants_file)) == 1


@pytest.mark.parametrize(
    "external", ["<img src=x onerror=alert(1)>", "a b", "", "x" * 65, "é", "a\n", "../x"]
)
def test_an_external_id_that_is_no_plain_word_is_refused(browser, external):
    refused = browser.post("start", {"agree": True, "external": external})
    assert (refused.status_code, refused.json()["reason"]) == (422, "wrong-id")


def test_nobody_starts_without_consent(browser):
    assert browser.post("start", {"agree": False}).json()["reason"] == "no-consent"


def test_the_study_is_full_when_every_list_has_its_valid_participants(browser):
    for person in range(6):
        browser.finish(browser.start(f"p{person}").json()["token"])
    refused = browser.start("late")
    assert (refused.status_code, refused.json()["reason"]) == (409, "full")
    assert browser.start("p0").json()["status"] == "completed"


def test_an_excluded_participant_makes_room_at_once(browser, study):
    token = browser.start("careless").json()["token"]
    slot = browser.slot(token)
    answers = browser.all_answers(token)
    answers[-1]["choice"] = 5  # the check asked for 2
    browser.post("answers", {"token": token, "answers": [*answers, *QUESTIONNAIRE]})
    assert browser.post("complete", {"token": token}).status_code == 200
    assert browser.slot(browser.start("next").json()["token"]) == slot
    export(study)
    people = read_participants(study.participants_file).set_index("status")
    assert people.loc["completed", "exclusion_reason"] == "attention"


def test_an_expired_place_is_given_away_and_the_late_finisher_is_kept_and_paid(
    tmp_path, clock, opened
):
    platform = "{per_list: 1, platform: prolific, codes: {completed: C0DE}}"
    text = TINY.replace("{per_list: 3}", platform)
    browser = opened(make_study(tmp_path / "s", text, pictures=False), "simulation")
    late = browser.start("late").json()["token"]
    clock.now += LEASE_S + 1
    heir = browser.start("heir").json()["token"]
    assert browser.slot(heir) == browser.slot(late)
    assert browser.finish(heir).json()["code"] == "C0DE"
    assert browser.finish(late).json()["code"] == "C0DE"
    with browser.desk.store.read() as db:
        found = db.exec_driver_sql("SELECT over_quota, valid FROM sessions ORDER BY id").all()
    assert [tuple(row) for row in found] == [(1, 1), (0, 1)]
    other = browser.start("other").json()["token"]
    assert browser.desk.plan.lists[browser.slot(other)] == 2


def test_answers_keep_a_place_alive(browser, clock):
    token = browser.start("slow").json()["token"]
    for trial in range(1, 6):
        clock.now += LEASE_S - 1
        sent = {"trial": trial, "question": "valence", "choice": 1}
        browser.post("answers", {"token": token, "answers": [sent]})
    assert browser.slot(browser.start("next").json()["token"]) != browser.slot(token)


def test_who_withdraws_leaves_no_ratings_and_makes_room(browser, study):
    token = browser.start("one").json()["token"]
    slot = browser.slot(token)
    sent = {"token": token, "answers": [{"trial": 1, "question": "valence", "choice": 1}]}
    browser.post("answers", sent)
    browser.post("withdraw", {"token": token})
    assert browser.post("resume", {"token": token}).json()["status"] == "withdrawn"
    assert browser.post("complete", {"token": token}).status_code == 409
    assert browser.slot(browser.start("two").json()["token"]) == slot
    export(study)
    assert len(read_ratings(study.ratings_file)) == 0
    people = read_participants(study.participants_file)
    assert people.status.tolist() == ["withdrawn", "incomplete"]
    assert people.exclusion_reason.tolist() == ["withdrawn", "not-completed"]


def test_stricter_rules_are_applied_to_those_who_finished_before(browser, study, opened):
    browser.finish(browser.start("one").json()["token"])
    stricter = [{"id": "same", "rule": "same-answer", "task": "valence", "more_than": 0.5}]
    study.freeze(load(study.protocol_file, {"exclusions": stricter}))
    assert browser.slot(opened(study).start("two").json()["token"]) == 1
    export(study)
    assert read_participants(study.participants_file).exclusion_reason.tolist()[0] == "same"


def test_a_plan_may_grow_while_data_come_in(browser, study, opened):
    token = browser.start("one").json()["token"]
    plan = study.plan / "trials.csv"
    head, *rows = plan.read_text().splitlines()
    slots = max(int(row.split(",")[0]) for row in rows)
    further = [",".join([str(slots + int(row.split(",")[0])), *row.split(",")[1:]]) for row in rows]
    plan.write_text("\n".join([head, *rows, *further]) + "\n")
    assert opened(study).slot(token) == 1
    export(study)


def test_data_of_another_plan_are_refused(browser, study):
    plan = study.plan / "trials.csv"
    plan.write_text(plan.read_text().replace("actor1xhappyx0", "actor2xhappyx0"))
    with pytest.raises(StudyError, match=r"(web\.sqlite|_web\)): was made with another plan"):
        make_app(study)


def test_a_plan_too_small_for_the_quota_is_refused(study):
    text = study.protocol_file.read_text().replace("per_list: 3", "per_list: 4")
    study.protocol_file.write_text(text)
    with pytest.raises(StudyError, match=r"list 1 has 3 slots, but recruitment\.per_list asks"):
        make_app(study)


def test_a_participant_of_a_blocked_study_is_turned_away(tmp_path, opened):
    opened(built(make_study(tmp_path / "first"))).start("PID1")
    text = TINY.replace("{per_list: 3}", "{per_list: 3, block: [first]}")
    browser = opened(make_study(tmp_path / "second", text, pictures=False), "simulation")
    refused = browser.start("PID1")
    assert (refused.status_code, refused.json()["reason"]) == (403, "took-part-elsewhere")
    assert browser.start("PID2").status_code == 200


def test_a_blocked_study_counts_as_soon_as_it_has_sessions_and_a_misspelt_one_is_told(
    tmp_path, opened
):
    text = TINY.replace("{per_list: 3}", "{per_list: 3, block: [first, frist]}")
    second = make_study(tmp_path / "second", text, pictures=False)
    first = built(make_study(tmp_path / "first"))
    assert list(not_beside(second, ("first", "frist"))) == [
        "block frist: no such study beside this one"
    ]
    browser = opened(second, "simulation")
    assert browser.start("PID1").status_code == 200  # nobody has started the first study yet
    opened(first).start("PID2")
    assert browser.start("PID2").json()["reason"] == "took-part-elsewhere"


def test_prolific_gets_its_code_at_the_end_only_and_needs_its_id(tmp_path, opened):
    platform = "{per_list: 3, platform: prolific, codes: {completed: C0DE}}"
    text = TINY.replace("{per_list: 3}", platform)
    browser = opened(make_study(tmp_path / "s", text, pictures=False), "simulation")
    assert browser.start().json() == {"reason": "no-id", "parameter": "PROLIFIC_PID"}
    begin = browser.start("PID")
    assert "C0DE" not in begin.text
    done = browser.finish(begin.json()["token"]).json()
    assert done["code"] == "C0DE"
    assert done["redirect"] == "https://app.prolific.com/submissions/complete?cc=C0DE"


def test_media_answer_ranges_and_say_that_they_never_change(browser):
    part = browser.get("/media/abc.png", headers={"Range": "bytes=100-199"})
    assert part.status_code == 206
    assert part.content == (bytes(range(256)) * 8)[100:200]
    assert "immutable" in part.headers["cache-control"]
    assert "immutable" not in browser.get("/").headers["cache-control"]


OUTSIDE = (
    "/media/../index.html", "/media/%2e%2e/index.html", "/media/..%2f..%2fprotocol.yaml",
    "/static/%2e%2e/%2e%2e/data/web.sqlite", "//etc/passwd", "/media//etc/passwd",
    "/protocol.yaml", "/data/web.sqlite", "/media/", "/openapi.json", "/docs",
    "/media/leads-out.png",
)  # fmt: skip


def test_no_path_leads_out_of_what_is_served(study):
    (study.web / "media" / "leads-out.png").symlink_to(study.protocol_file)
    with Serving(study.folder) as serving:
        for path in OUTSIDE:
            connection = http.client.HTTPConnection("127.0.0.1", serving.port)
            connection.putrequest("GET", path)  # sent as it stands, not normalised
            connection.endheaders()
            assert connection.getresponse().status in (404, 405), path
            connection.close()


def test_every_answer_carries_a_strict_policy(browser):
    for path in ("/", "/media/abc.png", "/nowhere"):
        policy = browser.get(path).headers["content-security-policy"]
        assert "script-src 'self'" in policy
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy


def test_large_and_unmeasured_bodies_are_refused(browser):
    token = browser.start().json()["token"]
    large = {"token": token, "answers": [{"question": "remarks", "text": "x" * 9000}] * 40}
    assert browser.post("answers", large).status_code == 413

    async def endless():
        yield b"{}"

    unmeasured = browser._send("POST", "/api/answers", content=endless())
    assert unmeasured.status_code == 413


def test_tokens_and_addresses_are_not_in_the_store(study):
    with Serving(study.folder) as serving, httpx.Client(base_url=serving.url) as client:
        agent = {"User-Agent": "Peculiar/1.0"}
        begin = client.post("/api/start", json={"agree": True, "external": "PID7"}, headers=agent)
        token = begin.json()["token"]
        serving.stop()
    content = b"".join(p.read_bytes() for p in study.data.iterdir())
    assert token.encode() not in content
    assert b"Peculiar" not in content
    assert b"127.0.0.1" not in content
    exported = study.ratings_file.read_text() + study.participants_file.read_text()
    assert "PID7" not in exported
    assert "PID7" not in serving.log.read_text()


def test_killing_the_server_loses_no_acknowledged_answer_and_overfills_no_list(tmp_path):
    assert kill_again_and_again(tmp_path, 3).startswith("3 kills")


def test_two_hundred_people_who_start_at_once_are_spread_evenly(tmp_path, database):
    text = TINY.replace("per_list: 3", "per_list: 101")
    study = built(make_study(tmp_path / "s", text))

    async def rush(url):
        limits = httpx.Limits(max_connections=200)
        async with httpx.AsyncClient(base_url=url, timeout=120, limits=limits) as client:
            begin = [client.post("/api/start", json={"agree": True, "external": f"p{n % 200}"})
                     for n in range(201)]  # fmt: skip
            return await asyncio.gather(*begin)

    with Serving(study.folder) as serving:
        told = asyncio.run(rush(serving.url))
        assert [answer.status_code for answer in told] == [200] * 201
        assert len({answer.json()["token"] for answer in told}) == 201
    people = read_participants(study.participants_file)
    assert Counter(people.list) == {1: 100, 2: 100}  # one of them came twice, to the same place
    assert sorted(people.slot) == list(range(1, 201))


def test_stopping_the_server_exports_the_tables(study):
    with Serving(study.folder) as serving:
        httpx.post(f"{serving.url}/api/start", json={"agree": True})
    assert len(read_participants(study.participants_file)) == 1


def test_a_taken_port_is_one_clear_line(study):
    with Serving(study.folder) as serving:
        from experiments.serve import serve
        from protocols.study import Study

        with pytest.raises(StudyError, match=f"127.0.0.1:{serving.port}: .* choose another port"):
            serve(Study(study.folder), port=serving.port)


STEPS = st.lists(
    st.tuples(st.sampled_from(["start", "answer", "finish", "exclude", "withdraw", "wait"]),
              st.integers(0, 30)),
    max_size=80,
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(STEPS, st.integers(1, 4), st.integers(1, 5), st.randoms(use_true_random=False))
def test_whatever_happens_no_two_hold_a_slot_and_lists_stay_balanced(
    steps, lists, per_list, shuffle
):
    """A model of the desk: places are taken, kept alive, finished, lost; time passes."""
    order = [number for number in range(1, lists + 1) for _ in range(per_list)]
    shuffle.shuffle(order)
    plan = dict(enumerate(order, start=1))
    people: list[dict] = []
    now = 0

    def holds(p):
        return p["state"] == "valid" or (p["state"] == "active" and p["seen"] > now - 10)

    for step, who in steps:
        now += 1
        if step == "wait":
            now += who
        elif step == "start":
            held = [p["slot"] for p in people if holds(p)]
            filled = Counter(dict.fromkeys(plan.values(), 0))
            filled.update(plan[slot] for slot in held)
            slot = next_slot(plan, held, per_list)
            if slot is None:
                assert min(filled.values()) >= per_list or all(
                    filled[plan[free]] >= per_list for free in set(plan) - set(held)
                )
                continue
            assert slot not in held
            assert filled[plan[slot]] < per_list
            open_lists = {plan[free] for free in set(plan) - set(held)}
            assert filled[plan[slot]] == min(filled[number] for number in open_lists)
            assert slot == min(f for f in set(plan) - set(held) if plan[f] == plan[slot])
            people.append({"slot": slot, "state": "active", "seen": now})
        elif people:
            person = people[who % len(people)]
            if person["state"] == "active":
                person["seen"] = now
                person["state"] = {"finish": "valid", "exclude": "out",
                                   "withdraw": "out"}.get(step, "active")  # fmt: skip


def test_the_largest_batch_of_a_page_fits_into_a_beacon():
    source = (server.Path(server.__file__).parent / "web/static/queue.js").read_text()
    at_once = int(re.search(r"AT_ONCE = (\d+)", source).group(1))
    details = {"by": "pointer", "events": [["waiting", 10000]] * 40, "ratio": 1.25}
    times = {"rt_ms": 12345.6, "onset_ms": 1e7, "hidden_ms": 12345.6}
    answer = {"trial": 100, "question": "q" * 40, "choice": 9, **times, "details": details}
    assert at_once * len(json.dumps(answer)) < 64 * 1024
    assert at_once <= server.MOST_AT_ONCE
