"""How well a choice recognises the levels of a factor, from one confusion matrix.

Symbols: a(r, c) answers to stimuli of level r that chose option c; a(r, r) are the hits.
*Hit rate* (recall) a(r, r) / row sum. *Precision* a(r, r) / column sum. *Unbiased hit rate* of
Wagner (1993), their product: a high hit rate counts for little if the option is always chosen. Its
chance value is row sum x column sum / n^2. *F1*: harmonic mean of precision and recall.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.choices.shares import interval, resampled

DRAWS = 2000  # bootstrap samples of clusters, for unbiased hit rate, precision and F1


def recognition(
    counts: np.ndarray, levels: Sequence[str], right: Sequence[int], options: Sequence[str],
    rng: np.random.Generator,
) -> pd.DataFrame:  # fmt: skip
    """One row per level.

    Args:
        counts: (G, R, K) answers per cluster, level and option.
        levels: the R levels.
        right: place of each level's option among the K options.
        options: the K options.
        rng: for the bootstrap over clusters.

    Returns:
        Columns `level`, `option`, `n` (answers) and, each with `_low` and `_high` (95 %):
        `hit_rate` (interval of `shares`), `unbiased`, `precision`, `f1` (percentiles of the
        bootstrap); and `unbiased_chance`.
    """
    rows = counts.sum(axis=2)
    hits = interval(counts[:, np.arange(len(levels)), right], rows)
    table = pd.DataFrame({
        "level": list(levels), "option": [options[place] for place in right],
        "n": rows.sum(axis=0).astype(int), "hit_rate": hits.share, "hit_rate_low": hits.low,
        "hit_rate_high": hits.high,
    })  # fmt: skip
    found = _measures(counts.sum(axis=0)[None], right)
    drawn = _measures(resampled(counts, DRAWS, rng), right)
    for name, values in found.items():
        table[name] = values[0]
        if name != "unbiased_chance":
            known = ~np.isnan(values[0]) & (len(counts) > 1)
            limits = np.full((2, len(levels)), np.nan)
            limits[:, known] = np.nanpercentile(drawn[name][:, known], [2.5, 97.5], axis=0)
            table[f"{name}_low"], table[f"{name}_high"] = limits
    return table


def _measures(matrices: np.ndarray, right: Sequence[int]) -> dict[str, np.ndarray]:
    """Measures (B, R) of B confusion matrices (B, R, K); NaN where an option was never chosen."""
    hits = matrices[:, np.arange(matrices.shape[1]), right]
    rows, columns = matrices.sum(axis=2), matrices.sum(axis=1)[:, right]
    with np.errstate(divide="ignore", invalid="ignore"):
        recall, precision = hits / rows, hits / columns
        unbiased = np.where((columns == 0) & (rows > 0), 0.0, recall * precision)
        return {
            "unbiased": unbiased,
            "unbiased_chance": rows * columns / matrices.sum(axis=(1, 2))[:, None] ** 2,
            "precision": precision,
            "f1": np.where(rows + columns > 0, 2 * hits / (rows + columns), np.nan),
        }
