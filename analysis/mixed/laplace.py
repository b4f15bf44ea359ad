"""The deviance of a generalised mixed model by the Laplace approximation, and its slope.

    eta = X beta + Z Lambda(theta) u,    u ~ N(0, I),    y_i given u ~ p(y_i; eta_i, cuts)

X (n, p), Z (n, q) as in `analysis.mixed.deviance`; `cuts` are the thresholds of an ordinal model
(none in a binomial one). With l = log p and u the conditional modes (the minimum of the penalised
deviance), Bates, Maechler, Bolker & Walker's glmer and Christensen's clmm minimise

    d(theta, beta, cuts) = -2 sum l_i(eta_i) + u'u + log |A' W A + I|,    A = Z Lambda, W = -l''

The modes are found by Newton's method with step halving, factors being used again while they
bring the modes closer. The slope of d is exact: the modes move
with the parameters, and the implicit function theorem says how (Kristensen, Nielsen, Berg, Skaug &
Bell 2016, "TMB", Journal of Statistical Software 70(5), equations 3-5).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from analysis.mixed.blocks import Grouping, Precision, groupings, sums
from analysis.mixed.design import RandomTerm, lower_triangles

MOST_STEPS, MOST_HALVINGS = 100, 30
CLOSE = 1e-16  # squared Newton decrement at the modes
SLOW = 0.02  # a step that leaves more of the squared decrement calls for a new factor
ROUNDING = 1e-12  # relative rounding of the penalised deviance


@dataclass(frozen=True)
class Rows:
    """l and its derivatives by eta, one value per row (n,).

    Attributes:
        log_p: l.
        score: l'.
        weight: -l'', not negative.
        weight_slope: -l'''.
    """

    log_p: np.ndarray
    score: np.ndarray
    weight: np.ndarray
    weight_slope: np.ndarray


class Likelihood(Protocol):
    """The distribution of the answers given eta (n,)."""

    @property
    def cuts(self) -> int:
        """Number of thresholds."""
        ...

    def rows(self, eta: np.ndarray, cuts: np.ndarray) -> Rows:
        """Log likelihood of every row and its derivatives by eta."""
        ...

    def cut_slopes(
        self, eta: np.ndarray, cuts: np.ndarray, leverage: np.ndarray, pull: np.ndarray
    ) -> np.ndarray:
        """Slopes by the thresholds of -2 sum l + sum leverage * weight + sum pull * score."""
        ...


class Laplace:
    """d and its slope as functions of one vector: theta, then beta, then the thresholds."""

    def __init__(self, likelihood: Likelihood, x: np.ndarray, terms: Sequence[RandomTerm]) -> None:
        """Take the likelihood of the answers, x (n, p) and the random terms."""
        self.likelihood, self.x = likelihood, x
        self.groups = groupings(terms)
        self.sizes = [term.z.shape[1] for term in terms]
        self.thetas = sum(k * (k + 1) // 2 for k in self.sizes)
        self.u = self._zeros()  # the last modes: where the next search starts

    def _zeros(self) -> list[np.ndarray]:
        return [np.zeros((g.count, g.z.shape[1])) for g in self.groups]

    def parts(self, at: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Theta, beta and thresholds in one vector."""
        end = self.thetas + self.x.shape[1]
        return at[: self.thetas], at[self.thetas : end], at[end:]

    def triangles(self, theta: np.ndarray) -> list[np.ndarray]:
        """The lower triangles in `theta`, one per term, in the order of the formula."""
        return lower_triangles(theta, self.sizes)

    def _of_group(self, triangles: Sequence[np.ndarray], group: Grouping) -> np.ndarray:
        """The triangles of one grouping's terms along a diagonal (k, k)."""
        whole = np.zeros((group.z.shape[1], group.z.shape[1]))
        start = 0
        for t in group.terms:
            here = slice(start, start + self.sizes[t])
            whole[here, here] = triangles[t]
            start += self.sizes[t]
        return whole

    def __call__(self, at: np.ndarray) -> tuple[float, np.ndarray]:
        """The deviance and its slope; raises LinAlgError where it cannot be computed."""
        theta, beta, cuts = self.parts(at)
        triangles = self.triangles(theta)
        a = [g.z @ self._of_group(triangles, g) for g in self.groups]
        eta, rows, precision = self._modes(self.x @ beta, cuts, a)
        deviance = float(
            -2 * rows.log_p.sum() + sum(np.sum(u**2) for u in self.u) + precision.log_det
        )
        inverse_rows = precision.inverse_rows()
        leverage = np.zeros(len(eta))
        for columns, solved in zip(a, inverse_rows, strict=True):
            leverage += np.einsum("nk,nk->n", columns, solved)
        bend = leverage * rows.weight_slope  # slope of log |H| by eta
        r = precision.solve([sums(g, b, bend) for g, b in zip(self.groups, a, strict=True)])
        pull = _spread(self.groups, a, r)
        slope = -2 * rows.score + bend - rows.weight * pull
        by_theta = self._theta_slope(slope, rows, r, inverse_rows)
        by_cuts = self.likelihood.cut_slopes(eta, cuts, leverage, pull)
        return deviance, np.concatenate([by_theta, self.x.T @ slope, by_cuts])

    def _theta_slope(
        self, slope: np.ndarray, rows: Rows, r: list[np.ndarray], inverse_rows: list[np.ndarray]
    ) -> np.ndarray:
        of_term: dict[int, np.ndarray] = {}
        for g, group in enumerate(self.groups):
            spread = (
                slope[:, None] * self.u[g][group.codes]
                + rows.score[:, None] * r[g][group.codes]
                + 2 * rows.weight[:, None] * inverse_rows[g]
            )
            whole, start = group.z.T @ spread, 0
            for t in group.terms:
                k = self.sizes[t]
                block = whole[start : start + k, start : start + k]
                of_term[t] = block[np.tril_indices(k)]
                start += k
        return np.concatenate([of_term[t] for t in range(len(self.sizes))])

    def _modes(
        self, offset: np.ndarray, cuts: np.ndarray, a: list[np.ndarray]
    ) -> tuple[np.ndarray, Rows, Precision]:
        """The conditional modes (kept in `self.u`), and eta, rows and H there."""
        u, last, precision = self.u, np.inf, None
        found = self._penalised(offset, cuts, a, u)
        if not np.isfinite(found[0]):
            u = self._zeros()
            found = self._penalised(offset, cuts, a, u)
        for _ in range(MOST_STEPS):
            value, _, rows = found
            down = [sums(g, b, rows.score) - v
                    for g, b, v in zip(self.groups, a, u, strict=True)]  # fmt: skip
            if precision is None:
                precision = Precision(self.groups, a, rows.weight)
            step = precision.solve(down)
            decrement = sum(float(np.sum(d * s)) for d, s in zip(down, step, strict=True))
            if decrement < CLOSE:
                self.u = [v + s for v, s in zip(u, step, strict=True)]
                _, eta, rows = self._penalised(offset, cuts, a, self.u)
                return eta, rows, Precision(self.groups, a, rows.weight)
            length = 1.0
            for _ in range(MOST_HALVINGS):
                there = [v + length * s for v, s in zip(u, step, strict=True)]
                found = self._penalised(offset, cuts, a, there)
                if found[0] <= value + ROUNDING * abs(value):
                    break
                length /= 2
            if decrement > SLOW * last or length < 1:
                precision = None  # an old factor is good enough while it brings u closer quickly
            u, last = there, decrement
        raise np.linalg.LinAlgError("the conditional modes were not found")

    def _penalised(
        self, offset: np.ndarray, cuts: np.ndarray, a: list[np.ndarray], u: list[np.ndarray]
    ) -> tuple[float, np.ndarray, Rows]:
        eta = offset + _spread(self.groups, a, u)
        rows = self.likelihood.rows(eta, cuts)
        return float(-2 * rows.log_p.sum() + sum(np.sum(v**2) for v in u)), eta, rows


def _spread(
    groups: Sequence[Grouping], a: Sequence[np.ndarray], u: Sequence[np.ndarray]
) -> np.ndarray:
    """A u for every row (n,)."""
    out = np.zeros(len(groups[0].codes))
    for group, columns, effects in zip(groups, a, u, strict=True):
        out += np.einsum("nk,nk->n", columns, effects[group.codes])
    return out
