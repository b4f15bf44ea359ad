"""Distance of the nearest true reaction, time allowed to stretch (dynamic time warping).

    DTW(x, y) = sqrt of the least sum of |x_t - y_u|² over monotone paths from start to end
    distance  = DTW(action units) / 15 + DTW(valence, arousal) + DTW(expressions) / 8

Exact, without a band. Only the nearest truth is asked for: a truth that cannot be nearer than the
best known one is left out, and a path that has grown too long is given up. How near a truth is at
most is told by warping onto boxes, the ranges of a few of its frames each: a path that meets a
frame meets its box, which is no farther. Four rows are worked on at a time, shifted by one column
each, so that they do not wait for each other; no more than four rows are kept.

Symbols: S samples, K truths, T and U frames.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from models.reaction.attributes import AUS, EXPRESSIONS, PLACE

ROWS = 4  # worked on at a time
PAD = ROWS - 1  # columns that the last row lags behind the first
EXACT = {"contract", "nsz", "nnan", "reassoc"}  # infinity is used, NaN is refused before
LOOK = 8 * ROWS  # rows after which a path may be given up
SLACK = 1 + 1e-6  # rounding never makes the nearest truth look too far


def _warper(width: int, boxed: bool = False) -> Any:
    """The DTW of so many channels: a constant of the compiled loop, which then has no inner one."""

    @njit(cache=True, nogil=True, fastmath=EXACT, error_model="numpy")
    def warped(x: np.ndarray, low: np.ndarray, high: np.ndarray, first: int, most: float) -> float:
        """DTW of channels first … first + width of x (T, D) and a truth; inf if above `most`.

        low, high: (D, U) ranges of the truth; of a truth itself, not boxed, only low is used.
        """
        frames, columns = x.shape[0], low.shape[1]
        lows, highs, limit = low.ravel(), high.ravel(), most * most * SLACK
        above = np.full(columns + 2 * PAD, np.inf)  # the last finished row, padded
        above[PAD - 1] = 0.0  # where every path starts
        cost = np.full((ROWS, columns + 2 * PAD), np.inf)
        for t in range(0, frames, ROWS):
            for r in range(min(ROWS, frames - t)):
                row, here = cost[r, PAD:], x[t + r, first:]
                for u in range(columns):
                    total = np.float32(0)
                    for d in range(width):
                        at = np.uint64((first + d) * columns) + np.uint64(u)
                        apart = here[d] - lows[at]
                        if boxed:
                            apart = max(-apart, here[d] - highs[at], np.float32(0))
                        total += apart * apart
                    row[u] = total
            if t + ROWS <= frames:
                _four_rows(cost, above)
            else:
                for r in range(frames - t):
                    _one_row(cost[r], above)
            if limit < np.inf and t % LOOK == 0 and above.min() > limit:
                return np.inf
        return math.sqrt(above[columns + PAD - 1])

    return warped


@njit(cache=True, nogil=True, fastmath=EXACT, error_model="numpy")
def _four_rows(cost: np.ndarray, above: np.ndarray) -> None:
    """Least sums of four rows from the row above them; the last takes its place.

    Column k of the first row is worked on with k - 1 of the second, and so on: each then needs
    only what the others had in the two steps before.
    """
    c0, c1, c2, c3 = cost[0], cost[1], cost[2], cost[3]
    left0 = left1 = left2 = left3 = np.inf
    before0 = before1 = before2 = np.inf
    corner = above[PAD - 1]
    for k in range(len(above) - PAD):
        up = above[k + 3]
        new0 = c0[k + 3] + min(min(left0, up), corner)
        new1 = c1[k + 2] + min(min(left1, left0), before0)
        new2 = c2[k + 1] + min(min(left2, left1), before1)
        new3 = c3[k] + min(min(left3, left2), before2)
        before0, before1, before2 = left0, left1, left2
        left0, left1, left2, left3 = new0, new1, new2, new3
        corner = up
        above[k] = new3


@njit(cache=True, nogil=True, fastmath=EXACT, error_model="numpy")
def _one_row(cost: np.ndarray, above: np.ndarray) -> None:
    """Least sums of a row from the one above it, whose place it takes."""
    corner, left = above[PAD - 1], np.inf
    above[PAD - 1] = np.inf
    for k in range(PAD, len(above) - PAD):
        up = above[k]
        left = cost[k] + min(min(left, up), corner)
        above[k], corner = left, up


AU, VA, EX = AUS.start, PLACE.start, EXPRESSIONS.start
WEIGHTS = (1 / 15, 1.0, 1 / 8)  # of action units, valence and arousal, expressions
W_AU, W_VA, W_EX = WEIGHTS
BOX = 10  # frames
_aus, _place, _expressions = (_warper(s.stop - s.start) for s in (AUS, PLACE, EXPRESSIONS))
_aus_box, _place_box, _expressions_box = (
    _warper(s.stop - s.start, boxed=True) for s in (AUS, PLACE, EXPRESSIONS)
)


def nearest(samples: np.ndarray, truths: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    """Distance (S,) of each sample (S, T, 25) from the nearest of the truths (K, T, 25).

    allowed: (S, K), which truths a sample is compared with.
    """
    x = np.ascontiguousarray(samples, np.float32)
    y = np.ascontiguousarray(np.asarray(truths, np.float32).transpose(0, 2, 1))
    starts = np.arange(0, y.shape[-1], BOX)
    low, high = np.minimum.reduceat(y, starts, axis=2), np.maximum.reduceat(y, starts, axis=2)
    return _nearest(x, y, low, high, np.ascontiguousarray(allowed))


def distance(sample: np.ndarray, truth: np.ndarray) -> float:
    """Of one sample (T, 25) and one truth (U, 25), of any lengths."""
    x = np.ascontiguousarray(sample, np.float32)
    y = np.ascontiguousarray(np.asarray(truth, np.float32).T)
    return float(
        W_AU * _aus(x, y, y, AU, np.inf) + W_VA * _place(x, y, y, VA, np.inf)
        + W_EX * _expressions(x, y, y, EX, np.inf)
    )  # fmt: skip


@njit(cache=True, nogil=True)
def _nearest(
    x: np.ndarray, y: np.ndarray, low: np.ndarray, high: np.ndarray, allowed: np.ndarray
) -> np.ndarray:
    found = np.full(len(x), np.inf)
    for s in range(len(x)):
        most = np.inf  # the path straight through is never the shorter one
        for k in range(len(y)):
            if allowed[s, k]:
                most = min(most, _unstretched(x[s], y[k]) * SLACK)
        least = np.full((len(y), 4), np.inf)  # of action units, place, expressions; together
        for k in range(len(y)):
            if allowed[s, k]:
                least[k, 0] = W_AU * _aus_box(x[s], low[k], high[k], AU, np.inf)
                least[k, 1] = W_VA * _place_box(x[s], low[k], high[k], VA, np.inf)
                least[k, 2] = W_EX * _expressions_box(x[s], low[k], high[k], EX, np.inf)
                least[k, 3] = least[k, :3].sum()
        for k in np.argsort(least[:, 3]):
            au, _, ex, every = least[k]
            if every > most:
                break
            total = W_VA * _place(x[s], y[k], y[k], VA, (most - au - ex) / W_VA)
            if total + au + ex > most:
                continue
            total += W_EX * _expressions(x[s], y[k], y[k], EX, (most - total - au) / W_EX)
            if total + au > most:
                continue
            total += W_AU * _aus(x[s], y[k], y[k], AU, (most - total) / W_AU)
            found[s] = min(found[s], total)
            most = min(most, total * SLACK)
    return found


@njit(cache=True, nogil=True)
def _unstretched(x: np.ndarray, y: np.ndarray) -> float:
    """The distance of x (T, 25) and y (25, T) frame by frame."""
    sums = np.zeros(3)
    for d in range(x.shape[1]):
        group = 0 if d < VA else 1 if d < EX else 2
        for t in range(x.shape[0]):
            sums[group] += (x[t, d] - y[d, t]) ** 2
    return W_AU * np.sqrt(sums[0]) + W_VA * np.sqrt(sums[1]) + W_EX * np.sqrt(sums[2])
