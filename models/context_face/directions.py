"""Expressions as directions: an addition of mien to stage 1 (visual analogies, Reed 2015).

A picture's latent plus a vector of the emotion, the same for everybody, must decode to the same
person's picture with that emotion; m times the vector, to its strength m. Then one shift serves
all faces. CAN needs that: its logits have rank one (`attention`), so that of a face only one curve,
which all dimensions share, decides what is added. Latents that learned to reconstruct alone move
by another vector for each person (cosine .7 to their mean), and CAN blurs that into a weak shift.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from models.context_face.data import Labels

NEUTRAL = "neutral"  # has no direction: all others start from it


class Directions(nn.Module):
    """A vector of d dimensions for each emotion; that of the neutral face has no say."""

    def __init__(self, emotions: int, latent: int) -> None:
        super().__init__()
        self.vectors = nn.Parameter(torch.zeros(emotions, latent))

    def forward(self, strength: Tensor) -> Tensor:
        """Moves (n, d) by strengths (n, emotions)."""
        return strength @ self.vectors


class Origins(NamedTuple):
    """What pictures of a batch are made from: other pictures of the same people.

    row (n,): the picture to be encoded; strength (n, emotions): how far its latent is moved.
    """

    row: Tensor
    strength: Tensor


class Relatives:
    """Which of N pictures show the same person, and what each shows."""

    def __init__(self, labels: Labels, rows: np.ndarray, emotions: tuple[str, ...]) -> None:
        """rows: the pictures that are trained from, in their order; others are no relatives.

        Speaking mouths, and people without a neutral picture, are left out.
        """
        _, person = np.unique(labels.actor[rows], return_inverse=True)
        emotion = torch.from_numpy(labels.emotion[rows].astype(np.int64))
        base = emotions.index(NEUTRAL) if NEUTRAL in emotions else -1
        still = ~labels.speaking[rows]
        neutral = still & (emotion.numpy() == base) & (labels.m[rows] >= 0.999)
        self.own, self.neutral = _table(person, still), _table(person, neutral)
        self.known = torch.from_numpy(still) & (self.neutral.count > 0)
        self.shown = torch.zeros(len(rows), len(emotions))
        self.shown[torch.arange(len(rows)), emotion] = torch.from_numpy(labels.m[rows])
        if base >= 0:
            self.shown[:, base] = 0

    @property
    def pairs(self) -> Tensor:
        """Rows of people who are there neutral, and in another picture as well."""
        return torch.nonzero(self.known & (self.own.count > 1))[:, 0]

    def origins(self, picked: Tensor, share: float, chances: Tensor) -> Origins:
        """Where pictures `picked` (n,) come from; chances (n, 3) in [0, 1).

        A `share` of those that are known comes from another picture of the person, half of them
        from a neutral one; all others come from themselves.
        """
        others = torch.where(
            chances[:, 1] < 0.5,
            _one_of(self.neutral, picked, chances[:, 2]), _one_of(self.own, picked, chances[:, 2]),
        )  # fmt: skip
        moved = self.known[picked] & (chances[:, 0] < share)
        row = torch.where(moved, others, picked)
        return Origins(row, self.shown[picked] - self.shown[row])


class _Table(NamedTuple):
    """Rows of each picture's person: values[start : start + count]."""

    values: Tensor
    start: Tensor  # (N,)
    count: Tensor  # (N,)


def _table(person: np.ndarray, which: np.ndarray) -> _Table:
    """Of rows that are `which` (N,) bool, by the number of their person (N,)."""
    rows = np.flatnonzero(which)
    count = np.bincount(person[rows], minlength=person.max() + 1)
    values = rows[np.argsort(person[rows], kind="stable")]
    start = np.cumsum(count) - count
    return _Table(
        torch.from_numpy(np.append(values, 0)),  # people of no rows point somewhere
        torch.from_numpy(start[person]), torch.from_numpy(count[person]),
    )  # fmt: skip


def _one_of(table: _Table, picked: Tensor, chance: Tensor) -> Tensor:
    return table.values[table.start[picked] + (chance * table.count[picked]).long()]
