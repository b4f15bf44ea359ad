"""The speech encoder (section III-A1): sound in, one vector for each video frame out.

Sound is (N, samples) at 8 kHz in [-1, 1]. Its convolutions hear 43 ms, the context layer 136 ms to
either side of a frame's middle; a long sound is therefore heard in pieces with margins, and the
LSTM's state is carried from piece to piece: the vectors are those of one pass.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch.nn.functional as F
from torch import Tensor, nn

from models.layers import SLOPE
from models.talking_face.settings import SpeechSettings

State = tuple[Tensor, Tensor]  # of an LSTM: hidden and cell, (layers, N, width) each


class SpeechEncoder(nn.Module):
    """Five convolutions over time, context layer, fully connected layer, LSTM."""

    def __init__(self, settings: SpeechSettings) -> None:
        super().__init__()
        self.settings = settings
        convolutions, channels = [], 1
        for one in settings.filters:
            convolutions.append(nn.Conv1d(channels, one.channels, one.kernel, one.stride))
            channels = one.channels
        self.convolutions = nn.ModuleList(convolutions)
        self.join = nn.Linear(channels * (2 * settings.context + 1), settings.width)
        self.order = nn.LSTM(settings.width, settings.width, settings.layers, batch_first=True)

    def forward(self, sound: Tensor) -> Tensor:
        """Vectors (N, frames, width) of a sound (N, frames * hop)."""
        return self.in_order(self.heard(sound, 0, self.frames(sound)))[0]

    def frames(self, sound: Tensor) -> int:
        """Whole video frames of a sound (N, samples)."""
        return sound.shape[1] // self.settings.hop

    def heard(self, sound: Tensor, first: int, last: int) -> Tensor:
        """What each of the frames `first` to `last` (not included) hears: (N, frames, width).

        The same whether frames are asked for together or apart: `first` and `last` are widened
        by what convolutions and context hear, and the surplus is thrown away.
        """
        s = self.settings
        middle = s.every // 2  # of a frame's own steps
        begin, end = first * s.every + middle - s.context, (last - 1) * s.every + middle + s.context
        steps = self._steps(sound, begin, end + 1)  # (N, channels, end - begin + 1)
        width = 2 * s.context + 1
        around = steps.unfold(2, width, s.every)  # (N, channels, frames, width)
        return F.leaky_relu(self.join(around.permute(0, 2, 3, 1).flatten(2)), SLOPE)

    def in_order(self, heard: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """The LSTM over frames (N, frames, width), from a state on; its last state."""
        return self.order(heard, state)

    def _steps(self, sound: Tensor, begin: int, end: int) -> Tensor:
        """Steps `begin` to `end` of the convolutions: (N, channels, end - begin).

        Steps outside of the sound are 0: nothing is heard there.
        """
        s = self.settings
        within = slice(max(0, begin), min(end, -(-sound.shape[1] // s.step)))
        margin = (
            -(-s.reach // s.step) * s.step
        )  # whole steps, so that strides meet the same samples
        start = max(0, within.start * s.step - margin)
        x = sound[:, None, start : within.stop * s.step + margin]
        for one, convolution in zip(s.filters, self.convolutions, strict=True):
            side = (one.kernel - 1) // 2
            x = F.leaky_relu(convolution(_mirrored(x, side)), SLOPE)
        first = within.start - start // s.step
        x = x[:, :, first : first + within.stop - within.start]
        return F.pad(x, (within.start - begin, end - within.stop))


def _mirrored(x: Tensor, side: int) -> Tensor:
    """(N, channels, samples) with `side` more at both ends, mirrored there as far as they go."""
    most = min(side, x.shape[2] - 1)
    return F.pad(F.pad(x, (most, most), mode="reflect"), (side - most, side - most))


def pieces(frames: int, most: int) -> Iterator[tuple[int, int]]:
    """First and last frame (not included) of pieces of `most` frames."""
    for first in range(0, frames, most):
        yield first, min(frames, first + most)


def whole_frames(sound: Tensor, settings: SpeechSettings) -> Tensor:
    """A sound (N, samples) of round(25 * seconds) frames: cut or silent by half a frame at most.

    Raises:
        ValueError: Not even half a frame.
    """
    samples = sound.shape[1]
    frames = round(samples / settings.hop)
    if not frames:
        raise ValueError(
            f"found {1000 * samples / settings.rate:.0f} ms of sound; a video needs at least "
            f"{500 / settings.fps:.0f} ms"
        )
    return F.pad(sound, (0, max(0, frames * settings.hop - samples)))[:, : frames * settings.hop]
