"""Facial actions as they can be measured in a picture: heights, widths and gaps of a face.

    points = steady_landmarks(pixels, eyes)        # (68, 2)
    face = measure(pixels, points)                 # name of ACTIONS -> number
    changes(face, neutral)                         # what has moved

All but the eyes' opening are distances between landmarks, in distances between the eyes (`eye_gap`)
and in the frame of the line through both eyes, so that size and tilt of the head do not count.
Alone they say how a face is built; what it *does* is their difference from the same face at rest.

Two things make them steady. The landmark network answers a little differently for every box it is
shown, so it is always shown the same ones, placed by the eyes, and their mean counts. And it hardly
sees lids move (a tenth of the truth): the eyes' opening is taken from colour instead. Skin is more
colourful than white, iris and pupil of an eye; what lies in a window around an eye and is less
colourful than the cheeks is open eye.

Measured against what the meshes of the actors really do (6 emotions, 4 strengths; tests): brow
heights r = .91 to .96, mouth opening .93, corners .87 to .91, eyes .95. Brow distance has the right
sign at an eighth of the size; read it as a direction only.
"""

from __future__ import annotations

import numpy as np

from stimuli.faces import landmarks as network
from stimuli.faces.landmarks import eyes as eyes_of
from stimuli.looks.light import linear

ACTIONS = {
    "mouth_corners_up": "height of the mouth's corners above the middle of its lips (AU 12, 15)",
    "mouth_width": "distance between the mouth's corners (AU 12, 20)",
    "mouth_open": "gap between the lips (AU 25, 26, 27)",
    "brow_inner_up": "height of the brows' inner ends above the eyes (AU 1, 4)",
    "brow_outer_up": "height of the brows' outer ends above the eyes (AU 2, 4)",
    "brows_slanted": "how much higher the inner ends are than the outer ones (sad: AU 1 with 4)",
    "brow_distance": "distance between the brows (AU 4); direction only",
    "eyes_open": "share of a window around the eyes that has not the colour of skin (AU 5, 7, 43)",
}  # name -> what it is, all but the last in distances between the eyes
SIZES = (1.0, 1.1, 1.2)  # of the boxes that the landmark network is shown
BOX_BELOW, BOX_HALF = 0.69, (1.49, 1.41)  # of a box as the detector draws it: middle, half sides
WINDOW = (0.27, 0.18)  # half axes of the window around an eye
CHEEK_BELOW, CHEEK = 0.5, (0.15, 0.10)  # middle below the eye, and half sides, of a piece of cheek
LEAST_COLOUR = 3.0  # chroma of the cheeks (CIELAB) below which a picture counts as grey

# Linear sRGB -> XYZ of CIELAB, white D65 (IEC 61966-2-1)
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE = np.array([0.9505, 1.0, 1.0890])


def steady_landmarks(pixels: np.ndarray, eyes: np.ndarray) -> np.ndarray:
    """Landmarks (68, 2) of a face whose eyes (2, 2), left of the picture first, are about known."""
    middle, gap = eyes.mean(0), np.linalg.norm(eyes[1] - eyes[0])
    centre = middle + [0, BOX_BELOW * gap]
    half = gap * np.array(BOX_HALF)
    boxes = [np.concatenate([centre - size * half, centre + size * half]) for size in SIZES]
    return np.mean([network.landmarks(pixels, box) for box in boxes], axis=0)


def measure(
    pixels: np.ndarray, points: np.ndarray, eyes: np.ndarray | None = None
) -> dict[str, float]:
    """Each of ACTIONS in a picture (H, W, 3) uint8 with landmarks (68, 2).

    eyes (2, 2): where the windows around the eyes lie; default: at the landmarks. Pictures that
    are compared should have the same. `eyes_open` is NaN in grey pictures.
    """
    at = _face_frame(points)  # (68, 2): right and up, in distances between the eyes
    inner, outer = at[[20, 21, 22, 23], 1].mean(), at[[17, 18, 25, 26], 1].mean()
    found = {
        "mouth_corners_up": at[[48, 54], 1].mean() - at[[51, 57, 62, 66], 1].mean(),
        "mouth_width": at[54, 0] - at[48, 0],
        "mouth_open": at[62, 1] - at[66, 1],
        "brow_inner_up": inner,
        "brow_outer_up": outer,
        "brows_slanted": inner - outer,
        "brow_distance": at[22, 0] - at[21, 0],
        "eyes_open": open_share(pixels, eyes_of(points) if eyes is None else eyes),
    }
    return {name: float(value) for name, value in found.items()}


def changes(face: dict[str, float], neutral: dict[str, float]) -> dict[str, float]:
    """What a face does: its measures minus those of the same face at rest."""
    return {name: face[name] - neutral[name] for name in ACTIONS}


def open_share(pixels: np.ndarray, eyes: np.ndarray) -> float:
    """How much of the windows around two eyes (2, 2) is less colourful than the cheeks, 0 to 1."""
    gap = float(np.linalg.norm(eyes[1] - eyes[0]))
    chroma = _chroma(pixels)
    y, x = np.mgrid[0 : pixels.shape[0], 0 : pixels.shape[1]] + 0.5
    window = np.zeros(chroma.shape, bool)
    cheek = np.zeros(chroma.shape, bool)
    for eye_x, eye_y in eyes:
        right, down = (x - eye_x) / gap, (y - eye_y) / gap
        window |= (right / WINDOW[0]) ** 2 + (down / WINDOW[1]) ** 2 < 1
        cheek |= (abs(right) < CHEEK[0]) & (abs(down - CHEEK_BELOW) < CHEEK[1])
    if not window.any() or not cheek.any():
        return float("nan")
    skin = float(np.median(chroma[cheek]))
    if skin < LEAST_COLOUR:
        return float("nan")
    return float(np.clip((skin - chroma[window]) / skin, 0, 1).mean())


def _face_frame(points: np.ndarray) -> np.ndarray:
    """Points (N, 2) from the middle between the eyes, to the right and up, in eye distances."""
    left, right = eyes_of(points)
    gap = np.linalg.norm(right - left)
    across = (right - left) / gap
    up = np.array([across[1], -across[0]])
    return (points - (left + right) / 2) @ np.stack([across, up], 1) / gap


def _chroma(pixels: np.ndarray) -> np.ndarray:
    """Chroma (H, W) of CIELAB."""
    light = linear(pixels.astype(np.float64)) @ TO_XYZ.T / WHITE
    x, y, z = np.moveaxis(np.cbrt(light), -1, 0)  # Lab's straight piece near black is left out
    return np.hypot(500 * (x - y), 200 * (y - z))
