"""A speaker as a listener, and a network that listens, have them in front: voice, face, or both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from models.reaction.attributes import RATE
from stimuli.actor_voices import FRAME, PLAYED_RATE
from stimuli.corpora.arrays.sound import to_rate
from stimuli.headroom import with_headroom
from stimuli.reactions.speaking import Phrase

DIGITS = 3  # of seconds in messages and sidecars


@dataclass(frozen=True, eq=False)
class Partner:
    """A speaker of T frames, 25 a second.

    Attributes:
        frames: T.
        sound: mono samples (n,) float32 in [-1, 1] and their rate in hertz, of T frames or a little
            less; None: nothing is heard.
        face: (T, 25) attributes, 0 where the face is not seen; None: it never is.
        face_there: (T,) bool, where it is seen.
        phrases: what is said, in stretches between pauses; a listener nods at their ends.
        facts: what the sidecar says of the speaker.
        remarks: what was done to make the two fit, in words.
    """

    frames: int
    sound: tuple[np.ndarray, int] | None
    face: np.ndarray | None
    face_there: np.ndarray
    phrases: tuple[Phrase, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """Its duration."""
        return self.frames / RATE

    @property
    def played(self) -> tuple[np.ndarray, int] | None:
        """The sound as players have it: PLAYED_RATE, T whole frames, silent where it has ended."""
        if self.sound is None:
            return None
        samples, wanted = to_rate(*self.sound, PLAYED_RATE), self.frames * FRAME
        whole = np.pad(samples[:wanted], (0, max(0, wanted - len(samples))))
        return with_headroom(whole.astype(np.float32), PLAYED_RATE), PLAYED_RATE


def stretches(where: np.ndarray) -> list[tuple[float, float]]:
    """Begin and end (s) of every run of True in (T,) frames."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], where.astype(int), [0]])))
    return [(round(a / RATE, DIGITS), round(b / RATE, DIGITS)) for a, b in edges.reshape(-1, 2)]
