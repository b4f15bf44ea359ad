"""Places on the face: rest coordinates that mean the same on every actor, and noise painted on them.

Rest coordinates (X, Y, Z) are where a point lies on the cast's mean face at rest, in studio space (unit = distance
between the eyes, origin midway between them): X to the actor's left, Y up, Z to the front. The lips, a wrinkle or the
hairline are regions of these coordinates, so they fit every actor without being placed by hand.

The atlas is a picture over (X, Y), seen from the front, for relief finer than the mesh: freckles, pores, stubble.
"""

from functools import lru_cache
from pathlib import Path

import numpy as np
from scipy import ndimage

from stimuli.actors.camera import alignment, to_studio
from stimuli.actors.rig import DATA, load_topology

LEFT, RIGHT, BOTTOM, TOP = -1.75, 1.75, -3.3, 2.0  # what the atlas covers, in units
TEXELS = 220  # texels a unit
WIDTH, HEIGHT = round((RIGHT - LEFT) * TEXELS), round((TOP - BOTTOM) * TEXELS)


@lru_cache(maxsize=1)
def mean_face(folder: Path = DATA / "rigs") -> np.ndarray:
    """Rest coordinates (V, 3) of every rig vertex: the mean over the cast, made symmetric in X by averaging."""
    eyes = [load_topology().vertices(f"eye_{side}") for side in ("left", "right")]
    total = np.zeros((load_topology().n_vertices, 3))
    paths = sorted(folder.glob("*.npz"))
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


def to_texels(rest: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Texel positions (column, row) of rest coordinates (..., 3); mirrored back beyond the edges."""
    column = (rest[..., 0] - LEFT) * TEXELS
    row = (TOP - rest[..., 1]) * TEXELS
    return _mirror(column, WIDTH), _mirror(row, HEIGHT)


def noise(rng: np.random.Generator, grain: float) -> np.ndarray:
    """Smooth Gaussian noise (HEIGHT, WIDTH), SD about 1; grain = size of its blobs in units."""
    step = max(grain * TEXELS, 1.0)
    shape = (int(np.ceil(HEIGHT / step)) + 4, int(np.ceil(WIDTH / step)) + 4)
    coarse = rng.standard_normal(shape).astype(np.float32)
    if step <= 1.0:
        return coarse[:HEIGHT, :WIDTH]
    fine = ndimage.zoom(coarse, step, order=3, mode="mirror")[:HEIGHT, :WIDTH]
    return fine / max(float(fine.std()), 1e-6)


def smoothstep(x: np.ndarray, low: float, high: float) -> np.ndarray:
    """0 below low, 1 above high, a smooth S between; low > high turns it around."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def spot(x: np.ndarray, y: np.ndarray, centre: tuple[float, float], size: tuple[float, float]):
    """A soft spot on both sides of the face: exp(-((|x| - cx) / sx)^2 - ((y - cy) / sy)^2)."""
    return np.exp(-(((np.abs(x) - centre[0]) / size[0]) ** 2) - ((y - centre[1]) / size[1]) ** 2)


def _mirror(position: np.ndarray, length: int) -> np.ndarray:
    folded = np.mod(position, 2 * length)
    return np.where(folded > length, 2 * length - folded, folded).astype(np.float32)
