"""A long sound, piece by piece: whatever is done to it takes the memory of a short one.

Pieces overlap by what a filter hears to either side, so that its samples are those of one pass, bit
for bit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import gcd

import numpy as np

PIECE = 1 << 16  # samples that are worked on together
ROOM = 1 << 20  # samples by which a sound that is read grows


def pieces(count: int, around: int = 0, length: int | None = None) -> Iterator[tuple[slice, slice]]:
    """Each piece of `count` samples, and the same with up to `around` more at either side.

    length: of a piece; None: PIECE.
    """
    length = length or PIECE
    for first in range(0, count, length):
        last = min(first + length, count)
        yield slice(first, last), slice(max(0, first - around), min(last + around, count))


def joined(blocks: Iterable[np.ndarray]) -> np.ndarray:
    """Samples (N,) float32 of blocks (n,), never there twice."""
    found, count = np.empty(0, np.float32), 0
    for block in blocks:
        if count + len(block) > len(found):
            found.resize(count + len(block) + ROOM, refcheck=False)
        found[count : count + len(block)] = block
        count += len(block)
    found.resize(count, refcheck=False)
    return found


def gathered(blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """The same samples in fewer blocks, of PIECE at least but for the last."""
    kept, count = [], 0
    for block in blocks:
        kept.append(block)
        count += len(block)
        if count >= PIECE:
            yield np.concatenate(kept)
            kept, count = [], 0
    if count:
        yield np.concatenate(kept)


def windows(
    blocks: Iterable[np.ndarray], places: Iterable[tuple[int, int]]
) -> Iterator[np.ndarray]:
    """Samples `first` to `last` (not included) of a sound in blocks, 0 where it has none.

    places: first and last of each window; neither ever falls.
    """
    coming, kept, begin = gathered(blocks), np.empty(0, np.float32), 0
    for first, last in places:
        gone = min(max(0, first - begin), len(kept))
        kept, begin = kept[gone:], begin + gone
        while begin + len(kept) < last and (block := next(coming, None)) is not None:
            kept = np.concatenate([kept, block])
        inner = kept[max(0, first - begin) : max(0, last - begin)]
        silent = min(max(0, begin - first), last - first)
        yield np.pad(inner, (silent, last - first - silent - len(inner)))


def highest(samples: np.ndarray) -> float:
    """The largest absolute sample of (N,); 0 of none."""
    return max(float(samples.max(initial=0.0)), -float(samples.min(initial=0.0)))


def resampled(
    samples: np.ndarray, rate: int, wanted: int, found: np.ndarray | None = None
) -> np.ndarray:
    """Samples (N,) at another rate: ceil(N * wanted / rate), float32, or float64 of float64.

    As `scipy.signal.resample_poly` gives them: a polyphase filter with a Kaiser window lets through
    what both rates can carry. found: where they are written, and how exactly they are computed.
    """
    from scipy.signal import resample_poly

    up, down = wanted // gcd(rate, wanted), rate // gcd(rate, wanted)
    if found is None:
        kind = np.float64 if samples.dtype == np.float64 else np.float32
        found = np.empty(-(-len(samples) * up // down), kind)
    heard = 10 * max(up, down) // up + 2  # samples to either side that the filter hears
    length, around = (-(-n // down) * down for n in (PIECE, heard))  # whole steps of both rates
    for piece, wider in pieces(len(samples), around, length):
        part = np.asarray(resample_poly(samples[wider].astype(found.dtype, copy=False), up, down))
        first, before = piece.start * up // down, (piece.start - wider.start) * up // down
        count = -(-(piece.stop - piece.start) * up // down)
        found[first : first + count] = part[before : before + count]
    return found
