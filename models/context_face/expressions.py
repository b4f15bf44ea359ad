"""What a loss looks through to see expressions: an addition of mien (Johnson 2016).

Distances of pixels forgive what faces are read by: a brow half a pixel too low, a lid too far down.
So a small network is trained first to tell how strong each emotion is in pictures of the same data,
varied in colour and shape, and a loss compares its maps of a picture and of what it should be. It
never judges results: those are judged by networks that mien did not train.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.layers import HalvingMaps, begin
from models.training import Engine, along_cosine, set_rate
from models.variation import VariationSettings, numbers, vary


@dataclass(frozen=True)
class ExpressionsSettings:
    """The network and how it is trained."""

    widths: tuple[int, ...] = (16, 32, 64, 96, 128)  # of the convolutions; each halves
    steps: int = 1_500
    batch: int = 64
    rate: float = 2e-3
    weight_decay: float = 1e-2
    variation: VariationSettings = VariationSettings(light=0.25, tint=0.05, colour=0.3, shape=2.0)
    seed: int = 1


class Expressions(HalvingMaps):
    """Five convolutions, whose maps are compared, and how strong each emotion is by the last."""

    def __init__(self, widths: tuple[int, ...], emotions: int) -> None:
        super().__init__(widths)
        self.strength = nn.Linear(widths[-1] * 16, emotions)

    def forward(self, pictures: Tensor) -> Tensor:
        """Logits (N, emotions) of strengths; pictures (N, 3, S, S) in [0, 1]."""
        last = self.features(2 * pictures - 1)[-1]
        return self.strength(F.adaptive_avg_pool2d(last, 4).flatten(1))


class Told(NamedTuple):
    """A batch: pictures (n, 3, S, S) in [0, 1], and how strong each emotion is (n, emotions)."""

    pictures: Tensor
    strength: Tensor


class Telling:
    """The training of `Expressions`: a task of `models.training`."""

    name = "expressions"

    def __init__(
        self,
        settings: ExpressionsSettings,
        strength: Tensor,
        read: Callable[[Tensor], Tensor],
    ) -> None:
        """Strength (N, emotions): of all pictures; read: from their numbers (n,) to pictures."""
        self.settings, self.steps, self.read = settings, settings.steps, read
        self.strength = strength
        self.network = Expressions(settings.widths, strength.shape[1])
        begin(self.network, torch.Generator().manual_seed(settings.seed), lively=True)
        self.networks: dict[str, nn.Module] = {"expressions": self.network}
        self.optimisers = {
            "expressions": torch.optim.AdamW(
                self.network.parameters(), lr=settings.rate, weight_decay=settings.weight_decay
            )
        }

    def batch(self, step: int, share: slice) -> Told:
        """Pictures drawn by chance, some turned, all varied."""
        s = self.settings
        generator = torch.Generator().manual_seed((s.seed << 40) + step)
        rows = torch.randint(len(self.strength), (s.batch,), generator=generator)[share]
        turned = torch.rand(s.batch, generator=generator)[share] < 0.5
        chance = numbers(s.batch, generator)[share]
        x = self.read(rows)
        x = torch.where(turned[:, None, None, None], x.flip(3), x)
        return Told(vary(x, chance, s.variation), self.strength[rows])

    def update(self, batch: Told, step: int, engine: Engine) -> dict[str, Tensor]:
        """Binary cross-entropy of each strength."""
        s, optimiser = self.settings, self.optimisers["expressions"]
        set_rate(s.rate * along_cosine(step, s.steps), optimiser)
        pictures, strength = (one.to(engine.fabric.device) for one in batch)
        said = self.network(pictures).float()
        loss = F.binary_cross_entropy_with_logits(said, strength)
        engine.step(loss, optimiser, clip=5.0)
        off = (said.sigmoid() - strength).abs().mean()
        return {"cross-entropy": loss.detach(), "off": off.detach()}


def seen_loss(network: Expressions, x: Tensor, target: Tensor) -> Tensor:
    """Mean difference of the maps of pictures (N, 3, S, S) in [0, 1], each size weighing the same.

    network: one that no longer learns.
    """
    with torch.no_grad():
        wanted = network.features(2 * target - 1)
    found = network.features(2 * x - 1)
    apart = [(a.float() - b.float()).abs().mean() for a, b in zip(found, wanted, strict=True)]
    return torch.stack(apart).mean()
