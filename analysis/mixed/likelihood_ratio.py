"""Likelihood-ratio tests of a model against simpler ones, both by maximum likelihood.

Twice the difference of log likelihoods has a chi-squared distribution with as many degrees of
freedom as the models differ in parameters (Wilks 1938). Likelihoods by REML cannot be compared
between different fixed effects, so a model fitted by REML is fitted again by ML here. Where the
simpler model lacks a variance, zero lies on the edge of what a variance can be, and p is too large
(Self & Liang 1987): the test says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from analysis.mixed.design import Design, RandomTerm
from analysis.mixed.fit import Fit
from analysis.problems import AnalysisError

OUTSIDE = 1e-6  # share of a column's length that other columns leave over
WORSE = 1e-4  # a larger model cannot fit worse than this


@dataclass(frozen=True)
class LikelihoodRatio:
    """One test, or why there is none (`failure`).

    Attributes:
        formula: the simpler model.
        chi2: twice the difference of log likelihoods.
        df: difference in the number of parameters.
        p: probability of at least this chi2 if the simpler model holds.
        log_likelihoods: of the simpler model, and of the model itself.
        aic: of both.
        boundary: the models differ in variances, so p is too large.
        failure: why the models cannot be compared.
    """

    formula: str
    chi2: float = float("nan")
    df: int = 0
    p: float = float("nan")
    log_likelihoods: tuple[float, float] = (float("nan"), float("nan"))
    aic: tuple[float, float] = (float("nan"), float("nan"))
    boundary: bool = False
    failure: str = ""


def likelihood_ratios(
    formulas: Sequence[str], whole: Fit | Any, refit: Callable[[str], Fit | Any]
) -> tuple[LikelihoodRatio, ...]:
    """Test `whole`, a fit by maximum likelihood, against each simpler formula.

    `refit` fits a formula to the same ratings by maximum likelihood.
    """
    return tuple(_against(formula, whole, refit) for formula in formulas)


def _against(formula: str, whole: Fit | Any, refit: Callable[[str], Fit | Any]) -> LikelihoodRatio:
    try:
        simple = refit(formula)
    except AnalysisError as error:
        return LikelihoodRatio(formula, failure=str(error))
    why = not_nested(simple.design, whole.design)
    df = _parameters(whole) - _parameters(simple)
    if why or df <= 0:
        return LikelihoodRatio(formula, failure=why or "it has as many parameters as the model")
    below, above = simple.log_likelihood, whole.log_likelihood
    if above < below - WORSE:
        found = f"the model fits worse (log likelihood {above:.2f}) than this one ({below:.2f})"
        return LikelihoodRatio(formula, failure=f"{found}: it has not converged")
    chi2 = max(2 * (above - below), 0.0)
    return LikelihoodRatio(
        formula,
        chi2,
        df,
        float(stats.chi2.sf(chi2, df)),
        (below, above),
        (simple.aic, whole.aic),
        _variances(simple.design) < _variances(whole.design),
    )


def not_nested(simple: Design, whole: Design) -> str:
    """Why the model of `simple` is not a special case of `whole`; empty if it is."""
    if len(simple.y) != len(whole.y):
        return (
            f"it was fitted to {len(simple.y)} ratings and the model to {len(whole.y)}, as a "
            "variable of the formula is missing in some"
        )
    outside = _outside(simple.x, simple.names, whole.x)
    if outside:
        return f"its fixed effects {', '.join(outside)} are not in the model"
    for term in simple.random:
        if not any(_within(term, other) for other in whole.random):
            return (
                f"its random effects {', '.join(term.names)} of {term.group} are not in the model"
            )
    return ""


def _within(term: RandomTerm, other: RandomTerm) -> bool:
    """Whether a random term is a special case of another one of the same group."""
    same = term.group == other.group and term.levels == other.levels
    return same and not _outside(term.z, term.names, other.z)


def _outside(columns: np.ndarray, names: Sequence[str], space: np.ndarray) -> list[str]:
    """Names of the `columns` (n, a) that the columns of `space` (n, b) do not make up."""
    length = np.sqrt((space**2).sum(axis=0))
    q, r = np.linalg.qr(space / np.where(length > 0, length, 1.0))
    q = q[:, np.abs(np.diag(r)) > OUTSIDE]
    left = np.linalg.norm(columns - q @ (q.T @ columns), axis=0)
    far = left > OUTSIDE * np.linalg.norm(columns, axis=0)
    return [name for name, outside in zip(names, far, strict=True) if outside]


def _parameters(fit: Fit | Any) -> int:
    return round((fit.aic + 2 * fit.log_likelihood) / 2)


def _variances(design: Design) -> int:
    return sum(term.z.shape[1] for term in design.random)
