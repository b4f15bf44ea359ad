"""What a reference engine is asked: the numbers of a model, and no formula with factors.

A formula that holds factors means other models to other programs: codes of ±.5 come back halved,
levels that look like numbers become numbers, ordered factors get polynomials. So an engine of R
gets the very columns that our own engine gets: y (n,), fixed columns x0, x1, … and, for random term
t, columns zt_0, zt_1, … within the groups gt, all numeric and of unit size, and a formula of these:

    y ~ 0 + x0 + x1 + (0 + z0_0 + z0_1 | g0) + (0 + z1_0 | g1)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from analysis.mixed.design import Design, RandomTerm

SATTERTHWAITE, KENWARD_ROGER = "satterthwaite", "kenward-roger"


@dataclass(frozen=True)
class Asked:
    """One model in numbers.

    Attributes:
        y: response (n,): ratings, 0 and 1 (binomial), or points of a scale (ordinal).
        x: fixed columns (n, p), in their own units; none of an intercept if ordinal.
        names: of the fixed columns, as they are told.
        random: random terms.
        family: gaussian, binomial (logit link) or ordinal (cumulative logits).
        reml: restricted maximum likelihood (gaussian only).
        df: degrees of freedom of t tests (gaussian only).
    """

    y: np.ndarray
    x: np.ndarray
    names: tuple[str, ...]
    random: tuple[RandomTerm, ...]
    family: str = "gaussian"
    reml: bool = True
    df: str = SATTERTHWAITE

    @cached_property
    def scale(self) -> np.ndarray:
        """Size of each fixed column (p,)."""
        return _size(self.x)

    @cached_property
    def random_scale(self) -> tuple[np.ndarray, ...]:
        """Size of each column of each random term (k,)."""
        return tuple(_size(term.z) for term in self.random)

    @property
    def fixed_columns(self) -> list[str]:
        """Names of the fixed columns in `table`."""
        return [f"x{j}" for j in range(self.x.shape[1])]

    @property
    def random_columns(self) -> list[list[str]]:
        """Names of the columns of each random term in `table`."""
        return [[f"z{t}_{j}" for j in range(term.z.shape[1])] for t, term in enumerate(self.random)]

    @property
    def formula(self) -> str:
        """The model in R's notation, of numeric columns only."""
        bars = [f"(0 + {' + '.join(names)} | g{t})" for t, names in enumerate(self.random_columns)]
        # clmm has thresholds in place of an intercept, and takes no `0 +`
        start = ["1"] if self.family == "ordinal" else ["0"]
        return f"y ~ {' + '.join([*start, *self.fixed_columns, *bars])}"

    @property
    def table(self) -> pd.DataFrame:
        """The columns that the formula names, one row per answer; groups are words."""
        columns = {"y": self.y.astype(float)}
        columns |= dict(zip(self.fixed_columns, (self.x / self.scale).T, strict=True))
        for t, (term, size) in enumerate(zip(self.random, self.random_scale, strict=True)):
            columns |= dict(zip(self.random_columns[t], (term.z / size).T, strict=True))
            columns[f"g{t}"] = np.char.add("g", term.codes.astype(str))
        return pd.DataFrame(columns)


def asked(
    design: Design, *, family: str = "gaussian", reml: bool = True, df: str = SATTERTHWAITE
) -> Asked:
    """The numbers of a model from its design."""
    kept = list(range(len(design.names)))
    if family == "ordinal":
        kept = [j for j in kept if np.ptp(design.x[:, j]) > 0]
    names = tuple(design.names[j] for j in kept)
    return Asked(design.y, design.x[:, kept], names, design.random, family, reml, df)


def in_own_units(
    triangles: Sequence[np.ndarray], scales: Sequence[np.ndarray]
) -> tuple[np.ndarray, ...]:
    """Triangles (k, k) found with columns of unit size, for columns in their own units."""
    return tuple(t / size[:, None] for t, size in zip(triangles, scales, strict=True))


def _size(columns: np.ndarray) -> np.ndarray:
    """Root mean square of each column; 1 for a column of zeros."""
    size = np.sqrt(np.mean(columns**2, axis=0))
    return np.where(size > 0, size, 1.0)
