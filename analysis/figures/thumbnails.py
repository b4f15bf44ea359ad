"""Pictures of stimuli for a report, opened with care: a file is not trusted to be what it says."""

from __future__ import annotations

import warnings
from pathlib import Path

from PIL import Image, UnidentifiedImageError

MOST_PIXELS = 50_000_000  # a header that promises more is not followed


def open_picture(path: Path) -> Image.Image | str:
    """The picture at `path` in RGB, or in words why there is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path) as picture:
                if picture.width * picture.height > MOST_PIXELS:
                    size = f"{picture.width} × {picture.height}"
                    return f"{path.name} says that it has {size} pixels, more than fits a page"
                return picture.convert("RGB")
    except FileNotFoundError:
        return f"{path.name} is missing"
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError, SyntaxError, ValueError):
        return f"{path.name} is not a whole picture"
