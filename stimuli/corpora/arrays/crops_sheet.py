"""The contact sheet of crops: crops from all over the corpus, and their mean.

Where the alignment is good, the eyes of the mean face are sharp and its ears and hair are not.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from protocols.prepared import FACES
from stimuli.contact_sheet import write_sheet
from stimuli.corpora.arrays.settings import ArraySettings

ROWS, COLUMNS = 6, 12
MEAN_OF = 2000  # crops, spread evenly over all
CELL = 96  # pixels
GREY = 128


def crops_sheet(folder: Path, faces: int, settings: ArraySettings, path: Path) -> Path | None:
    """Write the sheet of the arrays in `folder` to `path`; None where there are no faces.

    On the left the mean face, four cells wide, a mark at each fixed point beside it.
    """
    if not faces:
        return None
    crops = np.load(folder / FACES, mmap_mode="r")
    mean = Image.fromarray(mean_face(crops)).resize((4 * CELL, 4 * CELL), Image.Resampling.BICUBIC)
    page = np.full((ROWS * CELL, (COLUMNS + 4) * CELL, 3), GREY, np.uint8)
    top = CELL * (ROWS - 4) // 2
    page[top : top + 4 * CELL, : 4 * CELL] = np.asarray(mean)
    for x, y in np.rint(settings.eyes / settings.size * 4 * CELL).astype(int):
        page[top - 12 : top - 2, x] = 255
        page[top + y, 4 * CELL - 10 : 4 * CELL] = 255
    shown = np.unique(np.linspace(0, faces - 1, min(faces, ROWS * COLUMNS)).round().astype(int))
    for place, number in enumerate(shown):
        row, column = divmod(place, COLUMNS)
        small = Image.fromarray(np.asarray(crops[number])).resize(
            (CELL, CELL), Image.Resampling.LANCZOS
        )
        left = (4 + column) * CELL
        page[row * CELL : (row + 1) * CELL, left : left + CELL] = np.asarray(small)
    return write_sheet(Image.fromarray(page), path)


def mean_face(crops: np.ndarray) -> np.ndarray:
    """The mean (S, S, 3) uint8 of crops (N, S, S, 3), of at most MEAN_OF of them."""
    chosen = np.unique(np.linspace(0, len(crops) - 1, min(len(crops), MEAN_OF)).astype(int))
    total = np.zeros(crops.shape[1:], np.float64)
    for number in chosen:
        total += crops[number]
    return np.rint(total / len(chosen)).astype(np.uint8)
