"""The largest grouping factor of a model, eliminated level by level.

Z1 (n, m k) are the columns of the factor with the most random effects: m levels, k effects each;
R (n, r) is all the rest: columns of the other factors (q), fixed effects (p) and the ratings (1).
With N (m, k, k), one symmetric block per level, what a deviance needs of Z1 is

    R'R - R'Z1 N Z1'R (r, r)    and    Z1'R Phi R'Z1, block by block (m, k, k).

Cross-products enter, never the n rows. Where most pairs of levels never meet (3000 students, 1100
lecturers, 25 lecturers a student) only the pairs that do are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy import sparse

PAIR_COST = 25  # one pair of cells costs about as much as this many multiplications of a matrix
SMALL = 5e6  # multiplications that are over before bookkeeping of cells would pay


@dataclass(frozen=True)
class Factor:
    """A grouping factor with the columns of all its terms: row i of `z` (n, k) is of `codes[i]`."""

    codes: np.ndarray
    count: int
    z: np.ndarray

    @property
    def size(self) -> int:
        """Number of random effects."""
        return self.count * self.z.shape[1]

    def columns(self) -> sparse.csr_matrix:
        """The columns spread over the levels: (n, count * k)."""
        n, k = self.z.shape
        at = (self.codes[:, None] * k + np.arange(k)).ravel()
        rows = np.arange(0, n * k + 1, k)
        return sparse.csr_matrix((self.z.ravel(), at, rows), shape=(n, self.size))


class Crossing(Protocol):
    """Z1'R (m, k, r), r being the q columns of other factors and `rest` dense ones."""

    def reduction(self, half: np.ndarray) -> np.ndarray:
        """R'Z1 N Z1'R (r, r) for N = half' half, half (m, k, k)."""
        ...

    def quadratic(self, phi: np.ndarray) -> np.ndarray:
        """Blocks (m, k, k) of Z1'R phi R'Z1, phi (h, h) for the first h columns of R."""
        ...

    def times(self, c: np.ndarray) -> np.ndarray:
        """Z1'R c (m, k, s) for c (h, s) on the first h columns of R."""
        ...


class Dense:
    """Every level of the first factor meets many levels of the others."""

    def __init__(self, cross: np.ndarray) -> None:
        """Keep `cross` (m, k, r)."""
        self.cross = cross

    def reduction(self, half: np.ndarray) -> np.ndarray:
        """See `Crossing`."""
        v = (half @ self.cross).reshape(-1, self.cross.shape[2])
        return v.T @ v

    def quadratic(self, phi: np.ndarray) -> np.ndarray:
        """See `Crossing`."""
        m, k, _ = self.cross.shape
        here = self.cross[:, :, : len(phi)]
        weighted = (here.reshape(m * k, -1) @ phi).reshape(m, k, -1)
        return weighted @ here.transpose(0, 2, 1)

    def times(self, c: np.ndarray) -> np.ndarray:
        """See `Crossing`."""
        return self.cross[:, :, : len(c)] @ c


