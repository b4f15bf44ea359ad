"""Contexts: sound of any length, rate and number of channels to a Mel spectrogram in [0, 1].

The rule for length: 128 frames with a hop of 755 at 22,050 Hz see 4.35 s of sound. What is longer
is cut around its loudest stretch of that length, by whole hops; what is shorter gets equal silence
before and after. Spectrograms are in decibels below the clip's loudest bin, scaled to [0, 1].
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import torch
from torch import Tensor

from models.context_face.settings import MelSettings

SHORTEST_S = 0.2  # less sound than this says nothing about an emotion
QUIET = 1e-5  # peak of a sound that counts as silence


def samples_needed(settings: MelSettings) -> int:
    """Samples at `settings.rate` of one spectrogram: frames are centred, one hop apart."""
    return (settings.frames - 1) * settings.hop + 1


def fit(wave: np.ndarray, rate: int, settings: MelSettings) -> np.ndarray:
    """Mono float32 sound of the length a spectrogram needs.

    wave: (samples,) or (samples, channels), floats in [-1, 1] or integers; rate in hertz.

    Raises:
        ValueError: Sound that is empty, not finite, silent, or shorter than 0.2 s.
    """
    wave = np.asarray(wave)
    if np.issubdtype(wave.dtype, np.integer):
        wave = wave / float(np.iinfo(wave.dtype).max + 1)
    wave = wave.astype(np.float64)
    if wave.ndim == 2:
        wave = wave.mean(axis=1)
    if wave.ndim != 1 or rate <= 0:
        raise ValueError(f"sound of shape {wave.shape} at {rate} Hz; give (samples, channels)")
    if not np.isfinite(wave).all():
        raise ValueError("the sound holds values that are not numbers; record or export it again")
    if len(wave) < SHORTEST_S * rate:
        raise ValueError(
            f"the sound lasts {len(wave) / rate:.2f} s; give at least {SHORTEST_S} s of speech"
        )
    if np.abs(wave).max() < QUIET:
        raise ValueError("the sound is silent; give a recording in which somebody speaks")
    if rate != settings.rate:
        from scipy.signal import resample_poly

        common = math.gcd(rate, settings.rate)
        wave = resample_poly(wave, settings.rate // common, rate // common)
    return _of_length(wave, samples_needed(settings), settings.hop).astype(np.float32)


def mel_spectrogram(waves: Tensor, settings: MelSettings) -> Tensor:
    """Spectrograms (N, 1, bins, frames) in [0, 1] of waves (N, samples_needed)."""
    spectrum = torch.stft(
        waves, settings.window, settings.hop, window=torch.hann_window(settings.window),
        center=True, pad_mode="reflect", return_complex=True,
    )  # fmt: skip
    power = spectrum.abs() ** 2  # (N, window / 2 + 1, frames)
    mel = mel_filters(settings) @ power  # (N, bins, frames)
    decibel = 10 * mel.clamp_min(1e-10).log10()
    loudest = decibel.amax((1, 2), keepdim=True)
    return ((decibel - loudest) / settings.floor_db + 1).clamp(0, 1)[:, None]


@cache
def mel_filters(settings: MelSettings) -> Tensor:
    """Triangles (bins, window / 2 + 1) that are equally wide on the Mel scale (O'Shaughnessy 1987).

    mel = 2595 log10(1 + f / 700); each triangle peaks at 1 where its neighbours begin.
    """
    hertz = torch.linspace(0, settings.rate / 2, settings.window // 2 + 1)
    top = 2595 * math.log10(1 + settings.rate / 2 / 700)
    corners = 700 * (10 ** (torch.linspace(0, top, settings.bins + 2) / 2595) - 1)
    rise = (hertz - corners[:-2, None]) / (corners[1:-1] - corners[:-2])[:, None]
    fall = (corners[2:, None] - hertz) / (corners[2:] - corners[1:-1])[:, None]
    return torch.minimum(rise, fall).clamp_min(0)


def _of_length(wave: np.ndarray, length: int, hop: int) -> np.ndarray:
    if len(wave) <= length:
        before = (length - len(wave)) // 2
        return np.pad(wave, (before, length - len(wave) - before))
    energy = np.concatenate([[0.0], np.cumsum(wave**2)])
    starts = np.arange(0, len(wave) - length + 1, hop)
    start = starts[np.argmax(energy[starts + length] - energy[starts])]
    return wave[start : start + length]
