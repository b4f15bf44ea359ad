"""The deviance of a linear mixed model, profiled over its fixed effects and residual variance.

Bates, Maechler, Bolker & Walker (2015), "Fitting linear mixed-effects models using lme4", Journal
of Statistical Software 67(1), equations 2-4, 32-39:

    y = X beta + Z Lambda(theta) u + e,    u ~ N(0, sigma^2 I),    e ~ N(0, sigma^2 I)

y (n,) ratings, X (n, p) fixed columns, Z (n, q) random columns; Lambda is block-diagonal, one lower
triangle (k, k) per level of a random term, and theta holds these triangles row by row, term after
term. Only cross-products enter, computed once: the largest term gives a block-diagonal matrix that
is eliminated block by block, the others stay dense, so one evaluation costs no more than a Cholesky
factor of the smaller terms (24 actors, not 1000 participants).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import linalg, sparse

from analysis.mixed.design import RandomTerm


@dataclass(frozen=True)
class Profiled:
    """What one theta gives.

    Attributes:
        log_det: log |Lambda' Z'Z Lambda + I|.
        factor: lower Cholesky factor (p, p) of X'V^-1 X, V being the covariance of y over sigma^2.
        beta: best fixed effects (p,).
        rss: penalised residual sum of squares.
    """

    log_det: float
    factor: np.ndarray
    beta: np.ndarray
    rss: float


class Deviance:
    """-2 log likelihood (REML, or ML) of y given theta."""

    def __init__(
        self, y: np.ndarray, x: np.ndarray, terms: Sequence[RandomTerm], *, reml: bool
    ) -> None:
        """Compute the cross-products of `y` (n,), `x` (n, p) and the random `terms`."""
        self.n, self.p = x.shape
        self.reml = reml
        self.sizes = [term.z.shape[1] for term in terms]
        self.order = sorted(
            range(len(terms)), key=lambda t: -len(terms[t].levels) * self.sizes[t]
        )  # largest first
        self.counts = [len(terms[t].levels) for t in self.order]
        blocks = [sparse_columns(terms[t], terms[t].z) for t in self.order]
        rest = sparse.hstack([*blocks[1:], sparse.csr_matrix(np.column_stack([x, y]))]).tocsr()
        first, m, k = terms[self.order[0]], self.counts[0], self.sizes[self.order[0]]
        self.z1z1 = np.zeros((m, k, k))
        np.add.at(self.z1z1, first.codes, first.z[:, :, None] * first.z[:, None, :])
        self.z1r = (blocks[0].T @ rest).toarray().reshape(m, k, -1)  # (m, k, q2 + p + 1)
        self.rr = (rest.T @ rest).toarray()

    @property
    def df(self) -> int:
        """Denominator of the residual variance."""
        return self.n - self.p if self.reml else self.n

    def triangles(self, theta: np.ndarray) -> list[np.ndarray]:
        """The lower triangles in `theta`, one per term, in the order of the formula."""
        out, start = [], 0
        for k in self.sizes:
            triangle = np.zeros((k, k))
            triangle[np.tril_indices(k)] = theta[start : start + k * (k + 1) // 2]
            out.append(triangle)
            start += k * (k + 1) // 2
        return out

    def at(self, theta: np.ndarray) -> Profiled:
        """Profile out the fixed effects; raises LinAlgError if theta is out of reach."""
        triangles = [self.triangles(theta)[t] for t in self.order]
        t1 = triangles[0]
        m, k = self.counts[0], len(t1)
        a = t1.T @ self.z1z1 @ t1 + np.eye(k)  # (m, k, k)
        b = np.einsum("ji,mjr->mir", t1, self.z1r)  # (m, k, r)
        c = self.rr.copy()  # (r, r)
        start = 0
        for count, t in zip(self.counts[1:], triangles[1:], strict=True):
            size = count * len(t)
            here = slice(start, start + size)
            b[:, :, here] = (b[:, :, here].reshape(m, k, count, -1) @ t).reshape(m, k, size)
            c[:, here] = (c[:, here].reshape(len(c), count, -1) @ t).reshape(len(c), size)
            c[here] = (t.T @ c[here].reshape(count, len(t), -1)).reshape(size, len(c))
            start += size
        c[np.arange(start), np.arange(start)] += 1
        chol = np.linalg.cholesky(a)
        v = np.linalg.solve(chol, b).reshape(m * k, -1)
        lower = linalg.cholesky(c - v.T @ v, lower=True, check_finite=False)
        log_det = 2 * np.log(np.diagonal(chol, axis1=1, axis2=2)).sum()
        log_det += 2 * np.log(np.diag(lower)[:start]).sum()
        factor, projected = lower[start:-1, start:-1], lower[-1, start:-1]
        beta = linalg.solve_triangular(factor, projected, lower=True, trans=1)
        return Profiled(float(log_det), factor, beta, float(lower[-1, -1] ** 2))

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


def sparse_columns(term: RandomTerm, z: np.ndarray) -> sparse.csr_matrix:
    """The columns z (n, k) of one term spread over its levels: (n, levels * k)."""
    n, k = z.shape
    rows = np.repeat(np.arange(n), k)
    at = (term.codes[:, None] * k + np.arange(k)).ravel()
    return sparse.csr_matrix((z.ravel(), (rows, at)), shape=(n, len(term.levels) * k))
