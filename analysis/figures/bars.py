"""Shares of answers as groups of bars: one group per option or point, one colour per level.

With them: how a scale was used by the levels of a factor (Eskimez et al., 2021, fig. 6), how often
options were chosen (fig. 7), and how often answers match the face and the voice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import fill

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures.charts import COLOURS, INK, PALE, STYLE, WIDTH, Picture, drawn

HATCHES = ("", "///", "...", "\\\\\\", "xxx", "++", "oo", "--")
MOST_NUMBERS = 24  # bars; with more of them, numbers would not be readable
LETTERS = 64  # below the whole axis


def grouped_bars(
    table: pd.DataFrame,
    *,
    legend: str | None,
    x: str,
    y: str,
    numbers: str | None = None,
    names: Mapping[str, str] | None = None,
    reference: tuple[float, str] | None = None,
) -> Picture:
    """Bars of shares in per cent, with 95 % intervals.

    Args:
        table: level (a colour), option (a group), share, low, high (0…1); in order.
        legend: title of the legend; None: one colour and no legend.
        x: title of the axis of options.
        y: title of the axis of shares.
        numbers: column whose values are written above the bars, if there are few bars.
        names: option -> its words on the axis, if others.
        reference: a share, such as that of chance, as a broken line, and its name.
    """
    levels, options = (list(dict.fromkeys(table[name])) for name in ("level", "option"))
    cells = table.set_index(["level", "option"])
    width = 0.82 / len(levels)
    written = numbers if len(levels) * len(options) <= MOST_NUMBERS else None
    with mpl.rc_context(STYLE | {"hatch.linewidth": 0.6}):
        figure = Figure(figsize=(WIDTH, 3.1), layout="constrained")
        axes = figure.subplots()
        for k, level in enumerate(levels):
            own = cells.loc[level].reindex(options)
            at = np.arange(len(options)) + (k - (len(levels) - 1) / 2) * width
            high = 100 * own.share.to_numpy(float)
            axes.bar(at, high, width * 0.94, color=COLOURS[k % len(COLOURS)], label=level,
                     hatch=HATCHES[k % len(HATCHES)], edgecolor="white", linewidth=0)  # fmt: skip
            error = np.array([high - 100 * own.low, 100 * own.high - high])
            axes.errorbar(at, high, error, fmt="none", ecolor=INK, elinewidth=0.9, capsize=2)
            if written:
                for place, top, value in zip(at, 100 * own.high, own[written], strict=True):
                    if not np.isnan(top):
                        axes.annotate(f"{value:.0f}", (place, top), (0, 2), fontsize=6.5,
                                      textcoords="offset points", ha="center")  # fmt: skip
        if reference:
            axes.axhline(100 * reference[0], color=PALE, lw=1, ls=(0, (4, 3)), zorder=0.5)
            axes.annotate(reference[1], (1.01, 100 * reference[0]), fontsize=8, va="center",
                          xycoords=("axes fraction", "data"), color=INK)  # fmt: skip
        _name_groups(axes, [(names or {}).get(str(option), str(option)) for option in options])
        axes.set(xlabel=x, ylabel=y, ylim=(0, None))
        axes.yaxis.grid(True, color="#e6e6e6", lw=0.6)
        axes.set_axisbelow(True)
        if legend is not None:
            figure.legend(title=legend, loc="outside upper center", ncols=min(len(levels), 5))
        return drawn(figure)


def _name_groups(axes: Axes, names: Sequence[str]) -> None:
    """Words below the groups, in lines that fit; slanted where one word alone is too long."""
    room = LETTERS // len(names)
    lines = [fill(name, max(room, 3), break_long_words=False) for name in names]
    slanted = max(len(line) for text in lines for line in text.split("\n")) > 1.4 * room
    style = {"rotation": 30, "ha": "right", "rotation_mode": "anchor"} if slanted else {}
    axes.set_xticks(range(len(names)), names if slanted else lines, **style)
    axes.tick_params(axis="x", length=0)
