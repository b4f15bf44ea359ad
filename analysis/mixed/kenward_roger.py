"""Kenward and Roger's adjusted covariance, degrees of freedom and scale of F.

Kenward & Roger (1997), "Small sample inference for fixed effects from restricted maximum
likelihood", Biometrics 53, 983-997, in the notation of Halekoh & Højsgaard (2014), "A
Kenward-Roger approximation and parametric bootstrap methods for tests in linear mixed models: the
R package pbkrtest", Journal of Statistical Software 59(9), sections 2.2-2.3 and appendix A:

    V = sum_i s_i G_i            covariance of the ratings; every G_i is a variance or covariance
    Phi = (X'V^-1 X)^-1          of the random effects, or the identity (n, n)
    P_i = -X'V^-1 G_i V^-1 X,    Q_ij = X'V^-1 G_i V^-1 G_j V^-1 X
    2 IE_ij = tr(V^-1 G_i V^-1 G_j) - tr(2 Phi Q_ij - Phi P_i Phi P_j),    W = IE^-1
    Phi_A = Phi + 2 Phi {sum_ij W_ij (Q_ij - P_i Phi P_j)} Phi

V is linear in s, so second derivatives vanish. With V = sigma^2 (I + Z Lambda Lambda' Z') and
S = Lambda' Z'Z Lambda + I (q, q) every product with V^-1 is one in the space of the q random
effects (Woodbury): no n x n matrix is formed, and the number of ratings hardly matters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy import linalg, sparse

from analysis.mixed.design import RandomTerm
from analysis.mixed.spread import spread

MOST_EFFECTS = 4000  # q; beyond it the matrices (q, q) take gigabytes
SINGULAR = 1e-10  # share of the largest eigenvalue below which IE has no inverse (pbkrtest)


@dataclass(frozen=True)
class _Component:
    """One variance or covariance: G = Z_t (I x unit) Z_t', `unit` (k, k) symmetric, of term t."""

    term: int
    unit: np.ndarray


class KenwardRoger:
    """Adjusted covariance (p, p) of the fixed effects, and tests of contrasts.

    Args:
        x: fixed columns (n, p).
        terms: random terms.
        triangles: lower triangles (k, k) of the relative covariances, one per term.
        sigma: residual standard deviation.
    """

    def __init__(
        self,
        x: np.ndarray,
        terms: Sequence[RandomTerm],
        triangles: Sequence[np.ndarray],
        sigma: float,
    ) -> None:
        """Form P, Q, W and the adjusted covariance."""
        space = _Space(x, terms, triangles, sigma)
        components = [
            _Component(t, _unit(term.z.shape[1], a, b))
            for t, term in enumerate(terms)
            for a, b in np.argwhere(np.tril(np.ones((term.z.shape[1],) * 2))).tolist()
        ]
        self.phi = np.linalg.inv(space.xvx)
        self.p = [*(space.p(c) for c in components), -space.xv2x]
        q = _symmetric(components, space.q_between, space.q_residual, space.xv3x)
        traces = _symmetric(components, space.trace, space.trace_residual, space.trace_v2)
        self.w = self._weights(q, traces)
        total = np.zeros_like(self.phi)
        for i, j in product(range(len(self.p)), repeat=2):
            total += self.w[i, j] * (q[i][j] - self.p[i] @ self.phi @ self.p[j])
        total = (total + total.T) / 2
        self.covariance = self.phi + 2 * self.phi @ total @ self.phi

    def _weights(self, q: list[list], traces: list[list]) -> np.ndarray:
        """W: covariance of the variance parameters, from their expected information."""
        phi, n = self.phi, len(self.p)
        information = np.empty((n, n))
        for i, j in product(range(n), repeat=2):
            both = np.sum((phi @ self.p[i]) * (phi @ self.p[j]).T)
            information[i, j] = (traces[i][j] - 2 * np.sum(phi * q[i][j].T) + both) / 2
        values = np.linalg.eigvalsh(information)
        if abs(values).min() < SINGULAR * abs(values).max():
            return np.linalg.pinv(information, rcond=SINGULAR, hermitian=True)
        return np.linalg.inv(information)

    def df(self, contrast: np.ndarray) -> float:
        """Degrees of freedom of one `contrast` (p,)."""
        return self.scale_and_df(contrast[None, :])[1]

    def scale_and_df(self, contrasts: np.ndarray) -> tuple[float, float]:
        """Lambda and denominator df of the F test of `contrasts` (c, p), of full row rank.

        Halekoh & Højsgaard (2014), appendix A.2; lambda times the Wald statistic over c has an F
        distribution with c and df degrees of freedom.
        """
        rank = len(contrasts)
        theta = contrasts.T @ np.linalg.solve(contrasts @ self.phi @ contrasts.T, contrasts)
        parts = [theta @ self.phi @ p @ self.phi for p in self.p]
        each = np.array([np.trace(part) for part in parts])
        both = np.array([[np.sum(a * b.T) for b in parts] for a in parts])
        a1, a2 = float(each @ self.w @ each), float(np.sum(self.w * both))
        b = (a1 + 6 * a2) / (2 * rank)
        g = ((rank + 1) * a1 - (rank + 4) * a2) / ((rank + 2) * a2) if a2 else 0.0
        divisor = 3 * rank + 2 * (1 - g)
        c1, c2, c3 = g / divisor, (rank - g) / divisor, (rank + 2 - g) / divisor
        above, below = 1 - a2 / rank, 1 - c2 * b
        ratio = 1.0 if max(abs(above), abs(below)) < 1e-14 else above / below
        rho = ratio**2 * (1 + c1 * b) / (1 - c3 * b) / rank
        df = 4 + (rank + 2) / (rank * rho - 1)
        if abs(df - 2) < 1e-2:  # no mean: pbkrtest leaves F as it is
            return 1.0, df
        return float(df * (1 - a2 / rank) / (df - 2)), float(df)


