"""One picture of stimuli on the plane of valence and arousal: grids, as the plane is drawn.

Valence rises from left to right, arousal from bottom to top, as in Russell's circumplex and in the
affect grid that asks for both. (Lindt et al., 2019, fig. 3, turn theirs: arousal falls from left to
right, valence from top to bottom.)
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from protocols.conditions import Level
from stimuli.contact_sheet import FONT_SIZE, GAP, INK, LINE, PAPER, label, shrink
from stimuli.stimulus import Stimulus

AXES = ("valence", "arousal")
MOST_GRIDS, MOST_LEVELS = 6, 11  # of an axis; more are spread evenly
BETWEEN = 28  # pixels between grids
Point = tuple[Level, Level]


@dataclass(frozen=True)
class Grid:
    """Stimuli at points (valence, arousal).

    Attributes:
        title: whose they are, and the levels of other factors.
        cells: point -> stimulus.
        names: they show different people, whose names stand below.
        beside: grids that belong side by side; 1: none.
    """

    title: str
    cells: Mapping[Point, Stimulus]
    names: bool
    beside: int


def is_plane(factors: Mapping[str, Sequence[Level]]) -> bool:
    """Whether factors span the plane: several levels of valence and of arousal."""
    return all(len(factors.get(axis, ())) > 1 for axis in AXES)


def grids(stimuli: Sequence[Stimulus], most: int = MOST_GRIDS) -> list[Grid]:
    """At most so many grids, spread evenly over all there are.

    One for each person who is shown at every point, and for each combination of other levels; else
    the first person at each point, the second, and so on.
    """
    others = list(dict.fromkeys(_others(one) for one in stimuli))
    by_person: dict[tuple[str, str], dict[Point, Stimulus]] = {}
    by_point: dict[str, dict[Point, list[Stimulus]]] = {other: {} for other in others}
    for one in stimuli:
        other, point = _others(one), (one.levels["valence"], one.levels["arousal"])
        by_person.setdefault((one.identity, other), {})[point] = one
        by_point[other].setdefault(point, []).append(one)
    points = max(len(cells) for cells in by_point.values())
    if all(len(cells) == points for cells in by_person.values()):
        made = [
            Grid("\n".join(filter(None, (who, other))), cells, False, len(others))
            for (who, other), cells in by_person.items()
        ]
    else:
        deepest = max(len(some) for cells in by_point.values() for some in cells.values())
        made = [
            Grid(f"person {k + 1} of {deepest} at each point" + (other and f"\n{other}"),
                 {point: some[k] for point, some in by_point[other].items() if k < len(some)},
                 True, len(others))
            for k in range(deepest) for other in others
        ]  # fmt: skip
    return [_thinned(made[i]) for i in _places(len(made), most)]


def sheet(grids: Sequence[Grid], pictures: Mapping[str, np.ndarray]) -> Image.Image:
    """The contact sheet of grids; pictures: id of a stimulus -> (H, W, 3) uint8."""
    drawn = [_drawn(grid, pictures) for grid in grids]
    beside = grids[0].beside
    across = min(beside if beside > 1 else math.ceil(math.sqrt(len(drawn))), len(drawn))
    wide = max(picture.width for picture in drawn) + BETWEEN
    high = max(picture.height for picture in drawn) + BETWEEN
    down = -(-len(drawn) // across)
    page = Image.new("RGB", (wide * across - BETWEEN, high * down - BETWEEN), PAPER)
    for i, picture in enumerate(drawn):
        page.paste(picture, (i % across * wide, i // across * high))
    return page


def _drawn(grid: Grid, pictures: Mapping[str, np.ndarray]) -> Image.Image:
    """A grid with its title above, arousal at the left, valence below."""
    valences, arousals = _levels(grid)
    thumbs = {point: shrink(pictures[one.id]) for point, one in grid.cells.items()}
    font = ImageFont.load_default(size=FONT_SIZE)
    lines = grid.title.count("\n") + 1
    left = 12 + int(max(font.getlength(word) for word in (*AXES, "-0.75")))
    top = LINE * (lines + 1)
    wide = max(thumb.width for thumb in thumbs.values()) + GAP
    tall = max(thumb.height for thumb in thumbs.values())
    high = tall + GAP + (LINE if grid.names else 0)
    page = Image.new("RGB", (left + wide * len(valences), top + high * len(arousals) + LINE), PAPER)
    draw = ImageDraw.Draw(page)
    draw.multiline_text((left, 2), grid.title, INK, font)
    draw.text((left - 6, top - 4), AXES[1], INK, font, "rb")
    below = top + high * len(arousals) + 2
    draw.text((left - 6, below), AXES[0], INK, font, "rt")
    for j, arousal in enumerate(arousals):
        draw.text((left - 6, top + j * high + tall / 2), f"{arousal:g}", INK, font, "rm")
    for i, valence in enumerate(valences):
        middle = left + i * wide + (wide - GAP) / 2
        draw.text((middle, below), f"{valence:g}", INK, font, "mt")
        for j, arousal in enumerate(arousals):
            if (valence, arousal) in thumbs:
                corner = (left + i * wide, top + j * high)
                page.paste(thumbs[valence, arousal], corner)
                if grid.names:
                    name = grid.cells[valence, arousal].identity
                    draw.text((middle, corner[1] + tall + 1), name, INK, font, "mt")
    return page


def _levels(grid: Grid) -> tuple[list[Level], list[Level]]:
    """Valences from low to high and arousals from high to low, as they stand in the grid."""
    valences = sorted({valence for valence, _ in grid.cells})
    return valences, sorted({arousal for _, arousal in grid.cells}, reverse=True)


def _thinned(grid: Grid) -> Grid:
    """The grid with at most MOST_LEVELS of each axis."""
    kept = [
        {levels[i] for i in _places(len(levels), MOST_LEVELS)}
        for levels in map(list, _levels(grid))
    ]
    cells = {
        point: one
        for point, one in grid.cells.items()
        if point[0] in kept[0] and point[1] in kept[1]
    }
    return Grid(grid.title, cells, grid.names, grid.beside)


def _places(count: int, most: int) -> list[int]:
    """At most so many of the places 0…count - 1, spread evenly."""
    if count <= most:
        return list(range(count))
    return [int(place) for place in np.linspace(0, count - 1, most).round()]


def _others(stimulus: Stimulus) -> str:
    """The levels of other factors, in words."""
    others = {name: level for name, level in stimulus.levels.items() if name not in AXES}
    return label(others).replace("\n", ", ")
