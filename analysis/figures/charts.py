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
from scipy import stats

from analysis.figures.cells import CellMeans
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


@dataclass(frozen=True)
class Scale:
    """The response axis: 1…points, what is asked, and the words at its ends."""

    question: str
    points: int
    low: str = ""
    high: str = ""


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
    ends = [end for end in (scale.low, scale.high) if end]
    words = f"\n({' … '.join(ends)})" if ends else ""
    axes.set_ylabel(f"Mean rating{words}")
    axes.set_yticks(range(1, scale.points + 1))
    axes.set_ylim(0.7, max(scale.points + 0.3, axes.get_ylim()[1]))
    axes.yaxis.grid(True, color="#e6e6e6", lw=0.6)
    axes.set_axisbelow(True)


def distribution(ratings: pd.Series, scale: Scale) -> Picture:
    """How often each point of the scale was chosen, in per cent."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH / 2, 2.1), layout="constrained")
        axes = figure.subplots()
        points = np.arange(1, scale.points + 1)
        percent = [100 * float((ratings.round() == point).mean()) for point in points]
        axes.bar(points, percent, color=COLOURS[0], width=0.8)
        axes.set(xlabel="Rating", ylabel="Ratings (%)", xticks=points)
        return drawn(figure)


def diagnostics(fitted: np.ndarray, residuals: np.ndarray) -> Picture:
    """Normal Q-Q plot of the residuals, and residuals against fitted values."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 2.5), layout="constrained")
        left, right = figure.subplots(1, 2)
        standard = np.sort(residuals) / residuals.std(ddof=1)
        shares = (np.arange(1, len(standard) + 1) - 0.5) / len(standard)
        normal = stats.norm.ppf(shares)
        left.axline((0, 0), slope=1, color=PALE, lw=0.8)
        left.plot(normal, standard, ".", ms=2.5, color=COLOURS[0], rasterized=True)
        left.set(xlabel="Normal quantile", ylabel="Standardised residual", title="Normal Q-Q")
        right.axhline(0, color=PALE, lw=0.8)
        right.plot(fitted, residuals, ".", ms=2.5, alpha=0.4, color=COLOURS[0], rasterized=True)
        right.set(xlabel="Fitted rating", ylabel="Residual", title="Residuals by fitted")
        return drawn(figure)


def exclusion_flow(flow: pd.DataFrame) -> Picture:
    """Boxes from those who took part, past each exclusion, to those analysed."""
    excluded = flow[~flow.step.isin(["recruited", "analysed"])]
    counts = dict(zip(flow.step, flow.participants, strict=True))
    lists = [column for column in flow.columns if column.startswith("list ")]
    last = flow[flow.step == "analysed"].iloc[0]
    shown = lists if 1 < len(lists) <= 6 else []
    per_list = ", ".join(f"{name}: {last[name]}" for name in shown)
    rows = max(len(excluded), 1)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 1.7 + 0.42 * rows))
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, 10), ylim=(-rows - 3.0, 0.6))
        axes.axis("off")
        bottom = -rows - 2.0
        _box(axes, 2.6, 0, f"Took part (n = {counts['recruited']})")
        below = f"\n{per_list}" if per_list else ""
        _box(axes, 2.6, bottom, f"Analysed (n = {counts['analysed']}){below}")
        _arrow(axes, (2.6, -0.45), (2.6, bottom + 0.6))
        for i, row in enumerate(excluded.itertuples(), start=1):
            y = -i - 0.1
            _arrow(axes, (2.6, y), (4.6, y))
            text = f"{row.reason} (n = {row.participants})"
            axes.text(4.75, y, text, va="center", ha="left", wrap=True,
                      color=INK if row.participants else PALE)  # fmt: skip
        if not len(excluded):
            axes.text(4.75, -1.1, "No exclusion rules were declared", va="center", color=PALE)
        return drawn(figure)


def _box(axes: Axes, x: float, y: float, text: str) -> None:
    style = {"boxstyle": "round,pad=0.5", "fc": "white", "ec": INK, "lw": 0.9}
    axes.text(x, y, text, ha="center", va="center", bbox=style, zorder=3)


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    axes.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": INK, "lw": 0.9})


def drawn(figure: Figure) -> Picture:
    """A finished figure as SVG and PNG; the same figure gives the same bytes."""
    svg, png = BytesIO(), BytesIO()
    figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
    figure.savefig(png, format="png", dpi=PNG_DPI, metadata={"Software": None})
    return Picture(svg.getvalue(), png.getvalue())
