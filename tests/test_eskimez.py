"""The analyses of Eskimez et al. (2021) recover what the simulated participants were made to do."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from analysis.choices.confusion import all_choices
from analysis.choices.modality import ALL, AUDIO, EITHER, FIRST, MISMATCHED, NEITHER, VISUAL
from analysis.choices.modality import modality_weights as weights_of
from analysis.choices.paired import paired_tests
from analysis.choices.part import choice_parts
from analysis.choices.published import beside_published
from analysis.figures.cells import cell_means
from analysis.figures.charts import COLOURS, SHAPES, mean_ratings
from analysis.figures.declared_part import figures_part
from analysis.figures.scale import Scale
from analysis.text.part import Caution, Drawing, Table
from analysis.text.references import REFERENCES
from experiments.truth import true_means, true_ticks
from protocols.ratings import UNKNOWN
from protocols.study import Study
from tests.choice_studies import played, sample_of
from tests.designs import published

Z = 3.5  # standard errors that an estimate may be off: 1 in 2,000


@pytest.fixture(scope="module")
def task1(tmp_path_factory) -> tuple[Any, Any]:
    return sample_of(played(tmp_path_factory.mktemp("eskimez") / "1", "eskimez2021-task1"))


@pytest.fixture(scope="module")
def task2(tmp_path_factory) -> tuple[Any, Any]:
    return sample_of(played(tmp_path_factory.mktemp("eskimez") / "2", "eskimez2021-task2"))


def near(row, truth) -> bool:
    """Whether a share is as near to the truth as its 95 % interval leads to expect."""
    return abs(row.share - truth) < Z * (row.high - row.low) / 3.92


def test_shares_that_match_face_and_voice_are_recovered(task2):
    protocol, sample = task2
    (step,) = protocol.analysis.modality
    found = weights_of(sample, protocol, step)
    assert found is not None
    rows = found.shares.set_index(["stimuli", "labels", "modality"])
    seen, heard = 0.314, 0.196  # the paper's, in mismatched videos
    other = (1 - seen - heard) / 4
    assert near(rows.loc[MISMATCHED, FIRST, VISUAL], seen)
    assert near(rows.loc[MISMATCHED, FIRST, AUDIO], heard)
    assert near(rows.loc[MISMATCHED, FIRST, NEITHER], 4 * other)
    # a second label comes half of the time, drawn alike, and counts if it is another one
    assert near(rows.loc[MISMATCHED, EITHER, VISUAL], seen + (1 - seen) * 0.5 * seen)
    assert near(rows.loc[MISMATCHED, EITHER, AUDIO], heard + (1 - heard) * 0.5 * heard)
    both = 0.44 + 0.56 / 6  # where face and voice agree
    assert near(rows.loc[ALL, FIRST, VISUAL], (30 * seen + 6 * both) / 36)
    assert (30 * seen + 6 * both) / 36 == pytest.approx(0.352, abs=0.002)  # the paper's
    assert (30 * heard + 6 * both) / 36 == pytest.approx(0.251, abs=0.002)
    differ = (
        1 - (30 * (seen**2 + heard**2 + 4 * other**2) + 6 * (both**2 + (1 - both) ** 2 / 5)) / 36
    )
    assert found.two / found.answers == pytest.approx(0.5 * differ, abs=0.06)
    first = next(d for d in found.differences if d.labels == FIRST)
    assert first.n == sample.participants
    assert abs(first.mean - (seen - heard)) < Z * (first.high - first.low) / 3.92


def answers(*rows: tuple[str, str, str, str, str]) -> pd.DataFrame:
    """Ratings of (participant, face, voice, first label, second label)."""
    out = []
    for trial, (who, face, voice, first, second) in enumerate(rows):
        about = {
            "source": "web", "participant": who, "trial": trial, "identity": str(trial),
            "stimulus_id": str(trial), "face_emotion": face, "voice_emotion": voice,
            "congruence": "congruent" if face == voice else "incongruent",
        }  # fmt: skip
        out.append(about | {"question": "emotion-seen", "label": first})
        out.append(about | {"question": "emotion-seen-second", "label": second})
    return pd.DataFrame(out)


def test_modality_by_hand():
    ratings = answers(
        ("a", "angry", "happy", "Angry", "None"),  # the face
        ("a", "angry", "sad", "Happy", "Sad"),  # neither, then the voice
        ("a", "sad", "sad", "Sad", "Sad"),  # both, and one label given twice
        ("b", "happy", "angry", "Angry", "Happy"),  # the voice, then the face
        ("b", "happy", "sad", "Happy", "Sad"),  # the face, then the voice
    )
    protocol = published("eskimez2021-task2")
    (step,) = protocol.analysis.modality
    found = weights_of(SimpleNamespace(ratings=ratings), protocol, step)  # type: ignore[arg-type]
    assert found is not None
    hits = found.shares.set_index(["stimuli", "labels", "modality"]).hits
    assert [hits[ALL, FIRST, kind] for kind in (VISUAL, AUDIO, NEITHER)] == [3, 2, 1]
    assert [hits[MISMATCHED, FIRST, kind] for kind in (VISUAL, AUDIO, NEITHER)] == [2, 1, 1]
    assert [hits[MISMATCHED, EITHER, kind] for kind in (VISUAL, AUDIO, NEITHER)] == [3, 3, 0]
    assert (found.answers, found.two) == (5, 3)
    first, either = found.differences
    assert first.mean == pytest.approx((0.5 + 0.0) / 2)  # a: 1 - 0 of 2; b: 1 - 1 of 2
    assert either.mean == pytest.approx(0.0)


def test_the_simulation_s_true_realness_is_the_paper_s():
    means = true_means(published("eskimez2021-task1")).groupby("method")["mean"].mean()
    assert means.round(2).to_dict() == {"baseline": 3.71, "ground-truth": 3.94, "proposed": 3.81}


def test_realness_is_recovered_and_its_pairs_are_tested(task1):
    protocol, sample = task1
    (step,) = protocol.analysis.paired
    found = paired_tests(sample, protocol, step)
    assert found is not None
    truth = {"ground-truth": 3.94, "baseline": 3.71, "proposed": 3.81}
    for level, true in truth.items():
        own = found.means[level]
        # identities are the same for everybody: their spread (SD .2) does not fall with more people
        error = np.hypot(own.std(ddof=1) / np.sqrt(len(own)), 0.2 / np.sqrt(15))
        assert abs(own.mean() - true) < Z * error
    for row in found.table.to_dict("records"):
        difference = found.means[row["later"]] - found.means[row["earlier"]]
        assert row["n"] == len(found.means) == sample.participants
        assert abs(row["estimate"] - difference.mean()) < 0.1  # symmetric enough
        assert row["low"] <= row["estimate"] <= row["high"]
        assert row["p_adjusted"] >= row["p"]
        true = truth[row["later"]] - truth[row["earlier"]]
        assert abs(difference.mean() - true) < Z * difference.std(ddof=1) / np.sqrt(row["n"])


def test_ticked_aspects_are_counted_by_method(task1):
    protocol, sample = task1
    choice = next(c for c in all_choices(sample, protocol) if c.task == "aspects")
    (counts,) = (c for c in choice.counts if c.factor == "method")
    truth = true_ticks(protocol).groupby(["method", "label"]).share.mean()
    rows = sample.ratings[sample.ratings.question == "aspects"]
    for row in counts.table.itertuples():
        here = rows[rows.method == row.level].label.str.split("; ")
        assert row.votes == sum(row.option in ticked for ticked in here)
        assert near(row, truth[row.level, row.option])


def test_every_declared_figure_is_drawn_with_its_numbers_and_words(task1, task2, tmp_path):
    for protocol, sample in (task1, task2):
        part = figures_part(protocol, sample, [])
        assert part is not None
        assert list(part.pictures) == list(part.tables) == [
            f"figure-{i}" for i in range(1, len(protocol.analysis.figures) + 1)
        ]  # fmt: skip
        for block in part.blocks:
            assert isinstance(block, Drawing)
            assert len(block.alt) > 100
        again = figures_part(protocol, sample, [])
        assert again is not None
        for name, picture in part.pictures.items():
            assert picture == again.pictures[name]  # the same bytes
            (tmp_path / "p.png").write_bytes(picture.png)
            with Image.open(tmp_path / "p.png") as drawn:
                assert len(drawn.convert("RGB").getcolors(2**24) or ()) > 50


def test_the_histogram_and_the_counts_hold_every_answer(task1):
    protocol, sample = task1
    part = figures_part(protocol, sample, [])
    assert part is not None
    histogram = part.tables["figure-2"]
    rows = sample.ratings[sample.ratings.question == "realness"]
    assert histogram.votes.sum() == len(rows)
    assert histogram.groupby("level").share.sum().tolist() == pytest.approx([1, 1, 1])
    mean = (histogram.option.astype(float) * histogram.share).groupby(histogram.level).sum()
    np.testing.assert_allclose(mean, rows.groupby("method").response.mean().loc[mean.index])


def test_parts_say_what_their_numbers_say_and_cite_what_exists(task1, task2):
    found = {
        part.title: part
        for protocol, sample in (task1, task2)
        for part in choice_parts(protocol, sample, all_choices(sample, protocol))
    }
    assert set(found) == {
        "Choices", "Face or voice", "Paired ratings", "Beside the published values"
    }  # fmt: skip
    for part in found.values():
        assert set(part.references) <= set(REFERENCES)
        assert all(len(row) == len(b.head) == len(b.kinds)
                   for b in part.blocks if isinstance(b, Table) for row in b.rows)  # fmt: skip
        assert {b.name for b in part.blocks if isinstance(b, Drawing)} == set(part.pictures)
    shares = found["Face or voice"].tables["modality-emotion-seen"]
    row = shares[(shares.stimuli == MISMATCHED) & (shares.labels == FIRST)].set_index("modality")
    assert f"{100 * row.share[VISUAL]:.1f}" in found["Face or voice"].headline[0]
    assert len(found["Paired ratings"].headline) == 3


def test_values_of_the_paper_stand_beside_the_same_of_the_study(task1, task2):
    """The simulation was given the paper's: most of them lie in the intervals."""
    protocol, sample = task2
    found = [beside_published(sample, protocol, asked) for asked in protocol.analysis.published]
    (step,) = protocol.analysis.modality
    weights = weights_of(sample, protocol, step)
    assert weights is not None
    shares = weights.shares.set_index(["stimuli", "labels", "modality"])
    for one in found:
        assert one is not None
        asked = one.asked
        row = shares.loc[
            MISMATCHED if asked.differs_from else ALL, EITHER if asked.either else FIRST,
            VISUAL if asked.matches == "face_emotion" else AUDIO,
        ]  # fmt: skip
        assert (one.here, one.low, one.high) == pytest.approx((row.share, row.low, row.high))
        assert one.answers == row.answers
    simulated = [one for one in found if one and one.asked.differs_from and not one.asked.either]
    assert {one.asked.value for one in simulated} == {0.314, 0.196}
    assert all(one.low - 0.02 < one.asked.value < one.high + 0.02 for one in simulated)
    protocol, sample = task1
    rows = sample.ratings
    for asked in protocol.analysis.published:
        one = beside_published(sample, protocol, asked)
        assert one is not None
        here = rows[(rows.question == asked.task) & (rows.method == asked.where["method"])]
        if asked.matches is None:
            assert one.here == pytest.approx(here.response.astype(float).mean())
            se = here.groupby("participant").response.mean().std(ddof=1) / np.sqrt(
                here.participant.nunique()
            )
            assert one.high - one.here == pytest.approx(1.99 * se, rel=0.03)  # five each
        else:
            assert one.here == pytest.approx((here.label.str.lower() == here.emotion).mean())
        assert one.low < one.here < one.high
        assert one.answers == len(here)
        assert one.low - 0.2 < asked.value < one.high + 0.2


