"""The one file that training starts from: of each talking clip a few pictures and the whole sound.

Safetensors; pictures coded by `models.coding`, sounds as one byte a sample (mu-law), compressed.
Everything is in memory once it is read: 1,600 clips of 12 pictures take 1 GB.

Symbols: F first pictures, C clips, K pictures kept of a clip, S pixels a side.
"""

from __future__ import annotations

import lzma
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from models import coding
from models.coding import Coded
from models.datafile import hold_columns, read_datafile, write_datafile

KIND = "talking-face-data"
PARTS = ("train", "validation", "test")
MU = 255.0  # of mu-law (ITU-T G.711), continuous
CODES = 127  # largest code, of either sign


@dataclass(frozen=True)
class Clips:
    """What is known of C clips.

    Attributes:
        first: (C,) int32, row of the picture that a clip begins with, and is made from; clips of a
            synthetic person share theirs.
        part: (C,) int8, row of PARTS; nobody is in two.
        emotion: (C,) int8, of the face, row of the file's emotions.
        voice: (C,) int8, of the voice, likewise.
        m: (C,) float32, strength of the face's emotion, 0 to 1.
        number: (C, K) int16, which frames of a clip the pictures are; 25 a second.
        mouth: (C, K, 2) float32, middle of the lips, x and y in pixels.
        ends: (C,) int64, where each sound ends in the samples of all.
    """

    first: np.ndarray
    part: np.ndarray
    emotion: np.ndarray
    voice: np.ndarray
    m: np.ndarray
    number: np.ndarray
    mouth: np.ndarray
    ends: np.ndarray

    _TYPES = {"first": np.int32, "part": np.int8, "emotion": np.int8, "voice": np.int8,
              "m": np.float32, "number": np.int16, "mouth": np.float32,
              "ends": np.int64}  # fmt: skip

    def __post_init__(self) -> None:
        """Refuse columns of different lengths."""
        hold_columns(self, self._TYPES)

    def __len__(self) -> int:
        return len(self.first)

    def where(self, part: str) -> np.ndarray:
        """Rows of one part."""
        return np.flatnonzero(self.part == PARTS.index(part))


@dataclass(frozen=True)
class Sayings:
    """Sentences without pictures, each in whole frames.

    Attributes:
        sounds: (samples,) int8 codes.
        mouths: (frames, A) uint8, 255 times the weights of A actions of the mouth.
        ends: (n,) int64, the frame where each sentence ends.
    """

    sounds: np.ndarray
    mouths: np.ndarray
    ends: np.ndarray

    def saying(self, row: int, hop: int) -> tuple[np.ndarray, np.ndarray]:
        """Samples (frames * hop,) and weights (frames, A) float32 of one sentence."""
        start, end = (int(self.ends[row - 1]) if row else 0), int(self.ends[row])
        mouth = self.mouths[start:end].astype(np.float32) / 255
        return decoded(self.sounds[start * hop : end * hop]), mouth


