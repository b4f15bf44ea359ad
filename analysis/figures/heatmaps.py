"""Confusion matrices as heat maps (Eskimez et al., 2021, fig. 5 and 8).

Rows are what was shown, columns what was chosen; each cell holds the per cent of its row. The
column that means the row's level has a frame. One hue, from light to dark, is told apart by all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import fill

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from analysis.figures.charts import COLOURS, INK, STYLE, WIDTH, Picture, drawn

BLUES = LinearSegmentedColormap.from_list("blues", ["#ffffff", "#9ecae9", COLOURS[0], "#002b4d"])
DARK = 0.6  # shares from here on have white numbers: the better contrast
CELL, MARGIN = 0.47, 0.95  # inches: one cell, and the words beside the cells
ABREAST = 3  # panels in one row
LETTERS = 14  # of a label in one line


@dataclass(frozen=True)
class Panel:
    """One matrix.

    Attributes:
        title: above it; may be empty.
        cells: level, option, share (0…1): one row per cell, rows and columns in order.
        match: level -> the option that means it; may be empty.
    """

    title: str
    cells: pd.DataFrame
    match: Mapping[str, str]


def heatmaps(panels: Sequence[Panel], shown: str, chosen: str = "Chosen") -> Picture:
    """Panels side by side, with one scale of colours; `shown` names the rows."""
    grids = [_grid(panel) for panel in panels]
    high = max(len(grid.index) for grid in grids)
    wide = max(len(grid.columns) for grid in grids)
    columns = min(len(panels), ABREAST)
    rows = -(-len(panels) // ABREAST)
    size = (max(columns * (wide * CELL + 0.25) + MARGIN + 0.7, WIDTH / 2),
            rows * (high * CELL + MARGIN) + 0.2)  # fmt: skip
    with mpl.rc_context(STYLE | {"axes.spines.top": True, "axes.spines.right": True}):
        figure = Figure(figsize=size, layout="constrained")
        every = figure.subplots(rows, columns, squeeze=False)
        image = None
        for place, axes in enumerate(every.flat):
            if place >= len(panels):
                axes.axis("off")
                continue
            image = _draw(axes, grids[place], panels[place])
            if place % columns == 0:
                axes.set_ylabel(shown)
                levels = [fill(str(level), LETTERS) for level in grids[place].index]
                axes.set_yticks(range(len(levels)), levels)
            if place + columns >= len(panels):
                axes.set_xlabel(chosen)
        bar = figure.colorbar(image, ax=every, shrink=min(0.9, 2 / size[1]), aspect=14, pad=0.02)
        bar.set_label("Answers of the row (%)")
        bar.outline.set_visible(False)  # type: ignore[operator]
        return drawn(figure)


def _grid(panel: Panel) -> pd.DataFrame:
    """Shares with matching options first, in the order of rows, so that they form a diagonal."""
    levels = list(dict.fromkeys(panel.cells.level))
    options = list(dict.fromkeys(panel.cells.option))
    first = [panel.match[level] for level in levels if level in panel.match]
    order = [*first, *(option for option in options if option not in first)]
    return panel.cells.pivot(index="level", columns="option", values="share").loc[levels, order]


def _draw(axes: Axes, grid: pd.DataFrame, panel: Panel) -> object:
    values = grid.to_numpy(float)
    image = axes.imshow(100 * values, cmap=BLUES, vmin=0, vmax=100, aspect="equal")
    for (i, j), share in np.ndenumerate(values):
        ink = "white" if share >= DARK else INK
        axes.text(j, i, f"{100 * share:.0f}", ha="center", va="center", color=ink, fontsize=8)
        if panel.match.get(str(grid.index[i])) == grid.columns[j]:
            axes.add_patch(Rectangle((j - 0.47, i - 0.47), 0.94, 0.94, fill=False, ec=INK, lw=1.2))
    axes.set_xticks(range(len(grid.columns)), [fill(str(o), LETTERS) for o in grid.columns],
                    rotation=45, ha="right", rotation_mode="anchor")  # fmt: skip
    axes.set_yticks(range(len(grid.index)), [""] * len(grid.index))
    axes.tick_params(length=0)
    axes.set_title(panel.title)
    for side in axes.spines.values():
        side.set_color("#cccccc")
    return image


def in_words(panel: Panel) -> str:
    """What a heat map shows, row by row, for those who cannot see it."""
    rows = []
    for level, row in _grid(panel).iterrows():
        option = panel.match.get(str(level))
        others = row.drop(option) if option else row
        most = f"most often{' else' if option else ''} {others.idxmax()} {100 * others.max():.0f} %"
        hit = f"{option} {100 * float(row[option]):.0f} %, " if option else ""
        rows.append(f"{level}: {hit}{most}")
    return (f"{panel.title}: " if panel.title else "") + "; ".join(rows)
