"""A plain crew-neck T-shirt: a shell over the shoulders, with a ribbed collar and soft folds.

The shell is the body's own mesh below the neckline, moved out along the skin's normals. Rest
coordinates and units as in atlas.py; `drop` is how far a point lies below the neckline.
"""

from dataclasses import dataclass

import numpy as np

from stimuli.actors.atlas import smoothstep

THICKNESS = 0.050  # units: cloth and the air under it
RIB = 0.16  # width of the collar
MARGIN = 0.22  # skin is kept this far under the cloth
FRONT, TILT = -3.02, 0.72  # height of the neckline at the throat, and its rise towards the nape


@dataclass(frozen=True)
class Shell:
    """The shirt's mesh: body vertices it lies on (S,), triangles, drop (S,), rest (S, 3)."""

    vertices: np.ndarray
    triangles: np.ndarray
    drop: np.ndarray
    rest: np.ndarray
    hidden: np.ndarray  # (body T,) bool: skin that the cloth covers for certain

    def drape(self, points: np.ndarray, normals: np.ndarray, fold: np.ndarray) -> np.ndarray:
        """Shell vertices (S, 3) over a posed body; fold (S,) moves them out further."""
        rim = smoothstep(self.drop, -0.015, 0.035)
        rib = smoothstep(self.drop, RIB + 0.02, RIB - 0.02)
        offset = THICKNESS * (rim * (0.80 + 0.35 * rib)) - 0.030 * (1 - rim) + fold
        out = points[self.vertices] + normals[self.vertices] * offset[:, None]
        return out.astype(np.float32)


def neckline(rest: np.ndarray) -> np.ndarray:
    """How far rest coordinates (..., 3) lie below the neckline; negative above it.

    The neckline is where a tilted plane meets the body: low over the breastbone, high at the nape.
    """
    height = FRONT + TILT * (-rest[..., 2] - 0.8)
    return (height - rest[..., 1]) / np.hypot(1, TILT)


def shell(rest: np.ndarray, triangles: np.ndarray) -> Shell:
    """The shirt over a body: rest (V, 3) of its vertices, triangles (T, 3)."""
    drop = neckline(rest)
    corner = drop[triangles]
    covered = (corner > -0.06).any(axis=1)
    vertices, local = np.unique(triangles[covered], return_inverse=True)
    return Shell(
        vertices.astype(np.int32),
        local.reshape(-1, 3).astype(np.int32),
        drop[vertices].astype(np.float32),
        rest[vertices],
        np.asarray((corner > MARGIN).all(axis=1)),
    )


def folds(rng: np.random.Generator, shell: Shell) -> np.ndarray:
    """Soft folds (S,) that run from the collar towards the armpits, in units."""
    x, y = shell.rest[:, 0], shell.rest[:, 1]
    total = np.zeros(len(x))
    for _ in range(6):
        side = rng.choice([-1.0, 1.0])
        slope, place = rng.uniform(0.5, 1.1), rng.uniform(-3.5, -2.8)
        wander = 0.5 * np.sin(2 * x + rng.uniform(0, 6))
        across = (y - place + slope * np.abs(x)) * 3.0 + wander
        total += 0.030 * np.exp(-(across**2)) * smoothstep(side * x, 0.3, 1.3)
    return (total * smoothstep(shell.drop, 0.2, 0.7)).astype(np.float32)
