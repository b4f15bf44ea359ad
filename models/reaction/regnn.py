"""REGNN: a reversible graph of the attributes that maps reactions to where speakers predict them.

Xu et al. 2023. A window of 50 frames is a graph of 25 nodes (attributes) with 50 features each. The
motor processor maps a true reaction into the space of Z; its inverse maps samples of Z back. Both
use edges that what is predicted itself gives. Where windows overlap, their mean counts; here it is
taken after every step of section 2, so that a framework meets one vector for each frame.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.reaction.base import ATTRIBUTES, Base, Decode, expressed
from models.reaction.distributions import FrameNormal, Manners
from models.reaction.graph import Edges, Motor
from models.reaction.scoring import reaction_score
from models.reaction.settings import RegnnSettings
from models.reaction.transformer import NormBefore, positions
from models.reaction.windows import joined, windows_of

BEGINS = 0.05  # how far listeners move apart before anything is learned


class EachFrame(nn.Module):
    """Two fully connected layers, other ones for each frame of a window, of spectral norm 1."""

    def __init__(self, frames: int, width: int, out: int) -> None:
        super().__init__()
        self.first = nn.Parameter(torch.zeros(frames, width, width))
        self.second = nn.Parameter(torch.zeros(frames, width, out))
        self.first_bias = nn.Parameter(torch.zeros(frames, width))
        self.second_bias = nn.Parameter(torch.zeros(frames, out))

    def draw(self, generator: torch.Generator) -> None:
        """Begin as uniform numbers; their size is normalised away."""
        with torch.no_grad():
            self.first.uniform_(-1, 1, generator=generator)
            self.second.uniform_(-1, 1, generator=generator)

    def forward(self, x: Tensor) -> Tensor:
        """X (B, frames, width) to (B, frames, out)."""
        x = torch.einsum("btc,tcd->btd", x, _normalised(self.first)) + self.first_bias
        x = torch.einsum("btc,tcd->btd", F.gelu(x), _normalised(self.second))
        return x + self.second_bias


class Regnn(Base):
    """E_m is the perceptual processor, E_p the cognitive one, D the inverse of the motor one."""

    name = "regnn"

    def __init__(self, settings: RegnnSettings) -> None:
        super().__init__()
        s = self.settings = settings
        self.width, self.fused_width, self.sample_width = s.width, s.fused, ATTRIBUTES
        self.face, self.voice = nn.Linear(ATTRIBUTES, s.width), nn.Linear(s.voice, s.width)

        def layers() -> nn.ModuleList:
            return nn.ModuleList(
                NormBefore(s.width, s.heads, s.inner, s.dropout) for _ in range(s.layers)
            )

        self.looking, self.remembering = layers(), layers()
        self.looked, self.remembered = nn.LayerNorm(s.width), nn.LayerNorm(s.width)
        self.residual = nn.Sequential(
            nn.Linear(s.width, s.width), nn.ReLU(), nn.Linear(s.width, s.width)
        )
        self.out = nn.Linear(s.width, s.fused)
        self.converted: nn.Module = (
            EachFrame(s.frames, s.fused, ATTRIBUTES) if s.converts == "each"
            else nn.Sequential(
                nn.Linear(s.fused, s.fused // 2), nn.GELU(), nn.Linear(s.fused // 2, ATTRIBUTES)
            )
        )  # fmt: skip
        manners = s.styles + s.changes
        self.manners = nn.Linear(s.fused, ATTRIBUTES * manners) if manners else None
        self.edges, self.motor = Edges(s), Motor(s)

    def embed_face(self, face: Tensor) -> Tensor:
        """One layer, frame by frame."""
        return self.face(expressed(face))

    def embed_voice(self, voice: Tensor) -> Tensor:
        """One layer, frame by frame."""
        return self.voice(voice)

    def fuse(self, face: Tensor, voice: Tensor) -> Tensor:
        """In each window the face looks at the voice, then at what it saw (Tsai et al. 2019)."""
        s, length = self.settings, face.shape[1]
        where = positions(s.frames, s.width).to(face)
        x, heard = (
            math.sqrt(s.width) * self._windows(each).flatten(0, 1) + where for each in (face, voice)
        )  # (N * W, frames, width)
        for layer in self.looking:
            x = layer(x, heard)
        x = self.looked(x) + where
        for layer in self.remembering:
            x = layer(x)
        x = self.remembered(x)
        x = self.out(x + self.residual(x)).unflatten(0, (len(face), -1))
        return joined(x, length, s.stride)

    def distribution(self, fused: Tensor, truth: Tensor | None = None) -> FrameNormal:
        """Normal around what the cognitive processor predicts, frame by frame."""
        s = self.settings
        windows = self._windows(fused)
        mean = self.converted(windows.flatten(0, 1)).unflatten(0, windows.shape[:2])
        mean = joined(mean, fused.shape[1], s.stride)
        if self.manners is None:
            return FrameNormal(mean, s.spread, s.smooth)
        moved = BEGINS * self.manners(fused).unflatten(2, (ATTRIBUTES, -1))
        # the energy score asks for what is learned as it is
        temperature = 1.0 if self.training else s.temperature
        manners = Manners(moved, s.styles, s.pace, temperature)
        return FrameNormal(mean, s.spread, s.smooth, manners)

    def decode(self, samples: Tensor, length: int) -> Tensor:
        """Each window of samples (M, length, 25) through the inverse of the motor processor."""
        windows = self._windows(samples)  # (M, W, frames, 25)
        graphs = windows.flatten(0, 1).transpose(1, 2)
        found = self.motor.inverse(graphs, self.edges(graphs))
        found = found.transpose(1, 2).unflatten(0, windows.shape[:2])
        return joined(found, length, self.settings.stride)

    def losses(
        self, z: FrameNormal, truth: Tensor, decode: Decode, generators: Sequence[torch.Generator]
    ) -> dict[str, Tensor]:
        """Distance to the nearest appropriate reaction, in Z and decoded; and their own spread.

        Nearest counts window by window. "middle" draws the images of all appropriate reactions
        together, to their mean. Decoded, it may be the energy score instead.
        """
        s, (n, many) = self.settings, truth.shape[:2]
        predicted = self._windows(z.mean).transpose(2, 3)  # (N, W, 25, frames)
        edges = self.edges(predicted.flatten(0, 1))
        true = self._windows(truth.flatten(0, 1)).unflatten(0, (n, many)).transpose(3, 4)
        repeated = edges.unflatten(0, predicted.shape[:2])[:, None].expand(-1, many, *[-1] * 4)
        images = self.motor(true.flatten(0, 2), repeated.flatten(0, 2))
        images = images.unflatten(0, true.shape[:3])  # (N, K, W, 25, frames)
        rows = torch.arange(n, device=truth.device).repeat_interleave(s.draws)
        drawn = decode(z.sample(s.draws, generators).flatten(0, 1), rows)
        reactions = self._windows(drawn).transpose(2, 3).unflatten(0, (n, s.draws))
        return {
            "nearest": _nearest(predicted, images),
            "middle": s.middle * (images - images.mean(1, keepdim=True)).square().mean(),
            "decoded": s.decoded * (
                reaction_score(reactions.transpose(3, 4), true.transpose(3, 4))
                if s.scored == "energy"
                else torch.stack([_nearest(each, true) for each in reactions.unbind(1)]).mean()
            ),
        }  # fmt: skip

    def _windows(self, x: Tensor) -> Tensor:
        return windows_of(x, self.settings.frames, self.settings.stride)


def _nearest(found: Tensor, reactions: Tensor) -> Tensor:
    """Mean squared distance of found (N, W, 25, frames) to the nearest of K reactions."""
    return (found[:, None] - reactions).square().mean((3, 4)).amin(1).mean()


def _normalised(weights: Tensor) -> Tensor:
    """Matrices (frames, a, b) of spectral norm 1; the norm counts as a constant."""
    return weights / torch.linalg.matrix_norm(weights.detach(), 2)[:, None, None]
