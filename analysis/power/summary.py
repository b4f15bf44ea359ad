"""From simulated studies to power, with its interval, for every size and test.

Power is the share of simulated studies in which the test is significant. A study whose model could
not be fitted counts as one that found nothing. Interval: Wilson (1927), Journal of the American
Statistical Association 22, 209-212.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import NormalDist

import pandas as pd

from analysis.power.planned import ALPHA, Tested
from analysis.power.runs import FAILED
from analysis.power.simulate import Grid

CONFIDENCE = 0.95
TARGETS = (0.8, 0.9)


def wilson(successes: int, n: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Wilson's interval of a share; (0, 1) where nothing was counted."""
    if n == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share, weight = successes / n, z**2 / n
    middle = (share + weight / 2) / (1 + weight)
    half = z / (1 + weight) * math.sqrt(share * (1 - share) / n + weight / (4 * n))
    return max(middle - half, 0.0), min(middle + half, 1.0)


def power_table(
    runs: pd.DataFrame,
    grid: Grid,
    tests: Sequence[Tested],
    assumed: Mapping[tuple[str, str, str], float],
) -> pd.DataFrame:
    """One row per size and test.

    Args:
        runs: the simulated studies (`Runs.read`); those outside the grid do not count.
        grid: sizes and number of simulations.
        tests: every test, in the order of the protocol.
        assumed: (model, kind, label) -> true value under the assumptions.

    Returns:
        Columns model, kind, test, assumed (points), participants, items, simulations, power,
        low, high (95 %), mean_estimate, singular, not_converged, failed (shares of simulations).
    """
    runs = runs[runs["simulation"] <= grid.simulations]
    of_size = dict(iter(runs.groupby(["participants", "items"])))
    rows = []
    for test in tests:
        for size in grid.sizes:
            found = of_size.get(size, runs.iloc[:0])
            found = found[found["model"] == test.model]
            named = (found["kind"] == test.kind) & (found["test"] == test.label)
            fitted, failed = found[named], int((found["kind"] == FAILED).sum())
            n, hits = len(fitted) + failed, int((fitted["p"] < ALPHA).sum())
            low, high = wilson(hits, n)
            rows.append(
                {
                    "model": test.model,
                    "kind": test.kind,
                    "test": test.label,
                    "assumed": assumed[test.model, test.kind, test.label],
                    "participants": size[0],
                    "items": size[1],
                    "simulations": n,
                    "power": hits / n if n else math.nan,
                    "low": low,
                    "high": high,
                    "mean_estimate": fitted["estimate"].mean(),
                    "singular": fitted["singular"].mean(),
                    "not_converged": 1 - fitted["converged"].mean(),
                    "failed": failed / n if n else math.nan,
                }
            )
    return pd.DataFrame(rows)


def smallest(rows: pd.DataFrame, target: float) -> pd.Series | None:
    """The row of `rows` (one test) with fewest participants, then items, whose power suffices."""
    enough = rows[rows["power"] >= target].sort_values(["participants", "items"])
    return None if enough.empty else enough.iloc[0]
