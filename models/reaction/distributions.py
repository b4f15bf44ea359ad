"""Distributions of appropriate reactions: Z of eq. 3, and how far two are apart (eq. 14)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from models.reaction.base import noise


def normal_divergence(
    mean: Tensor, log_var: Tensor, other: Tensor, other_log_var: Tensor
) -> Tensor:
    """KL(N(mean, exp log_var) || N(other, exp other_log_var)) of each number; same shape."""
    ratio = (log_var - other_log_var).exp()
    away = (mean - other).square() / other_log_var.exp()
    return 0.5 * (ratio + away - 1 - (log_var - other_log_var))


@dataclass(frozen=True)
class ClipNormal:
    """One vector for a whole clip, normally distributed (Trans-VAE).

    mean, log_var: (N, d_g).
    """

    mean: Tensor
    log_var: Tensor

    def divergence(self, other: ClipNormal) -> Tensor:
        """KL(self || other), summed over the vector, averaged over speakers."""
        each = normal_divergence(self.mean, self.log_var, other.mean, other.log_var)
        return each.sum(1).mean()

    def prior(self) -> Tensor:
        """KL(self || N(0, 1)), averaged over speakers and numbers, as published."""
        nothing = torch.zeros_like(self.mean)
        return normal_divergence(self.mean, self.log_var, nothing, nothing).mean()

    def sample(self, count: int, generators: Sequence[torch.Generator]) -> Tensor:
        """Samples (N, count, 1, d_g), with gradients to mean and log_var."""
        drawn = noise(generators, len(self.mean), count, self.mean.shape[1:])
        drawn = drawn.to(self.mean)
        each = self.mean[:, None] + (0.5 * self.log_var).exp()[:, None] * drawn
        return each[:, :, None]


@dataclass(frozen=True)
class Manners:
    """How listeners to a speaker differ: by numbers, standard normal, that each of them has.

    Attributes:
        moved: (N, T, d_g, styles + changes), where each frame goes with each number.
        styles: how many of the numbers stay the same over a clip; the others change.
        pace: standard deviation (frames) of the Gaussian that makes these change slowly.
        temperature: factor on the numbers; below 1: nearer to the usual listener.
    """

    moved: Tensor
    styles: int
    pace: float
    temperature: float = 1.0

    @property
    def many(self) -> int:
        """Numbers of a listener."""
        return self.moved.shape[3]

    def away(self, drawn: Tensor, side: int) -> Tensor:
        """How far from the mean (N, count, T, d_g) the listeners are who drew these numbers.

        drawn: (N, count, 1 + T + 2 side, styles + changes); styles are in the first row.
        """
        frames = self.moved.shape[1]
        style = drawn[:, :, :1, : self.styles].expand(-1, -1, frames, -1)
        changing = _smoothed(drawn[:, :, 1:, self.styles :], self.pace, side)
        listener = self.temperature * torch.cat([style, changing], 3)
        return torch.einsum("ntdq,nktq->nktd", self.moved, listener)


@dataclass(frozen=True)
class FrameNormal:
    """A vector for each frame, with one standard deviation for all of them (REGNN).

    mean: (N, T, d_g); spread: standard deviation; smooth: standard deviation (frames) of the
    Gaussian that the noise is smoothed with, so that neighbouring frames get nearly the same; its
    size stays. manners: how listeners differ beside that; given a listener, Z is normal as without.
    """

    mean: Tensor
    spread: float
    smooth: float = 0.0
    manners: Manners | None = None

    def divergence(self, other: FrameNormal) -> Tensor:
        """KL(self || other) of each frame, summed over its vector, averaged over all.

        With manners: of the same listener in both, averaged over listeners.
        """
        mine, others = (
            torch.full_like(self.mean, 2 * math.log(spread))
            for spread in (self.spread, other.spread)
        )
        each = normal_divergence(self.mean, mine, other.mean, others).sum(2)
        if self.manners is not None and other.manners is not None:
            apart = self.manners.moved - other.manners.moved
            each = each + 0.5 * apart.square().sum((2, 3)) / other.spread**2
        return each.mean()

    def sample(self, count: int, generators: Sequence[torch.Generator]) -> Tensor:
        """Samples (N, count, T, d_g), with gradients to mean and manners."""
        n, frames, width = self.mean.shape
        own = round(3 * self.smooth)
        if self.manners is None:
            drawn = noise(generators, n, count, (frames + 2 * own, width)).to(self.mean)
            return self.mean[:, None] + self.spread * _smoothed(drawn, self.smooth, own)
        side = max(own, round(3 * self.manners.pace))
        shape = (1 + frames + 2 * side, self.manners.many + width)
        drawn = noise(generators, n, count, shape).to(self.mean)
        of_listener, rest = drawn.split([self.manners.many, width], 3)
        rest = rest[:, :, 1 + side - own : 1 + side + frames + own]
        around = self.spread * _smoothed(rest, self.smooth, own)
        return self.mean[:, None] + self.manners.away(of_listener, side) + around


def _smoothed(drawn: Tensor, smooth: float, side: int) -> Tensor:
    """Noise (N, count, T + 2 side, d) as smooth noise (N, count, T, d) of the same variance."""
    if not side or not drawn.shape[3]:
        return drawn[:, :, side : drawn.shape[2] - side]
    at = torch.arange(-side, side + 1, device=drawn.device)
    kernel = torch.exp(-0.5 * (at / smooth) ** 2)
    kernel = (kernel / kernel.square().sum().sqrt()).to(drawn)
    series = drawn.movedim(2, 3).flatten(0, 2)[:, None]  # (N * count * d, 1, T + 2 side)
    n, count, _, width = drawn.shape
    return F.conv1d(series, kernel[None, None])[:, 0].unflatten(0, (n, count, width)).movedim(3, 2)


def categorical_divergence(logits: Tensor, other: Tensor) -> Tensor:
    """KL of categorical distributions (…, C) given by their logits; (…)."""
    log_p, log_q = logits.log_softmax(-1), other.log_softmax(-1)
    return (log_p.exp() * (log_p - log_q)).sum(-1)


def drawn_category(logits: Tensor, chance: Tensor, top_k: int, temperature: float) -> Tensor:
    """The category (…) of logits (…, C) that a number in [0, 1), chance (…), picks.

    Only the top_k most probable are picked from. Each number picks for itself: no draw depends on
    another.
    """
    logits = logits / temperature
    if top_k < logits.shape[-1]:
        least = logits.topk(top_k, -1).values[..., -1:]
        logits = logits.masked_fill(logits < least, -torch.inf)
    shares = logits.double().softmax(-1)
    sums, chance = shares.cumsum(-1), chance[..., None].double().contiguous()
    picked = torch.searchsorted(sums, chance, right=True)[..., 0]
    # the last sum may end a rounding below 1, and what cannot be picked adds nothing to it
    last = shares.shape[-1] - 1 - (shares.flip(-1) > 0).float().argmax(-1)
    return torch.minimum(picked, last)
