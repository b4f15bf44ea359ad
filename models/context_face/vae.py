"""Encoder and decoder of the reconstruction networks FRN (faces) and CRN (contexts)."""

from __future__ import annotations

from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from models.context_face.settings import VaeSettings
from models.layers import SLOPE, Places, ResidualBlock


class Latent(NamedTuple):
    """A Gaussian for each of N inputs: mean and log-variance, both (N, d)."""

    mu: Tensor
    log_var: Tensor


class Encoder(nn.Module):
    """Enc (eq. 1): pictures (N, channels, size, size) in [0, 1] to a Gaussian of d dimensions.

    conv 5 × 5, then a residual block and a halving for each further width, and one last residual
    block at the smallest size.
    """

    def __init__(self, settings: VaeSettings) -> None:
        super().__init__()
        first, *rest = settings.widths
        stride = settings.stem_stride
        self.stem = nn.Sequential(
            nn.Conv2d(settings.channels, first, 5, stride=stride, padding=2, bias=False),
            nn.BatchNorm2d(first),
            nn.LeakyReLU(SLOPE),
            nn.AvgPool2d(2) if stride == 1 else nn.Identity(),
        )
        blocks: list[nn.Module] = []
        for width in rest:
            blocks += [ResidualBlock(first, width), nn.AvgPool2d(2)]
            first = width
        self.blocks = nn.Sequential(*blocks, ResidualBlock(first, first))
        features = first * settings.smallest**2
        self.mu = nn.Linear(features, settings.latent)
        self.log_var = nn.Linear(features, settings.latent)

    def forward(self, x: Tensor) -> Latent:
        """Mean and log-variance, (N, d) each, in float32."""
        return self.end(self.features(x))

    def features(self, x: Tensor) -> Tensor:
        """What the last two layers see: (N, width * smallest²)."""
        return self.blocks(self.stem(x)).flatten(1)

    def end(self, features: Tensor) -> Latent:
        """The last two layers, mean and log-variance."""
        return Latent(self.mu(features).float(), self.log_var(features).float())


class Decoder(nn.Module):
    """Dec: latents (N, d) to pictures (N, channels, size, size); no output activation.

    A residual block and a doubling (nearest neighbour) for each width, from the widest, then a
    residual block and conv 5 × 5 at full size. With `stem_stride` 2 the convolutions at full size
    are replaced by one at half size that makes the four pixels of each quad (sub-pixel convolution,
    Shi 2016): most of the time of a decoder is spent at full size. With `places` the last block
    knows where it draws.
    """

    def __init__(self, settings: VaeSettings) -> None:
        super().__init__()
        *rest, last = settings.decoder_widths or settings.widths
        self.start = (last, settings.smallest, settings.smallest)
        self.grow = nn.Linear(settings.latent, last * settings.smallest**2)
        subpixel = settings.stem_stride == 2
        blocks: list[nn.Module] = []
        for width in [last, *reversed(rest)]:
            blocks += [ResidualBlock(last, width), nn.Upsample(scale_factor=2)]
            last = width
        if subpixel:
            blocks.pop()  # the last doubling is that of the quads
            self.picture: nn.Module = nn.Sequential(
                nn.Conv2d(last, 4 * settings.channels, 5, padding=2), nn.PixelShuffle(2)
            )
        else:
            self.picture = nn.Conv2d(last, settings.channels, 5, padding=2)
        self.blocks = nn.Sequential(*blocks, ResidualBlock(last, last))
        self.places = Places(last, settings.size // 2) if settings.places else nn.Identity()

    def forward(self, z: Tensor) -> Tensor:
        """Pictures, near [0, 1]; who stores them cuts them to it."""
        x = F.relu(self.grow(z)).unflatten(1, self.start)  # (N, width, smallest, smallest)
        *most, last = self.blocks
        for block in most:
            x = block(x)
        return self.picture(last(self.places(x))).float()


class Vae(nn.Module):
    """Enc and Dec together; `sample` is the reparameterised draw used in training alone."""

    def __init__(self, settings: VaeSettings) -> None:
        super().__init__()
        self.settings = settings
        self.encoder = Encoder(settings)
        self.decoder = Decoder(settings)

    def forward(self, x: Tensor) -> Tensor:
        """The reconstruction from mean latents: what a stimulus at m = 0 is."""
        return self.decoder(self.encoder(x).mu)


def sample(latent: Latent, noise: Tensor) -> Tensor:
    """Latents (N, d): mu + sigma * noise, noise (N, d) from a unit Gaussian."""
    return latent.mu + (latent.log_var / 2).exp() * noise
