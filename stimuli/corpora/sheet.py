"""The contact sheet of a corpus: a row for each actor, a column for each emotion.

Where there are no actors or no emotions, rows or columns are counted. Pictures are decoded with
Pillow; a frame from the middle of a video, where the emotion is seen, with ffmpeg or PyAV,
whichever is installed.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import warnings
from collections import deque
from importlib.util import find_spec
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from stimuli.contact_sheet import THUMB, sheet, write_sheet
from stimuli.media import encode_png
from stimuli.video import RATE, read_video

ROWS, COLUMNS = 12, 8
DECODER = "ffmpeg"
SECONDS = 20  # that one frame may take


def corpus_sheet(clips: pd.DataFrame, root: Path, path: Path) -> tuple[Path | None, str]:
    """Write the contact sheet to `path`; returns it, or None and why there is none."""
    decoder = shutil.which(DECODER)
    decodes = decoder is not None or find_spec("av") is not None
    seen = clips[clips.image.notna() | (clips.video.notna() if decodes else False)]
    if seen.empty:
        films = clips.video.notna().any()
        return None, f"install {DECODER} to see the videos" if films else "there is only sound"
    pictures = {}
    chosen = choose(seen)
    for cell, clip in chosen.items():
        pixels = _pixels(root, clip, decoder)
        if pixels is not None:
            pictures[cell] = pixels
    if not pictures:
        return None, "no picture could be decoded"
    columns = list(dict.fromkeys(column for _, column in chosen))
    return write_sheet(sheet(pictures, columns), path), ""


def choose(clips: pd.DataFrame) -> dict[tuple[str, str], pd.Series]:
    """The clip of each cell (row, column): the first one of an actor and emotion.

    Strong ones come first, so that the emotion is seen.
    """
    strength = {"strong": 0, "high": 0, "medium": 1}
    order = clips.assign(_strength=clips.intensity.map(strength))
    if order._strength.isna().all():  # numbers: the largest first
        order["_strength"] = -pd.to_numeric(clips.intensity, errors="coerce")
    order["_strength"] = order._strength.astype(float).fillna(2)
    order = order.sort_values(["_strength", "clip"], kind="stable")
    emotions = list(dict.fromkeys(order.emotion.dropna().sort_values()))
    named = order.actor.notna().all()
    people = sorted(order.actor.dropna().unique()) if named else []
    rows = _spread(people, ROWS)
    chosen: dict[tuple[str, str], pd.Series] = {}
    counts: dict[str, int] = {}
    if len(emotions) > 1:
        for emotion in emotions[:COLUMNS]:
            these = order[order.emotion == emotion]
            if named:
                these = these[these.actor.isin(rows)].drop_duplicates("actor")
            for number, (_, clip) in enumerate(these.head(ROWS).iterrows(), start=1):
                chosen[str(clip.actor) if named else str(number), emotion] = clip
        return dict(sorted(chosen.items(), key=lambda cell: _row_key(cell[0][0])))
    these = order[order.actor.isin(rows)] if named else order.head(ROWS * COLUMNS)
    for i, (_, clip) in enumerate(these.iterrows()):
        row = str(clip.actor) if named else str(i // COLUMNS + 1)
        counts[row] = counts.get(row, 0) + 1
        if counts[row] <= COLUMNS:
            chosen[row, str(counts[row])] = clip
    return dict(sorted(chosen.items(), key=lambda cell: (_row_key(cell[0][0]), int(cell[0][1]))))


def _row_key(row: str) -> tuple[int, str]:
    return (int(row), "") if row.isdigit() else (0, row)


def _spread(names: list[str], most: int) -> list[str]:
    if len(names) <= most:
        return names
    return [names[i] for i in np.linspace(0, len(names) - 1, most).round().astype(int)]


def _pixels(root: Path, clip: pd.Series, decoder: str | None) -> np.ndarray | None:
    """The picture of a clip, small, or None if it cannot be decoded."""
    try:
        if pd.notna(clip.image):
            return _small((root / str(clip.image)).read_bytes())
        film = root / str(clip.video)
        if film.is_dir():
            frames = [file for file in film.iterdir() if file.stem.isdigit()]
            return _small(min(frames, key=lambda file: int(file.stem)).read_bytes())
        seconds = 0.0 if pd.isna(clip.duration_s) else float(clip.duration_s)
        return _small(_middle_frame(film, seconds, decoder))
    except (OSError, ValueError, SyntaxError, subprocess.SubprocessError):
        return None


def _small(content: bytes) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            with Image.open(io.BytesIO(content)) as picture:
                width, height = picture.size
                if width > height:  # of a wide picture the middle, where the face is
                    left = (width - height) // 2
                    picture = picture.crop((left, 0, left + height, height))
                picture.thumbnail((2 * THUMB, 2 * THUMB))
                return np.asarray(picture.convert("RGB"))
        except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
            raise ValueError(str(error)) from None


def _middle_frame(film: Path, seconds: float, decoder: str | None) -> bytes:
    if decoder is None:
        return encode_png(_decoded(film, round(seconds / 2 * RATE)), "")
    command = [decoder, "-v", "error", "-nostdin", "-ss", f"{seconds / 2:.3f}"]
    command += ["-i", f"file:{film}", "-frames:v", "1", "-f", "image2pipe", "-c:v", "png", "-"]
    return subprocess.run(command, capture_output=True, check=True, timeout=SECONDS).stdout


def _decoded(film: Path, number: int) -> np.ndarray:
    """A frame by its number, or the last one of a shorter film."""
    last = deque(islice(read_video(film), number + 1), maxlen=1)
    if not last:
        raise ValueError(f"{film}: no frame")
    return last[0]
