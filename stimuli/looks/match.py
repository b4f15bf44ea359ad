"""Luminance and contrast made equal over pictures, inside the mask, as SHINE does.

Mean and standard deviation: Willenbockel et al. (2010), lumMatch. Histograms: exact histogram
specification (Coltuc, Bolon & Chassery 2006). All numbers are grey levels 0…255. What counts are
the pixels as they are written: rounding and cutting to 0…255 shift mean and standard deviation, so
the aim is corrected until the written pixels reach the target.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.ndimage import uniform_filter

from protocols.looks import Match
from stimuli.looks.light import WHITE, as_pixels, grey_levels, with_grey_levels

LEVELS = 256
ROUNDS = 25  # corrections of the aim at most
CLOSE = 0.02  # grey levels from the target at which no more is corrected
STEEPEST = 20.0  # largest factor on the contrast


@dataclass(frozen=True)
class Target:
    """What every picture is brought to; None stays as it is. `histogram`: 256 counts."""

    mean: float | None = None
    sd: float | None = None
    histogram: tuple[int, ...] | None = None

    def missed_by(self, mean: float, sd: float) -> float:
        """How far a picture's mean or SD is from the target, whichever is farther."""
        pairs = ((self.mean, mean), (self.sd, sd))
        return max((abs(wanted - found) for wanted, found in pairs if wanted is not None),
                   default=0.0)  # fmt: skip


def measured(picture: np.ndarray, inside: np.ndarray, match: Match) -> dict[str, Any]:
    """Mean and SD of a picture before matching, and its histogram if that is matched."""
    grey = grey_levels(picture)[inside]
    facts: dict[str, Any] = {"mean": float(grey.mean()), "sd": float(grey.std())}
    if match.what == "histogram":
        levels = np.rint(np.clip(grey, 0, WHITE)).astype(int)
        facts["histogram"] = np.bincount(levels, minlength=LEVELS).tolist()
    return facts


def target_of(match: Match, pictures: Sequence[Mapping[str, Any]]) -> Target:
    """The target of a set from the measures of its pictures, whatever their order.

    Means and standard deviations are averaged. So are histograms, as levels of equal rank (the
    darkest pixel, the next, ...): their sum would turn differences between pictures in mean into
    contrast of every picture.
    """

    def average(name: str) -> float:
        return math.fsum(picture[name] for picture in pictures) / len(pictures)

    if match.what == "histogram":
        pixels = max(sum(picture["histogram"]) for picture in pictures)
        total = np.zeros(pixels, np.int64)
        for picture in pictures:
            total += np.repeat(np.arange(LEVELS), shares(picture["histogram"], pixels))
        levels = np.rint(total / len(pictures)).astype(int)
        return Target(histogram=tuple(np.bincount(levels, minlength=LEVELS).tolist()))
    mean = average("mean") if match.mean == "set" else float(match.mean)
    if match.what == "mean":
        return Target(mean)
    return Target(mean, average("sd") if match.sd == "set" else float(match.sd))


def matched(
    picture: np.ndarray, inside: np.ndarray, target: Target
) -> tuple[np.ndarray, np.ndarray]:
    """The picture brought to the target inside the mask, and the grey levels that it would need.

    picture (height, width, channels), inside (height, width). Grey levels (height, width) beyond
    0…255 are those that are cut.
    """
    if target.histogram is not None:
        levels = with_histogram(grey_levels(picture), inside, target.histogram)
        return levels[..., None], levels
    if target.mean is None:
        return picture, grey_levels(picture)
    grey = grey_levels(picture)
    mean, sd = float(grey[inside].mean()), float(grey[inside].std())
    wanted_sd = sd if target.sd is None or sd < 1e-9 else target.sd
    aim_mean, aim_sd = target.mean, wanted_sd
    best: tuple[float, np.ndarray, np.ndarray] | None = None
    for _ in range(ROUNDS):
        gain = min(aim_sd / sd, STEEPEST) if sd >= 1e-9 else 1.0
        levels = aim_mean + gain * (grey - mean)
        made = with_grey_levels(picture, levels)
        written = grey_levels(as_pixels(made).astype(np.float64))[inside]
        now_mean, now_sd = float(written.mean()), float(written.std())
        off = target.missed_by(now_mean, now_sd)
        if best is None or off < best[0]:
            best = off, made, levels
        if off < CLOSE:
            break
        aim_mean += target.mean - now_mean
        if target.sd is not None and now_sd > 0:
            aim_sd *= wanted_sd / now_sd
    assert best is not None
    return best[1], best[2]


def with_histogram(grey: np.ndarray, inside: np.ndarray, counts: Sequence[int]) -> np.ndarray:
    """Grey levels (height, width) whose histogram inside the mask is that of `counts` (256).

    Pixels are put in strict order: by their level, among equals by the mean of 3 x 3, then of
    5 x 5 pixels around, then by place. Outside the mask levels follow the same curve.
    """
    around = [uniform_filter(grey, size, mode="nearest")[inside] for size in (5, 3)]
    order = np.lexsort((*around, grey[inside]))
    wanted = np.repeat(np.arange(LEVELS, dtype=np.float64), shares(counts, len(order)))
    ranked = grey[inside][order]
    levels = np.interp(grey, ranked, wanted)
    values = np.empty(len(order))
    values[order] = wanted
    levels[inside] = values
    return levels


def shares(counts: Sequence[int], pixels: int) -> np.ndarray:
    """So many pixels dealt to the levels in proportion to `counts`, by largest remainders."""
    exact = np.asarray(counts, np.float64) * pixels / sum(counts)
    dealt = np.floor(exact).astype(int)
    rest = np.argsort(dealt - exact, kind="stable")[: pixels - dealt.sum()]
    dealt[rest] += 1
    return dealt
