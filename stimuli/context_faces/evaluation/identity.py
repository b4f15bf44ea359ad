"""Whether a shifted face is still the same person, by descriptors of the identity network."""

from __future__ import annotations

import numpy as np

from stimuli.context_faces.evaluation.resampling import interval


def kept(name: str, shown: np.ndarray, neutral: np.ndarray) -> dict[str, object]:
    """How well pictures lead back to who is shown; one row of a table.

    shown: (A, K, 128), K pictures of each actor; neutral: (A, 128), their neutral faces.

    `nearest`: the share of pictures that are nearer to their own actor's neutral face than to any
    other's, with `low` and `high` at 95 % over actors; `pairs`: the share of pictures and other
    actors of which the other's is further than the own; `auc`: the share of all own and all foreign
    distances in which the own is less, whoever's they are; `own`, `others`: median distances,
    SAME_PERSON of `stimuli.faces.identity` being 0.6.
    """
    far = np.linalg.norm(shown[:, :, None] - neutral[None, None], axis=-1)  # (A, K, A)
    actors = np.arange(len(neutral))
    own = far[actors, :, actors]  # (A, K)
    foreign = np.where(np.eye(len(neutral), dtype=bool)[:, None, :], np.inf, far)
    others = foreign[np.isfinite(foreign)]
    nearest = own < foreign.min(-1)
    low, high = interval(nearest.mean(1))
    return {
        "pictures of": name, "pictures": nearest.size, "nearest": nearest.mean(),
        "low": float(low), "high": float(high),
        "pairs": ((own[..., None] < foreign).sum() - own.size) / others.size,  # inf is no other
        "auc": auc(own.ravel(), others),
        "own": np.median(own), "others": np.median(others),
    }  # fmt: skip


def auc(own: np.ndarray, others: np.ndarray) -> float:
    """Chance that a distance of `own` is less than one of `others`, ties half (Mann-Whitney)."""
    ordered = np.sort(others)
    below = np.searchsorted(ordered, own, "left")
    upto = np.searchsorted(ordered, own, "right")
    return float(1 - (below + upto).mean() / (2 * len(ordered)))
