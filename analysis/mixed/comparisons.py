"""Estimated marginal means, and the differences between levels that a protocol declares.

A marginal mean is the model's prediction for a level, averaged with equal weight over the levels of
every other factor and at the mean of every other number (Searle, Speed & Milliken 1980). Tests have
the degrees of freedom of the model. Holm's (1979) correction covers all comparisons of one family;
Tukey's, from the studentized range, all pairs at each level of `at` (as emmeans does). Intervals
are not corrected.

The effect size d is a difference over the standard deviation of a rating around the fixed part: the
root of the sum of all variance components (Westfall, Kenny & Judd 2014; Brysbaert &
Stevens 2018). Its interval counts the uncertainty of the difference and that of the variances, by
the delta method.

With an equivalence bound of d points two one-sided tests ask whether the difference is
smaller than d in either direction (Schuirmann 1987): p is the larger of both, and the 90 %
interval inside (-d, d) says the same.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from analysis.mixed.columns import Variable, word
from analysis.mixed.fit import Estimate, Fit
from analysis.mixed.joint import Joint, joint_test
from analysis.mixed.variance import total_sd_error
from protocols.mixed_models import Comparison


@dataclass(frozen=True)
class Family:
    """The differences of one `Comparison`, one row each.

    `table` has: at (level of the other factor, or empty), later, earlier (levels), estimate (later
    minus earlier, points), se, df, t, p, p_adjusted, low, high (95 %); of a gaussian model d, d_low
    and d_high (95 %); and with a bound: low90, high90, p_equivalence, equivalent. `means` are the
    marginal means that are compared, see `marginal_means`.
    """

    comparison: Comparison
    table: pd.DataFrame
    joint: Joint
    means: pd.DataFrame

    @property
    def title(self) -> str:
        """What is compared."""
        at = f" at each level of {self.comparison.at}" if self.comparison.at else ""
        return f"{self.comparison.factor}{at}"


def marginal_means(
    fit: Fit, by: Sequence[str], levels: Mapping[str, Sequence[object]]
) -> pd.DataFrame:
    """Marginal mean, se, df and 95 % interval for every combination of the levels of `by`."""
    return _means(fit, by, *marginal_weights(fit, by, levels))


def _means(
    fit: Fit, by: Sequence[str], cells: Sequence[tuple[str, ...]], weights: np.ndarray
) -> pd.DataFrame:
    rows = []
    for cell, row in zip(cells, weights, strict=True):
        found = fit.contrast(row)
        rows.append((*cell, found.value, found.se, found.df, *found.interval()))
    return pd.DataFrame(rows, columns=[*by, "mean", "se", "df", "low", "high"])


def marginal_weights(
    fit: Fit, by: Sequence[str], levels: Mapping[str, Sequence[object]]
) -> tuple[list[tuple[str, ...]], np.ndarray]:
    """Cells of `by` and, per cell, the weights (p,) of the fixed effects in its mean."""
    variables = fit.design.variables
    names = list(dict.fromkeys([*fit.design.formula.fixed_variables, *by]))
    axes = [_axis(fit, variables[name], name in by, levels.get(name, ())) for name in names]
    grid = pd.DataFrame(list(itertools.product(*axes)), columns=pd.Index(names))
    weights = pd.DataFrame(fit.design.rows(grid))
    cells = [grid[name].map(word) for name in by]
    means = weights.groupby([pd.Categorical(c, categories=c.unique()) for c in cells],
                            observed=True).mean()  # fmt: skip
    keys = [key if isinstance(key, tuple) else (key,) for key in means.index]
    return keys, means.to_numpy()


def _axis(fit: Fit, variable: Variable, wanted: bool, levels: Sequence[object]) -> Sequence[object]:
    """Values of one variable in the grid: its levels, or the mean of a number."""
    if variable.levels:
        return variable.levels
    if wanted:
        return levels
    column = fit.design.names.index(variable.name)
    return [float(fit.design.x[:, column].mean())]


def compare(fit: Fit, comparison: Comparison, levels: Mapping[str, Sequence[object]]) -> Family:
    """Every pair of levels of `comparison.factor`, later minus earlier, at each level of `at`.

    Args:
        fit: the model.
        comparison: what to compare.
        levels: factor -> its levels in order, for factors that count as numbers in the model.
    """
    by = [comparison.factor, *([comparison.at] if comparison.at else [])]
    cells, weights = marginal_weights(fit, by, levels)
    row_of = dict(zip(cells, weights, strict=True))
    later_earlier = list(itertools.combinations(dict.fromkeys(c[0] for c in cells), 2))
    places = list(dict.fromkeys(c[1:] for c in cells))
    rows, contrasts = [], []
    for at, (earlier, later) in itertools.product(places, later_earlier):
        contrast = row_of[(later, *at)] - row_of[(earlier, *at)]
        contrasts.append(contrast)
        rows.append(_difference(fit, contrast, comparison) | {
            "at": at[0] if at else "", "later": later, "earlier": earlier,
        })  # fmt: skip
    table = pd.DataFrame(rows)
    adjusted = _adjusted(table, comparison.adjust, len({c[0] for c in cells}))
    table.insert(5, "p_adjusted", adjusted)
    front = ["at", "later", "earlier"]
    table = table[[*front, *(c for c in table.columns if c not in front)]]
    means = _means(fit, by, cells, weights)
    return Family(comparison, table, joint_test(fit, np.array(contrasts)), means)


def _difference(fit: Fit, contrast: np.ndarray, comparison: Comparison) -> dict[str, Any]:
    found = fit.contrast(contrast)
    low, high = found.interval()
    row = {"estimate": found.value, "se": found.se, "df": found.df, "t": found.t, "p": found.p,
           "low": low, "high": high}  # fmt: skip
    if isinstance(fit, Fit):
        row |= _effect_size(fit, found)
    if comparison.equivalence is not None:
        bound = comparison.equivalence
        low90, high90 = found.interval(0.90)
        above = float(stats.t.sf((found.value + bound) / found.se, found.df))
        below = float(stats.t.cdf((found.value - bound) / found.se, found.df))
        p = max(above, below)
        row |= {"low90": low90, "high90": high90, "p_equivalence": p, "equivalent": p < 0.05}
    return row


def _effect_size(fit: Fit, found: Estimate) -> dict[str, float]:
    """The difference over the SD of a rating, and its 95 % interval."""
    sd, error = fit.total_sd, total_sd_error(fit)
    d = found.value / sd
    half = stats.t.ppf(0.975, found.df) * np.hypot(found.se / sd, d * error / sd)
    return {"d": d, "d_low": float(d - half), "d_high": float(d + half)}


def _adjusted(table: pd.DataFrame, method: str, levels: int) -> np.ndarray:
    """P values after Holm's step-down, Tukey's range of `levels` means, or no correction."""
    p = table.p.to_numpy()
    if method == "none":
        return p
    if method == "tukey" and levels > 2:  # of two means, the range is their difference
        spread = np.sqrt(2) * table.t.abs().to_numpy()
        tail = stats.studentized_range.sf(spread, levels, table.df.to_numpy())
        return np.clip(tail, p, 1.0)
    if method == "tukey":
        return p
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)).clip(max=1.0)
    out = np.empty_like(p)
    out[order] = stepped
    return out
