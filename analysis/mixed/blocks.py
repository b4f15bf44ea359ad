"""The precision of crossed random effects, factored block by block.

With working weights w (n,) and rows a_i of A = Z Lambda, the spherical random effects u (q,) of a
generalised model have the precision

    H = A' diag(w) A + I

The largest grouping factor gives a block-diagonal corner D, one (k, k) block per level; the other
groupings stay dense, so a factor costs about q1 * q2^2 operations (q1 effects of the largest
grouping, q2 of all others): 24 actors, not 1000 participants. No more of the inverse is made than
the rows need: `inverse_rows` gives H^-1 a_i at the effects that row i has itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import linalg

from analysis.mixed.design import RandomTerm


@dataclass(frozen=True)
class Grouping:
    """All random terms of one grouping factor side by side.

    Attributes:
        codes: level of each row (n,).
        count: number of levels m.
        z: columns (n, k), those of each term after the other.
        terms: places of the terms in the model's order.
    """

    codes: np.ndarray
    count: int
    z: np.ndarray
    terms: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number of random effects."""
        return self.count * self.z.shape[1]


def groupings(terms: Sequence[RandomTerm]) -> list[Grouping]:
    """The grouping factors of a model, the one with most random effects first."""
    of: dict[str, list[int]] = {}
    for t, term in enumerate(terms):
        of.setdefault(term.group, []).append(t)
    found = [
        Grouping(
            terms[places[0]].codes,
            len(terms[places[0]].levels),
            np.hstack([terms[t].z for t in places]),
            tuple(places),
        )
        for places in of.values()
    ]
    return sorted(found, key=lambda g: -g.size)


class Precision:
    """H for given columns a = z T of each grouping, (n, k) each, and weights w (n,)."""

    def __init__(self, groups: Sequence[Grouping], a: Sequence[np.ndarray], w: np.ndarray) -> None:
        """Factor H; raises LinAlgError if it is not positive definite."""
        self.groups, self.a = groups, a
        first, rest = groups[0], groups[1:]
        m, k = first.count, a[0].shape[1]
        starts = np.cumsum([0, *(g.size for g in rest)])
        self.places = [slice(i, j) for i, j in zip(starts[:-1], starts[1:], strict=True)]
        q2 = int(starts[-1])
        wa = [w[:, None] * block for block in a]
        d = _within(first, a[0], wa[0]) + np.eye(k)  # (m, k, k)
        b = np.zeros((m, k, q2))
        c = np.zeros((q2, q2))
        for g, (group, here) in enumerate(zip(rest, self.places, strict=True), start=1):
            b[:, :, here] = _cross(first, wa[0], group, a[g]).reshape(m, k, group.size)
            for h, (other, there) in enumerate(zip(rest, self.places, strict=True), start=1):
                if h < g:
                    block = _cross(group, wa[g], other, a[h])
                    c[here, there] = block.reshape(group.size, other.size)
                    c[there, here] = c[here, there].T
            inside = np.zeros((group.count, a[g].shape[1], group.count, a[g].shape[1]))
            levels = np.arange(group.count)
            inside[levels, :, levels, :] = _within(group, a[g], wa[g])
            c[here, here] = inside.reshape(group.size, group.size)
        c[np.diag_indices(q2)] += 1
        chol = np.linalg.cholesky(d)
        root = np.linalg.inv(chol)
        half = root @ b
        self.d_inverse = root.transpose(0, 2, 1) @ root  # (m, k, k)
        self.m = root.transpose(0, 2, 1) @ half  # D^-1 B, (m, k, q2)
        half = half.reshape(m * k, q2)
        left = c - half.T @ half
        self.s_factor = linalg.cholesky(left, lower=True, check_finite=False)  # (q2, q2)
        self.log_det = 2 * float(
            np.log(np.diagonal(chol, axis1=1, axis2=2)).sum() + np.log(np.diag(self.s_factor)).sum()
        )

    def solve(self, v: Sequence[np.ndarray]) -> list[np.ndarray]:
        """H^-1 v, for v and result as one array (levels, k) per grouping."""
        first = (self.d_inverse @ v[0][:, :, None])[:, :, 0]
        if len(v) == 1:
            return [first]
        below = np.concatenate([part.ravel() for part in v[1:]])
        m, k, q2 = self.m.shape
        flat = self.m.reshape(m * k, q2)
        rest = self._solve_rest(below - flat.T @ v[0].ravel())
        first = first - (flat @ rest).reshape(m, k)
        parts = [rest[here].reshape(g.count, -1)
                 for g, here in zip(self.groups[1:], self.places, strict=True)]  # fmt: skip
        return [first, *parts]

    def _solve_rest(self, v: np.ndarray) -> np.ndarray:
        return linalg.cho_solve((self.s_factor, True), v, check_finite=False)

    def inverse_rows(self) -> list[np.ndarray]:
        """H^-1 a_i at the effects of row i's own levels: one array (n, k) per grouping."""
        first, rest, a = self.groups[0], self.groups[1:], self.a
        if not rest:
            return [np.einsum("nij,nj->ni", self.d_inverse[first.codes], a[0])]
        m, k, q2 = self.m.shape
        s_inverse = self._solve_rest(np.eye(q2))
        corner = -(self.m.reshape(m * k, q2) @ s_inverse).reshape(m, k, q2)
        d_full = self.d_inverse - corner @ self.m.transpose(0, 2, 1)
        out = [np.einsum("nij,nj->ni", d_full[first.codes], a[0])]
        for g, (group, here) in enumerate(zip(rest, self.places, strict=True), start=1):
            across = corner[:, :, here].reshape(m, k, group.count, -1)
            across = across[first.codes, :, group.codes]  # (n, k, k of this grouping)
            out[0] += np.einsum("nij,nj->ni", across, a[g])
            own = np.einsum("nij,ni->nj", across, a[0])
            for h, (other, there) in enumerate(zip(rest, self.places, strict=True), start=1):
                block = s_inverse[here, there].reshape(group.count, -1, other.count, a[h].shape[1])
                own += np.einsum("nij,nj->ni", block[group.codes, :, other.codes], a[h])
            out.append(own)
        return out


def _within(group: Grouping, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Sums of a_i b_i' per level: (m, k, k)."""
    k = a.shape[1]
    out = np.empty((group.count, k, k))
    for i in range(k):
        for j in range(k):
            out[:, i, j] = np.bincount(group.codes, a[:, i] * b[:, j], minlength=group.count)
    return out


def _cross(one: Grouping, a: np.ndarray, other: Grouping, b: np.ndarray) -> np.ndarray:
    """Sums of a_i b_i' per pair of levels: (m, k, m of the other, k of the other)."""
    out = np.empty((one.count, a.shape[1], other.count, b.shape[1]))
    pair = one.codes * other.count + other.codes
    for i in range(a.shape[1]):
        for j in range(b.shape[1]):
            sums = np.bincount(pair, a[:, i] * b[:, j], minlength=one.count * other.count)
            out[:, i, :, j] = sums.reshape(one.count, other.count)
    return out


def sums(group: Grouping, a: np.ndarray, v: np.ndarray) -> np.ndarray:
    """A'v for one grouping: (levels, k), from a (n, k) and v (n,)."""
    columns = [np.bincount(group.codes, a[:, j] * v, minlength=group.count)
               for j in range(a.shape[1])]  # fmt: skip
    return np.column_stack(columns)
