"""How near a picture is to another: PSNR and SSIM, of a whole crop or of a part of it.

Pictures are (N, 3, H, W) in [0, 1]. PSNR takes all three channels; SSIM takes luma (BT.601), as its
authors did, with a Gaussian window of 11 × 11 pixels and standard deviation 1.5.

Source: Wang, Bovik, Sheikh & Simoncelli (2004), IEEE Trans. Image Processing 13, 600-612.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

WINDOW, SIGMA = 11, 1.5  # pixels
K1, K2 = 0.01, 0.03  # shares of the range, squared to C1 and C2
LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True)
class Region:
    """A box of a picture, in shares of its width and height."""

    left: float
    top: float
    right: float
    bottom: float

    def within(self, maps: Tensor) -> Tensor:
        """The part of maps (..., H, W) whose pixels have their centre in the box."""
        height, width = maps.shape[-2:]
        rows = slice(round(self.top * height), round(self.bottom * height))
        return maps[..., rows, round(self.left * width) : round(self.right * width)]


WHOLE = Region(0.0, 0.0, 1.0, 1.0)


def psnr(x: Tensor, y: Tensor, region: Region = WHOLE) -> Tensor:
    """Peak signal-to-noise ratio (N,) in dB: -10 log10 of the mean squared difference.

    Infinite for identical pictures.
    """
    return -10 * region.within((x - y) ** 2).mean((1, 2, 3)).log10()


def ssim(x: Tensor, y: Tensor, region: Region = WHOLE) -> Tensor:
    """Structural similarity (N,): the mean of its map over a region; 1 for identical pictures.

    Only places whose window lies inside the picture count, as in the authors' code.
    """
    edge = WINDOW // 2
    padded = F.pad(ssim_map(x, y), 4 * [edge], value=torch.nan)
    return region.within(padded).nanmean((1, 2))


def ssim_map(x: Tensor, y: Tensor, dtype: torch.dtype = torch.float64) -> Tensor:
    """Structural similarity (N, H - 10, W - 10) at each place of the window (eq. 13).

    In double precision, for variances are small differences; a loss may do with less.
    """
    a, b = (_luma(picture.to(dtype)) for picture in (x, y))
    mean_a, mean_b, square_a, square_b, product = _blurred(torch.stack([a, b, a * a, b * b, a * b]))
    var_a, var_b, both = square_a - mean_a**2, square_b - mean_b**2, product - mean_a * mean_b
    light = (2 * mean_a * mean_b + K1**2) / (mean_a**2 + mean_b**2 + K1**2)
    return light * (2 * both + K2**2) / (var_a + var_b + K2**2)


def _luma(pictures: Tensor) -> Tensor:
    """(N, 3, H, W) to (N, H, W)."""
    weights = torch.tensor(LUMA, dtype=pictures.dtype, device=pictures.device)
    return torch.einsum("nchw,c->nhw", pictures, weights)


def _blurred(maps: Tensor) -> Tensor:
    """Means of (..., H, W) under the window, where it lies inside: (..., H - 10, W - 10).

    The window is a product of two bells, so two products with banded matrices do it; on a
    processor they take a quarter of the time of convolutions over single channels.
    """
    height, width = maps.shape[-2:]
    return _bells(height, maps) @ maps @ _bells(width, maps).T


def _bells(size: int, like: Tensor) -> Tensor:
    """(size - 10, size): each row a bell of sum 1, a place further than the last."""
    at = torch.arange(WINDOW, dtype=like.dtype, device=like.device) - WINDOW // 2
    bell = torch.exp(-(at**2) / (2 * SIGMA**2))
    rows = F.pad(bell / bell.sum(), (0, size - WINDOW)).expand(size - WINDOW + 1, -1)
    places = torch.arange(size, device=like.device)
    starts = torch.arange(size - WINDOW + 1, device=like.device)[:, None]
    return rows.gather(1, (places - starts) % size)
