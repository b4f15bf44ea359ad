"""Timbre: one recording becomes the voice of another person.

The WORLD vocoder takes speech apart; the F0 is moved and its range scaled, the envelope is
stretched along frequency as a longer or shorter vocal tract does (vocal tract length normalisation,
Lee & Rose, 1998), its slope is changed, and time is scaled.
"""

from dataclasses import dataclass

import numpy as np
import pyworld

from stimuli.voices.loudness import at_loudness, limited
from stimuli.voices.prosody import FRAME_MS, MARGIN, take_apart
from stimuli.voices.speech import Speech, scaled

TILT_FROM = 500.0  # Hz; the envelope turns above
LEVEL = -26.0  # LUFS, of every neutral voice
LIMITS = {
    "f0": (0.5, 3.0), "formants": (0.8, 1.25), "rate": (0.6, 1.6), "range": (0.0, 2.5),
    "tilt": (-6.0, 6.0),
}  # fmt: skip


@dataclass(frozen=True)
class Timbre:
    """How a voice differs from the recording it is made of; 1 (tilt: 0) keeps what was recorded."""

    f0: float = 1.0  # times the F0 of the recording
    formants: float = 1.0  # times its formant frequencies; above 1 for a shorter vocal tract
    rate: float = 1.0  # times its speed
    range: float = 1.0  # times its movement of F0, in semitones
    tilt: float = 0.0  # dB per octave above 500 Hz; positive is brighter

    def __post_init__(self) -> None:
        """Refuse what the vocoder cannot say naturally."""
        for name, (low, high) in LIMITS.items():
            if not low <= getattr(self, name) <= high:
                raise ValueError(
                    f"timbre: {name} is {getattr(self, name)}; give {low:g} to {high:g}"
                )


def in_timbre(speech: Speech, timbre: Timbre, voice: str) -> Speech:
    """The same sentence from another mouth, at LEVEL; `voice` names whose it is.

    Has round(n / rate) samples, and phones that follow. The same input gives the same bytes.
    """
    parts = take_apart(speech)
    stretch = round(len(speech.samples) / timbre.rate) / len(speech.samples)
    sound = pyworld.synthesize(
        _moved(parts.f0, timbre),
        _reshaped(parts.envelope, speech.rate, timbre),
        _along(parts.aperiodicity, timbre.formants),
        speech.rate,
        FRAME_MS * stretch,
    )
    first = round(MARGIN * speech.rate * stretch)
    n = round(len(speech.samples) * stretch)
    sound = limited(at_loudness(sound[first : first + n], speech.rate, LEVEL))
    return Speech(
        sound.astype(np.float32),
        speech.rate,
        scaled(speech.phones, stretch),
        speech.sentence,
        speech.text,
        voice,
    )


def _moved(f0: np.ndarray, timbre: Timbre) -> np.ndarray:
    """F0 (T,) with its median multiplied by `f0` and its movement around it by `range`."""
    new = np.zeros_like(f0)
    voiced = f0 > 0
    if voiced.any():
        middle = np.median(f0[voiced])
        new[voiced] = timbre.f0 * middle * (f0[voiced] / middle) ** timbre.range
    return new


def _reshaped(envelope: np.ndarray, rate: int, timbre: Timbre) -> np.ndarray:
    """Envelope (T, B) with other formants and another slope."""
    frequency = np.linspace(0, rate / 2, envelope.shape[1])
    octaves = np.log2(np.maximum(frequency, TILT_FROM) / TILT_FROM)
    warped = np.exp(_along(np.log(envelope), timbre.formants))
    return np.ascontiguousarray(warped * 10 ** (timbre.tilt * octaves / 10))


def _along(values: np.ndarray, factor: float) -> np.ndarray:
    """(T, B) read at B / factor, so that every peak moves to `factor` times its frequency."""
    bins = values.shape[1]
    at = np.minimum(np.arange(bins) / factor, bins - 1)
    low = np.minimum(at.astype(int), bins - 2)
    part = at - low
    return np.ascontiguousarray(values[:, low] * (1 - part) + values[:, low + 1] * part)
