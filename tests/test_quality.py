"""Response quality per participant, against answers counted one by one."""

from __future__ import annotations

import itertools
import statistics

import numpy as np
import pandas as pd
import pytest

from analysis.sample.exclude import read_sample, select
from analysis.sample.flow import flow_of
from analysis.sample.flow_chart import flow_chart
from analysis.sample.part import participants_part
from analysis.sample.quality import Criteria, response_quality, tolerances
from analysis.text.part import Table
from experiments.simulate import simulate
from protocols.exclusions import Answer, Person, RepeatsRule
from protocols.persons import ticked
from protocols.reading import load
from tests.small_study import TINY, make_study
from tests.test_exclude import RULES, someone, tables

SEEN = "  - {id: seen, type: checkboxes, question: What?, options: [Eyes, Mouth, Nose]}\n"
WITH_BOXES = TINY.replace("design:\n", f"{SEEN}design:\n").replace("per_list: 3", "per_list: 8")
WITH_BOXES = WITH_BOXES.replace("repeats: {count: 1}", "repeats: {count: 4}")


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    made = make_study(tmp_path_factory.mktemp("quality") / "q", WITH_BOXES, pictures=False)
    simulate(made, 16, seed=5)
    return made


@pytest.fixture(scope="module")
def sample(study):
    return read_sample(study, study.protocol())


def test_runs_shares_and_spread_are_those_counted_by_hand(study, sample):
    quality = response_quality(sample, study.protocol())
    rows = sample.everything[sample.everything.kind == "rating"]
    assert set(quality.tasks.question) == {"valence", "feeling"}
    for row in quality.tasks.itertuples():
        own = rows[(rows.participant == row.participant) & (rows.question == row.question)]
        given = own.sort_values("trial").response.dropna().tolist()
        assert row.longest_run == max(len(list(run)) for _, run in itertools.groupby(given))
        assert row.modal_share == max(map(given.count, given)) / len(given)
        assert row.sd == pytest.approx(statistics.stdev(given))


def test_inconsistent_answers_are_those_that_the_rule_would_count(study, sample):
    """The rule `repeats` itself, asked for every number of inconsistent answers."""
    protocol = study.protocol()
    quality = response_quality(sample, protocol).people.set_index("participant")
    assert tolerances(protocol) == {"valence": 1, "feeling": 0, "seen": 1}
    seen = set()
    for name, rows in sample.everything.groupby("participant"):
        answers = [
            Answer(r.kind, r.stimulus_id, r.question, None if pd.isna(r.response) else r.response,
                   label="" if pd.isna(r.label) else r.label, trial=r.trial,
                   boxes=ticked("" if pd.isna(r.label) else r.label) if r.question == "seen"
                   else None, repeat_of=None if pd.isna(r.repeat_of) else int(r.repeat_of))
            for r in rows.itertuples()
        ]  # fmt: skip
        person = Person(answers)
        differ = next(
            k for k in itertools.count()
            if not RepeatsRule(id="r", rule="repeats", more_than=k,
                               tolerance=tolerances(protocol)).fails(person)
        )  # fmt: skip
        own = quality.loc[name]
        assert own.repeats == sum(r.kind == "repeat" for r in rows.itertuples())
        if own.repeats:
            assert own.inconsistent == pytest.approx(differ / own.repeats)
            seen.add(differ)
    assert len(seen) > 2


def test_the_tolerances_of_the_protocol_come_first(tmp_path):
    (tmp_path / "rules.yaml").write_text(RULES)
    assert tolerances(load(tmp_path / "rules.yaml")) == {"valence": 1, "seen": 1}
    (tmp_path / "rules.yaml").write_text(RULES.replace("{valence: 1, seen: 1}", "{seen: 2}"))
    assert tolerances(load(tmp_path / "rules.yaml")) == {"valence": 0, "seen": 2}


@pytest.mark.parametrize(
    ("change", "sign"),
    [
        ({}, ""),
        ({"answers": [5] * 6 + list(range(1, 7))}, "long run"),
        ({"answers": [3, 3, 3, 3, 3, 4] * 2}, ""),
        ({"answers": [5] * 30 + [4]}, "long run, same answer"),
        ({"rt": 150.0}, "too fast"),
        ({"again": 8, "boxes": ("Eyes", "Mouth; Nose")}, "inconsistent"),
        ({"again": 8}, ""),  # one of two repeated answers is not more than half
        ({"check": 7}, "missed check"),
    ],
)
def test_each_sign_is_seen(tmp_path, change, sign):
    (tmp_path / "rules.yaml").write_text(RULES.split("exclusions:")[0])
    protocol = load(tmp_path / "rules.yaml")
    careful = {"answers": [4, 6, 5, 7, 3, 5, 6, 4, 2, 5, 6, 7]}
    people = tables(someone("a", **careful), someone("p", **(careful | change)))
    ratings = people[0]
    shift = ratings.kind.isin(["repeat", "attention"])  # someone() numbers them 6 and 7
    ratings.loc[shift, "trial"] += 100
    quality = response_quality(select(ratings, people[1], protocol), protocol)
    signs = quality.people.set_index("participant").signs
    assert (signs["a"], signs["p"]) == ("", sign)
    assert quality.unexcluded.participant.tolist() == (["p"] if sign else [])


def test_who_is_excluded_is_not_named_again_as_unexcluded(tmp_path):
    (tmp_path / "rules.yaml").write_text(RULES)
    protocol = load(tmp_path / "rules.yaml")
    sample = select(*tables(someone("a"), someone("p", rt=150.0)), protocol)
    quality = response_quality(sample, protocol, Criteria(least=1))
    assert quality.people.set_index("participant").signs["p"] == "too fast"
    assert quality.unexcluded.empty


def test_the_part_shows_the_flow_and_every_sign(study, sample):
    part = participants_part(sample, study.protocol())
    assert part.tables["exclusions"] is sample.flow
    assert len(part.tables["response-quality"]) == len(sample.people)
    flow, criteria, *rest = [block for block in part.blocks if isinstance(block, Table)]
    assert flow.rows[0][:3] == ["Took part", "16", "16"]
    assert flow.rows[-1][1] == flow.rows[-1][2] == str(sample.participants)
    assert len(criteria.rows) == 5
    signed = part.tables["response-quality"].signs
    assert (signed != "").sum() == (len(rest[0].rows) if rest else 0)
    assert {"Curran, 2016", "Eskimez et al., 2021"} == set(part.references)


@pytest.mark.parametrize("lists", [1, 2, 8, 24])
def test_the_flow_chart_holds_many_rules_and_lists(tmp_path, lists):
    text = RULES.split("exclusions:")[0] + "exclusions:\n" + "".join(
        f"  - {{id: rule{i}, rule: too-fast, below_ms: {i + 1}}}\n" for i in range(12)
    )  # fmt: skip
    (tmp_path / "many.yaml").write_text(text)
    protocol = load(tmp_path / "many.yaml")
    rng = np.random.default_rng(1)
    people = pd.DataFrame({
        "list": np.arange(240) % lists + 1,
        "excluded": rng.choice([None, *(f"rule{i}" for i in range(9))], 240),
    })  # fmt: skip
    flow = flow_of(people, protocol)
    drawn, again = flow_chart(flow), flow_chart(flow)
    assert drawn.svg == again.svg
    assert len(drawn.png) > 10_000
