"""A finished clip, measured on its file as a player decodes it: loudness, peak, picture and sound.

`av_offset_ms` says how much later the sound comes than the picture that belongs to it (negative:
earlier). Both are found in the file: the sound where it correlates best with the samples that were
meant, the picture where the mouth's pixels follow best the gap of the lips that was meant. People
notice about 45 ms of sound that comes first, and 125 ms of sound that comes late (ITU-R BT.1359).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.signal import correlate, resample_poly

from stimuli.video import RATE, pyav, read_video
from stimuli.voices.loudness import lufs
from stimuli.voices.recordings import soundfile_library

LARGEST_LAG_S = 0.2  # what is looked for
OVERSAMPLED = 4  # of the true peak (BS.1770-4, annex 2)
CELLS = (4, 6)  # of the mouth's box, rows and columns, whose mean grey is followed
LEAST_FRAMES, LEAST_GAP_MM = 20, 0.3  # too short, or too still, to be found in pictures
LUMA = np.array([0.2126, 0.7152, 0.0722])
DIGITS = 1  # of dB and milliseconds


@dataclass(frozen=True, eq=False)
class Mouth:
    """Where a film's mouth is, and how it was meant to move.

    Attributes:
        gap: (T,) mm between the lips, frame by frame.
        box: left, top, right and bottom pixel.
    """

    gap: np.ndarray
    box: tuple[int, int, int, int]


def loudness(path: Path) -> dict[str, float]:
    """`loudness_lufs` and `peak_dbtp` of the sound of a file."""
    samples, rate, _ = decoded_sound(path)
    finer = np.abs(resample_poly(samples, OVERSAMPLED, 1)).max(initial=1e-10)
    return {
        "loudness_lufs": round(lufs(samples, rate), DIGITS),
        "peak_dbtp": round(float(20 * np.log10(finer)), DIGITS),
    }


def offset_ms(path: Path, sound: tuple[np.ndarray, int], mouth: Mouth) -> float | None:
    """How much later sound comes than pictures; None where no mouth moves enough to tell."""
    shown = picture_lag_s(path, mouth)
    if shown is None:
        return None
    return round(1000 * (sound_lag_s(path, sound) - shown), DIGITS) + 0.0


def sound_lag_s(path: Path, sound: tuple[np.ndarray, int]) -> float:
    """Seconds by which the file's sound is later than the samples (N,) that were meant."""
    heard, rate, start = decoded_sound(path)
    meant = np.asarray(sound[0], float)
    if rate != sound[1]:
        raise ValueError(f"{path}: sound at {rate} Hz; {sound[1]} were written")
    both = correlate(heard, meant, mode="full", method="fft")
    lags = np.arange(1 - len(meant), len(heard))
    near = np.abs(lags + start * rate) <= LARGEST_LAG_S * rate
    return _peak(lags[near], both[near]) / rate + start


def picture_lag_s(path: Path, mouth: Mouth) -> float | None:
    """Seconds by which the file's mouth is later than it was meant; None if it hardly moves."""
    if len(mouth.gap) < LEAST_FRAMES or np.ptp(mouth.gap) < LEAST_GAP_MM:
        return None
    seen = _components(_cells(path, mouth.box))
    most = min(round(LARGEST_LAG_S * RATE), len(seen) // 4)
    lags = np.arange(-most, most + 1)
    fit = np.array([_followed(mouth.gap, seen, int(lag)) for lag in lags])
    return _peak(lags, fit) / RATE


def decoded_sound(path: Path) -> tuple[np.ndarray, int, float]:
    """Samples (N,) of a file's one channel, their rate, and when the first is heard (s)."""
    if path.suffix == ".wav":
        samples, rate = soundfile_library().read(path)
        return samples, rate, 0.0
    with pyav().open(str(path)) as file:
        stream = file.streams.audio[0]
        parts = [(frame.pts * frame.time_base, frame.to_ndarray()[0].astype(float))
                 for frame in file.decode(stream) if frame.pts is not None]  # fmt: skip
        rate = stream.codec_context.sample_rate
    return np.concatenate([part for _, part in parts]), rate, float(parts[0][0])


def _cells(path: Path, box: tuple[int, int, int, int]) -> np.ndarray:
    """Mean grey of each cell of the mouth's box (T, rows * columns)."""
    left, top, right, bottom = box
    means = []
    for frame in read_video(path):
        grey = frame[top:bottom, left:right] @ LUMA
        rows = np.array_split(grey, CELLS[0], axis=0)
        means.append([part.mean() for row in rows for part in np.array_split(row, CELLS[1], 1)])
    return np.array(means)


def _components(cells: np.ndarray) -> np.ndarray:
    """The few movements that cells (T, C) share: (T, k), the largest first."""
    centred = cells - cells.mean(0)
    left, size, _ = np.linalg.svd(centred, full_matrices=False)
    few = max(1, min(4, len(cells) // 10))
    return (left * size)[:, :few]


def _followed(gap: np.ndarray, seen: np.ndarray, lag: int) -> float:
    """Share of the variance of gap(t) that seen(t + lag) explains."""
    n = min(len(gap), len(seen))
    times = np.arange(max(0, -lag), min(n, n - lag))
    y, x = gap[times] - gap[times].mean(), seen[times + lag] - seen[times + lag].mean(0)
    left = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    return 1 - float(left @ left) / max(float(y @ y), 1e-12)


def _peak(at: np.ndarray, height: np.ndarray) -> float:
    """Where a parabola through the highest value and its neighbours has its top."""
    i = int(height.argmax())
    if not 0 < i < len(height) - 1:
        return float(at[i])
    before, top, after = height[i - 1 : i + 2]
    return float(at[i] + 0.5 * (before - after) / (before - 2 * top + after))
