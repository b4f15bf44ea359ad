"""Figures of raters: a model beside people, and one effect in two studies."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from analysis.figures.charts import (
    COLOURS,
    INK,
    PALE,
    SHAPES,
    STYLE,
    WIDTH,
    Picture,
    drawn,
)
from analysis.figures.scale import Scale
from analysis.text.words import number

MOST_TICKS = 20
ABREAST = 3  # pictures of stimuli in a row
LETTERS, LINE = 29, 0.14  # below a picture: letters in a line, inches of a line


def people_and_model(
    stimuli: pd.DataFrame, bins: pd.DataFrame, limits: tuple[float, float, float],
    scale: tuple[float, float], name: str,
) -> Picture:  # fmt: skip
    """Left: people's means by the model's ratings, with calibration; right: Bland-Altman.

    Args:
        stimuli: model, people, sd, n, difference; one row per stimulus.
        bins: model, people, se: means of bins of the model's ratings.
        limits: bias (model minus people), lower and upper limit of agreement, points.
        scale: its lowest and highest answer.
        name: of the model.
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 3.1), layout="constrained")
        left, right = figure.subplots(1, 2)
        _calibration(left, stimuli, bins, scale, name)
        _bland_altman(right, stimuli, limits)
        return drawn(figure)


def _calibration(
    axes: Axes, stimuli: pd.DataFrame, bins: pd.DataFrame, scale: tuple[float, float], name: str
) -> None:
    room = 0.3 * (scale[1] - scale[0]) / 8  # as on nine points
    ends = (min(scale[0], stimuli.model.min()) - room, max(scale[1], stimuli.model.max()) + room)
    axes.plot(ends, ends, color=PALE, lw=0.8, ls="--", zorder=1, label="identical")
    axes.plot(stimuli.model, stimuli.people, "o", ms=3, mfc=COLOURS[0], mec="none", alpha=0.45,
              zorder=2, label="a stimulus")  # fmt: skip
    error = 1.96 * bins.se.fillna(0)
    axes.errorbar(bins.model, bins.people, error, fmt="-", color=COLOURS[1], lw=1.2, capsize=3,
                  marker=SHAPES[1], ms=5, mec="white", zorder=3, label="bins, 95 %")  # fmt: skip
    axes.set(xlabel=f"Rating of {name}", ylabel="Mean rating of people", xlim=ends, ylim=ends,
             title="Calibration", aspect="equal")  # fmt: skip
    ticks = Scale("", *scale, points=scale[1] - scale[0] <= MOST_TICKS).ticks()
    axes.set_xticks(ticks)
    axes.set_yticks(ticks)
    axes.legend(loc="upper left", fontsize=7, handlelength=1.6, borderaxespad=0)


def _bland_altman(axes: Axes, stimuli: pd.DataFrame, limits: tuple[float, float, float]) -> None:
    middle = (stimuli.model + stimuli.people) / 2
    axes.axhline(0, color=PALE, lw=0.8, ls="--")
    axes.plot(middle, stimuli.difference, "o", ms=3, mfc=COLOURS[0], mec="none", alpha=0.45)
    names = ("bias", "lower limit", "upper limit")
    for value, name, line in zip(limits, names, ("-", ":", ":"), strict=True):
        axes.axhline(value, color=COLOURS[1], lw=1.2, ls=line)
        axes.annotate(f"{name} {number(value)}", (1, value), (2, 2), fontsize=7, va="bottom",
                      xycoords=("axes fraction", "data"), textcoords="offset points", ha="right",
                      color=INK)  # fmt: skip
    room = 0.12 * max(np.ptp([*stimuli.difference, *limits]), 0.5)
    low, high = min(*stimuli.difference, *limits), max(*stimuli.difference, *limits)
    axes.set(xlabel="Mean of model and people", ylabel="Model minus people (points)",
             title="Bland-Altman", ylim=(low - room, high + room))  # fmt: skip


