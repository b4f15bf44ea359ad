"""The whole plan: what every plan promises, and designs that no plan can keep."""

from __future__ import annotations

import copy
import re
import time
from collections import Counter
from io import StringIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from protocols.study import Study
from protocols.trials import read_trials
from stimuli.corpora import identities_of
from stimuli.errors import PlanError
from stimuli.order import williams
from stimuli.plan import make_plan, write_plan
from tests.designs import (
    EMOTIONS,
    longest_run,
    planned,
    protocol,
    published,
    rated,
    sessions,
    shortest_distance,
)

designs = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 10**6),
        "rotate": st.sampled_from([[], ["emotion"]]),
        "repeats": st.none() | st.builds(
            lambda count, per, gap: {"count": count, "per": per, "min_distance": gap},
            st.integers(1, 2), st.sampled_from([None, "m"]), st.integers(1, 4)),
        "order": st.builds(
            lambda run, gap, blocks: {"max_run": {"emotion": run}, "blocks": blocks,
                                      "min_distance": {"identity": gap}},
            st.integers(3, 4), st.integers(1, 3),
            st.none() | st.sampled_from([{"by": "m"}, {"by": "m", "order": "random"},
                                         {"count": 3}, {"count": 3, "order": "williams"}])),
        "practice": st.none() | st.just({"trials": 2}),
        "attention": st.sampled_from([
            [],
            [{"id": "a", "text": "Press 2.", "task": "valence", "answer": 2},
             {"id": "b", "text": "Press 3.", "task": "valence", "answer": 3}]]),
        "breaks": st.none() | st.builds(lambda n: {"every": n}, st.integers(1, 7)),
    }
)  # fmt: skip


@settings(deadline=None, max_examples=40)
@given(designs, st.sampled_from([6, 8]))
def test_every_plan_keeps_what_it_promises(design, identities):
    factors = {"emotion": EMOTIONS[:2], "m": [0, 0.5, 1]}
    study = protocol(identities, factors, **design)
    plan = planned(study)
    for session in sessions(plan):
        _rules_hold(session, design)
        _repeats_are_right(session, design["repeats"])
        _practice_is_first_and_shows_others(session, plan, design["practice"])
        _checks_and_pauses_are_right(session, design)
        assert list(session["trial"]) == list(range(1, len(session) + 1))
        assert session["block"].is_monotonic_increasing


def _rules_hold(session, design):
    shown = rated(session)
    order = design["order"]
    assert longest_run(list(shown["emotion"])) <= order["max_run"]["emotion"]
    assert shortest_distance(list(shown["identity"])) >= order["min_distance"]["identity"]
    blocks = order["blocks"] or {}
    if blocks.get("by"):
        assert shown.groupby("block")["m"].nunique().eq(1).all()
        assert shown["block"].max() == 3
    if blocks.get("count"):
        sizes = shown["block"].value_counts()
        assert len(sizes) == 3
        assert sizes.max() - sizes.min() <= 1


def _repeats_are_right(session, repeats):
    again = session[session["kind"] == "repeat"]
    wanted = 0 if repeats is None else repeats["count"] * (3 if repeats["per"] else 1)
    assert len(again) == wanted
    main = session[session["kind"] == "rating"]
    assert not main["stimulus_id"].duplicated().any()
    places = rated(session)
    for _, row in again.iterrows():
        first = session[session["trial"] == row["repeat_of"]].iloc[0]
        assert (first["kind"], first["stimulus_id"]) == ("rating", row["stimulus_id"])
        between = (
            places.index[places["trial"] == row["trial"]]
            - places.index[places["trial"] == first["trial"]]
        )
        assert between[0] >= repeats["min_distance"]
    assert session[session["kind"] != "repeat"]["repeat_of"].isna().all()


def _practice_is_first_and_shows_others(session, plan, practice):
    count = practice["trials"] if practice else 0
    assert list(session["kind"] == "practice") == [i < count for i in range(len(session))]
    assert (session["block"] == 0).sum() == count
    main = {s.identity for s in plan.stimuli if s.role == "main"}
    assert not main & set(session[session["kind"] == "practice"]["identity"])


