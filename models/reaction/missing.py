"""Voices and faces that are missing, for a whole clip or for a while.

Hu et al. (2024) drop a whole modality; what a microphone or a camera loses is often a few seconds.
So missing is told frame by frame: masks (N, T), True where there is something.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from models.reaction.attributes import RATE


@dataclass(frozen=True)
class DroppingSettings:
    """What is dropped in training, which the paper leaves open.

    The table of the paper asks for whole clips, users have gaps: half and half. `nothing` is small,
    because without a speaker there is little to learn but how people look when they listen.
    """

    whole: float = 0.5  # share of the clips of which a modality is missing altogether
    gaps: int = 2  # in each of the others
    gap_s: tuple[float, float] = (0.4, 4.0)  # shortest and longest
    nothing: float = 0.15  # share of the clips of which then the other one is missing, too


def given(x: Tensor, there: Tensor) -> Tensor:
    """Values (N, T, d), 0 where nothing is there: whatever stood in those frames is not seen."""
    return torch.where(there[..., None], x, torch.zeros((), dtype=x.dtype, device=x.device))


def dropped(
    n: int, frames: int, settings: DroppingSettings, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Masks (n, frames) of the modality that is dropped, and of the other one.

    Of the other one, frames are missing only where the first is missing as well.
    """
    whole = torch.rand(n, generator=generator) < settings.whole
    there = with_gaps(n, frames, settings, generator) & ~whole[:, None]
    nothing = torch.rand(n, generator=generator) < settings.nothing
    return there, there | ~nothing[:, None]


def with_gaps(
    n: int, frames: int, settings: DroppingSettings, generator: torch.Generator
) -> Tensor:
    """Masks (n, frames), each with gaps of a length and at a place drawn by chance."""
    low, high = (RATE * s for s in settings.gap_s)
    length = low + (high - low) * torch.rand(n, settings.gaps, 1, generator=generator)
    middle = frames * torch.rand(n, settings.gaps, 1, generator=generator)
    away = (torch.arange(frames) + 0.5 - middle).abs()  # (n, gaps, frames)
    return (away > length / 2).all(1)
