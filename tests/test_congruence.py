"""Designs of matched and mismatched voices and faces, in every way that a protocol names."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analysis.text.method import stimuli as stimuli_in_words
from experiments.simulate import simulate
from protocols.generators import TALKED
from protocols.ratings import read_ratings
from protocols.reading import Document, validate
from protocols.study import Study
from stimuli.corpora import identities_of
from stimuli.generate import _placed
from stimuli.plan import write_plan
from stimuli.stimulus import Stimulus, plan_stimuli
from tests.designs import published

SIX = list(TALKED)
CROSSED: dict[str, Any] = {"voice_emotion": SIX, "face_emotion": SIX}
BOTH = ["congruent", "incongruent"]


def study(factors: dict[str, Any], identities: Any, generator: str = "actor", **more: Any):
    """A protocol of clips with these factors."""
    stimuli = {"generator": generator, "identities": identities, "factors": factors,
               "clip": {"kind": "talking"}}  # fmt: skip
    data = {
        "name": "small", "title": "Matched and mismatched", "seed": 3, "stimuli": stimuli,
        "tasks": [{"id": "fit", "type": "likert", "question": "Do they fit?", "points": 9}],
        **more,
    }  # fmt: skip
    return validate(Document(Path("small.yaml"), data, {}))


def main_of(protocol) -> list[Stimulus]:
    return [s for s in plan_stimuli(protocol, identities_of(protocol)) if s.role == "main"]


@pytest.mark.parametrize("generator", ["actor", "talking-face"])
def test_as_many_congruent_as_incongruent_clips(generator):
    """Six matched pairs with five people each, thirty others with one: thirty clips of both."""
    per_cell = {"congruent": 5, "incongruent": 1}
    protocol = study({**CROSSED, "congruence": BOTH}, {"pick": 12, "per_cell": per_cell}, generator)
    stimuli = main_of(protocol)
    assert protocol.stimuli.count == len(stimuli) == 60
    table = pd.DataFrame([{"who": s.identity, **s.levels} for s in stimuli])
    same = table.voice_emotion == table.face_emotion
    assert (same == (table.congruence == "congruent")).all()
    assert Counter(table.congruence) == {"congruent": 30, "incongruent": 30}
    assert set(Counter(table.voice_emotion).values()) == {10}
    assert set(Counter(table.face_emotion).values()) == {10}
    assert set(Counter(table.who).values()) == {5}
    pairs = Counter(zip(table.voice_emotion, table.face_emotion, strict=True))
    assert len(pairs) == 36


def test_what_is_only_heard_or_only_seen_comes_once():
    modality = ["audio", "visual", "audio-visual"]
    protocol = study({**CROSSED, "congruence": BOTH, "modality": modality}, 2)
    count = Counter((s.levels["modality"], s.levels["congruence"]) for s in main_of(protocol))
    assert count == {
        ("audio", "congruent"): 12, ("visual", "congruent"): 12,
        ("audio-visual", "congruent"): 12, ("audio-visual", "incongruent"): 60,
    }  # fmt: skip
    heard = [
        s.levels["voice_emotion"] for s in main_of(protocol) if s.levels["modality"] == "audio"
    ]
    assert Counter(heard) == dict.fromkeys(SIX, 2)


def test_mismatched_pairs_alone():
    protocol = study({**CROSSED, "congruence": ["incongruent"]}, {"pick": 6, "per_cell": 1})
    assert all(s.levels["voice_emotion"] != s.levels["face_emotion"] for s in main_of(protocol))
    assert protocol.stimuli.count == 30


def test_examples_are_what_their_emotions_make_them():
    page = {"factor": "face_emotion", "examples": 1}
    protocol = study({**CROSSED, "congruence": BOTH}, {"pick": 6, "per_cell": 1},
                     pages={"familiarisation": page})  # fmt: skip
    stimuli = plan_stimuli(protocol, identities_of(protocol))
    examples = [s.levels for s in stimuli if s.role == "example"]
    assert len(examples) == 6
    assert all(levels["voice_emotion"] == levels["face_emotion"] for levels in examples)
    assert {levels["congruence"] for levels in examples} == {"congruent"}


def test_people_see_as_many_of_both_and_the_effect_is_in_their_answers(tmp_path):
    """Lists balanced by congruence; a simulated effect of 1.5 points comes back."""
    effect = {"when": {"congruence": "congruent"}, "add": 1.5}
    protocol = study(
        {**CROSSED, "congruence": BOTH},
        {"pick": 12, "per_cell": {"congruent": 5, "incongruent": 1}},
        design={"split": {"into": 3, "balance": ["congruence"]}},
        recruitment={"per_list": 8},
        simulation={"tasks": {"fit": {"effects": [effect], "residual_sd": 0.8}}},
    )
    made = Study(tmp_path / "study")
    made.freeze(protocol)
    write_plan(made, protocol, identities_of(protocol))
    simulate(made, 24, 5)
    rows = read_ratings(made.ratings_file)
    rows = rows[(rows.kind == "rating") & rows.valid]
    each = rows.groupby(["participant", "congruence"]).size()
    assert set(each) == {10}
    means = rows.groupby("congruence").response.mean()
    assert means["congruent"] - means["incongruent"] == pytest.approx(1.5, abs=0.3)


def test_the_factor_that_follows_from_others_is_in_no_name():
    """So that a study which asks for it later keeps its stimuli and their seeds."""
    per_cell = {"pick": 6, "per_cell": 1}
    with_it = main_of(study({**CROSSED, "congruence": BOTH}, per_cell))
    without = {s.id: s.seed for s in main_of(study(CROSSED, 6))}
    assert all(without[s.id] == s.seed for s in with_it)


def test_the_sheet_of_a_crossing_has_every_pair_and_no_empty_place():
    protocol = published("eskimez2021-task2")
    placed = _placed(protocol, main_of(protocol))
    assert list(dict.fromkeys(row for row, _ in placed)) == [f"voice_emotion: {e}" for e in SIX]
    assert list(dict.fromkeys(column for _, column in placed)) == [f"face {e}" for e in SIX]
    assert len(placed) == 36
    for (row, column), stimulus in placed.items():
        assert row == f"voice_emotion: {stimulus.levels['voice_emotion']}"
        assert column == f"face {stimulus.levels['face_emotion']}"


def test_the_method_section_says_how_many_match_and_how_each_source_made_its_videos():
    said = stimuli_in_words(published("eskimez2021-task2"))
    assert "By the emotions of voice and face 12 were congruent and 60 were incongruent." in said
    assert "crossing voice_emotion" in said
    assert "congruence (" not in said
    said = stimuli_in_words(published("eskimez2021-task1"))
    assert (
        "Methods were: ground-truth (clips of the corpus itself; of the width the middle 96 or 128 "
        "pixels, dealt evenly); baseline (made by a network, told neutral in every cell; of the "
        "width the middle 96 pixels); proposed (made by a network)."
    ) in said


@pytest.mark.parametrize(
    ("factors", "identities", "said"),
    [
        ({"emotion": SIX, "congruence": BOTH}, 6, "add the factor 'voice_emotion'"),
        ({"voice_emotion": ["sad"], "face_emotion": ["sad"], "congruence": BOTH}, 6,
         "no cell is incongruent: voice and face have only one emotion in common"),
        ({"voice_emotion": ["sad"], "face_emotion": ["angry"], "congruence": BOTH}, 6,
         "no cell is congruent: voice and face have no emotion in common"),
        (CROSSED, {"pick": 6, "per_cell": {"congruent": 2, "incongruent": 1}},
         "counts by congruence need that factor"),
        ({**CROSSED, "congruence": BOTH}, {"pick": 6, "per_cell": {"congruent": 2}},
         "says nothing of incongruent cells"),
        ({**CROSSED, "congruence": BOTH}, {"pick": 6, "per_cell": {"congruent": 7}},
         "found 7; accepted: 1 to 6"),
        ({**CROSSED, "congruence": BOTH}, {"pick": 6, "per_cell": {"matched": 7}},
         "'matched'; not a known level of congruence"),
        ({**CROSSED, "congruence": ["matched"]}, 6, "'matched'; not a known level of congruence"),
    ],
)  # fmt: skip
def test_designs_that_contradict_themselves_are_refused(factors, identities, said):
    with pytest.raises(Exception, match=said) as refused:
        study(factors, identities)
    assert "\n" not in str(refused.value).strip()


DESIGNS: dict[str, tuple[dict[str, Any], int]] = {  # factors, and cells
    "full crossing": (CROSSED, 36),
    "congruent against incongruent": ({**CROSSED, "congruence": BOTH}, 36),
    "strength of the face": ({**CROSSED, "face_m": [0.25, 0.5, 0.75, 1]}, 144),
    "strength of the voice": ({**CROSSED, "voice_m": [0.25, 0.5, 0.75, 1]}, 144),
    "strength of both": ({"emotion": SIX, "m": [0.5, 1]}, 12),
    "voice alone, face alone": ({"emotion": SIX, "modality": ["audio", "visual", "audio-visual"]},
                                18),
    "controls": ({**CROSSED, "movement": ["natural", "still", "scrambled"]}, 108),
}  # fmt: skip


@pytest.mark.parametrize("generator", ["actor", "talking-face"])
@pytest.mark.parametrize("name", DESIGNS)
def test_both_generators_take_every_design(generator, name):
    factors, cells = DESIGNS[name]
    protocol = study(factors, {"pick": 12, "per_cell": 1}, generator)
    stimuli = main_of(protocol)
    assert len({tuple(s.levels.values()) for s in stimuli}) == len(stimuli) == cells
    assert len({s.id.lower() for s in stimuli}) == cells
    assert protocol.stimuli.media == "video"
