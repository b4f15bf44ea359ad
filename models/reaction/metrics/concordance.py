"""Concordance of generated and true reactions, channel by channel (Lin, 1989).

    CCC = 2 cov(x, y) / (var x + var y + (mean x - mean y)²), variances over n

Symbols: S samples, K truths, T frames, D channels.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

EPSILON = 1e-8  # what REACT 2024 adds below
FLAT = 1e-6  # range of a channel that does not vary: what float32 rounds away


class Concordance(NamedTuple):
    """Of each sample with each truth, mean over channels (S, K).

    Attributes:
        react2024: all channels count; one that is constant in sample or truth has 0.
        corrected: channels that are constant in the truth do not count: nothing can correlate with
            them. NaN: all of them are.
    """

    react2024: np.ndarray
    corrected: np.ndarray


def concordance(samples: np.ndarray, truths: np.ndarray) -> Concordance:
    """Compare samples (S, T, D) with truths (K, T, D)."""
    x, y = np.asarray(samples, float), np.asarray(truths, float)
    mean_x, mean_y = x.mean(1), y.mean(1)  # (S, D), (K, D)
    apart_x, apart_y = x - mean_x[:, None], y - mean_y[:, None]
    var_x, var_y = (apart_x**2).mean(1), (apart_y**2).mean(1)
    cov = np.matmul(apart_x.transpose(2, 0, 1), apart_y.transpose(2, 1, 0)) / x.shape[1]
    cov = cov.transpose(1, 2, 0)  # (S, K, D)
    below = var_x[:, None] + var_y[None] + (mean_x[:, None] - mean_y[None]) ** 2
    varies = (np.ptp(x, axis=1) > 0)[:, None] & (np.ptp(y, axis=1) > 0)[None]
    published = np.where(varies, 2 * cov / (below + EPSILON), 0.0).mean(-1)
    counts = np.ptp(y, axis=1) > FLAT  # (K, D)
    ratio = np.divide(2 * cov, below, out=np.zeros_like(cov), where=counts[None] & varies)
    many = counts.sum(-1).astype(float)
    with np.errstate(invalid="ignore"):
        defined = (ratio * counts[None]).sum(-1) / np.where(many, many, np.nan)
    return Concordance(published, defined)
