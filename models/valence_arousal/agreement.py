"""How far given and judged labels agree: Lindt et al. 2019, section IV-A.

x and y are vectors of the same n values, in any order of the two: every measure is symmetric.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def rmse(x: ArrayLike, y: ArrayLike) -> float:
    """Root mean squared error, in the unit of the labels."""
    x, y = _vectors(x, y)
    return float(np.sqrt(np.mean((x - y) ** 2)))


def sagr(x: ArrayLike, y: ArrayLike) -> float:
    """Share of values with the same sign, 0 to 1; the sign of 0 is 0, another one than +."""
    x, y = _vectors(x, y)
    return float(np.mean(np.sign(x) == np.sign(y)))


def ccc(x: ArrayLike, y: ArrayLike) -> float:
    """Concordance correlation, -1 to 1: 2 cov(x, y) / (var x + var y + (mean x - mean y)²).

    Two constant vectors have 1 if they are equal, else 0.
    """
    x, y = _vectors(x, y)
    apart = x.var() + y.var() + (x.mean() - y.mean()) ** 2
    if apart == 0:
        return 1.0
    return float(2 * np.mean((x - x.mean()) * (y - y.mean())) / apart)


def _vectors(x: ArrayLike, y: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Both as floats (n,).

    Raises ValueError on other shapes, and on none.
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    if x.ndim != 1 or x.shape != y.shape or not len(x):
        raise ValueError(
            f"labels of shapes {x.shape} and {y.shape}; give two vectors of one length"
        )
    return x, y