def test_published_values_of_what_a_study_does_not_ask_are_refused():
    for value, said in (
        ({"task": "emotion-seen", "value": 0.5}, "is of type forced-choice; a published mean"),
        ({"task": "emotion-seen", "matches": "face_emotion", "value": 35.2}, "between 0 and 1"),
        ({"task": "emotion-seen", "either": True, "value": 0.5}, "add matches"),
        ({"task": "emotion-seen", "matches": "faces", "value": 0.5}, "unknown factor 'faces'"),
        ({"task": "emotion-seen", "matches": "face_emotion", "value": 0.5,
          "where": {"voice_emotion": "calm"}}, "unknown level of voice_emotion 'calm'"),
    ):  # fmt: skip
        with pytest.raises(Exception, match=said):
            published("eskimez2021-task2", {"analysis.published": [value]})


def test_a_modality_without_an_option_for_each_level_is_refused():
    with pytest.raises(Exception, match="none means 'fearful'"):
        published("eskimez2021-task2", {
            "tasks": [{"id": "emotion-seen", "type": "forced-choice", "question": "Which?",
                       "options": ["Anger", "Disgust", "Joy", "Neutral", "Sad"]}],
            "exclusions": [], "simulation": {},
        })  # fmt: skip


def test_means_of_two_by_five_cells_and_of_many_colours_are_drawn(tmp_path):
    levels: dict[str, Any] = {"m": [str(i) for i in range(10)], "emotion": ["angry", "happy"]}
    rng = np.random.default_rng(0)
    rows = pd.DataFrame([
        {"participant": str(p), "m": m, "emotion": e, "v": float(rng.integers(1, 10))}
        for p in range(9) for m in levels["m"] for e in levels["emotion"]
    ])  # fmt: skip
    means = cell_means(rows, "v", ["emotion", "m"])
    looks = {(COLOURS[g % 8], SHAPES[(g + g // 8) % 8]) for g in range(10)}
    assert len(looks) == 10  # ten levels: no two look alike
    picture = mean_ratings(means, "emotion", "m", levels, Scale("q", 1, 9), {}, rng)
    (tmp_path / "p.png").write_bytes(picture.png)
    with Image.open(tmp_path / "p.png") as drawn:
        assert drawn.width > 1000


def test_studies_are_played_with_the_same_seed_alike(tmp_path):
    first, second = (played(tmp_path / name, "eskimez2021-task2", 3) for name in "ab")
    assert isinstance(first, Study)
    assert first.ratings_file.read_bytes() == second.ratings_file.read_bytes()


def met_most(ratings: pd.DataFrame) -> str:
    """Who met most people: intervals over fewer than ten of them would be rough besides."""
    return str(ratings.groupby("participant").identity.nunique().idxmax())


@pytest.mark.parametrize(
    ("kept", "codes"),
    [
        (lambda r: r[r.participant == met_most(r)], {"ONE_PARTICIPANT"}),
        (lambda r: r.head(1), {"ONE_PARTICIPANT", "FEW_CLUSTERS", "NOT_TOLD_APART"}),
        (lambda r: r.assign(participant=UNKNOWN, trial=range(len(r))), {"UNKNOWN_RATERS"}),
        (lambda r: r.assign(label=None), set()),
    ],
)
def test_few_or_unknown_people_get_a_caution_and_no_answers_no_part(task2, kept, codes):
    protocol, sample = task2
    sample = replace(sample, ratings=kept(sample.ratings).reset_index(drop=True))
    parts = choice_parts(protocol, sample, all_choices(sample, protocol))
    found = {b.code for part in parts for b in part.blocks if isinstance(b, Caution)}
    assert found == codes
    figures = figures_part(protocol, sample, [])
    assert figures is not None
    assert bool(figures.pictures) == bool(parts) == bool(codes)
