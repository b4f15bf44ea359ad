"""Whether a mouth moves with a voice: correlation with the speech envelope, and which comes later.

Frames are 25 a second; series are (T,), one number a frame.
"""

from __future__ import annotations

import numpy as np

from stimuli.talking_faces.clips import RATE

FPS = 25
LARGEST_LAG = 5  # frames, 0.2 s


def envelope(sound: np.ndarray, frames: int) -> np.ndarray:
    """Root mean square (T,) of a sound (samples,) at RATE around each frame's middle.

    Under a raised cosine of three frames: syllables are seen, glottal pulses are not.
    """
    hop = RATE // FPS
    window = np.hanning(3 * hop + 2)[1:-1]
    padded = np.pad(np.asarray(sound, float), (hop, max(0, (frames + 2) * hop - len(sound))))
    pieces = np.stack([padded[t * hop : (t + 3) * hop] for t in range(frames)])  # (T, 3 hop)
    return np.sqrt(pieces**2 @ window / window.sum())


def correlation(first: np.ndarray, second: np.ndarray, lag: int = 0) -> float:
    """Pearson's r of first(t) and second(t + lag); NaN where either does not change."""
    n = min(len(first), len(second))
    times = np.arange(max(0, -lag), min(n, n - lag))
    x, y = first[times] - first[times].mean(), second[times + lag] - second[times + lag].mean()
    size = np.sqrt((x @ x) * (y @ y))
    return float(x @ y / size) if size > 1e-12 else float("nan")


def best_lag(first: np.ndarray, second: np.ndarray, most: int = LARGEST_LAG) -> tuple[float, float]:
    """Frames by which `second` is later than `first` where they correlate best, and that r.

    The lag is that of a parabola's top through the best whole lag and its neighbours. (NaN, NaN)
    where either does not change.
    """
    lags = np.arange(-most, most + 1)
    r = np.array([correlation(first, second, int(lag)) for lag in lags])
    if not np.isfinite(r).all():
        return float("nan"), float("nan")
    i = int(r.argmax())
    if not 0 < i < len(lags) - 1:
        return float(lags[i]), float(r[i])
    before, top, after = r[i - 1 : i + 2]
    bend = before - 2 * top + after
    return float(lags[i] + (0.5 * (before - after) / bend if bend else 0.0)), float(top)
