"""What every training takes from a prepared corpus: which clips, how strong, which pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from safetensors import SafetensorError, safe_open

from models import coding
from models.coding import Coded
from models.weights import facts_of
from protocols.errors import UserError
from protocols.prepared import PreparedCorpus

AT_ONCE = 16 * coding.CHUNK  # pictures that are in memory while they are coded
LEVEL_M = {"low": 1 / 3, "medium": 2 / 3, "high": 1.0}  # levels of a corpus as m
PREFERRED = {"view": "front", "channel": "speech"}
NAME = "corpus-data.safetensors"
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class CorpusData:
    """The data file of a corpus, and what it holds in words."""

    path: Path
    lines: tuple[str, ...] = ()


def preferred(clips: pd.DataFrame) -> pd.DataFrame:
    """Of a corpus filmed from several sides only the front, of songs and speech only speech."""
    for column, wanted in PREFERRED.items():
        if (clips[column] == wanted).any():
            clips = clips.loc[clips[column].isna() | (clips[column] == wanted)]
    return clips


def strengths(clips: pd.DataFrame) -> np.ndarray:
    """How strong the emotion of each clip is, m: as its corpus says, else 1."""
    return np.array([_strength(word) for word in clips["intensity"]], float)


def _strength(word: object) -> float:
    if word in LEVEL_M:
        return LEVEL_M[str(word)]
    try:
        m = float(str(word))
    except ValueError:
        return 1.0
    return m if 0 <= m <= 1 else 1.0


def spread(frames: int, most: int) -> np.ndarray:
    """Numbers of up to `most` frames, the middles of equal parts."""
    n = min(frames, most)
    return ((np.arange(n) + 0.5) * frames / n).astype(int)


def check_size(arrays: PreparedCorpus, size: int) -> None:
    """Refuse faces of another size than the networks take."""
    if arrays.record.size != size:
        raise UserError(
            f"{arrays.folder}: faces of {arrays.record.size} pixels; the networks take {size}: "
            f"run {prepare_again(arrays, size)}"
        )


def prepare_again(arrays: PreparedCorpus, size: int) -> str:
    """The command that prepares the corpus in another size."""
    return f"mien corpus prepare {arrays.record.corpus} --size {size} --anew"


def coded_faces(arrays: PreparedCorpus, rows: np.ndarray, progress: Progress | None) -> Coded:
    """Pictures coded piece by piece, as `coding.encode` would code them together."""
    parts: list[Coded] = []
    for start in range(0, len(rows), AT_ONCE):
        some = rows[start : start + AT_ONCE]
        parts.append(coding.encode(np.asarray(arrays.faces[some])))
        if progress:
            progress(start + len(some), len(rows))
    sizes = np.cumsum([0, *(len(part.data) for part in parts)])
    ends = np.concatenate([part.ends + size for part, size in zip(parts, sizes, strict=False)])
    shape = np.array([len(rows), *parts[0].shape[1:]])
    return Coded(np.concatenate([part.data for part in parts]), ends, shape)


def is_there(path: Path, made: str) -> bool:
    """Whether the data file is there, made from the same; another one is refused."""
    if not path.is_file():
        return False
    try:
        with safe_open(path, "np") as file:
            found = facts_of(file.metadata()).get("made")
    except (SafetensorError, OSError):
        return False
    if found != made:
        raise UserError(
            f"{path}: made from another corpus, another preparation, or other choices ({found}); "
            "give a new folder with -o"
        )
    return True
