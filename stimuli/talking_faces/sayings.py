"""Sentences and what the mouth does while they are said, for the speech encoder to begin with.

No picture is drawn, so there can be many more voices than filmed people. Both are exact: the sound
is made from timed phones, and these move the mouth (stimuli.voices.visemes).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from models.talking_face.settings import EMOTIONS
from protocols.sentences import SENTENCES
from stimuli.actors.cast import Actor
from stimuli.context_faces.shards import Progress, make_missing, write_shard
from stimuli.context_faces.voices import drawn_voice
from stimuli.corpora.synthetic.acting import LEAD_IN, after_silence
from stimuli.talking_faces.clips import RATE, for_networks
from stimuli.voices import visemes
from stimuli.voices.prosody import Delivery, with_emotion
from stimuli.voices.recordings import load_recording
from stimuli.voices.talking import frame_count
from stimuli.voices.timbre import in_timbre

ACTIONS = (
    "jawOpen", "mouthFunnel", "mouthPucker", "mouthLowerDownLeft", "mouthUpperUpLeft",
    "mouthPressLeft", "mouthRollLower", "mouthStretchLeft", "tongueOut",
)  # what phones move; both sides alike  # fmt: skip
COLUMNS = [visemes.INDEX[name] for name in ACTIONS]


@dataclass(frozen=True)
class Job:
    """One person of a crowd, who says so many sentences."""

    actor: Actor
    path: Path
    seed: int
    sentences: int


@dataclass(frozen=True)
class Sayings:
    """What a person said.

    Attributes:
        sound: (samples,) float32 at RATE of all sentences, each in whole frames.
        mouth: (frames, ACTIONS) float32, weights of the actions, 25 a second.
        ends: (n,) int64, frame where each sentence ends.
    """

    sound: np.ndarray
    mouth: np.ndarray
    ends: np.ndarray


def hear_sayings(
    people: Sequence[Actor], folder: Path, seed: int, sentences: int, workers: int,
    progress: Progress | None = None,
) -> list[Path]:  # fmt: skip
    """One shard for each person in `folder`; those that are there stay."""
    jobs = [Job(a, folder / f"{a.id}.npz", seed, sentences) for a in people]
    return make_missing(_say, jobs, workers, progress)


def read_sayings(path: Path) -> Sayings:
    """What a shard holds."""
    with np.load(path, allow_pickle=False) as file:
        return Sayings(**{f.name: file[f.name] for f in fields(Sayings)})


def _say(job: Job) -> None:
    rng = np.random.default_rng([job.seed, job.actor.seed])
    codes = sorted(SENTENCES)
    source, timbre = drawn_voice(job.actor, rng)
    sounds, mouths = [], []
    for number in rng.permutation(len(codes))[: job.sentences]:
        neutral = in_timbre(load_recording(source, codes[number]), timbre, job.actor.id)
        emotion = EMOTIONS[int(rng.integers(len(EMOTIONS)))]
        delivery = Delivery(seed=int(rng.integers(2**31)))
        speech = after_silence(with_emotion(neutral, emotion, 1.0, delivery), LEAD_IN)
        frames = frame_count(speech.duration)
        sound = for_networks(speech.samples, speech.rate)
        hop = RATE // visemes.FPS
        sounds.append(np.pad(sound, (0, max(0, frames * hop - len(sound))))[: frames * hop])
        mouths.append(visemes.speaking(speech.phones, frames)[:, COLUMNS])
    write_shard(
        job.path,
        sound=np.concatenate(sounds),
        mouth=np.concatenate(mouths).astype(np.float32),
        ends=np.cumsum([len(mouth) for mouth in mouths]),
    )
