"""Timbre: one recording becomes the voice of another person.

The WORLD vocoder takes speech apart; the F0 is moved and its range scaled, the envelope is
stretched along frequency as a longer or shorter vocal tract does, its slope is changed, and phones
last as long as at another rate (see tempo).
"""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from stimuli.voices.loudness import at_loudness, limited
from stimuli.voices.speech import Phone, Speech
from stimuli.voices.tempo import at_rate
from stimuli.voices.vocoder import Parts, along, put_together, reshaped, take_apart, warped

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

    Phones per second of speaking are `rate` times as many. The same input gives the same bytes.
    """
    phones = at_rate(speech.phones, timbre.rate, speech.rate)
    made_of = partial(_in_timbre, speech, timbre, phones)
    sound = put_together(made_of(), speech.rate, round(phones[-1].end * speech.rate))
    sound = limited(at_loudness(sound, speech.rate, LEVEL), speech.rate)
    return replace(
        speech, samples=sound.astype(np.float32), phones=phones, voice=voice, made_of=made_of
    )


def _in_timbre(speech: Speech, timbre: Timbre, phones: tuple[Phone, ...]) -> Parts:
    """What the vocoder makes the other voice of."""
    parts = along(take_apart(speech), speech.phones, phones)
    return Parts(
        _moved(parts.f0, timbre),
        reshaped(parts.envelope, speech.rate, timbre.formants, timbre.tilt),
        warped(parts.aperiodicity, timbre.formants),
    )


def _moved(f0: np.ndarray, timbre: Timbre) -> np.ndarray:
    """F0 (T,) with its median multiplied by `f0` and its movement around it by `range`."""
    new = np.zeros_like(f0)
    voiced = f0 > 0
    if voiced.any():
        middle = np.median(f0[voiced])
        new[voiced] = timbre.f0 * middle * (f0[voiced] / middle) ** timbre.range
    return new
