"""The sound of a clip, mixed down to one channel and brought to a rate: ready for spectrograms.

Samples are in [-1, 1]; stored as 16-bit numbers of full scale 32,767. Sound of a film begins with
its first frame: what comes before is cut off, and where it begins later there is silence.
"""

from __future__ import annotations

from math import gcd
from pathlib import Path

import numpy as np

from stimuli.corpora.arrays.film import DAMAGE, Undecodable, _why, pyav

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
    """The samples (N,) at another rate: ceil(N · wanted / rate) of them, float32.

    A polyphase filter with a Kaiser window (scipy.signal.resample_poly) lets through what both
    rates can carry.
    """
    if rate == wanted or not len(samples):
        return samples
    from scipy.signal import resample_poly

    common = gcd(rate, wanted)
    return resample_poly(samples, wanted // common, rate // common).astype(np.float32)


def stored(samples: np.ndarray) -> np.ndarray:
    """Samples as 16-bit numbers."""
    return np.rint(np.clip(samples, -1, 1) * FULL).astype("<i2")


def level_db(samples: np.ndarray) -> float:
    """The highest absolute sample, dB of full scale; -inf for digital silence."""
    peak = float(np.abs(samples).max(initial=0.0))
    return 20 * np.log10(peak) if peak > 0 else float("-inf")


def _plain(path: Path) -> tuple[np.ndarray, int]:
    import soundfile

    try:
        with soundfile.SoundFile(path) as file:
            rate = file.samplerate
            blocks = [
                block.mean(axis=1, dtype=np.float32)
                for block in file.blocks(BLOCK, dtype="float32", always_2d=True)
            ]
    except (soundfile.LibsndfileError, RuntimeError, *DAMAGE) as error:
        raise Undecodable(f"cannot be decoded: {str(error).strip()}") from None
    return _finite(blocks), rate


def _from_film(path: Path) -> tuple[np.ndarray, int]:
    av = pyav()
    blocks: list[np.ndarray] = []
    try:
        with av.open(str(path)) as file:
            if not file.streams.audio:
                return np.zeros(0, np.float32), 0
            stream = file.streams.audio[0]
            rate = int(stream.codec_context.sample_rate)
            begin, late = 0.0, 0
            if file.streams.video and file.streams.video[0].start_time is not None:
                film = file.streams.video[0]
                begin = float(film.start_time * film.time_base)
            floats = av.AudioResampler(format="fltp", rate=rate)
            for decoded in file.decode(stream):
                if not blocks:
                    blocks.append(np.zeros(0, np.float32))
                    late = round((float(decoded.time or 0.0) - begin) * rate)
                for block in floats.resample(decoded):
                    blocks.append(block.to_ndarray().mean(axis=0, dtype=np.float32))
    except (av.FFmpegError, *DAMAGE) as error:
        raise Undecodable(f"sound cannot be decoded: {_why(error)}") from None
    samples = _finite(blocks)
    if not len(samples):
        return samples, rate
    return (np.pad(samples, (late, 0)) if late > 0 else samples[-late:]), rate


def _finite(blocks: list[np.ndarray]) -> np.ndarray:
    if not blocks:
        return np.zeros(0, np.float32)
    samples = np.concatenate(blocks)
    if not np.isfinite(samples).all():
        raise Undecodable("cannot be decoded: samples that are no numbers")
    return samples
