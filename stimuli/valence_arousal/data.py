"""The prepared file from which editing by valence and arousal is learned: a crowd, all over.

    build(folder, settings)     crowd -> pictures -> valence-arousal-data.safetensors

Everything resumes. Parts: most of the crowd and mien's other actors train the editor, others of the
crowd the judges, a few validate; mien's held-out actors (29 to 52) test. Nobody is in two.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from models import coding
from models.valence_arousal.data import PARTS, Labels, save_data
from stimuli.actors import plane
from stimuli.actors.cast import Actor
from stimuli.actors.cast import actor as find_actor
from stimuli.actors.crowd import CrowdSettings, make_crowd_beside, pair_of
from stimuli.actors.portrait import Studio
from stimuli.context_faces.faces import DRAWN, cropped
from stimuli.context_faces.shards import make_missing, write_shard
from stimuli.corpora.arrays.settings import ArraySettings

NAME = "valence-arousal-data.safetensors"
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class DataSettings:
    """What the file holds."""

    crowd: CrowdSettings = field(default_factory=CrowdSettings)
    first: int = 0  # row of the crowd with which its people begin
    people: int = 320  # how many of it
    across: int = 4  # the plane is cut into across × across squares: a picture in each, and neutral
    validation: int = 20  # one pair of a man and a woman in so many validates
    judges: int = 4  # and one in so many teaches the judges
    cast: tuple[str, ...] = tuple(f"{number:02d}" for number in range(1, 29))  # they train as well
    held_out: tuple[str, ...] = tuple(f"{number:02d}" for number in range(29, 53))
    seed: int = 9


# for judges alone: people from whom no editor that learned from the first ones has learned
FOR_JUDGES = DataSettings(
    CrowdSettings(n=480, bearded=0.35), first=320, people=160, judges=1, cast=()
)


@dataclass(frozen=True)
class Job:
    """One person to be drawn at points of the plane."""

    actor: Actor
    path: Path
    across: int
    seed: int


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
    crowd = crowd[settings.first : settings.first + settings.people]
    own = [find_actor(name) for name in settings.cast]
    people = [*crowd, *own, *held]
    shards = draw_people(people, folder / "faces", settings, workers, progress)
    parts = [
        *(part_of(i, settings) for i in range(len(crowd))),
        *["train"] * len(own), *["test"] * len(held),
    ]  # fmt: skip
    return write(folder / NAME, shards, parts)


def draw_people(
    people: Sequence[Actor], folder: Path, settings: DataSettings, workers: int,
    progress: Progress | None = None,
) -> list[Path]:  # fmt: skip
    """One shard for each person in `folder`; those that are there stay."""
    jobs = [
        Job(actor, folder / f"{actor.id}.npz", settings.across, settings.seed) for actor in people
    ]
    return make_missing(_draw, jobs, workers, progress)


def part_of(number: int, settings: DataSettings) -> str:
    """Whom the person of row `number`, of those who are drawn, teaches."""
    pair = pair_of(number)
    if pair % settings.validation == 0:
        return "validation"
    return "judge" if pair % settings.judges == settings.judges - 1 else "train"


def points(across: int, rng: np.random.Generator) -> np.ndarray:
    """Neutral, then a place drawn from each of across² squares of the plane: (1 + across², 2)."""
    corners = np.stack(np.meshgrid(*2 * [np.arange(across)], indexing="ij"), -1).reshape(-1, 2)
    drawn = 2 * (corners + rng.random(corners.shape)) / across - 1
    return np.concatenate([np.zeros((1, 2)), drawn])


def write(path: Path, shards: Sequence[Path], parts: Sequence[str]) -> Path:
    """One file of all people; parts: of PARTS, for each of them."""
    found = []
    for shard in shards:
        with np.load(shard, allow_pickle=False) as file:
            found.append((file["faces"], file["points"]))
    sizes = [len(faces) for faces, _ in found]
    valence, arousal = np.concatenate([points for _, points in found]).T
    save_data(
        path,
        coding.encode(np.concatenate([faces for faces, _ in found])),
        Labels(
            np.repeat(np.arange(len(found)), sizes), valence, arousal,
            np.repeat([PARTS.index(part) for part in parts], sizes),
        ),
        licence="CC0-1.0", made="a crowd of mien's synthetic people; nobody is shown",
    )  # fmt: skip
    return path


def _draw(job: Job) -> None:
    settings = ArraySettings()
    where = points(job.across, np.random.default_rng([job.seed, job.actor.seed]))
    with tempfile.TemporaryDirectory() as cache:  # nobody draws this person again
        studio = Studio(size=DRAWN, supersample=2, cache_dir=Path(cache))
        faces = [cropped(job.actor, plane.at(*place), studio, settings) for place in where]
    write_shard(job.path, faces=np.stack(faces), points=where.astype(np.float32))
