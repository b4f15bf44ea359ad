"""Expressions told from where 68 points of a face lie, whatever its skin looks like.

    words = told(np.stack([aligned(face.landmarks) for face in faces]), emotions, actors)

A picture's points are brought to one place, size and slant by the corners of the eyes. A linear
discriminant (Fisher 1936, Annals of Eugenics 7, 179-188) with a pooled, shrunken covariance learns
from the pictures of all other actors, or of all other groups, what each emotion looks like, and
names this one: a face that it has never seen, without the same person's neutral face to compare.
A group whose faces show less would be named right less often, and so would one whose points the
landmark network finds less well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stimuli.faces.landmarks import LEFT_OF_PICTURE, RIGHT_OF_PICTURE

LEAST_ACTORS = 8  # with fewer there is too little to learn from
SHRINKAGE = 0.03  # share of a multiple of the identity in the covariance; .003 to .1 do as well
CORNERS = (0, 3)  # of the six points of an eye: those that lids do not move


@dataclass(frozen=True)
class Discriminant:
    """What each class looks like on average, and how the members of a class vary."""

    means: np.ndarray  # (K, F)
    precision: np.ndarray  # (F, F) inverse of the covariance within classes

    def nearest(self, features: np.ndarray) -> np.ndarray:
        """Class (N,) whose mean is least far from features (N, F), in SDs within classes."""
        weights = self.means @ self.precision  # (K, F)
        return (features @ weights.T - (weights * self.means).sum(axis=1) / 2).argmax(axis=1)


def fit(features: np.ndarray, classes: np.ndarray) -> Discriminant:
    """Learn from features (N, F) of known classes (N,), numbered from 0, each with a member."""
    means = np.stack([features[classes == k].mean(axis=0) for k in range(classes.max() + 1)])
    within = features - means[classes]
    covariance = within.T @ within / max(len(features) - len(means), 1)
    return Discriminant(means, np.linalg.inv(shrunken(covariance, SHRINKAGE)))


def shrunken(covariance: np.ndarray, share: float) -> np.ndarray:
    """A covariance (F, F) of which a share is a multiple of the identity with the same trace."""
    even = np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    return (1 - share) * covariance + share * even


def aligned(points: np.ndarray) -> np.ndarray:
    """Landmarks (68, 2) in pixels, as (136,) x, y in distances between the eyes.

    The origin is midway between the eyes, each the middle of its two corners, and the eyes are
    level; neither place, size nor slant of the face in the picture is left.
    """
    right, left = (
        points[eye][list(CORNERS)].mean(0) for eye in (LEFT_OF_PICTURE, RIGHT_OF_PICTURE)
    )
    # Dividing complex numbers turns and scales.
    moved = (points - (left + right) / 2) @ [1, 1j] / ((left - right) @ [1, 1j])
    return np.stack([moved.real, moved.imag], axis=1).ravel()


def told(features: np.ndarray, emotions: Sequence[str], apart: Sequence[str]) -> list[str]:
    """What each of N faces is called by a discriminant that learnt from the others.

    features (N, F); emotions: what each shows; apart: label of each, such as its actor: nothing
    with the same label is learnt from.
    """
    words = sorted(set(emotions))
    classes = np.array([words.index(emotion) for emotion in emotions])
    labels = np.array(apart)
    said = np.empty(len(classes), int)
    for label in sorted(set(apart)):
        mine = labels == label
        said[mine] = fit(features[~mine], classes[~mine]).nearest(features[mine])
    return [words[k] for k in said]
