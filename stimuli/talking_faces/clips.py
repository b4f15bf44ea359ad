"""Talking clips for the networks: each person of a crowd says sentences, voice and face apart.

The emotion of a face is dealt out, that of its voice is drawn independently, so that a network
cannot read the one from the other. A clip begins with the neutral face in silence, as those of the
synthetic corpus do; blinks and movements of the head, which nothing that a network is told could
explain, are left out. Of each clip the sound is kept whole, and FRAMES pictures spread evenly.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from models.talking_face.settings import EMOTIONS
from protocols.sentences import SENTENCES
from stimuli.actors import camera, facs
from stimuli.actors.cast import Actor
from stimuli.actors.clip import clip
from stimuli.actors.portrait import Studio
from stimuli.actors.rig import load_rig
from stimuli.context_faces.faces import DRAWN
from stimuli.context_faces.shards import Progress, make_missing, write_shard
from stimuli.context_faces.voices import drawn_voice
from stimuli.corpora.arrays.crop import cut, eyes_to
from stimuli.corpora.arrays.settings import ArraySettings
from stimuli.corpora.synthetic.acting import LEAD_IN, after_silence, rise
from stimuli.pieces import highest, resampled
from stimuli.voices.library import load_speech
from stimuli.voices.prosody import Delivery, with_emotion
from stimuli.voices.recordings import load_recording
from stimuli.voices.speech import Speech
from stimuli.voices.talking import LIPS, combine, frame_count, lip_gap
from stimuli.voices.timbre import in_timbre

RATE = 8_000  # hertz, of the networks' sound
FRAMES = 12  # pictures kept of a clip
FULL = 0.7  # share of the clips whose face shows all of its emotion
WEAKER = (0.2, 1.0)  # range of m of the others


@dataclass(frozen=True)
class Job:
    """One person to be filmed in `clips` clips; listed: an actor of the cast, who has a voice."""

    actor: Actor
    path: Path
    seed: int
    clips: int
    listed: bool


@dataclass(frozen=True)
class Filmed:
    """The clips of one person.

    Attributes:
        neutral: (S, S, 3) uint8, frame 0 of every clip.
        frames: (n, FRAMES, S, S, 3) uint8.
        number: (n, FRAMES) int16, which frames of the clip these are, 25 a second.
        mouth: (n, FRAMES, 2) float32, middle of the lips, x and y in pixels.
        gap: (n, FRAMES) float32, mm between the lips.
        sound: (samples,) float32 at RATE of all clips, one after the other.
        ends: (n,) int64, where each clip's sound ends.
        emotion, voice: (n,) int8, of face and of voice, rows of EMOTIONS.
        m: (n,) float32, strength of the face's emotion.
    """

    neutral: np.ndarray
    frames: np.ndarray
    number: np.ndarray
    mouth: np.ndarray
    gap: np.ndarray
    sound: np.ndarray
    ends: np.ndarray
    emotion: np.ndarray
    voice: np.ndarray
    m: np.ndarray


def film_people(
    people: Sequence[Actor], folder: Path, seed: int, clips: int, workers: int, *,
    listed: bool = False, progress: Progress | None = None,
) -> list[Path]:  # fmt: skip
    """One shard for each person in `folder`; those that are there stay."""
    jobs = [Job(a, folder / f"{a.id}.npz", seed, clips, listed) for a in people]
    return make_missing(_film, jobs, workers, progress)


def read_filmed(path: Path) -> Filmed:
    """What a shard holds."""
    with np.load(path, allow_pickle=False) as file:
        return Filmed(**{f.name: file[f.name] for f in fields(Filmed)})


def for_networks(samples: np.ndarray, rate: int) -> np.ndarray:
    """A sound (N,) as the networks hear it: (M,) float32 at RATE, its largest sample 1."""
    sound = resampled(np.asarray(samples), rate, RATE, np.empty(-(-len(samples) * RATE // rate)))
    sound /= max(highest(sound), 1e-4)
    return sound.astype(np.float32)


def _film(job: Job) -> None:
    rng = np.random.default_rng([job.seed, job.actor.seed])
    dealt = [EMOTIONS[i] for i in rng.permutation(len(EMOTIONS))][: job.clips]
    said = _sentences(job, rng)
    settings, parts = ArraySettings(), []
    place = eyes_to(np.array(sorted(camera.eye_pixels(DRAWN))), settings.eyes)
    with tempfile.TemporaryDirectory() as cache:  # nobody draws this person again
        studio = Studio(size=DRAWN, supersample=2, cache_dir=Path(cache))
        for emotion, (voice, speech) in zip(dealt, said, strict=True):
            m = 1.0 if rng.random() < FULL else float(rng.uniform(*WEAKER))
            count = frame_count(speech.duration)
            expression = m * rise(emotion, count)[:, None] * facs.weights(emotion, 1.0)
            weights = combine(job.actor, speech, expression).astype(np.float32)
            number = spread(count, FRAMES, rng)
            drawn = clip(job.actor, weights[[0, *number]], studio, workers=1)
            pictures = [cut(picture, place, settings.size)[0] for picture in drawn]
            kept = weights[number]
            sound = for_networks(speech.samples, speech.rate)
            parts.append({
                "neutral": pictures[0], "frames": np.stack(pictures[1:]), "number": number,
                "mouth": place(mouth_pixels(job.actor, kept, DRAWN)), "sound": sound,
                "gap": kept @ lip_gap(job.actor),
                "emotion": EMOTIONS.index(emotion), "voice": EMOTIONS.index(voice), "m": m,
            })  # fmt: skip
    joined = {name: np.stack([part[name] for part in parts])
              for name in parts[0] if name not in ("neutral", "sound")}  # fmt: skip
    types = {"number": np.int16, "mouth": np.float32, "gap": np.float32, "emotion": np.int8,
             "voice": np.int8, "m": np.float32}  # fmt: skip
    write_shard(
        job.path,
        neutral=parts[0]["neutral"],
        sound=np.concatenate([part["sound"] for part in parts]),
        ends=np.cumsum([len(part["sound"]) for part in parts]),
        **{name: values.astype(types.get(name, values.dtype)) for name, values in joined.items()},
    )


def spread(count: int, kept: int, rng: np.random.Generator) -> np.ndarray:
    """Which `kept` of `count` frames are kept: evenly spread, from one drawn by chance on."""
    step = max(1, (count - 1) // kept)
    first = 1 + int(rng.integers(max(1, count - 1 - step * (kept - 1))))
    return np.minimum(first + step * np.arange(kept), count - 1)


def _sentences(job: Job, rng: np.random.Generator) -> list[tuple[str, Speech]]:
    """Emotion and speech of each clip's voice."""
    codes = sorted(SENTENCES)
    chosen = [codes[i] for i in rng.permutation(len(codes))[: job.clips]]
    source, timbre = ("", None) if job.listed else drawn_voice(job.actor, rng)
    said = []
    for code in chosen:
        if timbre is None:
            neutral = load_speech(job.actor.id, code)
        else:
            neutral = in_timbre(load_recording(source, code), timbre, job.actor.id)
        voice = EMOTIONS[int(rng.integers(len(EMOTIONS)))]
        delivery = Delivery(seed=int(rng.integers(2**31)))
        said.append((voice, after_silence(with_emotion(neutral, voice, 1.0, delivery), LEAD_IN)))
    return said


def mouth_pixels(actor: Actor, weights: np.ndarray, size: int) -> np.ndarray:
    """Middle of the lips (T, 2) in a portrait of `size` pixels, for action weights (T, 52)."""
    rig = load_rig(actor.id, actor.folder / "rigs")
    points = list(LIPS)
    moved = rig.base[points] + np.einsum("ta,aps->tps", weights, rig.deltas[:, points])
    turn, origin = camera.alignment(rig.eye_centres())
    return camera.project(camera.to_studio(moved.mean(1), turn, origin), size)[:, :2]
