"""Who is analysed: the rules of the protocol, one row per person and rule, nothing mixed."""

from __future__ import annotations

import pandas as pd
import pytest

from analysis.problems import AnalysisError
from analysis.sample.exclude import read_sample, select, task_ratings
from experiments.simulate import simulate
from protocols.protocol import Protocol
from protocols.ratings import COLUMNS, PEOPLE
from protocols.reading import load
from tests.small_study import TINY, make_study

RULES = """
name: rules
title: Rules
stimuli: {generator: actor, identities: 2, factors: {emotion: [angry, happy], m: [0, 1]}}
tasks:
  - {id: valence, type: likert, question: How positive?}
  - {id: seen, type: checkboxes, question: What?, options: [Eyes, Mouth, Nose]}
design:
  attention: [{id: press-two, text: Press 2, task: valence, answer: 2}]
  repeats: {count: 1}
pages:
  questionnaire:
    - {id: random, type: forced-choice, question: "At random?", options: ["no", "yes"]}
exclusions:
  - {id: said-random, rule: answer, question: random, of: ["yes"], reason: rated at random}
  - {id: attention, rule: attention}
  - {id: repeats, rule: repeats, more_than: 0, tolerance: {valence: 1, seen: 1}}
  - {id: fast, rule: too-fast}
  - {id: same, rule: same-answer, task: valence, more_than: 0.8}
"""
GOOD = [4, 6, 5, 7]


@pytest.fixture
def protocol(tmp_path) -> Protocol:
    (tmp_path / "rules.yaml").write_text(RULES)
    return load(tmp_path / "rules.yaml")


def someone(
    name: str, answers=GOOD, *, again=4, boxes=("Eyes", "Eyes"), check=2, rt=900.0, source="web",
    random="no", status="completed", valid=True, reason=None, practice=9,
):  # fmt: skip
    """Rows of both tables for one participant: practice, four ratings, a repeat, a check."""
    common = {"study": "rules", "source": source, "participant": name, "slot": 1, "list": 1,
              "block": 1, "identity": "a", "emotion": "angry", "m": 0.0, "valid": valid,
              "exclusion_reason": reason, "rt_ms": rt}  # fmt: skip
    rows = [{"trial": 1, "kind": "practice", "question": "valence", "response": practice}]
    rows += [{"trial": t, "kind": "rating", "question": "valence", "response": a}
             for t, a in enumerate(answers, start=2)]  # fmt: skip
    rows += [{"trial": 2, "kind": "rating", "question": "seen", "response": 1, "label": boxes[0]},
             {"trial": 6, "kind": "repeat", "question": "valence", "response": again,
              "repeat_of": 2},
             {"trial": 6, "kind": "repeat", "question": "seen", "response": 1, "label": boxes[1],
              "repeat_of": 2},
             {"trial": 7, "kind": "attention", "question": "valence", "response": check,
              "check": "press-two"}]  # fmt: skip
    person = {"participant": name, "source": source, "slot": 1, "list": 1, "status": status,
              "valid": valid, "exclusion_reason": reason, "random": random,
              "random_response": 1 + (random == "yes")}  # fmt: skip
    return [common | {"stimulus_id": f"s{r['trial']}"} | r for r in rows], person


def tables(*people) -> tuple[pd.DataFrame, pd.DataFrame]:
    ratings = pd.DataFrame([row for rows, _ in people for row in rows])
    persons = pd.DataFrame([person for _, person in people])
    for column in (c.name for c in COLUMNS if c.name not in ratings):
        ratings[column] = None
    for column in (c.name for c in PEOPLE if c.name not in persons):
        persons[column] = None
    return ratings, persons


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({}, None),
        ({"random": "yes"}, "said-random"),
        ({"check": 3}, "attention"),
        ({"again": 6}, "repeats"),
        ({"again": 5}, None),  # within the tolerance
        ({"boxes": ("Eyes", "Mouth; Nose")}, "repeats"),
        ({"boxes": ("Eyes", "Eyes; Nose")}, None),
        ({"rt": 100.0}, "fast"),
        ({"answers": [4, 4, 4, 4]}, "same"),
        ({"random": "yes", "check": 3}, "said-random"),  # the first rule counts
        ({"status": "withdrawn", "valid": False, "reason": "withdrawn"}, "withdrawn"),
        ({"status": "incomplete", "valid": False, "reason": "not-completed"}, "not-completed"),
        ({"valid": False, "reason": "twin-account"}, "twin-account"),  # excluded by hand
    ],
)
def test_each_rule_excludes_who_breaks_it(protocol, change, rule):
    sample = select(*tables(someone("good"), someone("p", **change)), protocol)
    excluded = sample.people.set_index("participant").excluded
    assert pd.isna(excluded["good"])
    assert (None if pd.isna(excluded["p"]) else excluded["p"]) == rule
    assert sample.participants == 1 + (rule is None)


def test_only_ratings_of_valid_participants_are_analysed(protocol):
    sample = select(*tables(someone("a"), someone("b", check=3)), protocol)
    assert set(sample.ratings.kind) == {"rating"}
    valence = task_ratings(sample, "valence", protocol.factors)
    assert valence.valence.tolist() == GOOD  # neither practice (9), repeat nor check (2)
    assert set(valence.participant) == {"a"}


