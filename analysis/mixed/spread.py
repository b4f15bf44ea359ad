"""Columns of a random term spread over its levels."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from analysis.mixed.design import RandomTerm


def spread(term: RandomTerm, z: np.ndarray) -> sparse.csr_matrix:
    """The columns z (n, k) of one term, each level with columns of its own: (n, levels * k)."""
    n, k = z.shape
    rows = np.repeat(np.arange(n), k)
    at = (term.codes[:, None] * k + np.arange(k)).ravel()
    return sparse.csr_matrix((z.ravel(), (rows, at)), shape=(n, len(term.levels) * k))
