"""Power curves: one panel per test, power by number of participants, one line per number of items.

Bars are Wilson's 95 % intervals; dashed lines stand at 80 and 90 %. Where only the number of items
varies, it stands on the axis instead.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from textwrap import fill

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures.charts import COLOURS, INK, PALE, SHAPES, STYLE, WIDTH, Picture, drawn
from analysis.power.planned import ALPHA
from analysis.power.summary import TARGETS

PANELS = 8  # at most; the table has all tests
HEIGHT = 2.5  # inches of a row of panels
LETTERS, LINE = {1: 78, 2: 38}, 0.15  # by columns: letters in a line of a title; inches of a line
DODGE = 0.02  # shift of a line against the next, as a share of the axis, so that bars stay apart


def power_curves(panels: Sequence[tuple[str, pd.DataFrame]]) -> Picture:
    """The figure.

    Args:
        panels: title and rows of the power table, test by test; PANELS at most.
    """
    columns = 1 if len(panels) == 1 else 2
    rows = math.ceil(len(panels) / columns)
    titles = [_in_lines(title, LETTERS[columns]) for title, _ in panels]
    more = LINE * max(0, max(title.count("\n") for title in titles) - 1)  # than two lines
    together = pd.concat([table for _, table in panels])
    by_items = together["participants"].nunique() == 1 and together["items"].nunique() > 1
    axis, line = ("items", "participants") if by_items else ("participants", "items")
    with mpl.rc_context(STYLE):
        height = (HEIGHT + more) * rows + (0.9 if columns == 1 else 0.6)
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
        every = grid.ravel()
        for axes, title, (_, table) in zip(every, titles, panels, strict=False):
            _panel(axes, table, axis, line)
            axes.set_title(title, loc="left")
        for axes in every[len(panels) :]:
            axes.set_visible(False)
            above = every[len(panels) - columns]
            above.tick_params(labelbottom=True)
        figure.supxlabel(axis.capitalize(), fontsize=9)
        figure.supylabel("Power (%)", fontsize=9)
        handles, labels = every[0].get_legend_handles_labels()
        if len(labels) > 1:
            names = [f"{label} {line}" for label in labels]
            figure.legend(handles, names, loc="outside upper center", ncols=min(len(names), 5))
        return drawn(figure)


def _in_lines(title: str, letters: int) -> str:
    return "\n".join(fill(line, letters) for line in title.split("\n"))


def _panel(axes: Axes, table: pd.DataFrame, axis: str, line: str) -> None:
    places = np.sort(table[axis].unique())
    width = max(float(np.ptp(places)), 1.0)
    for target in (*TARGETS, ALPHA):
        dash = (0, (4, 3)) if target in TARGETS else (0, (1, 2))
        axes.axhline(100 * target, color=PALE, lw=0.8, ls=dash, zorder=1)
    groups = list(table.groupby(line))
    for g, (value, rows) in enumerate(groups):
        rows = rows.sort_values(axis)
        shift = (g - (len(groups) - 1) / 2) * DODGE * width
        x, y = rows[axis].to_numpy(float) + shift, 100 * rows["power"].to_numpy(float)
        error = np.clip([y - 100 * rows["low"], 100 * rows["high"] - y], 0, None)
        ink, shape = COLOURS[g % len(COLOURS)], SHAPES[g % len(SHAPES)]
        axes.errorbar(x, y, error, fmt="none", ecolor=ink, elinewidth=1.2, capsize=3, zorder=2)
        axes.plot(x, y, f"-{shape}", color=ink, ms=5, mec="white", mew=0.7, lw=1.2, zorder=3,
                  label=f"{value}")  # fmt: skip
    axes.set_ylim(-3, 103)
    axes.set_yticks([0, 20, 40, 60, 80, 90, 100])
    axes.set_xticks(places)
    axes.set_xlim(places[0] - 0.08 * width, places[-1] + 0.08 * width)
    axes.tick_params(colors=INK)
