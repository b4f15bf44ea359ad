"""Scrambled controls: pictures that keep low-level properties of a face and show none.

Phase scrambling keeps the amplitude of every spatial frequency and orientation; blocks keep every
pixel and move squares of them.
"""

from __future__ import annotations

import numpy as np

from stimuli.looks.mask import Window


def phase_scrambled(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The picture (height, width, channels) with the phases of white noise added to its own.

    The noise is real, so its phases are those of a real picture and the result is real: amplitudes
    and mean stay exactly. All channels take the same noise, which keeps their phases relative to
    each other, and so the colours (Navon et al. 2013).
    """
    noise = np.fft.fft2(rng.standard_normal(picture.shape[:2]))
    size = np.abs(noise)
    turn = np.divide(noise, size, out=np.ones_like(noise), where=size > 0)
    turn[0, 0] = 1  # the mean
    return np.fft.ifft2(np.fft.fft2(picture, axes=(0, 1)) * turn[..., None], axes=(0, 1)).real


def face_phase_scrambled(picture: np.ndarray, view: Window, rng: np.random.Generator) -> np.ndarray:
    """The picture with what is inside the window phase-scrambled, its mean and contrast kept.

    The window's box is scrambled, filled with the mean around an oval; each channel is then given
    the mean and standard deviation that it had inside the window, which multiplies all amplitudes
    by one number. Without a mask it is the plain phase-scrambled picture.
    """
    inside = view.inside[view.box]
    part = picture[view.box]
    mean, sd = part[inside].mean(axis=0), part[inside].std(axis=0)  # (channels,)
    mixed = phase_scrambled(np.where(inside[..., None], part, mean), rng)
    now_mean, now_sd = mixed[inside].mean(axis=0), mixed[inside].std(axis=0)
    gain = np.divide(sd, now_sd, out=np.ones_like(sd), where=now_sd > 1e-9)
    scrambled = picture.copy()
    scrambled[view.box] = mean + gain * (mixed - now_mean)
    return scrambled


def block_scrambled(
    picture: np.ndarray, view: Window, side: int, rng: np.random.Generator
) -> np.ndarray:
    """The picture with squares of `side` pixels moved around inside the window, none left in place.

    Squares lie symmetrically around the window's centre. Those that are not wholly inside stay:
    along the edge of an oval they show skin only. Every pixel value is kept.
    """
    rows, columns = (_starts(span, n, side)
                     for span, n in zip(view.box, view.inside.shape, strict=True))  # fmt: skip
    places = [
        (slice(r, r + side), slice(c, c + side))
        for r in rows
        for c in columns
        if view.inside[r : r + side, c : c + side].all()
    ]
    # A cycle through all squares in random order, so that each lands on another's place.
    order = rng.permutation(len(places))
    moved = picture.copy()
    for here, there in zip(order, np.roll(order, 1), strict=True):
        moved[places[there]] = picture[places[here]]
    return moved


def _starts(span: slice, length: int, side: int) -> range:
    """First pixels of the squares along one side of the box, what is over shared by both ends."""
    first, end, _ = span.indices(length)
    spare = (end - first) % side
    return range(first + spare // 2, end - side + 1, side)
