"""What both versions of the metrics are computed from: the slow part, once for all clips.

    tables = measure(generated, truths, speaker)
    tables.of(rows)                                  # the same of some clips, at no cost

Symbols: C clips, S samples, K truths, T frames; 25 attributes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.reaction.metrics.checking import check
from models.reaction.metrics.concordance import concordance
from models.reaction.metrics.synchrony import best_lags
from models.reaction.metrics.warping import nearest


@dataclass(frozen=True)
class Tables:
    """Of clips' samples.

    Attributes:
        frames, channels, samples: T, 25, S.
        agreement: (C, S) largest concordance with a truth, as REACT 2024; see `concordance`.
        agreement_corrected: (C, S), NaN where no truth varies.
        warped: (C, S) distance from the nearest truth; see `warping`.
        variance: (C, S) variance over frames (n below), mean over channels.
        lag: (C, S) frames, as REACT 2024; see `synchrony`.
        lag_corrected: (C, S) frames, NaN where nothing varies.
        apart: (C, C) summed squared difference of two clips' samples of the same number.
        apart_any: (C, C) the same of all pairs of samples.
    """

    frames: int
    channels: int
    samples: int
    agreement: np.ndarray
    agreement_corrected: np.ndarray
    warped: np.ndarray
    variance: np.ndarray
    lag: np.ndarray
    lag_corrected: np.ndarray
    apart: np.ndarray
    apart_any: np.ndarray

    def __len__(self) -> int:
        return len(self.warped)

    def of(self, rows: np.ndarray) -> Tables:
        """The tables of some clips, by row."""
        return Tables(
            self.frames, self.channels, self.samples, self.agreement[rows],
            self.agreement_corrected[rows], self.warped[rows], self.variance[rows], self.lag[rows],
            self.lag_corrected[rows], self.apart[np.ix_(rows, rows)],
            self.apart_any[np.ix_(rows, rows)],
        )  # fmt: skip


def measure(
    generated: np.ndarray, truths: Sequence[np.ndarray], speaker: np.ndarray,
    allowed: Sequence[np.ndarray] | None = None,
) -> Tables:  # fmt: skip
    """Compare generated reactions (C, S, T, 25) with true ones and with the speaker (C, T, 25).

    truths: of each clip (K, T, 25), as many as there are. allowed: of each clip (S, K), which
    truths a sample is compared with; None: all.

    Raises:
        ValueError: Shapes that do not fit, clips under 51 frames, values that are no numbers.
    """
    generated, speaker = np.asarray(generated), np.asarray(speaker)
    truths = [np.asarray(of) for of in truths]
    check(generated, truths, speaker, allowed)
    clips, samples, frames, channels = generated.shape
    agreement, defined, warped, lag, lag_defined = (np.empty((clips, samples)) for _ in range(5))
    for c, (made, true, seen) in enumerate(zip(generated, truths, speaker, strict=True)):
        may = np.ones((samples, len(true)), bool) if allowed is None else allowed[c]
        found = concordance(made, true)
        agreement[c] = np.where(may, found.react2024, -np.inf).max(1)
        known = may & ~np.isnan(found.corrected)
        best = np.where(known, found.corrected, -np.inf).max(1)
        defined[c] = np.where(known.any(1), best, np.nan)
        warped[c] = nearest(made, true, may)
        lag[c], lag_defined[c] = best_lags(made, seen)
    variance = np.stack([made.astype(float).var(1).mean(-1) for made in generated])
    same, every = apart(generated)
    return Tables(frames, channels, samples, agreement, defined, warped, variance, lag,
                  lag_defined, same, every)  # fmt: skip


def apart(generated: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Summed squared differences (C, C) of the clips' samples: of the same number, and of all."""
    clips, samples = generated.shape[:2]
    flat = generated.reshape(clips * samples, -1).astype(float)
    flat -= flat.mean(0)  # smaller numbers, less rounding
    products = flat @ flat.T
    squares = np.diag(products)
    between = np.maximum(squares[:, None] + squares[None] - 2 * products, 0)
    np.fill_diagonal(between, 0)
    pairs = between.reshape(clips, samples, clips, samples)
    return np.einsum("aibi->ab", pairs), pairs.sum((1, 3))
