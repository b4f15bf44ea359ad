"""The one file that training starts from: faces and spectrograms with their labels.

Safetensors; pictures coded by `models.coding`, spectrograms as whole decibels or, where many are to
fit into a small file, coded as pictures are. Everything is in memory once it is read: 30,000 faces
of 128 pixels take 1.5 GB.
"""

from __future__ import annotations

import lzma
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from models import coding
from models.coding import Coded
from models.datafile import read_datafile, write_datafile

KIND = "context-face-data"
LEVELS = 100  # of a spectrogram: decibels below the loudest
# Of coded spectrograms, beside pictures: 1.44, with which silence (0) comes back as it is. A voice
# of the crowd takes 1.7 kB instead of 5.3, and its sounds are 2.2 dB (rms) from what they were.
COARSER = 128 * coding.BLOCK / (88 * coding.MEAN_STEP)
PARTS = ("train", "validation", "test")
GENDERS = ("female", "male")


@dataclass(frozen=True)
class Labels:
    """What is known of N faces or voices.

    Attributes:
        actor: (N,) int32, number of the person; the same person has the same in both tables.
        gender: (N,) int8, row of GENDERS.
        emotion: (N,) int8, row of the file's emotions.
        m: (N,) float32, strength of the emotion, 0 to 1.
        part: (N,) int8, row of PARTS; nobody is in two.
        group: (N,) int16: take of a clip, sentence of a voice, or -1.
        clip: (N,) int32: the recording, the same number in both tables where face and voice are
            of one; -1 (the default): of none.
        speaking: (N,) bool: a mouth that speaks shows more than its emotion; False by default.
    """

    actor: np.ndarray
    gender: np.ndarray
    emotion: np.ndarray
    m: np.ndarray
    part: np.ndarray
    group: np.ndarray
    clip: np.ndarray = field(default_factory=lambda: np.array(-1))
    speaking: np.ndarray = field(default_factory=lambda: np.array(False))

    _TYPES = {"actor": np.int32, "gender": np.int8, "emotion": np.int8, "m": np.float32,
              "part": np.int8, "group": np.int16, "clip": np.int32, "speaking": bool}  # fmt: skip

    def __post_init__(self) -> None:
        """Refuse columns of different lengths."""
        for name, dtype in self._TYPES.items():
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype))
        for name in ("clip", "speaking"):
            value = getattr(self, name)
            if not value.ndim:
                object.__setattr__(self, name, np.full(len(self.actor), value))
        lengths = {f.name: len(getattr(self, f.name)) for f in fields(self)}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"labels of different lengths: {lengths}")

    def __len__(self) -> int:
        return len(self.actor)

    def where(self, part: str) -> np.ndarray:
        """Rows of one part."""
        return np.flatnonzero(self.part == PARTS.index(part))


@dataclass(frozen=True)
class TrainingData:
    """faces (N, S, S, 3) uint8 sRGB, voices (M, bins, frames) uint8 of LEVELS, and labels."""

    faces: np.ndarray
    of_faces: Labels
    voices: np.ndarray
    of_voices: Labels
    emotions: tuple[str, ...]
    facts: Mapping[str, str]  # licence, what it was made from, sha256

    def pictures(self, rows: np.ndarray | Tensor) -> Tensor:
        """Faces (n, 3, S, S) in [0, 1], channels last in memory."""
        chosen = torch.from_numpy(self.faces[np.asarray(rows)])
        return chosen.permute(0, 3, 1, 2).float().div_(255)

    def spectrograms(self, rows: np.ndarray | Tensor) -> Tensor:
        """Voices (n, 1, bins, frames) in [0, 1]."""
        return torch.from_numpy(self.voices[np.asarray(rows)])[:, None].float().div_(LEVELS)


def coded_voices(voices: np.ndarray) -> Coded:
    """Spectrograms (M, bins, frames) uint8 of LEVELS, as `save_data` takes them in small."""
    return coding.encode(voices[..., None], COARSER)


def save_data(
    path: Path,
    faces: Coded,
    of_faces: Labels,
    voices: np.ndarray | Coded,
    of_voices: Labels,
    emotions: tuple[str, ...],
    **facts: str,
) -> str:
    """Write the file; returns its SHA-256.

    voices: (M, bins, frames) uint8 of LEVELS, which come back as they are, or `coded_voices`.
    """
    arrays = {f"faces.{f.name}": getattr(faces, f.name) for f in fields(faces)}
    if isinstance(voices, Coded):
        arrays |= {f"voices.{f.name}": getattr(voices, f.name) for f in fields(voices)}
    else:
        packed = np.frombuffer(lzma.compress(np.ascontiguousarray(voices).tobytes()), np.uint8)
        arrays |= {"voices.data": packed, "voices.shape": np.array(voices.shape)}
    for name, labels in (("faces", of_faces), ("voices", of_voices)):
        arrays |= {f"{name}.{f.name}": getattr(labels, f.name) for f in fields(labels)}
    return write_datafile(path, KIND, arrays, emotions, facts)


def load_data(path: Path) -> TrainingData:
    """Read the file.

    Raises:
        ValueError: No such file, or another kind of file.
    """
    arrays, emotions, facts = read_datafile(path, KIND, "context faces")
    faces = Coded(arrays["faces.data"], arrays["faces.ends"], arrays["faces.shape"])
    labels = [
        Labels(**{f.name: arrays[f"{name}.{f.name}"] for f in fields(Labels)
                  if f"{name}.{f.name}" in arrays})  # a column may be left out for its default
        for name in ("faces", "voices")
    ]  # fmt: skip
    return TrainingData(
        coding.decode_all(faces), labels[0], _voices(arrays), labels[1], emotions, facts,
    )  # fmt: skip


def _voices(arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    data, shape = arrays["voices.data"], arrays["voices.shape"]
    if "voices.ends" not in arrays:
        return np.frombuffer(lzma.decompress(data.tobytes()), np.uint8).reshape(shape)
    voices = coding.decode_all(Coded(data, arrays["voices.ends"], shape), COARSER)[..., 0]
    return np.minimum(voices, LEVELS)
