"""The window of a crop in which faces move: an addition of mien.

Crops have their eyes where they were put, so hair, ears, wall and shoulders lie at the same edges
in all of them, and no expression moves these. The composer neither looks nor draws there, which
saves it a third of its time.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

EDGES = (0.125, 1.0, 0.125, 0.875)  # top, bottom, left, right, in shares of the crop
WHOLE = 8  # edges lie at whole numbers of so many pixels, so that windows can be halved thrice
FADE = 8  # pixels over which a frame becomes the given picture, at edges inside the crop


@dataclass(frozen=True)
class Window:
    """Rows and columns of pictures (..., size, size)."""

    size: int
    top: int
    bottom: int
    left: int
    right: int

    @staticmethod
    def of(size: int) -> Window:
        """The window of crops of a size."""
        return Window(size, *(round(size * edge / WHOLE) * WHOLE for edge in EDGES))

    def cut(self, maps: Tensor) -> Tensor:
        """Maps (..., size, size) inside the window: a view (..., height, width)."""
        return maps[..., self.top : self.bottom, self.left : self.right]

    def put(self, inside: Tensor, pictures: Tensor) -> Tensor:
        """Pictures (..., size, size) with others (..., height, width) in the window."""
        whole = pictures.clone()
        self.cut(whole)[:] = inside
        return whole

    def halved(self) -> Window:
        """The same window of maps at half the size."""
        return Window(*(edge // 2 for edge in (
            self.size, self.top, self.bottom, self.left, self.right,
        )))  # fmt: skip

    def fade(self, device: torch.device) -> Tensor:
        """How much a change counts, at half size (height / 2, width / 2): 0 at edges, 1 inside."""
        half = self.halved()
        down, across = (
            _risen(*edges, half.size, device)
            for edges in ((half.top, half.bottom), (half.left, half.right))
        )
        return down[:, None] * across


def _risen(first: int, end: int, size: int, device: torch.device) -> Tensor:
    """From 0 at `first` to 1, and to 0 at `end` - 1; an edge of the crop itself is none."""
    at, far = torch.arange(end - first, device=device), FADE // 2
    up = at / far if first > 0 else torch.ones_like(at)
    down = at.flip(0) / far if end < size else torch.ones_like(at)
    return torch.minimum(up, down).clamp(max=1.0)
