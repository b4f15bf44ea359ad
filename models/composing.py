"""Pictures made of another one's pixels: an addition of mien to the papers' generators."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Composed(nn.Module):
    """Frames (T of each picture) from its own pixels, moved, and drawn ones where there are none.

    Frame = mask * drawn + (1 - mask) * picture(x + move(x)): skin and hair keep their grain,
    only what the picture does not show (teeth, wrinkles) has to be drawn. The papers draw all.
    """

    PLANES = 6  # red, green, blue, mask, and how far along x and y

    def __init__(self, reach: float) -> None:
        super().__init__()
        self.reach = reach

    def forward(self, planes: Tensor, picture: Tensor) -> Tensor:
        """Frames (N, T, 3, S, S) from planes (N, T, 6, S, S) and pictures (N, 3, S, S)."""
        n, t, _, height, width = planes.shape
        drawn, mask, move = planes.split([3, 1, 2], 2)
        at = F.affine_grid(
            torch.eye(2, 3, device=planes.device).expand(n * t, 2, 3), [n * t, 3, height, width],
            align_corners=False,
        )  # fmt: skip
        far = 2 * self.reach * move.tanh().flatten(0, 1).permute(0, 2, 3, 1)  # (N * T, S, S, 2)
        source = picture[:, None].expand(-1, t, -1, -1, -1).flatten(0, 1)
        moved = F.grid_sample(source, at + far, padding_mode="border", align_corners=False)
        return torch.lerp(moved.unflatten(0, (n, t)), drawn.tanh(), mask.sigmoid())
