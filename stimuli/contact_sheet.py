"""One picture of many stimuli: a row for each identity, a column for each cell.

A clip is a filmstrip of three of its frames; a sound is the picture of its wave.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from protocols.tables import write_whole
from stimuli.media import encode_png
from stimuli.pieces import highest
from stimuli.video import read_video, video_facts
from stimuli.voices.recordings import soundfile_library

THUMB = 112  # pixels of one stimulus on the sheet
STRIP_SHARE = (0.1, 0.5, 0.9)  # where in a clip the frames of its strip are taken from
FRAME = 72  # pixels of one frame of a strip
GAP = 3
PAPER, INK, SILENT = (255, 255, 255), (40, 40, 40), (225, 225, 225)
MOST_ROWS, MOST_COLUMNS = 24, 20
FONT_SIZE = 13
LINE = 17
WHOSE = "_emotion"  # ending of factors that say whose emotion it is

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
    thumbs = {(who, cell): shrink(pictures[who, cell])
              for who in rows for cell in columns if (who, cell) in pictures}  # fmt: skip
    wide = max((thumb.width for thumb in thumbs.values()), default=THUMB)
    high = max((thumb.height for thumb in thumbs.values()), default=THUMB)
    across, down = wide + GAP, high + GAP
    page = Image.new("RGB", (left + across * len(columns), top + down * len(rows)), PAPER)
    draw = ImageDraw.Draw(page)
    for i, column in enumerate(columns):
        middle = left + i * across + wide / 2
        draw.multiline_text((middle, top - 5), column, INK, font, "md", 3, "center")
    for j, identity in enumerate(rows):
        draw.text((left - 6, top + j * down + high / 2), identity, INK, font, "rm")
        for i, column in enumerate(columns):
            if (identity, column) in thumbs:
                page.paste(thumbs[identity, column], (left + i * across, top + j * down))
    return page


def shown(places: Sequence[Cell]) -> tuple[list[str], list[str]]:
    """Identities and cells of the sheet, spread evenly over those of all stimuli."""
    rows = _spread(list(dict.fromkeys(identity for identity, _ in places)), MOST_ROWS)
    return rows, _spread(list(dict.fromkeys(cell for _, cell in places)), MOST_COLUMNS)


def thumb_of(path: Path) -> np.ndarray:
    """The file of a stimulus as the sheet shows it, (H, W, 3) uint8 and small."""
    if path.suffix == ".wav":
        return np.asarray(shrink(wave_picture(_samples(path), FRAME)))
    if path.suffix == ".mp4":
        return np.asarray(shrink(strip(read_video(path), video_facts(path).frames)))
    with Image.open(path) as picture:
        return np.asarray(shrink(np.asarray(picture.convert("RGB"))))


def _samples(path: Path) -> np.ndarray:
    return soundfile_library().read(path, dtype="float32")[0]


def shrink(pixels: np.ndarray) -> Image.Image:
    """A stimulus (H, W, 3) uint8 at the size of the sheet, aspect kept; a strip is longer."""
    picture = Image.fromarray(pixels)
    is_strip = picture.width > 2 * picture.height
    most = (len(STRIP_SHARE) * FRAME, FRAME) if is_strip else (THUMB, THUMB)
    picture.thumbnail(most, Image.Resampling.LANCZOS)
    return picture


def strip(frames: Iterable[np.ndarray], count: int) -> np.ndarray:
    """Three of `count` frames (H, W, 3) uint8 side by side."""
    places = strip_places(count)
    shown = {t: frame for t, frame in enumerate(frames) if t in places}
    return np.concatenate([shown[t] for t in places], axis=1)


def strip_places(count: int) -> list[int]:
    """Which of `count` frames stand in a strip."""
    return [int(share * count) for share in STRIP_SHARE]


def wave_picture(samples: np.ndarray, size: int) -> np.ndarray:
    """A sound's samples (N,) in [-1, 1] over time, as a strip (size, 3 size, 3) uint8."""
    width = len(STRIP_SHARE) * size
    parts = np.array_split(np.asarray(samples), width)
    reach = np.array([highest(part) for part in parts]) / max(highest(samples), 1e-6)
    from_middle = np.abs(np.arange(size) - (size - 1) / 2) / (size / 2)
    inked = from_middle[:, None] <= np.maximum(0.9 * reach, 1 / size)
    return np.where(inked[..., None], INK, SILENT).astype(np.uint8)


def label(levels: Mapping[str, object]) -> str:
    """A cell in words for a column's head: words as they are, numbers after their factor.

    An emotion stands after whose it is: voice_emotion happy is "voice happy".
    """
    return "\n".join(
        (f"{factor.removesuffix(WHOSE)} {level}" if factor.endswith(WHOSE) else level)
        if isinstance(level, str) else f"{factor} {level:g}"
        for factor, level in levels.items()
    )  # fmt: skip


def write_sheet(page: Image.Image, path: Path) -> Path:
    """Write the sheet as PNG."""
    write_whole(path, encode_png(np.asarray(page), "contact sheet made with mien"))
    return path


def _spread(things: list[str], most: int) -> list[str]:
    if len(things) <= most:
        return things
    return [things[i] for i in np.linspace(0, len(things) - 1, most).round().astype(int)]
