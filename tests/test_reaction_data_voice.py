"""Voice features and attributes: against other computations, for any length and rate."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.fft import dct
from scipy.signal import resample_poly

from models.reaction import attributes, voice
from models.reaction.voice import FEATURES, voice_features
from stimuli.corpora.react2024 import COLUMNS


def test_attributes_stand_in_the_order_of_react_2024():
    assert attributes.ATTRIBUTES == COLUMNS
    names = np.array(COLUMNS)
    assert all(name.startswith("AU") for name in names[attributes.AUS])
    assert list(names[attributes.PLACE]) == ["valence", "arousal"]
    assert names[attributes.EXPRESSIONS][0] == "Neutral"
    assert len(names[attributes.AFFECT]) == 10


def test_attributes_brought_into_range_keep_their_proportions():
    wild = np.zeros((2, 25))
    wild[0, :17], wild[0, 17:19] = 3.0, (0.2, 0.6)
    calm = attributes.in_range(wild)
    assert calm[0, :17].max() == 1.0
    np.testing.assert_allclose(calm[0, 17:19], (0.25, 0.75), rtol=1e-6)
    np.testing.assert_array_equal(calm[1], attributes.NEUTRAL)  # nothing is as good as neutral


def _slow_mfcc(window: np.ndarray) -> np.ndarray:
    """One window by the definitions: a discrete Fourier sum, triangle by triangle, scipy's DCT."""
    n = np.arange(400)
    x = window - window.mean()
    x = np.array([x[i] - 0.97 * x[max(0, i - 1)] for i in n])
    x *= (0.5 - 0.5 * np.cos(2 * np.pi * n / 399)) ** 0.85
    power = [abs((x * np.exp(-2j * np.pi * k * n / 512)).sum()) ** 2 for k in range(257)]
    edges = np.linspace(1127 * np.log(1 + 20 / 700), 1127 * np.log(1 + 8000 / 700), 25)
    energies = []
    for left, middle, right in zip(edges[:-2], edges[1:-1], edges[2:], strict=True):
        total = 0.0
        for k, p in enumerate(power):
            mel = 1127 * np.log(1 + k * 16000 / 512 / 700)
            if left < mel <= middle:
                total += p * (mel - left) / (middle - left)
            elif middle < mel < right:
                total += p * (right - mel) / (right - middle)
        energies.append(np.log(max(total, 1e-4)))
    ceps = np.asarray(dct(energies, type=2, norm="ortho"))[:13]
    return ceps * (1 + 11 * np.sin(np.pi * np.arange(13) / 22))


def test_coefficients_equal_a_direct_computation():
    rng = np.random.default_rng(1)
    windows = rng.normal(0, [[0.1], [0.001], [0.5]], (3, 400)) + [[0.0], [0.2], [0.0]]
    slow = np.stack([_slow_mfcc(window) for window in windows])
    np.testing.assert_allclose(voice.mfcc(torch.from_numpy(windows)).numpy(), slow, atol=1e-9)


def test_the_two_windows_of_a_frame_are_where_the_docstring_says():
    sound = torch.randn(16_000, generator=torch.Generator().manual_seed(2)) * 0.05
    features = voice_features(sound, 16_000).numpy()
    power = sound.double().view(-1, 640).square().mean().sqrt()
    levelled = (sound.double() * 0.05 / power).numpy()  # noise: every frame is speech
    for column, start in ((0, 0), (13, 240)):
        slow = _slow_mfcc(levelled[7 * 640 + start : 7 * 640 + start + 400])
        np.testing.assert_allclose(features[7, column : column + 13], slow, atol=1e-4)


def test_changes_are_slopes():
    t = torch.arange(9.0).double()
    slopes = voice.changes(torch.stack([3 * t, t**2, torch.ones(9).double()], 1))
    inner = slopes[2:-2]
    np.testing.assert_allclose(inner[:, 0], 3.0)
    np.testing.assert_allclose(inner[:, 1], 2 * t[2:-2])  # of a parabola, its derivative
    np.testing.assert_allclose(slopes[:, 2], 0.0, atol=1e-12)
    fitted = [np.polyfit(range(5), np.sin(range(i, i + 5)), 1)[0] for i in range(5)]
    np.testing.assert_allclose(voice.changes(t.sin()[:, None])[2:-2, 0], fitted, atol=1e-12)


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 44_100, 48_000])
def test_any_rate_gives_whole_frames_of_the_same_features(rate):
    """A low tone sounds the same at every rate; a second and a bit has 25 frames."""
    n = int(1.03 * rate)
    tone = 0.1 * np.sin(2 * np.pi * 440 * np.arange(n) / rate)
    features = voice_features(torch.from_numpy(tone).float(), rate)
    assert features.shape == (25, FEATURES)
    assert features.dtype == torch.float32
    base = 0.1 * np.sin(2 * np.pi * 440 * np.arange(16_480) / 16_000)
    expected = voice_features(torch.from_numpy(base).float(), 16_000)
    # far above the tone there is next to nothing, in which filters differ: the loudness is compared
    np.testing.assert_allclose(features[3:22, 1], expected[3:22, 1], atol=3.0)
    slow = resample_poly(tone, 16_000 // np.gcd(rate, 16_000), rate // np.gcd(rate, 16_000))
    np.testing.assert_allclose(
        features, voice_features(torch.from_numpy(slow), 16_000, 25), atol=1e-4
    )


def test_frames_asked_for_cut_or_fill_with_silence():
    sound = torch.randn(16_000, generator=torch.Generator().manual_seed(3)) * 0.1
    whole = voice_features(sound, 16_000)
    assert voice_features(sound, 16_000, 40).shape == (40, FEATURES)
    np.testing.assert_allclose(voice_features(sound, 16_000, 40)[:20], whole[:20], atol=1e-5)
    np.testing.assert_allclose(voice_features(sound, 16_000, 10)[:6], whole[:6], atol=1e-3)
    silence = np.zeros(FEATURES)
    silence[[0, 13]] = np.sqrt(23) * np.log(1e-4)  # every energy is the floor
    np.testing.assert_allclose(voice_features(sound, 16_000, 40)[35], silence, atol=1e-4)
    np.testing.assert_allclose(voice_features(torch.zeros(640), 16_000)[0], silence, atol=1e-4)


def test_how_loud_it_was_recorded_does_not_matter():
    generator = torch.Generator().manual_seed(4)
    sound = torch.randn(20_000, generator=generator) * torch.rand(20_000, generator=generator)
    loud, soft = voice_features(0.5 * sound, 16_000), voice_features(0.01 * sound, 16_000)
    np.testing.assert_allclose(loud, soft, atol=1e-3)


@pytest.mark.parametrize(
    ("samples", "rate", "frames", "said"),
    [
        (torch.zeros(0), 16_000, None, "without a sample"),
        (torch.zeros(0), 16_000, 5, "without a sample"),
        (torch.zeros(100), 16_000, None, "6.2 ms"),
        (torch.zeros(1000), 16_000, 0, "0 frames"),
        (torch.zeros(1000, 2), 16_000, None, "one channel"),
        (torch.full((1000,), torch.nan), 16_000, None, "not numbers"),
        (torch.zeros(1000), 0, None, "0 samples a second"),
    ],
)
def test_what_cannot_be_heard_is_refused(samples, rate, frames, said):
    with pytest.raises(ValueError, match=said):
        voice_features(samples, rate, frames)
