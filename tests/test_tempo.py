"""Time and tract: phones keep their places when the rate changes, formants are found where set."""

from functools import lru_cache

import numpy as np
import pytest

pytest.importorskip("pyworld", reason="pyworld-prebuilt (extra stimuli) is not installed")

from stimuli.actors.cast import actor
from stimuli.voices.formants import burg, formants, tract_scale
from stimuli.voices.library import load_speech
from stimuli.voices.norms import FORMANTS
from stimuli.voices.prosody import with_emotion
from stimuli.voices.speech import SILENCE, VOWELS, Phone
from stimuli.voices.talking import combine, frame_count, frames_of, lip_gap
from stimuli.voices.tempo import at_rate
from stimuli.voices.timbre import Timbre, in_timbre
from stimuli.voices.vocoder import put_together, take_apart
from tests import made_voice

PHONES = tuple(
    Phone(symbol, start / 10, (start + 1) / 10)
    for start, symbol in enumerate(["sil", "P", "AA", "sil", "M", "IY", "S", "sil"])
)


@lru_cache
def plain():
    return made_voice.speech(120.0)


def lengths(phones):
    return np.array([phone.end - phone.start for phone in phones])


@pytest.mark.parametrize("rate", [0.7, 0.82, 1.2, 1.5])
def test_the_rate_is_exact_and_each_class_gives_what_it_can(rate):
    new = at_rate(PHONES, rate)
    change = np.log(lengths(new) / lengths(PHONES)) * np.sign(1 - rate)
    spoken = [i for i, phone in enumerate(PHONES) if phone.symbol != SILENCE]
    assert lengths(new)[spoken].sum() == pytest.approx(lengths(PHONES)[spoken].sum() / rate)
    plosive, vowel, pause, nasal, fricative = change[[1, 2, 3, 4, 6]]
    assert pause > vowel > fricative > plosive > nasal > 0
    assert lengths(new)[[0, -1]] == pytest.approx([0.1, 0.1])  # speech begins when it did
    assert at_rate(PHONES, 1.0) == PHONES


def test_no_phone_ever_vanishes():
    assert lengths(at_rate(PHONES, 1.6)).min() > 0.015


@pytest.mark.parametrize("rate", [0.75, 1.3])
def test_the_sound_changes_where_its_phones_do(rate):
    """/s/, the only noise, is heard from its new start to its new end: most zero crossings."""
    said = in_timbre(plain(), Timbre(rate=rate), "other")
    [s] = [phone for phone in said.phones if phone.symbol == "S"]
    crossings = np.abs(np.diff(np.sign(said.samples.astype(float)))) / 2
    inside = slice(round(0.1 * said.rate), round((said.duration - 0.1) * said.rate))
    window = round((s.end - s.start) * said.rate)
    best = np.argmax(np.convolve(crossings[inside], np.ones(window), "valid")) + inside.start
    assert best / said.rate == pytest.approx(s.start, abs=0.01)


@pytest.mark.parametrize("rate", [0.7, 1.4])
def test_vowels_at_another_rate_keep_their_formants_and_their_f0(rate):
    said = in_timbre(plain(), Timbre(rate=rate), "other")
    found = formants(said, "male")
    for vowel in ("AA", "IY", "AE"):
        wanted = np.array(made_voice.FORMANTS[vowel])
        assert np.median(found[vowel], axis=0) == pytest.approx(wanted, rel=0.08)


def test_formants_are_found_where_they_were_put():
    found = formants(plain(), "male")
    for vowel, wanted in made_voice.FORMANTS.items():
        if vowel in FORMANTS["male"]:
            assert np.median(found[vowel], axis=0) == pytest.approx(np.array(wanted), rel=0.06)


@pytest.mark.parametrize("factor", [0.9, 1.1])
def test_the_tract_scale_follows_a_shorter_or_longer_tract(factor):
    before = tract_scale(formants(plain(), "male"), "male")
    moved = in_timbre(plain(), Timbre(formants=factor), "other")
    assert tract_scale(formants(moved, "male"), "male") / before == pytest.approx(factor, rel=0.03)


def test_burg_recovers_an_autoregressive_process():
    from scipy.signal import lfilter

    truth = np.array([1.0, -1.6, 0.9])
    x = lfilter([1.0], truth, np.random.default_rng(4).standard_normal(20000))
    assert burg(np.asarray(x), 2) == pytest.approx(truth, abs=0.02)


def test_speech_that_the_vocoder_made_passes_it_once():
    said = in_timbre(plain(), Timbre(f0=1.1), "other")
    parts = take_apart(said)
    again = put_together(parts, said.rate, len(said.samples))
    similar = np.corrcoef(again, said.samples)[0, 1]
    assert similar > 0.999  # WORLD draws its noise anew
    assert with_emotion(said, "happy").made_of is None


@pytest.mark.parametrize("emotion", ["sad", "fearful"])
def test_lips_close_within_a_frame_of_each_closure_at_any_rate(emotion):
    """In the sound the lips are shut in the phone, and in the face its frames show them so."""
    person = actor("07")
    said = with_emotion(load_speech("07", "MTI"), emotion)
    n = frame_count(said.duration)
    weights = combine(person, said, np.zeros((n, 52)))
    gap = weights @ lip_gap(person)
    closures = [p for p in said.phones if p.symbol in ("M", "B", "P")]
    vowels = [p for p in said.phones if p.symbol in VOWELS]
    open_by = np.median([gap[frames_of(p.start, p.end, n)].max() for p in vowels])
    assert len(closures) >= 4
    for phone in closures:
        assert gap[frames_of(phone.start, phone.end, n)].min() < 0.15 * open_by, phone
