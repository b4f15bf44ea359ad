"""Dis tells pictures from reconstructions; the loss borrows its feature maps (Larsen 2016)."""

from __future__ import annotations

from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from models.context_face.settings import VaeSettings
from models.layers import SLOPE


class Judgement(NamedTuple):
    """The l-th map (N, C, H, W) before its normalisation; logit (N,), real if positive."""

    features: Tensor
    logit: Tensor


class Discriminator(nn.Module):
    """conv 5 × 5, then one of stride 2 for each further width; two linear layers.

    l (eq. 3) is the second convolution of stride 2, before its normalisation, as in the published
    code; the paper names no level.
    """

    def __init__(self, settings: VaeSettings) -> None:
        super().__init__()
        first, *rest = settings.discriminator_widths
        stride = settings.stem_stride
        self.stem = nn.Conv2d(settings.channels, first, 5, stride=stride, padding=2)
        self.convs = nn.ModuleList()
        self.norms = nn.ModuleList()
        side = settings.size // stride
        for width in rest:
            self.convs.append(nn.Conv2d(first, width, 5, stride=2, padding=2, bias=False))
            self.norms.append(nn.BatchNorm2d(width))
            first, side = width, (side + 1) // 2
        self.level = min(1, len(rest) - 1)
        self.hidden = nn.Linear(first * side**2, settings.discriminator_features, bias=False)
        self.hidden_norm = nn.BatchNorm1d(settings.discriminator_features)
        self.out = nn.Linear(settings.discriminator_features, 1)

    def forward(self, x: Tensor) -> Judgement:
        """Pictures (N, channels, size, size)."""
        x = F.relu(self.stem(x))
        features = x
        for number, (conv, norm) in enumerate(zip(self.convs, self.norms, strict=True)):
            x = conv(x)
            if number == self.level:
                features = x
            x = F.relu(norm(x))
        hidden = F.leaky_relu(self.hidden_norm(self.hidden(x.flatten(1))), SLOPE)
        return Judgement(features.float(), self.out(hidden).float()[:, 0])
