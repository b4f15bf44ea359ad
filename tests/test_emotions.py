"""Words for emotions: adjectives, nouns and German words of one meaning find each other."""

from __future__ import annotations

from itertools import combinations

import pytest

from protocols.emotions import EMOTIONS, matching_options, meaning, option_for


def test_no_word_stands_for_two_emotions():
    words = [{emotion, *others} for emotion, others in EMOTIONS.items()]
    assert all(not first & second for first, second in combinations(words, 2))
    assert all(word == word.casefold() for one in words for word in one)


@pytest.mark.parametrize(
    ("level", "options", "option"),
    [
        ("angry", ["Fear", "ANGER"], "ANGER"),
        ("happy", ["Trauer", "Freude"], "Freude"),
        ("überrascht", ["Surprise", "Anger"], "Surprise"),
        ("contempt", ["Contemptuous"], "Contemptuous"),
        ("happy", ["Joy", "Happy"], "Happy"),  # the same word goes before one of the same meaning
        ("wu\u0308tend", ["Wut"], "Wut"),  # two code points for one letter
        ("puzzled", ["Puzzled"], "Puzzled"),  # in no row: means itself
        ("puzzled", ["Happy"], None),
    ],
)
def test_a_level_finds_its_option(level, options, option):
    assert option_for(level, options) == option


def test_options_match_only_if_every_level_has_its_own():
    assert matching_options(["angry", "happy"], ["Wut", "Glück"]) == {
        "angry": "Wut", "happy": "Glück",
    }  # fmt: skip
    assert matching_options(["angry", "calm"], ["Wut", "Glück"]) == {}
    assert matching_options(["happy", "joyful"], ["Joy", "Fear"]) == {}  # one option for both
    assert meaning("Keine Emotion") == "neutral"
