"""A search for the theta of least deviance, with exact derivatives, that sees through the boundary.

Quasi-Newton steps (L-BFGS; Nocedal & Wright 2006, algorithm 7.5) are free to make the diagonals of
the triangles T negative: only S = T T' counts, so a bound at zero would be a wall of our own making
where searches get stuck. Where variances are zero the slope in theta can vanish although the
deviance falls beyond. So the search also looks at the slope K of the deviance in S itself. At a
minimum K S = 0, and no direction w, among those in which S is zero, has w'Kw < 0; else the search
goes on from a better S.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from scipy import optimize

from analysis.mixed.deviance import Deviance

OUT_OF_REACH = 1e12  # the deviance where a Cholesky factor fails
FLAT_VARIANCE = 1e-6  # share of the largest variance below which a direction counts as zero
NOTHING = 1e-12  # share below which it is
STEEP = 1e-2  # a slope that could still lower the deviance to a degree that matters
LEAST_GAIN = 1e-6  # in deviance, for which a search goes on
ESCAPES = 10
LEAST_CURVED = 1e-4  # share of the largest curvature below which a direction counts as this
ROUNDING = 1e-14  # of a deviance; smaller gains are noise
LEAST_SLOPE = 1e-5  # at which a search ends
NEAR = 1e-2  # slope at which a guided search, which only confirms another, may end
FIRST_STEPS = (0.3, 0.1, 0.03, 0.01, 1e-3, 1e-4, 1e-5, 1e-6)


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
    return _theta(moved)


def descend(
    deviance: Deviance, theta: np.ndarray, curvature: np.ndarray | None = None
) -> tuple[np.ndarray, float]:
    """The local minimum below `theta`, and its deviance; few steps if `curvature` is known."""
    found = _quasi_newton(deviance, theta, curvature)
    for _ in range(ESCAPES):
        better = _beyond_the_boundary(deviance, *found)
        if better is None:
            break
        found = _quasi_newton(deviance, better)
    theta = canonical(deviance, found[0])
    return theta, deviance(theta)


def canonical(deviance: Deviance, theta: np.ndarray) -> np.ndarray:
    """The theta of the same covariances without negative diagonals; unique if S is singular too."""
    triangles = []
    for triangle in deviance.triangles(theta):
        if _null(triangle).shape[1]:
            triangles.append(lower_triangle(triangle @ triangle.T))
        else:
            triangles.append(triangle * np.where(np.diag(triangle) < 0, -1.0, 1.0))
    return _theta(triangles)


def _quasi_newton(
    deviance: Deviance, theta: np.ndarray, curvature: np.ndarray | None = None
) -> tuple[np.ndarray, float]:
    offset, root = deviance(theta), _root(deviance, curvature)
    noise = ROUNDING * max(1.0, abs(offset))
    least = max(LEAST_SLOPE, noise**0.5)
    if curvature is not None:  # L-BFGS-B first tries a step of length one: make it Newton's
        length = max(1.0, float(np.linalg.norm(root.T @ deviance.gradient(theta))))
        root, least = root * length, NEAR * length

    def value(step: np.ndarray) -> tuple[float, np.ndarray]:
        at = theta + root @ step
        try:
            return deviance(at) - offset, root.T @ deviance.gradient(at)
        except np.linalg.LinAlgError:
            return OUT_OF_REACH, np.zeros_like(at)

    done = optimize.minimize(
        value, np.zeros_like(theta), jac=True, method="L-BFGS-B",
        options={"maxiter": 2000, "maxfun": 4000, "ftol": noise, "gtol": least, "maxcor": 20},
    )  # fmt: skip
    return theta + root @ done.x, float(done.fun) + offset


def _root(deviance: Deviance, curvature: np.ndarray | None) -> np.ndarray:
    """Units of theta (parameters, parameters) in which the deviance is about round."""
    if curvature is None:  # about as curved as there are levels
        sizes = zip(deviance.sizes, deviance.counts, strict=True)
        return np.diag(np.concatenate([np.full(k * (k + 1) // 2, m**-0.5) for k, m in sizes]))
    values, vectors = np.linalg.eigh(curvature)
    return vectors / np.sqrt(values.clip(min=max(LEAST_CURVED * values[-1], 1.0)))


def _beyond_the_boundary(deviance: Deviance, theta: np.ndarray, least: float) -> np.ndarray | None:
    """A theta with lower deviance, if S is singular and there is one nearby."""
    for moves in _downhill(deviance, theta):
        for step in FIRST_STEPS:
            there = _theta([lower_triangle(covariance) for covariance in moves(step)])
            if deviance(there) < least - LEAST_GAIN:
                return there
    return None


def _downhill(
    deviance: Deviance, theta: np.ndarray
) -> Iterator[Callable[[float], list[np.ndarray]]]:
    """Ways to change the S of all terms by a step, along which the deviance falls."""
    triangles = deviance.triangles(theta)
    nulls = [_null(triangle) for triangle in triangles]
    if not any(null.shape[1] for null in nulls):
        return
    curvatures = deviance.curvatures(theta)
    slopes = [k @ t for k, t in zip(curvatures, triangles, strict=True)]  # zero at a minimum
    if max(np.abs(slope).max() for slope in slopes) > STEEP:
        size = sum(np.sum(slope**2) for slope in slopes)

        def along(step: float) -> list[np.ndarray]:
            moved = [
                t - step / np.sqrt(size) * slope for t, slope in zip(triangles, slopes, strict=True)
            ]
            return [t @ t.T for t in moved]

        yield along
    for t, null in enumerate(nulls):
        if null.shape[1] == 0:
            continue
        values, within = np.linalg.eigh(null.T @ curvatures[t] @ null)
        if values[0] < -STEEP:
            direction = null @ within[:, 0]

            def up(step: float, t: int = t, direction: np.ndarray = direction) -> list[np.ndarray]:
                covariances = [triangle @ triangle.T for triangle in triangles]
                covariances[t] = covariances[t] + step * np.outer(direction, direction)
                return covariances

            yield up


def _null(triangle: np.ndarray) -> np.ndarray:
    """The directions (k, c) in which T T' is zero."""
    values, vectors = np.linalg.eigh(triangle @ triangle.T)
    return vectors[:, values <= FLAT_VARIANCE * max(1.0, values[-1])]


def _theta(triangles: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([t[np.tril_indices(len(t))] for t in triangles])


def lower_triangle(covariance: np.ndarray) -> np.ndarray:
    """T with T T' = `covariance` (k, k), which may be singular; its diagonal is not negative.

    If the rank is r, all columns after the first r are zero.
    """
    values, vectors = np.linalg.eigh(covariance)
    values[values < NOTHING * max(1.0, values[-1])] = 0
    root = (vectors * np.sqrt(values))[:, ::-1]  # largest first
    triangle = np.asarray(np.linalg.qr(root.T, mode="r")).T
    return np.tril(triangle * np.where(np.diag(triangle) < 0, -1.0, 1.0))
