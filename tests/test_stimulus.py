"""Names and seeds of stimuli, who shows what, and who is left for practice and examples."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stimuli.corpora import identities_of
from stimuli.errors import PlanError
from stimuli.stimulus import deal_cells, plan_stimuli, stimulus_id
from tests.designs import EMOTIONS, people, planned, protocol

numbers = st.decimals(-2, 2, places=3, allow_nan=False).map(float)
words = st.text("abcdefgh", min_size=1, max_size=5)


def stimuli_of(study):
    return plan_stimuli(study, identities_of(study))


@given(st.lists(numbers, min_size=2, max_size=12, unique=True))
def test_different_numbers_have_different_names(levels):
    names = {stimulus_id("01", {"m": level}).lower() for level in levels}
    assert len(names) == len(set(levels))


def test_names_read_as_documented():
    assert stimulus_id("01", {"emotion": "happy", "m": 0.25}) == "A01EmotionHappyM025"
    assert stimulus_id("07", {"valence": -0.67, "arousal": 1}) == "A07ValenceN067Arousal100"
    assert stimulus_id("07", {"face_emotion": "sad"}) == "A07FaceEmotionSad"


@given(st.lists(words, min_size=1, max_size=4, unique=True), st.integers(1, 4))
def test_ids_are_unique_letters_and_digits(sentences, identities):
    study = protocol(
        identities,
        {"emotion": ["happy", "sad"], "sentence": sentences},
        generator="voiced-face",
    )
    ids = [stimulus.id for stimulus in stimuli_of(study)]
    assert len({name.lower() for name in ids}) == len(ids) == 2 * len(sentences) * identities
    assert all(re.fullmatch("[A-Za-z0-9]+", name) for name in ids)


def test_levels_that_would_share_a_name_are_refused():
    study = protocol(1, {"emotion": ["sad"], "sentence": ["it is", "It-Is"]},
                     generator="voiced-face")  # fmt: skip
    with pytest.raises(PlanError, match="two stimuli would be called A01EmotionSadSentenceIt"):
        stimuli_of(study)


@settings(deadline=None)
@given(st.integers(1, 6), st.integers(1, 3), st.integers(1, 5), st.integers(0, 2**40))
def test_a_new_level_or_identity_changes_no_name_and_no_seed(identities, emotions, steps, seed):
    def made(identities, emotions, steps):
        levels = {"emotion": EMOTIONS[:emotions], "m": [i / 10 for i in range(steps)]}
        return {s.id: s.seed for s in stimuli_of(protocol(identities, levels, seed=seed))}

    before = made(identities, emotions, steps)
    for more in (
        made(identities + 1, emotions, steps),
        made(identities, emotions + 1, steps),
        made(identities, emotions, steps + 1),
    ):
        assert before.items() < more.items()
    assert len(set(before.values())) == len(before)
    assert all(0 <= value < 2**63 for value in before.values())


def test_the_seed_of_the_protocol_changes_every_seed():
    first, second = (stimuli_of(protocol(seed=seed)) for seed in (1, 2))
    assert not {s.seed for s in first} & {s.seed for s in second}


@settings(deadline=None, max_examples=40)
@given(st.integers(2, 12), st.integers(2, 4), st.integers(1, 4), st.data())
def test_identities_are_dealt_evenly_over_cells(identities, emotions, steps, data):
    per_cell = data.draw(st.integers(1, identities))
    levels = {"emotion": EMOTIONS[:emotions], "m": [i / 10 for i in range(steps)]}
    study = protocol({"pick": identities, "per_cell": per_cell}, levels)
    stimuli = stimuli_of(study)
    cells = Counter(tuple(s.levels.values()) for s in stimuli)
    assert set(cells.values()) == {per_cell}
    assert len(cells) == emotions * steps
    uses = Counter(s.identity for s in stimuli)
    assert max(uses.values()) - min(uses[who.id] for who in identities_of(study)[:identities]) <= 1
    assert len({s.id for s in stimuli}) == len(stimuli)  # nobody twice in a cell


@pytest.mark.parametrize(("identities", "per_cell"), [(12, 2), (12, 6), (8, 4), (24, 4)])
def test_dealt_identities_and_genders_are_crossed_with_every_factor(identities, per_cell):
    cells = [{"emotion": e, "m": m} for e in EMOTIONS for m in (0, 0.5)]
    wanted = [cell for cell in cells for _ in range(per_cell)]
    cast = people(["female", "male"] * (identities // 2))
    from stimuli.seeds import generator_of

    whose = deal_cells(wanted, cast, generator_of(1, "test"))
    gender = Counter((cell["emotion"], cast[i].gender)
                     for cell, i in zip(wanted, whose, strict=True))  # fmt: skip
    assert set(gender.values()) == {per_cell}  # two cells of each emotion, half of each gender
    for factor, levels in (("emotion", 6), ("m", 2)):
        each = Counter((cell[factor], i) for cell, i in zip(wanted, whose, strict=True))
        share = len(wanted) / levels / identities
        counts = [each[level, i] for level in {c[factor] for c in cells} for i in range(identities)]
        assert all(abs(count - share) <= 1 for count in counts), (factor, counts)


def test_practice_and_examples_show_other_identities_once_each():
    study = protocol(
        24,
        {"emotion": ["angry", "happy", "sad"], "m": [0, 0.5, 1]},
        practice={"trials": 6},
        pages={"familiarisation": {"factor": "emotion", "examples": 2}},
    )
    stimuli = stimuli_of(study)
    roles = Counter(s.role for s in stimuli)
    assert roles == {"main": 24 * 9, "practice": 6, "example": 6}
    main = {s.identity for s in stimuli if s.role == "main"}
    assert not main & {s.identity for s in stimuli if s.role != "main"}
    practice = [s for s in stimuli if s.role == "practice"]
    assert Counter(s.levels["emotion"] for s in practice) == {"angry": 2, "happy": 2, "sad": 2}
    assert Counter(s.levels["m"] for s in practice) == {0: 2, 0.5: 2, 1: 2}


def test_examples_show_face_and_voice_alike_unless_the_protocol_says_otherwise():
    factors = {"voice_emotion": ["angry", "sad"], "face_emotion": ["angry", "sad"],
               "movement": ["still", "natural"]}  # fmt: skip

    def examples(page):
        study = protocol(2, factors, generator="talking-face", pages={"familiarisation": page})
        return [tuple(s.levels.values()) for s in stimuli_of(study) if s.role == "example"]

    page = {"factor": "face_emotion", "examples": 1}
    assert examples(page) == [("angry", "angry", "natural"), ("sad", "sad", "natural")]
    page["levels"] = {"movement": "still", "voice_emotion": "sad"}
    assert examples(page) == [("sad", "angry", "still"), ("sad", "sad", "still")]


@pytest.mark.parametrize(
    "more",
    [
        {"practice": {"trials": 4}},
        {"practice": {"trials": 5}},
        {"practice": {"trials": 4}, "rotate": ["emotion"]},
        {"pages": {"familiarisation": {"factor": "emotion", "examples": 3}}},
        {"practice": {"trials": 8},
         "pages": {"familiarisation": {"factor": "emotion", "examples": 2}}},
    ],
)  # fmt: skip
def test_the_number_of_identities_that_is_suggested_works_and_is_the_largest(more):
    study = protocol(52, per_list=1, **more)
    with pytest.raises(PlanError) as caught:
        planned(study)
    words = str(caught.value)
    assert len(words.splitlines()) == 1
    most = int(re.search(r"use (\d+) identities at most", words)[1])
    planned(protocol(most, per_list=1, **more))
    step = 2 if "rotate" in more else 1
    with pytest.raises(PlanError):
        planned(protocol(most + step, per_list=1, **more))


@pytest.mark.parametrize(
    ("more", "words", "key"),
    [
        ({"practice": {"trials": 9}}, "practice.trials: found 9", "trials"),
        ({"pages": {"familiarisation": {"factor": "emotion", "examples": 3}}},
         "examples: found 3", "examples"),
    ],
)  # fmt: skip
def test_more_practice_or_examples_than_possible_are_refused_with_the_number_that_works(
    more, words, key
):
    with pytest.raises(PlanError, match=words) as caught:
        planned(protocol(50, per_list=1, **more))
    number = int(re.search(r"use (\d+) at most", str(caught.value))[1])
    if key == "trials":
        more = {"practice": {"trials": number}}
    else:
        more["pages"]["familiarisation"]["examples"] = number
    planned(protocol(50, per_list=1, **more))
