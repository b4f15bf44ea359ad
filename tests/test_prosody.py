"""Emotional prosody: what is measured is what the table says, for every emotion and strength."""

import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from stimuli.actors import facs
from stimuli.actors.compounds import COMPOUNDS
from stimuli.voices import prosody_check
from stimuli.voices.acoustics import Change, change, measure
from stimuli.voices.compounds import SHARES
from stimuli.voices.loudness import lufs
from stimuli.voices.profiles import BASIC, MOST, PROFILES, Profile
from stimuli.voices.prosody import Delivery, with_emotion, with_profile
from stimuli.voices.targets import Quality, has_quality, off_target, quality, wrong_way
from tests import made_voice

pytest.importorskip("pyworld", reason="the vocoder (pyworld-prebuilt) is not installed")

ROOT = Path(__file__).parents[1]
VOICES = {"low": 95.0, "high": 210.0}
MOVING = (*(emotion for emotion in BASIC if emotion != "neutral"), "sadly angry", "awed")


@lru_cache
def plain(voice):
    return made_voice.speech(VOICES[voice])


@lru_cache
def said(voice, emotion, m=1.0, loudness="natural"):
    return with_emotion(plain(voice), emotion, m, Delivery(loudness=loudness))


@lru_cache
def measured(voice, emotion, m=1.0):
    return change(measure(said(voice, emotion, m)), measure(said(voice, "neutral")))


def digest(speech):
    return hashlib.sha256(speech.samples.tobytes()).hexdigest()


def test_every_emotion_of_a_voice_is_one_that_faces_know():
    assert set(PROFILES) == set(facs.PROTOTYPES)
    assert MOST == facs.MOST


def test_a_compound_lies_between_its_parts():
    happy, surprised = PROFILES["happy"], PROFILES["surprised"]
    both = PROFILES["happily surprised"]
    assert both.f0 == pytest.approx(np.sqrt(happy.f0 * surprised.f0))
    assert both.level == pytest.approx((happy.level + surprised.level) / 2)
    angry, disgusted = PROFILES["angry"], PROFILES["disgusted"]
    assert PROFILES["hatred"].level == pytest.approx((2 * angry.level + disgusted.level) / 3)
    assert PROFILES["appalled"].rate == pytest.approx((angry.rate * disgusted.rate**2) ** (1 / 3))
    assert set(SHARES) == set(COMPOUNDS)


@pytest.mark.parametrize("voice", VOICES)
@pytest.mark.parametrize("emotion", MOVING)
def test_measured_f0_range_rate_and_level_are_those_of_the_table(voice, emotion):
    profile, found = PROFILES[emotion], measured(voice, emotion)
    assert found.f0 == pytest.approx(profile.f0, rel=0.03)
    assert found.f0_range == pytest.approx(profile.f0_range, rel=0.15)
    assert found.rate == pytest.approx(profile.rate, rel=1e-3)
    assert found.level == pytest.approx(profile.level, abs=1.2)


@pytest.mark.parametrize("voice", VOICES)
def test_the_spectrum_is_bright_in_anger_and_dull_in_sadness(voice):
    order = ["angry", "happy", "neutral", "calm", "sad"]  # bright to dull
    alphas = [measured(voice, emotion).alpha for emotion in order]
    assert alphas == sorted(alphas, reverse=True)
    assert alphas[0] - alphas[-1] > 4  # dB


@pytest.mark.parametrize("emotion", ["sad", "fearful", "disgusted"])
def test_jitter_and_breath_take_harmonicity_away(emotion, monkeypatch):
    rough = measure(said("low", emotion)).hnr
    clean = replace(PROFILES[emotion], jitter=0.0, breath=0.0)
    monkeypatch.setitem(PROFILES, emotion, clean)
    assert rough < measure(with_emotion(plain("low"), emotion)).hnr - 1  # dB


@pytest.mark.parametrize("voice", ["01", "04"])
@pytest.mark.parametrize("tilt", [-2.0, 2.5])
def test_the_measured_slope_of_the_spectrum_is_the_profiles(voice, tilt):
    library = pytest.importorskip("stimuli.voices.library")
    speech = library.load_speech(voice, "MTI")
    tilted = with_profile(speech, Profile(tilt=tilt))
    found = change(measure(tilted), measure(with_profile(speech, Profile())))
    assert found.tilt == pytest.approx(tilt, abs=0.15)


def test_what_jitter_and_breath_do_is_measured_against_the_same_voice_without_them(monkeypatch):
    fearful = quality(plain("low"), "fearful")
    assert fearful.hnr < -1  # dB
    assert fearful.jitter > 0.2  # %
    assert not has_quality("happy")
    monkeypatch.setitem(PROFILES, "fearful", replace(PROFILES["fearful"], jitter=0.0, breath=0.0))
    assert quality(plain("low"), "fearful") == Quality(0.0, 0.0)


def test_a_measure_that_moves_against_the_table_goes_the_wrong_way():
    angry = Change(f0=1.2, f0_range=1.4, rate=1.1, level=-1.0, alpha=2.0, tilt=2.4, hnr=0.0,
                   f0_end=0.0)  # fmt: skip
    assert wrong_way(angry, "angry") == ["level"]
    assert off_target(angry, "angry") == ["level"]
    assert wrong_way(replace(angry, level=3.0), "angry", 0.5) == []
    assert "tilt" in off_target(replace(angry, level=3.0), "angry", 0.5)
    assert wrong_way(replace(angry, level=3.0), "neutral") == []


@pytest.mark.parametrize("voice", VOICES)
def test_the_end_rises_in_surprise_and_joy_and_falls_in_disgust(voice):
    assert measured(voice, "surprised").f0_end > 1.5
    assert measured(voice, "happy").f0_end > 0
    assert measured(voice, "disgusted").f0_end < -0.8


