"""What faces do all the time: blink, look at things, and never hold the head quite still.

    rng = np.random.default_rng(7)
    weights = close_lids(weights, blinks(4.0, rng))        (100, 52) at 25 frames a second
    look = gaze([Look(0, 0, 0), Look(1.5, left=12, up=-4, distance=0.5)], seconds=4.0)
    weights = converge(weights, look.vergence)
    clip(actor, weights, gaze=look.angles, head=sway(4.0, rng))

Angles are degrees: gaze to the actor's left and up from the lens, head yaw, pitch and roll as in
headpose. Times are seconds. The same generator gives the same movements.

Sources
    [B]  Bentivoglio et al. (1997), Movement Disorders 12, 1028: 17 blinks a minute at rest, 26 in
         conversation, 4.5 when reading.
    [V]  VanderWerf et al. (2003), Journal of Neurophysiology 89, 2784: lids close in about 0.1 s
         and open in about twice that time.
    [C]  Carpenter (1988), Movements of the Eyes: a saccade of A degrees takes 2.2 A + 21 ms.
    [fit] ours.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from stimuli.actors import camera, eyes, facs
from stimuli.actors.dynamics import FPS, frame_times, s_curve

BLINKS_PER_MINUTE = 17.0  # [B], at rest
CLOSING, OPENING = 0.10, 0.20  # [V]
REFRACTORY = 0.5  # least time between the ends of two blinks [fit]
LIDS = ("eyeBlinkLeft", "eyeBlinkRight")
EDGE = 0.08  # s at both ends of a clip in which no lid moves, where a clip asks for it [fit]
OTHER_LIDS = ("eyeWide*", "eyeSquint*", "cheekSquint*", "eyeLookUp*", "eyeLookDown*")
EYE_DISTANCE = 0.063  # metres between the eyes
LENS = camera.DISTANCE * EYE_DISTANCE  # metres from the eyes to the lens
VERGENCE_S = 0.5  # time to converge: slower than a saccade [fit]
SWAY = (1.0, 0.8, 0.6)  # standard deviation of yaw, pitch and roll [fit]
SWAY_HZ = (0.08, 0.9)  # the band in which heads sway [fit]
WAVES = 9  # sinusoids for each angle


def blinks(
    seconds: float, rng: np.random.Generator, per_minute: float = BLINKS_PER_MINUTE,
    fps: float = FPS,
) -> np.ndarray:  # fmt: skip
    """How far blinks close the eyes, (T,) from 0 to 1; each closes them fully on one frame.

    Raises ValueError on a rate that leaves no time between blinks.
    """
    times = frame_times(seconds, fps)
    shut = [round(at * fps) / fps for at in blink_times(times[-1] + CLOSING, rng, per_minute)]
    return closing(times, shut)


def blink_times(
    seconds: float, rng: np.random.Generator, per_minute: float = BLINKS_PER_MINUTE
) -> list[float]:
    """When blinks before `seconds` are shut (s), in order; the first may be at once.

    Raises ValueError on a rate that leaves no time between blinks.
    """
    if not 0 <= per_minute <= 60:
        raise ValueError(f"blinks: found {per_minute} a minute; give 0 to 60")
    if per_minute == 0:
        return []
    spare = 60 / per_minute - REFRACTORY  # on average; the blink itself lies in the refractory time
    found, at = [], rng.uniform(0, 60 / per_minute)
    while at < seconds:
        found.append(at)
        at += REFRACTORY + rng.exponential(spare)
    return found


def whole_blinks(shut: Iterable[float], seconds: float) -> list[float]:
    """Those of the blinks shut at `shut` (s) that begin and end well within a clip."""
    first, last = EDGE + CLOSING, seconds - EDGE - OPENING
    return [at for at in shut if first <= at <= last]


def closing(times: np.ndarray, shut: Iterable[float]) -> np.ndarray:
    """How far blinks that are shut at `shut` (s) close the eyes at times (T,): (T,) from 0 to 1."""
    closed = np.zeros(len(times))
    for at in shut:
        down = s_curve((times - at + CLOSING) / CLOSING, 2)
        up = s_curve((times - at) / OPENING, 2)
        closed = np.maximum(closed, np.where(times <= at, down, 1 - up))
    return closed


def close_lids(weights: np.ndarray, closed: np.ndarray) -> np.ndarray:
    """Action weights (T, 52) with the lids closed by `closed` (T,) whatever the expression does."""
    out = np.array(weights, float)
    lids = [facs.ACTIONS.index(name) for name in LIDS]
    others = np.flatnonzero(facs.actions_array(dict.fromkeys(OTHER_LIDS, 1.0)))
    share = np.asarray(closed, float)[:, None]
    out[:, lids] += share * np.maximum(1 - out[:, lids], 0)
    out[:, others] *= 1 - share
    return out


@dataclass(frozen=True)
class Look:
    """A thing to look at from time `at` on."""

    at: float
    left: float = 0.0  # degrees to the actor's left of the lens
    up: float = 0.0
    distance: float = LENS  # metres from the eyes

    def __post_init__(self) -> None:
        """Refuse what eyes cannot look at."""
        eyes.checked((self.left, self.up))
        if not self.distance >= 0.1:
            raise ValueError(f"look: found a distance of {self.distance} m; give 0.1 or more")


@dataclass(frozen=True, eq=False)
class Gaze:
    """Where the eyes look in each frame."""

    angles: np.ndarray  # (T, 2) degrees to the actor's left and up from the lens
    vergence: np.ndarray  # (T,) degrees by which each eye turns in, more than to look at the lens


def gaze(looks: Sequence[Look], seconds: float, fps: float = FPS) -> Gaze:
    """Eyes that look at one thing after the other: saccades, and slower vergence.

    Raises ValueError when the looks are not in order of time.
    """
    times = frame_times(seconds, fps)
    if any(b.at <= a.at for a, b in zip(looks, looks[1:], strict=False)):
        raise ValueError("looks: not in order of time; give each a later `at` than the one before")
    first = looks[0] if looks else Look(0)
    angles = np.tile([first.left, first.up], (len(times), 1)).astype(float)
    vergence = np.full(len(times), _vergence(first))
    for before, look in zip(looks, looks[1:], strict=False):
        jump = np.array([look.left - before.left, look.up - before.up])
        takes = 0.021 + 0.0022 * np.linalg.norm(jump)  # [C]
        angles += s_curve((times - look.at) / takes, 2)[:, None] * jump
        step = _vergence(look) - _vergence(before)
        vergence += s_curve((times - look.at) / VERGENCE_S, 2) * step
    return Gaze(angles, vergence)


def converge(weights: np.ndarray, vergence: np.ndarray) -> np.ndarray:
    """Action weights (T, 52) with both eyes turned in by `vergence` (T,) degrees (out, if < 0)."""
    turn = np.radians(vergence)[:, None] / eyes.LOOKS["eyeLookOutLeft"][0]
    inwards = facs.actions_array({"eyeLookIn*": 1.0})
    outwards = facs.actions_array({"eyeLookOut*": 1.0})
    return weights + np.maximum(turn, 0) * inwards + np.maximum(-turn, 0) * outwards


def sway(
    seconds: float, rng: np.random.Generator, sd: tuple[float, float, float] = SWAY,
    fps: float = FPS,
) -> np.ndarray:  # fmt: skip
    """Small smooth head movement (T, 3), yaw, pitch and roll in degrees, 0 on the first frame.

    A sum of slow sinusoids of random frequency and phase: its spread about its own mean is `sd` in
    the long run, and a longer clip begins like a shorter one.
    """
    return sway_at(frame_times(seconds, fps), rng, sd)


def sway_at(
    times: np.ndarray, rng: np.random.Generator, sd: tuple[float, float, float] = SWAY
) -> np.ndarray:
    """sway() at times (T,) in seconds of one's own, 0 at the first of them."""
    hertz = rng.uniform(*SWAY_HZ, (3, WAVES))
    phase = rng.uniform(0, 2 * np.pi, (3, WAVES))
    waves = np.sin(2 * np.pi * hertz * times[:, None, None] + phase).sum(axis=-1)
    return (waves - waves[0]) * np.asarray(sd) / np.sqrt(WAVES / 2)


def _vergence(look: Look) -> float:
    """Degrees by which each eye turns in for a thing nearer than the lens."""
    return float(np.degrees(np.arctan2(EYE_DISTANCE / 2, look.distance)
                            - np.arctan2(EYE_DISTANCE / 2, LENS)))  # fmt: skip
