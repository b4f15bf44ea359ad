"""Expressions that unfold: onset, apex and offset of every action unit, frame by frame.

    courses = {"12": Course(amplitude=0.8, onset=0.1, peak=0.6, offset=1.6), "R14": Course()}
    unfold(courses, seconds=2.0)                     action weights (50, 52) at 25 frames a second
    express("happy", 0.5, Course(hold=1), 2.5)       all units of an emotion together

A course has the six parameters of the generative face grammar, and the time for which the apex
is held (there 0):

    x(t) = amplitude S((t - onset) / (peak - onset); acceleration)              up to the peak
    x(t) = amplitude (1 - S((t - release) / (offset - release); deceleration))  from the release on
    S(u; k) = u^k / (u^k + (1 - u)^k),  release = peak + hold

S runs from 0 to 1, and its slope in the middle is k: 1 is a straight line, 2 starts and ends
gently, more is more sudden. Times are seconds, amplitudes shares of the unit's maximum (E).

Sources
    Yu, Garrod & Schyns (2012), Computers & Graphics 36, 152: the six parameters.
    The default durations (0.5 s to the apex, 0.7 s back) are ours, of the order of those of
    spontaneous smiles (Schmidt, Cohn & Tian 2003, Biological Psychology 65, 49: onsets of about
    half a second); surprise is twice as fast.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from stimuli.actors import facs

FPS = 25
SUDDEN = ("surprised",)  # emotions that reach the apex in half the time


@dataclass(frozen=True)
class Course:
    """How strongly an action unit acts over time."""

    amplitude: float = 1.0  # at the apex, 0 to 1
    onset: float = 0.0  # when it begins
    peak: float = 0.5  # when the apex is reached
    offset: float = 1.2  # when it is over; infinity: never
    acceleration: float = 2.0  # steepness of the rise, 1 to 10
    deceleration: float = 2.0  # steepness of the fall, 1 to 10
    hold: float = 0.0  # how long the apex lasts; the fall takes the time that is left

    def __post_init__(self) -> None:
        """Refuse a course that cannot be run."""
        if not 0 <= self.amplitude <= 1:
            raise ValueError(f"amplitude: found {self.amplitude}; give 0 to 1")
        if not 0 <= self.onset < self.peak <= self.release < self.offset or self.hold < 0:
            raise ValueError(
                f"course: found onset {self.onset}, peak {self.peak}, hold {self.hold}, offset "
                f"{self.offset} s; give 0 <= onset < peak, and peak + hold < offset"
            )
        for name in ("acceleration", "deceleration"):
            if not 1 <= getattr(self, name) <= 10:
                raise ValueError(f"{name}: found {getattr(self, name)}; give 1 to 10")

    @property
    def release(self) -> float:
        """When the apex ends."""
        return self.peak + self.hold

    def at(self, times: np.ndarray) -> np.ndarray:
        """Strength (T,) at times (T,) in seconds."""
        t = np.asarray(times, float)
        rise = s_curve((t - self.onset) / (self.peak - self.onset), self.acceleration)
        fall = s_curve((t - self.release) / (self.offset - self.release), self.deceleration)
        return self.amplitude * np.where(t < self.release, rise, 1 - fall)


def s_curve(u: np.ndarray, steepness: float) -> np.ndarray:
    """S(u; k) from 0 at u <= 0 to 1 at u >= 1, with slope k in the middle."""
    u = np.clip(u, 0, 1)
    up, down = u**steepness, (1 - u) ** steepness
    return up / (up + down)


def frame_times(seconds: float, fps: float = FPS) -> np.ndarray:
    """Times (T,) of the frames of a clip, the first at 0.

    Raises ValueError unless the clip has at least one frame, and at most an hour's.
    """
    if not (1 <= fps <= 240 and 1 <= round(seconds * fps) <= 3600 * fps):
        raise ValueError(
            f"clip: found {seconds} s at {fps} frames a second; give up to an hour at 1 to 240"
        )
    return np.arange(round(seconds * fps)) / fps


def unfold(courses: Mapping[str, Course], seconds: float, fps: float = FPS) -> np.ndarray:
    """Action weights (T, 52) of action units that run their courses.

    courses: unit -> its course; a unit is written as in a FACS code, without its letter ("12",
    "AU6", "R14"). Raises ValueError on a unit that is not known or comes twice.
    """
    times = frame_times(seconds, fps)
    strength = np.array([course.at(times) for course in courses.values()])
    frames = [facs.combine(dict(zip(courses, row, strict=True))) for row in strength.T]
    return np.array(frames) if courses else np.zeros((len(times), len(facs.ACTIONS)))


def express(emotion: str, m: float, course: Course, seconds: float, fps: float = FPS) -> np.ndarray:
    """Action weights (T, 52) of an emotion at strength m whose units all run one course."""
    return course.at(frame_times(seconds, fps))[:, None] * facs.weights(emotion, m)


def usual_course(emotion: str, seconds: float) -> Course:
    """Onset at once, apex held, and back to neutral at the end of the clip.

    Rise and fall take 0.5 and 0.7 s (half as long to rise for sudden emotions), or as large a
    share of a clip that is shorter than 1.5 s.
    """
    share = min(seconds / 1.5, 1)
    peak = (0.25 if emotion in SUDDEN else 0.5) * share
    return Course(peak=peak, hold=seconds - peak - 0.7 * share, offset=seconds)
