"""The bootstrap over stimuli: how often each stimulus is drawn, and percentile intervals.

A statistic that is a function of sums over stimuli needs no copies of the data: its value in every
bootstrap sample follows from a matrix of counts (times, n) and one matrix product.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

TIMES = 2000
CONFIDENCE = 0.95
MOST_NUMBERS = 20_000_000  # in the matrix of counts; more stimuli get fewer samples
FEWEST_CLUSTERS = 10  # fewer identities say too little about how identities differ


def draws(
    clusters: Sequence[object] | np.ndarray, rng: np.random.Generator, times: int = TIMES
) -> np.ndarray:
    """How often each of n stimuli is drawn in each bootstrap sample, (times, n).

    Args:
        clusters: the identity of each stimulus. Whole identities are drawn, as their stimuli are
            not independent; with fewer than ten identities single stimuli are drawn.
        rng: source of the draws.
        times: number of samples; fewer for more than 10,000 stimuli, to bound memory.
    """
    _, codes = np.unique(np.asarray(clusters, dtype=str), return_inverse=True)
    times = min(times, max(200, MOST_NUMBERS // len(codes)))
    if by_identity(clusters):
        count = codes.max() + 1
        drawn = rng.multinomial(count, np.full(count, 1 / count), size=times)
        return drawn[:, codes].astype(float)
    n = len(codes)
    return rng.multinomial(n, np.full(n, 1 / n), size=times).astype(float)


def by_identity(clusters: Sequence[object] | np.ndarray) -> bool:
    """Whether whole identities are drawn, and not single stimuli."""
    return len(set(map(str, clusters))) >= FEWEST_CLUSTERS


def percentiles(values: np.ndarray, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Percentile interval of bootstrap values; missing ones (no variance in a draw) stay out."""
    found = values[np.isfinite(values)]
    if len(found) < len(values) / 2:
        return float("nan"), float("nan")
    low, high = np.quantile(found, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)
