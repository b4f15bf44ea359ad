"""Split-half reliability: how well the mean ratings of one half of people predict the other's.

People are dealt at random into two halves, within each counterbalanced list, so that both halves
saw every stimulus; r is the correlation of the halves' mean ratings over stimuli. Spearman-Brown's
formula 2 r / (1 + r) gives the reliability of the mean of all people: the correlation to expect
with the means of as many other people. Its square root is the *noise ceiling*: how high a model
that knew the true means would correlate with the means of these people.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

SPLITS = 1000
AT_ONCE = 100  # splits per matrix product, to bound memory


@dataclass(frozen=True)
class Halves:
    """Means over the splits; `low` and `high` hold 95 % of the splits' reliabilities.

    Attributes:
        r: correlation of the two halves.
        reliability: of the mean of all people (Spearman-Brown).
        splits: number of splits.
    """

    r: float
    reliability: float
    low: float
    high: float
    splits: int

    @property
    def ceiling(self) -> float:
        """Correlation of perfect predictions with the mean ratings; missing below zero."""
        return float(np.sqrt(self.reliability)) if self.reliability >= 0 else float("nan")


def split_half(
    ratings: pd.DataFrame, rng: np.random.Generator, splits: int = SPLITS
) -> Halves | None:
    """The reliability of mean ratings.

    Args:
        ratings: participant, stimulus_id, list and `rating`, one row per rating.
        rng: deals people into halves.
        splits: number of random splits.

    Returns:
        The mean over splits; nothing if there are fewer than four people or three stimuli, or if
        the means do not vary.
    """
    table = ratings.pivot_table(index="stimulus_id", columns="participant", values="rating")
    lists = ratings.groupby("participant")["list"].first().reindex(table.columns)
    if table.shape[0] < 3 or table.shape[1] < 4:
        return None
    groups = pd.factorize(lists)[0]
    values, there = table.fillna(0).to_numpy(float), table.notna().to_numpy(float)
    found = []
    for start in range(0, splits, AT_ONCE):
        first = deal(groups, min(AT_ONCE, splits - start), rng)  # (s, k)
        found.append(_correlations(values, there, first))
    r = np.concatenate(found)
    r = r[np.isfinite(r) & (r > -1)]
    if len(r) < splits / 2:
        return None
    reliability = 2 * r / (1 + r)
    low, high = np.quantile(reliability, [0.025, 0.975])
    return Halves(float(r.mean()), float(reliability.mean()), float(low), float(high), len(r))


def deal(groups: np.ndarray, splits: int, rng: np.random.Generator) -> np.ndarray:
    """Deal k people into halves within their groups (k,): 1 for the first half, (splits, k).

    The halves of a group of odd size differ by one; which half is larger is drawn too.
    """
    k = len(groups)
    shuffled = np.lexsort((rng.random((splits, k)), np.broadcast_to(groups, (splits, k))))
    sizes = np.bincount(groups - groups.min())
    sizes = sizes[sizes > 0]
    place = np.arange(k) - np.repeat(np.cumsum(sizes) - sizes, sizes)  # within the group
    odd = rng.integers(0, 2, (splits, len(sizes))).repeat(sizes, axis=1)
    out = np.empty((splits, k))
    np.put_along_axis(out, shuffled, ((place + odd) % 2).astype(float), axis=1)
    return out


def _correlations(values: np.ndarray, there: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Correlation of both halves' means over the stimuli that both rated, one per split."""
    n1, n2 = there @ first.T, there @ (1 - first).T  # (stimuli, splits)
    both = (n1 > 0) & (n2 > 0)
    a = np.divide(values @ first.T, n1, out=np.zeros_like(n1), where=both)
    b = np.divide(values @ (1 - first).T, n2, out=np.zeros_like(n2), where=both)
    count = np.maximum(both.sum(axis=0), 1)
    a = np.where(both, a - a.sum(axis=0) / count, 0)
    b = np.where(both, b - b.sum(axis=0) / count, 0)
    spread = np.sqrt((a**2).sum(axis=0) * (b**2).sum(axis=0))
    return np.divide((a * b).sum(axis=0), spread, out=np.full(len(spread), np.nan),
                     where=spread > 1e-12)  # fmt: skip
