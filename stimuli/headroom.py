"""Room below full scale: a voice that no film, once coded and played, plays too loud.

AAC gives a sound back a little changed, with peaks up to 1.7 dB higher in mien's voices, and 4 dB
in a rectangular wave. So a voice that comes near full scale is coded on trial, and its peaks are
lowered until what a player decodes stays below HIGHEST. Sounds alone count and films need the same,
so whoever is heard alone and in films sounds the same, whatever face is shown.
"""

from __future__ import annotations

import math

import numpy as np

from stimuli.video import as_decoded
from stimuli.voices.loudness import CEILING, limited, true_peak, true_peak_of

HIGHEST = CEILING  # dBTP of a decoded sound
SURE = -6.0  # dBTP below which no sound is coded on trial
MARGIN, TRIALS = 0.1, 8  # dB that a ceiling is lowered beyond what was too much; how often


def with_headroom(samples: np.ndarray, rate: int) -> np.ndarray:
    """Mono samples (n,) that decode to a true peak of HIGHEST at most; the same ones if they do.

    Raises UserError without PyAV where samples come near full scale.
    """
    found, ceiling = samples, HIGHEST
    if true_peak(samples) <= 10 ** (SURE / 20):
        return samples
    for _ in range(TRIALS):
        found = samples  # so that of a long sound the last trial is gone before the next
        found = limited(samples, rate, ceiling).astype(np.float32, copy=False)
        over = 20 * math.log10(true_peak_of(as_decoded(found, rate))) - HIGHEST
        if over <= 0:
            break
        ceiling -= over + MARGIN
    return found
