"""Simulated participants of every kind do what their kind says, and the study treats them so."""

from __future__ import annotations

import sqlite3

import pytest

from experiments.crowd import Identities
from experiments.respondent import Respondent
from experiments.simulate import simulate
from protocols.ratings import read_participants, read_ratings
from protocols.reading import load
from tests.small_study import TINY, make_study

RULES = """exclusions:
  - {id: attention, rule: attention}
  - {id: inconsistent, rule: repeats, more_than: 1, tolerance: {valence: 2}}
  - {id: same-answer, rule: same-answer, task: valence, more_than: 0.9}
simulation: {careless: 0, drop_out: 0, SHARES}
"""
ALL = 16  # slots: two lists of eight
BASE = TINY[: TINY.index("exclusions:")].replace("per_list: 3", f"per_list: {ALL // 2}")


@pytest.fixture
def play(tmp_path):
    """The study with these shares, played; n: participants recruited, None for until it is full."""

    def start(shares, n=None):
        text = BASE.replace("count: 1}", "count: 3}") + RULES.replace("SHARES", shares)
        study = make_study(tmp_path / "s", text, pictures=False)
        outcome = simulate(study, n)
        people = read_participants(study.participants_file).set_index("participant")
        protocol = study.protocol()
        kinds = {}
        for name in people.index:
            one = Respondent(protocol, Identities(protocol, 3), 3, int(name[1:]))
            kinds[name] = one.manner or one.course
        return people, read_ratings(study.ratings_file), kinds, outcome, study

    return start


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("straight_lining", "same-answer"),
        ("inconsistent", "inconsistent"),
        ("inattentive", "attention"),
    ],
)
def test_each_manner_fails_the_rule_that_looks_for_it_and_others_pass(play, kind, reason):
    people, ratings, kinds, outcome, _ = play(f"{kind}: 0.4")
    of_kind = {name for name, found in kinds.items() if found == kind}
    assert len(of_kind) > 3
    assert set(people.index[people.exclusion_reason == reason]) == of_kind
    assert people.valid.sum() == ALL
    assert outcome.full
    if kind == "straight_lining":
        own = ratings[ratings.participant.isin(of_kind) & (ratings.kind != "attention")]
        said = own.groupby(["participant", "question"])[["response", "label"]].nunique()
        assert (said.max(axis=1) == 1).all()


def test_the_distracted_are_away_in_a_third_of_their_trials_and_slow_then(play):
    _, ratings, kinds, _, _ = play("distracted: 0.5")
    of_kind = {name for name, found in kinds.items() if found == "distracted"}
    trials = ratings.groupby(["participant", "trial"]).agg({"hidden_ms": "max", "rt_ms": "min"})
    away = trials[trials.hidden_ms > 0]
    assert set(away.index.get_level_values("participant")) == of_kind
    share = len(away) / (len(trials) / len(kinds) * len(of_kind))
    assert share == pytest.approx(1 / 3, abs=0.15)
    assert (away.rt_ms > away.hidden_ms).all()


def test_those_who_return_go_on_where_they_were_and_count_once(play):
    people, ratings, kinds, _, study = play("returns: 0.5")
    of_kind = [name for name, found in kinds.items() if found == "returns"]
    assert len(of_kind) > 3
    assert (people.status == "completed").all()
    assert people.valid.all()
    assert people.groupby("list").size().tolist() == [ALL / 2] * 2
    assert people.slot.is_unique
    with sqlite3.connect(study.data / "simulation.sqlite") as db:
        tokens = dict(
            db.execute(
                "SELECT participant, count(*) FROM tokens JOIN sessions ON session = id GROUP BY 1"
            )
        )
    assert {name for name, count in tokens.items() if count == 2} == set(of_kind)
    assert not ratings.duplicated(["participant", "trial", "question"]).any()


def test_late_finishers_are_kept_beyond_the_quota_and_their_places_were_filled(play):
    people, ratings, kinds, outcome, study = play("late: 0.3")
    of_kind = [name for name, found in kinds.items() if found == "late"]
    assert len(of_kind) > 3
    assert (people.status == "completed").all()
    assert people.valid.sum() == ALL + outcome.over_quota
    assert 0 < outcome.over_quota <= len(of_kind)
    assert "beyond the quota" in outcome.lines()[0]
    with sqlite3.connect(study.data / "simulation.sqlite") as db:
        kept = dict(
            db.execute(
                "SELECT list, count(*) FROM sessions WHERE valid AND NOT over_quota GROUP BY 1"
            )
        )
    assert kept == {1: ALL / 2, 2: ALL / 2}
    shared = people.slot[people.slot.duplicated(keep=False)]
    assert len(shared) >= 2 * outcome.over_quota
    assert set(people.index[people.slot.isin(shared)]) & set(of_kind)
    assert not ratings.duplicated(["participant", "trial", "question"]).any()


def test_duplicates_are_told_that_they_are_done_and_no_second_time_is_stored(play):
    people, _, kinds, outcome, study = play("duplicates: 0.5")
    assert sum(found == "duplicates" for found in kinds.values()) > 3
    assert len(people) == outcome.valid == ALL
    with sqlite3.connect(study.data / "simulation.sqlite") as db:
        assert db.execute("SELECT count(*) FROM external_ids").fetchone() == (ALL,)


def test_shares_that_are_more_than_everybody_are_refused(tmp_path):
    text = BASE + "simulation: {careless: 0.7, distracted: 0.5}\n"
    (tmp_path / "p.yaml").write_text(text)
    with pytest.raises(Exception, match="together more than all participants"):
        load(tmp_path / "p.yaml")
