"""Losses of Eskimez et al. 2021, section III-D; every one is a mean over the batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Shares:
    """Weights of eq. 1, and of the gradient penalty (section IV-B)."""

    mouth: float = 100.0  # alpha
    perceptual: float = 1.0  # beta
    frame: float = 0.01  # gamma
    emotion: float = 0.001  # delta
    penalty: float = 10.0


def mouth_mask(centre: Tensor, size: int, spread: float = 9.0, floor: float = 0.01) -> Tensor:
    """Weights (..., size, size) that are highest at the mouth.

    A Gaussian with its peak, 1, at the mean of the mouth's landmarks, over a floor. The paper
    gives neither its width nor a floor; both are those of its published code.

    Args:
        centre: (..., 2), x and y in pixels.
        size: pixels a side.
        spread: standard deviation in pixels of a picture of 128; in proportion for others.
        floor: weight of everything else.
    """
    at = torch.arange(size, device=centre.device) + 0.5
    x = (at - centre[..., :1]) ** 2  # (..., size)
    y = (at - centre[..., 1:]) ** 2
    scaled = spread * size / 128
    return floor + torch.exp(-(y[..., :, None] + x[..., None, :]) / (2 * scaled**2))


def mouth_loss(made: Tensor, true: Tensor, mask: Tensor) -> Tensor:
    """Mouth region mask: weighted L1 of videos (N, T, 3, S, S); mask (N, T, S, S)."""
    return ((made - true).abs() * mask[:, :, None]).mean()


def perceptual_loss(
    made: Tensor, true: Tensor, features: Callable[[Tensor], Sequence[Tensor]]
) -> Tensor:
    """Mean squared differences of a network's features, summed over its layers.

    made, true (N, T, 3, S, S); features: of pictures (M, 3, S, S). Nothing flows into `true`.
    """
    with torch.no_grad():
        wanted = features(true.flatten(0, 1))
    found = features(made.flatten(0, 1))
    return torch.stack([F.mse_loss(f, w) for f, w in zip(found, wanted, strict=True)]).sum()


def critic_loss(real: Tensor, made: Tensor) -> Tensor:
    """What the frame critic descends (Gulrajani 2017, eq. 3, without penalty)."""
    return made.mean() - real.mean()


def gradient_penalty(
    critic: Callable[[Tensor], Tensor], real: Tensor, made: Tensor, between: Tensor
) -> Tensor:
    """How far the slope of a critic is from 1 between real and made frames (Gulrajani 2017).

    real, made (N, T, 3, S, S); between (N, T) in [0, 1): where on the line from made to real.
    """
    share = between[..., None, None, None]
    at = (share * real + (1 - share) * made).detach().requires_grad_()
    (slope,) = torch.autograd.grad(critic(at).sum(), at, create_graph=True)
    return ((slope.flatten(2).norm(dim=2) - 1) ** 2).mean()


def frame_loss(made: Tensor) -> Tensor:
    """J_FD: what the generator descends, from the frame critic's verdicts (N, T)."""
    return -made.mean()


def emotion_loss(logits: Tensor, emotion: Tensor) -> Tensor:
    """J_ED: cross-entropy of logits (N, classes) with the emotion that was asked for (N,)."""
    return F.cross_entropy(logits, emotion)


def emotion_critic_loss(real: Tensor, emotion: Tensor, made: Tensor) -> Tensor:
    """What the emotion critic descends: real videos' emotion, and `generated` for made ones.

    real, made: logits (N, emotions + 1); emotion (N,) of the real ones.
    """
    fake = torch.full_like(emotion, real.shape[1] - 1)
    return (F.cross_entropy(real, emotion) + F.cross_entropy(made, fake)) / 2
