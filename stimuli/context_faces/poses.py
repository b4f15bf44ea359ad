"""Which pictures of a person the networks learn from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stimuli.actors import facs
from stimuli.voices import visemes
from stimuli.voices.talking import MOUTH, SHARE
from stimuli.voices.visemes import INDEX

EMOTIONS = ("neutral", "happy", "sad", "angry", "fearful", "disgusted", "surprised")
WEAKER = (0.15, 0.95)  # range of m of the pictures between neutral and full
JAW = INDEX["jawOpen"]
UNEVEN = 0.08  # standard deviation by which single actions of a picture deviate, of their weight


@dataclass(frozen=True)
class Wanted:
    """How many pictures of a person there are, beside the neutral one."""

    full: int = len(EMOTIONS) - 1  # emotions at full strength
    weaker: int = len(EMOTIONS) - 1  # emotions at a strength drawn from WEAKER
    speaking: int = 3  # mouths that speak, in any emotion


@dataclass(frozen=True)
class Pose:
    """One picture: an emotion at strength m, perhaps while a sound is spoken."""

    emotion: str
    m: float
    weights: np.ndarray  # (52,) facial actions
    speaking: bool


def poses(rng: np.random.Generator, wanted: Wanted = Wanted()) -> list[Pose]:
    """The pictures of one person: the neutral one first, then those wanted.

    Where not all emotions are wanted, which of them are is drawn.
    """
    shapes = visemes.targets()
    sounds = sorted(shapes)
    found = [_pose("neutral", 1.0, rng)]
    found += [_pose(emotion, 1.0, rng) for emotion in _some(wanted.full, rng)]
    for emotion in _some(wanted.weaker, rng):
        found.append(_pose(emotion, float(rng.uniform(*WEAKER)), rng))
    for _ in range(wanted.speaking):
        emotion = EMOTIONS[int(rng.integers(len(EMOTIONS)))]
        sound = shapes[sounds[int(rng.integers(len(sounds)))]]
        found.append(_pose(emotion, 1.0, rng, sound))
    return found


def _some(n: int, rng: np.random.Generator) -> list[str]:
    """So many of the emotions, but for neutral, in their order."""
    drawn = rng.permutation(len(EMOTIONS) - 1)[:n]
    return [EMOTIONS[1 + i] for i in sorted(drawn)]


def _pose(
    emotion: str, m: float, rng: np.random.Generator, sound: np.ndarray | None = None
) -> Pose:
    weights = facs.weights(emotion, m)  # up to 1.7: to cut them at 1 would weaken the expression
    weights = weights * (1 + UNEVEN * rng.standard_normal(len(weights))).clip(min=0)
    if sound is not None:
        weights = np.where(MOUTH, SHARE * weights, weights) + rng.uniform(0.3, 1.0) * sound
        weights[JAW] = min(weights[JAW], 1.0)  # as `talking`
    return Pose(emotion, m, weights, sound is not None)
