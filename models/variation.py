"""Pictures varied in colour and shape while a network learns: an addition of mien.

Eight hundred people are few: without it a face network knows them by heart (measured with the
shipped sizes: mouths of people that it learned 34.4 dB, of others 30.4). A picture and the one that
it is made from are varied alike, so that what lies between them stays an expression.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

NODES = 5  # places across a picture that are moved on their own; between them, smoothly
NUMBERS = 5 + 2 * NODES**2  # random numbers for each picture


@dataclass(frozen=True)
class VariationSettings:
    """How far pictures are varied at most; all 0: not at all."""

    light: float = 0.0  # exponent of all channels: from 1 - light to 1 + light
    tint: float = 0.0  # gain of each channel, likewise
    colour: float = 0.0  # distance of each pixel from its own grey, likewise
    shape: float = 0.0  # pixels that a place is moved by, in each direction

    @property
    def none(self) -> bool:
        """Whether nothing is varied."""
        return not (self.light or self.tint or self.colour or self.shape)


def numbers(n: int, generator: torch.Generator) -> Tensor:
    """Random numbers (n, NUMBERS) in [-1, 1) for n pictures."""
    return 2 * torch.rand(n, NUMBERS, generator=generator) - 1


def vary(x: Tensor, chance: Tensor, settings: VariationSettings) -> Tensor:
    """Pictures (n, 3, S, S) in [0, 1], each varied by its row of chance (n, NUMBERS).

    First places are moved, then come exponent, tint and strength of colour; cut to [0, 1].
    """
    n = len(x)
    if settings.shape:
        x = F.grid_sample(
            x, _places(chance[:, 5:].reshape(n, 2, NODES, NODES), settings.shape, x.shape[3]),
            mode="bilinear", padding_mode="border", align_corners=False,
        )  # fmt: skip
    light, colour = (1 + s * chance[:, i] for i, s in ((0, settings.light), (1, settings.colour)))
    tint = 1 + settings.tint * chance[:, 2:5]
    x = x.clamp(min=1e-4) ** light[:, None, None, None]
    grey = x.mean(1, keepdim=True)
    x = grey + (x - grey) * colour[:, None, None, None]
    return (x * tint[:, :, None, None]).clamp(0, 1)


def _places(moves: Tensor, most: float, size: int) -> Tensor:
    """Where each pixel is taken from: (n, S, S, 2) for `grid_sample`; moves (n, 2, NODES, NODES).

    The outermost nodes stay, so that nothing enters from outside.
    """
    inner = torch.zeros_like(moves)
    inner[:, :, 1:-1, 1:-1] = moves[:, :, 1:-1, 1:-1]
    smooth = F.interpolate(inner, size=(size, size), mode="bicubic", align_corners=True)
    still = (2 * torch.arange(size, device=moves.device) + 1) / size - 1  # centres of the pixels
    y, x = torch.meshgrid(still, still, indexing="ij")
    return torch.stack([x, y], -1) + smooth.permute(0, 2, 3, 1) * (2 * most / size)
