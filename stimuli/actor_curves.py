"""What an actor does in a clip, frame by frame: the expression, the mouth, lids and head.

Symbols: T frames at 25 a second, 52 facial actions (stimuli.actors.facs), times in seconds.

    strength(t) = S(t / onset) (1 - S((t - (seconds - offset)) / offset))

runs from 0 to 1 and back, with the S-curve of stimuli.actors.dynamics; an onset or offset of 0
leaves its factor out. The expression of frame t is strength(t) times the action weights of the
picture of the same levels.

Blinks, sway and nods happen in *shared time*: that of the sentence as its neutral reading says it,
between the clip's own pauses. Whatever emotion a voice carries, and however slow it is, the head
is therefore at the same place at the same sound, and the eyes blink there. A nod goes with the
stress of that reading, not with the loudness of the emotion.
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
from stimuli.actors.idling import (
    CLOSING,
    EDGE,
    OPENING,
    blink_times,
    close_lids,
    closing,
    sway_at,
    whole_blinks,
)
from stimuli.actors.nodding import nods
from stimuli.seeds import generator_of
from stimuli.voices import visemes
from stimuli.voices.speech import SILENCE, Phone, Speech
from stimuli.voices.stress import stresses
from stimuli.voices.talking import combine, frame_count

STEEPNESS = 2.0  # of onset and offset: a gentle start and end
DIGITS = 4  # of curves in files
BEFORE = 20.0  # s for which the actor has blinked before the clip: long enough for the usual rate


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


@dataclass(frozen=True, eq=False)
class Clock:
    """Shared time beside a clip's own, both in seconds: straight between (N,) pairs of edges."""

    own: np.ndarray
    shared: np.ndarray

    @classmethod
    def of(cls, speech: Speech, reading: Speech) -> Clock:
        """The clock of `speech`, which says the phones of `reading` at its own tempo."""
        own, read = (
            np.array([[p.start, p.end] for p in _spoken(said)]).reshape(-1, 2)
            for said in (speech, reading)
        )
        if len(own) != len(read):
            raise ValueError(f"clock: found {len(own)} and {len(read)} phones; give one sentence")
        if not len(own):
            return cls(np.array([0, speech.duration]), np.array([0, speech.duration]))
        begins = own[0, 0]
        said = np.append(own[:, 0], own[-1, 1])
        shared = np.append(read[:, 0], read[-1, 1]) - read[0, 0] + begins
        rest = speech.duration - said[-1]
        return cls(
            np.concatenate([[0.0], said, [said[-1] + rest]]),
            np.concatenate([[0.0], shared, [shared[-1] + rest]]),
        )

    def to_shared(self, own: np.ndarray) -> np.ndarray:
        """Shared times of times of the clip."""
        return np.interp(own, self.own, self.shared)

    def to_own(self, shared: np.ndarray) -> np.ndarray:
        """Times of the clip of shared times."""
        return np.interp(shared, self.shared, self.own)


def unfolding(clip: DynamicClip, apex: np.ndarray, seed: int) -> Curves:
    """A face that goes from neutral to the action weights `apex` (52,) and back."""
    times = frame_times(clip.seconds)
    risen = strength(times, clip.seconds, clip.onset, clip.offset)
    ends = np.array([0, clip.seconds])
    weights, head = _alive(clip, times, Clock(ends, ends), risen[:, None] * apex, seed)
    return Curves(times, risen, weights, np.clip(head, -LIMIT, LIMIT))


def speaking(
    clip: TalkingClip, actor: Actor, speech: Speech, reading: Speech, apex: np.ndarray, seed: int
) -> Curves:
    """A face that says `speech` with the expression `apex` (52,).

    reading: the same sentence and voice without emotion, on which blinks and the head go.
    """
    n = frame_count(speech.duration)
    times, clock = visemes.frame_times(n), Clock.of(speech, reading)
    risen = strength(times, speech.duration, clip.onset, clip.offset)
    said = combine(actor, speech, risen[:, None] * apex)
    weights, head = _alive(clip, times, clock, said, seed)
    if clip.nods:
        spoken, first = _spoken(reading), _spoken(speech)
        later = first[0].start - spoken[0].start if spoken else 0.0
        at = [(stress.at + later, stress.strength) for stress in stresses(reading)]
        dips = nods(clock.to_shared(times), at, generator_of(seed, "nods"))
        head[:, 1] += clip.head * dips
    return Curves(times, risen, weights, np.clip(head, -LIMIT, LIMIT))


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
    clip: DynamicClip | TalkingClip, times: np.ndarray, clock: Clock, weights: np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Weights (T, 52) with blinks, and how the head (T, 3) sways; both drawn from `seed`."""
    lasts = clock.shared[-1]
    drawn = np.array(blink_times(BEFORE + lasts, generator_of(seed, "blinks"), clip.blinks))
    shut = clock.to_own(np.array(whole_blinks(drawn - BEFORE, lasts)))
    shut = np.clip(shut, EDGE + CLOSING, max(clock.own[-1] - EDGE - OPENING, EDGE + CLOSING))
    on_frames = times[0] + np.round((shut - times[0]) * FPS) / FPS  # fully closed on one frame
    head = clip.head * sway_at(clock.to_shared(times), generator_of(seed, "head"))
    return close_lids(weights, closing(times, on_frames)), head


def _spoken(speech: Speech) -> list[Phone]:
    """The phones from the first to the last that is heard, with the pauses between."""
    heard = [i for i, phone in enumerate(speech.phones) if phone.symbol != SILENCE]
    return list(speech.phones[heard[0] : heard[-1] + 1]) if heard else []
