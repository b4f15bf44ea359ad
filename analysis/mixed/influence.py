"""How much single participants and items decide about the fixed effects.

Every level of a grouping factor is deleted in turn, all its ratings at once, with the variance
parameters as estimated from all (Christensen, Pearson & Johnson 1992; Loy & Hofmann 2014, HLMdiag).
No model is fitted again: with V = sigma^2 (I + Z Lambda Lambda' Z'), once the random effects of
every level itself are eliminated, the normal equations are a sum over levels,

    S = I + sum_i S_i,    S_i = R_i' R_i - R_i' A_i (A_i' A_i + I)^-1 A_i' R_i

with A_i the columns Z Lambda of level i itself, R_i those of all other random effects, X and y. To
delete level i is to take S_i out of the sum, which is exact.

Of a binomial or ordinal model this is done to its working model (`analysis.mixed.working`): one
step of Newton's method away from the estimates (Pregibon 1981, "Logistic regression diagnostics",
Annals of Statistics 9(4)). What the step changes is added to the estimates; standard errors change
by the same factor as those of the working model.

Cook's distance is (b - b_i)' C^-1 (b - b_i) / p, with C the covariance of the p fixed effects b;
levels beyond 4 / (number of levels) stand out (Nieuwenhuis, te Grotenhuis & Pelzer 2012).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import linalg, sparse, stats

from analysis.mixed.design import RandomTerm
from analysis.mixed.fit import Fit
from analysis.mixed.general import GeneralFit
from analysis.mixed.spread import spread
from analysis.mixed.working import working

ALPHA = 0.05
ALONE = 1e-6  # pivot, as a share of the largest, below which nothing is left of an effect
MOST_WORK = 5e10  # multiplications; some seconds


@dataclass(frozen=True)
class Influence:
    """What each level of one grouping factor does to the fixed effects.

    Attributes:
        group: the grouping factor.
        table: level, ratings, cook, effect (the fixed effect, intercept aside, that changes most),
            change (its change in SE if the level is left out), and turned: effects whose verdict at
            .05 would be another one.
        estimates: fixed effects without the level (levels, p).
    """

    group: str
    table: pd.DataFrame
    estimates: np.ndarray

    @property
    def cutoff(self) -> float:
        """Cook's distance beyond which a level stands out."""
        return 4 / len(self.table)

    @property
    def outstanding(self) -> pd.DataFrame:
        """Levels beyond the cutoff or that turn a verdict, the most influential first."""
        found = self.table[(self.table.cook > self.cutoff) | (self.table.turned != "")]
        return found.sort_values("cook", ascending=False, kind="stable")


@dataclass(frozen=True)
class _Rows:
    """Rows of a linear model: y = x b + Z u + e, columns of x divided by `scale`."""

    x: np.ndarray
    y: np.ndarray
    random: tuple[RandomTerm, ...]
    triangles: tuple[np.ndarray, ...]
    sigma: float
    scale: np.ndarray

    @classmethod
    def of(cls, fit: Fit | GeneralFit) -> _Rows:
        """Those of a linear model itself, or of a working model."""
        if isinstance(fit, Fit):
            made = fit.design
            return cls(made.x, made.y, made.random, fit.triangles, fit.sigma, fit.scale)
        made = working(fit)
        size = np.sqrt(np.mean(made.x**2, axis=0))
        return cls(made.x, made.y, made.random, fit.triangles, 1.0, np.where(size > 0, size, 1.0))


