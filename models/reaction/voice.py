"""What is heard of a voice in each video frame: 78 numbers, as in the baselines of REACT 2024.

A frame of 40 ms has two windows of 25 ms, at its beginning and at its end, with 13 Mel-frequency
cepstral coefficients each, as Kaldi counts them (pre-emphasis .97, 23 triangles from 20 Hz to
8 kHz, lifter 22). To these 26 come their changes from frame to frame, and the changes of those.
Sound of any rate is heard at 16 kHz. How loud it was recorded does not matter: its speech is
brought to LEVEL; what is softer than FLOOR counts as silence.
"""

from __future__ import annotations

import math
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from models.reaction.attributes import RATE

FEATURES = 78
HEARD = 16_000  # hertz
FRAME = HEARD // RATE  # samples of a video frame
WINDOW, POINTS = 400, 512  # samples of a window, points of its Fourier transform
STARTS = (0, FRAME - WINDOW)  # of the windows within a frame
TRIANGLES, COEFFICIENTS = 23, 13
LOWEST = 20.0  # hertz
EMPHASIS, LIFTER = 0.97, 22
AROUND = 2  # frames to either side from which a change is taken
LEVEL = 0.05  # root mean square of speech: 26 dB below full scale
SPEECH = 1e-3  # windows within 30 dB of the loudest count as speech
SILENT = 1e-4  # a sound whose samples all stay below this is silent: -80 dB of full scale
FLOOR = 1e-4  # least energy of a triangle: noise some 60 dB below full scale


def voice_features(samples: Tensor, rate: int, frames: int | None = None) -> Tensor:
    """Features (T, 78) float32 of a sound (n,) in [-1, 1] at `rate` hertz.

    T is `frames`, or the whole frames of the sound: what is longer is cut, what is shorter is
    silent at its end. Columns: coefficients 0 to 12 of the first window, of the second, the
    changes of these 26, the changes of the changes. A digitally silent sound has features as well.

    Raises:
        ValueError: sound that is not (n,), not finite, without a sample or shorter than a frame, a
            rate that is not positive, `frames` less than 1.
    """
    if samples.dim() != 1:
        raise ValueError(f"a voice is one channel of samples (n,); found {tuple(samples.shape)}")
    if rate < 1:
        raise ValueError(f"a voice has {rate} samples a second; at least 1")
    if len(samples) == 0:
        raise ValueError("a voice without a sample; at least one video frame (40 ms) is needed")
    whole = len(samples) * RATE // rate
    count = whole if frames is None else frames
    if count < 1:
        raise ValueError(
            f"a voice of {1000 * len(samples) / rate:.1f} ms; at least one video frame (40 ms)"
            if frames is None else f"{frames} frames of a voice; at least 1"
        )  # fmt: skip
    if not torch.isfinite(samples).all():
        raise ValueError("a voice with samples that are not numbers (NaN or infinite)")
    sound = _levelled(_resampled(samples.detach().double(), rate))
    sound = F.pad(sound, (0, max(0, count * FRAME - len(sound))))[: count * FRAME]
    framed = sound.view(count, FRAME)
    heard = torch.cat([mfcc(framed[:, start : start + WINDOW]) for start in STARTS], 1)  # (T, 26)
    change = changes(heard)
    return torch.cat([heard, change, changes(change)], 1).float()


def mfcc(windows: Tensor) -> Tensor:
    """Coefficients (N, 13) float64 of windows (N, 400) of sound at 16 kHz."""
    centred = windows.double() - windows.double().mean(1, keepdim=True)
    before = torch.cat([centred[:, :1], centred[:, :-1]], 1)
    shaped = (centred - EMPHASIS * before) * _window()
    power = torch.fft.rfft(shaped, POINTS).abs().square()  # (N, 257)
    energy = (power @ _triangles()).clamp_min(FLOOR).log()
    return energy @ _cosines()


def changes(x: Tensor) -> Tensor:
    """Slope of each column of (T, D) over 5 frames, by least squares; the ends are repeated."""
    padded = torch.cat([x[:1].expand(AROUND, -1), x, x[-1:].expand(AROUND, -1)])
    steps = torch.arange(-AROUND, AROUND + 1, dtype=x.dtype)
    return padded.unfold(0, len(steps), 1) @ (steps / steps.square().sum())


def _resampled(samples: Tensor, rate: int) -> Tensor:
    """At 16 kHz, by a polyphase filter with a Kaiser window."""
    if rate == HEARD:
        return samples
    from scipy.signal import resample_poly

    common = math.gcd(rate, HEARD)
    return torch.from_numpy(resample_poly(samples.numpy(), HEARD // common, rate // common).copy())


def _levelled(sound: Tensor) -> Tensor:
    """As loud as LEVEL where it is speech; silence stays as it is."""
    if not len(sound) or sound.abs().max() < SILENT:
        return torch.zeros_like(sound)
    padded = F.pad(sound, (0, -len(sound) % FRAME)).view(-1, FRAME)
    power = padded.square().mean(1)
    speech = power[power >= SPEECH * power.max()]
    return sound * (LEVEL / speech.mean().sqrt())


@cache
def _window() -> Tensor:
    """Povey's: a Hann window to the power of .85."""
    turn = torch.arange(WINDOW, dtype=torch.float64) * (2 * math.pi / (WINDOW - 1))
    return (0.5 - 0.5 * turn.cos()).pow(0.85)


@cache
def _triangles() -> Tensor:
    """Weights (257, 23): triangles evenly spaced on the Mel scale 1127 ln(1 + f / 700)."""

    def mel(hertz: Tensor) -> Tensor:
        return 1127.0 * (1.0 + hertz / 700.0).log()

    ends = mel(torch.tensor([LOWEST, HEARD / 2], dtype=torch.float64))
    edges = torch.linspace(float(ends[0]), float(ends[1]), TRIANGLES + 2, dtype=torch.float64)
    bins = mel(torch.arange(POINTS // 2 + 1, dtype=torch.float64) * (HEARD / POINTS))[:, None]
    left, middle, right = edges[:-2], edges[1:-1], edges[2:]
    up, down = (bins - left) / (middle - left), (right - bins) / (right - middle)
    return torch.minimum(up, down).clamp_min(0.0)


@cache
def _cosines() -> Tensor:
    """Weights (23, 13): orthonormal cosine transform (type II), liftered."""
    n = torch.arange(TRIANGLES, dtype=torch.float64) + 0.5
    k = torch.arange(COEFFICIENTS, dtype=torch.float64)
    cosines = (n[:, None] * k * (math.pi / TRIANGLES)).cos() * math.sqrt(2 / TRIANGLES)
    cosines[:, 0] = math.sqrt(1 / TRIANGLES)
    return cosines * (1 + 0.5 * LIFTER * (math.pi * k / LIFTER).sin())