def _checks_and_pauses_are_right(session, design):
    checks = session[session["kind"] == "attention"]
    assert list(checks["check"]) == [check["id"] for check in design["attention"]]
    count = design["practice"]["trials"] if design["practice"] else 0
    if len(checks):
        part = (len(session) - count - len(checks)) / len(checks)
        for k, trial in enumerate(checks["trial"]):  # one in each equal part, never the first
            place = trial - count - 1 - k  # ratings and repeats before it
            assert max(1, int(k * part)) <= place <= (k + 1) * part
    every = design["breaks"]["every"] if design["breaks"] else 10**6
    done = session["trial"] - 1 - count
    assert list(session["pause"]) == list((done > 0) & (done % every == 0))


@settings(deadline=None, max_examples=15)
@given(designs)
def test_slots_are_reproducible_and_more_of_them_change_none(design):
    factors = {"emotion": EMOTIONS[:2], "m": [0, 0.5, 1]}
    few = planned(protocol(6, factors, per_list=1, **design)).trials
    again = planned(protocol(6, factors, per_list=1, **design)).trials
    more = planned(protocol(6, factors, per_list=3, **design)).trials
    assert few.equals(again)
    assert more.to_csv(index=False).startswith(few.to_csv(index=False))
    assert len(more) == 3 * len(few)


def test_slots_differ_from_each_other():
    orders = [tuple(s["stimulus_id"]) for s in sessions(planned(protocol(6, per_list=20)))]
    assert len(set(orders)) == len(orders) == 40


def test_an_attention_check_breaks_no_rule():
    study = protocol(
        8,
        {"emotion": EMOTIONS[:2], "m": [0, 1]},
        attention=[{"id": "a", "text": "Press 2.", "task": "valence", "answer": 2}],
        order={"min_distance": {"identity": 3}, "max_run": {"emotion": 2}},
        per_list=20,
    )
    for session in sessions(planned(study)):
        assert shortest_distance(list(session["identity"])) >= 3
        assert longest_run(list(session["emotion"])) <= 2


def test_an_attention_check_shows_what_was_rated_some_trials_before():
    checks = [{"id": i, "text": "Press 2.", "task": "valence", "answer": 2} for i in ("a", "b")]
    for order in ({}, {"max_run": {"emotion": 2}}):
        for session in sessions(planned(protocol(8, attention=checks, order=order, per_list=20))):
            for place in session.index[session["kind"] == "attention"]:
                before = session.iloc[: place - 1]
                rated_before = before[before["kind"] == "rating"]["stimulus_id"]
                assert session["stimulus_id"][place] in set(rated_before)


@pytest.mark.parametrize("method", ["random", "as-listed"])
def test_parts_with_an_order_are_fixed_even_and_follow_a_williams_square(method):
    study = protocol(
        8,
        {"emotion": EMOTIONS[:2], "m": [0, 1]},
        order={"method": method, "blocks": {"count": 4, "order": "williams"}},
        per_list=4,
    )
    trials = planned(study).trials
    trials = trials[trials["kind"] == "rating"]
    parts = trials.groupby(["slot", "block"])["stimulus_id"].agg(frozenset).unstack()
    different = set(parts.to_numpy().ravel())
    assert len(different) == 4  # everybody has the same four, in another order
    for place in parts:  # each of them once at each place
        assert set(parts[place]) == different
    after = {(row[i], row[i + 1]) for row in parts.to_numpy().tolist() for i in range(3)}
    assert len(after) == 4 * 3
    by_part = trials[trials["slot"] == 1].groupby("block")
    assert (by_part.size() == 8).all()
    if method == "random":
        assert (by_part["emotion"].value_counts() == 4).all()
        assert (by_part["identity"].value_counts() <= 1).all()
        orders = trials.groupby("slot")["stimulus_id"].agg(list)
        first = {slot: [s for s in order if s in min(different, key=sorted)]
                 for slot, order in orders.items()}  # fmt: skip
        assert len({tuple(order) for order in first.values()}) > 1  # within a part at random


def test_parts_without_an_order_hold_other_trials_for_everybody():
    study = protocol(8, order={"blocks": {"count": 4}}, per_list=4)
    trials = planned(study).trials
    parts = trials.groupby(["slot", "block"])["stimulus_id"].agg(frozenset)
    assert len(set(parts)) == len(parts)


def test_repeats_in_fixed_parts_as_listed_stay_in_their_part():
    study = protocol(
        8,
        order={"method": "as-listed", "blocks": {"count": 4, "order": "random"}},
        repeats={"count": 4, "min_distance": 3},
    )
    for _, session in planned(study).trials.groupby("slot"):
        block = session.set_index("trial")["block"]
        again = session[session["kind"] == "repeat"]
        assert len(again) == 4
        assert (again["block"].to_numpy() == block[again["repeat_of"]].to_numpy()).all()


