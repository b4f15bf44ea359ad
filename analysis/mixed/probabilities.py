"""Marginal means of a binomial model as probabilities.

The marginal mean of a cell is a logit (`analysis.mixed.comparisons`); its probability is that of a
participant and an item in the middle of their distributions. The standard error follows from that
of the logit by the delta method, p (1 - p) se; the interval is that of the logit, turned into
probabilities, so that it stays between 0 and 1 (as emmeans does). The mean over all participants
and items lies nearer to 1/2 than the middle one: `population` is that mean, from the variance of
the random effects by the approximation of Zeger, Liang & Albert (1988, Biometrics 44, p. 1054).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import pandas as pd
from scipy.special import expit

from analysis.mixed.comparisons import marginal_weights
from analysis.mixed.general import GeneralFit

ATTENUATION = (16 * np.sqrt(3) / (15 * np.pi)) ** 2  # c² of a logit under normal random effects


def marginal_probabilities(
    fit: GeneralFit, by: Sequence[str], levels: Mapping[str, Sequence[object]]
) -> pd.DataFrame:
    """One row per cell of `by`: logit, probability, se, low, high (95 %), population."""
    cells, weights = _cells(fit, by, levels)
    shrink = 1 / np.sqrt(1 + ATTENUATION * fit.random_variance)
    rows = []
    for cell, row in zip(cells, weights, strict=True):
        found = fit.contrast(row)
        p = float(expit(found.value))
        low, high = (float(expit(limit)) for limit in found.interval())
        population = float(expit(found.value * shrink))
        rows.append((*cell, found.value, p, p * (1 - p) * found.se, low, high, population))
    names = [*by, "logit", "probability", "se", "low", "high", "population"]
    return pd.DataFrame(rows, columns=names)


def _cells(
    fit: GeneralFit, by: Sequence[str], levels: Mapping[str, Sequence[object]]
) -> tuple[list[tuple[str, ...]], np.ndarray]:
    """Cells and their weights (cells, p); without `by` one cell, the mean of all others."""
    if by or fit.design.formula.fixed_variables:
        names = list(by) or fit.design.formula.fixed_variables[:1]
        cells, weights = marginal_weights(cast("Any", fit), names, levels)
        return (cells, weights) if by else ([()], weights.mean(axis=0, keepdims=True))
    return [()], fit.design.rows(pd.DataFrame(index=[0]))
