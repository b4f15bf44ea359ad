"""Taking a recording: draw it and write its files.

A clip is NAME.mp4 with sound, the same sound as NAME.flac, and last its annotation NAME.npz, which
says that all is there; a picture is NAME.png alone. Recordings of one actor are taken together,
because drawing keeps what it has prepared for an actor. No byte depends on that, nor on processes
or on what was there before.
"""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from protocols.casts import RIGS
from protocols.manifest import hash_file
from protocols.tables import write_whole
from stimuli.actors import facs
from stimuli.actors.cast import actor
from stimuli.actors.clip import clip
from stimuli.actors.portrait import Studio
from stimuli.actors.rig import DATA
from stimuli.corpora.synthetic.acting import DECIMALS, Acted, act
from stimuli.corpora.synthetic.annotation import SUFFIX, read_annotation, write_annotation
from stimuli.corpora.synthetic.recordings import Recording
from stimuli.corpora.synthetic.request import Request
from stimuli.media import encode_png
from stimuli.render import peak_memory
from stimuli.video import write_video
from stimuli.voices.recordings import FULL_SCALE, soundfile_library

VIDEO, SOUND, PICTURE = ".mp4", ".flac", ".png"
TOGETHER = 6  # recordings of an actor in one job
NOTE = "A synthetic actor, made by mien (corpus synthetic). CC0-1.0. No person is shown or heard."


@dataclass(frozen=True)
class Job:
    """Recordings of one actor, and the corpus that they belong to."""

    recordings: tuple[Recording, ...]
    folder: Path
    request: Request
    cache: Path | None = None


@dataclass(frozen=True)
class Taken:
    """What a job has made."""

    recordings: int
    frames: int
    seconds: float
    peak_mb: float  # the most memory its process has had


def jobs(
    missing: Sequence[Recording], folder: Path, request: Request, cache: Path | None
) -> list[Job]:
    """Recordings in jobs of at most TOGETHER, actor by actor."""
    together: dict[str, list[Recording]] = {}
    for recording in missing:
        together.setdefault(recording.actor, []).append(recording)
    return [
        Job(tuple(of_one[i : i + TOGETHER]), folder, request, cache)
        for of_one in together.values()
        for i in range(0, len(of_one), TOGETHER)
    ]


def take_all(job: Job) -> Taken:
    """Draw and write the recordings of a job."""
    start = time.perf_counter()
    frames = sum(take(recording, job) for recording in job.recordings)
    return Taken(len(job.recordings), frames, time.perf_counter() - start, peak_memory())


def take(recording: Recording, job: Job) -> int:
    """Draw and write one recording; returns its number of frames."""
    acted = act(recording, job.request.seed, job.request.size, job.request.home)
    path = job.folder / recording.stem
    if acted.speech is None:
        _photograph(path, recording, acted, job)
    else:
        _film(path, recording, acted, job)
    return len(acted.weights)


def recipe_of(recording: Recording, request: Request) -> dict[str, Any]:
    """All that decides about the files of a recording."""
    given = {"size": request.size, "seed": request.seed, "version": request.version}
    if request.cast:
        given |= {"cast": request.cast, "rig": _rig(request.home, recording.actor)}
    return {"recording": asdict(recording), **given}


@lru_cache(maxsize=1024)
def _rig(home: Path, actor_id: str) -> str:
    """SHA-256 of an actor's rig in an own cast."""
    return hash_file(home / RIGS / f"{actor_id}.npz")


def facts_of(recording: Recording, folder: Path, request: Request) -> dict[str, Any] | None:
    """Columns of the table that its files tell; None if they are not there as wanted now."""
    path = folder / recording.stem
    try:
        if recording.sentence is None:
            return _facts_of_picture(path.with_suffix(PICTURE), recipe_of(recording, request))
        return _facts_of_clip(path, recipe_of(recording, request))
    except (OSError, ValueError, KeyError):
        return None


def draw(
    recording: Recording, acted: Acted, studio: Studio, home: Path = DATA
) -> Iterator[np.ndarray]:
    """The frames (size, size, 3) uint8 sRGB of a performance."""
    who = actor(recording.actor, home)
    return clip(who, acted.weights, studio, gaze=acted.gaze, head=acted.head, workers=1)


def _film(path: Path, recording: Recording, acted: Acted, job: Job) -> None:
    assert acted.speech is not None
    sound = (acted.speech.samples, acted.speech.rate)
    write_whole(path.with_suffix(SOUND), _flac(*sound))
    frames = draw(recording, acted, _studio(job), job.request.home)
    write_video(path.with_suffix(VIDEO), frames, sound=sound, note=NOTE)
    media = [path.with_suffix(suffix) for suffix in (VIDEO, SOUND)]
    recipe = recipe_of(recording, job.request) | {
        "files": {file.suffix: [file.stat().st_size, hash_file(file)] for file in media},
        "audio_rate": acted.speech.rate,
        "duration_s": round(acted.speech.duration, 6),
    }
    write_annotation(path.with_suffix(SUFFIX), acted, recipe)


def _facts_of_clip(path: Path, wanted: dict[str, Any]) -> dict[str, Any] | None:
    annotation = read_annotation(path.with_suffix(SUFFIX))
    found = annotation.recipe
    sizes = [size for size, _ in found["files"].values()]
    there = [path.with_suffix(suffix).stat().st_size for suffix in found["files"]]
    if wanted != {key: found[key] for key in wanted} or sizes != there:
        return None
    return {
        "frames": len(annotation.weights),
        "audio_rate": found["audio_rate"],
        "duration_s": found["duration_s"],
        "bytes": sum(sizes),
    }


def _photograph(path: Path, recording: Recording, acted: Acted, job: Job) -> None:
    """A picture that says in its text chunk how it was made, so that it needs no other file."""
    (pixels,) = draw(recording, acted, _studio(job), job.request.home)
    recipe = recipe_of(recording, job.request) | {"labels": labels(acted)}
    write_whole(path.with_suffix(PICTURE), encode_png(pixels, f"{NOTE}\n{json.dumps(recipe)}"))


def _facts_of_picture(path: Path, wanted: dict[str, Any]) -> dict[str, Any] | None:
    with Image.open(path) as picture:
        found = json.loads(str(picture.info["Comment"]).removeprefix(NOTE))
    if wanted != {key: found[key] for key in wanted}:
        return None
    return {"attributes": found["labels"], "bytes": path.stat().st_size}


def labels(acted: Acted) -> str:
    """Eyes in pixels and the facial actions of a picture, "name=value" with spaces between."""
    eyes = (f"{side}={x:.2f},{y:.2f}" for side, (x, y) in
            zip(("eye_left", "eye_right"), acted.eyes[0], strict=True))  # fmt: skip
    actions = (
        f"{name}={weight:.{DECIMALS}f}"
        for name, weight in zip(facs.ACTIONS, acted.weights[0], strict=True)
        if weight
    )
    return " ".join([*eyes, *actions])


def _studio(job: Job) -> Studio:
    return Studio(size=job.request.size, cache_dir=job.cache)


def _flac(samples: np.ndarray, rate: int) -> bytes:
    """One channel of samples in [-1, 1] as FLAC with 16 bits."""
    pcm = np.clip(np.round(samples * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)
    buffer = io.BytesIO()
    soundfile_library().write(buffer, pcm, rate, format="FLAC", subtype="PCM_16")
    return buffer.getvalue()