@pytest.mark.parametrize("blocks", [2, 3, 4])
def test_blocks_follow_williams_squares_over_slots_and_lists(blocks):
    study = protocol(
        4,
        {"emotion": EMOTIONS[:blocks]},
        order={"blocks": {"by": "emotion"}},
        per_list=len(williams(blocks)),
    )
    places, after = Counter(), Counter()
    for session in sessions(planned(study)):
        order = list(dict.fromkeys(session["emotion"]))
        places.update(enumerate(order))
        after.update(zip(order[:-1], order[1:], strict=True))
    assert len(places) == blocks**2
    assert len(set(places.values())) == 1
    assert len(after) == blocks * (blocks - 1)
    assert len(set(after.values())) == 1


def test_lists_begin_the_williams_square_at_different_rows():
    """So that few participants on each of many lists see different orders of blocks."""
    study = protocol(4, {"emotion": EMOTIONS[:2], "m": [0, 0.3, 0.6, 1]}, per_list=1,
                     rotate=["m"], order={"blocks": {"by": "emotion"}})  # fmt: skip
    first = [session["emotion"].iloc[0] for session in sessions(planned(study))[:4]]
    assert Counter(first) == {"angry": 2, "happy": 2}


def test_between_factors_show_one_level_and_their_own_practice():
    study = protocol(6, {"emotion": EMOTIONS[:2], "m": [0, 1]}, between=["emotion"],
                     practice={"trials": 2})  # fmt: skip
    for session in sessions(planned(study)):
        assert session["emotion"].nunique() == 1


def test_listed_order_is_that_of_the_manifest_with_repeats_at_the_end():
    study = protocol(5, order={"method": "as-listed"}, repeats={"count": 3, "min_distance": 6})
    plan = planned(study)
    main = [s.id for s in plan.stimuli if s.role == "main"]
    for session in sessions(plan):
        assert list(session["stimulus_id"])[:20] == main
        again = session[session["kind"] == "repeat"]
        assert list(again["trial"]) == [21, 22, 23]
        assert (again["trial"] - again["repeat_of"] >= 6).all()


SUGGESTIONS = {  # design of 4 identities x 2 emotions x 2 m, and the number in it that is wrong
    "repeats too far": (
        {"repeats": {"count": 2, "min_distance": 30}}, ("repeats", "min_distance")),
    "too many repeats": ({"repeats": {"count": 30}}, ("repeats", "count")),
    "too many repeats of a level": (
        {"repeats": {"count": 9, "per": "m", "min_distance": 1}}, ("repeats", "count")),
    "identity too often": (
        {"order": {"min_distance": {"identity": 9}}}, ("order", "min_distance", "identity")),
    "runs in blocks of one level": (
        {"order": {"max_run": {"m": 2}, "blocks": {"by": "m"}}}, ("order", "max_run", "m")),
    "distance in a block": (
        {"order": {"min_distance": {"identity": 6}, "blocks": {"by": "m"}}},
        ("order", "min_distance", "identity")),
    "repeats in a block": (
        {"repeats": {"count": 1, "min_distance": 9}, "order": {"blocks": {"by": "m"}}},
        ("repeats", "min_distance")),
    "too many blocks": ({"order": {"blocks": {"count": 40}}}, ("order", "blocks", "count")),
    "listed repeats": (
        {"order": {"method": "as-listed"}, "repeats": {"count": 3, "min_distance": 15}},
        ("repeats", "min_distance")),
}  # fmt: skip


@pytest.mark.parametrize("name", SUGGESTIONS)
def test_impossible_designs_are_refused_in_one_line_whose_numbers_work(name):
    design, place = SUGGESTIONS[name]
    design = copy.deepcopy(design)
    with pytest.raises(PlanError) as caught:
        planned(protocol(**design))
    words = str(caught.value)
    assert len(words.splitlines()) == 1
    assert words.startswith(".".join(("design", *place))), words
    part = design
    for key in place[:-1]:
        part = part[key]
    part[place[-1]] = int(re.search(r"use (\d+)", words)[1])
    planned(protocol(**design))


def test_a_listed_order_that_breaks_a_rule_is_refused():
    study = protocol(4, order={"method": "as-listed", "min_distance": {"identity": 2}})
    with pytest.raises(PlanError, match="as listed breaks this on list 1; leave it out, or use"):
        planned(study)


