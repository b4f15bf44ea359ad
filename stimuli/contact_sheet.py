"""One picture of many stimuli: a row for each identity, a column for each cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from protocols.tables import write_whole
from stimuli.media import encode_png

THUMB = 112  # pixels of one stimulus on the sheet
GAP = 3
PAPER, INK = (255, 255, 255), (40, 40, 40)
MOST_ROWS, MOST_COLUMNS = 24, 20
FONT_SIZE = 13
LINE = 17

Cell = tuple[str, str]  # identity, label of the cell


def sheet(pictures: Mapping[Cell, np.ndarray], columns: Sequence[str]) -> Image.Image:
    """The contact sheet of `pictures` ((identity, cell) -> (H, W, 3) uint8).

    `columns` are the cells' labels; each word of a label goes on a line of its own. At most
    MOST_ROWS identities and MOST_COLUMNS cells are shown, spread evenly over all there are.
    """
    rows = _spread(list(dict.fromkeys(identity for identity, _ in pictures)), MOST_ROWS)
    columns = _spread(list(columns), MOST_COLUMNS)
    font = ImageFont.load_default(size=FONT_SIZE)
    left = 12 + max(int(font.getlength(identity)) for identity in rows)
    top = 8 + LINE * max(len(column.split("\n")) for column in columns)
    step = THUMB + GAP
    page = Image.new("RGB", (left + step * len(columns), top + step * len(rows)), PAPER)
    draw = ImageDraw.Draw(page)
    for i, column in enumerate(columns):
        middle = left + i * step + THUMB / 2
        draw.multiline_text((middle, top - 5), column, INK, font, "md", 3, "center")
    for j, identity in enumerate(rows):
        draw.text((left - 6, top + j * step + THUMB / 2), identity, INK, font, "rm")
        for i, column in enumerate(columns):
            if (identity, column) in pictures:
                thumb = shrink(pictures[identity, column])
                page.paste(thumb, (left + i * step, top + j * step))
    return page


def shrink(pixels: np.ndarray) -> Image.Image:
    """A stimulus (H, W, 3) uint8 at the size of the sheet, aspect kept."""
    picture = Image.fromarray(pixels)
    picture.thumbnail((THUMB, THUMB), Image.Resampling.LANCZOS)
    return picture


def label(levels: Mapping[str, object]) -> str:
    """A cell in words for a column's head: words as they are, numbers after their factor."""
    return "\n".join(
        level if isinstance(level, str) else f"{factor} {level:g}"
        for factor, level in levels.items()
    )


def write_sheet(page: Image.Image, path: Path) -> Path:
    """Write the sheet as PNG."""
    write_whole(path, encode_png(np.asarray(page), "contact sheet made with mien"))
    return path


def _spread(things: list[str], most: int) -> list[str]:
    if len(things) <= most:
        return things
    return [things[i] for i in np.linspace(0, len(things) - 1, most).round().astype(int)]
