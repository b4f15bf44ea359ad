"""Trans-VAE: one sample for a whole clip, and a decoder that asks for every frame by its time.

The baseline of REACT 2024 (Song et al. 2024), in its published sizes; of its 1,315,891 weights
27,136 belong to a layer that it never uses and that is left out here. A sample is one vector, so
the first cross-attention has one key, whose weight is 1 whatever the query asks: frames differ
through their positions alone, which is why its reactions hardly move and resemble each other. A
framework can give it a vector for each frame instead (EMC does).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.reaction.base import ATTRIBUTES, Base, Decode, expressed
from models.reaction.distributions import ClipNormal
from models.reaction.settings import TransVaeSettings
from models.reaction.transformer import NormAfter, earlier, nearby, positions


class FrameEncoder(nn.Module):
    """Pictures (N, T, 3, S, S) to one vector each (N, T, width).

    Every frame for itself; the published one normalises over the frames of a clip as well.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        # what is normalised needs no bias
        self.first = nn.Conv2d(3, 32, 7, stride=2, padding=3, bias=False)
        self.second = nn.Conv2d(32, width, 7, stride=2, padding=3, bias=False)
        self.third = nn.Conv2d(width, width, 3, stride=2, padding=1, bias=False)
        self.around = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.fourth = nn.Conv2d(width, width, 3, stride=2, padding=1, bias=False)
        self.out = nn.Linear(width, width)

    def forward(self, frames: Tensor) -> Tensor:
        """Five convolutions, the mean over each map, one fully connected layer."""
        x = F.instance_norm(self.first(frames.flatten(0, 1))).relu()
        x = F.max_pool2d(x, 3, stride=2, padding=1)
        x = F.instance_norm(self.second(x)).relu()
        x = F.instance_norm(self.third(x)).relu()
        x = (F.instance_norm(self.around(x)) + x).relu()
        x = F.instance_norm(self.fourth(x)).relu()
        return self.out(x.mean((2, 3))).unflatten(0, frames.shape[:2])


class TransVae(Base):
    """E_f and E_s are one layer each, E_m another, E_p a transformer that pools the clip."""

    name, per_clip = "trans-vae", True

    def __init__(self, settings: TransVaeSettings) -> None:
        super().__init__()
        s = self.settings = settings
        self.width = self.fused_width = self.sample_width = s.width
        self.face: nn.Module = (
            FrameEncoder(s.width) if s.sees == "frames" else nn.Linear(ATTRIBUTES, s.width)
        )
        self.voice = nn.Linear(s.voice, s.width)
        self.joined = nn.Linear(2 * s.width, s.width)
        self.entry = nn.Linear(s.width, s.width)
        self.tokens = nn.Parameter(torch.zeros(2, s.width))  # what mean and log variance come from
        self.pooling = NormAfter(s.width, s.heads, s.inner, s.dropout)
        self.asking = NormAfter(s.width, s.heads, s.inner, s.dropout, crossed=True)
        self.refining = NormAfter(s.width, s.heads, s.inner, s.dropout, crossed=True)
        self.shape = nn.Linear(s.width, s.shape)
        self.attributes = nn.Sequential(
            nn.Linear(s.width + s.shape, s.width), nn.Linear(s.width, ATTRIBUTES)
        )

    def draw(self, generator: torch.Generator) -> None:
        """Begin the two tokens from N(0, 1)."""
        with torch.no_grad():
            self.tokens.normal_(generator=generator)

    def embed_face(self, face: Tensor) -> Tensor:
        """Embeddings of attributes (N, T, 25), or of pictures (N, T, 3, 224, 224)."""
        return self.face(face if self.settings.sees == "frames" else expressed(face))

    def embed_voice(self, voice: Tensor) -> Tensor:
        """Embeddings (N, T, width) of voice features (N, T, voice)."""
        return self.voice(voice)

    def fuse(self, face: Tensor, voice: Tensor) -> Tensor:
        """One layer of both, frame by frame."""
        return self.joined(torch.cat([face, voice], 2))

    def distribution(self, fused: Tensor, truth: Tensor | None = None) -> ClipNormal:
        """Mean and log variance as two tokens see them that look at the whole clip."""
        tokens = self.tokens.expand(len(fused), -1, -1)
        x = self.pooling(torch.cat([tokens, self.entry(fused)], 1))
        return ClipNormal(x[:, 0], x[:, 1])

    def decode(self, samples: Tensor, length: int) -> Tensor:
        """Reactions of one vector a clip (M, 1, width), or of one a frame (M, length, width).

        Vectors of frames are added to the queries, and get the same positions, so that a query
        knows its own; with a `period` each sees those that are at most half of it away, so that
        what was learned from short clips holds for long ones.
        """
        s, many = self.settings, samples.shape[1] > 1
        where = positions(length, s.width, s.period).to(samples)
        seen = earlier(length, s.period).to(samples)
        near = nearby(length, s.period // 2).to(samples) if s.period else None
        queries = samples + where if many else where.expand(len(samples), -1, -1)
        memory = queries if many else samples
        x = self.asking(queries, memory, seen, near if many else None)
        x = self.refining(x, x, seen, near)
        return self.attributes(torch.cat([self.shape(x), x], 2))

    def losses(
        self, z: ClipNormal, truth: Tensor, decode: Decode, generators: Sequence[torch.Generator]
    ) -> dict[str, Tensor]:
        """Squared error, KL to N(0, 1), and likeness of two reactions to the same speaker."""
        s, rows = self.settings, torch.arange(len(truth), device=truth.device)
        samples = z.sample(2, generators)
        reaction = decode(samples[:, 0], rows)
        with torch.no_grad():
            other = decode(samples[:, 1], rows)
        away = (reaction - other).square().sum((1, 2))
        return {
            "attributes": F.mse_loss(reaction, truth[:, 0]),
            "prior": s.prior * z.prior(),
            "diversity": s.diversity * (-away / s.alike).exp().mean(),
        }
