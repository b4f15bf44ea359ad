"""Loudness of speech in LUFS, after Recommendation ITU-R BS.1770-4, one channel.

Levels that matter in an experiment are those people hear: a louder sound at 100 Hz and a softer one
at 3 kHz may have the same RMS. BS.1770 weights frequencies, leaves pauses out and is what players
and broadcasters use.
"""

import numpy as np
from scipy.signal import lfilter

BLOCK_S, STEP_S = 0.4, 0.1  # measured in blocks of 400 ms that overlap by 75 %
ABSOLUTE_GATE, RELATIVE_GATE = -70.0, -10.0  # LUFS; LU below the mean of what passed the first
PIECE_S = 60  # what is weighted at a time, so that a long sound takes little more memory
KNEE = 0.9  # amplitude above which `limited` bends


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


def limited(samples: np.ndarray) -> np.ndarray:
    """Samples (n,) kept inside (-1, 1): unchanged up to KNEE, bent smoothly above it."""
    size = np.abs(samples)
    over = np.maximum(size - KNEE, 0) / (1 - KNEE)
    return np.sign(samples) * (np.minimum(size, KNEE) + (1 - KNEE) * np.tanh(over))


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
