"""68 points of a face and its eyes, by the landmark network of face-api.js.

Points are numbered as in the 300-W data: 0-16 jaw from the left of the picture to the right, 17-26
brows, 27-35 nose, 36-41 the eye on the left of the picture, 42-47 the eye on the right, 48-67 lips.
"""

from __future__ import annotations

import numpy as np

from stimuli.faces.features import head
from stimuli.faces.weights import load

MODEL = "face_landmark_68_model"
LEFT_OF_PICTURE, RIGHT_OF_PICTURE = slice(36, 42), slice(42, 48)


def landmarks(pixels: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Points (68, 2) x, y in pixels of a picture (H, W, 3) uint8, for the face within `edges`.

    edges: left, top, right, bottom of a box in pixels, as `boxes` gives them.
    """
    part, corner = cut(pixels, edges)
    height, width = part.shape[:2]
    points = head(part, load(MODEL)).reshape(68, 2)  # 0 to 1 on a square around the part
    longer = max(height, width)
    return points * longer - [(longer - width) / 2, (longer - height) / 2] + corner


def eyes(points: np.ndarray) -> np.ndarray:
    """Centres (2, 2) of the eyes from landmarks (68, 2): left of the picture, then right."""
    return np.stack([points[LEFT_OF_PICTURE].mean(0), points[RIGHT_OF_PICTURE].mean(0)])


def cut(pixels: np.ndarray, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The part of a picture within a box, as far as the picture goes, and its corner (x, y)."""
    height, width = pixels.shape[:2]
    left, right = np.clip(np.floor(edges[[0, 2]]).astype(int), 0, width)
    top, bottom = np.clip(np.floor(edges[[1, 3]]).astype(int), 0, height)
    right, bottom = max(right, left + 1), max(bottom, top + 1)
    return pixels[top:bottom, left:right], np.array([left, top], float)


def around(points: np.ndarray, *, margin: float = 0.1) -> np.ndarray:
    """Edges (4,) of the box around points (N, 2), wider on each side by a share of its size."""
    low, high = points.min(0), points.max(0)
    more = (high - low) * margin
    return np.concatenate([low - more, high + more])
