"""A second judge, who sees nothing but where 68 points of a face lie (stimuli.faces.geometry).

The first judge learned from photographs, takes weak expressions for neutral, and is unsure of some
that are drawn: not even true pictures lead it evenly from m = 0 to 1. This one learned from true
pictures of mien's actors 01 to 28, and from no network's pictures:

    words    the nearest mean of seven (Fisher 1936), as `geometry.told`
    valence  linear in the points (ridge regression) on m times the pleasure of the emotion's word

What skin shows, furrows and teeth, it does not see.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stimuli.context_faces.checks import VALENCE
from stimuli.context_faces.evaluation.held_out import BETWEEN, GRADED, Drawn
from stimuli.context_faces.evaluation.judging import Judge, Progress, Sights
from stimuli.context_faces.evaluation.reconstruction import TRUE
from stimuli.context_faces.poses import EMOTIONS
from stimuli.faces.expression import WORDS
from stimuli.faces.geometry import SHRINKAGE, Discriminant, fit, shrunken


@dataclass(frozen=True)
class ByShape(Sights):
    """Sights whose words and valence are the second judge's; said are 0 and 1."""

    felt: np.ndarray  # valence, (...)

    @property
    def valence(self) -> np.ndarray:
        """As the points have it, (...); -1 to 1 but for extremes."""
        return self.felt


@dataclass(frozen=True)
class ShapeJudge:
    """What points (136,) say.

    Attributes:
        classes: of WORDS.
        centre, slope: (136,); valence = level + slope · (points - centre).
        level: mean valence of what it learned from.
    """

    classes: Discriminant
    centre: np.ndarray
    slope: np.ndarray
    level: float

    @staticmethod
    def of(known: Drawn, judge: Judge, progress: Progress | None = None) -> ShapeJudge:
        """Learns from true pictures of A actors; `judge` finds their points."""
        full = judge.see(known.faces, progress=progress).points  # (A, E, 136)
        graded = judge.see(known.graded, progress=progress).points  # (A, 2, 3, 136)
        return learned(full, graded)

    def look(self, seen: Sights) -> ByShape:
        """What it makes of pictures whose points are known."""
        flat = seen.points.reshape(-1, seen.points.shape[-1])
        said = np.eye(len(WORDS))[self.classes.nearest(flat)]
        felt = self.level + (seen.points - self.centre) @ self.slope
        shape = seen.points.shape[:-1]
        return ByShape(said.reshape(*shape, -1), seen.actions, seen.descriptors, seen.points, felt)


def learned(full: np.ndarray, graded: np.ndarray) -> ShapeJudge:
    """From points of A actors: (A, E, F) in EMOTIONS, (A, 2, 3, F) at GRADED × BETWEEN."""
    actors, features = len(full), full.shape[-1]
    pleasure = np.array([VALENCE[emotion] for emotion in EMOTIONS])
    between = np.outer([VALENCE[emotion] for emotion in GRADED], BETWEEN)
    x = np.concatenate([full.reshape(-1, features), graded.reshape(-1, features)])
    y = np.concatenate([np.tile(pleasure, actors), np.tile(between.ravel(), actors)])
    centre, level = x.mean(0), float(y.mean())
    together = (x - centre).T @ (y - level) / (len(x) - 1)
    spread = shrunken(np.cov(x.T), SHRINKAGE)
    classes = fit(full.reshape(-1, features), np.tile(TRUE, actors))
    return ShapeJudge(classes, centre, np.linalg.solve(spread, together), level)
