"""Series of numbers as overlapping windows of time, and back."""

from __future__ import annotations

import torch
from torch import Tensor


def windows_of(x: Tensor, frames: int, stride: int) -> Tensor:
    """Windows (N, W, frames, d) of x (N, T, d).

    The last one ends with x, so it may begin less than a stride after the one before; what is
    shorter than a window goes on as it ends.
    """
    if x.shape[1] < frames:
        x = torch.cat([x, x[:, -1:].expand(-1, frames - x.shape[1], -1)], 1)
    return x[:, _places(x.shape[1], frames, stride).to(x.device)]


def joined(windows: Tensor, length: int, stride: int) -> Tensor:
    """X (N, length, d) of windows (N, W, frames, d): their mean where they overlap."""
    n, _, frames, width = windows.shape
    at = _places(max(length, frames), frames, stride).to(windows.device).flatten()
    total = windows.new_zeros(n, max(length, frames), width)
    total = total.index_add(1, at, windows.flatten(1, 2))
    counts = torch.bincount(at, minlength=total.shape[1]).to(total)
    return (total / counts[:, None])[:, :length]


def _places(length: int, frames: int, stride: int) -> Tensor:
    """The frames (W, frames) that each window holds."""
    starts = torch.arange(0, length - frames + 1, stride)
    if int(starts[-1]) + frames < length:
        starts = torch.cat([starts, torch.tensor([length - frames])])
    return starts[:, None] + torch.arange(frames)
