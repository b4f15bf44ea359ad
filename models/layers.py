"""Layers that several networks share."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SLOPE = 0.2  # of every leaky ReLU


class ResidualBlock(nn.Module):
    """conv 3 × 3, BN, LReLU, conv 3 × 3, BN, + input, LReLU (Blume 2024, section 3.1).

    The input passes a 1 × 1 convolution where the number of channels changes. (N, channels, H, W)
    in, (N, out, H, W) out.
    """

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, out, 3, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(out)
        self.second = nn.Conv2d(out, out, 3, padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(out)
        self.widen = nn.Conv2d(channels, out, 1, bias=False) if channels != out else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Blocks keep height and width."""
        inner = F.leaky_relu(self.first_norm(self.first(x)), SLOPE)
        inner = self.second_norm(self.second(inner))
        return F.leaky_relu(inner + self.widen(x), SLOPE)


class Places(nn.Module):
    """Maps (N, channels, H, W) with what is learned of each place: x * (1 + gain) + shift.

    Convolutions know no places (Liu 2018), but in crops whose eyes lie where they were put, what is
    finer than a mouth does: teeth stand in nearly the same columns in everybody. Without it they
    become a white band. Of places outside the middle of a picture nothing is learned.
    """

    MIDDLE = (0.2, 0.9, 0.2, 0.8)  # top, bottom, left, right, in shares of the picture

    def __init__(
        self, channels: int, size: int, cut: tuple[int, int, int, int] | None = None
    ) -> None:
        """cut: top, bottom, left, right of what is given of maps of this size; None: all."""
        super().__init__()
        first, last, start, end = cut or (0, size, 0, size)
        top, bottom, left, right = (round(size * share) for share in self.MIDDLE)
        shape = channels, bottom - top, right - left
        self.top, self.left = top - first, left - start
        self.around = (self.left, end - right, self.top, last - bottom)
        self.gain = nn.Parameter(torch.zeros(shape))
        self.shift = nn.Parameter(torch.zeros(shape))

    def forward(self, x: Tensor) -> Tensor:
        """As many maps as there were."""
        gain, shift = (F.pad(maps, self.around) for maps in (self.gain, self.shift))
        return torch.addcmul(x + shift, x, gain)


class HalvingMaps(nn.Module):
    """Convolutions that halve, each normalised in groups: what pictures are compared by.

    A network that is trained to tell something adds its own heads behind the last maps.
    """

    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__()
        convolutions, norms, channels = [], [], 3
        for width in widths:
            convolutions.append(nn.Conv2d(channels, width, 3, stride=2, padding=1))
            norms.append(nn.GroupNorm(8, width))
            channels = width
        self.convolutions, self.norms = nn.ModuleList(convolutions), nn.ModuleList(norms)

    def features(self, pictures: Tensor) -> list[Tensor]:
        """Maps of each layer of pictures (N, 3, S, S) in [-1, 1], from large to small."""
        found, x = [], pictures
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            x = F.leaky_relu(norm(convolution(x)), SLOPE)
            found.append(x)
        return found


def begin(network: nn.Module, generator: torch.Generator, *, lively: bool = False) -> None:
    """Draw every weight uniformly from ±1 / sqrt(3 fan_in), biases 0, in a fixed order.

    lively: from ±sqrt(6 / (1 + SLOPE²) / fan_in) instead (He 2015), with which signals keep their
    size from one leaky ReLU to the next where nothing normalises them: without it a critic of six
    such layers stays at chance for hundreds of steps.

    fan_in: inputs that one output sums over. Weights of LSTMs: from ±1 / sqrt(width). The same
    generator gives the same network whatever else draws random numbers in the process.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv1d | nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            fan_in = _fan_in(module)
            bound = math.sqrt(6 / (1 + SLOPE**2) / fan_in) if lively else 1 / math.sqrt(3 * fan_in)
            with torch.no_grad():
                module.weight.uniform_(-bound, bound, generator=generator)
                if module.bias is not None:
                    module.bias.zero_()
        elif isinstance(module, nn.LSTM):
            for name, values in module.named_parameters():
                bound = 0.0 if "bias" in name else 1 / math.sqrt(module.hidden_size)
                with torch.no_grad():
                    values.uniform_(-bound, bound, generator=generator)


def _fan_in(module: nn.Module) -> float:
    """Inputs that one output of a layer sums over."""
    if isinstance(module, nn.ConvTranspose2d):  # weights (in, out, ...); a stride leaves gaps
        return module.weight[:, 0].numel() / math.prod(module.stride)
    assert isinstance(module, nn.Conv1d | nn.Conv2d | nn.Linear)
    return module.weight[0].numel()


def sized(pictures: Tensor, size: int) -> Tensor:
    """Square pictures (N, 3, ., .) at another size, in the same range."""
    if pictures.shape[-1] == size:
        return pictures
    return F.interpolate(pictures, size=(size, size), mode="bilinear", antialias=True)


def quieten(network: nn.Module) -> None:
    """Begin every residual block as what it passes by: its last normalisation multiplies by 0."""
    for module in network.modules():
        if isinstance(module, ResidualBlock):
            nn.init.zeros_(module.second_norm.weight)


def size_of(network: nn.Module) -> int:
    """Parameters of a network."""
    return sum(p.numel() for p in network.parameters())
