"""What the independent judge sees in crops: expression, valence, landmarks, identity.

The judge is the networks of face-api.js (`stimuli.faces`), which learned from photographs and had
no part in training. In a crop the face lies where the eyes were put, so no detector is asked: the
landmark network looks at FACE.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from stimuli.actors.plane import ANCHORS
from stimuli.faces.detector import Face
from stimuli.faces.expression import WORDS, expression
from stimuli.faces.identity import descriptor
from stimuli.faces.landmarks import landmarks

# Left, top, right, bottom of the box that the detector names in the held-out actors' crops, in
# shares of the crop: the mean over those in which it finds a face.
FACE = (0.08, 0.18, 0.89, 0.93)
# Where people place each word between unpleasant (-1) and pleasant (1): Russell & Mehrabian (1977).
PLEASURE = np.array([ANCHORS[w][0][0] if w in ANCHORS else 0.0 for w in WORDS])
ACTIONS = {  # name -> what it is; all in distances between the eyes
    "mouth corners": "height of the lip corners, seen from the line between the eyes",
    "mouth width": "distance between the lip corners",
    "mouth opening": "distance between the middles of upper and lower lip, inside",
    "brows": "mean height of the brows above the line between the eyes",
    "inner brows": "height of their inner ends above it",
}

Progress = Callable[[int, int], None]  # (pictures done, all)


@dataclass(frozen=True)
class Sights:
    """What is seen in pictures of any shape (...), such as actors × emotions.

    Attributes:
        said: (..., 7) probabilities of WORDS.
        actions: (..., 5) measures of ACTIONS.
        descriptors: (..., 128), or (..., 0) where nobody asked for them.
    """

    said: np.ndarray
    actions: np.ndarray
    descriptors: np.ndarray

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

    def __init__(self) -> None:
        """Nothing seen so far."""
        self._faces: dict[bytes, Face] = {}
        self._seen: dict[bytes, tuple[np.ndarray, np.ndarray]] = {}
        self._known: dict[bytes, np.ndarray] = {}

    def see(
        self, pictures: np.ndarray, *, identity: bool = False, progress: Progress | None = None
    ) -> Sights:
        """Sights of pictures (..., S, S, 3) uint8; `identity`: with descriptors."""
        flat = pictures.reshape(-1, *pictures.shape[-3:])
        keys = [hashlib.sha256(picture.tobytes()).digest() for picture in flat]
        for done, (key, pixels) in enumerate(zip(keys, flat, strict=True), 1):
            if key not in self._seen:
                self._faces[key] = face = _face(pixels)
                said = expression(pixels, face)
                self._seen[key] = np.array([said[word] for word in WORDS]), _actions(face)
            if identity and key not in self._known:
                self._known[key] = descriptor(pixels, self._faces[key])
            if progress:
                progress(done, len(keys))
        shape = pictures.shape[:-3]
        said, actions = (
            np.stack(column).reshape(*shape, -1)
            for column in zip(*(self._seen[key] for key in keys), strict=True)
        )
        if not identity:
            return Sights(said, actions, np.empty((*shape, 0)))
        known = np.stack([self._known[key] for key in keys]).reshape(*shape, -1)
        return Sights(said, actions, known)


def _face(pixels: np.ndarray) -> Face:
    box = pixels.shape[0] * np.array(FACE)
    return Face(box, 1.0, landmarks(pixels, box))


def _actions(face: Face) -> np.ndarray:
    """The five measures."""
    points, (left, right) = face.landmarks, face.eyes
    apart, line = right[0] - left[0], (left[1] + right[1]) / 2
    corners = points[[48, 54]]
    return np.array([
        line - corners[:, 1].mean(), corners[1, 0] - corners[0, 0],
        points[66, 1] - points[62, 1],
        line - points[17:27, 1].mean(), line - points[[21, 22], 1].mean(),
    ]) / apart  # fmt: skip
