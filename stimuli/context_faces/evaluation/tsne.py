"""t-SNE (van der Maaten & Hinton 2008), exact: N points of d dimensions onto a plane.

Symbols of the paper: p joint probabilities of neighbours in d dimensions, q those on the plane, y
points on the plane. For up to about a thousand points; memory and time grow with N squared.
"""

from __future__ import annotations

import numpy as np

STEPS, EXAGGERATED, EXAGGERATION = 500, 125, 12.0
SLOW, FAST, SWITCH = 0.5, 0.8, 125  # momentum, and after how many steps it changes
TINY = 1e-12


def tsne(x: np.ndarray, perplexity: float = 30.0, steps: int = STEPS) -> np.ndarray:
    """Points (N, 2) for x (N, d). Begins at the two first principal components: no chance in it.

    Raises:
        ValueError: Fewer points than 3 times the perplexity.
    """
    x = np.asarray(x, float)
    n = len(x)
    if n < 3 * perplexity:
        raise ValueError(f"{n} points for a perplexity of {perplexity:g}; give three times as many")
    p = joint_probabilities(x, perplexity)
    u, s, _ = np.linalg.svd(x - x.mean(0), full_matrices=False)
    y = u[:, :2] * s[:2]
    y *= 1e-4 / max(y[:, 0].std(), TINY)  # as small as the paper's random beginning
    rate = max(n / EXAGGERATION / 4, 50.0)  # Belkina et al. 2019; scikit-learn's "auto"
    speed, gains = np.zeros_like(y), np.ones_like(y)
    for step in range(steps):
        gradient = _gradient(p * (EXAGGERATION if step < EXAGGERATED else 1.0), y)
        against = np.sign(gradient) != np.sign(speed)
        gains = np.clip(np.where(against, gains + 0.2, gains * 0.8), 0.01, None)
        speed = (SLOW if step < SWITCH else FAST) * speed - rate * gains * gradient
        y = y + speed
        y -= y.mean(0)
    return y


def joint_probabilities(x: np.ndarray, perplexity: float) -> np.ndarray:
    """Matrix p (N, N), symmetric, of sum 1, from conditional ones of the given perplexity."""
    p = conditional_probabilities(x, perplexity)
    return (p + p.T) / (2 * len(x))


def conditional_probabilities(x: np.ndarray, perplexity: float) -> np.ndarray:
    """p_{j|i} (N, N), rows of sum 1: widths by bisection until each row has this perplexity."""
    far = _squared_distances(x)
    np.fill_diagonal(far, np.inf)
    far = far - far.min(1, keepdims=True)
    wanted = np.log(perplexity)
    precision = np.ones(len(x))
    low, high = np.zeros(len(x)), np.full(len(x), np.inf)
    p = far
    for _ in range(100):
        p, entropy = _row_probabilities(far, precision)
        if np.abs(entropy - wanted).max() < 1e-6:
            break
        wide = entropy > wanted
        low, high = np.where(wide, precision, low), np.where(wide, high, precision)
        open_ended = np.isinf(high)
        precision = np.where(open_ended, 2 * precision, (low + np.where(open_ended, 0, high)) / 2)
    return p


def _row_probabilities(far: np.ndarray, precision: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Matrix p (N, N) and the entropy (N,) of each row, in nats."""
    w = np.exp(-far * precision[:, None])
    p = w / w.sum(1, keepdims=True)
    logs = np.log(np.maximum(p, TINY))
    return p, -(p * logs).sum(1)


def _gradient(p: np.ndarray, y: np.ndarray) -> np.ndarray:
    """dC/dy (N, 2), equation 5: 4 sum_j (p_ij - q_ij) (y_i - y_j) / (1 + |y_i - y_j|²)."""
    w = 1 / (1 + _squared_distances(y))
    np.fill_diagonal(w, 0)
    pull = (p - w / w.sum()) * w
    return 4 * (pull.sum(1)[:, None] * y - pull @ y)


def _squared_distances(x: np.ndarray) -> np.ndarray:
    squares = (x**2).sum(1)
    return np.maximum(squares[:, None] + squares[None] - 2 * x @ x.T, 0)
