"""The sound of a clip, mixed down to one channel and brought to a rate: ready for spectrograms.

Samples are in [-1, 1]; stored as 16-bit numbers of full scale 32,767. Sound of a film begins with
its first frame: what comes before is cut off, and where it begins later there is silence.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from stimuli.corpora.arrays.film import DAMAGE, Undecodable, _why, pyav
from stimuli.pieces import highest, joined, pieces, resampled

PLAIN = (".wav", ".flac", ".ogg", ".mp3")  # read by libsndfile; others by FFmpeg
FULL = 32_767
BLOCK = 1 << 16  # samples read at a time


def read_sound(path: Path) -> tuple[np.ndarray, int]:
    """Mono samples (N,) float32 in [-1, 1] and their rate in hertz; N = 0 where there is no sound.

    Raises:
        Undecodable: no sound file, or damaged.
    """
    return _plain(path) if path.suffix.lower() in PLAIN else _from_film(path)


def to_rate(samples: np.ndarray, rate: int, wanted: int) -> np.ndarray:
    """The samples (N,) at another rate: ceil(N · wanted / rate) of them, float32."""
    if rate == wanted or not len(samples):
        return samples
    return resampled(samples, rate, wanted).astype(np.float32, copy=False)


def stored(samples: np.ndarray) -> np.ndarray:
    """Samples as 16-bit numbers."""
    return np.rint(np.clip(samples, -1, 1) * FULL).astype("<i2")


def level_db(samples: np.ndarray) -> float:
    """The highest absolute sample, dB of full scale; -inf for digital silence."""
    peak = highest(samples)
    return 20 * np.log10(peak) if peak > 0 else float("-inf")


def _plain(path: Path) -> tuple[np.ndarray, int]:
    import soundfile

    try:
        with soundfile.SoundFile(path) as file:
            blocks = file.blocks(BLOCK, dtype="float32", always_2d=True)
            return _finite(
                block.mean(axis=1, dtype=np.float32) for block in blocks
            ), file.samplerate
    except (soundfile.LibsndfileError, RuntimeError, *DAMAGE) as error:
        raise Undecodable(f"cannot be decoded: {str(error).strip()}") from None


def _from_film(path: Path) -> tuple[np.ndarray, int]:
    av = pyav()
    try:
        with av.open(str(path)) as file:
            if not file.streams.audio:
                return np.zeros(0, np.float32), 0
            return _finite(_heard(av, file)), int(file.streams.audio[0].codec_context.sample_rate)
    except (av.FFmpegError, *DAMAGE) as error:
        raise Undecodable(f"sound cannot be decoded: {_why(error)}") from None


def _heard(av: Any, file: Any) -> Iterator[np.ndarray]:
    """Blocks of the sound of a film, from its first frame on."""
    stream = file.streams.audio[0]
    rate, begin = int(stream.codec_context.sample_rate), 0.0
    early: int | None = None  # samples that are still to be left out
    if file.streams.video and file.streams.video[0].start_time is not None:
        begin = float(file.streams.video[0].start_time * file.streams.video[0].time_base)
    floats = av.AudioResampler(format="fltp", rate=rate)
    for decoded in file.decode(stream):
        if early is None:
            early = round((begin - float(decoded.time or 0.0)) * rate)
            yield np.zeros(max(0, -early), np.float32)
        for block in floats.resample(decoded):
            mono = block.to_ndarray().mean(axis=0, dtype=np.float32)
            yield mono[max(0, early) :]
            early -= len(mono)


def _finite(blocks: Iterable[np.ndarray]) -> np.ndarray:
    samples = joined(blocks)
    if not all(np.isfinite(samples[piece]).all() for piece, _ in pieces(len(samples))):
        raise Undecodable("cannot be decoded: samples that are no numbers")
    return samples
