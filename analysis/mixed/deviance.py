"""The deviance of a linear mixed model, profiled over its fixed effects and residual variance.

Bates, Maechler, Bolker & Walker (2015), "Fitting linear mixed-effects models using lme4", Journal
of Statistical Software 67(1), equations 2-4, 32-39:

    y = X beta + Z Lambda(theta) u + e,    u ~ N(0, sigma^2 I),    e ~ N(0, sigma^2 I)

y (n,) ratings, X (n, p) fixed columns, Z (n, q) random columns; Lambda is block-diagonal, one lower
triangle T (k, k) per level of a random term, and theta holds these triangles row by row, term after
term. V = I + Z Lambda Lambda' Z' is the covariance of y over sigma^2.

The factor with the most random effects is eliminated level by level (`analysis.mixed.elimination`),
the others stay dense: one evaluation costs no more than a Cholesky factor of the smaller factors
(24 actors, not 1000 participants). The terms of one factor are eliminated together.

Derivatives are exact. With S = T T' the covariance of a term over sigma^2 and P = V^-1 less what X
takes, the deviance changes with S by K = sum over levels of the term of Z'PZ - Z'Py y'PZ / s^2, and
with T by 2 K T (Lindstrom & Bates 1988, Journal of the American Statistical Association 83).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy import linalg, sparse

from analysis.mixed.design import RandomTerm, lower_triangles
from analysis.mixed.elimination import Factor, crossing

STEP, LEAST_STEP_OF = 1e-6, 0.1  # of differences of slopes: relative, but to no less than this
(POTRI,) = linalg.get_lapack_funcs(("potri",), dtype=np.float64)  # from a Cholesky factor


@dataclass(frozen=True)
class Profiled:
    """What one theta gives.

    Attributes:
        log_det: log |Lambda' Z'Z Lambda + I|.
        factor: lower Cholesky factor (p, p) of X'V^-1 X.
        beta: best fixed effects (p,).
        rss: penalised residual sum of squares.
        work: the matrices of the evaluation, for derivatives and conditional modes.
    """

    log_det: float
    factor: np.ndarray
    beta: np.ndarray
    rss: float
    work: Work = field(repr=False)


@dataclass(frozen=True)
class Eliminated:
    """The first factor at one T (k, k): N = T (T'CT + I)^-1 T', C its cross-products (m, k, k)."""

    t: np.ndarray
    log_det: float
    n: np.ndarray  # (m, k, k)
    left: np.ndarray  # R'V1^-1 R (r, r), V1 = I + Z1 T T'Z1'


@dataclass(frozen=True)
class Work:
    """Matrices at one theta; columns of R in the order other factors (q), X (p), y (1)."""

    first: Eliminated
    others: list[np.ndarray]  # T of each other factor
    lower: np.ndarray  # Cholesky factor (r, r) of T'R'V1^-1 R T + I


class Deviance:
    """-2 log likelihood (REML, or ML) of y given theta."""

    def __init__(
        self, y: np.ndarray, x: np.ndarray, terms: Sequence[RandomTerm], *, reml: bool
    ) -> None:
        """Compute the cross-products of `y` (n,), `x` (n, p) and the random `terms`."""
        self.n, self.p = x.shape
        self.reml = reml
        self.sizes = [term.z.shape[1] for term in terms]
        self.counts = [len(term.levels) for term in terms]
        self.members = _same_factor(terms)
        factors = [
            Factor(terms[m[0]].codes, self.counts[m[0]], np.hstack([terms[t].z for t in m]))
            for m in self.members
        ]
        first, *others = factors
        dense = np.column_stack([x, y])
        self.crossing = crossing(first, others, dense)
        self.own = _own_products(first)  # C (m, k, k)
        self.edge = np.asarray(first.columns().T @ dense).reshape(first.count, -1, self.p + 1)
        self.shapes = [(factor.count, factor.z.shape[1]) for factor in others]
        self.q = sum(factor.size for factor in others)
        self.products = _products(others, dense)  # R'R (r, r)
        self._first: Eliminated | None = None
        self._last: tuple[bytes, Profiled] | None = None
        self._curved: tuple[bytes, tuple[np.ndarray, np.ndarray]] | None = None
        self._steep: tuple[bytes, tuple[np.ndarray, np.ndarray]] | None = None

    @property
    def df(self) -> int:
        """Denominator of the residual variance."""
        return self.n - self.p if self.reml else self.n

    def triangles(self, theta: np.ndarray) -> list[np.ndarray]:
        """The lower triangles in `theta`, one per term, in the order of the formula."""
        return lower_triangles(theta, self.sizes)

    def at(self, theta: np.ndarray) -> Profiled:
        """Profile out the fixed effects; raises LinAlgError if theta is out of reach."""
        key = np.asarray(theta, float).tobytes()
        if self._last is None or self._last[0] != key:
            self._last = (key, self._profile(theta))
        return self._last[1]

    def __call__(self, theta: np.ndarray) -> float:
        """The deviance at `theta`, profiled over the residual variance too."""
        profiled = self.at(theta)
        return self._sum(profiled, profiled.rss / self.df)

    def full(self, theta: np.ndarray, sigma: float) -> float:
        """The deviance at `theta` and residual standard deviation `sigma`."""
        return self._sum(self.at(theta), sigma**2)

    def _sum(self, profiled: Profiled, variance: float) -> float:
        deviance = profiled.log_det + self.df * np.log(2 * np.pi * variance)
        deviance += profiled.rss / variance
        if self.reml:
            deviance += 2 * np.log(np.diag(profiled.factor)).sum()
        return float(deviance)

    def sigma(self, theta: np.ndarray) -> float:
        """The best residual standard deviation at `theta`."""
        return float(np.sqrt(self.at(theta).rss / self.df))

    def covariance(self, theta: np.ndarray, sigma: float) -> np.ndarray:
        """Covariance (p, p) of the fixed effects."""
        inverse = linalg.solve_triangular(self.at(theta).factor, np.eye(self.p), lower=True)
        return sigma**2 * inverse.T @ inverse

    def gradients(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Derivatives (parameters,) in theta: of the log determinants, and of rss."""
        key = np.asarray(theta, float).tobytes()
        if self._steep is None or self._steep[0] != key:
            self._steep = (key, self._gradients(theta))
        return self._steep[1]

    def _gradients(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        profiled = self.at(theta)
        work, h = profiled.work, self.q + self.p if self.reml else self.q
        inverse = self._inverse(profiled, h)
        phi = self._sandwich(work.others, inverse)
        slopes = [self._first_slope(work.first, phi) @ work.first.t]
        if self.q:
            turned = [t.T for t in work.others]
            right = self._stretch(turned, work.first.left[:h, :h]).T  # R'V1^-1 R T
            for at, count, k in self._places():
                here = slice(at, at + count * k)
                one, other = right[here].reshape(count, k, -1), inverse[here].reshape(count, k, -1)
                slopes.append(np.tensordot(one, other, axes=([0, 2], [0, 2])))
        triangles = self.triangles(theta)
        rss = [-(a.T @ a) @ t for a, t in zip(self.scores(theta), triangles, strict=True)]
        return self._flat(self._by_term(slopes)), self._flat(rss)

    def gradient(self, theta: np.ndarray) -> np.ndarray:
        """Derivative (parameters,) of the profiled deviance in theta."""
        log_det, rss = self.gradients(theta)
        return log_det + self.df / self.at(theta).rss * rss

    def changes(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Second derivatives (parameters, parameters) in theta: of log determinants, and of rss."""
        key = np.asarray(theta, float).tobytes()
        if self._curved is None or self._curved[0] != key:
            steps = STEP * np.maximum(np.abs(theta), LEAST_STEP_OF)
            base, rows = self.gradients(theta), []
            for step, unit in zip(steps[::-1], np.diag(steps)[::-1], strict=True):
                ahead = self._gradients(theta + unit)
                rows.append([(a - b) / step for a, b in zip(ahead, base, strict=True)])
            log_det, rss = np.array(rows[::-1]).transpose(1, 0, 2)
            self._curved = (key, ((log_det + log_det.T) / 2, (rss + rss.T) / 2))
        return self._curved[1]

    def hessian(self, theta: np.ndarray) -> np.ndarray:
        """Second derivatives (parameters, parameters) of the profiled deviance in theta."""
        log_det, rss = self.changes(theta)
        _, slope = self.gradients(theta)
        total = self.at(theta).rss
        return log_det + self.df / total * (rss - np.outer(slope, slope) / total)

    def curvatures(self, theta: np.ndarray) -> list[np.ndarray]:
        """Derivatives K (k, k) of the profiled deviance in the covariance S of each term."""
        profiled = self.at(theta)
        work, h = profiled.work, self.q + self.p if self.reml else self.q
        others = work.others
        phi = self._sandwich(others, self._inverse(profiled, h))
        out = [self._first_slope(work.first, phi)]
        if self.q:
            left = work.first.left[: self.q, :h]
            taken = left @ phi
            for at, count, k in self._places():
                here = slice(at, at + count * k)
                kept = work.first.left[here, here] - taken[here] @ left[here].T
                out.append(_diagonal(kept, count, k).sum(axis=0))
        weight = self.df / profiled.rss
        scores = self.scores(theta)
        return [s - weight * a.T @ a for s, a in zip(self._by_term(out), scores, strict=True)]

    def scores(self, theta: np.ndarray) -> list[np.ndarray]:
        """Z'V^-1 (y - X beta) of each term (levels, k): conditional modes before S is applied."""
        work = self.at(theta).work
        u = linalg.solve_triangular(work.lower[:-1, :-1], work.lower[-1, :-1], lower=True, trans=1)
        last = slice(self.q + self.p, self.q + self.p + 1)
        c = self._stretch(work.others, u)[:, None]
        return [found[..., 0] for found in self._solved(work, c, last)]

    def columns_seen(self, theta: np.ndarray) -> list[np.ndarray]:
        """Z'V^-1 X of each term (levels, k, p)."""
        work, q = self.at(theta).work, self.q
        solved = linalg.solve_triangular(
            work.lower[:q, :q], work.lower[q:-1, :q].T, lower=True, trans=1
        )
        return self._solved(work, self._stretch(work.others, solved), slice(q, q + self.p))

    def spreads(self, theta: np.ndarray) -> list[np.ndarray]:
        """Covariance over sigma^2 of the conditional modes of each term (levels, k, k)."""
        profiled = self.at(theta)
        first, others = profiled.work.first, profiled.work.others
        own = [first.n]
        if self.q:
            phi = self._sandwich(others, self._inverse(profiled, self.q))
            own = [first.n + first.n @ self.crossing.quadratic(phi) @ first.n]
            for at, count, k in self._places():
                here = slice(at, at + count * k)
                own.append(_diagonal(phi[here, here], count, k))
        return self._by_term(own)

    def _profile(self, theta: np.ndarray) -> Profiled:
        triangles = self.triangles(theta)
        t1, *others = [
            np.asarray(linalg.block_diag(*(triangles[t] for t in members)))
            for members in self.members
        ]
        first, q = self._eliminate(t1), self.q
        turned = [t.T for t in others]
        matrix = self._sandwich(turned, first.left)
        matrix[np.arange(q), np.arange(q)] += 1
        lower = linalg.cholesky(matrix, lower=True, check_finite=False)
        log_det = first.log_det + 2 * np.log(np.diag(lower)[:q]).sum()
        factor, projected = lower[q:-1, q:-1], lower[-1, q:-1]
        beta = linalg.solve_triangular(factor, projected, lower=True, trans=1)
        work = Work(first, others, lower)
        return Profiled(float(log_det), factor, beta, float(lower[-1, -1] ** 2), work)

    def _eliminate(self, t: np.ndarray) -> Eliminated:
        """Kept from one theta to the next if only other factors have changed."""
        if self._first is None or not np.array_equal(self._first.t, t):
            lower = np.linalg.cholesky(t.T @ self.own @ t + np.eye(len(t)))
            half = np.linalg.inv(lower) @ t.T
            log_det = 2 * np.log(np.diagonal(lower, axis1=1, axis2=2)).sum()
            left = self.products - self.crossing.reduction(half)
            self._first = Eliminated(t, float(log_det), half.transpose(0, 2, 1) @ half, left)
        return self._first

    def _places(self) -> list[tuple[int, int, int]]:
        """Where each other factor stands in R: first column, levels, effects."""
        starts = np.cumsum([0, *(count * k for count, k in self.shapes)]).tolist()
        return [(at, *shape) for at, shape in zip(starts, self.shapes, strict=False)]

    def _stretch(self, others: list[np.ndarray], rows: np.ndarray) -> np.ndarray:
        """T times the rows (h, ...) that belong to other factors; the rest as they are."""
        out = rows.copy()
        for (at, count, k), t in zip(self._places(), others, strict=True):
            here = slice(at, at + count * k)
            if k == 1:
                out[here] *= t[0, 0]
            else:
                out[here] = (t @ rows[here].reshape(count, k, -1)).reshape(out[here].shape)
        return out

    def _sandwich(self, others: list[np.ndarray], matrix: np.ndarray) -> np.ndarray:
        """T times the symmetric `matrix` (h, h) times T'."""
        if any(len(t) > 1 for t in others):
            return self._stretch(others, self._stretch(others, matrix).T)
        sizes = np.ones(len(matrix))
        for (at, count, _), t in zip(self._places(), others, strict=True):
            sizes[at : at + count] = t[0, 0]
        out = matrix * sizes
        out *= sizes[:, None]
        return out

    def _first_slope(self, first: Eliminated, phi: np.ndarray) -> np.ndarray:
        """Derivative (k, k) of the log determinants in the S of the first factor."""
        kept = np.eye(len(first.t)) - first.n @ self.own  # (m, k, k)
        slope = (self.own @ kept).sum(axis=0)
        if len(phi):
            taken = self.crossing.quadratic(phi)
            slope = slope - (kept.transpose(0, 2, 1) @ taken @ kept).sum(axis=0)
        return slope

    def _inverse(self, profiled: Profiled, h: int) -> np.ndarray:
        """Inverse (h, h) of the first h columns of what `lower` factorises."""
        if not h:
            return np.empty((0, 0))
        inverse, _ = POTRI(profiled.work.lower[:h, :h], lower=1)
        inverse = inverse + inverse.T  # the upper triangle was empty
        inverse[np.diag_indices(h)] /= 2
        return inverse

    def _solved(self, work: Work, c: np.ndarray, columns: slice) -> list[np.ndarray]:
        """Z'V1^-1 (R[columns] - R c) of each term, for columns of X and y; c (h, s) without T."""
        first, h = work.first, len(c)
        dense = slice(columns.start - self.q, columns.stop - self.q)
        inner = self.edge[:, :, dense]
        if h:
            inner = inner - self.crossing.times(c)
        kept = np.eye(len(first.t)) - self.own @ first.n
        out = [kept @ inner]
        outer = first.left[: self.q, columns] - first.left[: self.q, :h] @ c
        out += [outer[at : at + m * k].reshape(m, k, -1) for at, m, k in self._places()]
        by_term: list[np.ndarray] = [out[0]] * len(self.sizes)
        for found, members in zip(out, self.members, strict=True):
            for t, here in self._parts(members):
                by_term[t] = found[:, here]
        return by_term

    def _by_term(self, by_factor: list[np.ndarray]) -> list[np.ndarray]:
        """The diagonal blocks of terms in matrices (..., k, k) of factors."""
        out: list[np.ndarray] = [by_factor[0]] * len(self.sizes)
        for found, members in zip(by_factor, self.members, strict=True):
            for t, here in self._parts(members):
                out[t] = found[..., here, here]
        return out

    def _parts(self, members: Sequence[int]) -> list[tuple[int, slice]]:
        """Which columns of a factor each of its terms has."""
        ends = np.cumsum([self.sizes[t] for t in members]).tolist()
        return [(t, slice(end - self.sizes[t], end)) for t, end in zip(members, ends, strict=True)]

    def _flat(self, slopes: list[np.ndarray]) -> np.ndarray:
        """From K T of each term to derivatives in theta."""
        return np.concatenate([2 * s[np.tril_indices(len(s))] for s in slopes])


def _same_factor(terms: Sequence[RandomTerm]) -> list[list[int]]:
    """Indices of the terms of each grouping factor, that with most random effects first."""
    members: dict[str, list[int]] = {}
    for t, term in enumerate(terms):
        members.setdefault(term.group, []).append(t)

    def size(those: list[int]) -> int:
        return sum(len(terms[t].levels) * terms[t].z.shape[1] for t in those)

    return sorted(members.values(), key=size, reverse=True)


def _own_products(factor: Factor) -> np.ndarray:
    """Z'Z of each level (m, k, k)."""
    k = factor.z.shape[1]
    out = np.empty((factor.count, k, k))
    for a in range(k):
        for b in range(a + 1):
            weights = factor.z[:, a] * factor.z[:, b]
            out[:, a, b] = out[:, b, a] = np.bincount(factor.codes, weights, factor.count)
    return out


def _products(others: Sequence[Factor], dense: np.ndarray) -> np.ndarray:
    """R'R (r, r), R being the columns of the other factors and the dense ones."""
    if not others:
        return dense.T @ dense
    z = sparse.csr_matrix(sparse.hstack([factor.columns() for factor in others]))
    q = sum(factor.size for factor in others)
    out = np.empty((q + dense.shape[1],) * 2)
    out[:q, :q] = (z.T @ z).toarray()
    out[:q, q:] = z.T @ dense
    out[q:, :q] = out[:q, q:].T
    out[q:, q:] = dense.T @ dense
    return out


def _diagonal(matrix: np.ndarray, count: int, k: int) -> np.ndarray:
    """Diagonal blocks (count, k, k)."""
    blocks = matrix.reshape(count, k, count, k)
    return np.einsum("iaib->iab", blocks)
