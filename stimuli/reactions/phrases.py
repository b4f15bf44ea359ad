"""Phrases of a speaker, found in the sound alone: stretches of speech between pauses.

A frame of 40 ms counts as speech if it is within WITHIN_DB of the loudest; a pause lasts at least
PAUSE_S seconds, a phrase at least PHRASE_S. Numbers are ours; on mien's speakers, whose phrases are
known, ends are found within a tenth of a second.
"""

from __future__ import annotations

import numpy as np

from models.reaction.attributes import RATE
from stimuli.reactions.partner import stretches
from stimuli.reactions.speaking import Phrase

WITHIN_DB = 35.0
PAUSE_S, PHRASE_S = 0.28, 0.4


def phrases_of(samples: np.ndarray, rate: int) -> tuple[Phrase, ...]:
    """Phrases of mono samples (n,) at `rate` hertz, in order of time; silence has none."""
    step = rate / RATE
    edges = np.round(np.arange(int(len(samples) / step) + 1) * step).astype(int)
    parts = [samples[a:b] for a, b in zip(edges, edges[1:], strict=False)]
    power = np.array([np.mean(np.square(part, dtype=float)) for part in parts])
    if not power.any():
        return ()
    spoken = power > power.max() * 10 ** (-WITHIN_DB / 10)
    for begin, end in stretches(~spoken):
        inside = begin > 0 and end < len(spoken) / RATE
        if inside and end - begin < PAUSE_S:
            spoken[round(begin * RATE) : round(end * RATE)] = True
    return tuple(
        Phrase(begin, end, "", "") for begin, end in stretches(spoken) if end - begin >= PHRASE_S
    )
