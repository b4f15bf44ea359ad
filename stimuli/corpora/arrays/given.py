"""Eyes that the corpus gives itself: the array `eyes` of its `annotation`, a NumPy archive (.npz).

`eyes` (frames, 2, 2): x and y of both eyes in each frame, pixels from the left upper corner of the
picture, the first pixel's centre at (0.5, 0.5); which eye comes first does not matter. mien's own
corpora have them. Other annotations, such as tables of ratings, are passed over.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

EYES, GIVEN = "eyes", ".npz"


def given_eyes(path: Path) -> np.ndarray | None:
    """Eyes (frames, 2, 2) of a film or (1, 2, 2) of a picture, or None if the file has none."""
    if path.suffix.lower() != GIVEN or not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as archive:
            eyes = np.asarray(archive[EYES], float) if EYES in archive else np.zeros(0)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        return None
    return eyes if eyes.ndim == 3 and eyes.shape[1:] == (2, 2) else None
