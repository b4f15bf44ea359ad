"""What a speaker did: sound, face, what the voice expresses, and when it changed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Episode:
    """Some sentences in one emotion; onset and offset in s, strengths of face and voice 0 to 1."""

    onset_s: float  # when face or voice begins to show it
    offset_s: float  # when it ceases: with the next episode's face, or after the last word
    emotion: str
    face_m: float
    voice_m: float


@dataclass(frozen=True)
class Phrase:
    """One sentence: from its first sound to its last (s)."""

    onset_s: float
    offset_s: float
    sentence: str
    emotion: str


@dataclass(frozen=True, eq=False)
class Speaking:
    """What a speaker did. T = 25 frames a second.

    Attributes:
        samples: (n,) float32 in [-1, 1], one channel.
        rate: of the samples, hertz.
        face: (T, 25) float32, attributes of the face.
        heard: (T, 10) float32, columns AFFECT: what the voice expresses.
        episodes, phrases: in order of time.
    """

    samples: np.ndarray
    rate: int
    face: np.ndarray
    heard: np.ndarray
    episodes: tuple[Episode, ...]
    phrases: tuple[Phrase, ...]

    @property
    def frames(self) -> int:
        """T."""
        return len(self.face)
