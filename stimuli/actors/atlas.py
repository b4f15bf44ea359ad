"""Places on the face: rest coordinates that mean the same on every actor, and noise on them.

Rest coordinates (X, Y, Z) are where a point lies on the cast's mean face at rest, in studio space
(unit = distance between the eyes, origin midway between them): X to the actor's left, Y up, Z to
the front. The lips, a wrinkle or the hairline are regions of these coordinates, so they fit every
actor without being placed by hand.

The atlas is a picture over (X, Y), seen from the front, for relief finer than the mesh: freckles,
pores, stubble.
"""

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from stimuli.actors.camera import alignment, to_studio
from stimuli.actors.mesh import Matrix
from stimuli.actors.rig import DATA, load_topology

LEFT, RIGHT, BOTTOM, TOP = -1.75, 1.75, -3.3, 2.0  # what the atlas covers, in units
TEXELS = 220  # texels a unit
WIDTH, HEIGHT = round((RIGHT - LEFT) * TEXELS), round((TOP - BOTTOM) * TEXELS)


MEAN_OF = 28  # fixed, so that a cast that grows leaves every older picture as it was


@lru_cache(maxsize=1)
def mean_face(folder: Path = DATA / "rigs") -> np.ndarray:
    """Rest coordinates (V, 3) of every rig vertex: the mean over the first MEAN_OF actors."""
    eyes = [load_topology().vertices(f"eye_{side}") for side in ("left", "right")]
    total = np.zeros((load_topology().n_vertices, 3))
    paths = sorted(folder.glob("*.npz"))[:MEAN_OF]
    for path in paths:
        with np.load(path, allow_pickle=False) as file:
            base = file["base"]
        centres = np.stack([base[vertices].mean(axis=0) for vertices in eyes])
        total += to_studio(base, *alignment(centres))
    return (total / len(paths)).astype(np.float32)


@lru_cache(maxsize=1)
def grid() -> tuple[np.ndarray, np.ndarray]:
    """X and Y (HEIGHT, WIDTH) at the centres of the atlas texels; row 0 at the top."""
    x = LEFT + (np.arange(WIDTH, dtype=np.float32) + 0.5) / TEXELS
    y = TOP - (np.arange(HEIGHT, dtype=np.float32) + 0.5) / TEXELS
    return np.meshgrid(x, y)


def noise(rng: np.random.Generator, grain: float) -> np.ndarray:
    """Smooth Gaussian noise (HEIGHT, WIDTH), SD about 1; grain = size of its blobs in units."""
    step = grain * TEXELS
    if step <= 1:
        return rng.standard_normal((HEIGHT, WIDTH), np.float32)
    across, down = _spline(HEIGHT, step), _spline(WIDTH, step)
    knots = rng.standard_normal((across.shape[1], down.shape[1]), np.float32)
    fine = np.ascontiguousarray((down @ (across @ knots).T).T)
    return fine / max(float(fine.std()), 1e-6)


@lru_cache(maxsize=32)
def _spline(length: int, step: float) -> Matrix:
    """Uniform cubic B-spline through knots `step` texels apart: (length, knots) weights."""
    at = np.arange(length) / step
    first, t = at.astype(int), at - at.astype(int)
    weights = [(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3]
    rows = np.tile(np.arange(length), 4)
    columns = np.concatenate([first + k for k in range(4)])
    values = (np.concatenate(weights) / 6).astype(np.float32)
    return sparse.csr_matrix((values, (rows, columns)), shape=(length, int(first[-1]) + 4))


def smoothstep(x: Any, low: Any, high: Any) -> Any:
    """0 below low, 1 above high, a smooth S between; low > high turns it around."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def spot(x: np.ndarray, y: np.ndarray, centre: tuple[float, float], size: tuple[float, float]):
    """A soft spot on both sides of the face: exp(-((|x| - cx) / sx)^2 - ((y - cy) / sy)^2)."""
    return np.exp(-(((np.abs(x) - centre[0]) / size[0]) ** 2) - ((y - centre[1]) / size[1]) ** 2)
