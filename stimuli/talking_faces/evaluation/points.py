"""Landmarks of a talking face, how far they are from those of another, and how open its mouth is.

Points are (T, 68, 2) in pixels of the crop, numbered as in `stimuli.faces.landmarks`, found by the
landmark network of face-api.js. The crop has put the eyes in their place, so it is shown the same
box in every frame, and distances are in distances between the eyes.
"""

from __future__ import annotations

import numpy as np

from stimuli.corpora.arrays.settings import ArraySettings
from stimuli.faces import landmarks as network
from stimuli.faces.actions import BOX_BELOW, BOX_HALF

BOX = 1.1  # size of the box that the network is shown, as `faces.actions` draws it
LIPS = slice(48, 68)
INNER = (np.array([61, 62, 63]), np.array([67, 66, 65]))  # upper lip, and the points below them
EYES = ArraySettings().eyes / ArraySettings().size  # (2, 2), in shares of a crop


def points_of(frames: np.ndarray) -> np.ndarray:
    """Landmarks (T, 68, 2) float32 of frames (T, S, S, 3) uint8; equal frames are asked once."""
    size = frames.shape[1]
    eyes = size * EYES
    gap, middle = size * eye_gap(), eyes.mean(0)
    centre, half = middle + [0, BOX_BELOW * gap], BOX * gap * np.array(BOX_HALF)
    box = np.concatenate([centre - half, centre + half])
    found: list[np.ndarray] = []
    for t, frame in enumerate(frames):
        same = t > 0 and np.array_equal(frame, frames[t - 1])
        found.append(found[-1] if same else network.landmarks(frame, box))
    return np.stack(found).astype(np.float32)


def eye_gap() -> float:
    """Distance between the eyes, of the crop's width."""
    return float(np.linalg.norm(EYES[1] - EYES[0]))


def nlmd(one: np.ndarray, other: np.ndarray, size: int, which: slice = slice(None)) -> float:
    """Normalised landmark distance of two videos' points (T, 68, 2): mean over frames and points.

    In distances between the eyes of a crop of `size` pixels.
    """
    apart = np.linalg.norm(one[:, which] - other[:, which], axis=2)
    return float(apart.mean() / (size * eye_gap()))


def opening(points: np.ndarray, size: int) -> np.ndarray:
    """Gap (T,) between the inner edges of the lips, in distances between the eyes."""
    upper, lower = INNER
    return (points[:, lower, 1] - points[:, upper, 1]).mean(1) / (size * eye_gap())
