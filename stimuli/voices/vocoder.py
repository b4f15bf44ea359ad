"""Speech taken apart and put together again by the vocoder WORLD.

    parts = take_apart(speech)                 F0, spectral envelope, aperiodicity, every 5 ms
    parts = along(parts, old, new)             the same said in another time
    sound = put_together(parts, rate, n)

[WORLD] is Morise, Yokomori & Ozawa (2016), IEICE Trans. E99-D, 1877. Speech that the vocoder made
itself is never analysed again: its `made_of` gives the parts it was made of, so that a sentence in
another voice and an emotion passes the vocoder once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from stimuli.voices.pitch import FLOOR, track
from stimuli.voices.speech import Phone, Speech

FRAME_MS = 5.0  # ms between frames
MARGIN = 0.05  # s of silence that analysis adds on either side
TILT_FROM = 500.0  # Hz; the envelope turns above
QUIETEST = 1e-16  # power, for logarithms


@dataclass(frozen=True, eq=False)
class Parts:
    """Speech taken apart by WORLD, with MARGIN of silence on both sides; B frequencies."""

    f0: np.ndarray  # (T,) Hz, 0 where there is no voice
    envelope: np.ndarray  # (T, B) power
    aperiodicity: np.ndarray  # (T, B) in [0, 1]


@lru_cache(maxsize=8)
def take_apart(speech: Speech) -> Parts:
    """F0 (see pitch), envelope (CheapTrick) and aperiodicity (D4C) of speech [WORLD].

    The last few are kept, because one sentence is said in many emotions.
    """
    if speech.made_of is not None:
        return speech.made_of()
    pyworld = _world()
    margin = np.zeros(round(MARGIN * speech.rate))
    x = np.concatenate([margin, speech.samples.astype(np.float64), margin])
    pitch = track(x, speech.rate, FRAME_MS / 1000)
    f0, t = pitch.f0, pitch.times
    size = pyworld.get_cheaptrick_fft_size(speech.rate, FLOOR)
    envelope = pyworld.cheaptrick(x, f0, t, speech.rate, fft_size=size)
    # D4C's own test of voicing needs a strong fundamental; threshold 0 trusts f0 instead.
    aperiodicity = pyworld.d4c(x, f0, t, speech.rate, threshold=0.0, fft_size=size)
    return Parts(f0, envelope, aperiodicity)


def along(parts: Parts, old: Sequence[Phone], new: Sequence[Phone]) -> Parts:
    """Parts of speech with `old` phones as those of speech with `new` ones: time is stretched.

    Every edge of a phone goes exactly where `new` has it; between two edges time runs evenly.
    """
    if list(old) == list(new):
        return parts
    before = np.array([0.0, *(phone.end for phone in old)])
    after = np.array([0.0, *(phone.end for phone in new)])
    frames = round((after[-1] + 2 * MARGIN) * 1000 / FRAME_MS) + 1
    t = np.arange(frames) * FRAME_MS / 1000 - MARGIN  # s; 0 is the first sample
    from_end = np.minimum(t, after[0]) + np.maximum(
        t - after[-1], 0
    )  # both margins keep their time
    read = np.interp(t, after, before) + from_end
    at = np.clip((read + MARGIN) * 1000 / FRAME_MS, 0, len(parts.f0) - 1)
    return Parts(
        _f0_at(parts.f0, at),
        np.exp(_rows_at(np.log(np.maximum(parts.envelope, QUIETEST)), at)),
        _rows_at(parts.aperiodicity, at),
    )


def put_together(parts: Parts, rate: int, n: int) -> np.ndarray:
    """The sound (n,) of parts, without their margins."""
    sound = _world().synthesize(
        parts.f0,
        np.ascontiguousarray(parts.envelope),
        np.ascontiguousarray(parts.aperiodicity),
        rate,
        FRAME_MS,
    )
    first = round(MARGIN * rate)
    return np.pad(sound, (0, max(first + n - len(sound), 0)))[first : first + n]


def warped(values: np.ndarray, factor: float) -> np.ndarray:
    """(T, B) in which every peak along frequency lies at `factor` times where it was.

    As a shorter vocal tract moves them (vocal tract length normalisation, Lee & Rose, 1998).
    """
    bins = values.shape[1]
    at = np.minimum(np.arange(bins) / factor, bins - 1)
    low = np.minimum(at.astype(int), bins - 2)
    part = at - low
    return values[:, low] * (1 - part) + values[:, low + 1] * part


def reshaped(envelope: np.ndarray, rate: int, formants: float, tilt: float) -> np.ndarray:
    """Envelope (T, B) with formants moved by a factor and `tilt` dB per octave above 500 Hz."""
    frequency = np.linspace(0, rate / 2, envelope.shape[1])
    octaves = np.log2(np.maximum(frequency, TILT_FROM) / TILT_FROM)
    if formants != 1:
        envelope = np.exp(warped(np.log(np.maximum(envelope, QUIETEST)), formants))
    return envelope * 10 ** (tilt * octaves / 10)


def _f0_at(f0: np.ndarray, at: np.ndarray) -> np.ndarray:
    """F0 (T,) read at fractions of a frame; voiced where the nearest frame is."""
    voiced = np.flatnonzero(f0 > 0)
    if not len(voiced):
        return np.zeros(len(at))
    between = np.exp(np.interp(at, voiced, np.log(f0[voiced])))
    return np.where(f0[np.round(at).astype(int)] > 0, between, 0.0)


def _rows_at(values: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Rows of (T, B) read at fractions of a row."""
    low = np.minimum(at.astype(int), len(values) - 2)
    part = (at - low)[:, None]
    return values[low] * (1 - part) + values[low + 1] * part


def _world():
    try:
        import pyworld
    except ImportError as missing:
        raise ModuleNotFoundError(
            "emotional speech needs the vocoder WORLD, which is not installed; "
            "run: pip install pyworld-prebuilt"
        ) from missing
    return pyworld
