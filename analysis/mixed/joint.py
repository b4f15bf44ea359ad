"""F tests that several contrasts of fixed effects are zero together.

Satterthwaite: Fai & Cornelius (1996), "Approximate F-tests of multiple degree of freedom hypotheses
in generalized least squares analyses of unbalanced split-plot experiments", as in lmerTest's
`contestMD`: the contrasts are turned into independent t tests, whose degrees of freedom give that
of F. Kenward-Roger: the scaled F of `analysis.mixed.kenward_roger`. Models without degrees of
freedom (binomial, ordinal) get Wald's chi-squared over its degrees of freedom.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from analysis.mixed.fit import Fit

RANK = 1e-8  # share of the largest eigenvalue below which a contrast adds nothing


class Joint(NamedTuple):
    """F, its degrees of freedom (numerator, denominator), and p."""

    f: float
    numerator: int
    denominator: float
    p: float


def joint_test(fit: Fit | Any, contrasts: np.ndarray) -> Joint:
    """Test that all `contrasts` (c, p) are zero; those that others imply add nothing."""
    values, vectors = np.linalg.eigh(contrasts @ fit.covariance @ contrasts.T)
    kept = values > RANK * values.max()
    rows = vectors[:, kept].T @ contrasts  # independent (q, p)
    q = len(rows)
    estimates = rows @ np.asarray(fit.beta)
    f = float(np.mean(estimates**2 / values[kept]))
    adjusted = getattr(fit, "kenward_roger", None)
    if adjusted is not None:
        scale, df = adjusted.scale_and_df(rows / fit.scale)
        f *= scale
    else:
        df = _denominator(np.array([fit.contrast(row).df for row in rows]))
    p = stats.f.sf(f, q, df) if np.isfinite(df) else stats.chi2.sf(f * q, q)
    return Joint(f, q, df, float(p))


def _denominator(df: np.ndarray) -> float:
    """The df at which an F has the expectation of the mean of squared t (q,)."""
    q = len(df)
    if q == 1 or not np.isfinite(df).all() or np.ptp(df) < 1e-8:
        return float(df.mean())
    if (df <= 2).any():
        return 2.0
    expected = float(np.sum(df / (df - 2)))
    return 2 * expected / (expected - q)
