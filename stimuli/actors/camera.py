"""Where everything stands in the studio, and how it falls on the picture.

Studio space: unit = the actor's own distance between the eye centres; origin midway between them; x
to the right of the picture (the actor's left), y up, z towards the viewer. Rig space is metres, x
the same, y to the back, z up. The lens is a pinhole at eye height that looks straight ahead,
DISTANCE units away (about 1.6 m), so both eyes of every actor fall on the same two points of every
picture, whatever the face does.
"""

import numpy as np

from stimuli.actors.mesh import dot

EYE_LINE = 0.485  # height of both eyes, as a share of the picture's height from its top
EYE_DISTANCE = 0.19  # distance between the eyes, as a share of the picture's width
DISTANCE = 25.0  # lens to eyes, in distances between the eyes
LENS = np.array([0.0, 0.0, DISTANCE])


def eye_pixels(size: int) -> tuple[tuple[float, float], tuple[float, float]]:
    """Centres (x, y) in pixels of the actor's left and right eye in a picture of size x size.

    The actor's left eye is on the right of the picture. Pixel centres lie at .5.
    """
    half, y = EYE_DISTANCE * size / 2, EYE_LINE * size
    return (size / 2 + half, y), (size / 2 - half, y)


def alignment(eyes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rotation with scale (3, 3) and origin (3,) that bring rig space to studio space.

    eyes (2, 3): centres of the actor's left and right eyeball in rig space, neutral face. The eyes
    become level and equally far from the lens; the head is not pitched.
    """
    across = np.asarray(eyes[0], np.float64) - eyes[1]
    distance = np.linalg.norm(across)
    x = across / distance
    up = np.array([0.0, 0.0, 1.0])
    y = up - x * (x @ up)
    y /= np.linalg.norm(y)
    z = np.cross(x, y)
    return np.stack([x, y, z]) / distance, np.asarray(eyes, np.float64).mean(axis=0)


def to_studio(points: np.ndarray, turn: np.ndarray, origin: np.ndarray) -> np.ndarray:
    """Rig points (..., 3) in metres to studio units, float32."""
    return dot(points - origin, turn.T).astype(np.float32)


def project(points: np.ndarray, size: int) -> np.ndarray:
    """Studio points (..., 3) on a size x size picture: x, y in pixels (y down), depth."""
    depth = DISTANCE - points[..., 2]
    focal = EYE_DISTANCE * size * DISTANCE
    x = size / 2 + focal * points[..., 0] / depth
    y = EYE_LINE * size - focal * points[..., 1] / depth
    return np.stack([x, y, depth], axis=-1).astype(np.float32)


def pixel_positions(depth: np.ndarray) -> np.ndarray:
    """Studio points (H, W, 3) of the pixel centres of a square picture, from their depth (H, W)."""
    size = depth.shape[0]
    centre = np.arange(size, dtype=np.float32) + 0.5
    focal = EYE_DISTANCE * size * DISTANCE
    x = (centre[None, :] - size / 2) / focal * depth
    y = (EYE_LINE * size - centre[:, None]) / focal * depth
    return np.stack([x, y, DISTANCE - depth], axis=-1).astype(np.float32)
