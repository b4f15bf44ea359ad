"""Whether composed frames look drawn: a critic of small patches (Isola 2017), an addition of mien.

Where teeth have gaps and a forehead its lines cannot be foretold to the pixel, and by differences
of pixels the best guess is a blur. The critic learns to tell true pictures from frames, both beside
the picture that was given, patch by patch; the composer learns to leave it in doubt, and to make
the critic's maps like those of the true picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.context_face.losses import grain
from models.layers import SLOPE


@dataclass(frozen=True)
class CriticSettings:
    """Sizes and optimisation of the critic, and how much it says."""

    widths: tuple[int, int, int] = (32, 48, 64)  # channels at 1/2, 1/4 and 1/4 of the size
    rate: float = 1e-3
    weight: float = 0.3  # length of its gradient at the composer's last layer, of all others'
    since: float = 0.25  # share of the composer's steps before which it is not asked


class Criticised(NamedTuple):
    """Maps of two layers, and (N, 1, S/4, S/4): how real each patch looks, without bounds."""

    maps: tuple[Tensor, Tensor]
    real: Tensor


class PatchCritic(nn.Module):
    """Patches of some 26 pixels, of pictures beside what they were made from.

    It sees grain alone, and what has changed: from pixels as they are it learns nothing for
    hundreds of steps, as shades are so much stronger than what blur takes away.
    """

    def __init__(self, settings: CriticSettings) -> None:
        super().__init__()
        large, middle, last = settings.widths
        self.first = nn.Conv2d(36, large, 3, padding=1)
        self.halve = nn.Conv2d(large, middle, 3, stride=2, padding=1)
        self.deep = nn.Conv2d(middle, last, 3, padding=1)
        self.out = nn.Conv2d(last, 1, 3, padding=1)

    def forward(self, pictures: Tensor, given: Tensor) -> Criticised:
        """Of pictures and given ones (N, 3, S, S) in [0, 1]."""
        seen = torch.cat([8 * grain(pictures), 8 * grain(given), 4 * (pictures - given)], 1)
        large = F.leaky_relu(self.first(F.pixel_unshuffle(seen, 2)), SLOPE)
        middle = F.leaky_relu(self.halve(large), SLOPE)
        deep = F.leaky_relu(self.deep(middle), SLOPE)
        return Criticised((middle.float(), deep.float()), self.out(deep).float())


def critic_loss(real: Tensor, made: Tensor, weight: Tensor) -> Tensor:
    """What the critic descends (hinge): true patches above 1, made ones below -1.

    real, made (N, 1, h, w): how real patches look; weight (h, w) of mean 1: by place.
    """
    return ((F.relu(1 - real) + F.relu(1 + made)) * weight).mean()


def doubt_loss(true: Criticised, made: Criticised, weight: Tensor) -> Tensor:
    """What the composer descends: patches that look made, and maps unlike those of the true."""
    apart = [(a - b.detach()).abs().mean() for a, b in zip(made.maps, true.maps, strict=True)]
    return torch.stack(apart).sum() - (made.real * weight).mean()


def balanced(term: Tensor, beside: Tensor, at: Tensor, share: float) -> Tensor:
    """A term scaled so that its gradient at weights `at` is `share` as long as that of another.

    (Esser 2021, eq. 7.) So no weight has to be found anew for every corpus.
    """
    own, other = (
        torch.autograd.grad(one, at, retain_graph=True)[0].float().norm() for one in (term, beside)
    )
    return term * (share * other / own.clamp_min(1e-8)).clamp(max=1e4).detach()
