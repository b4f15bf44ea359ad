"""How much single participants and items decide about the fixed effects.

Every level of a grouping factor is deleted in turn, all its ratings at once, with the variance
parameters as estimated from all (Christensen, Pearson & Johnson 1992; Loy & Hofmann 2014, HLMdiag).
No model is fitted again: with V = sigma^2 (I + Z Lambda Lambda' Z'), once the random effects of
every level itself are eliminated, the normal equations are a sum over levels,

    S = I + sum_i S_i,    S_i = R_i' R_i - R_i' A_i (A_i' A_i + I)^-1 A_i' R_i

with A_i the columns Z Lambda of level i itself, R_i those of all other random effects, X and y. To
delete level i is to take S_i out of the sum, which is exact.

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
from analysis.mixed.spread import spread

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


def influence(fit: Fit, group: str) -> Influence | None:
    """Delete every level of `group` in turn; None if that would take too long."""
    own, others = _split(fit, group)
    deleted = own[0][0]
    count = len(deleted.levels)
    rest = sum(len(term.levels) * term.z.shape[1] for term, _ in others)
    if count * (rest + len(fit.beta)) ** 3 > MOST_WORK:
        return None
    betas, errors = _without_each(fit, own, others)
    changes = (betas - fit.beta) / fit.fixed.se.to_numpy()  # (levels, p)
    precision = np.linalg.inv(fit.satterthwaite.covariance)
    shift = (fit.beta - betas) * fit.scale
    cook = np.einsum("ij,jk,ik->i", shift, precision, shift) / len(fit.beta)
    names = np.array(fit.design.names)
    tested = names != "(Intercept)"
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


def _turned(fit: Fit, betas: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """Effects whose test falls on the other side of .05 (levels, p)."""
    df = fit.fixed.df.to_numpy()
    p = 2 * stats.t.sf(np.abs(betas / errors), df)
    return ((p < ALPHA) != (fit.fixed.p.to_numpy() < ALPHA)) & np.isfinite(p)


def _split(
    fit: Fit, group: str
) -> tuple[list[tuple[RandomTerm, np.ndarray]], list[tuple[RandomTerm, np.ndarray]]]:
    """Random terms, with their triangles, of `group` and of all other groups."""
    pairs = list(zip(fit.design.random, fit.triangles, strict=True))
    own = [pair for pair in pairs if pair[0].group == group]
    return own, [pair for pair in pairs if pair[0].group != group]


def _without_each(
    fit: Fit,
    own: list[tuple[RandomTerm, np.ndarray]],
    others: list[tuple[RandomTerm, np.ndarray]],
) -> tuple[np.ndarray, np.ndarray]:
    """Fixed effects and standard errors (levels, p) without each level; nan if not estimable."""
    codes, count, p = own[0][0].codes, len(own[0][0].levels), len(fit.beta)
    a = np.hstack([term.z @ triangle for term, triangle in own])  # (n, k)
    xy = np.column_stack([fit.design.x / fit.scale, fit.design.y])
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
    betas, errors = np.full((count, p), np.nan), np.full((count, p), np.nan)
    for i, here in enumerate(rows):
        own_part = (rest[here].T @ rest[here]).toarray() - half[i].T @ half[i]
        left = total - own_part
        try:
            factor = linalg.cho_factor(left[:-1, :-1])
        except np.linalg.LinAlgError:  # an effect rests on this level alone
            continue
        pivots = np.diag(factor[0])
        if pivots.min() < ALONE * pivots.max():
            continue
        solved = linalg.cho_solve(factor, np.column_stack([left[:-1, -1], np.eye(q + p)[:, q:]]))
        betas[i] = solved[q:, 0] / fit.scale
        errors[i] = fit.sigma * np.sqrt(np.diag(solved[q:, 1:])) / fit.scale
    return betas, errors
