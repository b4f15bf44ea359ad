"""Pictures of many faces: planes of labels as the paper lays them out, with words around them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from stimuli.media import encode_png

PAPER, INK = (255, 255, 255), (40, 40, 40)
GAP, FONT_SIZE, LINE, LEFT = 2, 12, 18, 54
CREDIT = "synthetic faces made with mien"


def mosaic(
    tiles: np.ndarray, side: int, rows: Sequence[str], columns: Sequence[str], title: str
) -> Image.Image:
    """Pictures (R, C, S, S, 3) uint8, `side` pixels each, with words at the left and on top."""
    font = ImageFont.load_default(size=FONT_SIZE)
    top = 2 * LINE
    step = side + GAP
    page = Image.new("RGB", (LEFT + step * len(columns), top + step * len(rows)), PAPER)
    draw = ImageDraw.Draw(page)
    draw.text((LEFT, LINE / 2), title, INK, font, "lm")
    for i, word in enumerate(columns):
        draw.text((LEFT + i * step + side / 2, 1.5 * LINE), word, INK, font, "mm")
    for j, word in enumerate(rows):
        draw.text((LEFT - 5, top + j * step + side / 2), word, INK, font, "rm")
        for i in range(len(columns)):
            tile = Image.fromarray(tiles[j, i])
            if tile.width != side:
                tile = tile.resize((side, side), Image.Resampling.LANCZOS)
            page.paste(tile, (LEFT + i * step, top + j * step))
    return page


def plane(tiles: np.ndarray, side: int, levels: Sequence[float], title: str) -> Image.Image:
    """Tiles (n, n, S, S, 3) as `places.as_plane` lays them out; levels from low to high."""
    words = [f"{level:+.2f}" if level else "0" for level in reversed(levels)]
    rows, columns = ([f"{axis} {word}" for word in words] for axis in "VA")
    return mosaic(tiles, side, rows, columns, title)


def beside(pages: Sequence[Image.Image]) -> Image.Image:
    """Side by side, with a gap."""
    return _joined(pages, across=True)


def below(pages: Sequence[Image.Image]) -> Image.Image:
    """One below the other."""
    return _joined(pages, across=False)


def png(page: Image.Image, credit: str = CREDIT) -> bytes:
    """As a file, with a line of where the faces are from."""
    return encode_png(np.asarray(page), credit)


def grey(maps: np.ndarray) -> np.ndarray:
    """Maps (..., S, S) from 0 to 1 as pictures (..., S, S, 3) uint8."""
    return (maps.clip(0, 1) * 255).round().astype(np.uint8)[..., None].repeat(3, -1)


def _joined(pages: Sequence[Image.Image], *, across: bool) -> Image.Image:
    gap = LINE
    sizes = [page.width if across else page.height for page in pages]
    total = sum(sizes) + gap * (len(pages) - 1)
    other = max(page.height if across else page.width for page in pages)
    joined = Image.new("RGB", (total, other) if across else (other, total), PAPER)
    at = 0
    for page, size in zip(pages, sizes, strict=True):
        joined.paste(page, (at, 0) if across else (0, at))
        at += size + gap
    return joined
