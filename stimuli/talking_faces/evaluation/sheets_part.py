"""Contact sheets: every fifth frame, real above generated, and one face in all emotions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from models.talking_face.network import TalkingFace
from models.talking_face.settings import EMOTIONS
from stimuli.contact_sheet import sheet
from stimuli.context_faces.evaluation.part import Block, Figure, Part
from stimuli.media import encode_png
from stimuli.talking_faces.evaluation.films import Take, read_film
from stimuli.talking_faces.evaluation.measuring import speak
from stimuli.talking_faces.evaluation.synchrony import FPS

EVERY = 5  # frames
FACES = 2  # that are shown in all emotions
CREDIT = "synthetic faces made with mien"


def sheets_part(network: TalkingFace, films: Mapping[Take, Path]) -> Part:
    """Twelve clips, and one or two faces that say one sentence in every emotion."""
    chosen = twelve(list(films))
    blocks: list[Block] = [
        "Look at them: is it the same person throughout, is it the right emotion, does the mouth "
        "follow the voice, is anything torn or blurred?",
        Figure(
            "twelve_videos",
            f"{len(chosen)} clips, each real and below it generated: every {EVERY}th frame "
            f"(frame numbers above, {FPS} a second). Face and voice show the emotions on the left.",
            _png(_beside(network, {take: films[take] for take in chosen})),
            "Two rows of small pictures for each clip: the real and the generated video.",
        ),
    ]
    for number, take in enumerate(_faces(chosen), 1):
        blocks.append(
            Figure(
                f"all_emotions_{number}",
                f"As figure 3 of the paper: actor {take.actor} says one sentence (emotion of the "
                f"voice: {take.voice}); only the emotion that the network is told differs.",
                _png(_all_emotions(network, take, films[take])),
                "A row of small pictures for each of six emotions.",
            )
        )
    return Part("What it looks like", blocks)


def twelve(takes: Sequence[Take]) -> list[Take]:
    """For each emotion a clip with its own voice and one with another, of as many actors."""
    chosen: list[Take] = []
    for emotion in EMOTIONS:
        for matched in (True, False):
            of = [t for t in takes if t.emotion == emotion and t.matched == matched]
            people = {take.actor for take in chosen}
            of.sort(key=lambda take: take.actor in people)  # who is not there yet comes first
            chosen += of[:1]
    return chosen


def _faces(takes: Sequence[Take]) -> list[Take]:
    people: dict[str, Take] = {}
    for take in sorted(takes, key=lambda take: take.voice != "neutral"):
        people.setdefault(take.actor, take)
    return list(people.values())[:FACES]


def _beside(network: TalkingFace, films: Mapping[Take, Path]) -> Image.Image:
    pictures: dict[tuple[str, str], np.ndarray] = {}
    for take, path in films.items():
        film = read_film(path)
        made = speak(network, film, take.name, [take.emotion])[0]
        name = f"{take.actor} {take.emotion}, {take.voice} voice"
        pictures |= _row(name, film.frames) | _row(f"{name}: generated", made)
    return sheet(pictures, _numbers(pictures))


def _all_emotions(network: TalkingFace, take: Take, path: Path) -> Image.Image:
    videos = speak(network, read_film(path), take.name, EMOTIONS)
    pictures: dict[tuple[str, str], np.ndarray] = {}
    for emotion, video in zip(EMOTIONS, videos, strict=True):
        pictures |= _row(emotion, video)
    return sheet(pictures, _numbers(pictures))


def _row(name: str, video: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
    return {(name, str(t)): video[t] for t in range(0, len(video), EVERY)}


def _numbers(pictures: Mapping[tuple[str, str], np.ndarray]) -> list[str]:
    return sorted({column for _, column in pictures}, key=int)


def _png(page: Image.Image) -> bytes:
    return encode_png(np.asarray(page), CREDIT)
