"""Whole clips of actors whom no network has seen: what generated videos are compared with.

Filmed as `talking_faces.clips` films the crowd, but every frame is kept, and every face shows all
of its emotion. Emotions are dealt evenly; half of the voices have the emotion of the face.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from models.talking_face.settings import EMOTIONS
from protocols.sentences import SENTENCES
from stimuli.actors import camera, facs
from stimuli.actors.cast import Actor
from stimuli.actors.cast import actor as find_actor
from stimuli.actors.clip import clip
from stimuli.actors.portrait import Studio
from stimuli.context_faces.data import DataSettings
from stimuli.context_faces.faces import DRAWN
from stimuli.context_faces.shards import Progress, make_missing, write_shard
from stimuli.corpora.arrays.crop import cut, eyes_to
from stimuli.corpora.arrays.settings import ArraySettings
from stimuli.corpora.synthetic.acting import LEAD_IN, after_silence, rise
from stimuli.talking_faces.clips import for_networks
from stimuli.talking_faces.evaluation.points import points_of
from stimuli.voices.library import load_speech
from stimuli.voices.prosody import Delivery, with_emotion
from stimuli.voices.talking import combine, frame_count, lip_gap

HELD_OUT = DataSettings().held_out  # actors 29 to 52
MOST_CLIPS = len(EMOTIONS)  # of one actor: each emotion once
SEED = 2021


@dataclass(frozen=True)
class Take:
    """One clip that is filmed."""

    actor: str
    emotion: str  # of the face
    voice: str  # emotion of the voice
    sentence: str
    folder: Path

    @property
    def name(self) -> str:
        """Of the clip; tells everything about it."""
        return f"{self.actor}-{self.emotion}-{self.voice}-{self.sentence}"

    @property
    def path(self) -> Path:
        """Where it is kept."""
        return self.folder / f"{self.name}.npz"

    @property
    def matched(self) -> bool:
        """Whether face and voice show the same emotion."""
        return self.emotion == self.voice


@dataclass(frozen=True)
class Film:
    """A filmed clip of T frames, 25 a second.

    Attributes:
        frames: (T, S, S, 3) uint8 sRGB; frame 0 is the neutral face.
        gap: (T,) float32, mm between the lips, exact.
        points: (T, 68, 2) float32, landmarks that are found in the frames, pixels.
        sound: (samples,) float32 at 8 kHz, as the networks hear it.
    """

    frames: np.ndarray
    gap: np.ndarray
    points: np.ndarray
    sound: np.ndarray


def folder_of(cache: Path) -> Path:
    """Where clips are kept: elsewhere, once an emotion's actions change."""
    shown = np.stack([facs.weights(emotion, 1.0) for emotion in EMOTIONS]).round(6)
    return cache / f"clips-{hashlib.sha256(shown.tobytes()).hexdigest()[:8]}"


def takes(folder: Path, clips: int, actors: Sequence[str] = HELD_OUT) -> list[Take]:
    """So many clips of each actor; more are added, none of the fewer changes.

    Of every six actors each has another emotion in the same clip; half of the clips of an emotion
    have its voice, the others one of the five others.
    """
    codes, found = sorted(SENTENCES), []
    for number, actor in enumerate(actors):
        for k in range(clips):
            face = (number + k) % len(EMOTIONS)
            matched = (number // len(EMOTIONS) + k) % 2 == 0
            other = (face + 1 + (number + 2 * k) % (len(EMOTIONS) - 1)) % len(EMOTIONS)
            voice = face if matched else other
            sentence = codes[(5 * number + 3 * k) % len(codes)]
            found.append(Take(actor, EMOTIONS[face], EMOTIONS[voice], sentence, folder))
    return found


def film(
    wanted: Sequence[Take], workers: int = 1, progress: Progress | None = None
) -> dict[Take, Path]:
    """The files of all takes; those that are there stay."""
    return dict(zip(wanted, make_missing(_film, wanted, workers, progress), strict=True))


def read_film(path: Path) -> Film:
    """What a file holds."""
    with np.load(path, allow_pickle=False) as file:
        return Film(**{f.name: file[f.name] for f in fields(Film)})


def _film(take: Take) -> None:
    person, settings = find_actor(take.actor), ArraySettings()
    neutral = load_speech(person.id, take.sentence)
    jitter = np.random.default_rng([SEED, person.seed, EMOTIONS.index(take.emotion)])
    delivery = Delivery(seed=int(jitter.integers(2**31)))
    speech = after_silence(with_emotion(neutral, take.voice, 1.0, delivery), LEAD_IN)
    count = frame_count(speech.duration)
    shown = rise(take.emotion, count)[:, None] * facs.weights(take.emotion, 1.0)
    weights = combine(person, speech, shown).astype(np.float32)
    frames = np.stack(_drawn(person, weights, settings))
    write_shard(
        take.path, frames=frames, gap=(weights @ lip_gap(person)).astype(np.float32),
        points=points_of(frames), sound=for_networks(speech.samples, speech.rate),
    )  # fmt: skip


def _drawn(person: Actor, weights: np.ndarray, settings: ArraySettings) -> list[np.ndarray]:
    place = eyes_to(np.array(sorted(camera.eye_pixels(DRAWN))), settings.eyes)
    pictures = clip(person, weights, Studio(size=DRAWN, supersample=2), workers=1)
    return [cut(picture, place, settings.size)[0] for picture in pictures]
