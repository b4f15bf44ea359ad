"""Lists complement each other, and each is balanced within."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.generators import TALKED
from stimuli.corpora import identities_of
from stimuli.counterbalance import make_lists
from stimuli.deal import Feature, deal, even_rooms, is_even
from stimuli.errors import PlanError
from stimuli.seeds import generator_of
from stimuli.stimulus import plan_stimuli
from tests.designs import EMOTIONS, people, protocol

STEPS = [0, 0.25, 0.5, 0.75, 1]


def lists_of(study, identities=None):
    identities = identities or identities_of(study)
    return make_lists(study, plan_stimuli(study, identities), identities)


@settings(deadline=None, max_examples=40)
@given(st.integers(2, 4), st.integers(1, 4), st.integers(1, 3), st.data())
def test_rotated_lists_are_complementary_and_balanced(levels, each, steps, data):
    genders = data.draw(st.lists(st.sampled_from(["female", "male"]), min_size=levels * each,
                                 max_size=levels * each))  # fmt: skip
    cast = people(genders)
    study = protocol(
        len(cast),
        {"emotion": EMOTIONS[:levels], "m": STEPS[:steps]},
        rotate=["emotion"],
        seed=data.draw(st.integers(0, 1000)),
    )
    lists = lists_of(study, cast)
    assert len(lists) == levels
    everything = [s.id for one in lists for s in one.stimuli]
    assert len(everything) == len(set(everything)) == len(cast) * levels * steps
    for one in lists:
        shown = {(s.identity, s.levels["emotion"]) for s in one.stimuli}
        assert len(shown) == len(cast)  # every identity, in one level only
        assert set(Counter(s.levels["emotion"] for s in one.stimuli).values()) == {each * steps}
        assert set(Counter(s.levels["m"] for s in one.stimuli).values()) == {len(cast)}
        for gender in set(genders):
            mine = {who.id for who in cast if who.gender == gender}
            count = Counter(level for who, level in shown if who in mine)
            share = len(mine) / levels
            assert all(abs(count[e] - share) < 1 for e in EMOTIONS[:levels]), (gender, count)
    over = Counter((s.identity, s.levels["emotion"], s.levels.get("m"))
                   for one in lists for s in one.stimuli)  # fmt: skip
    assert set(over.values()) == {1}


def test_two_rotated_factors_are_crossed():
    study = protocol(12, {"emotion": ["angry", "happy"], "m": [0, 0.5, 1]}, rotate=["emotion", "m"])
    lists = lists_of(study)
    assert len(lists) == 6
    for one in lists:
        assert len({s.identity for s in one.stimuli}) == len(one.stimuli) == 12
        cells = Counter(tuple(s.levels.values()) for s in one.stimuli)
        assert len(cells) == 6
        assert set(cells.values()) == {2}


def test_between_rotate_and_split_multiply():
    study = protocol(
        6,
        {"emotion": ["angry", "happy", "sad"], "m": [0, 1], "take": [1, 2]},
        between=["take"],
        rotate=["emotion"],
        split={"into": 2, "balance": ["m"]},
    )
    lists = lists_of(study)
    assert [one.number for one in lists] == list(range(1, 2 * 3 * 2 + 1))
    for one in lists:
        assert len({s.levels["take"] for s in one.stimuli}) == 1
        assert Counter(s.levels["m"] for s in one.stimuli) == {0: 3, 1: 3}
        assert Counter(s.levels["emotion"] for s in one.stimuli) == dict.fromkeys(EMOTIONS[:3], 2)
    shown = [s.id for one in lists for s in one.stimuli]
    assert len(shown) == len(set(shown)) == 6 * 3 * 2 * 2


@settings(deadline=None, max_examples=25)
@given(
    st.integers(1, 3), st.integers(2, 4), st.integers(2, 5), st.integers(2, 4), st.integers(0, 99)
)
def test_split_lists_are_balanced_on_two_factors_at_once(fold, into, emotions, steps, seed):
    """A split into `into` lists, with counts that `into` divides, always succeeds (de Werra)."""
    per_cell = fold * into  # so that every level's count can be shared
    study = protocol(
        {"pick": per_cell, "per_cell": per_cell},
        {"emotion": EMOTIONS[:emotions], "m": STEPS[:steps]},
        split={"into": into, "balance": ["emotion", "m"]},
        seed=seed,
    )
    lists = lists_of(study)
    assert len(lists) == into
    for one in lists:
        for factor, other in (("emotion", steps), ("m", emotions)):
            counts = Counter(s.levels[factor] for s in one.stimuli)
            assert set(counts.values()) == {fold * other}


def test_pairs_of_emotions_split_like_latin_squares():
    """36 pairs, each twice, into six lists: every voice and every face twice on each list."""
    six = list(TALKED)
    for seed in range(4):
        study = protocol(
            {"pick": 12, "per_cell": 2},
            {"voice_emotion": six, "face_emotion": six},
            generator="talking-face",
            corpus="crema-d",
            split={"into": 6, "balance": ["voice_emotion", "face_emotion"]},
            seed=seed,
        )
        for one in lists_of(study):
            for factor in ("voice_emotion", "face_emotion"):
                assert Counter(s.levels[factor] for s in one.stimuli) == dict.fromkeys(six, 2)
            assert max(Counter(s.identity for s in one.stimuli).values()) <= 2


@pytest.mark.parametrize(
    ("identities", "design"),
    [
        (7, {"rotate": ["emotion"]}),
        (28, {"rotate": ["emotion"], "practice": None}),
        (1, {"rotate": ["emotion"]}),
        (5, {"rotate": ["emotion", "m"]}),
        (26, {"rotate": ["emotion", "m"]}),
    ],
)
def test_identities_that_cannot_be_rotated_are_refused_with_numbers_that_can(identities, design):
    factors = {"emotion": ["angry", "happy", "sad"], "m": [0, 1]}
    with pytest.raises(PlanError, match=r"design\.rotate") as caught:
        lists_of(protocol(identities, factors, **design))
    words = str(caught.value)
    assert len(words.splitlines()) == 1
    numbers = [int(n) for n in re.findall(r"\d+", words.split("; use ")[1])]
    assert numbers
    for number in numbers:
        assert len(lists_of(protocol(number, factors, **design))) == 3 * 2 ** (
            "m" in design["rotate"]
        )


@pytest.mark.parametrize(
    ("identities", "into", "balance"),
    [(7, 4, []), (5, 4, []), (7, 4, ["emotion"]), (6, 8, ["m"]), (10, 4, ["emotion", "m"])],
)
def test_splits_that_cannot_be_equal_are_refused_with_numbers_that_can(identities, into, balance):
    factors = {"emotion": ["angry", "happy", "sad"], "m": [0, 1]}
    with pytest.raises(PlanError, match=r"design\.split") as caught:
        lists_of(protocol(identities, factors, split={"into": into, "balance": balance}))
    words = str(caught.value)
    assert len(words.splitlines()) == 1
    numbers = re.findall(r"\d+", words.split("; use ")[1])
    assert numbers
    for number in numbers:
        lists = lists_of(
            protocol(identities, factors, split={"into": int(number), "balance": balance})
        )
        assert len(lists) == int(number)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=40), st.integers(1, 6), st.integers(0, 99))
def test_one_feature_is_always_dealt_as_evenly_as_can_be(values, places, seed):
    rooms = even_rooms(len(values), places)
    place = deal([Feature(values)], rooms, generator_of(seed, "deal"))
    assert Counter(place.tolist()) == Counter({i: r for i, r in enumerate(rooms) if r})
    assert is_even(values, place, rooms)
    for value in set(values):
        share = values.count(value) / places
        for i in range(places):
            count = sum(v == value and p == i for v, p in zip(values, place, strict=True))
            assert abs(count - share) < 2  # rooms differ by one, so shares do too
