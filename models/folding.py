"""Convolutions rewritten for use, not for training: the same results up to rounding, in less time.

A doubling (nearest neighbour) and a convolution after it are one smaller convolution at the small
size that makes the four pixels of each quad: for 3 × 3 16 products a quad instead of 36, for 7 × 7
64 instead of 196.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# A single input of up to so many numbers takes another way through PyTorch on a CPU, with other
# last digits; two of it do not.
ALONE = 20_480


class FixedConv(nn.Module):
    """A convolution whose weight is given, the same numbers whatever the size of the batch."""

    weight: Tensor
    bias: Tensor | None

    def __init__(
        self, weight: Tensor, bias: Tensor | None, stride=1, padding=0, dilation=1
    ) -> None:
        super().__init__()
        self.register_buffer("weight", weight.detach().clone())
        self.register_buffer("bias", None if bias is None else bias.detach().clone())
        self.place = {"stride": stride, "padding": padding, "dilation": dilation}

    def forward(self, x: Tensor) -> Tensor:
        """(N, in, H, W) to (N, out, H', W')."""
        if len(x) == 1 and x.numel() <= ALONE:
            return self(x.expand(2, -1, -1, -1))[:1]
        return F.conv2d(x, self.weight, self.bias, **self.place)


def after_doubling(weight: Tensor, bias: Tensor | None) -> FixedConv:
    """Conv k × k (out, in, k, k) of a doubled picture, k 3 or 7, as a conv before the doubling.

    A pixel at the upper of two rows sees (k + 1) / 2 small rows, one at the lower as many, one row
    further down. Columns likewise. Its output is for `joined`.

    Raises:
        ValueError: Another k.
    """
    size = weight.shape[-1]
    if size not in (3, 7):
        raise ValueError(f"a kernel of {size}; 3 or 7 can be taken before a doubling")
    fold = weight.new_zeros(2, (size + 1) // 2, size)
    for phase in (0, 1):
        first = (phase - size // 2) // 2
        for tap in range(size):
            fold[phase, (phase + tap - size // 2) // 2 - first, tap] = 1
    quads = torch.einsum("pru,qsv,oiuv->pqoirs", fold, fold, weight.detach()).flatten(0, 2)
    return FixedConv(quads, None if bias is None else bias.repeat(4), padding=(size + 1) // 4)


def joined(quads: Tensor) -> Tensor:
    """Four pixels as channels (N, 4 C, h + 1, w + 1) to one picture (N, C, 2 h, 2 w).

    Output i of `after_doubling` is the upper pixel of row i and the lower one of row i - 1.
    """
    n, channels, height, width = quads.shape
    h, w = height - 1, width - 1
    picture = torch.empty(
        (n, channels // 4, 2 * h, 2 * w), dtype=quads.dtype, device=quads.device,
        memory_format=torch.channels_last,
    )  # fmt: skip
    for number, part in enumerate(quads.chunk(4, dim=1)):
        lower, right = divmod(number, 2)
        picture[:, :, lower::2, right::2] = part[:, :, lower : lower + h, right : right + w]
    return picture
