"""Losses of Blume et al. 2024, by the number of the equation, and the terms that mien adds.

Every loss is a mean over the batch; sums run over latent dimensions.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from models.context_face.quality import WINDOW, ssim_map
from models.context_face.vae import Latent


def prior_loss(latent: Latent) -> Tensor:
    """Eq. 2: KL(q(z|x) || N(0, 1))."""
    mu, log_var = latent
    return -0.5 * (1 + log_var - mu**2 - log_var.exp()).sum(1).mean()


def reconstruction_loss(features: Tensor, features_of_input: Tensor) -> Tensor:
    """Eq. 3: mean squared difference of the discriminator's l-th feature maps."""
    return F.mse_loss(features, features_of_input)


def gan_loss(real: Tensor, reconstructed: Tensor, from_noise: Tensor) -> Tensor:
    """Eq. 4, from logits (N,): log D(x) + log(1 - D(rec)) + log(1 - D(from noise)).

    The discriminator climbs it (eq. 7); it is 0 at best and negative otherwise.
    """
    fooled = F.logsigmoid(-reconstructed) + F.logsigmoid(-from_noise)  # log(1 - D)
    return (F.logsigmoid(real) + fooled).mean()


def shift_divergence(face: Latent, moved: Latent) -> Tensor:
    """Eq. 15, second term: KL(p(z | face) || q(z | face, context))."""
    (mu, log_var), (mu_s, log_var_s) = face, moved
    ratio = (log_var - log_var_s).exp()
    far = (mu - mu_s) ** 2 * (-log_var_s).exp()
    return -0.5 * (1 + log_var - log_var_s - far - ratio).sum(1).mean()


def weighted_l1(x: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Mean absolute difference and that of the picture's slopes, weighted by place.

    An addition of mien. x, target (N, C, H, W); weight (H, W), or (N, 1, H, W), of mean 1. Without
    it brows and mouth, a few hundred pixels, are blurred away before they cost anything.
    """
    difference = ((x - target).abs() * weight).mean()
    down = (x.diff(dim=2) - target.diff(dim=2)).abs() * weight[..., 1:, :]
    across = (x.diff(dim=3) - target.diff(dim=3)).abs() * weight[..., :, 1:]
    return difference + down.mean() + across.mean()


def surroundings(difference: Tensor) -> Tensor:
    """How far pictures differ around each pixel: (N, C, H, W) to means (N, 1, H, W) of 5 × 5."""
    return F.avg_pool2d(difference.abs().mean(1, keepdim=True), 5, stride=1, padding=2)


def structure_loss(x: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """1 - structural similarity, weighted by place (Wang 2004; Zhao 2017 as a loss).

    An addition of mien. x, target (N, 3, H, W); weight (H, W) of mean 1. A difference counts in
    proportion to the contrast around it, so that dark skin and pale brows weigh like others.
    """
    edge = WINDOW // 2
    inside = weight[edge:-edge, edge:-edge]
    with torch.autocast(x.device.type, enabled=False):  # in bfloat16, variances come out below 0
        lost = 1 - ssim_map(x, target, torch.float32)
    return (lost * (inside / inside.mean())).mean()


def paired_loss(moved: Tensor, true: Tensor, spread: Tensor) -> Tensor:
    """Distance between shifted means and those of the same person's true expression.

    An addition of mien (`paired`). moved, true (N, d); spread (d,): standard deviation of each
    dimension over faces.
    """
    return (((moved - true) / spread) ** 2).mean()


def region_weights(
    size: int, mouth: Tensor, brows: Tensor, mouth_gain: float, brow_gain: float
) -> Tensor:
    """Weight (size, size) of mean 1 that is highest at mouth and brows.

    mouth, brows (4,): centre x, centre y and radii x, y in shares of the picture; Gaussian bumps.
    """
    at = (torch.arange(size) + 0.5) / size
    y, x = torch.meshgrid(at, at, indexing="ij")

    def bump(place: Tensor) -> Tensor:
        return torch.exp(-(((x - place[0]) / place[2]) ** 2 + ((y - place[1]) / place[3]) ** 2) / 2)

    weight = 1 + mouth_gain * bump(mouth) + brow_gain * bump(brows)
    return weight / weight.mean()
