"""A turned head: how far each point of head and neck follows, and where it goes.

A pose is (yaw, pitch, roll) in degrees: yaw to the actor's left (the right of the picture), pitch
up, roll towards the actor's left shoulder; each within +-LIMIT. What lies above a slanted plane
from chin to nape turns rigidly about the middle of the neck; below it the turn fades out, down to
the collar. The share depends on where a point lies while the actor rests, so skin, eyes, teeth,
lashes and hair stay together: space itself is turned. Studio space and units as in camera.py.
"""

import numpy as np
from numba import njit

LIMIT = 15.0  # degrees: further, cheeks and collar would show folds that nobody modelled
PIVOT = (0.0, -1.70, -1.45)  # middle of the neck, units
SLANT = 0.50  # rise of the plane towards the nape, per unit of depth
RIGID, STILL = -2.15, -3.00  # heights over the slant above which all turns, below which nothing
BACK = 12  # rounds in which turned_back comes within a hundredth of a unit

Pose = tuple[float, float, float]
AHEAD: Pose = (0.0, 0.0, 0.0)


def checked(pose) -> Pose:
    """The pose as three floats. Raises ValueError when it is none, or turns too far."""
    angles = np.asarray(pose, float)
    if angles.shape != (3,) or not np.isfinite(angles).all() or (np.abs(angles) > LIMIT).any():
        raise ValueError(
            f"head: found {np.round(angles, 2).tolist()}; give (yaw, pitch, roll) in degrees, "
            f"each from {-LIMIT:.0f} to {LIMIT:.0f}"
        )
    return tuple((angles + 0.0).tolist())


def share(points: np.ndarray) -> np.ndarray:
    """How far points (..., 3) of the resting actor follow the head: 1 rigidly, 0 not at all."""
    height = points[..., 1] + SLANT * (points[..., 2] + 0.33)
    t = np.clip((height - STILL) / (RIGID - STILL), 0, 1)
    return (t * t * (3 - 2 * t)).astype(np.float32)


def rotation(pose: Pose) -> np.ndarray:
    """The head's rotation (3, 3): roll, then pitch, then yaw, about the axes of the studio."""
    yaw, pitch, roll = np.radians(pose)
    return _about(1, yaw) @ _about(0, -pitch) @ _about(2, -roll)


def turn(points: np.ndarray, shares: np.ndarray, pose: Pose) -> np.ndarray:
    """Points (..., 3) under the pose, each about its share (...,) of the way; float32."""
    axis, angle = _axis_angle(rotation(pose))
    flat = np.ascontiguousarray(points, np.float32).reshape(-1, 3)
    pivot = np.array(PIVOT, np.float32)
    turned = _turn(flat, shares.ravel(), axis.astype(np.float32), np.float32(angle), pivot)
    return turned.reshape(points.shape)


def turned_back(points: np.ndarray, pose: Pose) -> np.ndarray:
    """Where points (..., 3) of a turned head lie while it is upright: turn() backwards; float32."""
    axis, angle = _axis_angle(rotation(pose))
    flat = np.ascontiguousarray(points, np.float32).reshape(-1, 3)
    pivot, back = np.array(PIVOT, np.float32), np.float32(-angle)
    upright = flat
    for _ in range(BACK):  # how far a point turned depends on where it came from
        upright = _turn(flat, share(upright), axis.astype(np.float32), back, pivot)
    return upright.reshape(points.shape)


def _about(axis: int, angle: float) -> np.ndarray:
    cos, sin = np.cos(angle), np.sin(angle)
    i, j = (axis + 1) % 3, (axis + 2) % 3
    matrix = np.eye(3)
    matrix[i, i], matrix[i, j], matrix[j, i], matrix[j, j] = cos, -sin, sin, cos
    return matrix


def _axis_angle(matrix: np.ndarray) -> tuple[np.ndarray, float]:
    axis = np.array([matrix[2, 1] - matrix[1, 2], matrix[0, 2] - matrix[2, 0],
                     matrix[1, 0] - matrix[0, 1]])  # fmt: skip
    sine = np.sqrt(axis @ axis)
    if sine < 1e-12:
        return np.array([0.0, 1.0, 0.0]), 0.0
    return axis / sine, float(np.arctan2(sine / 2, (np.trace(matrix) - 1) / 2))


@njit(cache=True, nogil=True)
def _turn(points, shares, axis, angle, pivot):
    """Rodrigues' rotation of each point by its share of the angle."""
    out = np.empty_like(points)
    ax, ay, az = axis[0], axis[1], axis[2]
    last, cos, sin = np.float32(-1), np.float32(1), np.float32(0)
    for n in range(points.shape[0]):
        if shares[n] == 0:  # to the bit where it was
            out[n, 0], out[n, 1], out[n, 2] = points[n, 0], points[n, 1], points[n, 2]
            continue
        if shares[n] != last:
            last = shares[n]
            cos, sin = np.cos(angle * last), np.sin(angle * last)
        x, y, z = points[n, 0] - pivot[0], points[n, 1] - pivot[1], points[n, 2] - pivot[2]
        along = (ax * x + ay * y + az * z) * (1 - cos)
        out[n, 0] = pivot[0] + x * cos + (ay * z - az * y) * sin + ax * along
        out[n, 1] = pivot[1] + y * cos + (az * x - ax * z) * sin + ay * along
        out[n, 2] = pivot[2] + z * cos + (ax * y - ay * x) * sin + az * along
    return out