def test_the_flow_adds_up_over_rules_and_lists(protocol):
    people = [someone("a"), someone("b", check=1), someone("c", random="yes"),
              someone("d", status="withdrawn")]  # fmt: skip
    ratings, persons = tables(*people)
    persons["list"] = [1, 2, 2, 1]
    flow = select(ratings, persons, protocol).flow.set_index("step")
    assert flow.participants.to_dict() == {
        "recruited": 4, "said-random": 1, "attention": 1, "repeats": 0, "fast": 0, "same": 0,
        "withdrawn": 1, "analysed": 1}  # fmt: skip
    assert flow.participants["recruited"] == flow.participants.iloc[1:].sum()
    for column in ("list 1", "list 2"):
        assert flow[column].iloc[0] == flow[column].iloc[1:].sum()
    assert (flow["list 1"] + flow["list 2"]).tolist() == flow.participants.tolist()
    assert flow.reason["said-random"] == "rated at random"
    assert flow.reason["attention"] == "missed an attention check"


def test_disagreement_with_the_server_is_reported_and_the_rules_win(protocol):
    recorded_bad = someone("b", valid=False, reason="attention")
    recorded_good = someone("c", check=5)
    sample = select(*tables(someone("a"), recorded_bad, recorded_good), protocol)
    assert sample.disagreements == (
        "b: recorded as excluded (attention), by the rules of the protocol valid.",
        "c: recorded as valid, by the rules of the protocol excluded (attention).",
    )
    assert sample.overruled == {"b": True, "c": False}
    assert set(sample.ratings.participant) == {"a", "b"}


def test_real_and_simulated_answers_are_never_mixed(protocol):
    real, made_up = someone("a"), someone("s1", source="simulation")
    both = tables(real, made_up)
    sample = select(*both, protocol)
    assert (sample.simulated, sample.left_out, set(sample.ratings.participant)) == (False, 1, {"a"})
    only = select(*tables(made_up), protocol)
    assert (only.simulated, only.left_out, set(only.ratings.participant)) == (True, 0, {"s1"})
    asked = select(*both, protocol, source="simulation")
    assert (asked.simulated, set(asked.ratings.participant)) == (True, {"s1"})


@pytest.mark.parametrize(
    ("source", "says"),
    [("lab", "no data from lab; there are data from web"), ("webb", "did you mean 'web'")],
)
def test_a_source_without_data_is_refused(protocol, source, says):
    with pytest.raises(AnalysisError, match=says):
        select(*tables(someone("a")), protocol, source=source)


def test_nobody_left_is_an_error_in_words(protocol):
    with pytest.raises(AnalysisError, match="nobody to analyse: took part: 1"):
        select(*tables(someone("a", check=9)), protocol)
    ratings, people = tables(someone("a"))
    with pytest.raises(AnalysisError, match="no participants yet"):
        select(ratings.iloc[:0], people.iloc[:0], protocol)


def test_incomplete_counts_trials_of_the_plan(tmp_path):
    text = RULES.replace("exclusions:", "exclusions:\n  - {id: part, rule: incomplete}")
    (tmp_path / "rules.yaml").write_text(text)
    protocol = load(tmp_path / "rules.yaml")
    people = tables(someone("a"), someone("short", GOOD[:3]))
    planned = pd.Series({1: 6})  # trials 2 to 7
    excluded = select(*people, protocol, planned).people.excluded
    assert excluded.isna().tolist() == [True, False]
    without_plan = select(*people, protocol)
    assert without_plan.people.excluded.isna().tolist() == [True, False]
    assert "no plan" in without_plan.notes[0]


def test_the_server_and_the_report_agree_about_everybody(tmp_path):
    study = make_study(tmp_path / "tiny", TINY, pictures=False)
    simulate(study, 30, seed=4)
    sample = read_sample(study, study.protocol())
    assert sample.disagreements == ()
    assert 0 < sample.participants < len(sample.people)
    assert sample.simulated


def test_ratings_of_a_model_are_kept_apart_from_people(protocol):
    machine = someone("net", source="model", check=9)
    broken_run = someone("net-2", source="model", valid=False, reason="wrong weights")
    sample = select(*tables(someone("a"), machine, broken_run), protocol)
    assert set(sample.ratings.participant) == set(sample.everything.participant) == {"a"}
    assert set(sample.model_ratings.participant) == {"net"}
    assert set(sample.model_ratings.kind) == {"rating"}
    assert sample.flow.participants.tolist() == [1, 0, 0, 0, 0, 0, 1]
    assert not sample.simulated
    ratings, people = tables(someone("a"), machine)
    alone = select(ratings, people[people.source != "model"], protocol)  # no row for the model
    assert len(alone.model_ratings) == len(sample.model_ratings)
    with pytest.raises(AnalysisError, match="accepted: web, lab, simulation, import"):
        select(ratings, people, protocol, source="model")
    with pytest.raises(AnalysisError, match="no participants yet"):
        select(*tables(machine), protocol)
