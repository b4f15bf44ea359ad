"""People whom no network has seen, drawn at every place of the plane: the truth to compare with.

Pictures are drawn and cut as those that the networks learn from. Each comes with its landmarks and
the descriptor of who it is, by the networks of stimuli/faces, which learned from photographs.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from stimuli import actor_pictures
from stimuli.actors import plane
from stimuli.actors.cast import actor as find_actor
from stimuli.actors.portrait import Studio
from stimuli.context_faces.checks import BORDER
from stimuli.context_faces.faces import DRAWN, cropped
from stimuli.context_faces.shards import Progress, make_missing, write_shard
from stimuli.corpora.arrays.settings import ArraySettings
from stimuli.faces.detector import Face
from stimuli.faces.identity import descriptor
from stimuli.talking_faces.evaluation.points import points_of
from stimuli.valence_arousal.data import DataSettings
from stimuli.valence_arousal.evaluation.places import PLACES

HELD_OUT = DataSettings().held_out  # actors 29 to 52


@dataclass(frozen=True)
class Person:
    """An actor at each of P places.

    Attributes:
        faces: (P, S, S, 3) uint8 sRGB.
        points: (P, 68, 2) float32, landmarks in shares of the crop.
        who: (P, 128) float32, descriptors.
    """

    faces: np.ndarray
    points: np.ndarray
    who: np.ndarray


@dataclass(frozen=True)
class Sitting:
    """An actor to be drawn, and the file."""

    actor: str
    path: Path


def draw_people(
    cache: Path, actors: Sequence[str] = HELD_OUT, workers: int = 1,
    progress: Progress | None = None,
) -> dict[str, Path]:  # fmt: skip
    """Actor -> file of a Person; those that are in `cache` stay."""
    folder = folder_of(cache)
    sittings = [Sitting(name, folder / f"{name}.npz") for name in actors]
    return dict(zip(actors, make_missing(_draw, sittings, workers, progress), strict=True))


def folder_of(cache: Path) -> Path:
    """Where people are kept: elsewhere, once their pictures change."""
    shown = np.stack([plane.at(*place) for place in PLACES]).round(6)
    digest = hashlib.sha256(shown.tobytes()).hexdigest()[:8]
    return cache / f"people-{actor_pictures.VERSION}-{digest}"


def read_person(path: Path) -> Person:
    """What a file holds."""
    with np.load(path, allow_pickle=False) as file:
        return Person(**{f.name: file[f.name] for f in fields(Person)})


def recognised(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Landmarks (68, 2) of a crop (S, S, 3) uint8, in shares of it, and its descriptor (128,).

    The eyes lie where the crop has put them, so no detector is asked where the face is.
    """
    size, (points,) = len(picture), points_of(picture[None])
    border = round(BORDER * size)  # the descriptor looks at more than the landmarks
    wider = np.pad(picture, ((border, border), (border, border), (0, 0)), mode="edge")
    face = Face(np.array([border, border, border + size, border + size]), 1.0, points + border)
    return (points / size).astype(np.float32), descriptor(wider, face).astype(np.float32)


def _draw(sitting: Sitting) -> None:
    person, settings = find_actor(sitting.actor), ArraySettings()
    with tempfile.TemporaryDirectory() as cache:  # nobody draws this person again
        studio = Studio(size=DRAWN, supersample=2, cache_dir=Path(cache))
        faces = np.stack([cropped(person, plane.at(*p), studio, settings) for p in PLACES])
    points, who = (np.stack(of) for of in zip(*map(recognised, faces), strict=True))
    write_shard(sitting.path, faces=faces, points=points, who=who)
