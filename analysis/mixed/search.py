"""A search for the theta of least deviance, with exact derivatives, that sees through the boundary.

Quasi-Newton steps (L-BFGS-B; Byrd, Lu, Nocedal & Zhu 1995) keep the diagonals of the triangles T
at zero or more. Where a variance is zero the slope in theta vanishes whether or not the deviance
falls beyond, as theta enters squared; so the search also looks at the slope K in the covariance
S = T T' itself. A minimum has no direction w, among those in which S is zero, with w'Kw < 0: if
there is one, the search goes on from S + h w w'.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import optimize

from analysis.mixed.deviance import Deviance

OUT_OF_REACH = 1e12  # the deviance where a Cholesky factor fails
FLAT_VARIANCE = 1e-6  # share of the largest variance below which a direction counts as zero
WORTHWHILE = 1e-5  # a slope in a variance smaller than this per degree of freedom is rounding
ESCAPES = 10
FTOL, GTOL = 1e-11, 1e-4
FIRST_STEPS = (1.0, 0.1, 0.01, 1e-3, 1e-4, 1e-5, 1e-6)


def start(deviance: Deviance, size: float) -> np.ndarray:
    """Every random effect with standard deviation `size` sigma and no correlations."""
    return np.concatenate([size * np.eye(k)[np.tril_indices(k)] for k in deviance.sizes])


def expected(deviance: Deviance, theta: np.ndarray) -> np.ndarray:
    """One step of the EM algorithm (Laird & Ware 1982): far from the minimum, most of the way.

    The covariance of each term becomes that of its conditional modes, spread included.
    """
    moved, variance = [], deviance.sigma(theta) ** 2
    found = zip(
        deviance.triangles(theta), deviance.scores(theta), deviance.spreads(theta), strict=True
    )
    for triangle, scores, spread in found:
        modes = scores @ triangle @ triangle.T
        covariance = modes.T @ modes / (len(modes) * variance) + spread.mean(axis=0)
        moved.append(lower_triangle(covariance))
    return np.concatenate([m[np.tril_indices(len(m))] for m in moved])


def descend(deviance: Deviance, theta: np.ndarray) -> tuple[np.ndarray, float]:
    """The local minimum below `theta`, and its deviance."""
    found = _quasi_newton(deviance, theta)
    for _ in range(ESCAPES):
        better = _beyond_the_boundary(deviance, *found)
        if better is None:
            break
        found = _quasi_newton(deviance, better)
    return found


def _quasi_newton(deviance: Deviance, theta: np.ndarray) -> tuple[np.ndarray, float]:
    offset = deviance(theta)
    unit = np.concatenate(
        [
            np.full(k * (k + 1) // 2, np.sqrt(count))
            for k, count in zip(deviance.sizes, deviance.counts, strict=True)
        ]
    )  # a deviance is about as curved as there are levels; in these units it is about round

    def value(scaled: np.ndarray) -> tuple[float, np.ndarray]:
        at = scaled / unit
        try:
            return deviance(at) - offset, deviance.gradient(at) / unit
        except np.linalg.LinAlgError:
            return OUT_OF_REACH, np.zeros_like(at)

    bounds = [(0 if on else None, None) for on in diagonal(deviance)]
    done = optimize.minimize(
        value, theta * unit, jac=True, method="L-BFGS-B", bounds=bounds,
        options={"maxiter": 2000, "maxfun": 4000, "ftol": FTOL, "gtol": GTOL, "maxcor": 20},
    )  # fmt: skip
    return done.x / unit, float(done.fun) + offset


def diagonal(deviance: Deviance) -> np.ndarray:
    """Which parameters stand on the diagonal of a triangle."""
    return np.concatenate([np.eye(k, dtype=bool)[np.tril_indices(k)] for k in deviance.sizes])


def _beyond_the_boundary(deviance: Deviance, theta: np.ndarray, least: float) -> np.ndarray | None:
    """A theta with lower deviance, if a variance that is zero should not be."""
    for t, direction in _downhill(deviance, theta):
        triangles = deviance.triangles(theta)
        covariance = triangles[t] @ triangles[t].T
        for step in FIRST_STEPS:
            trial = covariance + step * np.outer(direction, direction)
            moved = [*triangles[:t], lower_triangle(trial), *triangles[t + 1 :]]
            there = np.concatenate([m[np.tril_indices(len(m))] for m in moved])
            if deviance(there) < least - 1e-7:
                return there
    return None


def _downhill(deviance: Deviance, theta: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Per term: a direction without variance, in which the deviance falls."""
    without = {t: _null(triangle) for t, triangle in enumerate(deviance.triangles(theta))}
    without = {t: null for t, null in without.items() if null.shape[1]}
    if not without:
        return
    curvatures = deviance.curvatures(theta)
    for t, null in without.items():
        slopes, within = np.linalg.eigh(null.T @ curvatures[t] @ null)
        if slopes[0] < -WORTHWHILE * deviance.df:
            yield t, null @ within[:, 0]


def _null(triangle: np.ndarray) -> np.ndarray:
    """The directions (k, c) in which T T' is zero."""
    values, vectors = np.linalg.eigh(triangle @ triangle.T)
    return vectors[:, values <= FLAT_VARIANCE * max(1.0, values[-1])]


def lower_triangle(covariance: np.ndarray) -> np.ndarray:
    """T with T T' = `covariance` (k, k), which may be singular; its diagonal is not negative."""
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(values.clip(min=0))
    triangle = np.asarray(np.linalg.qr(root.T, mode="r")).T
    signs = np.where(np.diag(triangle) < 0, -1.0, 1.0)
    return triangle * signs
