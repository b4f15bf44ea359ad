"""At which lag a listener's curves follow a speaker's best: time-lagged cross correlation.

At lag L the listener's frame t + L stands beside the speaker's frame t, so a listener who follows
has a positive lag. Only frames that both have count (Pearson's r over T - |L| frames).

Symbols: S samples, T frames, D channels, L lags.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from models.reaction.metrics.checking import LAGS
from models.reaction.metrics.concordance import FLAT


class Lags(NamedTuple):
    """In frames, of each sample (S,).

    Attributes:
        react2024: a lag at which any channel is constant in what is compared counts as the best
            one, as NaN does to `argmax`; the first of them from -49 on.
        corrected: channels that are constant at any lag do not count; NaN: all are.
    """

    react2024: np.ndarray
    corrected: np.ndarray


def best_lags(samples: np.ndarray, speaker: np.ndarray) -> Lags:
    """Lags of samples (S, T, D) behind the speaker (T, D)."""
    x, y = np.asarray(samples, float), np.asarray(speaker, float)
    lags = np.arange(-LAGS, LAGS + 1)
    r = correlations(x, y, lags)  # (S, D, L)
    spans = overlap_ranges(x, lags), overlap_ranges(y[None], -lags)  # (S, D, L), (1, D, L)
    least: np.ndarray = np.minimum(spans[0], spans[1])
    constant = (least == 0).any(1)  # (S, L)
    first = np.where(constant.any(1), constant.argmax(1), r.mean(1).argmax(1))
    usable = np.all(least > FLAT, axis=2)  # (S, D)
    counts = usable.sum(1)
    mean = (r * usable[..., None]).sum(1) / np.maximum(counts, 1)[:, None]
    best = np.where(counts > 0, lags[mean.argmax(1)], np.nan)
    return Lags(lags[first], best)


def correlations(x: np.ndarray, y: np.ndarray, lags: np.ndarray) -> np.ndarray:
    """Pearson's r (S, D, L) of x (S, T, D) and y (T, D) at each lag; 0 where one is constant."""
    frames, size = x.shape[1], x.shape[1] + int(np.abs(lags).max())
    x = (x - x.mean(1, keepdims=True)).transpose(2, 0, 1)  # (D, S, T)
    y = (y - y.mean(0)).T  # (D, T)
    spectrum = np.fft.rfft(x, size) * np.fft.rfft(y, size).conj()[:, None]
    both = np.fft.irfft(spectrum, size)[..., lags]  # sums of products, zeros around: (D, S, L)
    n = frames - np.abs(lags)
    sum_x, square_x = _overlap_sums(x, lags), _overlap_sums(x**2, lags)
    sum_y, square_y = _overlap_sums(y, -lags)[:, None], _overlap_sums(y**2, -lags)[:, None]
    cov = both - sum_x * sum_y / n
    spread = (square_x - sum_x**2 / n) * (square_y - sum_y**2 / n)
    r = np.divide(cov, np.sqrt(np.maximum(spread, 0)), out=np.zeros_like(cov), where=spread > 0)
    return r.transpose(1, 0, 2)


def overlap_ranges(x: np.ndarray, lags: np.ndarray) -> np.ndarray:
    """Largest minus least value (S, D, L) of listeners x (S, T, D) in what each lag compares.

    Exact: 0 only if all values are the same. Of a speaker: with the lags' opposites.
    """
    x = x.transpose(0, 2, 1)  # (S, D, T)
    early = _running(x)  # of frames 0 … t
    late = _running(x[..., ::-1])[..., ::-1]  # of frames t … T - 1
    last = x.shape[-1] - 1
    return np.where(
        lags > 0, late[..., np.maximum(lags, 0)], early[..., last + np.minimum(lags, 0)]
    )


def _running(x: np.ndarray) -> np.ndarray:
    return np.maximum.accumulate(x, -1) - np.minimum.accumulate(x, -1)


def _overlap_sums(x: np.ndarray, lags: np.ndarray) -> np.ndarray:
    """Sums (…, L) of x (…, T) over the frames that are compared at each lag, x the listener."""
    frames = x.shape[-1]
    total = np.concatenate([np.zeros((*x.shape[:-1], 1)), x.cumsum(-1)], -1)
    return total[..., frames + np.minimum(lags, 0)] - total[..., np.maximum(lags, 0)]
