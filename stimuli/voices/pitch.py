"""F0 and harmonicity of a sound, after Boersma (1993), by autocorrelation.

Boersma, P. (1993). Accurate short-term analysis of the fundamental frequency and the
harmonics-to-noise ratio of a sampled sound. IFA Proceedings 17, 97-110.

Autocorrelation finds F0 also where the fundamental itself is weak, as in deep synthetic voices,
in which WORLD's own Harvest and DIO miss half of the voiced frames. Each sound is searched twice:
between FLOOR and CEILING, and then around the F0 found, so that creak and formants are not taken
for F0 (after Hirst, 2011, J. Speech Sci. 1, 55).
"""

from dataclasses import dataclass

import numpy as np

FLOOR, CEILING = 50.0, 600.0  # Hz, of the first search
LOWER, HIGHER = 0.65, 1.7  # the second: from LOWER x first quartile to HIGHER x third quartile
STEP_S = 0.01  # s between frames
PERIODS = 3  # of the lowest F0 in a frame
CANDIDATES = 6  # peaks of the autocorrelation that compete in a frame
SILENCE, VOICING = 0.03, 0.45  # thresholds; 1 is the loudest frame, a perfectly periodic one
OCTAVE_COST = 0.01  # favours high candidates, per octave
JUMP_COST, VOICING_COST = 0.35, 0.14  # per octave of a jump; for turning voiced or unvoiced


@dataclass(frozen=True, eq=False)
class Pitch:
    """F0 and harmonicity of each frame."""

    times: np.ndarray  # (T,) s, middles of the frames
    f0: np.ndarray  # (T,) Hz, 0 where there is no voice
    hnr: np.ndarray  # (T,) dB, harmonics to noise; nan where there is no voice


def track(samples: np.ndarray, rate: int, step: float = STEP_S) -> Pitch:
    """F0 and harmonics-to-noise ratio of samples (n,), at 0, step, 2 step ... seconds.

    Raises ValueError when the sound is shorter than one frame.
    """
    shortest = PERIODS / FLOOR
    if len(samples) < shortest * rate:
        raise ValueError(
            f"sound of {len(samples) / rate:.3f} s: too short for F0; give {shortest:.3f} s or more"
        )
    samples = np.asarray(samples, float)
    first = _search(samples, rate, step, FLOOR, CEILING)
    if not first.f0.any():
        return first
    low, high = np.percentile(first.f0[first.f0 > 0], [25, 75])
    return _search(samples, rate, step, max(FLOOR, LOWER * low), min(CEILING, HIGHER * high))


def spread(semitones: np.ndarray) -> float:
    """Range of F0: from the 20th to the 80th percentile of (n,), as in eGeMAPS.

    Eyben et al. (2016); unlike a standard deviation it survives a few frames an octave off.
    """
    low, high = np.percentile(semitones, [20, 80])
    return float(high - low)


def _search(samples: np.ndarray, rate: int, step: float, floor: float, ceiling: float) -> Pitch:
    frames, times = _frames(samples, rate, step, round(PERIODS / floor * rate))
    frequency, strength = _candidates(_autocorrelation(frames), rate, floor, ceiling)
    loudness = np.abs(frames).max(axis=1) / max(float(np.abs(samples).max()), 1e-12)
    unvoiced = VOICING + np.maximum(0, 2 - loudness / SILENCE * (1 + VOICING))
    chosen = _best_path(frequency, strength, unvoiced)
    rows = np.arange(len(times))
    voiced = chosen < CANDIDATES
    picked = np.minimum(chosen, CANDIDATES - 1)
    f0 = np.where(voiced, frequency[rows, picked], 0.0)
    r = np.clip(strength[rows, picked], 1e-6, 1 - 1e-6)
    return Pitch(times, f0, np.where(voiced, 10 * np.log10(r / (1 - r)), np.nan))


def _frames(
    samples: np.ndarray, rate: int, step: float, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Frames (T, size) without their mean, and the times (T,) of their middles."""
    times = np.arange(int(len(samples) / rate / step) + 1) * step
    padded = np.pad(samples, size)
    starts = np.round(times * rate).astype(int) + size - size // 2
    frames = padded[starts[:, None] + np.arange(size)]
    return frames - frames.mean(axis=1, keepdims=True), times


def _autocorrelation(frames: np.ndarray) -> np.ndarray:
    """Of the Hann-windowed frames, divided by that of the window (eq. 9): (T, lags)."""
    size = frames.shape[1]
    window = np.hanning(size)

    def correlate(x):
        return np.fft.irfft(np.abs(np.fft.rfft(x, 2 * size)) ** 2)[..., : size // 2]

    r, of_window = correlate(frames * window), correlate(window)
    return r / np.maximum(r[:, :1], 1e-20) / (of_window / of_window[0])


def _candidates(
    r: np.ndarray, rate: int, floor: float, ceiling: float
) -> tuple[np.ndarray, np.ndarray]:
    """Frequency and strength, each (T, CANDIDATES), of the highest peaks; strength 0 if none."""
    first, last = int(rate / ceiling), min(int(rate / floor) + 1, r.shape[1] - 2)
    middle = r[:, first : last + 1]
    before, after = r[:, first - 1 : last], r[:, first + 1 : last + 2]
    bend = 2 * middle - before - after
    peak = (middle > before) & (middle >= after) & (middle > 0)
    shift = np.where(peak, 0.5 * (after - before) / np.where(bend > 0, bend, 1), 0)
    height = np.where(peak, middle + 0.25 * (after - before) * shift, 0)
    height = np.where(height > 1, 1 / np.maximum(height, 1), height)  # interpolation overshoots
    frequency = rate / (np.arange(first, last + 1) + np.clip(shift, -0.5, 0.5))
    merit = np.where(peak, height + OCTAVE_COST * np.log2(frequency / FLOOR), -1)
    best = np.argsort(-merit, axis=1, kind="stable")[:, :CANDIDATES]
    return np.take_along_axis(frequency, best, 1), np.take_along_axis(height, best, 1)


def _best_path(frequency: np.ndarray, strength: np.ndarray, unvoiced: np.ndarray) -> np.ndarray:
    """The candidate (T,) of each frame on the path of most merit; CANDIDATES means unvoiced."""
    n, k = frequency.shape
    merit = np.where(strength > 0, strength + OCTAVE_COST * np.log2(frequency / FLOOR), -9)
    merit = np.column_stack([merit, unvoiced])  # (T, k + 1)
    octave = np.log2(frequency)
    total, came_from = merit[0], np.zeros((n, k + 1), int)
    for i in range(1, n):
        cost = np.full((k + 1, k + 1), VOICING_COST)
        cost[:k, :k] = JUMP_COST * np.abs(octave[i - 1][:, None] - octave[i][None])
        cost[k, k] = 0
        reach = total[:, None] - cost
        came_from[i] = reach.argmax(axis=0)
        total = reach.max(axis=0) + merit[i]
    path = np.empty(n, int)
    path[-1] = int(total.argmax())
    for i in range(n - 1, 0, -1):
        path[i - 1] = came_from[i, path[i]]
    return path
