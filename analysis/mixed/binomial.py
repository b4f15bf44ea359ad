"""Answers that count as 1 or 0, with logits: log(p / (1 - p)) = eta."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from analysis.mixed.laplace import Rows


@dataclass(frozen=True)
class Binomial:
    """Bernoulli answers y (n,), each 0 or 1."""

    y: np.ndarray

    @property
    def cuts(self) -> int:
        """No thresholds."""
        return 0

    def rows(self, eta: np.ndarray, cuts: np.ndarray) -> Rows:
        """Log likelihood of every row and its derivatives by eta (McCullagh & Nelder 1989)."""
        p = expit(eta)
        weight = p * expit(-eta)
        log_p = -np.logaddexp(0, np.where(self.y > 0, -eta, eta))
        return Rows(log_p, self.y - p, weight, weight * (1 - 2 * p))

    def cut_slopes(
        self, eta: np.ndarray, cuts: np.ndarray, leverage: np.ndarray, pull: np.ndarray
    ) -> np.ndarray:
        """Nothing: there are no thresholds."""
        return np.empty(0)
