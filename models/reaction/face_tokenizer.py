"""The first stage of FaceVIS (Dam et al. 2024): a face over time as tokens, and back.

T frames make S = ceil(T / patch) tokens. Tokens see their neighbours alone, by distance, so that
clips of any length fit.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.reaction.base import ATTRIBUTES, expressed, shown
from models.reaction.fsq import Fsq
from models.reaction.settings import TokenizerSettings
from models.reaction.transformer import Near, NormBefore

SPREAD = 1.0  # standard deviation of the numbers that codes are made of, at the beginning


class Stack(nn.Module):
    """Layers of attention to neighbours, then a normalisation; without layers, nothing at all."""

    def __init__(
        self, layers: int, width: int, heads: int, inner: int, dropout: float, reach: int
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            NormBefore(width, heads, inner, dropout, bias=False) for _ in range(layers)
        )
        self.near = Near(heads, reach, reach) if layers else None
        self.norm = nn.LayerNorm(width, bias=False) if layers else None

    def forward(self, x: Tensor) -> Tensor:
        """X (N, S, width) to the same shape."""
        if self.near is None or self.norm is None:
            return x
        steps = torch.arange(x.shape[1], device=x.device)
        mask = self.near(steps, steps)
        for layer in self.layers:
            x = layer(x, mask=mask)
        return self.norm(x)


class FaceTokenizer(nn.Module):
    """Encoder, finite scalar quantisation, decoder."""

    def __init__(self, settings: TokenizerSettings) -> None:
        super().__init__()
        s = self.settings = settings
        self.overlap = 2 if s.patch > 1 else 1  # patches that a token draws

        def stack() -> Stack:
            return Stack(s.layers, s.width, s.heads, s.inner, s.dropout, s.reach)

        self.entry, self.encoder = nn.Linear(s.patch * ATTRIBUTES, s.width), stack()
        self.few = nn.Linear(s.width, len(s.levels))
        self.fsq = Fsq(s.levels)
        self.many = nn.Linear(len(s.levels), s.width)
        self.start, self.decoder = nn.Linear(s.width, s.width), stack()
        self.face = nn.Linear(s.width, self.overlap * s.patch * ATTRIBUTES)

    def draw(self, generator: torch.Generator) -> None:
        """Begin with codes that use all levels: those that begin alike hardly come apart."""
        bound = SPREAD * (3 / self.settings.width) ** 0.5  # what enters has a variance of 1
        with torch.no_grad():
            self.few.weight.uniform_(-bound, bound, generator=generator)

    def codes(self, face: Tensor) -> Tensor:
        """Codes (N, S, d) of a face (N, T, 25)."""
        x = self.entry(patches(expressed(face), self.settings.patch))
        return self.fsq(self.few(self.encoder(x)))

    def tokens(self, face: Tensor) -> Tensor:
        """Tokens (N, S) of a face (N, T, 25), from 0 to fsq.size - 1."""
        return self.fsq.tokens(self.codes(face))

    def embedded(self, tokens: Tensor) -> Tensor:
        """Vectors (…, width) of tokens (…), as the decoder takes them."""
        return self.many(self.fsq.codes(tokens))

    def decode(self, vectors: Tensor, length: int) -> Tensor:
        """A face (N, length, 25) of tokens' vectors (N, S, width).

        A token draws half a patch more to either side than its own; neighbours fade into each
        other.
        """
        patch = self.settings.patch
        x = self.face(self.decoder(self.start(vectors)))
        x = shown(x.unflatten(2, (self.overlap * patch, ATTRIBUTES)))
        if self.overlap == 1:
            return x.flatten(1, 2)[:, :length]
        rising = (torch.arange(patch, device=x.device) + 0.5)[:, None] / patch
        before = F.pad((x[:, :, :patch] * rising).flatten(1, 2), (0, 0, 0, patch))
        after = F.pad((x[:, :, patch:] * (1 - rising)).flatten(1, 2), (0, 0, patch, 0))
        weight = torch.ones(before.shape[1], 1, device=x.device)
        weight[:patch], weight[-patch:] = rising, 1 - rising  # the ends have one neighbour
        return ((before + after) / weight)[:, patch // 2 : patch // 2 + length]

    def forward(self, face: Tensor) -> Tensor:
        """A face (N, T, 25) as its tokens keep it."""
        return self.decode(self.many(self.codes(face)), face.shape[1])

    def losses(self, truth: Tensor) -> dict[str, Tensor]:
        """Distance of faces (N, T, 25) and of their changes over time, to what is kept of them.

        As published the first is absolute, whose best guess of what is seldom shown is that it
        never is. The `usual` one counts in how far attributes usually are from a calm face, squared
        where it is below 1: after 300 steps of 16 windows what is kept explains 86 % of the
        variance of other listeners with 174 codes, with the absolute one 72 % with 45.
        """
        s, kept = self.settings, self(truth)
        if s.usual:
            kept, truth = expressed(kept), expressed(truth)
            found = {"face": s.usual * F.smooth_l1_loss(kept, truth)}
        else:
            found = {"face": F.l1_loss(kept, truth)}
        if s.velocity:
            found["velocity"] = s.velocity * F.l1_loss(kept.diff(dim=1), truth.diff(dim=1))
        return found


def patches(x: Tensor, patch: int) -> Tensor:
    """Frames side by side (N, S, patch * d) of x (N, T, d), which goes on as it ends."""
    short = -x.shape[1] % patch
    if short:
        x = torch.cat([x, x[:, -1:].expand(-1, short, -1)], 1)
    return x.unflatten(1, (-1, patch)).flatten(2)


def pooled(x: Tensor, patch: int) -> Tensor:
    """The mean (N, S, d) of every patch of x (N, T, d)."""
    return patches(x, patch).unflatten(2, (patch, -1)).mean(2) if patch > 1 else x
