"""Figures of a report, drawn with Matplotlib: the same data give the same bytes.

`mean_ratings` is the figure of Blume et al. (2024, fig. 9): small dots are participants' means,
large dots the means over participants, bars 95 % confidence intervals, stars the comparisons of
the model. Colours are those of Okabe & Ito (2008), which colour-blind readers can tell apart;
levels differ in shape too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures.cells import CellMeans
from analysis.figures.scale import Scale
from analysis.text.words import stars

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")
SHAPES = ("o", "s", "^", "D", "v", "P", "X", "h")
INK, PALE = "#222222", "#8a8a8a"
WIDTH = 6.3  # inches: a text column and a half
PNG_DPI = 200
JITTER = 0.35  # participants' dots, as a share of the room of one level
STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.linewidth": 0.8,
    "axes.titlesize": 9,
    "legend.frameon": False,
    "svg.fonttype": "path",  # looks the same everywhere
    "svg.hashsalt": "mien",  # the same ids in every run
}


@dataclass(frozen=True)
class Picture:
    """A drawn figure, as SVG and as PNG."""

    svg: bytes
    png: bytes


def mean_ratings(
    means: CellMeans,
    x: str,
    colour: str | None,
    levels: dict[str, Sequence[str]],
    scale: Scale,
    tests: dict[str, float],
    rng: np.random.Generator,
) -> Picture:
    """Mean rating by the levels of `x`, one colour per level of `colour`.

    Args:
        means: by (x, colour) or (x,); levels as words.
        x: factor on the axis.
        colour: factor with a colour for each level.
        levels: factor -> its levels in order.
        scale: the response axis.
        tests: level of x -> adjusted p of the difference between the two colours there; without
            colour: "" -> p of the difference between two neighbouring levels of x.
        rng: for the sideways spread of participants' dots.
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 3.8), layout="constrained")
        axes = figure.subplots()
        groups = levels[colour] if colour else [None]
        step = 0.8 / len(groups)
        for g, group in enumerate(groups):
            places = np.arange(len(levels[x])) + (g - (len(groups) - 1) / 2) * step
            _one_colour(axes, means, (x, levels[x]), (colour, group), places, g, step, rng)
        _stars(axes, means, x, levels[x], tests, grouped=colour is not None, step=step)
        _axes_of_scale(axes, scale)
        axes.set_xticks(range(len(levels[x])), levels[x])
        axes.set_xlabel(x)
        axes.set_xlim(-0.6, len(levels[x]) - 0.4)
        if colour:
            figure.legend(title=colour, loc="outside right center")
        return drawn(figure)


def _one_colour(
    axes: Axes, means: CellMeans, x: tuple[str, Sequence[str]], colour: tuple[str | None, Any],
    places: np.ndarray, g: int, step: float, rng: np.random.Generator,
) -> None:  # fmt: skip
    """Dots, means and intervals of one level of the colour factor."""
    ink = COLOURS[g % len(COLOURS)]
    shape = SHAPES[(g + g // len(COLOURS)) % len(SHAPES)]  # a ninth level has another shape
    people, cells = means.people, means.cells
    if colour[0]:
        people = people[people[colour[0]] == colour[1]]
        cells = cells[cells[colour[0]] == colour[1]]
    cells = cells.set_index(x[0]).reindex(x[1])
    for place, level in zip(places, x[1], strict=True):
        own = people[people[x[0]] == level]["mean"].to_numpy(float)
        at = place + (rng.random(len(own)) - 0.5) * step * JITTER * 1.6
        axes.plot(at, own, shape, ms=2.6, mfc=ink, mec="none", alpha=0.35, zorder=1)
    middle = cells["mean"].to_numpy(float)
    error = [middle - cells.low, cells.high - middle]
    axes.errorbar(
        places, middle, error, fmt="none", ecolor=INK, elinewidth=1.3, capsize=5, zorder=3
    )
    label = str(colour[1]) if colour[0] else None
    axes.plot(places, middle, shape, ms=6, mfc=ink, mec="white", mew=0.9, zorder=4, label=label)


def _stars(
    axes: Axes, means: CellMeans, x: str, order: Sequence[str], tests: dict[str, float], *,
    grouped: bool, step: float,
) -> None:  # fmt: skip
    """A bracket with stars above each tested pair."""
    top = means.people["mean"].max()
    room = 0.04 * max(np.ptp(means.people["mean"]), 1.0)
    for i, level in enumerate(order):
        key = level if grouped else ""
        if key not in tests or (not grouped and i):
            continue
        height = means.people[means.people[x] == level]["mean"].max() if grouped else top
        left, right = (i - step / 2, i + step / 2) if grouped else (0.0, 1.0)
        y = height + 1.5 * room
        axes.plot([left, left, right, right], [y - room / 2, y, y, y - room / 2], color=INK, lw=0.8)
        axes.text((left + right) / 2, y + room * 0.3, stars(tests[key]), ha="center", va="bottom")


def _axes_of_scale(axes: Axes, scale: Scale) -> None:
    ends = [end for end in (scale.at_low, scale.at_high) if end]
    words = f"\n({' … '.join(ends)})" if ends else ""
    axes.set_ylabel(f"Mean rating{words}")
    axes.set_yticks(scale.ticks())
    room = 0.3 * scale.length / 8  # as on nine points
    axes.set_ylim(scale.low - room, max(scale.high + room, axes.get_ylim()[1]))
    axes.yaxis.grid(True, color="#e6e6e6", lw=0.6)
    axes.set_axisbelow(True)


def distribution(ratings: pd.Series, scale: Scale) -> Picture:
    """How often each point of the scale, or part of a line, was chosen, in per cent."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH / 2, 2.1), layout="constrained")
        axes = figure.subplots()
        bins, percent = scale.bins(), 100 * scale.shares(ratings)
        width = (0.8 if scale.points else 0.95) * (bins[1].low - bins[0].low)
        axes.bar([one.middle for one in bins], percent, color=COLOURS[0], width=width)
        axes.set(xlabel="Rating", ylabel="Ratings (%)", xticks=scale.ticks())
        return drawn(figure)


def drawn(figure: Figure) -> Picture:
    """A finished figure as SVG and PNG; the same figure gives the same bytes."""
    _settle(figure)
    svg, png = BytesIO(), BytesIO()
    figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
    figure.savefig(png, format="png", dpi=PNG_DPI, metadata={"Software": None})
    return Picture(svg.getvalue(), png.getvalue())


def _settle(figure: Figure) -> None:
    """Lay the axes out once and round where they stand.

    The layout's solver ends in other last digits from run to run, and these would change the file.
    """
    for _ in range(2):  # the first pass does not know yet how wide the tick labels are
        figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for axes in figure.axes:
        left, bottom, width, height = axes.get_position().bounds
        axes.set_position((round(left, 5), round(bottom, 5), round(width, 5), round(height, 5)))
