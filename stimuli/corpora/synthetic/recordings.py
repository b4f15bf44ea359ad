"""The recordings of a corpus, one by one: what each is called, and what it shows.

A clip is called ACTOR_SENTENCE_EMOTION_STRENGTH_TAKE ("07_kids_angry_m100_t1"), a picture
ACTOR_EMOTION_STRENGTH_TAKE or ACTOR_plane_NUMBER; strengths in per cent. Names, and with the seed
everything else about a recording, do not depend on what else is recorded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from stimuli.corpora.synthetic.request import Request
from stimuli.seeds import generator_of

PLANE_DECIMALS = 4  # of valence and arousal, in the picture as in the table
CLIPS, PICTURES = "clips", "pictures"  # folders


@dataclass(frozen=True)
class Recording:
    """One clip or picture: who does what."""

    name: str
    actor: str
    take: int
    emotion: str | None = None
    m: float = 0.0
    sentence: str | None = None
    valence: float | None = None
    arousal: float | None = None

    @property
    def stem(self) -> str:
        """Where its files lie below the corpus, without the ending."""
        return f"{PICTURES if self.sentence is None else CLIPS}/{self.actor}/{self.name}"


def recordings(request: Request) -> list[Recording]:
    """All recordings of a corpus, actor by actor."""
    return [one for actor in request.actors for one in _of(actor, request)]


def _of(actor: str, request: Request) -> Iterator[Recording]:
    for number in range(1, request.plane + 1):
        yield _at_a_point(actor, number, request.seed)
    for sentence in request.sentences or (None,):
        for emotion in request.emotions:
            for m in (0.0,) if emotion == "neutral" else request.levels:
                # nothing of a neutral picture would differ between takes
                takes = 1 if m == 0 and sentence is None else request.takes
                for take in range(1, takes + 1):
                    said = emotion.replace(" ", "-")
                    parts = [actor, sentence, said, f"m{round(100 * m):03}", f"t{take}"]
                    name = "_".join(part for part in parts if part)
                    yield Recording(name, actor, take, emotion, m, sentence)


def _at_a_point(actor: str, number: int, seed: int) -> Recording:
    """A picture at a point drawn evenly from the square."""
    name = f"{actor}_plane_{number:05}"
    point = generator_of(seed, f"point of {name}").uniform(-1, 1, 2).round(PLANE_DECIMALS)
    return Recording(name, actor, 1, valence=float(point[0]), arousal=float(point[1]))
