"""Losses of Lindt et al. 2019, section III-A; every one is a mean over the batch."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from models.valence_arousal.identity import Features


@dataclass(frozen=True)
class Shares:
    """Weights of eq. 5."""

    reconstruction: float = 1.0  # lambda 1
    identity: float = 1 / 3  # lambda 2
    latent: float = 0.01  # lambda 3
    image: float = 0.01  # lambda 4


def identity_loss(made: Tensor, true: Tensor, features: Features) -> Tensor:
    """Eq. 2: mean absolute differences of a network's maps, summed over its layers.

    made, true (N, 3, S, S) in [-1, 1]. Nothing flows into `true`. The published code divides every
    layer by its height times width once more, which leaves almost nothing; the paper does not.
    """
    with torch.no_grad():
        wanted = features(true)
    found = features(made)
    return torch.stack([F.l1_loss(f, w) for f, w in zip(found, wanted, strict=True)]).sum()


def true_loss(logits: Tensor) -> Tensor:
    """-log D: what a critic pays for true ones, and who deceives it (eq. 3 and 4) for made ones.

    Deceivers minimise -log D(made) rather than log(1 - D(made)), whose gradient is nothing as long
    as the critic is right (Goodfellow 2014, section 3).
    """
    return F.softplus(-logits).mean()


def made_loss(logits: Tensor) -> Tensor:
    """-log(1 - D): what a critic pays for made ones."""
    return F.softplus(logits).mean()
