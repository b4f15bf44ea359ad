"""Parts of a crop in which pictures are compared: the whole, the face, the mouth, the brows.

The face is the convex hull of its landmarks, reaching up to the forehead, where landmarks end at
the brows. Two pictures are compared in the face of both: a chin that falls stays inside.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw
from scipy.spatial import ConvexHull

from models.context_face.quality import Region
from stimuli.context_faces.evaluation.reconstruction import REGIONS as BOXES
from stimuli.corpora.arrays.settings import ArraySettings

WHOLE, FACE = "whole crop", "face"
REGIONS = (WHOLE, FACE, *(name for name in BOXES if name != WHOLE))
BROWS = slice(17, 27)  # of the 68 landmarks
FOREHEAD = 0.6  # height of the forehead above the brows, in distances between the eyes
FINER = 4  # a mask is drawn so many times larger


def face_mask(points: np.ndarray, size: int) -> np.ndarray:
    """Pixels (size, size) bool of the faces with landmarks (..., 68, 2) in shares of the crop."""
    low = points.reshape(-1, *points.shape[-2:])
    forehead = low[:, BROWS] - [0, FOREHEAD * ArraySettings().eye_span]
    corners = np.concatenate([low.reshape(-1, 2), forehead.reshape(-1, 2)])
    outline = corners[ConvexHull(corners).vertices] * size * FINER - 0.5
    picture = Image.new("L", (size * FINER, size * FINER))
    ImageDraw.Draw(picture).polygon([(x, y) for x, y in outline.tolist()], fill=255)
    inside = np.asarray(picture).reshape(size, FINER, size, FINER)
    return inside.mean((1, 3)) >= 128


def masks(faces: np.ndarray) -> np.ndarray:
    """Every one of REGIONS (R, P, S, S) bool, from masks of P faces (P, S, S)."""
    size = faces.shape[-1]
    found = []
    for name in REGIONS:
        if name == FACE:
            found.append(faces)
        else:
            found.append(np.broadcast_to(_box(BOXES[name], size), faces.shape))
    return np.stack(found)


def _box(region: Region, size: int) -> np.ndarray:
    inside = np.zeros((size, size), bool)
    rows = slice(round(region.top * size), round(region.bottom * size))
    inside[rows, round(region.left * size) : round(region.right * size)] = True
    return inside
