"""Speakers and listeners of whom no model has learned: the clips that are reacted to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from models.reaction.data import ReactionData, load_data
from protocols.errors import UserError
from stimuli.reactions.data import NAME, DataSettings, build

# The same people test as in the file that mien's own weights learned from; few train: only what is
# common to all reactions is taken from those.
HELD_OUT = DataSettings(speakers=(8, 1, DataSettings().speakers[2]))


@dataclass(frozen=True)
class Dyads:
    """C clips of held-out speakers and how K listeners react to each.

    Attributes:
        face: (C, T, 25), voice: (C, T, V), heard: (C, T, 10).
        truths: of each clip (K, T, 25).
        speaker: (C,) who speaks.
        mean_face: (25,) of listeners who train, over all their frames.
        mean_course: (T, 25) of them, over all their reactions.
        sha256: of the file.
    """

    face: np.ndarray
    voice: np.ndarray
    heard: np.ndarray
    truths: tuple[np.ndarray, ...]
    speaker: np.ndarray
    mean_face: np.ndarray
    mean_course: np.ndarray
    sha256: str

    def __len__(self) -> int:
        """C."""
        return len(self.speaker)

    @property
    def shown(self) -> int:
        """The clip that pictures show: the one whose speaker changes most in valence."""
        return int(self.face[..., 15].std(1).argmax())


def make_dyads(folder: Path, workers: int, progress: Callable[[int, int], None]) -> Path:
    """The synthetic file, made in `folder` unless it is there."""
    path = folder / f"held-out-{HELD_OUT.key}" / NAME
    return path if path.is_file() else build(path.parent, HELD_OUT, workers, progress)


@lru_cache(maxsize=1)
def read_dyads(path: Path, each: int | None) -> Dyads:
    """The test clips of a file, at most so many of each speaker.

    Raises:
        UserError: No such file, or none to test with.
    """
    try:
        data = load_data(path)
    except ValueError as error:
        raise UserError(f"{error}; give a file that mien train reaction made") from None
    rows = _some(data, data.where("test"), each)
    if not len(rows):
        raise UserError(f"{path}: has no clips of the part test; give a file that has")
    known = np.flatnonzero(data.part[data.of] != 2)
    known = known if len(known) else np.arange(len(data.of))
    course = np.mean([data.reactions[row] for row in known], axis=0)
    return Dyads(
        data.face[rows], data.voice[rows], data.heard[rows],
        tuple(data.reactions[data.reactions_to(int(row))] for row in rows), data.speaker[rows],
        course.mean(0), course, data.facts["sha256"],
    )  # fmt: skip


def _some(data: ReactionData, rows: np.ndarray, each: int | None) -> np.ndarray:
    """Rows of at most so many clips of each speaker."""
    if each is None:
        return rows
    return np.sort(
        np.concatenate(
            [rows[data.speaker[rows] == who][:each] for who in np.unique(data.speaker[rows])]
        )
    )
