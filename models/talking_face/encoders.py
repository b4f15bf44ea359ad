"""What a video is conditioned on beside speech: picture, emotion, noise (section III-A2 to 4)."""

from __future__ import annotations

from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from models.layers import SLOPE
from models.talking_face.settings import TalkingFaceSettings
from models.talking_face.speech import State


class Portrait(NamedTuple):
    """What is kept of a picture.

    embedding (N, picture); skips: maps (N, widths[i], size / 2^(i + 1), ...) from large to small;
    picture: (N, 3, S, S), itself.
    """

    embedding: Tensor
    skips: tuple[Tensor, ...]
    picture: Tensor


class PictureEncoder(nn.Module):
    """A convolution and a halving for each width, and one that spans what is left.

    The paper halves by nearest neighbours "rather than using strides". Of a convolution's output
    the nearest neighbour keeps every second pixel, which is what a stride of 2 computes: the same
    numbers for a quarter of the work.
    """

    def __init__(self, settings: TalkingFaceSettings) -> None:
        super().__init__()
        convolutions, channels = [], 3
        for width in settings.widths:
            convolutions.append(nn.Conv2d(channels, width, 3, stride=2, padding=1))
            channels = width
        self.convolutions = nn.ModuleList(convolutions)
        self.last = nn.Conv2d(channels, settings.picture, settings.smallest)

    def forward(self, picture: Tensor) -> Portrait:
        """Of pictures (N, 3, S, S) in [-1, 1]."""
        skips, x = [], picture
        for convolution in self.convolutions:
            x = F.leaky_relu(convolution(x), SLOPE)
            skips.append(x)
        return Portrait(F.leaky_relu(self.last(x), SLOPE).flatten(1), tuple(skips), picture)


class EmotionEncoder(nn.Module):
    """Two fully connected layers over the emotions."""

    def __init__(self, settings: TalkingFaceSettings) -> None:
        super().__init__()
        self.first = nn.Linear(len(settings.emotions), settings.emotion)
        self.second = nn.Linear(settings.emotion, settings.emotion)

    def forward(self, emotion: Tensor) -> Tensor:
        """(N, emotion) of weights (N, emotions): 1 for the one that is shown, or a mixture."""
        return F.leaky_relu(self.second(F.leaky_relu(self.first(emotion), SLOPE)), SLOPE)


class NoiseEncoder(nn.Module):
    """An LSTM over numbers drawn for each frame: movement that nothing else tells of."""

    def __init__(self, settings: TalkingFaceSettings) -> None:
        super().__init__()
        self.order = nn.LSTM(settings.noise, settings.noise, batch_first=True)

    def forward(self, noise: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """(N, frames, noise) of numbers (N, frames, noise), and the state after them."""
        return self.order(noise, state)