def test_rules_that_only_together_are_impossible_are_named():
    """Each of two identities shows one emotion: every second trial, and yet three apart."""
    study = protocol(2, {"emotion": EMOTIONS[:2], "m": [0, 0.2, 0.4, 1]}, rotate=["emotion"],
                     order={"min_distance": {"identity": 2, "emotion": 3}})  # fmt: skip
    with pytest.raises(PlanError, match=r"design\.order"):
        planned(study)


def test_a_plan_too_long_for_anybody_is_refused_with_the_number_that_works():
    with pytest.raises(PlanError, match=r"recruitment\.per_list: found 100000") as caught:
        planned(protocol(28, {"emotion": EMOTIONS[:2], "m": [0, 1]}, per_list=100_000))
    most = int(re.search(r"use (\d+) at most", str(caught.value))[1])
    assert most * 2 * 112 <= 5_000_000 < (most + 1) * 2 * 112


def test_the_plan_is_written_once_and_read_back(tmp_path):
    study = protocol(repeats={"count": 1, "min_distance": 2}, breaks={"every": 3})
    folder = Study(tmp_path / "study")
    people = identities_of(study)
    path = write_plan(folder, study, people)
    before = path.read_bytes()
    assert write_plan(folder, protocol(seed=8), people) == path
    assert path.read_bytes() == before
    table, made = read_trials(folder.plan), make_plan(study, people).trials
    for column in ("slot", "list", "block", "trial", "kind", "stimulus_id", "identity", "pause"):
        assert list(table[column]) == list(made[column]), column
    assert list(table["repeat_of"].dropna()) == list(made["repeat_of"].dropna())


def test_a_quota_beyond_the_slots_adds_slots_and_changes_none(tmp_path):
    folder, small = Study(tmp_path / "study"), protocol(per_list=2)
    people = identities_of(small)
    path = write_plan(folder, small, people)
    before = path.read_text()
    write_plan(folder, protocol(per_list=4), people)  # the reserve is enough
    assert path.read_text() == before
    write_plan(folder, protocol(per_list=5), people)
    assert path.read_text().startswith(before)
    assert read_trials(folder.plan)["slot"].max() == 10


def printed(plan) -> str:
    console = Console(file=StringIO(), width=100)
    for part in plan.tables():
        console.print(part)
    return console.file.getvalue()


def test_the_balance_in_words_is_true():
    even = printed(planned(published("blume2024-experiment2")))
    assert "240 stimuli on 2 lists; 120 trials in a session" in even
    assert "Every level stands equally often on each list and over all lists." in even
    assert "each identity is rated 5 times" in even
    uneven = printed(planned(published("eskimez2021-task1")))
    assert "levels of emotion stand equally often; on 6 of 6 lists they do not" in uneven
    assert "Every level" not in uneven


def test_long_tables_say_that_they_are_cut():
    study = protocol({"pick": 20, "per_cell": 20}, {"emotion": EMOTIONS[:2]}, per_list=1,
                     split={"into": 20})  # fmt: skip
    assert "(1 to 12 of 20)" in printed(planned(study))
    assert "1 to" not in printed(planned(protocol()))


def test_no_two_slots_share_an_order_whatever_their_list():
    study = protocol(12, {"emotion": EMOTIONS[:2], "m": [0, 1]}, rotate=["emotion"], per_list=20)
    plan = planned(study)
    orders = [tuple(zip(s["identity"], s["m"], strict=True)) for s in sessions(plan)]
    assert len(set(orders)) == len(orders) == 80


def test_hundreds_of_long_sessions_under_rules_are_planned_in_seconds():
    rules = {"max_run": {"emotion": 3, "m": 2}, "min_distance": {"identity": 8}}
    study = published("blume2024-experiment2", {"design.order": rules, "recruitment.per_list": 125})
    start = time.perf_counter()
    plan = planned(study)
    assert time.perf_counter() - start < 20
    assert len(sessions(plan)) == 500
    for session in sessions(plan):
        assert longest_run(list(session["emotion"])) <= 3
        assert longest_run(list(session["m"])) <= 2
        assert shortest_distance(list(session["identity"])) >= 8


def test_quarters_without_trials_stay_empty():
    study = protocol({"pick": 2, "per_cell": 1}, {"emotion": EMOTIONS[:2]})
    rows = [line for line in printed(planned(study)).splitlines() if "angry" in line]
    assert re.search(r"angry\s*│\s*\d+%\s*│\s*–\s*│\s*\d+%\s*│\s*–", rows[1])
