"""The people that the networks never saw: their pictures and their voices, made once.

Pictures are drawn and cut as those that the networks learn from (`context_faces.faces`), but each
facial action has exactly the weight of its emotion. Voices are those actors' own.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stimuli.actor_pictures import VERSION
from stimuli.actors import facs
from stimuli.actors.cast import Actor
from stimuli.actors.cast import actor as find_actor
from stimuli.actors.portrait import Studio
from stimuli.context_faces.data import DataSettings
from stimuli.context_faces.faces import DRAWN, cropped
from stimuli.context_faces.poses import EMOTIONS
from stimuli.context_faces.shards import Progress, make_missing, write_shard
from stimuli.context_faces.voices import hear_people, read_heard
from stimuli.corpora.arrays.settings import ArraySettings

SIZE = ArraySettings().size  # pixels a side
SETTINGS = DataSettings()  # who is held out, and what they say
GRADED, BETWEEN = ("happy", "angry"), (0.25, 0.5, 0.75)  # drawn at these m, too


@dataclass(frozen=True)
class HeldOut:
    """A actors in E emotions (rows of EMOTIONS) and what they say.

    Attributes:
        actors: A of them.
        faces: (A, E, SIZE, SIZE, 3) uint8 sRGB, every emotion at full strength.
        voices: (A, S, E, bins, frames) uint8 in whole decibels (`models.context_face.data`); S
            sentences, which differ between actors.
        graded: (A, 2, 3, SIZE, SIZE, 3) uint8 sRGB, expressions of GRADED at m of BETWEEN.
    """

    actors: tuple[Actor, ...]
    faces: np.ndarray
    voices: np.ndarray
    graded: np.ndarray

    def only(self, actors: int, sentences: int) -> HeldOut:
        """The first so many of each."""
        return HeldOut(
            self.actors[:actors], self.faces[:actors], self.voices[:actors, :sentences],
            self.graded[:actors],
        )  # fmt: skip


@dataclass(frozen=True)
class Drawn:
    """Pictures of A actors: `faces` and `graded` as `HeldOut` has them."""

    faces: np.ndarray
    graded: np.ndarray


@dataclass(frozen=True)
class _Drawing:
    actor: Actor
    path: Path


def drawn(
    cache: Path,
    names: Sequence[str] = SETTINGS.cast,
    workers: int = 1,
    progress: Progress | None = None,
) -> Drawn:
    """True pictures of actors of the cast, made once; by default of those who train."""
    people = [find_actor(name) for name in names]
    jobs = [_Drawing(person, cache / _folder() / f"{person.id}.npz") for person in people]
    pictures = make_missing(_draw, jobs, workers, progress)
    return Drawn(*(np.stack([_read(path, of) for path in pictures]) for of in ("faces", "graded")))


def held_out(
    cache: Path,
    names: Sequence[str] = SETTINGS.held_out,
    workers: int = 1,
    progress: Progress | None = None,
) -> HeldOut:
    """Pictures and voices of actors of the cast; what is in `cache` is not made again."""
    people = tuple(find_actor(name) for name in names)
    pictures = drawn(cache, names, workers, progress)
    heard = hear_people(
        people, cache / "voices", SETTINGS.seed, SETTINGS.held_out_sentences, workers,
        listed=True, progress=progress,
    )  # fmt: skip
    return HeldOut(
        people, pictures.faces, np.stack([_by_sentence(path) for path in heard]), pictures.graded
    )


def _expressions() -> np.ndarray:
    """Weights (7 + 6, 52) of what is drawn: full emotions, then GRADED at m of BETWEEN."""
    shown = [(emotion, 1.0) for emotion in EMOTIONS]
    shown += [(emotion, m) for emotion in GRADED for m in BETWEEN]
    return np.stack([facs.weights(emotion, m) for emotion, m in shown])


def _folder() -> str:
    """Pictures of these expressions: others, once an emotion's actions or the drawing change."""
    decides = _expressions().round(6).tobytes() + VERSION.encode()
    return f"pictures-{hashlib.sha256(decides).hexdigest()[:8]}"


def _draw(drawing: _Drawing) -> None:
    settings = ArraySettings()
    with tempfile.TemporaryDirectory() as cache:
        studio = Studio(size=DRAWN, supersample=2, cache_dir=Path(cache))
        drawn = np.stack([cropped(drawing.actor, w, studio, settings) for w in _expressions()])
    graded = drawn[len(EMOTIONS) :].reshape(len(GRADED), len(BETWEEN), *drawn.shape[1:])
    write_shard(drawing.path, faces=drawn[: len(EMOTIONS)], graded=graded)


def _read(path: Path, name: str) -> np.ndarray:
    with np.load(path, allow_pickle=False) as file:
        return file[name]


def _by_sentence(path: Path) -> np.ndarray:
    """Voices (S, E, bins, frames): a person says each sentence in every emotion, in order."""
    voices = read_heard(path).voices
    return voices.reshape(-1, len(EMOTIONS), *voices.shape[1:])