class Sparse:
    """Each level of the first factor meets few levels of the others.

    A cell is a level of the first factor and a column of another that meet; two cells of the same
    level make a pair.
    """

    def __init__(self, cells: Cells, dense: np.ndarray) -> None:
        """Take the `cells` of Z1'R and its `dense` part (m, k, p + 1); list the pairs."""
        self.cells, self.dense, self.q = cells, dense, cells.columns
        first, second = cells.pairs()
        starts = np.searchsorted(first, np.arange(len(cells.level) + 1))
        self.pattern = (second, starts)
        self.target = cells.column[first] * self.q + cells.column[second]
        half = cells.column[first] >= cells.column[second]
        order = np.argsort(self.target[half], kind="stable")
        self.one, self.other = first[half][order], second[half][order]
        targets = self.target[half][order]
        self.change = np.flatnonzero(np.r_[True, targets[1:] != targets[:-1]])
        self.at = np.divmod(targets[self.change], self.q)
        ones = np.ones(len(cells.level))
        arange = np.arange(len(ones))
        shape = (self.q, len(ones))
        self.to_columns = sparse.csr_matrix((ones, (cells.column, arange)), shape=shape)
        self.to_levels = sparse.csr_matrix(
            (ones, (cells.level, arange)), shape=(len(dense), len(ones))
        )

    def reduction(self, half: np.ndarray) -> np.ndarray:
        """See `Crossing`."""
        q, level = self.q, self.cells.level
        v = np.einsum("cab,cb->ca", half[level], self.cells.values)
        w = half @ self.dense
        products = sum(v[self.one, a] * v[self.other, a] for a in range(v.shape[1]))
        out = np.zeros((q + w.shape[2],) * 2)
        sums = np.add.reduceat(products, self.change)
        out[self.at] = sums
        out[self.at[::-1]] = sums
        out[:q, q:] = self.to_columns @ np.einsum("ca,cas->cs", v, w[level])
        out[q:, :q] = out[:q, q:].T
        flat = w.reshape(-1, w.shape[2])
        out[q:, q:] = flat.T @ flat
        return out

    def quadratic(self, phi: np.ndarray) -> np.ndarray:
        """See `Crossing`."""
        q, values = self.q, self.cells.values
        near = np.ascontiguousarray(phi[:q, :q]).ravel()[self.target]
        pairs = sparse.csr_matrix((near, *self.pattern), shape=(len(values),) * 2)
        out = self._by_level(values, pairs @ values)
        if len(phi) > q:
            x = self.dense[:, :, : len(phi) - q]
            far = np.einsum("cs,cas->ca", phi[self.cells.column, q:], x[self.cells.level])
            cross = self._by_level(values, far)
            out += cross + cross.transpose(0, 2, 1) + x @ phi[q:, q:] @ x.transpose(0, 2, 1)
        return out

    def times(self, c: np.ndarray) -> np.ndarray:
        """See `Crossing`."""
        q = self.q
        out = self._by_level(self.cells.values, c[self.cells.column])
        return out + self.dense[:, :, : len(c) - q] @ c[q:] if len(c) > q else out

    def _by_level(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Sum of left_c right_c' over the cells c of each level: (m, k, s)."""
        products = (left[:, :, None] * right[:, None, :]).reshape(len(left), -1)
        return (self.to_levels @ products).reshape(-1, left.shape[1], right.shape[1])


@dataclass(frozen=True)
class Cells:
    """The cells of Z1'Z2, sorted by level: level (c,), column (c,), values (c, k)."""

    level: np.ndarray
    column: np.ndarray
    values: np.ndarray
    columns: int

    @property
    def pair_count(self) -> int:
        """Number of pairs of cells of the same level."""
        return int((np.bincount(self.level).astype(np.int64) ** 2).sum())

    def pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """Every pair of cells (indices) of the same level, sorted by the first."""
        per_level = np.bincount(self.level)
        start = np.r_[0, np.cumsum(per_level)[:-1]]
        mates = per_level[self.level]  # of each cell
        first = np.repeat(np.arange(len(self.level)), mates)
        offset = np.arange(len(first)) - np.repeat(np.cumsum(mates) - mates, mates)
        return first, start[self.level[first]] + offset


def crossing(first: Factor, others: Sequence[Factor], dense: np.ndarray) -> Crossing:
    """Z1'R of the `first` factor with the `others` and the `dense` columns (n, p + 1)."""
    z1, k = first.columns(), first.z.shape[1]
    edge = np.asarray(z1.T @ dense).reshape(first.count, k, -1)
    if not others:
        return Dense(edge)
    z1z2 = sparse.csr_matrix(z1.T @ sparse.csr_matrix(sparse.hstack([f.columns() for f in others])))
    cells = _cells(z1z2, k, sum(f.size for f in others))
    multiplications = first.size * cells.columns**2
    if multiplications > SMALL and PAIR_COST * k * cells.pair_count < multiplications:
        return Sparse(cells, edge)
    return Dense(np.concatenate([z1z2.toarray().reshape(first.count, k, -1), edge], axis=2))


def _cells(cross: sparse.csr_matrix, k: int, columns: int) -> Cells:
    entries = cross.tocoo()
    level, effect = np.divmod(entries.row.astype(np.int64), k)
    keys, at = np.unique(level * columns + entries.col, return_inverse=True)
    values = np.zeros((len(keys), k))
    values[at, effect] = entries.data
    return Cells(keys // columns, keys % columns, values, columns)
