"""A listener in front of the camera: from attributes over time to a film.

    movement = listening(attributes, seed=7, nodding=nods)      (T, 25) -> what moves in T frames
    for frame in movement.frames(actor, Studio(size=256)): ...  (256, 256, 3) uint8

Of the 25 attributes the 15 action units are drawn: each as the facial actions of
stimuli.actors.facs at its intensity, summed, as a FACS coder's list of units would be. Valence,
arousal and expressions say what the face means and move nothing. What listeners do anyway, and the
attributes do not hold, is added by chance: blinks, glances away from the speaker, a head that is
never quite still.

A network says each frame anew, so that intensities tremble. They are smoothed by a Gaussian of
SMOOTH_S seconds: a movement keeps its time, a change that takes 0.3 s or longer its height to 6 %,
and of trembling above 4.3 Hz less than a tenth is left.

Angles are degrees, times seconds, T frames at 25 a second.

Sources
    Argyle & Ingham (1972), Semiotica 6, 32, as textbooks report them: listeners look at the speaker
    for some 75 % of the time, about 3 s at a stretch. Ranges around that are ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter1d

from models.reaction.attributes import ATTRIBUTES, AUS, RATE
from stimuli.actors import facs
from stimuli.actors.cast import Actor
from stimuli.actors.clip import clip
from stimuli.actors.headpose import LIMIT
from stimuli.actors.idling import BLINKS_PER_MINUTE, Look, blinks, close_lids, gaze, sway
from stimuli.actors.portrait import Studio
from stimuli.seeds import generator_of

TIME = "time_s"  # column of every table over time
DIGITS = 4  # of numbers in files
SMOOTH_S = 0.08
UNITS = tuple(name.removeprefix("AU") for name in ATTRIBUTES[AUS])
ACTIONS_OF_UNITS = np.array([facs.combine({unit: 1.0}) for unit in UNITS])  # (15, 52)

CONTACT_S = (1.2, 2.0)  # eye contact lasts at least, and on average so much longer
AWAY_S = (0.5, 1.5)  # a glance lasts
ASIDE, DOWN = (7.0, 15.0), (-9.0, 3.0)  # where glances go: to either side, and up


@dataclass(frozen=True, eq=False)
class Movement:
    """What a listener does in T frames.

    Attributes:
        weights: (T, 52) facial actions, of expression and blinks.
        gaze: (T, 2) to the listener's left of the speaker, and up; 0: eye contact.
        head: (T, 3) yaw, pitch, roll.
    """

    weights: np.ndarray
    gaze: np.ndarray
    head: np.ndarray

    def frames(
        self, actor: Actor, studio: Studio, workers: int | None = None
    ) -> Iterator[np.ndarray]:
        """The film's frames (size, size, 3) uint8 sRGB, one after the other.

        workers: threads; None: as many as there are processors. It does not change a byte.
        """
        head = self.head if self.head.any() else None  # a still head is drawn much faster
        return clip(actor, self.weights, studio, gaze=self.gaze, head=head, workers=workers)

    def table(self) -> pd.DataFrame:
        """One row per frame: time_s, each facial action that moves, gaze and head."""
        moved = np.flatnonzero(self.weights.any(axis=0))
        columns = {TIME: np.arange(len(self.weights)) / RATE}
        columns |= {facs.ACTIONS[i]: self.weights[:, i] for i in moved}
        columns |= dict(zip(("gaze_left", "gaze_up"), self.gaze.T, strict=True))
        columns |= dict(zip(("yaw", "pitch", "roll"), self.head.T, strict=True))
        return pd.DataFrame(columns).round(DIGITS) + 0.0  # no -0


def listening(
    attributes: np.ndarray,
    seed: int,
    *,
    gain: float = 1.0,
    blinks_a_minute: float = BLINKS_PER_MINUTE,
    head: float = 1.0,
    nodding: np.ndarray | None = None,
) -> Movement:
    """A listener with these attributes (T, 25).

    The same seed blinks, glances and sways alike whatever the attributes are, and a longer clip
    begins like a shorter one. gain: of the action units; head: how much the head sways, 1 as of
    somebody who sits still; nodding: (T, 3) yaw, pitch, roll beside that.

    Raises:
        ValueError: not (T, 25), T at least 1, or not finite.
    """
    weights = action_weights(attributes, gain)
    seconds = len(weights) / RATE
    closed = blinks(seconds, generator_of(seed, "blinks"), blinks_a_minute)
    closed[: int(np.argmin(closed > 0))] = 0  # no clip begins in the middle of a blink
    turned = head * sway(seconds, generator_of(seed, "head"))
    if nodding is not None:
        turned = turned + nodding
    looks = glances(seconds, generator_of(seed, "glances"))
    return Movement(
        close_lids(weights, closed), gaze(looks, seconds).angles, np.clip(turned, -LIMIT, LIMIT)
    )


def action_weights(attributes: np.ndarray, gain: float = 1.0) -> np.ndarray:
    """Facial actions (T, 52) of attributes (T, 25): units times `gain`, at most 1, smoothed.

    Raises:
        ValueError: not (T, 25), T at least 1, or not finite.
    """
    rows = np.asarray(attributes, float)
    if rows.ndim != 2 or rows.shape[1] != len(ATTRIBUTES) or not len(rows):
        raise ValueError(f"attributes: found shape {rows.shape}; give (frames, {len(ATTRIBUTES)})")
    if not np.isfinite(rows).all():
        raise ValueError("attributes: found numbers that are not finite; fill gaps before filming")
    intensities = (gain * rows[:, AUS]).clip(0, 1)
    calmed = gaussian_filter1d(intensities, SMOOTH_S * RATE, axis=0, mode="nearest")
    return calmed @ ACTIONS_OF_UNITS


def glances(seconds: float, rng: np.random.Generator) -> list[Look]:
    """Eye contact, and glances away from it."""
    looks, at = [Look(0.0)], 0.0
    while True:
        at += CONTACT_S[0] + rng.exponential(CONTACT_S[1])
        side, up = rng.choice((-1, 1)) * rng.uniform(*ASIDE), rng.uniform(*DOWN)
        back = at + rng.uniform(*AWAY_S)
        if at >= seconds:
            return looks
        looks += [Look(at, float(side), float(up)), Look(back)]
        at = back


def attribute_table(attributes: np.ndarray) -> pd.DataFrame:
    """Attributes (T, 25) as a table: time_s, and the columns of REACT 2024 in its order."""
    table = pd.DataFrame(np.asarray(attributes, float), columns=list(ATTRIBUTES))
    table.insert(0, TIME, np.arange(len(table)) / RATE)
    return table.round(DIGITS) + 0.0
