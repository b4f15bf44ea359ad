"""A finished clip, measured on its file as a player decodes it: loudness, peak, picture and sound.

`av_offset_ms` says how much later the sound comes than the picture that belongs to it (negative:
earlier). Both are found in the file: the sound where it correlates best with the samples that were
meant, the picture where the mouth's pixels follow best the gap of the lips that was meant. People
notice about 45 ms of sound that comes first, and 125 ms of sound that comes late (ITU-R BT.1359).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.signal import correlate

from stimuli.pieces import gathered, joined, pieces, windows
from stimuli.video import RATE, pyav, read_video
from stimuli.voices.loudness import lufs_of, true_peak_of
from stimuli.voices.recordings import soundfile_library

LARGEST_LAG_S = 0.2  # what is looked for
PIECE = 1 << 19  # samples that are looked at together
SILENT = 1e-10  # lowest true peak that is told, full scale being 1
CELLS = (4, 6)  # of the mouth's box, rows and columns, whose mean grey is followed
LEAST_FRAMES, LEAST_GAP_MM = 20, 0.3  # too short, or too still, to be found in pictures
LEAST_GREY = 3.0  # likewise of a mouth that is measured in grey levels
LUMA = np.array([0.2126, 0.7152, 0.0722])
DIGITS = 1  # of dB and milliseconds


@dataclass(frozen=True, eq=False)
class Mouth:
    """Where a film's mouth is, and how it was meant to move.

    Attributes:
        gap: (T,) mm between the lips, frame by frame; or any other measure of the same movement.
        box: left, top, right and bottom pixel.
        least: movement (of `gap`) below which there is too little to be found in pictures.
    """

    gap: np.ndarray
    box: tuple[int, int, int, int]
    least: float = LEAST_GAP_MM

    @classmethod
    def drawn(cls, cells: np.ndarray, box: tuple[int, int, int, int]) -> Mouth:
        """Of a mouth that nobody measured in mm, from its `cells_of` every frame before coding.

        Its movement is what most cells share, in grey levels (root mean square over cells).
        """
        shared = _components(cells)[:, 0] if len(cells) > 1 else np.zeros(len(cells))
        return cls(shared / np.sqrt(cells.shape[1]), box, LEAST_GREY)


@dataclass(frozen=True)
class Heard:
    """The sound of a file as a player decodes it: anew each time, block by block.

    Attributes:
        path: WAV file or clip.
        rate: Samples a second.
        start: When the first sample is heard (s).
    """

    path: Path
    rate: int
    start: float

    def blocks(self) -> Iterator[np.ndarray]:
        """Samples (n,) of its one channel."""
        if self.path.suffix == ".wav":
            yield from soundfile_library().blocks(self.path, PIECE, dtype="float32")
            return
        with pyav().open(str(self.path)) as file:
            for frame in _frames(file):
                yield frame.to_ndarray()[0]

    @property
    def samples(self) -> np.ndarray:
        """All (N,) samples."""
        return joined(self.blocks())


def loudness(heard: Heard) -> dict[str, float]:
    """`loudness_lufs` and `peak_dbtp` of a file's sound."""
    peak = max(true_peak_of(heard.blocks()), SILENT)
    return {
        "loudness_lufs": round(lufs_of(gathered(heard.blocks()), heard.rate), DIGITS),
        "peak_dbtp": round(20 * math.log10(peak), DIGITS),
    }


def offset_ms(path: Path, heard: Heard, meant: np.ndarray, mouth: Mouth) -> float | None:
    """How much later sound comes than pictures; None where no mouth moves enough to tell."""
    shown = picture_lag_s(path, mouth)
    if shown is None:
        return None
    return round(1000 * (sound_lag_s(heard, meant) - shown), DIGITS) + 0.0


def sound_lag_s(heard: Heard, meant: np.ndarray) -> float:
    """Seconds by which a sound is later than the samples (N,) of its rate that were meant."""
    middle = -round(heard.start * heard.rate)
    most = int(LARGEST_LAG_S * heard.rate)
    lags = middle + np.arange(-most, most + 1)
    both = np.zeros(len(lags))
    parts = [piece for piece, _ in pieces(len(meant), length=PIECE)]
    around = [(part.start + int(lags[0]), part.stop + int(lags[-1])) for part in parts]
    for part, there in zip(parts, windows(heard.blocks(), around), strict=True):
        # the correlation is a sum over parts
        both += correlate(there.astype(float), meant[part].astype(float), "valid", "fft")
    return _peak(lags, both) / heard.rate + heard.start


def picture_lag_s(path: Path, mouth: Mouth) -> float | None:
    """Seconds by which the file's mouth is later than it was meant; None if it hardly moves."""
    if len(mouth.gap) < LEAST_FRAMES or np.ptp(mouth.gap) < mouth.least:
        return None
    seen = _components(np.array([cells_of(frame, mouth.box) for frame in read_video(path)]))
    most = min(round(LARGEST_LAG_S * RATE), len(seen) // 4)
    lags = np.arange(-most, most + 1)
    fit = np.array([_followed(mouth.gap, seen, int(lag)) for lag in lags])
    return _peak(lags, fit) / RATE


def decoded_sound(path: Path) -> Heard:
    """The sound of a WAV file or a clip."""
    if path.suffix == ".wav":
        return Heard(path, soundfile_library().info(path).samplerate, 0.0)
    with pyav().open(str(path)) as file:
        first = next(_frames(file))
        return Heard(path, first.sample_rate, float(first.pts * first.time_base))


def _frames(file: Any) -> Iterator[Any]:
    """Decoded frames of a clip's sound."""
    return (frame for frame in file.decode(file.streams.audio[0]) if frame.pts is not None)


def cells_of(frame: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    """Mean grey of each cell of the mouth's box (rows * columns,), of a frame (H, W, 3) uint8."""
    left, top, right, bottom = box
    rows = np.array_split(frame[top:bottom, left:right] @ LUMA, CELLS[0], axis=0)
    return np.array([part.mean() for row in rows for part in np.array_split(row, CELLS[1], 1)])


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
