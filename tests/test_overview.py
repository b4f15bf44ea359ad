"""What a researcher is told of a running study agrees with its tables, and with the truth."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from experiments.admin.behaviour import Behaviour
from experiments.admin.observer import Observer
from experiments.admin.overview import STATES
from experiments.admin.words import ago, of, size
from experiments.export import export
from experiments.simulate import simulate
from experiments.slots import LEASE_S
from protocols.ratings import read_participants, read_ratings
from tests.small_study import TINY, make_study
from tests.test_server import QUESTIONNAIRE, Browser, Clock

ROOT = Path(__file__).parents[1]
CAREFUL = TINY.replace("per_list: 3", "per_list: 12") + "simulation: {careless: 0.3}\n"


def looked(browser):
    desk = browser.desk
    return Observer(desk.protocol, desk.plan, desk.store, desk.store.database.file.parent,
                    clock=desk.clock)  # fmt: skip


def send(browser, token, answers):
    sent = browser.post("answers", {"token": token, "answers": [*answers, *QUESTIONNAIRE]})
    assert sent.status_code == 200


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    study = make_study(tmp_path_factory.mktemp("seen") / "study", CAREFUL, pictures=False)
    simulate(study, 22)
    return study


@pytest.fixture(scope="module")
def told(simulated):
    """What the verb says of it, for programs."""
    return json.loads(status(simulated, "--json"))


@pytest.fixture
def browser(tmp_path):
    """Six places on two lists; the clock stands still."""
    study = make_study(tmp_path / "study", pictures=False)
    return Browser(study, Clock(), "simulation")


def status(study, *more):
    command = [sys.executable, str(ROOT / "mien.py"), "study", "status", str(study.folder), *more]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout


def test_the_numbers_are_those_of_the_tables(simulated, told):
    people = read_participants(simulated.participants_file)
    ratings = read_ratings(simulated.ratings_file)
    for row in told["lists"]:
        own = people[people["list"] == row["number"]]
        assert row["valid"] == own.valid.sum()
        assert row["excluded"] == (own.exclusion_reason.notna() & (own.status == "completed")).sum()
        assert row["expired"] + row["active"] == (own.status == "incomplete").sum()
        assert sum(row[state] for state in STATES) == len(own)
        assert row["left"] == 12 - row["valid"] - row["active"]
    done = people[people.status == "completed"]
    assert told["reasons"] == done.exclusion_reason.value_counts().to_dict()
    assert len(told["reasons"]) == 2  # both rules caught somebody
    played = ratings[ratings.kind != "practice"]
    assert told["quality"]["trials"] == len(played[["participant", "trial"]].drop_duplicates())
    checks = played[played.kind == "attention"]
    assert told["quality"]["checks"] == len(checks)
    assert told["quality"]["missed"] == (checks.response != 2).sum() > 0
    timed = played[(played.kind == "rating") & played.question.isin(["valence", "feeling"])]
    assert told["quality"]["timed"] == timed.rt_ms.notna().sum()
    by_person = played.groupby("participant").trial.nunique()
    assert {p["participant"]: p["trials"] for p in told["people"]} == by_person.to_dict()


def test_durations_and_pace_are_those_of_the_sessions(simulated, told):
    people = read_participants(simulated.participants_file)
    done = people[people.valid]
    times = {name: pd.to_datetime(done[name]) for name in ("started", "finished")}
    minutes = (times["finished"] - times["started"]).dt.total_seconds() / 60
    assert told["minutes"] == pytest.approx(minutes.quantile([0.25, 0.5, 0.75]), abs=0.02)
    finished = pd.to_datetime(people[people.status == "completed"].finished)
    last = pd.to_datetime(people.finished).max()
    for seconds, name in ((3600, "finished_last_hour"), (86400, "finished_last_day")):
        window = finished > last - pd.Timedelta(seconds=seconds)
        assert abs(told[name] - window.sum()) <= 1  # the table has whole seconds
    assert sum(n for n, _ in told["by_hour"]) == told["finished_last_day"]


def test_the_terminal_shows_the_same_numbers(simulated, told):
    shown = status(simulated)
    for row in (*told["lists"], told["all"]):
        numbers = [row[name] for name in ("wanted", "valid", "over_quota", "active", "left",
                                          "expired", "excluded", "withdrawn")]  # fmt: skip
        assert [str(row["number"] or "all"), *map(str, numbers)] in map(
            str.split, shown.split("\n")
        )
    assert f"{told['all']['valid']} of 24" in shown
    assert "(simulated participants)" in shown
    for reason, count in told["reasons"].items():
        assert [reason, str(count)] in map(str.split, shown.split("\n"))


def test_each_person_is_in_one_state_and_as_many_get_in_as_places_are_left(browser):
    clock = browser.desk.clock
    gone = browser.start("gone").json()["token"]
    clock.now += LEASE_S + 1
    tokens = {name: browser.start(name).json()["token"] for name in "abcde"}
    browser.finish(tokens["a"])
    wrong = browser.all_answers(tokens["b"])
    wrong[-1]["choice"] = 5
    send(browser, tokens["b"], wrong)
    browser.post("complete", {"token": tokens["b"]})
    browser.post("withdraw", {"token": tokens["c"]})
    browser.desk.decide(browser.desk.resume(tokens["d"]).participant, "two windows")
    overview = looked(browser).look()
    assert Counter(person.state for person in overview.people) == {
        "expired": 1, "valid": 1, "excluded": 2, "withdrawn": 1, "active": 1,
    }  # fmt: skip
    assert overview.reasons == {"attention": 1, "by hand: two windows": 1}
    assert [p.state for p in overview.people if p.by_hand] == ["excluded"]
    assert overview.all.left == 4
    got_in = Counter()
    while (more := browser.start(f"more{sum(got_in.values())}")).status_code == 200:
        got_in[browser.desk.plan.lists[browser.slot(more.json()["token"])]] += 1
    assert got_in == {row.number: row.left for row in overview.lists}
    assert browser.finish(gone).status_code == 200  # late, and kept
    after = looked(browser).look()
    assert after.all.left == 0
    assert after.all.valid + after.all.active == 7


def test_a_late_finisher_is_counted_as_over_quota(tmp_path):
    one = TINY.replace("rotate: [emotion]", "rotate: []").replace("per_list: 3", "per_list: 1")
    browser = Browser(make_study(tmp_path / "s", one, pictures=False), Clock(), "simulation")
    late = browser.start("late").json()["token"]
    browser.desk.clock.now += LEASE_S + 1
    browser.finish(browser.start("heir").json()["token"])
    browser.finish(late)
    total = looked(browser).look().all
    assert (total.valid, total.wanted, total.over_quota, total.left) == (2, 1, 1, 0)


def test_quality_counts_what_was_done_and_practice_does_not_count(browser):
    token = browser.start("one").json()["token"]
    answers = browser.all_answers(token)  # 1 practice, 8 ratings, 1 repeat, 1 attention check
    by_trial = {n: [a for a in answers if a["trial"] == n] for n in range(1, 12)}
    for trial in (1, 2, 3):
        by_trial[trial][0]["hidden_ms"] = 4000
    by_trial[4][0]["details"] = {"events": [["playing", 0], ["waiting", 120]]}
    by_trial[5][0]["details"] = {"events": [["undecoded", 0]]}
    for trial, rt in ((1, 50), (6, 199), (7, 200), (8, 10_001)):
        by_trial[trial][0]["rt_ms"] = rt
    by_trial[11][0]["choice"] = 7
    send(browser, token, answers)
    observer = looked(browser)
    quality = observer.look().quality
    assert (quality.trials, quality.hidden, quality.stalled, quality.failed) == (10, 2, 1, 1)
    assert (quality.timed, quality.fast, quality.slow) == (16, 1, 1)
    assert (quality.checks, quality.missed) == (1, 1)
    (person,) = observer.look().people
    assert set(person.signs) == {"tab hidden", "media failed", "missed check"}
    assert "Media could not be shown in 1 trials." in observer.look().attention


def test_who_always_gives_the_same_answer_shows_as_such(browser):
    assert "same answer" in Behaviour(same=0.96).signs
    assert "same answer" not in Behaviour(same=0.95).signs
    token = browser.start("one").json()["token"]
    send(browser, token, browser.all_answers(token))
    (person,) = looked(browser).look().people  # eight alike are too few to say anything
    assert person.signs == ()


def test_what_was_read_before_is_not_read_again_and_new_answers_are_seen(browser):
    observer, tokens = looked(browser), [browser.start(n).json()["token"] for n in ("one", "two")]
    for token in tokens:
        send(browser, token, browser.all_answers(token)[:6])
    assert observer.look().quality.trials == 2
    before = dict(observer.known)
    send(browser, tokens[1], browser.all_answers(tokens[1])[6:9])
    assert observer.look().quality.trials == 3
    assert sum(observer.known[session] is before[session] for session in before) == 1


def test_withdrawn_answers_are_not_looked_at(browser):
    token = browser.start("one").json()["token"]
    send(browser, token, browser.all_answers(token))
    browser.post("withdraw", {"token": token})
    overview = looked(browser).look()
    assert overview.quality.trials == 0
    assert overview.people[0].signs == ()


def test_a_study_without_sessions_is_one_clear_line(tmp_path):
    study = make_study(tmp_path / "study", pictures=False)
    done = subprocess.run([sys.executable, str(ROOT / "mien.py"), "study", "status",
                           str(study.folder)], capture_output=True, text=True, cwd=ROOT,
                          check=False)  # fmt: skip
    assert done.returncode == 1
    assert "no sessions yet; run mien study serve" in done.stderr
    assert not study.data.exists() or not list(study.data.iterdir())


def test_an_export_agrees_after_a_decision_by_hand(browser):
    token = browser.start("one").json()["token"]
    browser.finish(token)
    code = browser.desk.resume(token).participant
    browser.desk.decide(code, "odd")
    from protocols.study import Study

    study = Study(browser.desk.store.database.file.parents[1])
    export(study)
    row = read_participants(study.participants_file).iloc[0]
    (person,) = looked(browser).look().people
    assert (row.exclusion_reason, row.valid) == (person.reason, False)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (59, "59 s"), (60, "1 min"), (3599, "60 min"), (3600, "1.0 h"),
     (47 * 3600, "47.0 h"), (49 * 3600, "2 days")],
)  # fmt: skip
def test_time_spans_are_short(seconds, said):
    assert ago(seconds).replace("\N{NO-BREAK SPACE}", " ") == said


def test_shares_of_nothing_are_a_dash():
    assert of(0, 0) == "–"
    assert size(1_500_000).replace("\N{NO-BREAK SPACE}", " ") == "1.5 MB"
