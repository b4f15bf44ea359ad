"""Two studies beside each other: published effects recovered, nothing shared that is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.mixed.columns import Variable
from analysis.mixed.fit import fit
from analysis.problems import AnalysisError
from analysis.raters.beside import Beside, beside
from analysis.raters.equivalence import tost
from analysis.raters.other_study import absent, find_study
from analysis.sample.exclude import Sample, read_sample
from experiments.simulate import simulate
from protocols.analysis_plan import BesideStudy
from protocols.protocol import Protocol
from protocols.study import Study
from tests.small_study import make_study

PUBLISHED = Path(__file__).parents[1] / "protocols"
EFFECTS = {"0": 0.0, "0.25": 0.19, "0.5": 0.37, "0.75": 0.51, "1": 0.73}  # Blume et al., 4.5
ASKED = BesideStudy(study="blume2024-experiment1", by="emotion", equivalence=0.5)


@pytest.fixture(scope="module")
def studies(tmp_path_factory) -> tuple[Study, Study]:
    """Experiments 2 and 1 with 80 simulated participants each, one folder beside the other."""
    folder = tmp_path_factory.mktemp("blume")
    made = []
    for name in ("blume2024-experiment2", "blume2024-experiment1"):
        text = (PUBLISHED / f"{name}.yaml").read_text()
        made.append(make_study(folder / name, text, pictures=False))
        simulate(made[-1])
    return made[0], made[1]


@pytest.fixture(scope="module")
def both(studies) -> tuple[Sample, Protocol, Sample, Protocol]:
    second, first = studies
    protocols = second.protocol(), first.protocol()
    return (read_sample(second, protocols[0]), protocols[0],
            read_sample(first, protocols[1]), protocols[1])  # fmt: skip


@pytest.fixture(scope="module")
def found(both) -> Beside:
    return beside(ASKED, *both)


def test_the_published_effects_come_back_within_their_standard_errors(found):
    table = found.table.set_index("at")
    assert list(table.index) == list(EFFECTS)
    assert found.failures == {}
    for m, effect in EFFECTS.items():
        row = table.loc[m]
        # the slopes of the 24 identities are one draw for both studies: they cancel here
        assert abs(row.difference - (effect - 1.0)) < 3 * row.difference_se, m
        assert row.here - row.there == pytest.approx(row.difference)
        assert row.here_low < row.here < row.here_high
        assert row.difference_se < row.there_se


def test_only_the_full_weight_comes_close_to_the_human_effect(found):
    table = found.table.set_index("at")
    assert found.closest == "1"
    assert (table.p_adjusted[["0", "0.25", "0.5"]] < 0.001).all()
    assert (table.verdict[["0", "0.25", "0.5"]] == "different").all()
    assert table.p["1"] == table.p.max()
    assert table.p_equivalence["1"] == table.p_equivalence.min()
    # the standard error behind the paper's b = -0.22, p = .084 is 0.126
    assert table.difference_se["1"] == pytest.approx(0.126, abs=0.03)


def test_a_bound_is_tested_on_the_difference_and_both_tests_are_corrected(found, both):
    table = found.table
    by_hand = np.maximum.accumulate(np.sort(table.p) * np.arange(5, 0, -1)).clip(max=1)
    assert np.sort(table.p_adjusted) == pytest.approx(by_hand)
    by_hand = np.maximum.accumulate(np.sort(table.p_equivalence) * np.arange(5, 0, -1))
    assert np.sort(table.p_equivalence_adjusted) == pytest.approx(by_hand.clip(max=1))
    last = found.fits["1"].contrast(np.array([0.0, 0, 0, 1]))
    test = tost(last, 0.5)
    assert table.p_equivalence.iloc[-1] == pytest.approx(test.p)
    assert (table.low90.iloc[-1], table.high90.iloc[-1]) == pytest.approx((test.low, test.high))
    plain = beside(ASKED.model_copy(update={"adjust": "none", "equivalence": None}), *both).table
    assert plain.p_adjusted.tolist() == pytest.approx(table.p.tolist())
    assert "p_equivalence" not in plain
    assert set(plain.verdict) <= {"different", "not shown to differ"}


def test_another_coding_of_both_factors_gives_the_same_interaction(found, both):
    sample, _, other, _ = both
    here = sample.ratings[sample.ratings.m == 1].assign(study="b")
    data = pd.concat([here, other.ratings.assign(study="a")])
    data = data.assign(participant=data.study + data.participant, y=data.response.astype(float))
    variables = {"emotion": Variable("emotion", ("angry", "happy")),
                 "study": Variable("study", ("a", "b"))}  # fmt: skip
    formula = "y ~ emotion*study + (emotion | participant) + (emotion | identity)"
    again = fit(formula, data, variables).fixed.set_index("term")
    row = found.table.iloc[-1]
    assert again.estimate["emotionhappy:studyb"] == pytest.approx(row.difference, abs=1e-4)
    assert again.se["emotionhappy:studyb"] == pytest.approx(row.difference_se, rel=1e-3)
    assert again.df["emotionhappy:studyb"] == pytest.approx(row.df, rel=1e-2)
    assert again.estimate["emotionhappy"] == pytest.approx(row.there, abs=1e-4)


def test_the_same_study_beside_itself_has_the_same_effect(both):
    _, _, first, protocol = both
    same = beside(ASKED.model_copy(update={"equivalence": 0.8}), first, protocol, first, protocol)
    row = same.table.iloc[0]
    assert same.at is None
    assert same.people == (first.participants, first.participants)  # not one person in two studies
    assert row.difference == pytest.approx(0, abs=1e-6)
    assert row.here == pytest.approx(row.there)
    assert row.verdict == "equivalent"
    groups = same.fits[""].groups
    assert groups == {"participant": 2 * first.participants, "identity": 24}


def test_identities_are_shared_by_name_and_corpus(both):
    sample, protocol, first, theirs = both
    found = beside(ASKED.model_copy(update={"at": "m"}), sample, protocol, first, theirs)
    assert found.shared == (24, 24)
    stimuli = theirs.stimuli.model_copy(update={"corpus": "ravdess"})
    elsewhere = theirs.model_copy(update={"stimuli": stimuli})
    apart = beside(ASKED, sample, protocol, first, elsewhere)
    assert apart.shared == (0, 48)
    # other identities are a sample of their own: the difference is less sure
    assert apart.table.difference_se.iloc[-1] > 1.1 * found.table.difference_se.iloc[-1]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"factors": {"sentence": ("kids",)}}, "no such factor"),
        ({"factors": {"emotion": ("happy", "sad")}}, "found the levels happy, sad"),
        ({"tasks": "other"}, "no scale called valence"),
        ({"points": 7}, "from 1 to 9 here and from 1 to 7 there"),
    ],
)
def test_studies_that_cannot_be_compared_say_why(both, change, says):
    sample, protocol, first, theirs = both
    if "factors" in change:
        update = {"stimuli": theirs.stimuli.model_copy(update=change)}
    else:
        task = theirs.tasks[0]
        new = {"id": "other"} if "tasks" in change else {"points": 7, "anchors": {}}
        update = {"tasks": (task.model_copy(update=new),)}
    with pytest.raises(AnalysisError, match=says):
        beside(ASKED, sample, protocol, first, theirs.model_copy(update=update))


def test_a_level_that_cannot_be_fitted_leaves_the_others(both):
    sample, protocol, first, theirs = both
    without = sample.ratings[(sample.ratings.m != 0.5) | (sample.ratings.emotion == "happy")]
    found = beside(ASKED, replace(sample, ratings=without), protocol, first, theirs)
    assert list(found.table["at"]) == ["0", "0.25", "0.75", "1"]
    assert set(found.failures) == {"0.5"}


def test_the_other_study_is_found_beside_this_one_or_where_the_user_says(studies, tmp_path):
    second, first = studies
    found = find_study(second, "blume2024-experiment1")
    assert found is not None
    assert found.folder.resolve() == first.folder.resolve()
    moved = Study(tmp_path / "elsewhere")
    moved.folder.symlink_to(first.folder)
    away = Study(tmp_path / "alone")
    assert find_study(away, "blume2024-experiment1") is None
    given = find_study(away, "blume2024-experiment1", [moved.folder])
    assert given is not None
    assert given.folder == moved.folder
    assert find_study(away, "blume2024-experiment1", [second.folder]) is None  # another study
    said = absent(away, ASKED, [second.folder])
    assert "planned, not run" in said
    assert "mien report alone --beside FOLDER" in said
