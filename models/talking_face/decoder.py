"""The video decoder (section III-A5): embeddings and the picture's maps to frames."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.composing import Composed
from models.layers import SLOPE
from models.talking_face.encoders import Portrait
from models.talking_face.settings import TalkingFaceSettings


class Still(NamedTuple):
    """What does not change within a video.

    maps: of the decoder's sums what depends on the picture alone, (N, width, ...) a layer;
    picture: (N, 3, S, S).
    """

    maps: tuple[Tensor, ...]
    picture: Tensor

    def for_all(self, n: int) -> Still:
        """Of one picture, for n videos of it; nothing is copied."""
        return Still(
            tuple(one.expand(n, -1, -1, -1) for one in self.maps),
            self.picture.expand(n, -1, -1, -1),
        )


class SkipConv(nn.Module):
    """A 3 × 3 convolution over moving maps and a picture's, as if they were concatenated.

    The sum over channels is taken apart: the picture's share is the same in all frames of a
    video, and computed once.
    """

    def __init__(self, moving: int, still: int, out: int) -> None:
        super().__init__()
        self.moving = nn.Conv2d(moving, out, 3, padding=1, bias=False)
        self.still = nn.Conv2d(still, out, 3, padding=1)

    def forward(self, x: Tensor, share: Tensor) -> Tensor:
        """Maps (N * T, moving, H, W) and the picture's share (N, out, H, W): (N * T, out, H, W)."""
        moved = self.moving(x).unflatten(0, (len(share), -1))  # (N, T, out, H, W)
        return F.leaky_relu(moved + share[:, None], SLOPE).flatten(0, 1)


class VideoDecoder(nn.Module):
    """Two fully connected layers, then at each size a convolution and a doubling."""

    def __init__(self, settings: TalkingFaceSettings) -> None:
        super().__init__()
        small = settings.widths[-1]
        joined = settings.speech.width + settings.picture + settings.noise + settings.emotion
        self.start = (small, settings.smallest, settings.smallest)
        self.first = nn.Linear(joined, settings.hidden)
        self.second = nn.Linear(settings.hidden, small * settings.smallest**2)
        layers, channels = [], small
        for width in reversed(settings.widths):
            layers.append(SkipConv(channels, width, width))
            channels = width
        self.layers = nn.ModuleList(layers)
        self.composed = Composed(settings.reach) if settings.warped else None
        planes = 4 * Composed.PLANES if settings.warped else 3
        side = settings.last_kernel // 2
        self.picture = nn.Conv2d(channels, planes, settings.last_kernel, padding=side)

    def still(self, portrait: Portrait) -> Still:
        """The picture and its share of every layer, from small maps to large ones."""
        layers = zip(self.layers, reversed(portrait.skips), strict=True)
        return Still(tuple(layer.still(skip) for layer, skip in layers), portrait.picture)

    def forward(self, joined: Tensor, still: Still) -> Tensor:
        """Frames (N, T, 3, S, S) in [-1, 1] from all embeddings (N, T, sum of their widths)."""
        n = len(joined)
        x = F.leaky_relu(self.first(joined.flatten(0, 1)), SLOPE)
        x = F.leaky_relu(self.second(x), SLOPE).unflatten(1, self.start)  # (N * T, width, 4, 4)
        x = x.contiguous(memory_format=torch.channels_last)
        *layers, last = zip(self.layers, still.maps, strict=True)
        for layer, share in layers:
            x = F.interpolate(layer(x, share), scale_factor=2)  # nearest
        x = last[0](x, last[1])
        if self.composed is None:
            x = self.picture(F.interpolate(x, scale_factor=2))
            return x.float().tanh().unflatten(0, (n, -1))
        planes = F.pixel_shuffle(self.picture(x).float(), 2)  # four times the planes at half size
        return self.composed(planes.unflatten(0, (n, -1)), still.picture.float())
