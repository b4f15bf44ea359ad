"""Generalised linear mixed models: choices as logits, ratings as cumulative logits.

Estimates minimise the Laplace deviance (`analysis.mixed.laplace`); standard errors come from its
second derivatives by all parameters, as in lme4's `glmer` and ordinal's `clmm`; tests of fixed
effects are Wald's z, intervals 95 %. An odds ratio is exp(b): the factor by which the odds of
counting as 1 (binomial), or of a higher rating (ordinal), change with the effect, for the same
participant and item. Columns are scaled to unit size for the search, and told in their own units.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd

from analysis.mixed.binomial import Binomial
from analysis.mixed.columns import Variable
from analysis.mixed.descent import minimise
from analysis.mixed.design import Design, RandomTerm, design_of
from analysis.mixed.fit import CONFIDENCE, Estimate
from analysis.mixed.formula import Formula
from analysis.mixed.laplace import Laplace
from analysis.mixed.ordinal import Ordinal
from analysis.mixed.separation import separated
from analysis.mixed.trouble import problems_of
from analysis.problems import AnalysisError, Problem

Family = Literal["binomial", "ordinal"]
LOGISTIC_VARIANCE = np.pi**2 / 3  # of the logistic distribution behind both families
MOST_POINTS = 25  # of a scale with a threshold between any two
FLAT = 1e-7  # share of the largest curvature at which a direction counts as flat


@dataclass(frozen=True)
class GeneralFit:
    """A fitted model.

    Attributes:
        design: numbers that went in; y is 0 or 1, or the rating. An ordinal design has no
            intercept, as the thresholds play its part.
        family: binomial or ordinal.
        theta: covariance parameters, in logits per unit of the columns (lme4's theta).
        beta: fixed effects (p,), named by `design.names`, in logits.
        thresholds: between the points of the scale (K - 1,), in logits; empty in binomial models.
        points: the ratings that occur, in order; empty in binomial models.
        joint_covariance: of beta and thresholds (p + K - 1, ...).
        deviance: -2 log likelihood by the Laplace approximation.
        apart: deviance between the two best starts.
        triangles: (k, k) per random term: Lambda, whose product with its transpose is the
            covariance.
        modes: conditional modes (levels, k) of every random term, in logits.
        problems: what a reader should know.
    """

    design: Design
    family: Family
    theta: np.ndarray
    beta: np.ndarray
    thresholds: np.ndarray
    points: tuple[float, ...]
    joint_covariance: np.ndarray
    deviance: float
    apart: float
    triangles: tuple[np.ndarray, ...]
    modes: tuple[np.ndarray, ...]
    problems: tuple[Problem, ...]

    @property
    def n(self) -> int:
        """Number of answers."""
        return len(self.design.y)

    @property
    def groups(self) -> dict[str, int]:
        """Grouping factor -> number of its levels."""
        return {term.group: len(term.levels) for term in self.design.random}

    @property
    def sigma(self) -> float:
        """Scale of the answers given eta: 1, as neither family has a parameter for it."""
        return 1.0

    @property
    def log_likelihood(self) -> float:
        """Log likelihood, by the Laplace approximation."""
        return -self.deviance / 2

    @property
    def parameters(self) -> int:
        """Number of parameters: fixed effects, thresholds and theta."""
        return len(self.beta) + len(self.thresholds) + len(self.theta)

    @property
    def aic(self) -> float:
        """Akaike's criterion, as lme4 and ordinal count."""
        return self.deviance + 2 * self.parameters

    @property
    def covariance(self) -> np.ndarray:
        """Covariance (p, p) of the fixed effects."""
        return self.joint_covariance[: len(self.beta), : len(self.beta)]

    def contrast(self, weights: np.ndarray) -> Estimate:
        """The estimate of `weights` (p,) times the fixed effects; `t` is z, as df are infinite."""
        variance = float(weights @ self.covariance @ weights)
        return Estimate(float(weights @ self.beta), float(np.sqrt(variance)), np.inf)

    @cached_property
    def fixed(self) -> pd.DataFrame:
        """Fixed effects: term, estimate, se, z, p, low, high (95 %); the same of exp(estimate).

        The latter columns are odds_ratio, or_low and or_high.
        """
        rows = []
        for name, weights in zip(self.design.names, np.eye(len(self.beta)), strict=True):
            rows.append((name, *_row(self.contrast(weights))))
        table = pd.DataFrame(rows, columns=["term", *ROW])
        with np.errstate(over="ignore"):
            odds = np.exp(table[["estimate", "low", "high"]].to_numpy(float))
        return table.assign(odds_ratio=odds[:, 0], or_low=odds[:, 1], or_high=odds[:, 2])

    @cached_property
    def threshold_table(self) -> pd.DataFrame:
        """Thresholds: threshold (`1|2`), estimate, se, z, p, low, high; empty if binomial."""
        rows = []
        p = len(self.beta)
        named = [f"{a:g}|{b:g}" for a, b in zip(self.points[:-1], self.points[1:], strict=True)]
        for j, (name, cut) in enumerate(zip(named, self.thresholds, strict=True)):
            se = float(np.sqrt(self.joint_covariance[p + j, p + j]))
            rows.append((name, *_row(Estimate(float(cut), se, np.inf))))
        return pd.DataFrame(rows, columns=["threshold", *ROW])

    @cached_property
    def random(self) -> pd.DataFrame:
        """Random effects: group, effect, sd (logits); correlations with the effects before it."""
        rows = []
        for term, triangle in zip(self.design.random, self.triangles, strict=True):
            covariance = triangle @ triangle.T
            sd = np.sqrt(np.diag(covariance))
            for i, effect in enumerate(term.names):
                with np.errstate(invalid="ignore", divide="ignore"):
                    correlations = covariance[i, :i] / (sd[i] * sd[:i])
                rows.append((term.group, effect, sd[i], tuple(correlations.tolist())))
        return pd.DataFrame(rows, columns=["group", "effect", "sd", "correlations"])

    @cached_property
    def fixed_part(self) -> np.ndarray:
        """Logits for a participant and item in the middle (n,)."""
        return self.design.x @ self.beta

    @cached_property
    def fitted(self) -> np.ndarray:
        """Logits with each group's own effects, their conditional modes (n,)."""
        out = self.fixed_part.copy()
        for term, modes in zip(self.design.random, self.modes, strict=True):
            out += np.sum(term.z * modes[term.codes], axis=1)
        return out

    @cached_property
    def random_variance(self) -> float:
        """Variance of the random effects, averaged over answers (Johnson 2014, equation 11)."""
        return float(sum(
            np.mean(np.sum((term.z @ triangle) ** 2, axis=1))
            for term, triangle in zip(self.design.random, self.triangles, strict=True)
        ))  # fmt: skip

    @property
    def total_sd(self) -> float:
        """Standard deviation around the fixed part, in logits, with the logistic distribution's."""
        return float(np.sqrt(self.random_variance + LOGISTIC_VARIANCE))

    @property
    def r_squared(self) -> tuple[float, float]:
        """Marginal and conditional R², latent scale (Nakagawa, Johnson & Schielzeth 2017)."""
        explained = float(np.var(self.fixed_part, ddof=1))
        total = explained + self.random_variance + LOGISTIC_VARIANCE
        return explained / total, (explained + self.random_variance) / total


ROW = ("estimate", "se", "z", "p", "low", "high")


def _row(found: Estimate) -> tuple[float, ...]:
    return (found.value, found.se, found.t, found.p, *found.interval(CONFIDENCE))


@dataclass(frozen=True)
class OrdinalDesign(Design):
    """A design whose intercept is left to the thresholds."""

    def rows(self, cells: pd.DataFrame) -> np.ndarray:
        """Fixed columns (len(cells), p) for other values of the variables, such as a grid."""
        return super().rows(cells)[:, 1:]


def fit_general(
    formula: str | Formula,
    data: pd.DataFrame,
    variables: Mapping[str, Variable] | None = None,
    *,
    family: Family,
) -> GeneralFit:
    """Fit a model.

    Args:
        formula: in lme4's notation.
        data: one row per answer; rows in which a variable is missing are left out. The response
            is 0 or 1 (binomial), or a rating (ordinal).
        variables: factors with their levels and coding; see `analysis.mixed.design.design`.
        family: binomial (logit) or ordinal (cumulative logits, free thresholds).

    Raises:
        AnalysisError: the model cannot be fitted to these data.
    """
    made = design_of(formula, data, variables, "answers to")
    points = _points(made, family)
    if family == "ordinal":
        made = without_intercept(made)
    return estimate(made, family, points)


def _points(made: Design, family: Family) -> np.ndarray:
    """The different answers in order, if the family can be fitted to them."""
    points = np.unique(made.y)
    name = made.formula.response
    if family == "binomial" and not np.isin(points, (0, 1)).all():
        raise AnalysisError(f"{name}: found {points[~np.isin(points, (0, 1))][0]:g}; a binomial "
                            "model takes 1 (counts) and 0 (does not)")  # fmt: skip
    if len(points) == 1:
        same = "counts as" if family == "binomial" else "is"
        raise AnalysisError(f"every answer to '{name}' {same} {points[0]:g}: nothing to model")
    if len(points) > MOST_POINTS:
        raise AnalysisError(f"{name}: found {len(points)} different ratings; an ordinal model "
                            f"takes at most {MOST_POINTS}: use family: gaussian")  # fmt: skip
    return points


def without_intercept(made: Design) -> Design:
    """The design of an ordinal model; raises AnalysisError where it has no intercept to spare."""
    given = {f.name: getattr(made, f.name) for f in fields(Design)}
    if made.names[:1] == ("(Intercept)",):
        rest = {"x": made.x[:, 1:], "names": made.names[1:], "meanings": made.meanings[1:]}
        return OrdinalDesign(**(given | rest))
    with_one = np.column_stack([np.ones(len(made.y)), made.x])
    if np.linalg.matrix_rank(with_one) < with_one.shape[1]:
        raise AnalysisError(
            f"formula '{made.formula.text}': the thresholds of an ordinal model are its intercept; "
            "take '0 +' out of the fixed part"
        )
    return made


def estimate(made: Design, family: Family, points: np.ndarray) -> GeneralFit:
    """The fit of a design whose answers are `points`, in order (0 and 1 if binomial)."""
    scale = _lengths(made.x)
    z_scales = [_lengths(term.z) for term in made.random]
    scaled = [
        RandomTerm(term.group, term.codes, term.levels, term.z / s, term.names)
        for term, s in zip(made.random, z_scales, strict=True)
    ]
    places = np.searchsorted(points, made.y)
    ordinal = family == "ordinal"
    likelihood = Ordinal(places, len(points)) if ordinal else Binomial(made.y)
    laplace = Laplace(likelihood, made.x / scale, scaled)
    found = minimise(laplace, _empty_cuts(places, len(points)) if ordinal else np.empty(0))
    apart_of = separated(made.x / scale, places, len(points), made.names, ordinal)
    deviance, _ = laplace(found.at)  # leaves the modes of this place in `laplace.u`
    theta, beta, cuts = laplace.parts(found.at)
    modes = _modes(laplace, theta, z_scales)
    upright = [_upright(triangle) for triangle in laplace.triangles(theta)]
    triangles = [t / s[:, None] for t, s in zip(upright, z_scales, strict=True)]
    units = np.concatenate([scale, np.ones(len(cuts))])
    covariance = _covariance(found.curvature, laplace.thetas) / np.outer(units, units)
    problems = [*made.problems, *problems_of(made, laplace, found, apart_of)]
    return GeneralFit(
        made, family, np.concatenate([t[np.tril_indices(len(t))] for t in triangles]),
        beta / scale, cuts, tuple(points.tolist()) if ordinal else (), covariance, deviance,
        found.apart, tuple(triangles), modes, tuple(problems),
    )  # fmt: skip


def _empty_cuts(places: np.ndarray, points: int) -> np.ndarray:
    """Thresholds that give every rating its share, whatever the condition."""
    below = np.cumsum(np.bincount(places, minlength=points))[:-1] / len(places)
    return np.log(below / (1 - below))


def _lengths(x: np.ndarray) -> np.ndarray:
    """Root mean square of each column; 1 for a column of zeros."""
    length = np.sqrt(np.mean(x**2, axis=0))
    return np.where(length > 0, length, 1.0)


def _upright(triangle: np.ndarray) -> np.ndarray:
    """The same covariance with a diagonal that is not negative."""
    return triangle * np.where(np.diag(triangle) < 0, -1.0, 1.0)


def _modes(
    laplace: Laplace, theta: np.ndarray, z_scales: list[np.ndarray]
) -> tuple[np.ndarray, ...]:
    """Conditional modes Lambda u of every term, in units of its columns."""
    triangles = laplace.triangles(theta)
    out = [np.empty(0)] * len(triangles)
    for group, u in zip(laplace.groups, laplace.u, strict=True):
        start = 0
        for t in group.terms:
            here = slice(start, start + laplace.sizes[t])
            out[t] = u[:, here] @ triangles[t].T / z_scales[t]
            start = here.stop
    return tuple(out)


def _covariance(curvature: np.ndarray, thetas: int) -> np.ndarray:
    """Covariance of beta and thresholds: twice the inverse curvature of the deviance.

    Directions of theta alone that are flat (a variance of zero) say nothing of beta and are left
    out; flat directions of beta keep the large variance that they have.
    """
    values, vectors = np.linalg.eigh(curvature)
    floor = FLAT * max(float(values[-1]), 1e-300)
    of_beta = np.sum(vectors[thetas:] ** 2, axis=0) > 0.01
    kept = (values > floor) | of_beta
    part = vectors[thetas:, kept]
    return (part * (2 / np.maximum(values[kept], floor))) @ part.T
