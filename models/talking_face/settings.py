"""Sizes of the networks of Eskimez et al. 2021: the paper's by default, and mien's."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

EMOTIONS = ("angry", "disgusted", "fearful", "happy", "neutral", "sad")


class Filters(NamedTuple):
    """One convolution over time: channels that come out, samples of a kernel, stride."""

    channels: int
    kernel: int
    stride: int


@dataclass(frozen=True)
class SpeechSettings:
    """From sound to a vector for each video frame (section III-A1)."""

    rate: int = 8_000  # hertz
    filters: tuple[Filters, ...] = (
        Filters(64, 63, 4), Filters(128, 31, 4), Filters(256, 17, 2), Filters(512, 9, 2),
        Filters(16, 1, 1),
    )  # fmt: skip
    context: int = 17  # steps heard before and after a frame's own; of its published code
    every: int = 5  # steps to a video frame
    width: int = 512  # of the fully connected layer and of the LSTM
    layers: int = 2  # of the LSTM

    def __post_init__(self) -> None:
        """Refuse kernels that have no middle, and sounds without whole frames."""
        for number, one in enumerate(self.filters):
            if one.kernel % 2 == 0:
                raise ValueError(f"filters[{number}]: kernel {one.kernel}; give an odd number")
        if self.rate % self.hop:
            raise ValueError(
                f"rate {self.rate}: not a multiple of the {self.hop} samples of a video frame"
            )

    @property
    def step(self) -> int:
        """Samples between two steps of the convolutions."""
        return math.prod(one.stride for one in self.filters)

    @property
    def hop(self) -> int:
        """Samples of a video frame."""
        return self.step * self.every

    @property
    def reach(self) -> int:
        """Samples to either side that a step of the convolutions hears."""
        stride, reach = 1, 0
        for one in self.filters:
            reach += (one.kernel - 1) // 2 * stride
            stride *= one.stride
        return reach

    @property
    def fps(self) -> int:
        """Video frames a second."""
        return self.rate // self.hop


@dataclass(frozen=True)
class TalkingFaceSettings:
    """The generator (section III-A)."""

    size: int = 128  # pixels a side
    speech: SpeechSettings = SpeechSettings()
    widths: tuple[int, ...] = (64, 128, 256, 512, 512)  # of the picture's convolutions; each halves
    picture: int = 512  # of the picture's embedding
    emotions: tuple[str, ...] = EMOTIONS
    emotion: int = 512  # of an emotion's embedding
    noise: int = 128  # numbers drawn for a frame, and of their embedding; of the published code
    hidden: int = 2048  # of the first of the decoder's two fully connected layers
    last_kernel: int = 7  # of the convolution that makes pixels; of the published code
    warped: bool = False  # an addition of mien: see `models.composing`
    reach: float = 0.12  # farthest that a warped frame fetches a pixel, of the picture's side

    def __post_init__(self) -> None:
        """Refuse what cannot be built."""
        halvings = 2 ** len(self.widths)
        if self.size % halvings or self.size < halvings:
            raise ValueError(
                f"size {self.size} cannot be halved {len(self.widths)} times; give a multiple of "
                f"{halvings}"
            )
        if len(set(self.emotions)) != len(self.emotions):
            raise ValueError("emotions: one stands twice; give each once")

    @property
    def smallest(self) -> int:
        """Pixels a side after the last halving."""
        return self.size // 2 ** len(self.widths)


@dataclass(frozen=True)
class CriticSettings:
    """Frame and emotion discriminators (section III-B, III-C)."""

    widths: tuple[int, ...] = (64, 128, 256, 512, 512)
    hidden: int = 2048  # of the first fully connected layer; of the published code
    sequence: int = 512  # of the emotion discriminator's LSTM, likewise


PAPER = TalkingFaceSettings()

# mien's own: weights below 16 MB, and frames made from the picture's pixels
SHIPPED = TalkingFaceSettings(
    speech=replace(
        SpeechSettings(), width=256,
        filters=(Filters(32, 63, 4), Filters(64, 31, 4), Filters(128, 17, 2), Filters(128, 9, 2),
                 Filters(16, 1, 1)),
    ),
    widths=(32, 64, 128, 192, 256), picture=256, emotion=64, noise=32, hidden=384, last_kernel=3,
    warped=True,
)  # fmt: skip
