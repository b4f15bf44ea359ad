"""Which syllables of a sentence are stressed: those that are loud for long.

    for stress in stresses(speech): stress.at, stress.strength

The prominence of a syllable is the energy of its vowel, the sum of the squared samples, in dB over
the straight line that sinks through the sentence: loudness and duration tell what is stressed, and
F0 tells little beside them (Kochanski, Grabe, Coleman & Rosner 2005, JASA 118, 1038). A syllable is
stressed when it lies over that line, and is more prominent than both of its neighbours.
"""

from dataclasses import dataclass

import numpy as np

from stimuli.voices.speech import VOWELS, Speech

ENOUGH = 3  # vowels that have a line through them


@dataclass(frozen=True)
class Stress:
    """A stressed syllable."""

    at: float  # s, the middle of its vowel
    strength: float  # 0 to 1, that of the most prominent syllable of the sentence


def stresses(speech: Speech) -> tuple[Stress, ...]:
    """The stressed syllables of a sentence, in order of time; () where nothing is said."""
    vowels = [phone for phone in speech.phones if phone.symbol in VOWELS]
    if not vowels:
        return ()
    middles = np.array([(vowel.start + vowel.end) / 2 for vowel in vowels])
    levels = np.array([_energy(speech, vowel.start, vowel.end) for vowel in vowels])
    line = np.polyval(np.polyfit(middles, levels, 1), middles) if len(vowels) >= ENOUGH else 0.0
    over = levels - line
    beside = np.pad(over, 1, constant_values=-np.inf)
    peaks = np.flatnonzero((over > 0) & (over >= beside[:-2]) & (over > beside[2:]))
    return tuple(Stress(float(middles[i]), float(over[i] / over.max())) for i in peaks)


def _energy(speech: Speech, start: float, end: float) -> float:
    """Energy of a stretch of sound, dB."""
    samples = speech.samples[round(start * speech.rate) : round(end * speech.rate)]
    return float(10 * np.log10(np.square(samples, dtype=float).sum() + 1e-9))
