"""What a reference engine answers: one model's numbers, in the units of the ratings.

The engine saw columns of unit size (`Asked.table`); `answer` turns what it said back, and puts the
random terms in the order in which they were asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from analysis.reference.asked import Asked, in_own_units

COLUMNS = ("term", "estimate", "se", "df", "t", "p")


@dataclass(frozen=True)
class LmerTest:
    """What lmerTest's degrees of freedom of any contrast come from, for columns of unit size.

    Kuznetsova, Brockhoff & Christensen (2017), section 2, as in `analysis.mixed.satterthwaite`,
    but with the derivatives that lmerTest took itself.

    Attributes:
        covariance: of the fixed effects (p, p).
        parameter_covariance: of theta and sigma (m, m).
        derivatives: of `covariance` by theta and sigma (m, p, p).
    """

    covariance: np.ndarray
    parameter_covariance: np.ndarray
    derivatives: np.ndarray

    def df(self, contrast: np.ndarray) -> float:
        """Degrees of freedom of `contrast` (p,)."""
        variance = contrast @ self.covariance @ contrast
        g = contrast @ self.derivatives @ contrast  # (m,)
        return float(2 * variance**2 / (g @ self.parameter_covariance @ g))


@dataclass(frozen=True)
class Raw:
    """What R said about columns of unit size, as `answers.R` puts it."""

    versions: Mapping[str, str]
    coefficients: pd.DataFrame  # COLUMNS; `term` names columns or thresholds
    triangles: pd.DataFrame  # row, column (names of columns), value
    sigma: float
    log_likelihood: float
    warnings: Sequence[str]
    numbers: Mapping[str, Sequence]  # names, covariance, predicted, parameters, derivatives
    df: str


@dataclass(frozen=True)
class Answer:
    """A model as a reference engine fitted it.

    Attributes:
        versions: of R, its packages and pymer4, by name.
        table: one row per fixed effect: term, estimate, se, df (infinite: z test), t, p.
        thresholds: the same for the thresholds of an ordinal model; else empty.
        covariance: of fixed effects and thresholds together.
        triangles: relative covariance triangle (k, k) of each random term, in the order asked.
        sigma: residual standard deviation; 1 where the model has none.
        log_likelihood: restricted, if asked with `reml`.
        predicted: predictions with each group's own effects (n,); logits if binomial; empty if
            ordinal.
        warnings: what the engine complained of.
        df: degrees of freedom used.
        lmer_test: where those come from; None if the tests are z tests.
    """

    versions: Mapping[str, str]
    table: pd.DataFrame
    thresholds: pd.DataFrame
    covariance: np.ndarray
    triangles: tuple[np.ndarray, ...]
    sigma: float
    log_likelihood: float
    predicted: np.ndarray
    warnings: tuple[str, ...]
    df: str
    lmer_test: LmerTest | None

    @property
    def engine(self) -> str:
        """`lme4 1.1.31, lmerTest 3.1.3 (R 4.2.2)`."""
        packages = [f"{name} {number}" for name, number in self.versions.items() if name != "R"]
        return f"{', '.join(packages)} (R {self.versions['R']})"

    @cached_property
    def theta(self) -> np.ndarray:
        """The triangles row by row, term after term."""
        return np.concatenate([t[np.tril_indices(len(t))] for t in self.triangles])


def answer(asked: Asked, raw: Raw) -> Answer:
    """The answer in the units of the ratings."""
    found = raw.coefficients.set_index("term")
    cuts = [name for name in found.index if name not in asked.fixed_columns]
    table, thresholds = found.loc[asked.fixed_columns], found.loc[cuts]
    table = table.assign(term=asked.names)
    table[["estimate", "se"]] = table[["estimate", "se"]].div(asked.scale, axis=0)
    covariance = _covariance(raw, [*asked.fixed_columns, *cuts])
    units = np.concatenate([asked.scale, np.ones(len(cuts))])
    reml = asked.family == "gaussian" and asked.reml
    # REML depends on the units of x: |X'V^-1X| grows with their squares
    shift = float(np.log(asked.scale).sum()) if reml else 0.0
    return Answer(
        raw.versions,
        table.reset_index(drop=True)[list(COLUMNS)],
        thresholds.reset_index()[list(COLUMNS)],
        covariance / np.outer(units, units),
        in_own_units(_triangles(asked, raw.triangles), asked.random_scale),
        raw.sigma,
        raw.log_likelihood - shift,
        np.asarray(raw.numbers["predicted"], float),
        tuple(raw.warnings),
        raw.df,
        _lmer_test(asked, raw, covariance) if asked.family == "gaussian" else None,
    )


def _covariance(raw: Raw, order: Sequence[str]) -> np.ndarray:
    names = list(raw.numbers["names"])
    whole = np.asarray(raw.numbers["covariance"], float).reshape(len(names), -1)
    at = [names.index(name) for name in order]
    return whole[np.ix_(at, at)]


def _triangles(asked: Asked, entries: pd.DataFrame) -> list[np.ndarray]:
    """One lower triangle per random term, put together by the names of the columns."""
    value = {(r.row, r.column): r.value for r in entries.itertuples()}
    return [
        np.array([[value.get((a, b), 0.0) for b in names] for a in names], float)
        for names in asked.random_columns
    ]


def _lmer_test(asked: Asked, raw: Raw, covariance: np.ndarray) -> LmerTest:
    """The derivatives of lmerTest, with theta in our order: row by row, term after term.

    lme4 has the terms with most levels first, and goes through each triangle by column.
    """
    theirs = list(zip(raw.triangles.row, raw.triangles.column, strict=True))
    ours = [(names[i], names[j]) for names in asked.random_columns
            for i, j in zip(*np.tril_indices(len(names)), strict=True)]  # fmt: skip
    at = [*(theirs.index(entry) for entry in ours), len(theirs)]  # sigma is last
    parameters = np.asarray(raw.numbers["parameters"], float).reshape(len(at), len(at))
    derivatives = np.asarray(raw.numbers["derivatives"], float).reshape(len(at), *covariance.shape)
    return LmerTest(covariance, parameters[np.ix_(at, at)], derivatives[at])
