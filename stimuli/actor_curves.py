"""What an actor does in a clip, frame by frame: the expression, the mouth, lids and head.

Symbols: T frames at 25 a second, 52 facial actions (stimuli.actors.facs), times in seconds.

    strength(t) = S(t / onset) (1 - S((t - (seconds - offset)) / offset))

runs from 0 to 1 and back, with the S-curve of stimuli.actors.dynamics; an onset or offset of 0
leaves its factor out. The expression of frame t is strength(t) times the action weights of the
picture of the same levels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from protocols.filming import DynamicClip, TalkingClip
from stimuli.actors import facs
from stimuli.actors.cast import Actor
from stimuli.actors.dynamics import FPS, frame_times, s_curve
from stimuli.actors.headpose import LIMIT
from stimuli.actors.idling import blinks, close_lids, sway
from stimuli.seeds import generator_of
from stimuli.voices import visemes
from stimuli.voices.speech import Speech
from stimuli.voices.talking import combine, frame_count

STEEPNESS = 2.0  # of onset and offset: a gentle start and end
DIGITS = 4  # of curves in files


@dataclass(frozen=True, eq=False)
class Curves:
    """An actor's movements in a clip.

    Attributes:
        times: (T,) what each frame shows.
        strength: (T,) of the expression, 0 to 1.
        weights: (T, 52) facial actions: expression, speech and blinks.
        head: (T, 3) yaw, pitch, roll in degrees.
    """

    times: np.ndarray
    strength: np.ndarray
    weights: np.ndarray
    head: np.ndarray

    def table(self) -> pd.DataFrame:
        """One row per frame: time_s, strength, each action that moves, and the head's angles."""
        moved = np.flatnonzero(self.weights.any(axis=0))
        columns = {"time_s": self.times, "strength": self.strength}
        columns |= {facs.ACTIONS[i]: self.weights[:, i] for i in moved}
        columns |= dict(zip(("yaw", "pitch", "roll"), self.head.T, strict=True))
        return pd.DataFrame(columns).round(DIGITS) + 0.0  # no -0

    def still(self, apex: np.ndarray) -> Curves:
        """A control: as long, but every frame is the picture with the action weights `apex`."""
        n = len(self.times)
        return Curves(self.times, np.ones(n), np.tile(apex, (n, 1)), np.zeros((n, 3)))

    def scrambled(self, seed: int) -> Curves:
        """A control: the same frames in an order drawn from `seed`."""
        order = generator_of(seed, "scrambled").permutation(len(self.times))
        return Curves(self.times, self.strength[order], self.weights[order], self.head[order])


def unfolding(clip: DynamicClip, apex: np.ndarray, seed: int) -> Curves:
    """A face that goes from neutral to the action weights `apex` (52,) and back."""
    times = frame_times(clip.seconds)
    risen = strength(times, clip.seconds, clip.onset, clip.offset)
    return _alive(clip, times, risen, risen[:, None] * apex, seed)


def speaking(
    clip: TalkingClip, actor: Actor, speech: Speech, apex: np.ndarray, seed: int
) -> Curves:
    """A face that says `speech` with the expression `apex` (52,)."""
    n = frame_count(speech.duration)
    times = visemes.frame_times(n)
    risen = strength(times, speech.duration, clip.onset, clip.offset)
    return _alive(clip, times, risen, combine(actor, speech, risen[:, None] * apex), seed)


def strength(times: np.ndarray, seconds: float, onset: float, offset: float) -> np.ndarray:
    """How strong an expression is at times (T,); both flanks shrink where they find no room."""
    share = min(seconds / (onset + offset), 1.0) if onset + offset else 1.0
    onset, offset = onset * share, offset * share
    risen = np.ones(len(times))
    if onset:
        risen = s_curve(times / onset, STEEPNESS)
    if offset:
        risen = risen * (1 - s_curve((times - (seconds - offset)) / offset, STEEPNESS))
    return risen


def _alive(
    clip: DynamicClip | TalkingClip, times: np.ndarray, risen: np.ndarray, weights: np.ndarray,
    seed: int,
) -> Curves:  # fmt: skip
    """Add blinks and a moving head, drawn from `seed`."""
    seconds = len(times) / FPS
    closed = blinks(seconds, generator_of(seed, "blinks"), clip.blinks)
    head = clip.head * sway(seconds, generator_of(seed, "head"))
    return Curves(times, risen, close_lids(weights, closed), np.clip(head, -LIMIT, LIMIT))
