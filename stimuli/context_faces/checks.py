"""Manipulation checks: what a judge that knows no generator sees in a picture.

    neutral = Seen.of(neutral_crop)                      # once for a series of levels
    checks = manipulation_checks(shifted_crop, neutral)  # a flat dict for sidecar and manifest

The judge are the networks of stimuli/faces, trained by others on photographs. None of them took
part in training the generator, so that agreeing with it is no circle. It is no observer either: it
takes most expressions at a quarter of their strength for neutral, and says nothing of what people
would see.

Crops of faces are so tight that the detector misses many of them; every picture gets a border in
the colour of its edge first. If a picture's eyes lie where those of the neutral picture lie (as in
a series of levels), both are measured at the same place, so that only the face differs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from stimuli.actors.plane import ANCHORS
from stimuli.faces import actions
from stimuli.faces.boxes import SIDES, boxes
from stimuli.faces.detector import LEAST_SCORE, Face
from stimuli.faces.expression import WORDS, expression
from stimuli.faces.identity import SAME_PERSON, descriptor
from stimuli.faces.landmarks import landmarks
from stimuli.looks.light import grey_levels

BORDER = 0.25  # of the shorter side, on every side
SAME_PLACE = 0.2  # eyes nearer than this to the neutral ones, in their distance, are in its place

# How pleasant people find the emotion that a word names, -1 to 1: Russell & Mehrabian (1977), mean
# ratings of emotion words, as stimuli/actors/plane.py has them. Neutral is 0 by definition.
VALENCE = {"neutral": 0.0} | {word: ANCHORS[word][0][0] for word in WORDS if word in ANCHORS}

MEASURES: dict[str, str] = {
    "face_found": "whether the judge's detector finds a face",
    "face_score": "how sure the detector is of it, 0 to 1",
    **{f"p_{word}": f"probability of '{word}' by the judge's expression network" for word in WORDS},
    "valence": "expected valence, -1 to 1: the judge's probabilities times the mean valence of "
    "each emotion's word (Russell & Mehrabian, 1977)",
    **{name: f"change from the neutral picture: {said}" for name, said in actions.ACTIONS.items()},
    "identity_distance": "distance of the 128-number descriptor from the neutral picture's; up to "
    f"{SAME_PERSON:g} counts as the same person (limit of the network's author)",
    "luminance": "mean grey level (sRGB code of the relative luminance) of the whole picture",
    "contrast": "standard deviation of the grey levels of the whole picture",
}


def manipulation_checks(pixels: np.ndarray, neutral: np.ndarray | Seen | None) -> dict[str, Any]:
    """Every one of MEASURES for a picture (H, W, 3) uint8 sRGB.

    neutral: the same person at rest, a picture or, faster, what `Seen.of` made of it; None: there
    is no such picture.

    Returns:
        name -> number. Without a face `face_found` is False, and all but luminance and contrast
        are None; without a face in the neutral picture the changes and the identity distance are.

    Raises:
        UserError: the networks cannot be had.
    """
    rest = Seen.of(neutral) if isinstance(neutral, np.ndarray) else neutral
    checks: dict[str, Any] = dict.fromkeys(MEASURES)
    grey = grey_levels(pixels.astype(np.float64))
    checks |= {"face_found": False, "luminance": float(grey.mean()), "contrast": float(grey.std())}
    face = Seen.of(pixels, place=rest)
    if face is None:
        return checks
    checks |= {"face_found": True, "face_score": face.face.score, "valence": face.valence}
    checks |= {f"p_{word}": share for word, share in face.words.items()}
    if rest is not None:
        moved = actions.changes(face.measures, rest.measures)
        checks |= {name: None if np.isnan(value) else value for name, value in moved.items()}
        checks["identity_distance"] = float(np.linalg.norm(face.descriptor - rest.descriptor))
    return checks


def checked(pixels: np.ndarray, neutral: Seen | None) -> dict[str, Any]:
    """The manipulation checks of a picture, as a sidecar has them: floats with four digits."""
    checks = manipulation_checks(pixels, neutral)
    return {k: round(v, 4) if isinstance(v, float) else v for k, v in checks.items()}


@dataclass(frozen=True, eq=False)
class Seen:
    """What the judge sees in a picture with a face; each part is worked out once, when asked for.

    Attributes:
        pixels: the picture with its border (H, W, 3).
        face: the surest face, in pixels of that picture; its landmarks are steady ones.
        place: where the eyes (2, 2) are taken to be.
    """

    pixels: np.ndarray
    face: Face
    place: np.ndarray

    @staticmethod
    def of(pixels: np.ndarray, place: Seen | None = None) -> Seen | None:
        """What is seen in a picture (H, W, 3) uint8; None where no face is found.

        place: a picture in whose place the face is looked at, if its eyes are there too.
        """
        border = max(1, round(BORDER * min(pixels.shape[:2])))
        around = np.pad(pixels, ((border, border), (border, border), (0, 0)), mode="edge")
        found = _surest(around)
        if found is None:
            return None
        eyes = found.eyes
        if place is not None and place.pixels.shape == around.shape:
            gap = np.linalg.norm(place.place[1] - place.place[0])
            if np.linalg.norm(eyes - place.place, axis=1).max() < SAME_PLACE * gap:
                eyes = place.place
        points = actions.steady_landmarks(around, eyes)
        return Seen(around, Face(found.box, found.score, points), eyes)

    @cached_property
    def words(self) -> dict[str, float]:
        """Probability of each of WORDS."""
        return expression(self.pixels, self.face)

    @property
    def valence(self) -> float:
        """Expected valence, -1 to 1."""
        return expected_valence(self.words)

    @cached_property
    def measures(self) -> dict[str, float]:
        """Each of ACTIONS, before anything is subtracted."""
        return actions.measure(self.pixels, self.face.landmarks, self.place)

    @cached_property
    def descriptor(self) -> np.ndarray:
        """Who it is (128,)."""
        return descriptor(self.pixels, self.face)


def expected_valence(words: dict[str, float]) -> float:
    """Mean of VALENCE under the probabilities of words, such as an expression network gives them.

    Words without a valence count as 0.
    """
    return float(sum(share * VALENCE.get(word, 0.0) for word, share in words.items()))


def _surest(pixels: np.ndarray) -> Face | None:
    """The surest face, by the first and fastest size of the detector that finds one."""
    for side in SIDES:
        found = boxes(pixels, least_score=LEAST_SCORE, sides=[side])
        if found:
            return Face(found[0].edges, found[0].score, landmarks(pixels, found[0].edges))
    return None
