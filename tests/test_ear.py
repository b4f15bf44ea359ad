"""The ear's instruments, against sounds whose faults are known."""

from dataclasses import replace

import numpy as np
import pytest

from stimuli.voices import ear
from stimuli.voices.pitch import track
from tests import made_voice


@pytest.fixture(scope="module")
def clean():
    return made_voice.speech(120.0).samples.astype(float)


def pulses(periods, rate=22050):
    """A decaying ring after each of the periods (s)."""
    x = np.zeros(round((sum(periods) + 0.1) * rate))
    t = np.arange(round(0.03 * rate)) / rate
    for start in np.cumsum(periods)[:-1] * rate:
        i = int(start)
        exact = t - (start - i) / rate
        ring = np.exp(-200 * exact) * np.sin(2 * np.pi * 600 * exact) * (exact >= 0)
        x[i : i + len(ring)] += ring[: len(x) - i]
    return x, rate


def test_a_click_is_found_where_it_was_put_and_nowhere_else(clean):
    assert len(ear.clicks(clean, made_voice.RATE)) == 0
    faulty = clean.copy()
    faulty[6000] += 0.2  # in the first vowel
    assert ear.clicks(faulty, made_voice.RATE) == pytest.approx([6000 / made_voice.RATE], abs=2e-4)


def test_a_gap_at_a_joint_is_a_click(clean):
    loud = np.argmax(np.abs(clean))
    cut = np.concatenate([clean[:loud], clean[loud + 37 :]])
    assert len(ear.clicks(cut, made_voice.RATE)) <= 1  # speech hides most cuts
    tone = 0.3 * np.sin(2 * np.pi * 200 * np.arange(22050) / 22050)
    joint = np.concatenate([tone[:10000], -tone[10027:]])
    assert len(ear.clicks(joint, 22050)) == 1


def test_clipped_peaks_are_counted(clean):
    assert ear.clipped(clean) == 0
    assert ear.clipped(np.clip(clean, -0.1, 0.1)) > 20


def test_silence_at_both_ends_is_timed(clean):
    padded = np.concatenate([np.zeros(11025), clean, np.zeros(4410)])
    before, after = ear.silences(padded, made_voice.RATE)
    assert before == pytest.approx(0.5 + 0.12, abs=0.03)
    assert after == pytest.approx(0.2 + 0.12, abs=0.03)


@pytest.mark.parametrize("share", [0.0, 0.005, 0.015])
def test_jitter_of_random_periods_is_the_one_they_were_made_with(share):
    """Successive periods T(1 + s z), z normal, differ by 2 s / sqrt(pi) of T in the mean."""
    z = np.random.default_rng(3).standard_normal(150)
    x, rate = pulses(0.008 * (1 + share * z))
    found = ear.jitter(x, rate, track(x, rate))
    assert found == pytest.approx(200 * share / np.sqrt(np.pi), rel=0.25, abs=0.3)


def test_all_measures_of_one_sound(clean):
    heard = ear.listen(clean, made_voice.RATE)
    assert heard.peak_db == pytest.approx(20 * np.log10(np.abs(clean).max()))
    assert heard.hnr > 10
    quiet = ear.listen(clean / 2, made_voice.RATE)
    assert quiet.loudness == pytest.approx(heard.loudness - 6.02, abs=0.01)
    assert quiet.jitter == pytest.approx(heard.jitter)
    same = {"loudness": 0.0, "peak_db": 0.0, "jitter": 0.0}
    assert replace(quiet, **same) == replace(heard, **same)
    with pytest.raises(ValueError, match="silence"):
        ear.listen(np.zeros(22050), 22050)
