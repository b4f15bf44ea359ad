"""What is to be done: clips in units of work, the room they take, and a hash of all that decides.

Units are the same for any number of processes. An unfinished unit is done again from its beginning.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from protocols.prepared import ROW
from stimuli.corpora.arrays.clip import Source
from stimuli.corpora.arrays.settings import VERSION, ArraySettings

UNIT_FRAMES, UNIT_CLIPS = 250, 64  # a unit ends with the clip that reaches one of them
UNKNOWN_S = 5.0  # length assumed of a film or sound whose header does not say it
READERS = 8  # files looked at at the same time
ENDS = 1 << 16  # bytes of the beginning and of the end of a file that are hashed
Progress = Callable[[int, int], object]


@dataclass(frozen=True)
class Need:
    """Faces and samples to come, as far as headers tell, and the bytes they take."""

    faces: int
    samples: int
    bytes: int


def sources_of(clips: pd.DataFrame) -> list[Source]:
    """Every clip of the table, in its order."""
    return [Source.of(number, row) for number, row in enumerate(clips.itertuples())]


def units_of(clips: pd.DataFrame, settings: ArraySettings) -> list[range]:
    """Numbers of clips that are prepared together."""
    frames = _frames(clips, settings)
    units, start, load = [], 0, 0.0
    for number in range(len(clips)):
        load += frames[number]
        if load >= UNIT_FRAMES or number + 1 - start >= UNIT_CLIPS:
            units.append(range(start, number + 1))
            start, load = number + 1, 0.0
    return [*units, range(start, len(clips))] if start < len(clips) else units


def need_of(clips: pd.DataFrame, settings: ArraySettings) -> Need:
    """What the arrays of these clips will take on disk."""
    faces = round(sum(_frames(clips, settings)))
    seconds = _seconds(clips)[clips["audio"].notna() | (clips["modality"] == "audio-visual")]
    samples = round(float(seconds.sum()) * settings.audio_rate)
    row = 3 * settings.size**2 + 68 * 2 * 4 + ROW.itemsize
    return Need(faces, samples, faces * row + 2 * samples)


def fingerprint(
    clips_sha256: str, sources: Sequence[Source], root: Path, settings: ArraySettings,
    detector: str, progress: Progress | None = None,
) -> str:  # fmt: skip
    """SHA-256 of settings, version, detector, table of clips, and of the files it names.

    Of a file larger than 128 KB its size, beginning and end count; of a folder of frames the names
    and sizes, and the first and last of them. Times of files do not count: a copy is the same.
    """
    whole = hashlib.sha256()
    said = {"settings": settings.words(), "version": VERSION, "detector": detector}
    whole.update(json.dumps(said, sort_keys=True).encode())
    whole.update(clips_sha256.encode())
    paths = list(dict.fromkeys(path for source in sources for path in _files(source)))
    with ThreadPoolExecutor(READERS) as pool:
        for done, digest in enumerate(pool.map(lambda path: _digest(root / path), paths), 1):
            whole.update(digest)
            if progress is not None:
                progress(done, len(paths))
    return whole.hexdigest()


def _files(source: Source) -> Iterator[str]:
    yield from (p for p in (source.video, source.audio, source.image, source.annotation) if p)


def _digest(path: Path) -> bytes:
    """Hash of a file or folder of frames; of one that is not there, of nothing."""
    found = hashlib.sha256()
    try:
        if path.is_dir():
            frames = sorted(
                (int(entry.name.split(".")[0]), entry.name, entry.stat().st_size)
                for entry in os.scandir(path) if entry.name.split(".")[0].isdigit()
            )  # fmt: skip
            found.update(repr(frames).encode())
            for _, name, _ in frames[:: max(1, len(frames) - 1)]:
                found.update(_digest(path / name))
            return found.digest()
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            found.update(str(size).encode() + b"\0" + file.read(ENDS))
            if size > ENDS:
                file.seek(max(ENDS, size - ENDS))
                found.update(file.read(ENDS))
    except OSError:
        return b"-"
    return found.digest()


def _frames(clips: pd.DataFrame, settings: ArraySettings) -> list[float]:
    """Faces to be expected of each clip."""
    film, picture = clips["video"].notna(), clips["image"].notna()
    if settings.rate:
        frames = _seconds(clips) * settings.rate
    else:
        frames = clips["frames"].astype(float).fillna(_seconds(clips) * 25.0)
    frames = (frames / settings.every).clip(lower=1.0)
    return frames.where(film, picture.astype(float)).tolist()


def _seconds(clips: pd.DataFrame) -> pd.Series:
    seconds = clips["duration_s"].astype(float)
    seconds = seconds.fillna(clips["frames"].astype(float) / clips["rate"].astype(float))
    return pd.Series(seconds.fillna(UNKNOWN_S))