@dataclass(frozen=True)
class ClipData:
    """firsts (F, S, S, 3) and frames (C, K, S, S, 3) uint8 sRGB, sounds (samples,) int8 codes."""

    firsts: np.ndarray
    frames: np.ndarray
    sounds: np.ndarray
    clips: Clips
    emotions: tuple[str, ...]
    facts: Mapping[str, str]  # licence, what it was made from, sha256
    sayings: Sayings | None = None

    def pictures(self, rows: np.ndarray) -> Tensor:
        """First pictures (n, 3, S, S) in [0, 1] of clips (n,)."""
        return _planes(self.firsts[self.clips.first[rows]])

    def videos(self, rows: np.ndarray, kept: np.ndarray | None = None) -> Tensor:
        """Pictures (n, k, 3, S, S) in [0, 1] of clips (n,): all, or those `kept` (n, k)."""
        if kept is None:
            return _planes(self.frames[rows])
        return _planes(self.frames[np.asarray(rows)[:, None], kept])

    def sound(self, row: int) -> np.ndarray:
        """Samples of one clip, float32 in [-1, 1]."""
        start = self.clips.ends[row - 1] if row else 0
        return decoded(self.sounds[start : self.clips.ends[row]])

    def together(self, rows: np.ndarray, hop: int) -> Tensor:
        """Sounds (n, samples) of clips (n,), silent at their ends up to the longest one's.

        In whole frames of `hop` samples, and no shorter than the last picture asks for.
        """
        sounds = [self.sound(int(row)) for row in rows]
        frames = max(max(-(-len(s) // hop) for s in sounds), int(self.clips.number[rows].max()) + 1)
        joined = np.zeros((len(sounds), frames * hop), np.float32)
        for place, sound in zip(joined, sounds, strict=True):
            place[: len(sound)] = sound
        return torch.from_numpy(joined)


def coded(samples: np.ndarray) -> np.ndarray:
    """Samples in [-1, 1] as int8 codes of mu-law."""
    x = np.clip(np.asarray(samples, float), -1, 1)
    return np.rint(np.sign(x) * np.log1p(MU * np.abs(x)) / np.log1p(MU) * CODES).astype(np.int8)


def decoded(codes: np.ndarray) -> np.ndarray:
    """Samples (float32) of codes, each within 0.0225 (|sample| + 1 / MU)."""
    y = codes.astype(np.float32) / CODES
    return (np.sign(y) * np.expm1(np.abs(y) * np.log1p(MU)) / MU).astype(np.float32)


def save_data(
    path: Path, pictures: Coded, sounds: np.ndarray, clips: Clips, emotions: tuple[str, ...],
    sayings: Sayings | None = None, **facts: str,
) -> str:  # fmt: skip
    """Write the file; returns its SHA-256.

    pictures: the F first ones, then the C * K of the clips; sounds: codes (samples,).
    """
    arrays = {f"pictures.{f.name}": getattr(pictures, f.name) for f in fields(pictures)}
    arrays |= {f"clips.{f.name}": getattr(clips, f.name) for f in fields(clips)}
    arrays["sounds"] = _packed(sounds)
    if sayings is not None:
        arrays |= {"sayings.sounds": _packed(sayings.sounds), "sayings.ends": sayings.ends,
                   "sayings.mouths": sayings.mouths}  # fmt: skip
    return write_datafile(path, KIND, arrays, emotions, facts)


def load_data(path: Path) -> ClipData:
    """Read the file.

    Raises:
        ValueError: No such file, or another kind of file.
    """
    arrays, emotions, facts = read_datafile(path, KIND, "talking faces")
    clips = Clips(**{f.name: arrays[f"clips.{f.name}"] for f in fields(Clips)})
    pictures = coding.decode_all(
        Coded(arrays["pictures.data"], arrays["pictures.ends"], arrays["pictures.shape"])
    )
    firsts = len(pictures) - clips.number.size
    sayings = None
    if "sayings.ends" in arrays:
        sounds, mouths, ends = (arrays[f"sayings.{name}"] for name in ("sounds", "mouths", "ends"))
        sayings = Sayings(_unpacked(sounds), mouths, ends)
    return ClipData(
        pictures[:firsts], pictures[firsts:].reshape(*clips.number.shape, *pictures.shape[1:]),
        _unpacked(arrays["sounds"]), clips, emotions, facts, sayings,
    )  # fmt: skip


def _packed(codes: np.ndarray) -> np.ndarray:
    return np.frombuffer(lzma.compress(np.ascontiguousarray(codes, np.int8).tobytes()), np.uint8)


def _unpacked(packed: np.ndarray) -> np.ndarray:
    return np.frombuffer(lzma.decompress(packed.tobytes()), np.int8)


def _planes(pictures: np.ndarray) -> Tensor:
    """(…, S, S, 3) uint8 to (…, 3, S, S) in [0, 1]."""
    return torch.from_numpy(pictures).movedim(-1, -3).float().div_(255)
