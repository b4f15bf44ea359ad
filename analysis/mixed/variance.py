"""Where the variance of ratings comes from: shares of participants and items, ICC and R².

The variance of a random term is averaged over the ratings (Johnson 2014, equation 11), so that
slopes count as much as the design lets them. With s2_f of the fixed part, s2_r of all random terms
and s2_e of residuals (Nakagawa, Johnson & Schielzeth 2017):

    adjusted ICC = s2_r / (s2_r + s2_e),        unadjusted ICC = s2_r / (s2_f + s2_r + s2_e)

In binomial and ordinal models all are of the latent scale, where s2_e = pi^2 / 3.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.mixed.design import RandomTerm
from analysis.mixed.fit import Fit
from analysis.mixed.general import LOGISTIC_VARIANCE, GeneralFit


def group_variances(fit: Fit | GeneralFit) -> dict[str, float]:
    """Grouping factor -> variance that its random effects give a rating, on average."""
    found = dict.fromkeys(fit.groups, 0.0)
    for term, triangle in zip(fit.design.random, fit.triangles, strict=True):
        moments = _moments(term.z)
        found[term.group] += fit.sigma**2 * float(np.sum((moments @ triangle) * triangle))
    return found


def intraclass(fit: Fit | GeneralFit) -> pd.DataFrame:
    """Intraclass correlations: measure, group, value.

    `adjusted` and `unadjusted` of all groups together, and each group's share of s2_r + s2_e: the
    correlation of two ratings that have only this group in common.
    """
    groups = group_variances(fit)
    among, fixed = sum(groups.values()), float(np.var(fit.fixed_part, ddof=1))
    total = among + (fit.sigma**2 if isinstance(fit, Fit) else LOGISTIC_VARIANCE)
    rows = [("adjusted", "all", among / total), ("unadjusted", "all", among / (total + fixed))]
    rows += [("share", group, found / total) for group, found in groups.items()]
    return pd.DataFrame(rows, columns=["measure", "group", "value"])


def total_sd_error(fit: Fit) -> float:
    """Standard error of `fit.total_sd`, from the covariance of the variance parameters.

    With v = sigma^2 (1 + sum_t tr(T' M T)), T (k, k) the triangle and M = Z'Z / n of term t, the
    derivatives are 2 sigma^2 M T by T and 2 v / sigma by sigma (delta method).
    """
    slopes = []
    for term, triangle in zip(fit.design.random, fit.triangles, strict=True):
        moments, size = _scaled(term, triangle)
        slope = 2 * fit.sigma**2 * moments @ size
        slopes.append(slope[np.tril_indices(len(slope))])
    variance = fit.total_sd**2
    g = np.concatenate([*slopes, [2 * variance / fit.sigma]])
    error = np.sqrt(max(float(g @ fit.satterthwaite.parameter_covariance @ g), 0.0))
    return error / (2 * fit.total_sd)


def _scaled(term: RandomTerm, triangle: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """M and T for columns of unit size, in which the variance parameters were estimated."""
    size = np.sqrt(np.mean(term.z**2, axis=0))
    size = np.where(size > 0, size, 1.0)
    return _moments(term.z / size), triangle * size[:, None]


def _moments(z: np.ndarray) -> np.ndarray:
    return z.T @ z / len(z)
