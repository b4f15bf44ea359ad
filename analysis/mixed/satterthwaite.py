"""Degrees of freedom after Satterthwaite for any contrast of fixed effects.

Kuznetsova, Brockhoff & Christensen (2017), "lmerTest package: Tests in linear mixed effects
models", Journal of Statistical Software 82(13), section 2. For a contrast L beta,

    df = 2 (L C L')^2 / (g' A g)

C (p, p) covariance of the fixed effects, A = 2 H^-1 covariance of the variance parameters
(theta, sigma), H second derivatives of the deviance, g first derivatives of L C L', all at the
estimate. First derivatives are exact; H takes differences of them in theta.
"""

from __future__ import annotations

import numpy as np

from analysis.mixed.deviance import Deviance

FLAT = 1e-8  # directions of less than this share of the largest curvature say nothing
WITHIN_REACH = 1e-3  # a fit that could raise its log likelihood by more has not converged
CURVED_DOWN = -1e-4  # share of the largest curvature: a minimum has none that is lower


class Satterthwaite:
    """Covariance C of the fixed effects, and the degrees of freedom of any contrast.

    Attributes:
        covariance: C (p, p).
        parameter_covariance: A, of (theta, sigma).
        derivatives: of C in (theta, sigma): (parameters, p, p).
        lowest_curvature: of the deviance, as a share of the highest; below zero at a saddle.
        reachable: by how much a Newton step would raise the log likelihood.
    """

    def __init__(self, deviance: Deviance, theta: np.ndarray, sigma: float) -> None:
        """Take the derivatives at the estimate."""
        self.covariance = deviance.covariance(theta, sigma)
        self.derivatives = _derivatives(deviance, theta, sigma, self.covariance)
        slope = _slope(deviance, theta, sigma)
        curvature = _curvature(deviance, theta, sigma)
        values, vectors = np.linalg.eigh(curvature)
        self.lowest_curvature = float(values[0] / max(values[-1], 1e-300))
        kept = values > FLAT * max(1.0, values[-1])
        self.parameter_covariance = (vectors[:, kept] * (2 / values[kept])) @ vectors[:, kept].T
        self.reachable = float(slope @ self.parameter_covariance @ slope / 8)

    @property
    def converged(self) -> bool:
        """Whether the estimate is a minimum of the deviance, as far as derivatives tell."""
        return self.reachable < WITHIN_REACH and self.lowest_curvature > CURVED_DOWN

    def df(self, contrast: np.ndarray) -> float:
        """Degrees of freedom of `contrast` (p,)."""
        variance = contrast @ self.covariance @ contrast
        g = contrast @ self.derivatives @ contrast  # (parameters,)
        return float(2 * variance**2 / (g @ self.parameter_covariance @ g))


def _slope(deviance: Deviance, theta: np.ndarray, sigma: float) -> np.ndarray:
    """First derivatives of the deviance in (theta, sigma)."""
    log_det, rss = deviance.gradients(theta)
    total = deviance.at(theta).rss
    return np.append(log_det + rss / sigma**2, 2 * deviance.df / sigma - 2 * total / sigma**3)


def _curvature(deviance: Deviance, theta: np.ndarray, sigma: float) -> np.ndarray:
    """Second derivatives of the deviance in (theta, sigma)."""
    log_det, rss = deviance.changes(theta)
    _, slope = deviance.gradients(theta)
    mixed = -2 * slope[:, None] / sigma**3
    last = 6 * deviance.at(theta).rss / sigma**4 - 2 * deviance.df / sigma**2
    return np.block([[log_det + rss / sigma**2, mixed], [mixed.T, np.array([[last]])]])


def _derivatives(
    deviance: Deviance, theta: np.ndarray, sigma: float, covariance: np.ndarray
) -> np.ndarray:
    """Derivatives of C in (theta, sigma): with W = Z'V^-1 X C, dC = sum of W' dS W / sigma^2."""
    out = []
    pairs = zip(deviance.triangles(theta), deviance.columns_seen(theta), strict=True)
    for triangle, seen in pairs:
        m, k, p = seen.shape
        w = (seen @ covariance).reshape(m, k * p)
        products = (w.T @ w).reshape(k, p, k, p).transpose(0, 2, 1, 3) / sigma**2
        half = np.einsum("cb,acpq->abpq", triangle, products)  # by T[a, b]: (k, k, p, p)
        both = half + half.transpose(0, 1, 3, 2)
        out += [both[a, b] for a, b in zip(*np.tril_indices(k), strict=True)]
    out.append(2 * covariance / sigma)
    return np.array(out)
