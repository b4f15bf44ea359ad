"""Ratings of ordered points, with cumulative logits and free thresholds.

    P(y <= k) = F(cut_k - eta),    F(v) = 1 / (1 + exp(-v)),    cut_1 < ... < cut_(K-1)

Positive effects mean higher ratings, as in R's `ordinal::clmm`. McCullagh (1980), "Regression
models for ordinal data", Journal of the Royal Statistical Society B 42(2). With a and b the upper
and lower cut of a rating minus eta, and f = F (1 - F), the derivatives of log P by eta are short:

    l' = F(a) + F(b) - 1,    l'' = -(f(a) + f(b)),    l''' = f'(a) + f'(b),    f' = f (1 - 2 F)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, log_expit

from analysis.mixed.laplace import Rows


@dataclass(frozen=True)
class Ordinal:
    """Ratings as places y (n,) from 0 to `points` - 1; every place occurs."""

    y: np.ndarray
    points: int

    @property
    def cuts(self) -> int:
        """Number of thresholds."""
        return self.points - 1

    def _between(self, eta: np.ndarray, cuts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Upper and lower cut of every rating, minus eta; infinite at the ends of the scale."""
        edges = np.concatenate([[-np.inf], cuts, [np.inf]])
        return edges[self.y + 1] - eta, edges[self.y] - eta

    def rows(self, eta: np.ndarray, cuts: np.ndarray) -> Rows:
        """Log likelihood of every row and its derivatives by eta."""
        a, b = self._between(eta, cuts)
        upper, lower = expit(a), expit(b)
        dense_a, dense_b = upper * expit(-a), lower * expit(-b)
        log_p = log_expit(a) + log_expit(-b) + _log_gap(a, b)
        bend = -(dense_a * (1 - 2 * upper) + dense_b * (1 - 2 * lower))
        return Rows(log_p, upper + lower - 1, dense_a + dense_b, bend)

    def cut_slopes(
        self, eta: np.ndarray, cuts: np.ndarray, leverage: np.ndarray, pull: np.ndarray
    ) -> np.ndarray:
        """Slopes by the thresholds of -2 sum l + sum leverage * weight + sum pull * score."""
        a, b = self._between(eta, cuts)
        upper, lower = expit(a), expit(b)
        dense_a, dense_b = upper * expit(-a), lower * expit(-b)
        gap = np.exp(_log_gap(a, b))
        # f(a) / P and f(b) / P, without the small difference P of two numbers near 0 or 1
        share_a, share_b = expit(-a) / (expit(-b) * gap), expit(b) / (expit(a) * gap)
        by_a = -2 * share_a + leverage * dense_a * (1 - 2 * upper) + pull * dense_a
        by_b = 2 * share_b + leverage * dense_b * (1 - 2 * lower) + pull * dense_b
        at_a = np.bincount(self.y, by_a, minlength=self.points)[:-1]
        return at_a + np.bincount(self.y, by_b, minlength=self.points)[1:]


def edge_derivatives(
    a: np.ndarray, b: np.ndarray
) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """log(F(a) - F(b)), its slopes by a and b, and its curvature with the sign turned.

    With g = 1 / (exp(a - b) - 1) and h = g (1 + g) the slopes are F(-a) + g and -F(b) - g, and
    minus the second derivatives f(a) + h, -h and f(b) + h: log P is concave in both edges, which
    may be infinite.

    Returns:
        log P; (by a, by b); (by a twice, by a and b, by b twice).
    """
    with np.errstate(over="ignore"):
        g = 1 / np.expm1(a - b)
    h = g * (1 + g)
    log_p = log_expit(a) + log_expit(-b) + _log_gap(a, b)
    dense_a, dense_b = expit(a) * expit(-a), expit(b) * expit(-b)
    return log_p, (expit(-a) + g, -expit(b) - g), (dense_a + h, -h, dense_b + h)


def _log_gap(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """log(1 - exp(b - a)), of F(a) - F(b) = F(a) F(-b) (1 - exp(b - a))."""
    with np.errstate(divide="ignore"):
        return np.log(-np.expm1(b - a))