@pytest.mark.parametrize("emotion", ["angry", "sad", "fearful"])
def test_every_measure_grows_with_m(emotion):
    steps = [measured("low", emotion, m) for m in (0.0, 0.25, 0.5, 0.75, 1.0)]
    for name in ("f0", "rate", "level"):
        values = np.array([getattr(step, name) for step in steps])
        towards = np.sign(values[-1] - values[0])
        assert np.all(towards * np.diff(values) > -0.02), name
        assert towards * (values[2] - values[0]) > 0, name


@pytest.mark.parametrize("emotion", MOVING)
def test_at_m_0_every_emotion_is_the_same_neutral_speech(emotion):
    assert digest(said("low", emotion, 0.0)) == digest(said("low", "neutral"))


def test_neutral_speech_keeps_its_f0_its_timing_and_its_vowels():
    before, after = plain("low"), said("low", "neutral")
    assert len(before.samples) == len(after.samples)
    assert after.phones == before.phones
    found = change(measure(after), measure(before))
    assert found.f0 == pytest.approx(1, rel=0.01)
    assert found.f0_range == pytest.approx(1, rel=0.05)
    assert abs(found.alpha) < 2


@pytest.mark.parametrize("emotion", ["happy", "sad", "surprised"])
def test_phones_follow_the_rate_and_the_sound_follows_the_phones(emotion):
    before, after = plain("low"), said("low", emotion)
    seconds = [
        sum(phone.end - phone.start for phone in speech.phones[1:-1]) for speech in (before, after)
    ]
    assert seconds[1] / seconds[0] == pytest.approx(1 / PROFILES[emotion].rate, abs=1e-4)
    assert [p.symbol for p in after.phones] == [p.symbol for p in before.phones]
    # The only noisy phone, /s/, is heard where its phone says: most zero crossings.
    crossings = np.abs(np.diff(np.sign(after.samples.astype(float)))) / 2
    [s] = [phone for phone in after.phones if phone.symbol == "S"]
    window = round((s.end - s.start) * after.rate)
    inside = slice(
        round(after.phones[0].end * after.rate), round(after.phones[-1].start * after.rate)
    )
    best = np.argmax(np.convolve(crossings[inside], np.ones(window), "valid")) + inside.start
    assert best / after.rate == pytest.approx(s.start, abs=0.015)


def test_equal_loudness_takes_the_level_away_and_natural_keeps_it():
    for emotion in ("neutral", "angry", "sad"):
        assert lufs(said("low", emotion, 1.0, "equal").samples, 22050) == pytest.approx(
            -26, abs=0.05
        )
        assert lufs(said("low", emotion).samples, 22050) == pytest.approx(
            -26 + PROFILES[emotion].level, abs=0.1
        )
        assert np.abs(said("low", emotion).samples).max() < 1


def test_another_process_makes_the_same_bytes(tmp_path):
    program = (
        "import hashlib; from tests import made_voice; from stimuli.voices.prosody import "
        "with_emotion; print(hashlib.sha256(with_emotion(made_voice.speech(95.0), 'fearful')"
        ".samples.tobytes()).hexdigest())"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert run.stdout.strip() == digest(said("low", "fearful"))
    assert digest(with_emotion(plain("low"), "fearful", 1.0, Delivery(seed=1))) != digest(
        said("low", "fearful")
    )


def test_wrong_settings_are_refused_in_one_sentence():
    with pytest.raises(ValueError, match="did you mean 'angry'"):
        with_emotion(plain("low"), "angy")
    with pytest.raises(ValueError, match="give 0 to 1"):
        with_emotion(plain("low"), "angry", 1.2)
    with pytest.raises(ValueError, match="give natural or equal"):
        Delivery(loudness="loud")  # pyright: ignore[reportArgumentType]
    with_emotion(plain("low"), "angry", 1.2, caricature=True)


@pytest.mark.parametrize("voice", ["01", "02", "03"])
def test_shipped_voices_measure_what_the_table_says(voice):
    library = pytest.importorskip("stimuli.voices.library")
    found = prosody_check.measured(
        [library.load_speech(voice, "IEO"), library.load_speech(voice, "MTI")],
        ["neutral", *prosody_check.SIX],
    )
    for emotion, mean in prosody_check.changes(found).items():
        assert not off_target(mean, emotion), (emotion, mean)


def test_six_emotions_are_told_apart_on_sentences_not_trained_on():
    order = np.random.default_rng(3)
    sentences = []
    for name in ("one", "two", "three", "four"):
        middle = list(made_voice.SENTENCE[1:-1])
        order.shuffle(middle)
        shuffled = made_voice.speech(
            120.0, (made_voice.SENTENCE[0], *middle, made_voice.SENTENCE[-1])
        )
        sentences.append(replace(shuffled, sentence=name))
    found = prosody_check.measured(sentences, prosody_check.SIX)
    confusion = prosody_check.told_apart(found)
    assert confusion.sum() == 24
    assert np.trace(confusion) >= 18  # chance 4


def test_the_check_prints_measured_beside_table_and_marks_what_is_off(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "150")
    prosody_check.main(["low", "--sentences", "made"], load=lambda voice, _: plain(voice))
    shown = capsys.readouterr().out
    [angry] = [line for line in shown.splitlines() if "angry" in line]
    profile, found = PROFILES["angry"], measured("low", "angry")
    assert f"{found.f0:.2f} / {profile.f0:.2f}" in angry
    monkeypatch.setitem(PROFILES, "angry", replace(profile, f0=2.0))
    assert "f0" in off_target(found, "angry")
