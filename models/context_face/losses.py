"""Losses of Blume et al. 2024, by the number of the equation, and the terms that mien adds.

Every loss is a mean over the batch; sums run over latent dimensions.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from models.context_face.quality import WINDOW, ssim_map
from models.context_face.vae import Latent

STILL = 0.02  # of the range of pixels


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


def paired_loss(moved: Tensor, true: Tensor, spread: Tensor, shown: Tensor) -> Tensor:
    """Distance between shifted means and those of the same person's true expression.

    An addition of mien (`paired`). moved, true (N, d); spread (d,): standard deviation of each
    dimension over faces; shown (N,) bool: whether there is a true one, others do not count.
    """
    far = (((moved - true) / spread) ** 2).mean(1)  # (N,)
    return (far * shown).sum() / shown.sum().clamp_min(1)


def region_weights(regions: Tensor, gains: Sequence[float]) -> Tensor:
    """Weight (S, S) of mean 1, higher by gains (R) in regions (R, S, S), such as `bump`."""
    weight = torch.ones_like(regions[0])
    for region, gain in zip(regions, gains, strict=True):
        weight = weight + gain * region
    return weight / weight.mean()


def bump(size: int, place: Sequence[float] | Tensor) -> Tensor:
    """A Gaussian (size, size), 1 at its centre.

    place (4,): centre x, centre y and radii x, y in shares of the picture.
    """
    at = (torch.arange(size) + 0.5) / size
    y, x = torch.meshgrid(at, at, indexing="ij")
    return torch.exp(-(((x - place[0]) / place[2]) ** 2 + ((y - place[1]) / place[3]) ** 2) / 2)


def faintness(made: Tensor, true: Tensor, regions: Tensor) -> Tensor:
    """How far changes are from as large as true ones, along them: mean of (1 - share)^2.

    An addition of mien. made, true (N, 3, H, W): what pictures change by; regions (R, H, W), 0 to
    1. In each region and picture, share = made true / true true. Where next to nothing changes
    (root mean square below STILL), it counts less.
    """
    area = 3 * regions.sum((1, 2))
    along, whole = (
        ((x * true).sum(1)[:, None] * regions).sum((2, 3)) / area for x in (made, true)
    )  # (N, R)
    still = STILL**2
    share = (along + still) / (whole + still)
    return ((1 - share) ** 2 * whole / (whole + still)).mean()


def grain_loss(x: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Mean difference of how rough pictures are around each pixel, weighted by place.

    An addition of mien. x, target (N, 3, H, W); weight (H, W) of mean 1. What lies a pixel beside
    where it should costs less if it is blurred, by all other losses; by this one, more. So stubble
    stays, and teeth have gaps.
    """
    return ((_roughness(x) - _roughness(target)).abs() * weight).mean()


def grain(x: Tensor) -> Tensor:
    """What is left of pictures (N, C, H, W) less the mean of 3 × 3, at edges of what there is."""
    with torch.autocast(x.device.type, enabled=False):  # bfloat16 has 8 bits for small differences
        height, width = (_sums(size, 3, x) for size in x.shape[-2:])
        height, width = (sums / sums.sum(1, keepdim=True) for sums in (height, width))
        return x - height @ x @ width.T


def _roughness(x: Tensor) -> Tensor:
    """Root mean square (N, 3, H, W) over 7 × 7 of what is left of pixels less the mean of 3 × 3."""
    fine = grain(x.float())
    with torch.autocast(x.device.type, enabled=False):
        height, width = (_sums(size, 7, fine) / 7 for size in fine.shape[-2:])
        return (height @ (fine * fine) @ width.T + 1e-6).sqrt()


def _sums(size: int, window: int, like: Tensor) -> Tensor:
    """(size, size): row i adds up a window around place i.

    Two such products take a processor a third of the time of pooling, backwards included.
    """
    at = torch.arange(size, device=like.device)
    return ((at[:, None] - at).abs() <= window // 2).to(like.dtype)
