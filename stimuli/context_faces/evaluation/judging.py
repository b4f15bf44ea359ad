"""What the independent judge sees in crops: expression, valence, facial actions, identity.

The judge is that of the manipulation checks (`context_faces.checks`), whose networks learned from
photographs and had no part in training. In a crop of mien the eyes lie where they were put, so no
detector is asked where the face is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from stimuli.context_faces.checks import BORDER, VALENCE, Seen
from stimuli.corpora.arrays.settings import ArraySettings
from stimuli.faces.actions import ACTIONS as MEASURED
from stimuli.faces.actions import steady_landmarks
from stimuli.faces.detector import Face
from stimuli.faces.expression import WORDS
from stimuli.faces.geometry import aligned
from stimuli.processes import in_processes

ACTIONS = tuple(name for name in MEASURED if name != "eyes_open")  # in distances between the eyes
PLEASURE = np.array([VALENCE[word] for word in WORDS])
EYES = ArraySettings().eyes / ArraySettings().size  # (2, 2), in shares of a crop

Progress = Callable[[int, int], None]  # (pictures done, all)


@dataclass(frozen=True)
class Sights:
    """What is seen in pictures of any shape (...), such as actors × emotions.

    Attributes:
        said: (..., 7) probabilities of WORDS.
        actions: (..., 7), measures of ACTIONS.
        descriptors: (..., 128), or (..., 0) where nobody asked for them.
        points: (..., 136), landmarks as `geometry.aligned` has them.
    """

    said: np.ndarray
    actions: np.ndarray
    descriptors: np.ndarray
    points: np.ndarray

    @property
    def word(self) -> np.ndarray:
        """Row of WORDS that is likeliest, (...)."""
        return self.said.argmax(-1)

    @property
    def valence(self) -> np.ndarray:
        """Expected pleasure (...), -1 to 1: probabilities times PLEASURE."""
        return self.said @ PLEASURE


class Judge:
    """Looks at pictures; one that it saw before is not looked at again."""

    def __init__(self, workers: int = 1) -> None:
        """Nothing seen so far; `workers` processes look."""
        self.workers = workers
        self._said: dict[bytes, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}
        self._known: dict[bytes, np.ndarray] = {}

    def see(
        self, pictures: np.ndarray, *, identity: bool = False, progress: Progress | None = None
    ) -> Sights:
        """Sights of pictures (..., S, S, 3) uint8; `identity`: with descriptors."""
        flat = pictures.reshape(-1, *pictures.shape[-3:])
        keys = [hashlib.sha256(picture.tobytes()).digest() for picture in flat]
        before = self._known if identity else self._said
        new = {key: pixels for key, pixels in zip(keys, flat, strict=True) if key not in before}
        work = look_and_know if identity else look_at
        seen = in_processes(work, list(new.values()), self.workers)
        for done, (key, (said, measures, points, known)) in enumerate(
            zip(new, seen, strict=True), 1
        ):
            self._said[key] = said, measures, points
            if identity:
                self._known[key] = known
            if progress:
                progress(done, len(new))
        shape = pictures.shape[:-3]
        said, actions, points = (
            np.stack(column).reshape(*shape, -1)
            for column in zip(*(self._said[key] for key in keys), strict=True)
        )
        if not identity:
            return Sights(said, actions, np.empty((*shape, 0)), points)
        known = np.stack([self._known[key] for key in keys]).reshape(*shape, -1)
        return Sights(said, actions, known, points)


Looked = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def look_at(crop: np.ndarray) -> Looked:
    """Probabilities of WORDS (7,), measures of ACTIONS (7,), points (136,), and nothing (0,)."""
    return _looked(look(crop), np.empty(0))


def look_and_know(crop: np.ndarray) -> Looked:
    """The same, with the descriptor (128,) of who it is."""
    seen = look(crop)
    return _looked(seen, seen.descriptor)


def _looked(seen: Seen, who: np.ndarray) -> Looked:
    said = np.array([seen.words[word] for word in WORDS])
    measures = np.array([seen.measures[name] for name in ACTIONS])
    return said, measures, aligned(seen.face.landmarks), who


def look(crop: np.ndarray) -> Seen:
    """What is seen in a crop (S, S, 3) uint8 whose eyes lie at EYES."""
    border = round(BORDER * len(crop))
    around = np.pad(crop, ((border, border), (border, border), (0, 0)), mode="edge")
    eyes = len(crop) * EYES + border
    box = border + len(crop) * np.array([0.0, 0.0, 1.0, 1.0])
    return Seen(around, Face(box, 1.0, steady_landmarks(around, eyes)), eyes)
