"""The video decoder for use, not for training: the same frames up to rounding, in less time.

The picture's share of each layer is computed once for a video (decoder.py); here, too, every
doubling and the convolution after it become one convolution at the small size (models.folding).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.folding import FixedConv, after_doubling, joined
from models.layers import SLOPE
from models.talking_face.decoder import Still, VideoDecoder


class FastDecoder(nn.Module):
    """What a `VideoDecoder` gives for the same input, in a precision of its convolutions."""

    def __init__(self, decoder: VideoDecoder, precision: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.given, self.precision = decoder, precision
        first, *others = decoder.layers
        assert isinstance(first.moving, nn.Conv2d)
        self.first = FixedConv(first.moving.weight, None, padding=1)
        self.others = nn.ModuleList(after_doubling(one.moving.weight, None) for one in others)
        last = decoder.picture
        if decoder.composed is None:
            self.last = after_doubling(last.weight, last.bias)
        else:
            self.last = FixedConv(last.weight, last.bias, padding=last.padding)
        for part in (self.first, *self.others, self.last):
            part.to(precision, memory_format=torch.channels_last)

    def forward(self, embeddings: Tensor, still: Still) -> Tensor:
        """Frames (N, T, 3, S, S) in [-1, 1] from all embeddings (N, T, sum of their widths)."""
        n, given = len(embeddings), self.given
        x = F.leaky_relu(given.first(embeddings.flatten(0, 1)), SLOPE)
        x = F.leaky_relu(given.second(x), SLOPE).unflatten(1, given.start)
        x = x.to(self.precision, memory_format=torch.channels_last)
        first, *shares = still.maps
        x = _with(self.first(x), first)
        for layer, share in zip(self.others, shares, strict=True):
            x = _with(joined(layer(x)), share)
        if given.composed is None:
            return joined(self.last(x)).float().tanh().unflatten(0, (n, -1))
        planes = F.pixel_shuffle(self.last(x).float(), 2).unflatten(0, (n, -1))
        return given.composed(planes, still.picture.float())


def _with(moved: Tensor, share: Tensor) -> Tensor:
    """Maps (N * T, width, H, W) and the picture's share (N, width, H, W), added and bent."""
    frames = moved.unflatten(0, (len(share), -1)).add_(share[:, None].to(moved.dtype))
    return F.leaky_relu_(frames.flatten(0, 1), SLOPE)
