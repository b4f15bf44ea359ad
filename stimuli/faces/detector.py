"""Faces in a picture: box, 68 points, eyes.

faces = find_faces(pixels)         # the surest first; [] where there is none
left, right = faces[0].eyes        # x, y in pixels, by side of the picture
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from protocols.errors import UserError
from stimuli.faces import landmarks as points
from stimuli.faces.boxes import boxes

LEAST_SCORE = 0.5  # as sure as the detector must be of a face


@dataclass(frozen=True)
class Face:
    """One face, in pixels of its picture: x to the right, y down."""

    box: np.ndarray  # (4,) left, top, right, bottom
    score: float  # 0 to 1, how sure the detector is
    landmarks: np.ndarray  # (68, 2), numbered as in landmarks.py

    @property
    def eyes(self) -> np.ndarray:
        """Centres (2, 2) of the eyes: left of the picture, then right."""
        return points.eyes(self.landmarks)


def find_faces(pixels: np.ndarray, *, least_score: float = LEAST_SCORE) -> list[Face]:
    """Faces of a picture (H, W, 3) uint8 sRGB, the surest first.

    Raises:
        UserError: the array is no such picture, or the weights cannot be had.
    """
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8 or not pixels.size:
        raise UserError(
            f"find_faces: an array {pixels.shape} {pixels.dtype} is no picture; give "
            "(H, W, 3) uint8"
        )
    return [
        Face(box.edges, box.score, points.landmarks(pixels, box.edges))
        for box in boxes(pixels, least_score=least_score)
    ]
