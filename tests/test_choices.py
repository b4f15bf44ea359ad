"""Choices: shares with honest intervals, recognition, votes; CREMA-D's published votes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.choices.choices_part import choices_part
from analysis.choices.confusion import all_choices
from analysis.choices.counts import count_options
from analysis.choices.recognition import recognition
from analysis.choices.shares import Clusters, clusters_of, interval
from analysis.choices.votes import plurality, plurality_summary, votes_of
from analysis.sample.exclude import read_sample
from experiments.export import export
from experiments.importing import import_ratings
from experiments.mapping import load_mapping
from protocols.ratings import UNKNOWN
from protocols.reading import load
from protocols.study import Study
from tests.designs import PROTOCOLS

CREMA = Path(__file__).parents[1].parent / "shared" / "data" / "crema-d"
needs_crema = pytest.mark.skipif(
    not (CREMA / "tabulatedVotes.csv").is_file(),
    reason="needs CREMA-D's tables of votes in ../shared/data/crema-d",
)
LETTERS = list("ADFHNS")
MODALITIES = {"1": "VoiceVote", "2": "FaceVote", "3": "MultiModalVote"}  # first digit of a row


def correlated(rng, people, answers, p, icc):
    """Hits per person whose own probabilities vary (beta-binomial)."""
    own = rng.beta(p * (1 / icc - 1), (1 - p) * (1 / icc - 1), people)
    return rng.binomial(answers, own).astype(float)


@pytest.mark.parametrize(("p", "icc"), [(0.3, 0.3), (0.02, 0.1), (0.95, 0.3)])
def test_intervals_hold_the_truth_though_answers_of_one_person_are_alike(p, icc):
    rng, held, naive = np.random.default_rng(1), 0, 0
    answers = np.full(60, 12.0)
    for _ in range(500):
        hits = correlated(rng, 60, 12, p, icc)
        found = interval(hits, answers)
        held += found.low <= p <= found.high
        plain = stats.binomtest(int(hits.sum()), 720).proportion_ci(method="wilson")
        naive += plain.low <= p <= plain.high
    assert 0.92 < held / 500 < 0.985
    assert naive / 500 < 0.9  # what intervals over answers would do


def test_with_one_answer_each_the_interval_is_wilson_s_with_t():
    hits = np.array([1.0] * 7 + [0.0] * 13)
    found = interval(hits, np.ones(20))
    n, p, t = 19, 7 / 20, stats.t.ppf(0.975, 19)  # v = p (1 - p) / (G - 1)
    centre, half = p + t**2 / (2 * n), t * np.sqrt(p * (1 - p) / n + t**2 / (4 * n**2))
    assert found.low == pytest.approx((centre - half) / (1 + t**2 / n))
    assert found.high == pytest.approx((centre + half) / (1 + t**2 / n))


def test_an_option_that_nobody_chose_has_an_interval_from_the_number_of_people():
    found = interval(np.zeros(15), np.full(15, 40.0))
    t = stats.t.ppf(0.975, 14)
    assert (found.share, found.low) == (0, 0)
    assert found.high == pytest.approx(t**2 / (15 + t**2))  # Wilson's with n = 15, not 600


def test_clusters_are_participants_unless_they_are_unknown():
    rows = pd.DataFrame({"participant": ["a", "b"] * 6, "identity": list("uvwxyz") * 2,
                         "stimulus_id": [str(i) for i in range(12)]})  # fmt: skip
    assert clusters_of(rows).over == "over participants"
    unknown = clusters_of(rows.assign(participant=UNKNOWN))
    assert (unknown.by, unknown.count) == ("identity", 6)
    assert "not known" in unknown.over
    few = clusters_of(rows.assign(participant=UNKNOWN, identity="u"))
    assert (few.by, few.count) == ("stimulus_id", 12)


def test_recognition_of_a_matrix_by_hand():
    # Two levels, three options, one cluster: rows sum to 10 and 20, columns to 12, 10, 8.
    matrix = np.array([[[8.0, 1, 1], [4, 9, 7]]])
    table = recognition(matrix, ["a", "b"], [0, 1], ["A", "B", "C"], np.random.default_rng(0))
    np.testing.assert_allclose(table.hit_rate, [0.8, 0.45])
    np.testing.assert_allclose(table.precision, [8 / 12, 0.9])
    np.testing.assert_allclose(table.unbiased, [64 / 120, 81 / 200])
    np.testing.assert_allclose(table.unbiased_chance, [120 / 900, 200 / 900])
    np.testing.assert_allclose(table.f1, [16 / 22, 18 / 30])
    assert table[["unbiased_low", "hit_rate_low"]].isna().all().all()  # one person: no interval


def test_somebody_who_always_says_neutral_recognises_it_no_better_than_chance():
    matrix = np.zeros((4, 3, 3))
    matrix[:, :, 2] = 5
    options = ["Angry", "Happy", "Neutral"]
    table = recognition(matrix, options, [0, 1, 2], options, np.random.default_rng(0))
    assert table.hit_rate.tolist() == [0, 0, 1]
    assert table.unbiased.tolist() == pytest.approx([0, 0, 1 / 3])
    assert table.unbiased_chance[2] == pytest.approx(1 / 3)
    assert table.precision.isna().tolist() == [True, True, False]


def test_intervals_of_unbiased_hit_rates_hold_the_truth():
    rng, held = np.random.default_rng(2), 0
    truth = 0.5 * 0.5 / (0.5 + 0.3)  # hits 5 of 10; the other level is called so 3 of 10 times
    for _ in range(150):
        own = np.clip(rng.normal(0, 0.1, (50, 1)), -0.25, 0.25)  # answers of one person are alike
        share = np.hstack([0.5 + own, 0.3 + own])
        said = rng.binomial(10, share)
        matrix = np.stack([said, 10 - said], axis=2).astype(float)
        row = recognition(matrix, ["a", "b"], [0, 1], ["A", "B"], rng).iloc[0]
        held += row.unbiased_low <= truth <= row.unbiased_high
    assert 0.89 < held / 150 < 0.99


def test_counts_of_boxes_add_up():
    rows = pd.DataFrame({"method": ["x", "x", "y"], "participant": ["1", "2", "1"]})
    chosen = pd.DataFrame({"None": [0.0, 1, 0], "Lips": [1.0, 0, 1], "Head": [1.0, 0, 0]})
    clusters = Clusters("participant", np.array([0, 1, 0]), 2)
    found = count_options(rows, chosen, "method", ["x", "y"], clusters, "None")
    votes = found.table.pivot(index="level", columns="option", values="votes")
    assert votes.loc["x"].to_dict() == {"Head": 1, "Lips": 1, "None": 1}
    assert found.together.votes.tolist() == [2, 1]
    assert found.together.per_answer.tolist() == [1.0, 1.0]


def test_plurality_names_every_option_that_ties():
    votes = pd.DataFrame({"A": [3, 2, 0], "B": [1, 2, 0], "C": [0, 0, 0]})
    found = plurality(votes, ["A", "B", "C"])
    assert found.labels.tolist() == [("A",), ("A", "B"), ()]
    assert found.agreement.tolist() == pytest.approx([0.75, 0.5, np.nan], nan_ok=True)


@pytest.fixture(scope="module")
def votes() -> pd.DataFrame:
    return pd.read_csv(CREMA / "tabulatedVotes.csv", dtype={0: str}, keep_default_na=False)


@needs_crema
def test_plurality_labels_of_crema_d_are_the_tables_own_in_all_rows(votes):
    found = plurality(votes, LETTERS)
    assert len(votes) == 22_326
    assert (found.labels.map(":".join) == votes.emoVote).all()
    np.testing.assert_allclose(found.agreement, votes.agreement, rtol=1e-12)
    assert (found.votes == votes.numResponses).all()
    assert (found.labels.map(len) > 1).sum() == 1534


@needs_crema
def test_the_first_digit_of_a_row_of_crema_d_names_its_modality(votes):
    summary = pd.read_csv(CREMA / "summaryTable.csv", keep_default_na=False).set_index("FileName")
    labels = plurality(votes, LETTERS).labels.map(":".join)
    for digit, column in MODALITIES.items():
        mine = votes.iloc[:, 0].str[0] == digit
        assert mine.sum() == 7442
        assert (labels[mine].to_numpy() == summary.loc[votes.fileName[mine], column]).all()


@needs_crema
def test_imported_votes_of_crema_d_give_the_published_recognition(tmp_path):
    study = Study(tmp_path / "crema-d")
    study.freeze(load(PROTOCOLS / "crema-d-votes.yaml"))
    import_ratings(study, CREMA / "tabulatedVotes.csv", "import", load_mapping("crema-d-votes"))
    export(study)
    protocol = study.protocol()
    sample = read_sample(study, protocol)
    choices = all_choices(sample, protocol)
    by_modality = {c.at[1]: c for c in choices[0].split if c.at}
    assert {name: round(100 * c.accuracy, 2) for name, c in by_modality.items()} == {
        "audio": 40.00, "visual": 57.44, "audio-visual": 63.07,
    }  # fmt: skip
    assert all(c.clusters.by == "identity" and c.clusters.count == 91 for c in by_modality.values())
    table = votes_of(sample, protocol, "emotion-seen")
    summary = plurality_summary(
        table, protocol.questions["emotion-seen"].options, "emotion", protocol
    )
    assert summary["stimuli"] == 22_326
    assert summary["tied"] == pytest.approx(1534 / 22_326)
    part = choices_part(protocol, sample, choices)
    assert part is not None
    assert any(getattr(block, "code", "") == "UNKNOWN_RATERS" for block in part.blocks)
    assert "emotion-seen-by-emotion-at-modality" in part.pictures
