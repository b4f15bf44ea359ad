"""Pictures of people for the networks: rendered, cut as a corpus is, kept person by person."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stimuli.actors import camera
from stimuli.actors.cast import Actor
from stimuli.actors.portrait import Studio, portrait
from stimuli.context_faces.poses import EMOTIONS, Wanted, poses
from stimuli.context_faces.shards import Progress, make_missing, write_shard
from stimuli.corpora.arrays.crop import cut, eyes_to
from stimuli.corpora.arrays.settings import ArraySettings

DRAWN = 192  # pixels a side of the portrait that the crop of 128 is cut from: about the same scale


@dataclass(frozen=True)
class Job:
    """One person to be drawn."""

    actor: Actor
    path: Path
    seed: int
    wanted: Wanted


@dataclass(frozen=True)
class Shard:
    """The pictures of one person: faces (n, S, S, 3) uint8, emotion (n,), m (n,), speaking (n,)."""

    faces: np.ndarray
    emotion: np.ndarray
    m: np.ndarray
    speaking: np.ndarray


def draw_people(
    people: Sequence[tuple[Actor, Wanted]], folder: Path, seed: int, workers: int,
    progress: Progress | None = None,
) -> list[Path]:  # fmt: skip
    """One shard for each person in `folder`; those that are there stay."""
    jobs = [Job(actor, folder / f"{actor.id}.npz", seed, wanted) for actor, wanted in people]
    return make_missing(_draw, jobs, workers, progress)


def read_shard(path: Path) -> Shard:
    """What a shard holds."""
    with np.load(path, allow_pickle=False) as file:
        return Shard(**{name: file[name] for name in ("faces", "emotion", "m", "speaking")})


def cropped(
    actor: Actor, weights: np.ndarray, studio: Studio, settings: ArraySettings
) -> np.ndarray:
    """The face of an actor (S, S, 3) uint8, its eyes where a prepared corpus has them."""
    eyes = np.array(sorted(camera.eye_pixels(studio.size)))  # left in the picture first
    place = eyes_to(eyes, settings.eyes)
    return cut(portrait(actor, weights, studio), place, settings.size)[0]


def _draw(job: Job) -> None:
    settings = ArraySettings()
    drawn = poses(np.random.default_rng([job.seed, job.actor.seed]), job.wanted)
    with tempfile.TemporaryDirectory() as cache:  # nobody draws this person again
        studio = Studio(size=DRAWN, supersample=2, cache_dir=Path(cache))
        faces = [cropped(job.actor, pose.weights, studio, settings) for pose in drawn]
    write_shard(
        job.path,
        faces=np.stack(faces),
        emotion=np.array([EMOTIONS.index(pose.emotion) for pose in drawn], np.int8),
        m=np.array([pose.m for pose in drawn], np.float32),
        speaking=np.array([pose.speaking for pose in drawn]),
    )
