"""Fixed effects of a binomial or ordinal model that come closest to stated probabilities.

Given the probability s_ik of every answer k on trial i, for a participant and an item in the
middle, the effects minimise the divergence - sum_i sum_k s_ik log P_k(eta_i): the estimates of
maximum likelihood from infinitely many answers of such people. Where the model holds, they are its
true effects. Newton's method; the divergence is convex.
"""

from __future__ import annotations

import numpy as np

from analysis.mixed.ordinal import edge_derivatives

RARE = 1e-6  # mean probability below which a point is joined to its neighbour
MOST_STEPS, MOST_HALVINGS = 100, 40
FARTHEST = 25.0  # logits that an effect can add; what adds more has no largest plausible value
CLOSE = 1e-20  # squared Newton decrement at the end


def closest(x: np.ndarray, shares: np.ndarray, *, ordinal: bool) -> np.ndarray:
    """The effects (p,); missing where an effect has no largest plausible value.

    Args:
        x: fixed columns (n, p); an ordinal model has no intercept, as its thresholds are free.
        shares: probability (n, K) of each answer, in order; rows with missing values do not count.
        ordinal: cumulative logits with free thresholds, else a logit (K = 2).
    """
    known = np.isfinite(shares).all(axis=1)
    rows, counts = np.unique(np.column_stack([x, shares])[known], axis=0, return_counts=True)
    x, shares = rows[:, : x.shape[1]], _without_rare(rows[:, x.shape[1] :], counts)
    weights = (shares * counts[:, None] / counts.sum()).ravel()
    cuts = shares.shape[1] - 1 if ordinal else 0
    by_a, by_b = _slopes(x, shares.shape[1], cuts)
    mean = weights.reshape(shares.shape).sum(axis=0)
    below = np.cumsum(mean)[:-1]
    start = np.log(below / (1 - below))
    at = np.concatenate([np.zeros(x.shape[1]), start[:cuts]])
    fixed_cut = np.zeros(1)
    value = _divergence(x, at, cuts, fixed_cut, weights)
    for _ in range(MOST_STEPS):
        a, b = _edges(x, at, cuts, fixed_cut)
        _, (to_a, to_b), (aa, ab, bb) = edge_derivatives(a, b)
        down = by_a.T @ (weights * to_a) + by_b.T @ (weights * to_b)
        cross = by_a.T @ ((weights * ab)[:, None] * by_b)
        bend = (
            by_a.T @ ((weights * aa)[:, None] * by_a)
            + by_b.T @ ((weights * bb)[:, None] * by_b)
            + cross
            + cross.T
        )
        try:
            step = np.linalg.solve(bend, down)
        except np.linalg.LinAlgError:
            break
        if float(down @ step) < CLOSE:
            beta = at[: x.shape[1]]
            if np.abs(x * beta).max(initial=0) > FARTHEST:
                break
            return beta
        for _ in range(MOST_HALVINGS):
            there = _divergence(x, at + step, cuts, fixed_cut, weights)
            if there <= value + 1e-15 * abs(value):
                break
            step = step / 2
        at, value = at + step, there
    return np.full(x.shape[1], np.nan)


def _without_rare(shares: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Points that hardly ever occur joined to the next one, which leaves true effects alone."""
    columns = list(shares.T)
    k = 0
    while k < len(columns) and len(columns) > 2:
        if np.average(columns[k], weights=counts) < RARE:
            other = k + 1 if k == 0 else k - 1
            columns[other] = columns[other] + columns[k]
            columns.pop(k)
            k = max(k - 1, 0)
        else:
            k += 1
    return np.column_stack(columns)


def _slopes(x: np.ndarray, points: int, cuts: int) -> tuple[np.ndarray, np.ndarray]:
    """How the upper and lower edge of every answer (n K,) move with effects and thresholds."""
    n, p = x.shape
    by_a, by_b = np.zeros((2, n, points, p + cuts))
    by_a[:, :-1, :p] = by_b[:, 1:, :p] = -x[:, None, :]
    for j in range(cuts):
        by_a[:, j, p + j] = by_b[:, j + 1, p + j] = 1
    return by_a.reshape(n * points, -1), by_b.reshape(n * points, -1)


def _edges(
    x: np.ndarray, at: np.ndarray, cuts: int, fixed_cut: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Upper and lower edge of every answer (n K,), minus eta."""
    p = x.shape[1]
    edges = np.concatenate([[-np.inf], at[p:] if cuts else fixed_cut, [np.inf]])
    apart = edges[None, :] - (x @ at[:p])[:, None]
    return apart[:, 1:].ravel(), apart[:, :-1].ravel()


def _divergence(
    x: np.ndarray, at: np.ndarray, cuts: int, fixed_cut: np.ndarray, weights: np.ndarray
) -> float:
    a, b = _edges(x, at, cuts, fixed_cut)
    if not (a > b).all():
        return np.inf
    log_p = edge_derivatives(a, b)[0]
    return -float(np.sum(np.where(weights > 0, weights * log_p, 0.0)))
