"""Measures of the voice, against sounds whose properties are known and against real speech."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile
from scipy.signal import lfilter

from stimuli.voices.acoustics import alpha_ratio, change, measure, spectral_slope
from stimuli.voices.loudness import (
    CEILING,
    HOLD_S,
    at_loudness,
    limited,
    lufs,
    true_peak,
    weighted,
)
from stimuli.voices.pitch import track
from stimuli.voices.speech import Phone, Speech, scaled
from tests import made_voice

EMODB = Path(__file__).parents[1].parent / "shared" / "data" / "speech_emodb"


def tone(frequency, rate=22050, seconds=1.0, amplitude=0.5):
    return amplitude * np.sin(2 * np.pi * frequency * np.arange(round(rate * seconds)) / rate)


@pytest.mark.parametrize("base", [85.0, 120.0, 220.0, 300.0])
def test_f0_of_a_made_voice_is_the_f0_it_was_made_with(base):
    speech = made_voice.speech(base)
    pitch = track(speech.samples, speech.rate)
    voiced = pitch.f0 > 0
    error = 12 * np.log2(pitch.f0[voiced] / made_voice.f0_at(pitch.times[voiced], base))
    assert np.median(np.abs(error)) < 0.05  # semitones
    assert np.mean(np.abs(error) > 1) < 0.02
    spoken = sum(p.end - p.start for p in speech.phones if p.symbol in made_voice.FORMANTS)
    assert voiced.mean() * speech.duration == pytest.approx(spoken, rel=0.08)


@pytest.mark.parametrize("snr", [5.0, 10.0, 20.0])
def test_harmonicity_is_the_signal_to_noise_ratio_of_a_noisy_buzz(snr):
    rate = 22050
    buzz = sum(tone(140 * k, rate) / k for k in range(1, 30))
    noise = np.random.default_rng(1).standard_normal(len(buzz)) * buzz.std() * 10 ** (-snr / 20)
    assert np.nanmean(track(buzz + noise, rate).hnr) == pytest.approx(snr, abs=0.6)


def test_noise_and_silence_have_no_f0():
    noise = np.random.default_rng(2).standard_normal(22050)
    assert np.mean(track(noise, 22050).f0 > 0) < 0.05
    assert not track(np.zeros(22050), 22050).f0.any()


def test_a_full_scale_tone_has_the_loudness_of_the_standard():
    # BS.1770-4: 0 dBFS at 997 Hz in one channel measures -3.01 LUFS.
    assert lufs(tone(997.0, 48000, 3.0, amplitude=1.0), 48000) == pytest.approx(-3.01, abs=0.02)


def test_the_weighting_at_48_khz_is_the_table_of_the_standard():
    # BS.1770-4, annex 1, tables 1 and 2: coefficients of the shelf and of the high-pass.
    b = [1.53512485958697, -2.69169618940638, 1.19839281085285]
    a = [1.0, -1.69065929318241, 0.73248077421585]
    impulse = np.eye(1, 4000)[0]
    table = lfilter(
        [1.0, -2.0, 1.0], [1.0, -1.99004745483398, 0.99007225036621], lfilter(b, a, impulse)
    )
    np.testing.assert_allclose(weighted(impulse, 48000), table, atol=1e-6)


def test_pauses_do_not_count_and_a_set_loudness_is_reached():
    sound = tone(500.0, seconds=2.0)
    paused = np.concatenate([sound, np.zeros(3 * 22050)])
    assert lufs(paused, 22050) == pytest.approx(lufs(sound, 22050), abs=0.6)
    assert lufs(at_loudness(paused, 22050, -30.0), 22050) == pytest.approx(-30, abs=1e-6)
    assert lufs(np.zeros(22050), 22050) == -np.inf


def test_a_limited_tone_has_the_ceiling_as_its_true_peak_and_bends_nowhere():
    """A quarter of the rate at 45 degrees: samples of sqrt(1/2), 3.01 dB below the true peak."""
    n = np.arange(48_000)
    tone_between = 1.2 * np.sin(np.pi / 2 * n + np.pi / 4)
    assert np.abs(tone_between).max() == pytest.approx(1.2 * np.sqrt(0.5))  # fits, by its samples
    inner = slice(1000, -1000)
    assert true_peak(tone_between[inner] * np.hanning(46_000)) == pytest.approx(1.2, rel=0.005)
    found = limited(tone_between, 48_000, ceiling=-3.0)
    np.testing.assert_allclose(found[inner] / tone_between[inner], 10 ** (-3 / 20) / 1.2, rtol=0.01)
    assert true_peak(found) <= 10 ** (-3 / 20) * (1 + 1e-12)


def test_the_limiter_touches_nothing_but_the_surroundings_of_a_high_peak(monkeypatch):
    rate, loud = 48_000, slice(30_000, 30_400)
    sound = tone(200.0, rate, 1.0, amplitude=0.5)
    np.testing.assert_array_equal(limited(sound, rate), sound)
    sound[loud] *= 3
    found = limited(sound, rate)
    assert true_peak(sound) > 1.4
    assert true_peak(found) <= 10 ** (CEILING / 20)
    far = np.abs(np.arange(rate) - 30_200) > 200 + 4 * HOLD_S * rate
    np.testing.assert_array_equal(found[far], sound[far])
    gain = found[np.abs(sound) > 0.05] / sound[np.abs(sound) > 0.05]
    assert gain.max() <= 1 + 1e-12
    assert np.abs(np.diff(gain)).max() < 0.02  # no step: nothing clicks
    monkeypatch.setattr("stimuli.pieces.PIECE", 7_001)
    np.testing.assert_allclose(limited(sound, rate), found, atol=1e-12)
    assert not true_peak(np.zeros(0))


def test_rate_level_and_brightness_of_a_changed_copy_are_the_changes_made():
    speech = made_voice.speech(240.0)
    neutral = measure(speech)
    softer = replace(speech, samples=speech.samples * np.float32(0.5))
    assert change(measure(softer), neutral).level == pytest.approx(-6.02, abs=0.01)
    assert change(measure(softer), neutral).f0 == pytest.approx(1.0, abs=1e-3)
    slower = replace(
        speech, rate=speech.rate // 2, phones=scaled(speech.phones, 2.0)
    )  # played at half the speed everything falls by an octave
    assert change(measure(slower), neutral).rate == pytest.approx(0.5)
    assert 12 * np.log2(change(measure(slower), neutral).f0) == pytest.approx(-12, abs=0.5)
    both = tone(500.0) + 0.1 * tone(2000.0)
    assert alpha_ratio(both, 22050) == pytest.approx(-20, abs=0.1)


def test_nothing_spoken_is_said_plainly():
    silent = Speech(np.zeros(22050, np.float32), 22050, (Phone("sil", 0.0, 1.0),), "", "", "x")
    with pytest.raises(ValueError, match="no phone but silence"):
        measure(silent)
    with pytest.raises(ValueError, match="too short"):
        track(np.zeros(100), 22050)


def test_actors_anger_is_higher_and_brighter_and_their_sadness_softer_than_neutral():
    if not EMODB.is_dir():
        pytest.skip("the recordings of EmoDB are not here")
    found = {}
    for emotion, name in {"neutral": "03a01Nc", "angry": "03a01Wa", "sad": "03a02Ta"}.items():
        rate, samples = wavfile.read(EMODB / f"{name}.wav")
        sound = (samples / 32768).astype(np.float32)
        phones = (Phone("AH", 0.0, len(sound) / rate),)
        found[emotion] = measure(Speech(sound, rate, phones, "", "", name))
    assert found["angry"].f0_hz > 1.3 * found["neutral"].f0_hz
    assert found["angry"].alpha > found["neutral"].alpha > found["sad"].alpha
    assert 80 < found["neutral"].f0_hz < 180  # speaker 03 is a man


@pytest.mark.parametrize("slope", [-12.0, -3.0, 0.0, 4.0])
def test_the_spectral_slope_of_shaped_noise_is_the_one_it_was_shaped_with(slope):
    rate = 16000
    spectrum = np.fft.rfft(np.random.default_rng(8).standard_normal(4 * rate))
    octaves = np.log2(np.maximum(np.fft.rfftfreq(4 * rate, 1 / rate), 1) / 500)
    shaped = np.fft.irfft(spectrum * 10 ** (slope * octaves / 20))
    whole = np.ones(len(shaped), bool)
    assert spectral_slope(shaped, rate, whole) == pytest.approx(slope, abs=0.4)
    half = np.arange(len(shaped)) < len(shaped) // 2
    with_hiss = np.where(half, shaped, np.random.default_rng(9).standard_normal(len(shaped)))
    assert spectral_slope(with_hiss, rate, half) == pytest.approx(slope, abs=0.4)
    assert np.isnan(spectral_slope(shaped, rate, np.zeros(len(shaped), bool)))
