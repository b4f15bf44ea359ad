"""The prepared file from which talking faces are trained: the crowd of context faces, filmed.

    build(folder, settings)     crowd -> clips -> talking-face-data.safetensors

Everything resumes. Parts: most of the crowd trains, some of it validates; mien's held-out actors
(29 to 52) and their voices test. Nobody is in two.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from models import coding
from models.talking_face.data import PARTS, Clips, Sayings, coded, save_data
from models.talking_face.settings import EMOTIONS
from stimuli.actors.crowd import CrowdSettings, make_crowd_beside, pair_of
from stimuli.talking_faces.clips import film_people, read_filmed
from stimuli.talking_faces.sayings import hear_sayings, read_sayings

NAME = "talking-face-data.safetensors"
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class DataSettings:
    """What the file holds."""

    crowd: CrowdSettings = field(default_factory=CrowdSettings)
    people: int = 336  # of the crowd, the first ones, who are filmed
    validation: int = 20  # one pair of a woman and a man in so many validates
    clips: int = 2  # of each person
    speakers: int = 600  # of the crowd, the first ones, who are heard as well
    sentences: int = 3  # of each of them
    held_out: tuple[str, ...] = tuple(f"{number:02d}" for number in range(29, 53))
    seed: int = 9


def build(
    folder: Path,
    settings: DataSettings,
    workers: int = 1,
    progress: Progress | None = None,
    head: Any = None,
) -> Path:
    """The data file in `folder`; whatever is there already stays. head: see `make_crowd`."""
    crowd, held = make_crowd_beside(
        folder / "crowd", settings.crowd, settings.held_out, head, progress
    )
    heard = hear_sayings(crowd[: settings.speakers], folder / "sayings", settings.seed,
                         settings.sentences, workers, progress)  # fmt: skip
    crowd, filmed = crowd[: settings.people], folder / "clips"
    shards = [
        *film_people(crowd, filmed, settings.seed, settings.clips, workers, progress=progress),
        *film_people(held, filmed, settings.seed, settings.clips, workers, listed=True,
                     progress=progress),
    ]  # fmt: skip
    validation, test = PARTS.index("validation"), PARTS.index("test")
    parts = [validation * (pair_of(i) % settings.validation == 0) for i in range(len(crowd))]
    return write(folder / NAME, shards, [*parts, *[test] * len(held)], heard)


def write(path: Path, shards: Sequence[Path], parts: Sequence[int], heard: Sequence[Path]) -> Path:
    """One file of all people; parts: row of PARTS of each who is filmed; heard: sayings."""
    people = [read_filmed(shard) for shard in shards]
    sizes = [len(one.ends) for one in people]
    before = np.cumsum([0, *(one.ends[-1] for one in people)])
    clips = Clips(
        first=np.repeat(np.arange(len(people)), sizes),
        part=np.repeat(parts, sizes),
        ends=np.concatenate([one.ends + start for one, start in zip(people, before, strict=False)]),
        **{name: np.concatenate([getattr(one, name) for one in people])
           for name in ("emotion", "voice", "m", "number", "mouth")},
    )  # fmt: skip
    neutral = np.stack([one.neutral for one in people])
    frames = np.concatenate([one.frames for one in people])
    pictures = np.concatenate([neutral, frames.reshape(-1, *neutral.shape[1:])])
    sounds = np.concatenate([coded(one.sound) for one in people])
    save_data(
        path, coding.encode(pictures), sounds, clips, EMOTIONS, _joined(heard),
        licence="CC0-1.0", made="a crowd of mien's synthetic people; nobody is shown",
    )  # fmt: skip
    return path


def _joined(heard: Sequence[Path]) -> Sayings:
    people = [read_sayings(path) for path in heard]
    before = np.cumsum([0, *(one.ends[-1] for one in people)])
    return Sayings(
        np.concatenate([coded(one.sound) for one in people]),
        np.rint(255 * np.concatenate([one.mouth for one in people])).clip(0, 255).astype(np.uint8),
        np.concatenate([one.ends + start for one, start in zip(people, before, strict=False)]),
    )
