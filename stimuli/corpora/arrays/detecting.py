"""The detector that a preparation uses unless it is given another: stimuli.faces, seen twice.

The network of landmarks puts points of photographs about 3 % of the distance between the eyes too
far to the left of the picture (measured on the London faces, whose eyes were marked by hand). The
mean of a picture and its mirror image is free of that, and trembles less.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from protocols.clips import read_clips
from stimuli.corpora.arrays.given import GIVEN
from stimuli.faces import landmarks, weights
from stimuli.faces.boxes import MODEL as BOXES
from stimuli.faces.detector import Face, find_faces

NETWORKS = "@vladmandic/face-api"
OTHER_SIDE = np.array([
    *range(16, -1, -1), *range(26, 16, -1), *range(27, 31), *range(35, 30, -1),
    45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40,
    *range(54, 47, -1), *range(59, 54, -1), *range(64, 59, -1), *range(67, 64, -1),
])  # fmt: skip  # each of the 68 points in the mirror


def detect(pixels: np.ndarray) -> list[Face]:
    """Faces of a picture (H, W, 3) uint8; their landmarks are means over it and its mirror."""
    faces = find_faces(pixels)
    if not faces:
        return []
    mirror, width = np.ascontiguousarray(pixels[:, ::-1]), pixels.shape[1]
    return [
        replace(face, landmarks=(face.landmarks + _mirrored(mirror, face.box, width)) / 2)
        for face in faces
    ]


def _mirrored(mirror: np.ndarray, box: np.ndarray, width: int) -> np.ndarray:
    left, top, right, bottom = box
    points = landmarks.landmarks(mirror, np.array([width - right, top, width - left, bottom]))
    return np.stack([width - points[OTHER_SIDE, 0], points[OTHER_SIDE, 1]], -1)


def detector() -> str:
    """Name and version of the networks, for the record of a preparation."""
    recipe = json.loads((weights.RECIPE / "package.json").read_text(encoding="utf-8"))
    return f"{NETWORKS} {recipe['dependencies'][NETWORKS]}, mean with the mirror image"


def have_weights(folder: Path) -> None:
    """Fetch the weights before the work begins, if any clip of the corpus in `folder` needs them.

    Raises:
        UserError: they cannot be had, or there is no such corpus.
    """
    clips = read_clips(folder)
    seen = clips["video"].notna() | clips["image"].notna()
    known = clips["annotation"].fillna("").str.endswith(GIVEN)
    if (seen & ~known).any():
        for model in (BOXES, landmarks.MODEL):
            weights.load(model)
