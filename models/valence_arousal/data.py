"""The one file that training starts from: faces with their valence and arousal.

Safetensors; pictures coded by `models.coding`. Everything is in memory once it is read: 14,000
faces of 128 pixels take 0.7 GB.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from models import coding
from models.coding import Coded
from models.datafile import hold_columns, read_datafile, write_datafile

KIND = "valence-arousal-data"
# Nobody is in two. From "judge" learn the judges alone, who then see faces as strange to them as
# to the editor; "test" is seen by nothing.
PARTS = ("train", "validation", "judge", "test")
NOBODY = -1  # a person who is not known: each such picture is somebody else


@dataclass(frozen=True)
class Labels:
    """What is known of N pictures.

    Attributes:
        person: (N,) int32, number of the person, or NOBODY.
        valence, arousal: (N,) float32, -1 to 1.
        part: (N,) int8, row of PARTS.
    """

    person: np.ndarray
    valence: np.ndarray
    arousal: np.ndarray
    part: np.ndarray

    _TYPES = {"person": np.int32, "valence": np.float32, "arousal": np.float32, "part": np.int8}

    def __post_init__(self) -> None:
        """Refuse columns of different lengths, and labels outside -1…1."""
        hold_columns(self, self._TYPES)
        for name in ("valence", "arousal"):
            values = getattr(self, name)
            wrong = ~(np.abs(values) <= 1)  # a NaN as well
            if wrong.any():
                raise ValueError(
                    f"{name}: found {values[wrong][0]:g} in {int(wrong.sum())} rows; accepted: "
                    "-1 to 1"
                )

    def __len__(self) -> int:
        return len(self.person)

    def where(self, part: str) -> np.ndarray:
        """Rows of one part."""
        return np.flatnonzero(self.part == PARTS.index(part))

    def both(self, rows: np.ndarray) -> Tensor:
        """Valence and arousal (n, 2) of rows (n,)."""
        return torch.from_numpy(np.stack([self.valence[rows], self.arousal[rows]], 1))


@dataclass(frozen=True)
class FaceData:
    """faces (N, S, S, 3) uint8 sRGB, and labels."""

    faces: np.ndarray
    labels: Labels
    facts: Mapping[str, str]  # licence, what it was made from, sha256

    def pictures(self, rows: np.ndarray) -> Tensor:
        """Faces (n, 3, S, S) in [0, 1], channels last in memory."""
        return torch.from_numpy(self.faces[np.asarray(rows)]).permute(0, 3, 1, 2).float().div_(255)


def save_data(path: Path, faces: Coded, labels: Labels, **facts: str) -> str:
    """Write the file; returns its SHA-256."""
    arrays = {f"faces.{f.name}": getattr(faces, f.name) for f in fields(faces)}
    arrays |= {f"labels.{f.name}": getattr(labels, f.name) for f in fields(labels)}
    return write_datafile(path, KIND, arrays, (), facts)


def load_data(path: Path) -> FaceData:
    """Read the file.

    Raises:
        ValueError: No such file, another kind of file, or labels that cannot be.
    """
    arrays, _, facts = read_datafile(path, KIND, "faces with valence and arousal")
    coded = Coded(arrays["faces.data"], arrays["faces.ends"], arrays["faces.shape"])
    labels = Labels(**{f.name: arrays[f"labels.{f.name}"] for f in fields(Labels)})
    return FaceData(coding.decode_all(coded), labels, facts)
