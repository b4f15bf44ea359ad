"""One clip prepared: its faces cut out, its sound brought to the rate, and what went wrong.

A film is decoded twice, first to find the eyes, then to cut the faces out, so that no more than one
frame is held at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pandas as pd

from protocols.prepared import FACES, LANDMARKS, ROW, ROWS, SOUND
from stimuli.corpora.arrays.crop import cut, eyes_to
from stimuli.corpora.arrays.film import Moment, Undecodable, moments, read_picture
from stimuli.corpora.arrays.given import given_eyes
from stimuli.corpora.arrays.settings import ArraySettings
from stimuli.corpora.arrays.sound import level_db, read_sound, stored, to_rate
from stimuli.corpora.arrays.track import Detector, Track, find_track, known_track

FILES = (FACES, LANDMARKS, ROWS, SOUND)
PICTURE = {
    "no face": "the detector finds none",
    "two faces": "others are nearly as large; cut out the one who is meant",
    "small": "the eyes are too near each other; a larger picture is needed",
}  # what is said of a picture
MEDIA = ("video", "audio", "image", "annotation")


@dataclass(frozen=True)
class Source:
    """A clip of the corpus: its number in the table, its name, and its files below the root."""

    number: int
    clip: str
    rate: float | None = None
    video: str | None = None
    audio: str | None = None
    image: str | None = None
    annotation: str | None = None
    heard: bool = False  # whether the video has sound

    @staticmethod
    def of(number: int, row: Any) -> Source:
        """The clip of a row of the table of clips."""
        said = {name: _word(getattr(row, name)) for name in MEDIA}
        heard = str(row.modality) == "audio-visual"
        rate = None if pd.isna(row.rate) else float(row.rate)
        return Source(number, str(row.clip), rate, **said, heard=heard)


@dataclass
class Result:
    """What became of a clip: how many faces and samples, and its problems.

    A problem: part of the clip, kind (protocols.prepared.KINDS), path, message.
    """

    number: int
    rows: int = 0
    samples: int = 0
    inside: float = 1.0  # the least share of a crop that lies inside its picture
    problems: list[tuple[str, str, str, str]] = field(default_factory=list)

    def add(self, part: str, kind: str, path: str, message: str) -> None:
        """Note a problem."""
        self.problems.append((part, kind, path, message))


def prepare_clip(
    source: Source, root: Path, settings: ArraySettings, detect: Detector,
    files: dict[str, BinaryIO],
) -> Result:  # fmt: skip
    """Append the clip's faces, landmarks, rows and sound to `files` (by name of the array)."""
    result = Result(source.number)
    if seen := source.video or source.image:
        _faces(source, seen, root, settings, detect, files, result)
    if settings.audio_rate and (heard := source.audio or (source.heard and source.video)):
        _sound(heard, root, settings, files, result)
    return result


def _faces(
    source: Source, seen: str, root: Path, settings: ArraySettings, detect: Detector,
    files: dict[str, BinaryIO], result: Result,
) -> None:  # fmt: skip
    if not (root / seen).exists():
        result.add("faces", "gone", seen, "not there any more")
        return
    given = given_eyes(root / source.annotation) if source.annotation else None
    begin = {name: file.tell() for name, file in files.items()}
    try:
        track = _track(source, seen, root, settings, detect, given)
        _note_missed(track, seen, result)
        if track.usable.any():
            for moment, eyes, landmarks in zip(
                _moments(source, seen, root, settings), track.eyes, track.landmarks, strict=True
            ):
                if np.isfinite(eyes).all():
                    _write(moment, eyes, landmarks, settings, files, result)
    except Undecodable as error:
        for name, file in files.items():  # of a damaged film nothing stays
            file.seek(begin[name])
            file.truncate()
        result.rows = 0
        result.problems = [p for p in result.problems if p[0] != "faces"]
        result.add("faces", "undecodable", seen, str(error))


def _track(
    source: Source, seen: str, root: Path, settings: ArraySettings, detect: Detector,
    given: np.ndarray | None,
) -> Track:  # fmt: skip
    """Where the eyes are at each moment; those that the corpus gives are by frame."""
    frames = _moments(source, seen, root, settings)
    if given is None:
        return find_track(frames, detect, settings)
    numbers = [moment.number for moment in frames]
    if max(numbers, default=0) >= len(given):
        raise Undecodable(f"{source.annotation} has eyes of {len(given)} frames; the film has more")
    return known_track(given[numbers])


def _moments(source: Source, seen: str, root: Path, settings: ArraySettings) -> Iterator[Moment]:
    if source.video:
        return moments(root / seen, source.rate, settings.rate, settings.every)
    return iter([Moment(0, 0, read_picture(root / seen))])


def _note_missed(track: Track, seen: str, result: Result) -> None:
    """One problem for a clip without a usable frame, or for the frames that are left out."""
    usable, total = int(track.usable.sum()), len(track.usable)
    if usable == total:
        return
    most = max(track.missed, key=lambda why: track.missed[why], default="no face")
    if usable:
        result.add("faces", "frames", seen, f"{total - usable} of {total} frames left out: {most}")
        return
    most = "two faces" if "two faces" in track.missed else most
    counts = ", ".join(f"{why} in {n}" for why, n in sorted(track.missed.items()))
    said = f"{counts or most}, of {total} frames" if total > 1 else PICTURE[most]
    result.add("faces", most, seen, said)


def _write(
    moment: Moment, eyes: np.ndarray, landmarks: np.ndarray, settings: ArraySettings,
    files: dict[str, BinaryIO], result: Result,
) -> None:  # fmt: skip
    place = eyes_to(eyes, settings.eyes)
    crop, inside = cut(moment.pixels, place, settings.size)
    row = np.array((result.number, moment.number, moment.at, inside, place.numbers()), ROW)
    files[FACES].write(crop.tobytes())
    files[LANDMARKS].write(place(landmarks).astype("<f4").tobytes())
    files[ROWS].write(row.tobytes())
    result.rows += 1
    result.inside = min(result.inside, inside)


def _sound(
    heard: str, root: Path, settings: ArraySettings, files: dict[str, BinaryIO], result: Result
) -> None:
    if not (root / heard).exists():
        result.add("sound", "gone", heard, "not there any more")
        return
    try:
        samples, rate = read_sound(root / heard)
    except Undecodable as error:
        result.add("sound", "undecodable", heard, str(error))
        return
    if not len(samples):
        result.add("sound", "no sound", heard, "no samples in it")
    elif (level := level_db(samples)) < settings.silent_db:
        said = "digital silence" if np.isneginf(level) else f"never above {level:.0f} dB"
        result.add("sound", "silent", heard, f"{said} of full scale")
    else:
        content = stored(to_rate(samples, rate, settings.audio_rate))
        files[SOUND].write(content.tobytes())
        result.samples = len(content)


def _word(value: Any) -> str | None:
    return None if pd.isna(value) else str(value)