class _Space:
    """Products with V^-1, all of them in the space of the q random effects."""

    def __init__(
        self,
        x: np.ndarray,
        terms: Sequence[RandomTerm],
        triangles: Sequence[np.ndarray],
        sigma: float,
    ) -> None:
        # columns of unit size: variances in other units would make IE look singular
        sizes = [_size(term.z) for term in terms]
        z = sparse.csr_matrix(
            sparse.hstack([spread(t, t.z / size) for t, size in zip(terms, sizes, strict=True)])
        )  # (n, q)
        each = [
            sparse.kron(sparse.eye(len(t.levels)), triangle * size[:, None])
            for t, triangle, size in zip(terms, triangles, sizes, strict=True)
        ]
        factor = sparse.csr_matrix(sparse.block_diag(each))  # Lambda (q, q)
        self.counts = [(len(term.levels), term.z.shape[1]) for term in terms]
        ends = np.cumsum([m * k for m, k in self.counts])
        self.places = [slice(e - m * k, e) for e, (m, k) in zip(ends, self.counts, strict=True)]
        variance, n, q = sigma**2, len(x), int(ends[-1])
        zz, zl = sparse.csr_matrix(z.T @ z), sparse.csr_matrix(z @ factor)
        s = (zl.T @ zl).toarray()
        s[np.diag_indices(q)] += 1
        s_inverse = linalg.cho_solve(linalg.cho_factor(s), np.eye(q))

        def apart(columns: np.ndarray) -> np.ndarray:
            """V^-1 times `columns` (n, c)."""
            return (columns - zl @ (s_inverse @ (zl.T @ columns))) / variance

        vx = apart(x)
        v2x = apart(vx)
        self.xvx, self.xv2x, self.xv3x = x.T @ vx, x.T @ v2x, vx.T @ v2x
        self.zvx, self.zv2x = z.T @ vx, z.T @ v2x  # (q, p)
        # V^-1 Z = Z C / sigma^2 with C = I - Lambda S^-1 Lambda' Z'Z
        inner = factor @ (factor @ s_inverse.T).T  # Lambda S^-1 Lambda'
        self.c = -(zz @ inner.T).T
        self.c[np.diag_indices(q)] += 1
        self.c /= variance
        self.zvz = zz @ self.c  # Z'V^-1 Z (q, q)
        self.trace_v2 = (n - q + np.sum(s_inverse**2)) / variance**2

    def _spread(self, component: _Component, columns: np.ndarray) -> np.ndarray:
        """(I x unit) times the rows of `columns` (q, p) that belong to the component's term."""
        m, k = self.counts[component.term]
        rows = columns[self.places[component.term]].reshape(m, k, -1)
        return (component.unit @ rows).reshape(m * k, -1)

    def p(self, component: _Component) -> np.ndarray:
        """-X'V^-1 G V^-1 X."""
        here = self.places[component.term]
        return -self.zvx[here].T @ self._spread(component, self.zvx)

    def q_between(self, one: _Component, other: _Component) -> np.ndarray:
        """X'V^-1 G V^-1 G' V^-1 X."""
        middle = self.zvz[self.places[one.term], self.places[other.term]]
        return self._spread(one, self.zvx).T @ middle @ self._spread(other, self.zvx)

    def q_residual(self, component: _Component) -> np.ndarray:
        """X'V^-1 G V^-2 X."""
        here = self.places[component.term]
        return self._spread(component, self.zvx).T @ self.zv2x[here]

    def trace(self, one: _Component, other: _Component) -> float:
        """tr(V^-1 G V^-1 G'): a sum over pairs of levels, e[a,b] M[b,c] e'[c,d] M[a,d]."""
        gram = self._gram(one.term, other.term)
        return float(np.einsum("ab,cd,bcad->", one.unit, other.unit, gram))

    def _gram(self, s: int, t: int) -> np.ndarray:
        """Sums over levels i, j of M_ij[b, c] M_ij[a, d] (b, c, a, d), M_ij blocks of Z'V^-1 Z."""
        known = self.__dict__.setdefault("_grams", {})
        if (s, t) not in known:
            (m, k), (n, h) = self.counts[s], self.counts[t]
            blocks = self.zvz[self.places[s], self.places[t]].reshape(m, k, n, h)
            flat = blocks.transpose(0, 2, 1, 3).reshape(m * n, k * h)
            known[s, t] = (flat.T @ flat).reshape(k, h, k, h)
        return known[s, t]

    def trace_residual(self, component: _Component) -> float:
        """tr(V^-1 G V^-1): the diagonal blocks of Z'V^-2 Z."""
        m, k = self.counts[component.term]
        here = self.places[component.term]
        left = self.c[:, here].reshape(-1, m, k)
        right = self.zvz[:, here].reshape(-1, m, k)
        return float(
            sum(
                component.unit[a, b] * np.sum(left[:, :, a] * right[:, :, b])
                for a, b in product(range(k), repeat=2)
                if component.unit[a, b]
            )
        )


def _symmetric(components: list[_Component], between, with_residual, residual) -> list[list]:
    """A symmetric table over all components, the residual variance last; [j][i] = [i][j]'."""
    n = len(components)
    table: list[list] = [[None] * (n + 1) for _ in range(n + 1)]
    for i, one in enumerate(components):
        for j, other in enumerate(components[: i + 1]):
            table[i][j] = between(one, other)
            table[j][i] = np.transpose(table[i][j])
        table[i][n] = with_residual(one)
        table[n][i] = np.transpose(table[i][n])
    table[n][n] = residual
    return table


def _unit(k: int, a: int, b: int) -> np.ndarray:
    unit = np.zeros((k, k))
    unit[a, b] = unit[b, a] = 1
    return unit


def _size(z: np.ndarray) -> np.ndarray:
    """Root mean square of each column; 1 for a column of zeros."""
    size = np.sqrt(np.mean(z**2, axis=0))
    return np.where(size > 0, size, 1.0)
