"""How well one rating per stimulus, x, predicts another, y: measures over n stimuli.

x (n,) are the model's ratings, y (n,) the mean ratings of people, in points of the scale. All
measures take `weights` (times, n), how often each stimulus counts, and give (times,) values, so
that a bootstrap is one matrix product.

=========== ==============================================================================
r, rho      correlation after Pearson, after Spearman (of mid-ranks)
ccc         2 cov(x, y) / (var x + var y + (mean x - mean y)^2)  (Lin 1989), 1 if identical
rmse        root mean squared difference, points
sagr        share of stimuli on the same side of the scale's middle (Lindt et al. 2019, IV-A)
bias        mean of x - y, points; lower, upper: bias -/+ 1.96 SD of x - y, the limits of
            agreement (Bland & Altman 1999)
slope,      regression of y on x: 1 and 0 if the model's ratings are calibrated
intercept
=========== ==============================================================================
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.raters.bootstrap import percentiles

LIMITS = 1.96  # SDs from the bias to a limit of agreement
MEASURES = ("r", "rho", "ccc", "rmse", "sagr", "bias", "lower", "upper", "slope", "intercept")


def measures(
    x: np.ndarray, y: np.ndarray, middle: float, weights: np.ndarray
) -> dict[str, np.ndarray]:
    """Every measure at once; missing where x or y does not vary."""
    n = weights.sum(axis=1)

    def mean(values: np.ndarray) -> np.ndarray:
        return weights @ values / n

    shift = middle  # moments about the middle lose no digits
    x, y = x - shift, y - shift
    mx, my = mean(x), mean(y)
    vx, vy = _at_least_zero(mean(x**2) - mx**2), _at_least_zero(mean(y**2) - my**2)
    cov = mean(x * y) - mx * my
    bias, squares = mx - my, mean((x - y) ** 2)
    sd = np.sqrt(_at_least_zero(squares - bias**2) * n / np.maximum(n - 1, 1))
    slope = _divided(cov, vx)
    return {
        "r": _divided(cov, np.sqrt(vx * vy)),
        "rho": _spearman(x, y, weights),
        "ccc": _divided(2 * cov, vx + vy + bias**2),
        "rmse": np.sqrt(squares),
        "sagr": mean((np.sign(x) == np.sign(y)).astype(float)),
        "bias": bias,
        "lower": bias - LIMITS * sd,
        "upper": bias + LIMITS * sd,
        "slope": slope,
        "intercept": my + shift - slope * (mx + shift),
    }


def with_intervals(x: np.ndarray, y: np.ndarray, middle: float, drawn: np.ndarray) -> pd.DataFrame:
    """Every measure with its 95 % interval over the bootstrap samples `drawn` (times, n)."""
    found = measures(x, y, middle, np.ones((1, len(x))))
    spread = measures(x, y, middle, drawn)
    rows = [(name, float(found[name][0]), *percentiles(spread[name])) for name in MEASURES]
    return pd.DataFrame(rows, columns=["measure", "value", "low", "high"])


def calibration(x: np.ndarray, y: np.ndarray, bins: int = 8) -> pd.DataFrame:
    """Means of stimuli with similar ratings by the model: model, people, se (of people), n.

    Bins hold about equally many stimuli; equal ratings stay in one bin.
    """
    ranks = pd.Series(x).rank(method="average", pct=True)
    codes = np.ceil(ranks * min(bins, len(np.unique(x)))).astype(int)
    grouped = pd.DataFrame({"model": x, "people": y}).groupby(codes)
    table = grouped.mean()
    table["se"] = grouped.people.sem()
    table["n"] = grouped.size()
    return table.reset_index(drop=True)


def _spearman(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Pearson's correlation of mid-ranks, each stimulus as often as its weight says."""
    a, b = _mid_ranks(x, weights), _mid_ranks(y, weights)
    n = weights.sum(axis=1, keepdims=True)
    a = a - (weights * a).sum(axis=1, keepdims=True) / n
    b = b - (weights * b).sum(axis=1, keepdims=True) / n
    spread = (weights * a**2).sum(axis=1) * (weights * b**2).sum(axis=1)
    return _divided((weights * a * b).sum(axis=1), np.sqrt(spread))


def _mid_ranks(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Mid-ranks (times, n) in each weighted sample."""
    _, codes = np.unique(values, return_inverse=True)
    order = np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[order], np.arange(codes.max() + 1))
    tied = np.add.reduceat(weights[:, order], starts, axis=1)  # (times, distinct values)
    return (np.cumsum(tied, axis=1) - tied / 2)[:, codes]


def _at_least_zero(values: np.ndarray) -> np.ndarray:
    return np.where(values > 1e-12, values, 0.0)


def _divided(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return np.divide(above, below, out=np.full(np.shape(above), np.nan), where=below > 1e-12)
