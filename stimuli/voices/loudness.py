"""Loudness of speech in LUFS and true peaks, after Recommendation ITU-R BS.1770-4, one channel.

Levels that matter in an experiment are those people hear: a louder sound at 100 Hz and a softer one
at 3 kHz may have the same RMS. BS.1770 weights frequencies, leaves pauses out and is what players
and broadcasters use. Between samples a sound may be louder than at any of them, and a player that
plays it at another rate hits that peak: so peaks are those of the oversampled sound (annex 2).
"""

from collections.abc import Iterable
from functools import lru_cache
from itertools import chain

import numpy as np
from scipy.ndimage import maximum_filter1d, minimum_filter1d
from scipy.signal import lfilter, resample_poly

from stimuli.pieces import gathered, highest, pieces

BLOCK_S, STEP_S = 0.4, 0.1  # measured in blocks of 400 ms that overlap by 75 %
ABSOLUTE_GATE, RELATIVE_GATE = -70.0, -10.0  # LUFS; LU below the mean of what passed the first
OVERSAMPLED = 4  # of true peaks
AROUND = 64  # samples that are heard around those whose peaks are sought
CEILING = -1.0  # dBTP that `limited` leaves (EBU R128)
HOLD_S = 0.005  # how long before and after a peak a gain is held, and how long it falls and rises


def lufs(samples: np.ndarray, rate: int) -> float:
    """Integrated loudness of mono samples (n,); -inf for silence.

    Sound shorter than one block is measured as one block (the standard leaves this open).
    """
    samples = np.asarray(samples)
    return lufs_of((samples[piece] for piece, _ in pieces(len(samples))), rate)


def lufs_of(parts: Iterable[np.ndarray], rate: int) -> float:
    """The same of a sound that comes in parts (n,), only one of which is there at a time."""
    mean = _power(parts, rate)
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
    return true_peak_of(samples[piece] for piece, _ in pieces(len(samples)))


def true_peak_of(blocks: Iterable[np.ndarray]) -> float:
    """The same of a sound that comes in blocks (n,), only a few of which are there at a time.

    Blocks whose samples are too low for a higher peak between them are not oversampled.
    """
    found, silence = 0.0, np.zeros(AROUND)
    before = silence  # of a block, heard with it
    for block in gathered(chain(blocks, [silence])):
        part = np.concatenate([before, block])
        if len(part) > 2 * AROUND and _growth() * highest(part) > found:
            inner = slice(OVERSAMPLED * AROUND, -OVERSAMPLED * AROUND)
            found = max(found, float(_finer(part)[inner].max()))
        before = part[-2 * AROUND :]
    return found


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
    found = np.array(samples)
    for piece, wider in pieces(len(samples), AROUND + 2 * hold):
        if _growth() * highest(samples[wider]) <= most:
            continue
        fits = most / np.maximum(_peaks(samples[wider]), most)
        least = np.pad(minimum_filter1d(fits, 2 * hold + 1), hold, mode="edge")
        gain = np.convolve(least, window / window.sum(), "valid")  # nowhere above `fits`
        inner = slice(piece.start - wider.start, piece.stop - wider.start)
        found[piece] = samples[piece] * gain[inner]
    found *= min(1.0, most / true_peak(found))
    return found


def _peaks(samples: np.ndarray) -> np.ndarray:
    """The highest of the oversampled sound between each sample's neighbours."""
    return maximum_filter1d(_finer(samples), 2 * OVERSAMPLED + 1)[::OVERSAMPLED]


def _finer(samples: np.ndarray) -> np.ndarray:
    """Absolute values of the oversampled sound."""
    return np.abs(resample_poly(samples.astype(float), OVERSAMPLED, 1))


@lru_cache(maxsize=1)
def _growth() -> float:
    """How much higher than every sample around it the oversampled sound can be: 2.24."""
    answer = _finer(np.eye(1, 2 * AROUND + 1, AROUND)[0])
    return max(answer[phase::OVERSAMPLED].sum() for phase in range(OVERSAMPLED))


def weighted(samples: np.ndarray, rate: int) -> np.ndarray:
    """K-weighted samples: a shelf for the head, then a high-pass (BS.1770-4, annex 1).

    The standard tabulates both filters at 48 kHz; their analogue parameters, as recovered by
    De Man (2014), give them at any rate.
    """
    shelf, high_pass = _filters(rate)
    return np.asarray(lfilter(*high_pass, lfilter(*shelf, samples)))


def _power(parts: Iterable[np.ndarray], rate: int) -> np.ndarray:
    """Mean squares of the K-weighted sound in each block; of all of it, if it fills none."""
    shelf, high_pass = _filters(rate)
    held, passed = np.zeros(2), np.zeros(2)  # what the filters remember
    block, step = round(BLOCK_S * rate), round(STEP_S * rate)
    count, energy = 0, np.zeros(1)  # of all samples so far
    before, after = [energy], []
    for part in parts:
        part, held = lfilter(*shelf, part.astype(float), zi=held)
        part, passed = lfilter(*high_pass, part, zi=passed)
        energy = np.cumsum(np.concatenate([energy[-1:], part**2]))
        for found, first in ((before, step), (after, block)):
            found.append(energy[_on_grid(first, step, count, count + len(part)) - count])
        count += len(part)
    ends = np.concatenate([*after, np.empty(0)])
    if not len(ends):
        return energy[-1:] / max(count, 1)
    return (ends - np.concatenate(before)[: len(ends)]) / block


def _on_grid(first: int, step: int, after: int, last: int) -> np.ndarray:
    """first, first + step, …: those above `after` and up to `last`."""
    skipped = max(0, (after - first) // step + 1)
    return np.arange(first + skipped * step, last + 1, step)


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
