"""The synthetic file from which reactions are trained: people who talk, and how others listen.

    build(folder, settings)     speakers -> listeners -> reaction-data.safetensors

Everything resumes. Speakers who train or validate have the gender and age of an actor of 01 to 28,
a voice drawn for them alone, and a manner of their own; the held-out actors (29 to 52) and their
voices test. Listeners are drawn for each part apart, so nobody is in two. To every clip half of its
reactions' number of listeners react, each in two ways.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import torch

from models.reaction.data import PARTS, save_data
from models.reaction.voice import voice_features
from stimuli.actors.cast import Actor, actor, load_cast
from stimuli.context_faces.shards import make_missing, write_shard
from stimuli.context_faces.voices import drawn_voice
from stimuli.reactions.listeners import listen
from stimuli.reactions.speakers import VoiceOf, speak
from stimuli.reactions.speaking import Speaking
from stimuli.reactions.styles import style_of
from stimuli.seeds import generator_of, seed_of

NAME = "reaction-data.safetensors"
VERSION = 1  # of the generative model; another one makes other people
WAYS = 2  # in which a listener reacts to a clip
NOISE_DB = (-75.0, -55.0)  # of full scale: recordings are never quite silent
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class DataSettings:
    """What the file holds; counts of each part in the order of PARTS."""

    speakers: tuple[int, int, int] = (100, 12, 24)
    listeners: tuple[int, int, int] = (100, 16, 40)
    reactions: tuple[int, int, int] = (4, 4, 10)  # to each clip; even
    clips: int = 2  # of each speaker
    seconds: float = 30.0  # of each clip
    seed: int = 11

    def __post_init__(self) -> None:
        """Refuse what cannot be made."""
        for part, reactions, listeners in zip(PARTS, self.reactions, self.listeners, strict=True):
            if reactions % WAYS or not 0 < reactions // WAYS <= listeners:
                raise ValueError(
                    f"reactions of {part}: found {reactions} to a clip with {listeners} listeners; "
                    f"accepted: an even number, at most {WAYS} of each listener"
                )

    @property
    def key(self) -> str:
        """What tells these settings from others, eight letters."""
        return hashlib.sha256(f"{VERSION} {self}".encode()).hexdigest()[:8]


@dataclass(frozen=True)
class Job:
    """One speaker, heard by listeners of these numbers (of the part's own)."""

    person: Actor
    voice: VoiceOf | None
    path: Path
    part: str
    listeners: int
    reactions: int
    settings: DataSettings


@dataclass(frozen=True, eq=False)
class Dyad:
    """A clip of a speaker, its sound (n,) as recorded, reactions (K, T, 25), and whose (K,)."""

    speaking: Speaking
    sound: torch.Tensor
    reactions: np.ndarray
    listener: np.ndarray


@dataclass(frozen=True)
class Talked:
    """The clips of one speaker, and their listeners.

    Attributes:
        face: (n, T, 25), voice: (n, T, 78), heard: (n, T, 10) float32.
        reactions: (n, K, T, 25) float32.
        listener: (n, K) int32, number within the part.
    """

    face: np.ndarray
    voice: np.ndarray
    heard: np.ndarray
    reactions: np.ndarray
    listener: np.ndarray


def build(
    folder: Path, settings: DataSettings, workers: int = 1, progress: Progress | None = None
) -> Path:
    """The data file in `folder`; people who are there already stay."""
    jobs = jobs_of(folder / f"people-{settings.key}", settings)
    make_missing(_talk, jobs, workers, progress)
    return write(folder / NAME, jobs, settings)


def write(path: Path, jobs: Sequence[Job], settings: DataSettings) -> Path:
    """One file of all people; speakers are numbered first, then the listeners of each part."""
    before = np.cumsum([len(jobs), *settings.listeners])
    people = [read_talked(job.path) for job in jobs]
    frames = people[0].face.shape[1]
    part = np.repeat([PARTS.index(job.part) for job in jobs], settings.clips)
    each = np.repeat([job.reactions for job in jobs], settings.clips)
    listener = [
        (one.listener + before[PARTS.index(job.part)]).ravel()
        for one, job in zip(people, jobs, strict=True)
    ]
    save_data(
        path,
        face=np.concatenate([one.face for one in people]),
        voice=np.concatenate([one.voice for one in people]),
        heard=np.concatenate([one.heard for one in people]),
        part=part.astype(np.int8),
        speaker=np.repeat(np.arange(len(jobs)), settings.clips).astype(np.int32),
        reactions=np.concatenate([one.reactions.reshape(-1, frames, 25) for one in people]),
        of=np.repeat(np.arange(len(part)), each).astype(np.int32),
        listener=np.concatenate(listener).astype(np.int32),
        licence="CC0-1.0",
        made=f"mien's synthetic speakers and listeners, version {VERSION}; nobody is recorded",
    )  # fmt: skip
    return path


def read_talked(path: Path) -> Talked:
    """What a speaker's file holds."""
    with np.load(path, allow_pickle=False) as file:
        return Talked(**{f.name: file[f.name] for f in fields(Talked)})


def jobs_of(folder: Path, settings: DataSettings) -> list[Job]:
    """Everybody who speaks, part by part."""
    usual = [one for one in load_cast() if one.part != "held-out"]
    held_out = [one for one in load_cast() if one.part == "held-out"]
    if settings.speakers[2] > len(held_out):
        raise ValueError(f"speakers of test: at most {len(held_out)}, the held-out actors")
    jobs = []
    for part, count, listeners, reactions in zip(
        PARTS, settings.speakers, settings.listeners, settings.reactions, strict=True
    ):
        for number in range(count):
            if part == PARTS[-1]:
                person, voice = actor(held_out[number].id), None
            else:
                person = _somebody(usual[len(jobs) % len(usual)], len(jobs), settings.seed)
                voice = VoiceOf(*drawn_voice(person, generator_of(person.seed, "voice")))
            path = folder / f"{part}-{number:03d}.npz"
            jobs.append(Job(person, voice, path, part, listeners, reactions, settings))
    return jobs


def _somebody(like: Actor, number: int, seed: int) -> Actor:
    """Another person of an actor's gender and age."""
    return replace(like, id=f"{like.id}-{number}", seed=seed_of(seed, f"person {number}"))


def _talk(job: Job) -> None:
    torch.set_num_threads(1)
    made = [_clip(job, number) for number in range(job.settings.clips)]
    write_shard(
        job.path,
        **{f.name: np.stack([getattr(one, f.name) for one in made]) for f in fields(Talked)},
    )


def dyad(job: Job, number: int) -> Dyad:
    """One clip of a speaker, and how listeners react to it."""
    key = f"{job.part} {job.path.stem} clip {number}"
    seed = job.settings.seed
    speaking = speak(job.person, job.settings.seconds, seed_of(seed, key), voice=job.voice)
    rng = generator_of(seed, f"{key} listeners")
    noise = 10 ** (rng.uniform(*NOISE_DB) / 20) * rng.standard_normal(len(speaking.samples))
    sound = torch.from_numpy((speaking.samples + noise).astype(np.float32))
    chosen = rng.permutation(job.listeners)[: job.reactions // WAYS].repeat(WAYS)
    reactions = [
        listen(
            speaking,
            style_of(seed_of(seed, f"{job.part} listener {who}")),
            seed_of(seed, f"{key} reaction {k}"),
        )
        for k, who in enumerate(chosen)
    ]
    return Dyad(speaking, sound, np.stack(reactions), chosen.astype(np.int32))


def _clip(job: Job, number: int) -> Talked:
    """One clip, without the axis of clips."""
    made = dyad(job, number)
    speaking = made.speaking
    return Talked(
        face=speaking.face,
        voice=voice_features(made.sound, speaking.rate, speaking.frames).numpy(),
        heard=speaking.heard,
        reactions=made.reactions,
        listener=made.listener,
    )
