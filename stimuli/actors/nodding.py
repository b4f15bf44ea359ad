"""Nods of somebody who speaks: the head dips where a syllable is stressed, more or less.

    head[:, 1] += nods(times, [(0.42, 1.0), (1.3, 0.6)], rng)      degrees of pitch, none above 0

Sources
    [H]  Hadar, Steiner, Grant & Rose (1983), Language and Speech 26, 117: quick movements of the
         head come with stress; (1984) peaks of loudness and stress.
    [A]  Alexanderson, House & Beskow (2013), AVSP 2013, 169: on average a nod is deepest at the
         stressed syllable, which is louder than others; the fine timing varies much.
    [M]  Munhall et al. (2004), Psychological Science 15, 133: heads of talkers move with amplitude
         and F0 of their voices.
    None of them gives numbers for single sentences: depth, share and durations are ours.
"""

from collections.abc import Iterable

import numpy as np

DEGREES = (1.0, 2.5)  # depth of a nod at a full stress; listeners' nods are twice as deep
SHARE = 0.8  # of full stresses that come with a nod
DOWN_S, UP_S = 0.20, 0.32  # s from the start to the deepest point, and back
LATE_SD = 0.05  # s, spread of the deepest point about the stress
APART = 0.40  # least s between the deepest points of two nods: the later one is left out


def nods(
    times: np.ndarray, stresses: Iterable[tuple[float, float]], rng: np.random.Generator
) -> np.ndarray:
    """Pitch (T,) in degrees, at most 0, at times (T,) in seconds.

    stresses: when (s, in order) and how strong (0 to 1). The draws of one stress do not depend on
    `times`, so the same generator nods alike at any speed of speech.
    """
    pitch, last = np.zeros(len(times)), -np.inf
    for at, strength in stresses:
        chance, depth, late = rng.random(), rng.uniform(*DEGREES), LATE_SD * rng.standard_normal()
        deepest = at + float(np.clip(late, -2 * LATE_SD, 2 * LATE_SD))
        if chance >= SHARE * strength or deepest - last < APART:
            continue
        pitch = np.minimum(pitch, -depth * strength * _dip(times - deepest))
        last = deepest
    return pitch


def _dip(t: np.ndarray) -> np.ndarray:
    """A smooth dip (T,) from 0 to 1 at t = 0 and back."""
    share = np.clip(np.where(t < 0, t / DOWN_S, t / UP_S), -1, 1)
    return (1 + np.cos(np.pi * share)) / 2
