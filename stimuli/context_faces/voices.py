"""Voices for the networks: people of a crowd say sentences in every emotion, as spectrograms.

A person of a crowd has a timbre drawn from the ranges of the cast's (see voices.deal), so nobody of
the crowd has the voice of an actor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from models.context_face.data import LEVELS
from models.context_face.mel import fit, mel_spectrogram
from models.context_face.settings import MelSettings
from protocols.sentences import SENTENCES
from stimuli.actors.cast import Actor
from stimuli.context_faces.poses import EMOTIONS
from stimuli.context_faces.shards import Progress, make_missing, write_shard
from stimuli.voices.deal import SOURCES, SPREAD
from stimuli.voices.library import load_speech, voice_for
from stimuli.voices.norms import mean_f0
from stimuli.voices.prosody import with_emotion
from stimuli.voices.recordings import load_recording, table
from stimuli.voices.speech import Speech
from stimuli.voices.timbre import Timbre, in_timbre


@dataclass(frozen=True)
class Job:
    """One person to be heard; listed: an actor of the cast, who has a voice already."""

    actor: Actor
    path: Path
    seed: int
    sentences: int
    listed: bool


@dataclass(frozen=True)
class Heard:
    """What a person said: voices (n, bins, frames) uint8 of LEVELS, emotion (n,), sentence (n,)."""

    voices: np.ndarray
    emotion: np.ndarray
    sentence: np.ndarray


def hear_people(
    people: Sequence[Actor], folder: Path, seed: int, sentences: int, workers: int, *,
    listed: bool = False, progress: Progress | None = None,
) -> list[Path]:  # fmt: skip
    """One file for each person in `folder`: some sentences, each in every emotion."""
    jobs = [Job(a, folder / f"{a.id}.npz", seed, sentences, listed) for a in people]
    return make_missing(_hear, jobs, workers, progress)


def read_heard(path: Path) -> Heard:
    """What a file of `hear_people` holds."""
    with np.load(path, allow_pickle=False) as file:
        return Heard(**{name: file[name] for name in ("voices", "emotion", "sentence")})


def drawn_voice(actor: Actor, rng: np.random.Generator) -> tuple[str, Timbre]:
    """A source and a timbre for somebody of this gender and age."""
    sources = SOURCES[actor.gender]
    source, formants = sources[int(rng.integers(len(sources)))]
    drawn = {name: float(rng.uniform(*ends)) for name, ends in SPREAD.items()}
    f0 = mean_f0(actor.gender, actor.age) * 2 ** (drawn["pitch"] / 12)
    usual = voice_for(actor.id, actor.gender, actor.age).timbre
    return source, Timbre(
        f0=float(f0 / table()["sources"][source]["f0"]),
        formants=formants * (1 + drawn["formants"]),
        rate=float(np.clip(usual.rate * drawn["rate"], 0.7, 1.2)),
        range=drawn["range"],
        tilt=drawn["tilt"],
    )


def _hear(job: Job) -> None:
    rng = np.random.default_rng([job.seed, job.actor.seed])
    codes = sorted(SENTENCES)
    chosen = rng.permutation(len(codes))[: job.sentences]
    source, timbre = ("", None) if job.listed else drawn_voice(job.actor, rng)
    settings, waves, labels = MelSettings(), [], []
    for sentence in chosen:
        if timbre is None:
            neutral = load_speech(job.actor.id, codes[sentence])
        else:
            neutral = in_timbre(load_recording(source, codes[sentence]), timbre, job.actor.id)
        for number, emotion in enumerate(EMOTIONS):
            speech = neutral if emotion == "neutral" else with_emotion(neutral, emotion)
            waves.append(fit(_heard(speech, rng), speech.rate, settings))
            labels.append((number, sentence))
    spectrograms = mel_spectrogram(torch.from_numpy(np.stack(waves)), settings)[:, 0].numpy()
    emotion, sentence = np.array(labels).T
    write_shard(
        job.path,
        voices=np.rint(spectrograms * LEVELS).astype(np.uint8),
        emotion=emotion.astype(np.int8),
        sentence=sentence.astype(np.int16),
    )


def _heard(speech: Speech, rng: np.random.Generator) -> np.ndarray:
    """The sound with faint noise below it, as recordings have, so that silence is not a marker."""
    samples = np.asarray(speech.samples, float)
    level = 10 ** (rng.uniform(-75, -55) / 20)
    return samples + level * rng.standard_normal(len(samples))
