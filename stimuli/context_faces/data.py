"""The prepared file from which context-face networks are trained: a crowd, its faces and voices.

    build(folder, settings)     crowd -> pictures -> voices -> context-face-data.safetensors

Everything resumes. Parts: most of the crowd and mien's other actors train, some of the crowd
validates; mien's held-out actors (29 to 52) and their voices test. Nobody is in two.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from models import coding
from models.context_face.data import GENDERS, PARTS, Labels, coded_voices, save_data
from stimuli.actors.cast import Actor
from stimuli.actors.cast import actor as find_actor
from stimuli.actors.crowd import CrowdSettings, make_crowd_beside
from stimuli.context_faces.faces import draw_people, read_shard
from stimuli.context_faces.poses import EMOTIONS, Wanted
from stimuli.context_faces.voices import hear_people, read_heard

NAME = "context-face-data.safetensors"
SPOKEN_M = 0.9  # a mouth that speaks shows less of an emotion: never an example of its full form
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class DataSettings:
    """What the file holds."""

    crowd: CrowdSettings = CrowdSettings(n=2_190, bearded=0.35)
    pictures: Wanted = Wanted(full=4, weaker=2, speaking=1)  # of the crowd who train, for 60 MB
    validation: int = 20  # so many women, and as many men, of the crowd validate
    speakers: int = 1_450  # people of the crowd who speak, too; all who validate do
    sentences: int = 1  # of each speaker, in every emotion
    cast: tuple[str, ...] = tuple(f"{number:02d}" for number in range(1, 29))  # they train as well
    cast_sentences: int = 2
    held_out: tuple[str, ...] = tuple(f"{number:02d}" for number in range(29, 53))
    held_out_sentences: int = 3
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
    own = [find_actor(name) for name in settings.cast]
    people = [*crowd, *own, *held]
    part = _parts(crowd, own, held, settings)
    validating = [a for a in crowd if part[a.id] == PARTS.index("validation")]
    learned = [a for a in crowd if part[a.id] == PARTS.index("train")]
    wanted = [(a, Wanted() if a in validating else settings.pictures) for a in crowd]
    wanted += [(a, Wanted()) for a in (*own, *held)]
    shards = draw_people(wanted, folder / "faces", settings.seed, workers, progress)
    speakers = [*learned[: max(0, settings.speakers - len(validating))], *validating]
    heard = [
        *hear_people(speakers, folder / "voices", settings.seed, settings.sentences, workers,
                     progress=progress),
        *hear_people(own, folder / "voices", settings.seed, settings.cast_sentences, workers,
                     listed=True, progress=progress),
        *hear_people(held, folder / "voices", settings.seed, settings.held_out_sentences, workers,
                     listed=True, progress=progress),
    ]  # fmt: skip
    number = {actor.id: i for i, actor in enumerate(people)}
    return _write(folder / NAME, people, shards, [*speakers, *own, *held], heard, number, part)


def _parts(
    crowd: Sequence[Actor], own: Sequence[Actor], held: Sequence[Actor], settings: DataSettings
) -> dict[str, int]:
    """Person -> row of PARTS.

    The last of the crowd validate: who goes on from networks of a smaller one learned from none.
    """
    parts = {a.id: PARTS.index("train") for a in crowd}
    for gender in GENDERS:
        alike = [a.id for a in crowd if a.gender == gender]
        last = alike[max(0, len(alike) - settings.validation) :]
        parts |= dict.fromkeys(last, PARTS.index("validation"))
    parts |= {a.id: PARTS.index("train") for a in own}
    return parts | {a.id: PARTS.index("test") for a in held}


def _write(path, people, shards, speakers, heard, number, part) -> Path:
    faces, face_labels = [], []
    for actor, shard_path in zip(people, shards, strict=True):
        shard = read_shard(shard_path)
        faces.append(shard.faces)
        m = np.where(shard.speaking, SPOKEN_M * shard.m, shard.m)
        labels = _labels(actor, number, part, shard.emotion, m, shard.speaking)
        face_labels.append(replace(labels, speaking=shard.speaking))
    voices, voice_labels = [], []
    for actor, heard_path in zip(speakers, heard, strict=True):
        said = read_heard(heard_path)
        voices.append(said.voices)
        full = np.ones(len(said.emotion))
        voice_labels.append(_labels(actor, number, part, said.emotion, full, said.sentence))
    save_data(
        path, coding.encode(np.concatenate(faces)), _joined(face_labels),
        coded_voices(np.concatenate(voices)), _joined(voice_labels), EMOTIONS,
        licence="CC0-1.0", made="a crowd of mien's synthetic people; nobody is shown",
    )  # fmt: skip
    return path


def _labels(actor: Actor, number, part, emotion, m, group) -> Labels:
    n = len(emotion)
    return Labels(
        np.full(n, number[actor.id]), np.full(n, GENDERS.index(actor.gender)), emotion, m,
        np.full(n, part[actor.id]), np.asarray(group).astype(int),
    )  # fmt: skip


def _joined(labels: Sequence[Labels]) -> Labels:
    return Labels(**{
        f.name: np.concatenate([getattr(one, f.name) for one in labels]) for f in fields(Labels)
    })  # fmt: skip
