"""Teeth and tongue: two rows of single teeth on an arch, gums, and the dark behind them.

Teeth are made once in rest coordinates (see atlas.py) and carried by the rig's own teeth: the
affine map that best moves the rig's resting teeth to its posed teeth moves ours. Widths after
Wheeler's dental anatomy, in units.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.interpolate import CubicSpline

from stimuli.actors.atlas import mean_face
from stimuli.actors.mesh import dot
from stimuli.actors.rig import load_topology

UPPER = (0.135, 0.105, 0.120, 0.112, 0.106, 0.160)  # central incisor to molar
LOWER = (0.086, 0.094, 0.110, 0.112, 0.112, 0.170)
LENGTH = {
    "upper": (0.165, 0.145, 0.160, 0.135, 0.125, 0.115),
    "lower": (0.14, 0.145, 0.15, 0.13, 0.12, 0.11),
}
# X, Z of the biting edge from the middle backwards, and its Y, about the centre of the rig's teeth
ARCH = {
    "upper": (
        (0, 0.400), (0.160, 0.388), (0.316, 0.302), (0.404, 0.180), (0.461, 0.045),
        (0.514, -0.095), (0.541, -0.205), (0.572, -0.310), (0.578, -0.425),
    ),
    "lower": (
        (0, 0.402), (0.162, 0.394), (0.320, 0.314), (0.405, 0.192), (0.466, 0.058),
        (0.517, -0.080), (0.538, -0.188), (0.564, -0.296), (0.581, -0.412),
    ),
}  # fmt: skip
EDGE = {"upper": -0.205, "lower": 0.062}
ENAMEL = (0.78, 0.72, 0.62)
GUM = (0.34, 0.115, 0.105)
ACROSS, DOWN = 9, 12  # vertices a tooth


@dataclass(frozen=True)
class Teeth:
    """One row: rest vertices (V, 3), quads, albedo (V, 3), and the rig vertices that carry it."""

    rest: np.ndarray
    quads: np.ndarray
    albedo: np.ndarray
    carriers: np.ndarray  # rig vertices
    solve: np.ndarray  # (4, C): least-squares affine map from the carriers

    def follow(self, rig_points: np.ndarray) -> np.ndarray:
        """Vertices (V, 3) in studio space from posed rig vertices in studio space."""
        affine = dot(self.solve, rig_points[self.carriers].astype(np.float64))  # (4, 3)
        ones = np.ones((len(self.rest), 1))
        return dot(np.hstack([self.rest, ones]), affine).astype(np.float32)


@lru_cache(maxsize=2)
def teeth(row: str) -> Teeth:
    """The `upper` or `lower` row of teeth."""
    carriers = load_topology().vertices(f"teeth_{row}")
    at_rest = mean_face()[carriers].astype(np.float64)
    homogeneous = np.hstack([at_rest, np.ones((len(carriers), 1))])
    points, albedo, quads = [], [], []
    for side in (1, -1):
        start = 0.0
        for width, length in zip(UPPER if row == "upper" else LOWER, LENGTH[row], strict=True):
            p, a = _tooth(row, start, width, length)
            start += width
            count = sum(len(q) for q in points)
            corner = np.arange(ACROSS * DOWN).reshape(DOWN, ACROSS)
            quad = np.stack(
                [corner[1:, :-1], corner[1:, 1:], corner[:-1, 1:], corner[:-1, :-1]], axis=-1
            ).reshape(-1, 4)
            outside = (side == 1) == (row == "upper")
            quads.append((quad if outside else quad[:, ::-1]) + count)
            points.append(p * [side, 1, 1] + at_rest.mean(axis=0))
            albedo.append(a)
    return Teeth(
        np.concatenate(points),
        np.concatenate(quads),
        np.concatenate(albedo).astype(np.float32),
        carriers,
        np.linalg.pinv(homogeneous),
    )


def _tooth(row: str, start: float, width: float, length: float) -> tuple[np.ndarray, np.ndarray]:
    """One tooth of the left side: points from gum (first row) to biting edge, and albedo."""
    u, v = np.meshgrid(np.linspace(-1, 1, ACROSS), np.linspace(0, 1, DOWN))
    up = 1.0 if row == "upper" else -1.0
    gum_line = 0.34 + 0.10 * u**2  # share of the height that is gum, scalloped
    enamel = np.clip((v - gum_line) / 0.06, 0, 1)
    slim = np.where(v > 0.42, 1 - 0.06 * (1 - np.clip((v - 0.42) / 0.4, 0, 1)), 1.0)
    arc = start + width / 2 + u * width / 2 * (0.99 * slim * enamel + (1 - enamel))
    total = 1.55 * length
    corner = 0.035 * length * np.abs(u) ** 3  # rounded corners of the edge
    y = EDGE[row] + up * (total * (1 - v) + corner * (v > 0.9) * 4)
    x, z, nx, nz = _arch(row, arc)
    bulge = 0.020 * np.sin(np.clip((v - 0.3) / 0.7, 0, 1) * np.pi * 0.80) * enamel
    bulge -= 0.013 * np.abs(u) ** 5 * enamel  # teeth round off towards their neighbours
    bulge -= 0.035 * np.clip((v - 0.93) / 0.07, 0, 1)
    bulge += 0.010 * (1 - enamel)
    points = np.stack([x + nx * bulge, y, z + nz * bulge], axis=-1).reshape(-1, 3)
    back = np.clip(arc / 0.75, 0, 1)[..., None]  # canines and molars are yellower
    enamel_rgb = np.array(ENAMEL) * (1 - back * [0.08, 0.13, 0.22])
    enamel_rgb = enamel_rgb * (1 - 0.10 * np.clip(1 - (v - 0.35) / 0.25, 0, 1))[..., None]
    gap = 1 - 0.38 * np.abs(u[..., None]) ** 14
    colour = np.array(GUM) * (1 - enamel[..., None]) + enamel_rgb * gap * enamel[..., None]
    return points, colour.reshape(-1, 3)


def _arch(row: str, arc: np.ndarray):
    """X, Z and outward normal (x, z) of the arch at arc length from the middle."""
    half = np.array(ARCH[row])
    knots = np.concatenate([half[:0:-1] * [-1, 1], half])
    length = np.hypot(*np.diff(knots, axis=0).T).cumsum()
    length = np.concatenate([[0], length]) - length[len(half) - 2]
    curve = CubicSpline(length, knots)
    (x, z), (dx, dz) = np.moveaxis(curve(arc), -1, 0), np.moveaxis(curve(arc, 1), -1, 0)
    norm = np.hypot(dx, dz)
    return x, z, -dz / norm, dx / norm
