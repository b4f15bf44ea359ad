"""68 points of a face and its eyes, by the landmark network of face-api.js.

Points are numbered as in the 300-W data: 0-16 jaw from the left of the picture to the right, 17-26
brows, 27-35 nose, 36-41 the eye on the left of the picture, 42-47 the eye on the right, 48-67 lips.
"""

from __future__ import annotations

import numpy as np

from stimuli.faces.features import SIDE, head
from stimuli.faces.weights import load

MODEL = "face_landmark_68_model"
MIRROR = np.array(  # the point that each becomes when left and right are swapped
    [*range(16, -1, -1), *range(26, 16, -1), 27, 28, 29, 30, 35, 34, 33, 32, 31, 45, 44, 43, 42, 47,
     46, 39, 38, 37, 36, 41, 40, 54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60,
     67, 66, 65]
)  # fmt: skip
LEFT_OF_PICTURE, RIGHT_OF_PICTURE = slice(36, 42), slice(42, 48)


def landmarks(pixels: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Points (68, 2) x, y in pixels of a picture (H, W, 3) uint8, for the face within `edges`.

    edges: left, top, right, bottom of a box in pixels, as `boxes` gives them. The mean of what the
    network says of the picture and of its mirror image, so a mirrored face has mirrored points.
    """
    part, corner = cut(pixels, edges)
    mirrored = _points(np.ascontiguousarray(part[:, ::-1]))[MIRROR]
    mirrored[:, 0] = part.shape[1] - mirrored[:, 0]
    return (_points(part) + mirrored) / 2 + corner


def _points(part: np.ndarray) -> np.ndarray:
    """Points (68, 2) of a part of a picture, as the network gives them once."""
    height, width = part.shape[:2]
    longer = max(height, width)
    # The network was trained on faces shrunk corner on corner; `fitted` shrinks edge on edge, which
    # lies half a pixel of the small picture to the upper left.
    points = head(part, load(MODEL)).reshape(68, 2) + 0.5 / SIDE
    return points * longer - [(longer - width) / 2, (longer - height) / 2]


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