def influence(fit: Fit | GeneralFit, group: str) -> Influence | None:
    """Delete every level of `group` in turn; None if that would take too long."""
    rows = _Rows.of(fit)
    own, others = _split(rows, group)
    deleted = next(term for term in fit.design.random if term.group == group)
    count, p = len(deleted.levels), len(fit.beta)
    rest = sum(len(term.levels) * term.z.shape[1] for term, _ in others)
    if count * (rest + rows.x.shape[1]) ** 3 > MOST_WORK:
        return None
    betas, errors = (found[:, :p] for found in _without_each(rows, own, others))
    if isinstance(fit, Fit):
        betas, errors = betas[1:], errors[1:]
        covariance = fit.satterthwaite.covariance
    else:
        betas = fit.beta + betas[1:] - betas[0]
        errors = fit.fixed.se.to_numpy() * errors[1:] / errors[0]
        covariance = fit.covariance * np.outer(rows.scale[:p], rows.scale[:p])
    changes = (betas - fit.beta) / fit.fixed.se.to_numpy()  # (levels, p)
    precision = np.linalg.inv(covariance)
    shift = (fit.beta - betas) * rows.scale[:p]
    cook = np.einsum("ij,jk,ik->i", shift, precision, shift) / len(fit.beta)
    names = np.array(fit.design.names)
    tested = names != "(Intercept)"
    if isinstance(fit, GeneralFit) and not tested.any():
        tested = ~tested  # whether a 1 is as likely as a 0
    seen = np.where(tested, np.abs(changes), -1.0) if tested.any() else np.abs(changes)
    largest = np.where(np.isnan(changes).all(axis=1), 0, np.nan_to_num(seen).argmax(axis=1))
    turned = _turned(fit, betas, errors) & tested
    table = pd.DataFrame(
        {
            "level": deleted.levels,
            "ratings": np.bincount(deleted.codes, minlength=count),
            "cook": cook,
            "effect": names[largest],
            "change": changes[np.arange(count), largest],
            "turned": [", ".join(names[row]) for row in turned],
        }
    )
    return Influence(group, table, betas)


def _turned(fit: Fit | GeneralFit, betas: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """Effects whose test falls on the other side of .05 (levels, p)."""
    df = fit.fixed.df.to_numpy() if isinstance(fit, Fit) else np.inf
    p = 2 * stats.t.sf(np.abs(betas / errors), df)
    return ((p < ALPHA) != (fit.fixed.p.to_numpy() < ALPHA)) & np.isfinite(p)


def _split(
    rows: _Rows, group: str
) -> tuple[list[tuple[RandomTerm, np.ndarray]], list[tuple[RandomTerm, np.ndarray]]]:
    """Random terms, with their triangles, of `group` and of all other groups."""
    pairs = list(zip(rows.random, rows.triangles, strict=True))
    own = [pair for pair in pairs if pair[0].group == group]
    return own, [pair for pair in pairs if pair[0].group != group]


def _without_each(
    given: _Rows,
    own: list[tuple[RandomTerm, np.ndarray]],
    others: list[tuple[RandomTerm, np.ndarray]],
) -> tuple[np.ndarray, np.ndarray]:
    """Fixed effects and standard errors (1 + levels, p) with all levels, then without each.

    Missing where they cannot be estimated.
    """
    codes, count, p = own[0][0].codes, len(own[0][0].levels), given.x.shape[1]
    a = np.hstack([term.z @ triangle for term, triangle in own])  # (n, k)
    xy = np.column_stack([given.x / given.scale, given.y])
    blocks = [*(spread(t, t.z @ tri) for t, tri in others), sparse.csr_matrix(xy)]
    rest = sparse.csr_matrix(sparse.hstack(blocks))
    width = sum(block.shape[1] for block in blocks)  # type: ignore[misc]
    q = width - p - 1
    rows = [np.flatnonzero(codes == i) for i in range(count)]
    total = (rest.T @ rest).toarray()
    total[np.arange(q), np.arange(q)] += 1
    half = np.empty((count, a.shape[1], width))
    for i, here in enumerate(rows):
        lower = np.linalg.cholesky(a[here].T @ a[here] + np.eye(a.shape[1]))
        half[i] = linalg.solve_triangular(lower, (rest[here].T @ a[here]).T, lower=True)
    flat = half.reshape(-1, width)
    total -= flat.T @ flat
    betas, errors = np.full((1 + count, p), np.nan), np.full((1 + count, p), np.nan)
    for i in range(1 + count):
        left = total
        if i:
            here = rows[i - 1]
            left = total - (rest[here].T @ rest[here]).toarray() + half[i - 1].T @ half[i - 1]
        try:
            factor = linalg.cho_factor(left[:-1, :-1])
        except np.linalg.LinAlgError:  # an effect rests on this level alone
            continue
        pivots = np.diag(factor[0])
        if pivots.min() < ALONE * pivots.max():
            continue
        solved = linalg.cho_solve(factor, np.column_stack([left[:-1, -1], np.eye(q + p)[:, q:]]))
        betas[i] = solved[q:, 0] / given.scale
        errors[i] = given.sigma * np.sqrt(np.diag(solved[q:, 1:])) / given.scale
    return betas, errors
