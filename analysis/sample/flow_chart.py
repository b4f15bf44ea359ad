"""The flow of participants as a chart: took part, excluded by each rule in order, analysed.

On the left the numbers that are left after each rule; on the right the same per list (the fewest
and the most on one list, where there are many).
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures.charts import INK, PALE, STYLE, WIDTH, Picture, drawn

MOST_LISTS = 8  # columns of numbers; of more lists only the fewest and the most are shown
MOST_EMPTY = 3  # rules that excluded nobody and are still named one by one
SPINE = 1.45  # where the arrow from top to bottom stands, of 10 across
TEXT = 2.55  # where the reasons start
COLUMN, WIDE = 0.55, 0.9  # widths of a column of numbers, of one with a longer head
LETTERS = 8.9  # letters in one tenth of the width
LINE = 0.24  # inches from line to line
ENDS = ("recruited", "analysed")


@dataclass(frozen=True)
class _Row:
    lines: list[str]
    excluded: int
    left: int
    lists: list[str]


def flow_chart(flow: pd.DataFrame) -> Picture:
    """The chart of a flow as `analysis.sample.flow.flow_of` makes it."""
    names, each = _columns(flow)
    width = WIDE if any("\n" in name for name in names) else COLUMN
    end = 10 - width * len(names)
    room = end - TEXT - 0.75
    rows = _rows(flow, each, int(room * LETTERS))
    heights = [len(row.lines) + 0.75 for row in rows]
    total = 2.6 + sum(heights) + 2.3
    counts = dict(zip(flow.step, flow.participants, strict=True))
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, (total + 0.6) * LINE))
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, 10), ylim=(total, -0.6))
        axes.axis("off")
        bottom = total - 1.2
        _arrow(axes, (SPINE, 1.5), (SPINE, bottom - 0.9))
        _box(axes, 1.2, f"Took part\nn = {counts['recruited']}")
        _box(axes, bottom, f"Analysed\nn = {counts['analysed']}")
        places = [end + width * (i + 0.5) for i in range(len(names))]
        _numbers(axes, places, names, 0.1, PALE)
        _numbers(axes, places, each["recruited"], 1.2, INK)
        y = 2.6
        for row, height in zip(rows, heights, strict=True):
            _exclusion(axes, row, y + height / 2, end - 0.1, places)
            y += height
        _numbers(axes, places, each["analysed"], bottom, INK)
        return drawn(figure)


def _columns(flow: pd.DataFrame) -> tuple[list[str], dict[str, list[str]]]:
    """Heads of the columns of numbers, and step -> its numbers."""
    lists = [name for name in flow.columns if name.startswith("list ")]
    cells = {row["step"]: [row[name] for name in lists] for row in flow.to_dict("records")}
    if len(lists) < 2:
        return [], dict.fromkeys(cells, [])
    if len(lists) <= MOST_LISTS:
        return lists, {step: [str(n) for n in numbers] for step, numbers in cells.items()}
    few = {step: [str(min(numbers)), str(max(numbers))] for step, numbers in cells.items()}
    return ["fewest\nper list", "most\nper list"], few


def _rows(flow: pd.DataFrame, each: dict[str, list[str]], letters: int) -> list[_Row]:
    rules = flow[~flow.step.isin(ENDS)]
    left = int(flow.participants[flow.step == "recruited"].iloc[0])
    empty = rules[rules.participants == 0]
    summed = len(empty) > MOST_EMPTY
    rows = []
    for rule in rules.itertuples():
        n = int(rule.participants)  # type: ignore[arg-type]
        left -= n
        if n or not summed:
            lines = textwrap.wrap(str(rule.reason), max(letters, 20)) or [""]
            rows.append(_Row(lines, n, left, each[str(rule.step)]))
    if summed:
        said = f"{len(empty)} {'other ' if len(rows) else ''}rules excluded nobody; see the table"
        rows.append(_Row(textwrap.wrap(said, letters), 0, left, []))
    if not len(rules):
        rows.append(_Row(["No exclusion rules were declared"], 0, left, []))
    return rows


def _exclusion(axes: Axes, row: _Row, y: float, end: float, places: Sequence[float]) -> None:
    colour = INK if row.excluded else PALE
    if row.excluded:
        _arrow(axes, (SPINE, y), (TEXT - 0.15, y))
        axes.text(SPINE - 0.15, y + 0.55, str(row.left), ha="right", va="center", color=PALE)
    axes.text(TEXT, y, "\n".join(row.lines), va="center", color=colour, linespacing=1.25)
    number = f"n = {row.excluded}" if row.lists or row.excluded else ""
    axes.text(end, y, number, ha="right", va="center", color=colour)
    _numbers(axes, places, row.lists, y, colour)


def _numbers(
    axes: Axes, places: Sequence[float], numbers: Sequence[str], y: float, colour: str
) -> None:
    for place, number in zip(places, numbers, strict=False):
        small = 9 if number.isdigit() else 6.5
        axes.text(place, y, number, ha="center", va="center", color=colour, fontsize=small)


def _box(axes: Axes, y: float, text: str) -> None:
    style = {"boxstyle": "round,pad=0.45", "fc": "white", "ec": INK, "lw": 0.9}
    axes.text(SPINE, y, text, ha="center", va="center", bbox=style, zorder=3, linespacing=1.3)


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    style = {"arrowstyle": "-|>", "color": INK, "lw": 0.9, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", end, start, arrowprops=style)
