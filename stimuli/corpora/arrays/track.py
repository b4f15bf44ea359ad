"""Where the eyes are in each frame of a clip: found, bridged where missed, smoothed in time.

A detector is any function that takes pixels (H, W, 3) uint8 and gives faces with `eyes` (2, 2) and
`landmarks` (68, 2), in pixels of the picture. Where the corpus gives the eyes itself, it is not
asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from stimuli.corpora.arrays.film import Moment
from stimuli.corpora.arrays.settings import ArraySettings

POINTS = 68


class Face(Protocol):
    """What a detector says of one face."""

    @property
    def eyes(self) -> np.ndarray:
        """Centres (2, 2), left of the picture first."""
        ...

    @property
    def landmarks(self) -> np.ndarray:
        """Points (68, 2)."""
        ...


Detector = Callable[[np.ndarray], Sequence[Face]]


@dataclass(frozen=True)
class Track:
    """Eyes (T, 2, 2) and landmarks (T, 68, 2) of T frames, NaN where there are none; why not.

    `missed`: counts of frames by reason, "no face", "two faces" or "small".
    """

    eyes: np.ndarray
    landmarks: np.ndarray
    missed: dict[str, int]

    @property
    def usable(self) -> np.ndarray:
        """Which frames (T,) can be cut out."""
        return np.asarray(np.isfinite(self.eyes).all((1, 2)))


def known_track(eyes: np.ndarray) -> Track:
    """The track of eyes (T, 2, 2) that the corpus gives; no landmarks."""
    return Track(_ordered(eyes), np.full((len(eyes), POINTS, 2), np.nan), {})


def find_track(frames: Iterable[Moment], detect: Detector, settings: ArraySettings) -> Track:
    """Look for one face in each K-th frame, bridge short gaps, smooth.

    No frame is kept: a film of any length takes the same memory.
    """
    eyes, landmarks, missed = [], [], {}
    asked = 0
    for number, frame in enumerate(frames):
        face = None
        if number % settings.detect_every == 0:
            asked += 1
            face, why = the_face(detect(frame.pixels), settings)
            if face is None:
                missed[why] = missed.get(why, 0) + 1
        eyes.append(np.full((2, 2), np.nan) if face is None else _ordered(face.eyes))
        landmarks.append(
            np.full((POINTS, 2), np.nan) if face is None else np.asarray(face.landmarks, float)
        )
    if not eyes:
        return known_track(np.zeros((0, 2, 2)))
    if missed.get("two faces", 0) > settings.rivals * asked:
        eyes = [np.full((2, 2), np.nan)] * len(eyes)
    rate = (settings.rate or 25.0) / settings.every
    longest = max(settings.detect_every, 1 + round(settings.gap_s * rate))
    bridged = bridge(np.stack(eyes), longest)
    sigma = settings.smooth_s * rate
    return Track(smooth(bridged, sigma), bridge(np.stack(landmarks), longest), missed)


def the_face(faces: Sequence[Face], settings: ArraySettings) -> tuple[Face | None, str]:
    """The one face, or None and why: none, too small, or others nearly as large."""
    sizes = [float(np.linalg.norm(np.diff(_ordered(face.eyes), axis=0))) for face in faces]
    if not sizes:
        return None, "no face"
    largest = max(sizes)
    if sum(size > settings.rival * largest for size in sizes) > 1:
        return None, "two faces"
    if largest < settings.least_eyes:
        return None, "small"
    return faces[sizes.index(largest)], ""


def bridge(points: np.ndarray, longest: int) -> np.ndarray:
    """Points (T, n, 2) with gaps of NaN, at most `longest` steps from end to end, filled straight.

    A gap of k frames takes k + 1 steps. Before the first and after the last face, at most
    `longest` - 1 frames keep its place.
    """
    points = np.array(points, float)
    there = np.flatnonzero(np.isfinite(points).all((1, 2)))
    if not len(there):
        return points
    for before, after in zip(there[:-1], there[1:], strict=True):
        if 1 < after - before <= longest:
            share = np.arange(1, after - before)[:, None, None] / (after - before)
            points[before + 1 : after] = (1 - share) * points[before] + share * points[after]
    first, last = int(there[0]), int(there[-1])
    points[max(0, first - longest + 1) : first] = points[first]
    points[last + 1 : last + longest] = points[last]
    return points


def smooth(points: np.ndarray, sigma: float) -> np.ndarray:
    """Points (T, n, 2), each run without NaN smoothed with a Gaussian of `sigma` frames.

    At the ends of a run the weights of the frames that are there sum to 1.
    """
    reach = int(np.ceil(3 * sigma))
    if reach < 1:
        return points
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    out = np.array(points, float)
    usable = np.isfinite(points).all((1, 2)).astype(float)
    borders = np.flatnonzero(np.diff(usable, prepend=0, append=0))
    for start, stop in borders.reshape(-1, 2):
        run = points[start:stop].reshape(stop - start, -1)
        total = _spread(np.ones((stop - start, 1)), weights, reach)
        out[start:stop] = (_spread(run, weights, reach) / total).reshape(points[start:stop].shape)
    return out


def _spread(run: np.ndarray, weights: np.ndarray, reach: int) -> np.ndarray:
    padded = np.pad(run, ((reach, reach), (0, 0)))
    return sum(
        (weight * padded[i : i + len(run)] for i, weight in enumerate(weights)),
        start=np.zeros_like(run),
    )


def _ordered(eyes: np.ndarray) -> np.ndarray:
    """The same eyes (…, 2, 2), left of the picture first."""
    eyes = np.asarray(eyes, float)
    swapped = eyes[..., 0, 0] > eyes[..., 1, 0]
    return np.where(swapped[..., None, None], eyes[..., ::-1, :], eyes)
