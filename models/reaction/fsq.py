"""Finite scalar quantisation (Mentzer et al. 2024): a few numbers, each rounded to a few levels."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class Fsq(nn.Module):
    """Numbers (…, d) to codes (…, d) in [-1, 1], of which there are as many as levels multiply to.

    levels: of each of the d numbers. Nothing is learned.
    """

    levels: Tensor
    steps: Tensor

    def __init__(self, levels: tuple[int, ...]) -> None:
        super().__init__()
        self.size = math.prod(levels)  # codes in all
        many = torch.tensor(levels)
        self.register_buffer("levels", many, persistent=False)
        first = torch.cat([torch.ones(1, dtype=many.dtype), many[:-1]])
        self.register_buffer("steps", first.cumprod(0), persistent=False)  # of a token's number

    def forward(self, z: Tensor) -> Tensor:
        """Codes of numbers; gradients pass as if nothing had been rounded."""
        bounded = self._bounded(z)
        rounded = bounded + (bounded.round() - bounded).detach()
        return rounded / (self.levels // 2)

    def tokens(self, codes: Tensor) -> Tensor:
        """Numbers (…) from 0 to size - 1 of codes (…, d)."""
        places = (codes * (self.levels // 2)).round().long() + self.levels // 2
        return (places * self.steps).sum(-1)

    def codes(self, tokens: Tensor) -> Tensor:
        """Codes (…, d) of tokens (…)."""
        half = self.levels // 2
        return ((tokens[..., None] // self.steps % self.levels) - half) / half

    def _bounded(self, z: Tensor) -> Tensor:
        """Numbers that round to as many whole ones as there are levels."""
        half = (self.levels - 1) * 1.001 / 2
        offset = torch.where(self.levels % 2 == 0, 0.5, 0.0)
        return (z + (offset / half).atanh()).tanh() * half - offset
