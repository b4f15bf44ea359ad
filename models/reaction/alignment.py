"""Compensatory Modality Alignment (CMA): what a missing voice or face may have been.

A conditional variational autoencoder (Hu et al. 2024, section 3.2, after Audio2Gestures). It
learns where both are there: the encoder sees the embedding of one modality and of the other, the
condition; the decoder makes the first again from a latent z and the condition. Where a modality is
missing, z comes from N(0, I).

The paper works frame by frame; so does this, but beside each frame of the condition stands the mean
of the `around` frames about it (0.36 s by default), because a single frame of a voice says little.
z has a mean and a deviation at every frame, and one noise for the whole clip: what is made up does
not flicker.

Symbols: N speakers, T frames, d the width of an embedding, L of the latent.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LARGEST_LOG_VARIANCE = 10.0  # either way: a first step does not overflow


@dataclass(frozen=True)
class AlignmentSettings:
    """Sizes, which the paper leaves open."""

    latent: int = 8  # a voice beside its face has few ways to be: emotion, pitch, speaking or not
    hidden: int = 64
    around: int = 9  # frames of the condition whose mean is seen, an odd number

    def __post_init__(self) -> None:
        """Refuse what cannot be built."""
        if self.around < 1 or self.around % 2 == 0:
            raise ValueError(f"around {self.around}: give an odd number of frames")


class Alignment(nn.Module):
    """One CMA module: makes embeddings of one modality from the other's."""

    def __init__(self, width: int, settings: AlignmentSettings) -> None:
        super().__init__()
        self.settings = settings
        hidden, latent = settings.hidden, settings.latent
        self.nothing = nn.Parameter(torch.zeros(width))  # the condition where it is missing as well
        self.condition = nn.Linear(2 * width, hidden)
        self.seen = nn.Linear(width, hidden)
        self.posterior_layer = nn.Linear(hidden, 2 * latent)
        self.drawn = nn.Linear(latent, hidden)
        self.made = nn.Linear(hidden, width)

    def posterior(self, target: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and logarithm of the variance (N, T, L) of z: the CMA encoder (fig. 3)."""
        seen = F.gelu(self._conditioned(condition) + self.seen(target))
        mean, log_variance = self.posterior_layer(seen).float().chunk(2, -1)
        return mean, log_variance.clamp(-LARGEST_LOG_VARIANCE, LARGEST_LOG_VARIANCE)

    def decoded(self, z: Tensor, condition: Tensor) -> Tensor:
        """Embeddings û (N, T, d) of latents (N, T, L), or (N, 1, L) for all frames (eq. 6, 7)."""
        return self.made(F.gelu(self._conditioned(condition) + self.drawn(z)))

    def compensated(self, condition: Tensor, there: Tensor, noise: Tensor) -> Tensor:
        """Embeddings û (N, T, d) for a modality that is not there.

        condition (N, T, d): the other's embeddings, of which only those are used that are `there`
        (N, T); noise (N, L) standard normal: it is z, from the prior.
        """
        condition = torch.where(there[..., None], condition, self.nothing.to(condition.dtype))
        return self.decoded(noise[:, None], condition)

    def losses(self, target: Tensor, condition: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """L_align (eq. 16) and L_KL (eq. 17), each divided by T and d.

        target, condition (N, T, d); noise (N, L). Both are taken as they are, without gradients:
        embeddings that may move towards what is easy to compensate end up saying nothing.
        """
        target, condition = target.detach(), condition.detach()
        mean, log_variance = self.posterior(target, condition)
        z = mean + (0.5 * log_variance).exp() * noise[:, None]
        align = F.mse_loss(self.decoded(z, condition).float(), target.float())
        return align, prior_divergence(mean, log_variance) / target.shape[-1]

    def _conditioned(self, condition: Tensor) -> Tensor:
        """Each frame of a condition (N, T, d), and the mean around it: (N, T, hidden)."""
        around = self.settings.around
        mean = F.avg_pool1d(
            condition.mT, around, stride=1, padding=around // 2, count_include_pad=False
        ).mT
        return self.condition(torch.cat([condition, mean], -1))


def prior_divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(mean, variance) || N(0, I)) (eq. 17), summed over L, averaged over the rest."""
    each = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance)
    return each.sum(-1).mean()
