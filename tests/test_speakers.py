"""The tables of the cast's voices beside people's, against numbers worked out by hand."""

import numpy as np
import pytest

pytest.importorskip("pyworld", reason="pyworld-prebuilt (extra stimuli) is not installed")

from stimuli.voices import on_target, speakers
from stimuli.voices.norms import FORMANTS, mean_f0
from stimuli.voices.profiles import PROFILES
from stimuli.voices.speakers import Speaker


def made(gender, factor):
    """A speaker with the norm's formants and F0, times a factor."""
    found = {
        vowel: [tuple(factor * f for f in norm)] * 3 for vowel, norm in FORMANTS[gender].items()
    }
    return Speaker("x", "s", gender, 25.0, mean_f0(gender, 25.0) * factor, found, [-26.0], [-25.0])


@pytest.mark.parametrize("gender", ["male", "female"])
def test_a_speaker_of_the_norm_lies_on_it_and_a_higher_one_above_it(gender):
    assert made(gender, 1.0).off == pytest.approx(0)
    assert made(gender, 2 ** (1 / 12)).off == pytest.approx(1)
    table = speakers.by_source([made(gender, 1.04), made(gender, 0.98)])
    assert list(table.columns[1].cells) == ["1.010 (0.980-1.040)"]
    vowels = speakers.by_vowel([made(gender, 1.0)], gender)
    assert list(vowels.columns[2].cells) == [str(norm[0]) for norm in FORMANTS[gender].values()]


def test_neutral_voices_of_different_sources_are_equally_loud_and_about_as_high_as_people():
    found = [speakers.speaker(actor, gender, age, ["IEO", "MTI"])
             for actor, gender, age in (("01", "male", 25), ("02", "female", 25))]  # fmt: skip
    assert np.ptp([x for one in found for x in one.loudness]) < 0.2  # LU
    assert all(abs(one.off) < 3 for one in found)


def test_two_voices_do_what_the_table_says_at_half_strength_too(capsys):
    on_target.main(["03", "04", "--sentences", "1", "--m", "0.5"])
    shown = capsys.readouterr().out
    [angry] = [line for line in shown.splitlines() if "angry" in line][:1]
    assert angry.replace("│", " ").split()[1:] == ["2"] * 6 + ["2"] + angry.split()[-2:-1]
    assert PROFILES["angry"].jitter
