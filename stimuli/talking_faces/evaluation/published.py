"""What Eskimez et al. (2021) printed: tables I and II.

Source: S. E. Eskimez, Y. Zhang, Z. Duan, Speech Driven Talking Face Generation from a Single Image
and an Emotion Condition (2021), section IV-C. CREMA-D, test actors.
"""

from __future__ import annotations

from typing import NamedTuple

SOURCE = "Eskimez et al. (2021)"
CORPUS = "CREMA-D"


class Quality(NamedTuple):
    """A row of table I."""

    method: str
    psnr: float  # dB
    ssim: float
    nlmd: float


class Recognised(NamedTuple):
    """A row of table II, per cent."""

    data: str
    accuracy: float
    f1: float


QUALITY = (
    Quality("Vougioukas et al. (baseline of the paper)", 29.64, 0.82, 0.124),
    Quality("Eskimez et al.", 30.91, 0.85, 0.113),
)
RECOGNISED = (Recognised("real", 62.71, 62.39), Recognised("generated", 65.67, 66.65))
