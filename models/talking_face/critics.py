"""The two discriminators (section III-B, III-C)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.layers import SLOPE
from models.talking_face.settings import CriticSettings


class _Look(nn.Module):
    """Convolutions of stride 2 and one fully connected layer over single pictures."""

    def __init__(self, channels: int, size: int, settings: CriticSettings) -> None:
        super().__init__()
        convolutions = []
        for width in settings.widths:
            convolutions.append(nn.Conv2d(channels, width, 3, stride=2, padding=1))
            channels = width
        self.convolutions = nn.ModuleList(convolutions)
        left = size // 2 ** len(settings.widths)
        self.first = nn.Linear(channels * left**2, settings.hidden)

    def forward(self, x: Tensor) -> Tensor:
        """(N, hidden) of pictures (N, channels, S, S)."""
        for convolution in self.convolutions:
            x = F.leaky_relu(convolution(x), SLOPE)
        return F.leaky_relu(self.first(x.flatten(1)), SLOPE)


class FrameCritic(nn.Module):
    """How real a frame looks as a frame of this person; higher is realer, without bounds."""

    def __init__(self, size: int, settings: CriticSettings | None = None) -> None:
        super().__init__()
        settings = settings or CriticSettings()
        self.look = _Look(6, size, settings)
        self.last = nn.Linear(settings.hidden, 1)

    def forward(self, frames: Tensor, picture: Tensor) -> Tensor:
        """(N, T) of videos (N, T, 3, S, S) and the pictures (N, 3, S, S) they were made from."""
        n, t = frames.shape[:2]
        both = torch.cat([frames, picture[:, None].expand_as(frames)], 2)  # (N, T, 6, S, S)
        return self.last(self.look(both.flatten(0, 1))).float().unflatten(0, (n, t))[..., 0]


class EmotionCritic(nn.Module):
    """The emotion of a video, or that it is generated: the class after the last emotion.

    The paper trains the same network, without the class of generated videos, as the classifier of
    table II: `fake=False`.
    """

    def __init__(
        self, size: int, emotions: int, settings: CriticSettings | None = None, fake: bool = True
    ) -> None:
        super().__init__()
        settings = settings or CriticSettings()
        self.look = _Look(3, size, settings)
        self.second = nn.Linear(settings.hidden, settings.sequence)
        self.order = nn.LSTM(settings.sequence, settings.sequence, batch_first=True)
        self.last = nn.Linear(settings.sequence, emotions + fake)

    def forward(self, frames: Tensor) -> Tensor:
        """Logits (N, classes) of videos (N, T, 3, S, S), from the last state of the LSTM."""
        n, t = frames.shape[:2]
        seen = F.leaky_relu(self.second(self.look(frames.flatten(0, 1))), SLOPE)
        return self.last(self.order(seen.unflatten(0, (n, t)))[0][:, -1]).float()
