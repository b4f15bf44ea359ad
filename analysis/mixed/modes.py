"""Conditional modes: what a model expects of each participant and item.

    b = Lambda u,    (Lambda' Z'Z Lambda + I) u = Lambda' Z' (y - X beta)

(Bates et al. 2015, equation 21, at the estimate). The matrix (q, q) is never formed: conjugate
gradients need only products with the sparse Z, so a thousand participants are no burden.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, cg

from analysis.mixed.design import RandomTerm

EXACT = 1e-10  # relative residual at which the search for u ends


def spread(term: RandomTerm, z: np.ndarray) -> sparse.csr_matrix:
    """The columns z (n, k) of one term spread over its levels: (n, levels * k)."""
    n, k = z.shape
    rows = np.repeat(np.arange(n), k)
    at = (term.codes[:, None] * k + np.arange(k)).ravel()
    return sparse.csr_matrix((z.ravel(), (rows, at)), shape=(n, len(term.levels) * k))


def conditional_modes(
    terms: Sequence[RandomTerm], triangles: Sequence[np.ndarray], residual: np.ndarray
) -> list[np.ndarray]:
    """Deviations b (levels, k) of every level, one array per term.

    Args:
        terms: random terms.
        triangles: lower triangles (k, k) of the relative covariances, one per term.
        residual: ratings minus their fixed part (n,).

    Raises:
        ArithmeticError: the system could not be solved.
    """
    blocks = [spread(t, t.z @ triangle) for t, triangle in zip(terms, triangles, strict=True)]
    z = sparse.csr_matrix(sparse.hstack(blocks))  # (n, q)
    size = np.asarray(z.multiply(z).sum(axis=0)).ravel() + 1
    q = len(size)
    matrix = LinearOperator((q, q), matvec=lambda u: z.T @ (z @ u) + u, dtype=float)  # type: ignore[call-arg]
    near = LinearOperator((q, q), matvec=lambda u: u / size, dtype=float)  # type: ignore[call-arg]
    u, failed = cg(matrix, z.T @ residual, rtol=EXACT, maxiter=20 * q, M=near)
    if failed:
        raise ArithmeticError("the conditional modes were not found")
    out, start = [], 0
    for term, triangle in zip(terms, triangles, strict=True):
        m, k = len(term.levels), len(triangle)
        out.append(u[start : start + m * k].reshape(m, k) @ triangle.T)
        start += m * k
    return out


def modes_table(
    terms: Sequence[RandomTerm], triangles: Sequence[np.ndarray], residual: np.ndarray
) -> pd.DataFrame:
    """Conditional modes as rows: group, level, effect, deviation (points of the scale)."""
    rows = [
        (term.group, level, effect, deviation)
        for term, found in zip(terms, conditional_modes(terms, triangles, residual), strict=True)
        for j, effect in enumerate(term.names)
        for level, deviation in zip(term.levels, found[:, j], strict=True)
    ]
    return pd.DataFrame(rows, columns=["group", "level", "effect", "deviation"])
