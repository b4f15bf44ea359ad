"""Attention and the layers that are built of it, for every network of reactions.

x is (N, T, width). A mask is added to the logits: (T, S) or (heads, T, S), 0 where a step is seen
and -inf where it is not. What is dropped in training is drawn from a generator that `drop_by` hands
out, never from the process's own.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.layers import begin

CHANCES = 2**15  # that a dropped value is one of


class Dropout(nn.Module):
    """Values set to 0 with a probability, while training and once `drop_by` gave a generator."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share
        self.generator: torch.Generator | None = None

    def forward(self, x: Tensor) -> Tensor:
        """The others grow, so that the mean stays."""
        if not (self.training and self.share and self.generator):
            return x
        return x * (_chance(x, self.generator) >= self.share * CHANCES) / (1 - self.share)


def _chance(x: Tensor, generator: torch.Generator) -> Tensor:
    """Whole numbers from 0 to CHANCES - 1, shaped as x: four of every 64 bits that are drawn.

    Ten times as quick as a draw for each, which takes a sixth of a step of Trans-VAE.
    """
    drawn = torch.empty(-(-x.numel() // 4), dtype=torch.int64).random_(generator=generator)
    return (drawn.view(torch.int16)[: x.numel()] & (CHANCES - 1)).view(x.shape).to(x.device)


class Attention(nn.Module):
    """Softmax of queries and keys, several heads side by side (Vaswani et al. 2017, eq. 1).

    memory: width of what is looked at; x itself by default.
    """

    def __init__(
        self, width: int, heads: int, memory: int | None = None, *, bias: bool = True
    ) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width, bias=bias)
        self.key = nn.Linear(memory or width, width, bias=bias)
        self.value = nn.Linear(memory or width, width, bias=bias)
        self.out = nn.Linear(width, width, bias=bias)

    def forward(
        self, x: Tensor, memory: Tensor | None = None, mask: Tensor | None = None
    ) -> Tensor:
        """What x (N, T, width) sees of memory (N, S, memory), or of itself."""
        return self.look(x, *self.remember(x if memory is None else memory), mask)

    def remember(self, memory: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values (N, heads, S, width / heads) of what is looked at."""
        return self._split(self.key(memory)), self._split(self.value(memory))

    def look(self, x: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None = None) -> Tensor:
        """What x (N, T, width) sees of `remember`'s keys and values."""
        queries = self._split(self.query(x))
        if torch.is_grad_enabled():  # where the fused kernel takes twice as long on a processor
            logits = queries / math.sqrt(queries.shape[-1]) @ keys.mT
            shares = (logits if mask is None else logits + mask.to(logits.dtype)).softmax(-1)
            seen = shares.to(values.dtype) @ values
        else:
            seen = F.scaled_dot_product_attention(queries, keys, values, mask)
        return self.out(seen.transpose(1, 2).flatten(2))

    def weights(self, x: Tensor, memory: Tensor, mask: Tensor | None = None) -> Tensor:
        """How much each step of x looks at each of memory: (N, heads, T, S), rows sum to 1."""
        queries, keys = self._split(self.query(x)), self._split(self.key(memory))
        logits = queries @ keys.transpose(-1, -2) / math.sqrt(queries.shape[-1])
        return (logits if mask is None else logits + mask).softmax(-1)

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)  # (N, heads, T, width / heads)


class NormAfter(nn.Module):
    """A layer as first published: attention, then two fully connected, each added and normalised.

    crossed: with a second attention, to a memory, between the two (a decoder's layer).
    """

    def __init__(
        self, width: int, heads: int, inner: int, dropout: float, *, crossed: bool = False
    ) -> None:
        super().__init__()
        self.attention, self.norm = Attention(width, heads), nn.LayerNorm(width)
        self.cross = Attention(width, heads) if crossed else None
        self.cross_norm = nn.LayerNorm(width) if crossed else None
        self.first, self.second = nn.Linear(width, inner), nn.Linear(inner, width)
        self.last_norm, self.drop = nn.LayerNorm(width), Dropout(dropout)

    def forward(
        self, x: Tensor, memory: Tensor | None = None, mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
    ) -> Tensor:  # fmt: skip
        """X (N, T, width), and memory (N, S, width) where it is crossed."""
        x = self.norm(x + self.drop(self.attention(x, mask=mask)))
        if self.cross is not None and self.cross_norm is not None:
            x = self.cross_norm(x + self.drop(self.cross(x, memory, memory_mask)))
        return self.last_norm(x + self.drop(self.second(self.drop(self.first(x).relu()))))


class NormBefore(nn.Module):
    """A layer that normalises what enters each part, and adds what leaves it to x as it was."""

    def __init__(
        self, width: int, heads: int, inner: int, dropout: float, *, bias: bool = True
    ) -> None:
        super().__init__()
        self.norm, self.last_norm = (nn.LayerNorm(width, bias=bias) for _ in range(2))
        self.attention = Attention(width, heads, bias=bias)
        self.first = nn.Linear(width, inner, bias=bias)
        self.second = nn.Linear(inner, width, bias=bias)
        self.drop = Dropout(dropout)

    def forward(
        self, x: Tensor, memory: Tensor | None = None, mask: Tensor | None = None
    ) -> Tensor:
        """X looks at memory (N, S, width), or at itself."""
        memory = None if memory is None else self.norm(memory)
        return self.ended(x + self.drop(self.attention(self.norm(x), memory, mask)))

    def ended(self, x: Tensor) -> Tensor:
        """The two fully connected layers."""
        return x + self.drop(self.second(F.gelu(self.first(self.last_norm(x)))))


class Near(nn.Module):
    """A learned bias for each distance in time: no step has a place of its own, so any length fits.

    back, ahead: steps before and after a step that it sees; the others get -inf.
    """

    def __init__(self, heads: int, back: int, ahead: int) -> None:
        super().__init__()
        self.back, self.ahead = back, ahead
        self.bias = nn.Parameter(torch.zeros(heads, back + ahead + 1))

    def forward(self, queries: Tensor, keys: Tensor) -> Tensor:
        """Mask (heads, T, S) of steps with numbers queries (T,) that look at those of keys (S,)."""
        far = keys[None] - queries[:, None]  # (T, S), above 0: later
        seen = (far >= -self.back) & (far <= self.ahead)
        bias = self.bias[:, (far + self.back).clamp(0, self.bias.shape[1] - 1)]
        return bias.masked_fill(~seen, -torch.inf)


def positions(length: int, width: int, period: int | None = None) -> Tensor:
    """Sines and cosines of time (length, width), after Vaswani et al. 2017, section 3.5.

    period: steps after which they repeat without a jump: each frequency is the nearest that fits
    whole times into it, once at least.
    """
    rates = torch.exp(torch.arange(0, width, 2) * (-math.log(10_000.0) / width))
    if period is not None:
        once = 2 * math.pi / period
        rates = (rates / once).round().clamp(min=1) * once
    angles = torch.arange(length)[:, None] * rates
    return torch.stack([angles.sin(), angles.cos()], 2).flatten(1)[:, :width]


def earlier(length: int, window: int | None = None) -> Tensor:
    """A mask (length, length): each step sees itself and those before it, `window` in all."""
    far = torch.arange(length)[:, None] - torch.arange(length)
    hidden = far < 0 if window is None else (far < 0) | (far >= window)
    return torch.zeros(length, length).masked_fill(hidden, -torch.inf)


def nearby(length: int, reach: int) -> Tensor:
    """A mask (length, length): each step sees those at most `reach` away."""
    far = torch.arange(length)[:, None] - torch.arange(length)
    return torch.zeros(length, length).masked_fill(far.abs() > reach, -torch.inf)


def drop_by(network: nn.Module, generator: torch.Generator | None) -> None:
    """Have everything that a network drops drawn from a generator; None: drop nothing."""
    for module in network.modules():
        if isinstance(module, Dropout):
            module.generator = generator


def begin_all(network: nn.Module, generator: torch.Generator) -> None:
    """Draw every weight of a network in a fixed order: `models.layers.begin`, and its own ones.

    A module that holds weights of its own says how they begin by `draw(generator)`.
    """
    begin(network, generator)
    for module in network.modules():
        draw = getattr(module, "draw", None)
        if draw is not None:
            draw(generator)
