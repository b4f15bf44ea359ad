"""Degrees of freedom after Satterthwaite for any contrast of fixed effects.

Kuznetsova, Brockhoff & Christensen (2017), "lmerTest package: Tests in linear mixed effects
models", Journal of Statistical Software 82(13), section 2. For a contrast L beta,

    df = 2 (L C L')^2 / (g' A g)

C (p, p) covariance of the fixed effects, A = 2 H^-1 covariance of the variance parameters
(theta, sigma), H second derivatives of the deviance, g first derivatives of L C L', all at the
estimate. Derivatives are central differences, extrapolated once (Richardson).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from analysis.mixed.deviance import Deviance

SECOND_STEP, FIRST_STEP = 4e-4, 1e-5  # relative steps of the finite differences
LEAST_STEP_OF = 0.1  # steps are relative to the parameter, but to no less than this
FLAT = 1e-8  # directions of less than this share of the largest curvature say nothing
WITHIN_REACH = 1e-3  # a fit that could lower its deviance by more has not converged


class Satterthwaite:
    """Covariance C of the fixed effects, and the degrees of freedom of any contrast."""

    def __init__(self, deviance: Deviance, theta: np.ndarray, sigma: float) -> None:
        """Take the derivatives at the estimate."""
        at = np.append(theta, sigma)
        size = np.maximum(np.abs(at), LEAST_STEP_OF)
        self.covariance = deviance.covariance(theta, sigma)
        curvature = _hessian(lambda v: deviance.full(v[:-1], v[-1]), at, SECOND_STEP * size)
        values, vectors = np.linalg.eigh(curvature)
        self.lowest_curvature = float(values[0] / max(values[-1], 1e-300))
        kept = values > FLAT * max(1.0, values[-1])
        self.parameter_covariance = (vectors[:, kept] * (2 / values[kept])) @ vectors[:, kept].T
        self.derivatives = _gradient(
            lambda v: deviance.covariance(v[:-1], v[-1]), at, FIRST_STEP * size
        )  # (parameters, p, p)
        slope = _gradient(lambda v: deviance.full(v[:-1], v[-1]), at, FIRST_STEP * size)
        slope[:-1][theta == 0] = 0  # on the boundary the slope need not vanish
        self.reachable = float(slope @ self.parameter_covariance @ slope / 4)

    @property
    def converged(self) -> bool:
        """Whether the estimate is a minimum of the deviance, as far as derivatives tell."""
        return self.reachable < WITHIN_REACH and self.lowest_curvature > -1e-4

    def df(self, contrast: np.ndarray) -> float:
        """Degrees of freedom of `contrast` (p,)."""
        variance = contrast @ self.covariance @ contrast
        g = contrast @ self.derivatives @ contrast  # (parameters,)
        return float(2 * variance**2 / (g @ self.parameter_covariance @ g))


def _hessian(f: Callable[[np.ndarray], float], at: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Second derivatives of a scalar function."""
    return (4 * _second_differences(f, at, step) - _second_differences(f, at, 2 * step)) / 3


def _second_differences(
    f: Callable[[np.ndarray], float], at: np.ndarray, step: np.ndarray
) -> np.ndarray:
    n, centre, unit = len(at), f(at), np.diag(step)
    out = np.empty((n, n))
    for i in range(n):
        out[i, i] = (f(at + unit[i]) - 2 * centre + f(at - unit[i])) / step[i] ** 2
        for j in range(i):
            both, apart = unit[i] + unit[j], unit[i] - unit[j]
            cross = f(at + both) - f(at + apart) - f(at - apart) + f(at - both)
            out[i, j] = out[j, i] = cross / (4 * step[i] * step[j])
    return out


def _gradient(f: Callable[[np.ndarray], object], at: np.ndarray, step: np.ndarray) -> np.ndarray:
    """First derivatives of a scalar or matrix function, along the first axis."""

    def difference(unit: np.ndarray, h: float) -> np.ndarray:
        return (np.asarray(f(at + unit)) - np.asarray(f(at - unit))) / (2 * h)

    wide = [difference(2 * unit, 2 * h) for unit, h in zip(np.diag(step), step, strict=True)]
    near = [difference(unit, h) for unit, h in zip(np.diag(step), step, strict=True)]
    return (4 * np.array(near) - np.array(wide)) / 3
