"""Linear mixed-effects models of ratings: from a table to one result, whatever the engine.

Fixed effects come with t tests after Satterthwaite, or Kenward and Roger, and 95 % confidence
intervals; random effects as standard deviations and correlations, in points of the scale;
likelihood and AIC as lme4 counts them. Models are fitted with columns scaled to unit size, and
told in the units of the ratings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from scipy import stats

from analysis.mixed import engine
from analysis.mixed.columns import Variable
from analysis.mixed.conditional import Conditional
from analysis.mixed.design import Design, RandomTerm, design_of
from analysis.mixed.deviance import Deviance
from analysis.mixed.formula import Formula
from analysis.mixed.kenward_roger import MOST_EFFECTS, KenwardRoger
from analysis.mixed.satterthwaite import WITHIN_REACH, Satterthwaite
from analysis.problems import AnalysisError, Problem

ZERO_THETA = 1e-4  # lme4's isSingular(tol = 1e-4)
CONFIDENCE = 0.95
SATTERTHWAITE, KENWARD_ROGER = "satterthwaite", "kenward-roger"


@dataclass(frozen=True)
class Estimate:
    """L beta for one contrast L: value, standard error, degrees of freedom."""

    value: float
    se: float
    df: float

    @property
    def t(self) -> float:
        """T statistic against zero."""
        return self.value / self.se

    @property
    def p(self) -> float:
        """Two-sided p value."""
        return float(2 * stats.t.sf(abs(self.t), self.df))

    def interval(self, confidence: float = CONFIDENCE) -> tuple[float, float]:
        """Confidence interval."""
        half = float(stats.t.ppf((1 + confidence) / 2, self.df)) * self.se
        return self.value - half, self.value + half


@dataclass(frozen=True)
class Fit:
    """A fitted model.

    Attributes:
        design: numbers that went in, in the units of the ratings.
        reml: restricted maximum likelihood.
        theta: relative covariance parameters, in the units of the columns (lme4's theta).
        beta: fixed effects (p,), named by `design.names`.
        sigma: residual standard deviation, in points of the scale.
        deviance: -2 log likelihood.
        problems: what a reader should know.
        conditional: the modes of participants and items, when asked.
    """

    design: Design
    reml: bool
    theta: np.ndarray
    beta: np.ndarray
    sigma: float
    deviance: float
    problems: tuple[Problem, ...]
    satterthwaite: Satterthwaite
    scale: np.ndarray  # length of each column of x
    triangles: tuple[np.ndarray, ...]  # (k, k) per random term
    conditional: Conditional
    kenward_roger: KenwardRoger | None = None  # takes Satterthwaite's place in tests

    @property
    def n(self) -> int:
        """Number of ratings."""
        return len(self.design.y)

    @property
    def groups(self) -> dict[str, int]:
        """Grouping factor -> number of its levels."""
        return {term.group: len(term.levels) for term in self.design.random}

    @property
    def log_likelihood(self) -> float:
        """Log likelihood (restricted, if REML)."""
        return -self.deviance / 2

    @property
    def aic(self) -> float:
        """Akaike's criterion, as lme4 counts: fixed effects, theta and the residual variance."""
        return self.deviance + 2 * self.parameters

    @property
    def parameters(self) -> int:
        """Number of estimated parameters: fixed effects, theta and the residual variance."""
        return len(self.beta) + len(self.theta) + 1

    @property
    def df_method(self) -> str:
        """Whose degrees of freedom the tests have: satterthwaite or kenward-roger."""
        return KENWARD_ROGER if self.kenward_roger else SATTERTHWAITE

    @property
    def covariance(self) -> np.ndarray:
        """Covariance (p, p) of the fixed effects, adjusted if Kenward-Roger was asked for."""
        return (self.kenward_roger or self.satterthwaite).covariance / np.outer(
            self.scale, self.scale
        )

    def contrast(self, weights: np.ndarray) -> Estimate:
        """The estimate of `weights` (p,) times the fixed effects."""
        scaled, used = weights / self.scale, self.kenward_roger or self.satterthwaite
        variance = float(scaled @ used.covariance @ scaled)
        return Estimate(float(weights @ self.beta), float(np.sqrt(variance)), used.df(scaled))

    @cached_property
    def fixed(self) -> pd.DataFrame:
        """Fixed effects: term, estimate, se, df, t, p, low, high (95 % interval)."""
        rows = []
        for name, weights in zip(self.design.names, np.eye(len(self.beta)), strict=True):
            found = self.contrast(weights)
            low, high = found.interval()
            rows.append((name, found.value, found.se, found.df, found.t, found.p, low, high))
        return pd.DataFrame(rows, columns=["term", "estimate", "se", "df", "t", "p", "low", "high"])

    @cached_property
    def random(self) -> pd.DataFrame:
        """Random effects: group, effect, sd; correlations with the effects before it."""
        rows = []
        for term, triangle in zip(self.design.random, self.triangles, strict=True):
            covariance = self.sigma**2 * triangle @ triangle.T
            sd = np.sqrt(np.diag(covariance))
            for i, effect in enumerate(term.names):
                with np.errstate(invalid="ignore", divide="ignore"):
                    correlations = covariance[i, :i] / (sd[i] * sd[:i])
                rows.append((term.group, effect, sd[i], tuple(correlations.tolist())))
        rows.append(("Residual", "", self.sigma, ()))
        return pd.DataFrame(rows, columns=["group", "effect", "sd", "correlations"])

    @cached_property
    def fixed_part(self) -> np.ndarray:
        """Prediction for a new participant and item (n,)."""
        return self.design.x @ self.beta

    @cached_property
    def fitted(self) -> np.ndarray:
        """Prediction with each group's own effects, their conditional modes (n,)."""
        total = self.fixed_part.copy()
        for term, modes in zip(self.design.random, self.conditional.modes(), strict=True):
            total += np.sum(term.z / _lengths(term.z) * modes[term.codes], axis=1)
        return total

    @cached_property
    def modes(self) -> pd.DataFrame:
        """Conditional modes: group, level, effect, deviation and its sd (points of the scale)."""
        scales = [_lengths(term.z) for term in self.design.random]
        return self.conditional.table(self.design.random, scales)

    @property
    def residuals(self) -> np.ndarray:
        """Ratings minus their prediction, in residual standard deviations (n,)."""
        return (self.design.y - self.fitted) / self.sigma

    @cached_property
    def random_variance(self) -> float:
        """Variance of the random effects, averaged over ratings (Johnson 2014, equation 11)."""
        total = 0.0
        for term, triangle in zip(self.design.random, self.triangles, strict=True):
            total += float(np.mean(np.sum((term.z @ triangle) ** 2, axis=1)))
        return self.sigma**2 * total

    @property
    def total_sd(self) -> float:
        """Standard deviation of a rating around the fixed part, in points of the scale."""
        return float(np.sqrt(self.random_variance + self.sigma**2))

    @property
    def r_squared(self) -> tuple[float, float]:
        """Marginal and conditional R² (Nakagawa & Schielzeth 2013; Johnson 2014)."""
        explained = float(np.var(self.fixed_part, ddof=1))
        total = explained + self.random_variance + self.sigma**2
        return explained / total, (explained + self.random_variance) / total


def fit(
    formula: str | Formula,
    data: pd.DataFrame,
    variables: Mapping[str, Variable] | None = None,
    *,
    reml: bool = True,
    df: str = SATTERTHWAITE,
) -> Fit:
    """Fit a model.

    Args:
        formula: in lme4's notation.
        data: one row per rating; rows in which a variable is missing are left out.
        variables: factors with their levels and coding; see `analysis.mixed.design.design`.
        reml: restricted maximum likelihood, else maximum likelihood.
        df: degrees of freedom of the tests: satterthwaite, or kenward-roger (with reml).

    Raises:
        AnalysisError: the model cannot be fitted to these data.
    """
    made = design_of(formula, data, variables, "ratings of")
    fitted = _estimate(made, reml)
    return _with_kenward_roger(fitted) if df == KENWARD_ROGER else fitted


def _estimate(made: Design, reml: bool) -> Fit:
    scale = _lengths(made.x)
    z_scales = [_lengths(term.z) for term in made.random]
    scaled = [
        RandomTerm(term.group, term.codes, term.levels, term.z / s, term.names)
        for term, s in zip(made.random, z_scales, strict=True)
    ]
    if np.ptp(made.y) == 0:
        raise AnalysisError(f"every rating is {made.y[0]:g}: nothing to model")
    deviance = Deviance(made.y, made.x / scale, scaled, reml=reml)
    found = engine.find(deviance)
    sigma = deviance.sigma(found.theta)
    at = deviance.at(found.theta)
    satterthwaite = Satterthwaite(deviance, found.theta, sigma)
    triangles = [
        t / s[:, None] for t, s in zip(deviance.triangles(found.theta), z_scales, strict=True)
    ]
    theta = np.concatenate([t[np.tril_indices(len(t))] for t in triangles])
    # REML depends on the units of x: |X'V^-1X| grows with their squares
    units = 2 * float(np.log(scale).sum()) if reml else 0.0
    flat = deviance.triangles(found.theta)  # in scaled columns: no matter of units
    problems = [*made.problems, *_problems(made, flat, found, satterthwaite)]
    return Fit(
        made, reml, theta, at.beta / scale, sigma, deviance(found.theta) + units,
        tuple(problems), satterthwaite, scale, tuple(triangles), Conditional(deviance, found.theta),
    )  # fmt: skip


def _with_kenward_roger(fitted: Fit) -> Fit:
    """The fit with Kenward and Roger's tests, if its random effects are not too many."""
    effects = sum(len(term.levels) * term.z.shape[1] for term in fitted.design.random)
    if effects > MOST_EFFECTS or not fitted.reml:
        why = f"{effects} random effects" if fitted.reml else "a fit by maximum likelihood"
        problem = Problem("SATTERTHWAITE_INSTEAD", f"{why}: tests use Satterthwaite's method")
        return replace(fitted, problems=(*fitted.problems, problem))
    x = fitted.design.x / fitted.scale
    used = KenwardRoger(x, fitted.design.random, fitted.triangles, fitted.sigma)
    return replace(fitted, kenward_roger=used)


def _lengths(x: np.ndarray) -> np.ndarray:
    """Root mean square of each column; 1 for a column of zeros."""
    length = np.sqrt(np.mean(x**2, axis=0))
    return np.where(length > 0, length, 1.0)


def _problems(
    made: Design, triangles: list[np.ndarray], found: engine.Found, satterthwaite: Satterthwaite
) -> list[Problem]:
    problems, flat = [], []
    for term, triangle in zip(made.random, triangles, strict=True):
        zero = np.diag(triangle) < ZERO_THETA
        if zero.any():
            names = [name for name, at_zero in zip(term.names, zero, strict=True) if at_zero]
            flat.append(f"{', '.join(names)} of {term.group}")
    if flat:
        problems.append(Problem("SINGULAR", f"on the boundary: {'; '.join(flat)}"))
    if doubt := _doubt(found, satterthwaite):
        problems.append(Problem("NOT_CONVERGED", doubt))
    return problems


def _doubt(found: engine.Found, satterthwaite: Satterthwaite) -> str:
    """Why the estimate may not be the best there is; empty if nothing speaks against it."""
    if not found.agreed:
        return (
            f"of {found.searches} searches from different starts the best one came "
            f"{found.short:.3g} log-likelihood units further than any other"
        )
    if satterthwaite.reachable >= WITHIN_REACH:
        return (
            "by its slope the log likelihood could rise by another "
            f"{satterthwaite.reachable:.3g} units"
        )
    return "" if satterthwaite.converged else "the searches ended at a saddle, not at a maximum"
