"""Reactions that need no model: what numbers mean beside them.

Names as in REACT 2024, but truth is never compared with itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from stimuli.reactions.evaluation.held_out import Dyads

SEED = 2024  # of other speakers' listeners
TRUTH, OTHER, MIME, FACE, COURSE = (
    "true listeners", "listeners to another speaker", "mime: the speaker's own face",
    "mean face", "mean course",
)  # fmt: skip


class Baseline(NamedTuple):
    """Reactions (C, S, T, 25), and which truths each is compared with; None: all."""

    name: str
    reactions: np.ndarray
    allowed: list[np.ndarray] | None = None


def baselines(dyads: Dyads, samples: int) -> Iterator[Baseline]:
    """All of them; true listeners only where each clip has two or more."""
    if all(len(of) > 1 for of in dyads.truths):
        allowed = [np.arange(len(of)) != _dealt(of, samples)[:, None] for of in dyads.truths]
        yield Baseline(TRUTH, _chosen(dyads.truths, samples), allowed)
    if len(np.unique(dyads.speaker)) > 1:
        rng = np.random.default_rng(SEED)
        others = [rng.choice(np.flatnonzero(dyads.speaker != who)) for who in dyads.speaker]
        yield Baseline(OTHER, _chosen([dyads.truths[other] for other in others], samples))
    yield Baseline(MIME, np.repeat(dyads.face[:, None], samples, 1))
    course = np.broadcast_to(dyads.mean_course, dyads.face.shape)
    yield Baseline(COURSE, np.repeat(course[:, None], samples, 1))
    still = np.broadcast_to(dyads.mean_face, dyads.face.shape)
    yield Baseline(FACE, np.repeat(still[:, None], samples, 1))


def _chosen(truths: Sequence[np.ndarray], samples: int) -> np.ndarray:
    """So many of each clip's truths, in turn."""
    return np.stack([of[_dealt(of, samples)] for of in truths])


def _dealt(truths: np.ndarray, samples: int) -> np.ndarray:
    return np.arange(samples) % len(truths)
