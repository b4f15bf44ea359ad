"""Shifted faces composed of the given picture's own pixels: an addition of mien to Blume 2024.

A decoder draws the whole face anew, and what it does not draw well is lost: pores, hair, the edge
of a lip. Here D(z_m) only says what changes. With x the given picture, r = D(z_0) what the decoder
makes of it unchanged, d = D(z_m) and z_m - z_0:

    trust  t = 1 - exp(-k |d - r|), the change averaged over its surroundings
    moved  x at places that lie t * flow away
    frame  = (1 - t mask) moved + t mask (d + retouch)

flow, mask and retouch are made by a small network that sees x, r, d - r and z_m - z_0. Where the
decoder changes nothing, nothing is trusted: at m = 0 the frame is x. All is continuous in m.
Outside the part of a crop in which faces move (`window`) the frame is x as well.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.context_face.settings import ComposerSettings
from models.context_face.window import Window
from models.layers import SLOPE, Places

QUADS = 16  # maps at half size: four of each colour of the retouch, and of the mask
PLANES = QUADS + 2  # and the flow, along x and y


class Composer(nn.Module):
    """Frames (N, 3, S, S) from given pictures, what a decoder makes of them, and a shift."""

    def __init__(self, settings: ComposerSettings, latent: int, size: int) -> None:
        super().__init__()
        self.settings, self.window = settings, Window.of(size)
        large, middle, small = settings.widths
        self.first = nn.Conv2d(3 * 3 * 4, large, 3, padding=1)
        self.halve = nn.Conv2d(large, middle, 3, stride=2, padding=1)
        self.again = nn.Conv2d(middle, small, 3, stride=2, padding=1)
        self.felt = nn.Linear(latent, small, bias=False)
        self.deep = nn.Conv2d(small, small, 3, padding=1)
        self.deeper = nn.Conv2d(small, small, 3, padding=1)
        self.grow = nn.Conv2d(small, middle, 3, padding=1)  # of doubled maps, as `grow_again`
        self.between = nn.Conv2d(middle, middle, 3, padding=1)
        self.grow_again = nn.Conv2d(middle, large, 3, padding=1)
        self.places = placed(large, self.window.halved()) if settings.places else nn.Identity()
        self.planes = nn.Conv2d(large, PLANES, 3, padding=1)
        self.trust = nn.Parameter(torch.full((2,), settings.trust).log())  # of mask and flow

    def forward(self, given: Tensor, rest: Tensor, drawn: Tensor, shift: Tensor) -> Tensor:
        """Frames near [0, 1] of pictures (N, 3, S, S); shift (N, d): z_m - z_0."""
        planes = self.planes_of(given, rest, drawn, shift)
        trust = self.trust.exp()
        return composed(planes, given, rest, drawn, trust, self.settings, self.window)

    def planes_of(self, given: Tensor, rest: Tensor, drawn: Tensor, shift: Tensor) -> Tensor:
        """What frames are composed by: (N, PLANES, H/2, W/2) of the window of H × W pixels."""
        x = seen(*(self.window.cut(pictures) for pictures in (given, rest, drawn)))
        large = _bent(self.first(x))
        middle = _bent(self.halve(large))
        small = _bent(self.again(middle) + self.felt(shift)[:, :, None, None])
        small = small + self.deeper(_bent(self.deep(small)))
        middle = _bent(self.grow(doubled(small)) + middle)
        middle = _bent(self.between(middle))
        large = _bent(self.grow_again(doubled(middle)) + large)
        return self.planes(self.places(large)).float()


def seen(given: Tensor, rest: Tensor, drawn: Tensor) -> Tensor:
    """What the network sees (N, 36, H/2, W/2): quads of pixels as channels, around 0."""
    return F.pixel_unshuffle(torch.cat([given - 0.5, rest - 0.5, 4 * (drawn - rest)], 1), 2)


def placed(channels: int, window: Window) -> Places:
    """What is learned of each place of maps of a window."""
    return Places(channels, window.size, (window.top, window.bottom, window.left, window.right))


def composed(
    planes: Tensor, given: Tensor, rest: Tensor, drawn: Tensor, trust: Tensor,
    settings: ComposerSettings, window: Window,
) -> Tensor:  # fmt: skip
    """The frames of planes (N, PLANES, H/2, W/2) of a window; trust (2,): k of mask and flow."""
    rest, drawn = window.cut(rest), window.cut(drawn)
    quads, flow = planes.split([QUADS, 2], 1)
    retouch, mask = F.pixel_shuffle(quads, 2).split([3, 1], 1)
    change = F.avg_pool2d((drawn - rest).abs_().mean(1, keepdim=True), 2)
    around, half = settings.around, settings.around // 2
    change = F.avg_pool2d(change, (around, 1), stride=1, padding=(half, 0))
    change = F.avg_pool2d(change, (1, around), stride=1, padding=(0, half))
    sure = 1 - (-trust[:, None, None] * change).exp()  # (N, 2, H/2, W/2)
    sure = sure * window.fade(sure.device)
    smooth = torch.cat([sure[:, :1], sure[:, 1:] * flow.tanh()], 1)
    smooth = F.interpolate(smooth, scale_factor=2.0, mode="bilinear", align_corners=False)
    moved = fetched(given, 2 * settings.reach * smooth[:, 1:], window)
    return window.put(torch.lerp(moved, drawn + retouch, smooth[:, :1] * mask.sigmoid()), given)


def fetched(pictures: Tensor, far: Tensor, window: Window) -> Tensor:
    """The window (N, 3, H, W) of pictures (N, 3, S, S), each pixel from `far` (N, 2, H, W) away.

    The side of a picture is 2 long.
    """
    centre = (2 * torch.arange(window.size, device=far.device) + 1) / window.size - 1
    x, y = centre[window.left : window.right], centre[window.top : window.bottom]
    at = torch.stack([far[:, 0] + x, far[:, 1] + y[:, None]], -1)  # (N, H, W, 2)
    return F.grid_sample(pictures, at, padding_mode="border", align_corners=False)


def doubled(maps: Tensor) -> Tensor:
    """Maps (N, C, H, W) at twice the size, each number four times."""
    return F.interpolate(maps, scale_factor=2.0, mode="nearest")


def _bent(maps: Tensor) -> Tensor:
    return F.leaky_relu(maps, SLOPE)
