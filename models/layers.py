"""Layers that several networks share."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SLOPE = 0.2  # of every leaky ReLU


class ResidualBlock(nn.Module):
    """conv 3 × 3, BN, LReLU, conv 3 × 3, BN, + input, LReLU (Blume 2024, section 3.1).

    The input passes a 1 × 1 convolution where the number of channels changes. (N, channels, H, W)
    in, (N, out, H, W) out.
    """

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, out, 3, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(out)
        self.second = nn.Conv2d(out, out, 3, padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(out)
        self.widen = nn.Conv2d(channels, out, 1, bias=False) if channels != out else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Blocks keep height and width."""
        inner = F.leaky_relu(self.first_norm(self.first(x)), SLOPE)
        inner = self.second_norm(self.second(inner))
        return F.leaky_relu(inner + self.widen(x), SLOPE)


def begin(network: nn.Module, generator: torch.Generator) -> None:
    """Draw every weight uniformly from ±1 / sqrt(3 fan_in), biases 0, in a fixed order.

    fan_in: inputs that one output sums over. The same generator gives the same network whatever
    else draws random numbers in the process.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            bound = 1 / math.sqrt(3 * module.weight[0].numel())
            with torch.no_grad():
                module.weight.uniform_(-bound, bound, generator=generator)
                if module.bias is not None:
                    module.bias.zero_()


def quieten(network: nn.Module) -> None:
    """Begin every residual block as what it passes by: its last normalisation multiplies by 0."""
    for module in network.modules():
        if isinstance(module, ResidualBlock):
            nn.init.zeros_(module.second_norm.weight)


def size_of(network: nn.Module) -> int:
    """Parameters of a network."""
    return sum(p.numel() for p in network.parameters())
