"""What cannot be right is set aside and said with its line; the rest is analysed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.problems import ADVICE, AnalysisError
from analysis.sample.coverage import coverage
from analysis.sample.exclude import select, with_everybody
from analysis.sample.part import checks_part, participants_part, warnings
from analysis.text.part import Caution
from protocols.protocol import Protocol
from protocols.reading import load
from tests.test_exclude import RULES, someone, tables

SEEN = "  - {id: felt, type: forced-choice, question: Which?, options: [Angry, Happy]}\ndesign:"


@pytest.fixture
def protocol(tmp_path) -> Protocol:
    (tmp_path / "rules.yaml").write_text(RULES.replace("design:", SEEN))
    return load(tmp_path / "rules.yaml")


def two_people() -> tuple[pd.DataFrame, pd.DataFrame]:
    """a and b, nine rows each; row 2 is the second rating (valence 6) of a."""
    return tables(someone("a"), someone("b"))


def found(sample) -> dict[str, str]:
    return {finding.code: finding.found for finding in sample.checks.findings}


CASES = {
    "off the scale": ({"response": 11.0}, "OFF_SCALE",
                      "ratings.csv:4: 1 row with a response off its scale; the first is 11 for "
                      "'valence'; accepted: 1, 2 … 9"),
    "between points": ({"response": 4.5}, "OFF_SCALE", "the first is 4.5 for 'valence'"),
    "zero": ({"response": 0.0}, "OFF_SCALE", "the first is 0"),
    "third of two options": ({"question": "felt", "response": 3.0}, "OFF_SCALE", "1, 2 … 2"),
    "another's label": ({"question": "felt", "response": 1.0, "label": "Happy"}, "OTHER_LABEL",
                        "the first is 'Happy' beside 1 for 'felt'"),
    "a label of no option": ({"question": "felt", "response": None, "label": "Sad"},
                             "OTHER_LABEL", "'Sad' beside nothing"),
    "more boxes than labels": ({"question": "seen", "response": 3.0, "label": "Eyes; Nose"},
                               "OTHER_LABEL", "'Eyes; Nose' beside 3 for 'seen'"),
    "unknown question": ({"question": "valenz"}, "UNKNOWN_QUESTION", "did you mean 'valence'?"),
    "unknown level": ({"emotion": "sad"}, "UNKNOWN_LEVEL",
                      "1 row without a level of 'emotion' (such as 'sad'); accepted: angry, happy"),
    "no level": ({"m": None}, "UNKNOWN_LEVEL", "'m' (it is empty); accepted: 0, 1"),
    "a stranger": ({"participant": "zoe"}, "NOT_IN_PARTICIPANTS", "such as 'zoe'"),
    "braces in a cell": ({"question": "{0}{x}"}, "UNKNOWN_QUESTION", "such as '{0}{x}'"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_row_that_cannot_be_right_is_set_aside_and_named(protocol, case):
    change, code, says = CASES[case]
    ratings, people = two_people()
    for column, value in change.items():
        ratings[column] = ratings[column].astype(object)
        ratings.loc[2, column] = value
    before = ratings.copy()
    sample = select(ratings, people, protocol)
    assert says in found(sample)[code]
    assert found(sample)[code].startswith("ratings.csv:4: ")
    assert np.flatnonzero(sample.checks.aside).tolist() == [2]
    assert len(sample.everything) + (case == "a stranger") >= len(before)
    whole = select(*two_people(), protocol)
    assert len(sample.ratings) == len(whole.ratings) - 1
    pd.testing.assert_frame_equal(ratings, before)  # nothing is edited


def test_good_tables_have_nothing_to_say(protocol):
    sample = select(*two_people(), protocol)
    assert sample.checks.findings == ()
    assert not sample.checks.aside.any()


def test_copies_count_once_for_rules_and_ratings(protocol):
    ratings, people = tables(someone("a"), someone("b", check=3))
    ratings = pd.concat([ratings, ratings.iloc[[1, 8]]], ignore_index=True)
    sample = select(ratings, people, protocol)
    assert "ratings.csv:20: 2 rows stand twice" in found(sample)["COPIES"]
    assert len(sample.ratings) == len(select(*tables(someone("a")), protocol).ratings)


def test_people_without_ratings_and_codes_of_two_sources_are_named(protocol):
    ratings, people = tables(someone("a"), someone("b"), someone("a", source="lab"))
    sample = select(ratings[ratings.participant != "b"], people, protocol)
    assert "1 participants completed the study but have no rows" in found(sample)["NO_ANSWERS"]
    assert "more than one source, such as 'a'" in found(sample)["SAME_CODE"]


def test_another_studys_table_is_noticed(protocol):
    ratings, people = two_people()
    sample = select(ratings.assign(study="other"), people, protocol)
    assert "of the study 'other', not 'rules'" in found(sample)["OTHER_STUDY"]
    assert len(sample.ratings) > 0


def test_a_missing_factor_column_is_one_error(protocol):
    ratings, people = two_people()
    with pytest.raises(AnalysisError, match="the column 'emotion' is missing, a factor"):
        select(ratings.drop(columns="emotion"), people, protocol)


def test_the_manifest_decides_what_was_shown(protocol):
    ratings, people = two_people()
    manifest = pd.DataFrame({
        "stimulus_id": [f"s{i}" for i in range(1, 7)], "identity": ["a"] * 5 + ["other"],
        "emotion": ["angry"] * 6, "m": [0, 1, 0, 0, 0, 0],
    })  # fmt: skip
    sample = select(ratings, people, protocol, manifest=manifest)
    says = [f.found for f in sample.checks.findings if f.code == "NOT_AS_MANIFEST"]
    assert any("4 rows whose 'm' is not that of stimuli.tsv: s2 is '0.0' here, '1' there" in s
               for s in says)  # fmt: skip
    assert any("'identity' is not that of stimuli.tsv: s6 is 'a' here" in s for s in says)
    unknown = select(ratings, people, protocol, manifest=manifest[:-2])
    assert "about stimuli not in stimuli.tsv: 's5'" in found(unknown)["UNKNOWN_STIMULUS"]


def test_levels_are_those_of_the_protocol_however_they_were_rounded(tmp_path):
    text = RULES.replace("m: [0, 1]", "m: [0, 0.3333333333333333]")
    (tmp_path / "thirds.yaml").write_text(text)
    thirds = load(tmp_path / "thirds.yaml")
    ratings, people = two_people()
    ratings["m"] = ratings.m.replace(0.0, 0.3333333333)
    sample = select(ratings, people, thirds)
    assert set(sample.ratings.m) == {1 / 3}
    assert sample.checks.findings == ()


def test_a_model_may_answer_between_the_points(protocol):
    ratings, people = tables(someone("a"), someone("net", source="model"))
    ratings["response"] = ratings.response.astype(float)
    ratings.loc[ratings.source == "model", "response"] = 5.5
    ratings.loc[ratings.source == "model", "label"] = None
    sample = select(ratings, people, protocol)
    assert "OFF_SCALE" not in found(sample)
    assert set(sample.model_ratings.response) == {5.5}


@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        ({}, "ONE_PARTICIPANT", "only one participant"),
        ({"identity": "x"}, "ONE_IDENTITY", "one identity"),
        ({"emotion": "angry"}, "ONE_LEVEL", "'emotion' has one level only in the ratings: angry"),
        ({"response": 5.0}, "NO_VARIANCE", "all 4 answers to 'valence' are 5"),
        ({"response": None}, "MISSING_ANSWERS", "4 of 4 answers to 'valence' are missing"),
        ({"participant": "unknown"}, "UNKNOWN_RATERS", "it is not known who gave the 5 answers"),
    ],
)
def test_what_cannot_carry_an_analysis_is_said(protocol, change, code, says):
    ratings, people = tables(someone("a"))
    valence = ratings.question == "valence"
    for column, value in change.items():
        ratings[column] = ratings[column].astype(object)
        ratings.loc[valence if column == "response" else ratings.index, column] = value
    if "participant" in change:
        people["participant"] = change["participant"]
    sample = select(ratings, people, protocol.model_copy(update={"exclusions": ()}))
    assert any(f.code == code and says in f.found for f in coverage(sample, protocol))
    assert any(line.startswith(f"{code}: ") for line in warnings(sample, protocol))


def test_empty_cells_are_counted_once_each(protocol):
    ratings, people = two_people()
    ratings["emotion"] = np.where(ratings.trial % 2, "angry", "happy")
    ratings["m"] = np.where(ratings.trial % 2, 0.0, 1.0)
    said = [f.found for f in coverage(select(ratings, people, protocol), protocol)]
    assert "2 of 4 cells hold no ratings, such as emotion angry, m 1" in said


def test_every_finding_is_a_caution_with_advice(protocol):
    ratings, people = two_people()
    ratings.loc[2, "response"] = 11.0
    sample = select(ratings, people, protocol)
    part = checks_part(sample, protocol)
    cautions = [block for block in part.blocks if isinstance(block, Caution)]
    assert [c.code for c in cautions] == part.tables["checks"].code.tolist()
    assert all(c.code in ADVICE for c in cautions)
    assert cautions[0].text.endswith(ADVICE["OFF_SCALE"])
    assert "1 row set aside" in part.blocks[0].text


def test_nobody_excluded_is_the_same_sample_with_everybody(protocol):
    people = [someone("a"), someone("b", check=3), someone("c", status="withdrawn")]
    sample = select(*tables(*people), protocol)
    everybody = with_everybody(sample)
    assert (sample.participants, everybody.participants) == (1, 2)
    assert set(everybody.ratings.participant) == {"a", "b"}
    assert set(sample.ratings.participant) == {"a"}  # nothing was changed
    same = select(*tables(someone("a"), someone("b")), protocol)
    assert len(everybody.ratings) == len(same.ratings)


def test_votes_have_no_flow_and_no_quality(protocol):
    ratings, people = tables(someone("unknown"))
    sample = select(ratings, people, protocol)
    assert not sample.raters_known
    part = participants_part(sample, protocol)
    assert part.pictures == {}
    assert "nobody knows who gave which answer" in part.blocks[0].text
