"""Everything that is measured of one clip: the real video, and those that the networks make of it.

    record = measure(film, made, judge)      # nearness, landmarks, flicker, what the judge says

A record is plain JSON, kept in a file of its own, so that an evaluation goes on where it stopped.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models.talking_face.judge import EmotionJudge, load_judge, looked_at
from models.talking_face.network import TalkingFace
from models.talking_face.settings import EMOTIONS
from models.talking_face.stored import load_model
from protocols.tables import write_whole
from stimuli.context_faces.shards import Progress, make_missing
from stimuli.seeds import seed_of
from stimuli.talking_faces.evaluation import quality
from stimuli.talking_faces.evaluation.films import SEED, Film, Take, read_film
from stimuli.talking_faces.evaluation.points import LIPS, nlmd, opening, points_of
from stimuli.talking_faces.evaluation.synchrony import envelope

VERSION = 1  # of a record
DIGITS = 6
Record = dict[str, Any]


@dataclass(frozen=True)
class Job:
    """One clip to be measured, and the file of its record."""

    take: Take
    film: Path
    weights: Path
    judge: Path
    threads: int
    path: Path


def measure_all(
    films: dict[Take, Path], weights: Path, judge: Path, folder: Path, workers: int = 1,
    progress: Progress | None = None,
) -> list[Record]:  # fmt: skip
    """Records of all clips; those that are in `folder` are not made again."""
    threads = 1 if workers > 1 else torch.get_num_threads()
    jobs = [
        Job(take, path, weights, judge, threads, folder / f"{take.name}.json")
        for take, path in films.items()
    ]
    done = make_missing(_measure, jobs, workers, progress)
    return [json.loads(path.read_text(encoding="utf-8")) for path in done]


def speak(network: TalkingFace, film: Film, name: str, emotions: Sequence[str]) -> np.ndarray:
    """Videos (E, T, S, S, 3) uint8 from a film's first frame and its sound, in E emotions.

    name: of the clip, from which the noise is drawn.
    """
    picture = torch.from_numpy(film.frames[0].copy()).permute(2, 0, 1) / 127.5 - 1
    rows = [network.settings.emotions.index(emotion) for emotion in emotions]
    weights = torch.eye(len(network.settings.emotions))[rows]
    generator = torch.Generator().manual_seed(seed_of(SEED, name))
    pieces = [
        ((piece + 1) * 127.5).round().clamp(0, 255).byte().movedim(2, -1).numpy()
        for piece in network.speak(picture, torch.from_numpy(film.sound), weights, generator)
    ]
    return np.concatenate(pieces, 1)


def measure(take: Take, film: Film, made: np.ndarray, judge: EmotionJudge) -> Record:
    """The record of a clip; made (E, T, S, S, 3) uint8, in the order of EMOTIONS."""
    n = min(len(film.frames), made.shape[1])  # a last half frame of sound may be shown or not
    real, own = film.frames[:n], made[EMOTIONS.index(take.emotion), :n]
    still = quality.repeated(real[0], n)
    size, points, of_made = real.shape[1], film.points[:n], points_of(own)
    at_rest = np.broadcast_to(points[0], points.shape)
    shown = torch.from_numpy(looked_at(n))
    videos = torch.from_numpy(np.concatenate([real[None], made[:, :n]])[:, shown])
    named = judge.named(videos.movedim(-1, 2) / 127.5 - 1).numpy()  # (1 + E, emotions)
    return {
        "clip": take.name, "actor": take.actor, "emotion": take.emotion, "voice": take.voice,
        "sentence": take.sentence, "frames": n,
        "nearness": {"generated": quality.nearness(real, own),
                     "first frame": quality.nearness(real, still)},
        "nlmd": {name: {"face": nlmd(points[1:], of[1:], size),
                        "mouth": nlmd(points[1:], of[1:], size, LIPS)}
                 for name, of in (("generated", of_made), ("first frame", at_rest))},
        "flicker": quality.flicker(real, own),
        "named": {"real": named[0].tolist(),
                  "generated": dict(zip(EMOTIONS, named[1:].tolist(), strict=True))},
        "series": {"envelope": envelope(film.sound, n).tolist(), "gap_mm": film.gap[:n].tolist(),
                   "real": opening(points, size).tolist(),
                   "generated": opening(of_made, size).tolist()},
    }  # fmt: skip


def _measure(job: Job) -> None:
    torch.set_num_threads(job.threads)
    network, judge = _networks(job.weights, job.judge)
    film = read_film(job.film)
    record = measure(job.take, film, speak(network, film, job.take.name, EMOTIONS), judge)
    text = json.dumps(_rounded(record), allow_nan=True)
    write_whole(job.path, f"{text}\n".encode())


@lru_cache(maxsize=1)
def _networks(weights: Path, judge: Path) -> tuple[TalkingFace, EmotionJudge]:
    return load_model(weights)[0], load_judge(judge)[0]


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_rounded(one) for one in value]
    return round(value, DIGITS) if isinstance(value, float) else value
