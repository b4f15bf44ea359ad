"""How a corpus is prepared: the only defaults there are, and where a face lies in its crop.

A crop is square, `size` pixels wide. Both eyes lie on fixed points of it, at
(0.5 ∓ `eye_span` / 2, `eye_line`) of its width and height. With a span of 0.28 and the line at 0.38
a crop reaches from above the hairline to below the chin of a mouth wide open, and to both ears.
Points are (x, y) in pixels from the left upper corner of the picture, whose first pixel has its
centre at (0.5, 0.5). The eyes come in the order of the picture, left first.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from protocols.errors import UserError

VERSION = "2"  # changes whenever the arrays of the same corpus would
SIZES, RATES, AUDIO_RATES = (32, 1024), (1.0, 120.0), (4_000, 96_000)
MOST_APART = 1000  # frames, of `every` and `detect_every`


@dataclass(frozen=True)
class ArraySettings:
    """Settings of a preparation.

    Attributes:
        size: of a crop, pixels.
        rate: frames a second to which videos are brought, each moment showing the nearest frame;
            0 takes every frame as filmed.
        every: of these frames only each K-th is kept.
        detect_every: of the frames kept, faces are looked for in each K-th; between them eyes and
            landmarks move in straight lines.
        audio_rate: samples a second; 0 leaves the sound out.
        eye_line, eye_span: height of the eyes and distance between them, of the crop's width.
        smooth_s: standard deviation over which the eyes of a video are smoothed in time, second.
        gap_s: the longest time without a face that is bridged; longer, its frames are left out.
        rival: a second face counts if it is larger than this share of the largest.
        rivals: a video is left out if more than this share of its frames has two faces.
        least_eyes: distance between the eyes below which a face is too small, pixels of the source.
        silent_db: a sound that never exceeds this level is silent, dB of full scale.
    """

    size: int = 128
    rate: float = 25.0
    every: int = 1
    detect_every: int = 1
    audio_rate: int = 22_050
    eye_line: float = 0.38
    eye_span: float = 0.28
    smooth_s: float = 0.04
    gap_s: float = 0.2
    rival: float = 0.5
    rivals: float = 0.1
    least_eyes: float = 10.0
    silent_db: float = -60.0

    def __post_init__(self) -> None:
        """Refuse settings that nothing can be prepared with."""
        _within("size", self.size, *SIZES, "pixels")
        if self.rate:
            _within("rate", self.rate, *RATES, "frames a second, or 0: as filmed")
        if self.audio_rate:
            _within("audio-rate", self.audio_rate, *AUDIO_RATES, "samples a second, or 0: no sound")
        _within("every", self.every, 1, MOST_APART, "frames")
        _within("detect-every", self.detect_every, 1, MOST_APART, "frames")
        _within("eye_line", self.eye_line, 0.1, 0.9, "of the crop")
        _within("eye_span", self.eye_span, 0.1, 0.8, "of the crop")

    @property
    def eyes(self) -> np.ndarray:
        """The fixed points (2, 2) of the eyes in a crop, pixels."""
        half = self.eye_span / 2
        return self.size * np.array([[0.5 - half, self.eye_line], [0.5 + half, self.eye_line]])

    def words(self) -> dict[str, Any]:
        """Every setting, for the record."""
        return asdict(self)


def _within(name: str, value: float, low: float, high: float, unit: str) -> None:
    if not low <= value <= high:
        raise UserError(f"{name}: found {value:g}; accepted: {low:g} to {high:g} {unit}")