def correlations(rows: Sequence[tuple[str, float, float, float]], ceiling: float) -> Picture:
    """Correlations with people's means, with 95 % intervals, below the noise ceiling.

    Args:
        rows: name, value, low, high; from top to bottom.
        ceiling: highest correlation to expect; missing if unknown.
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 0.75 + 0.34 * len(rows)), layout="constrained")
        axes = figure.subplots()
        for place, (_, value, low, high) in enumerate(rows):
            axes.plot([low, high], [place, place], color=INK, lw=1.3)
            axes.plot(value, place, "o", ms=6, mfc=COLOURS[0], mec="white")
        if np.isfinite(ceiling):
            axes.axvspan(ceiling, max(1.0, ceiling), color="#e6e6e6", lw=0)
            axes.axvline(ceiling, color=COLOURS[1], lw=1.3, ls="--")
            axes.annotate("noise ceiling ", (ceiling, len(rows) - 0.45), ha="right", va="center",
                          fontsize=8, color=INK)  # fmt: skip
        lowest = min([0.0, *(low for _, _, low, _ in rows if np.isfinite(low))])
        axes.set_yticks(range(len(rows)), [name for name, *_ in rows])
        axes.set(xlabel="Correlation with the mean ratings of people", ylim=(len(rows) - 0.2, -0.6),
                 xlim=(lowest - 0.02, 1.0))  # fmt: skip
        return drawn(figure)


def disagreements(shown: Sequence[tuple[Image.Image, str]]) -> Picture:
    """Pictures of stimuli, each with its words below, in rows of three."""
    rows = -(-len(shown) // ABREAST)
    texts = [_in_lines(words, LETTERS) for _, words in shown]
    most = max(text.count("\n") + 1 for text in texts)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, (2.15 + LINE * most) * rows), layout="constrained")
        for place, axes in enumerate(figure.subplots(rows, ABREAST, squeeze=False).flat):
            axes.axis("off")
            if place < len(shown):
                axes.imshow(np.asarray(shown[place][0]))
                axes.text(0.5, -0.03, texts[place], transform=axes.transAxes, ha="center", va="top",
                          fontsize=8)  # fmt: skip
        return drawn(figure)


def _in_lines(words: str, letters: int) -> str:
    """The same words, no line of them longer than `letters`."""
    return "\n".join(fill(line, letters) for line in words.split("\n"))


def two_studies(
    table: pd.DataFrame, names: tuple[str, str], effect: str, at: str, bound: float | None
) -> Picture:
    """Left: one effect here and there by level; right: the difference, with intervals.

    Args:
        table: at; here, there, difference, each with _low and _high; low90 and high90 with a
            bound.
        names: of this study and of the other.
        effect: what the effect is, in words.
        at: factor of the levels; may be empty.
        bound: of equivalence, points.
    """
    places = np.arange(len(table))
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 3.2), layout="constrained")
        left, right = figure.subplots(1, 2, sharex=True)
        for i, (column, name) in enumerate(zip(("here", "there"), names, strict=True)):
            _interval(left, table, column, places + (0.12 if i else -0.12), i, name)
        left.set(ylabel=f"Effect (points)\n{effect}", title="Effect in each study")
        left.legend(loc="lower center", bbox_to_anchor=(0.5, -0.42), fontsize=8)
        if bound is not None:
            right.axhspan(-bound, bound, color="#e6e6e6", lw=0, zorder=0)
            low, high = table[["low90", "high90"]].to_numpy(float).T
            right.vlines(places, low, high, color=COLOURS[2], lw=4, alpha=0.55, zorder=2,
                         label="90 % interval")  # fmt: skip
        _interval(right, table, "difference", places, 2, "95 % interval")
        right.set(ylabel="Difference (points)", title="This study minus the other")
        if bound is not None:
            right.legend(loc="lower center", bbox_to_anchor=(0.5, -0.42), ncols=2, fontsize=8)
        for axes in (left, right):
            axes.axhline(0, color=PALE, lw=0.8, ls="--", zorder=1)
            axes.set_xticks(places, table["at"])
            axes.set_xlabel(at)
            axes.set_xlim(-0.6, len(table) - 0.4)
        return drawn(figure)


def _interval(
    axes: Axes, table: pd.DataFrame, column: str, places: np.ndarray, i: int, name: str
) -> None:
    """Values with their 95 % intervals."""
    value = table[column].to_numpy(float)
    ends = (table[f"{column}_{end}"].to_numpy(float) for end in ("low", "high"))
    error = [abs(value - end) for end in ends]
    axes.errorbar(places, value, error, fmt=SHAPES[i], ms=6, mfc=COLOURS[i], mec="white",
                  ecolor=COLOURS[i], elinewidth=1.3, capsize=4, zorder=3, label=name)  # fmt: skip
