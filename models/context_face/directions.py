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
        actor, emotion = labels.actor[rows], labels.emotion[rows]
        still = ~labels.speaking[rows]
        neutral = still & (emotion == _index(emotions)) & (labels.m[rows] >= 0.999)
        own = {int(a): np.flatnonzero(still & (actor == a)) for a in np.unique(actor)}
        bare = {int(a): np.flatnonzero(neutral & (actor == a)) for a in np.unique(actor)}
        has_neutral = np.isin(actor, actor[neutral])
        self.known = torch.from_numpy(still & has_neutral)
        self.own, self.neutral = _table(own, actor), _table(bare, actor)
        self.shown = torch.zeros(len(rows), len(emotions))
        self.shown[torch.arange(len(rows)), torch.from_numpy(emotion.astype(np.int64))] = (
            torch.from_numpy(labels.m[rows])
        )
        if NEUTRAL in emotions:
            self.shown[:, emotions.index(NEUTRAL)] = 0

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


def _table(rows_of: dict[int, np.ndarray], actor: np.ndarray) -> _Table:
    counts = np.array([len(rows) for rows in rows_of.values()])
    starts = dict(zip(rows_of, np.cumsum(counts) - counts, strict=True))
    return _Table(
        torch.from_numpy(np.concatenate([*rows_of.values(), [0]])),  # who has no rows points at 0
        torch.tensor([int(starts[int(a)]) for a in actor]),
        torch.tensor([len(rows_of[int(a)]) for a in actor]),
    )


def _one_of(table: _Table, picked: Tensor, chance: Tensor) -> Tensor:
    return table.values[table.start[picked] + (chance * table.count[picked]).long()]


def _index(emotions: tuple[str, ...]) -> int:
    return emotions.index(NEUTRAL) if NEUTRAL in emotions else -1
