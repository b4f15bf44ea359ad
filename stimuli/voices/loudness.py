"""Loudness of speech in LUFS and true peaks, after Recommendation ITU-R BS.1770-4, one channel.

Levels that matter in an experiment are those people hear: a louder sound at 100 Hz and a softer one
at 3 kHz may have the same RMS. BS.1770 weights frequencies, leaves pauses out and is what players
and broadcasters use. Between samples a sound may be louder than at any of them, and a player that
plays it at another rate hits that peak: so peaks are those of the oversampled sound (annex 2).
"""

from collections.abc import Iterator

import numpy as np
from scipy.ndimage import maximum_filter1d, minimum_filter1d
from scipy.signal import lfilter, resample_poly

BLOCK_S, STEP_S = 0.4, 0.1  # measured in blocks of 400 ms that overlap by 75 %
ABSOLUTE_GATE, RELATIVE_GATE = -70.0, -10.0  # LUFS; LU below the mean of what passed the first
PIECE_S = 60  # what is weighted at a time, so that a long sound takes little more memory
OVERSAMPLED = 4  # of true peaks
PIECE, AROUND = (
    1 << 21,
    64,
)  # samples whose peaks are sought together, and what is heard around them
CEILING = -1.0  # dBTP that `limited` leaves (EBU R128)
HOLD_S = 0.005  # how long before and after a peak a gain is held, and how long it falls and rises


def lufs(samples: np.ndarray, rate: int) -> float:
    """Integrated loudness of mono samples (n,); -inf for silence.

    Sound shorter than one block is measured as one block (the standard leaves this open).
    """
    samples = np.asarray(samples)
    block, step = round(BLOCK_S * rate), round(STEP_S * rate)
    starts = np.arange(0, max(len(samples) - block, 0) + 1, step)
    ends = np.minimum(starts + block, len(samples))
    before, after = _energy(samples, rate, np.stack([starts, ends]))
    mean = (after - before) / np.maximum(ends - starts, 1)
    kept = mean[_level(mean) > ABSOLUTE_GATE]
    if not len(kept):
        return -np.inf
    kept = kept[_level(kept) > _level(kept.mean()) + RELATIVE_GATE]
    return float(_level(kept.mean()))


def at_loudness(samples: np.ndarray, rate: int, target: float) -> np.ndarray:
    """Samples (n,) multiplied so that they measure `target` LUFS; silence stays silence."""
    now = lufs(samples, rate)
    return samples if np.isinf(now) else samples * 10 ** ((target - now) / 20)


def true_peak(samples: np.ndarray) -> float:
    """The highest of the oversampled samples (n,), 1 for full scale; 0 of no samples."""
    samples = np.asarray(samples)
    found = (_peaks(samples[around]).max() for _, around in _pieces(len(samples), AROUND))
    return float(max(found, default=0.0))


def limited(samples: np.ndarray, rate: int, ceiling: float = CEILING) -> np.ndarray:
    """Samples (n,) whose true peak is at most `ceiling` dBTP; the same ones if it is already.

    Around higher peaks a gain falls and rises smoothly, so that nothing is bent; it depends on the
    sound alone, and is 1 from four times HOLD_S before and after them.
    """
    samples, most = np.asarray(samples), 10 ** (ceiling / 20)
    if true_peak(samples) <= most:
        return samples
    hold = round(HOLD_S * rate)
    window = np.hanning(2 * hold + 3)[1:-1]
    found = np.empty_like(samples)
    for piece, around in _pieces(len(samples), AROUND + 2 * hold):
        fits = most / np.maximum(_peaks(samples[around]), most)
        least = np.pad(minimum_filter1d(fits, 2 * hold + 1), hold, mode="edge")
        gain = np.convolve(least, window / window.sum(), "valid")  # nowhere above `fits`
        inner = slice(piece.start - around.start, piece.stop - around.start)
        found[piece] = samples[piece] * gain[inner]
    found *= min(1.0, most / true_peak(found))
    return found


def _peaks(samples: np.ndarray) -> np.ndarray:
    """The highest of the oversampled sound between each sample's neighbours."""
    finer = np.abs(resample_poly(samples.astype(float), OVERSAMPLED, 1))
    return maximum_filter1d(finer, 2 * OVERSAMPLED + 1)[::OVERSAMPLED]


def _pieces(count: int, around: int) -> Iterator[tuple[slice, slice]]:
    """Each PIECE of so many samples, and the same with up to `around` more at either side."""
    for first in range(0, count, PIECE):
        last = min(first + PIECE, count)
        yield slice(first, last), slice(max(0, first - around), min(last + around, count))


def weighted(samples: np.ndarray, rate: int) -> np.ndarray:
    """K-weighted samples: a shelf for the head, then a high-pass (BS.1770-4, annex 1).

    The standard tabulates both filters at 48 kHz; their analogue parameters, as recovered by
    De Man (2014), give them at any rate.
    """
    shelf, high_pass = _filters(rate)
    return np.asarray(lfilter(*high_pass, lfilter(*shelf, samples)))


def _energy(samples: np.ndarray, rate: int, until: np.ndarray) -> np.ndarray:
    """Sum of the squares of K-weighted samples before each place `until`; a minute at a time."""
    shelf, high_pass = _filters(rate)
    held, passed = np.zeros(2), np.zeros(2)  # what the filters remember
    found, before, piece = np.zeros(until.shape), 0.0, round(PIECE_S * rate)
    for first in range(0, len(samples), piece):
        part = samples[first : first + piece].astype(float)
        part, held = lfilter(*shelf, part, zi=held)
        part, passed = lfilter(*high_pass, part, zi=passed)
        total = before + np.concatenate([[0.0], np.cumsum(part**2)])
        here = (until >= first) & (until <= first + len(part))
        found[here] = total[until[here] - first]
        before = total[-1]
    return found


def _filters(rate: int) -> tuple[tuple[list, list], tuple[list, list]]:
    shelf = _shelf(1681.9744509555319, 3.99984385397, 0.7071752369554193, rate)
    return shelf, _high_pass(38.13547087613982, 0.5003270373253953, rate)


def _shelf(frequency: float, gain_db: float, q: float, rate: int) -> tuple[list, list]:
    k = np.tan(np.pi * frequency / rate)
    high = 10 ** (gain_db / 20)
    band = high**0.499666774155
    a0 = 1 + k / q + k * k
    b = [high + band * k / q + k * k, 2 * (k * k - high), high - band * k / q + k * k]
    return [x / a0 for x in b], [1.0, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0]


def _high_pass(frequency: float, q: float, rate: int) -> tuple[list, list]:
    k = np.tan(np.pi * frequency / rate)
    a0 = 1 + k / q + k * k
    return [1.0, -2.0, 1.0], [1.0, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0]


def _level(power: np.ndarray) -> np.ndarray:
    return -0.691 + 10 * np.log10(np.maximum(power, 1e-20))
