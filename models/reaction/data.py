"""The one file that training starts from: what speakers show and say, and how listeners react.

Safetensors, one byte a number: attributes in steps of 1/255 of their range, voice features in steps
of less than 0.05 of their standard deviation. 272 clips of 30 seconds with 1,400 reactions take
49 MB, in the file and in memory; what is asked for comes as float32.

Symbols: C clips of speakers, R reactions of listeners, T frames at 25 a second.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from models.datafile import hold_columns, read_datafile, write_datafile
from models.reaction.attributes import AFFECT, ATTRIBUTES, PLACE

KIND = "reaction-data"
PARTS = ("train", "validation", "test")  # nobody is in two, neither as speaker nor as listener
CODES = 255  # largest code of a number
FARTHEST = 6.0  # standard deviations from its mean at which a voice feature is cut


@dataclass(frozen=True)
class Series:
    """Numbers over time in one byte each: `series[rows]` gives them as float32.

    Attributes:
        codes: (n, T, F) uint8.
        low, high: (F,) float32, what codes 0 and 255 stand for.
    """

    codes: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, rows: Any) -> np.ndarray:
        """Values (…, T, F) of rows: a number, a slice, an array of numbers, or a mask."""
        step = (self.high - self.low) / CODES
        return self.low + step * self.codes[rows].astype(np.float32)

    @property
    def shape(self) -> tuple[int, ...]:
        """(n, T, F)."""
        return self.codes.shape

    def window(self, rows: np.ndarray, starts: np.ndarray, frames: int) -> np.ndarray:
        """Values (m, frames, F) of rows (m,), each from its own first frame (m,)."""
        at = np.asarray(starts)[:, None] + np.arange(frames)
        step = (self.high - self.low) / CODES
        return self.low + step * self.codes[np.asarray(rows)[:, None], at].astype(np.float32)


@dataclass(frozen=True)
class Clips:
    """What is known of C clips.

    Attributes:
        part: (C,) int8, row of PARTS.
        speaker: (C,) int32, number of the person; speakers and listeners are numbered together.
    """

    part: np.ndarray
    speaker: np.ndarray

    _TYPES = {"part": np.int8, "speaker": np.int32}

    def __post_init__(self) -> None:
        """Refuse columns of different lengths."""
        hold_columns(self, self._TYPES)

    def __len__(self) -> int:
        return len(self.part)


@dataclass(frozen=True)
class Replies:
    """What is known of R reactions.

    Attributes:
        of: (R,) int32, row of the clip that a reaction is appropriate to.
        listener: (R,) int32, number of the person, as Clips.speaker.
    """

    of: np.ndarray
    listener: np.ndarray

    _TYPES = {"of": np.int32, "listener": np.int32}

    def __post_init__(self) -> None:
        """Refuse columns of different lengths."""
        hold_columns(self, self._TYPES)


@dataclass(frozen=True)
class ReactionData:
    """Speakers and listeners; every table of numbers is read by rows, as float32.

    Attributes:
        face: (C, T, 25) a speaker's facial attributes.
        voice: (C, T, 78) a speaker's voice features.
        heard: (C, T, 10) what the voice alone expresses: the columns AFFECT.
        reactions: (R, T, 25) a listener's attributes.
        clips, replies: who, and which reaction belongs to which clip.
        facts: licence, what it was made from, sha256.
        seen: (C, T) bool, where a speaker's face is seen; None: everywhere.
    """

    face: Series
    voice: Series
    heard: Series
    reactions: Series
    clips: Clips
    replies: Replies
    facts: Mapping[str, str]
    seen: np.ndarray | None = None

    def __post_init__(self) -> None:
        """Refuse tables that do not fit each other, and people who are in two parts."""
        clips, replies = self.clips, self.replies
        for name, table, rows in (
            ("face", self.face, len(clips)), ("voice", self.voice, len(clips)),
            ("heard", self.heard, len(clips)), ("reactions", self.reactions, len(replies.of)),
        ):  # fmt: skip
            if table.shape[:2] != (rows, self.frames):
                raise ValueError(
                    f"{name}: found {table.shape[0]} series of {table.shape[1]} frames; accepted: "
                    f"{rows} of {self.frames}"
                )
        if self.seen is not None and self.seen.shape != (len(clips), self.frames):
            raise ValueError(
                f"seen: found {self.seen.shape}; accepted: {(len(clips), self.frames)}"
            )
        if len(replies.of) and not 0 <= replies.of.min() <= replies.of.max() < len(clips):
            raise ValueError(f"of: found clip {replies.of.max()}; there are {len(clips)}")
        without = np.setdiff1d(np.arange(len(clips)), replies.of)
        if len(without):
            raise ValueError(f"clip {without[0]}: has no reaction; every clip needs one at least")
        person = np.concatenate([clips.speaker, replies.listener])
        part = np.concatenate([clips.part, clips.part[replies.of]])
        pairs = np.unique(np.stack([person, part], 1), axis=0)[:, 0]
        twice = pairs[1:][pairs[1:] == pairs[:-1]]
        if len(twice):
            raise ValueError(f"person {twice[0]}: is in two parts; nobody may be")

    @property
    def frames(self) -> int:
        """T."""
        return self.face.shape[1]

    @property
    def part(self) -> np.ndarray:
        """(C,) row of PARTS of each clip."""
        return self.clips.part

    @property
    def speaker(self) -> np.ndarray:
        """(C,) who speaks."""
        return self.clips.speaker

    @property
    def of(self) -> np.ndarray:
        """(R,) the clip of each reaction."""
        return self.replies.of

    @property
    def listener(self) -> np.ndarray:
        """(R,) who listens."""
        return self.replies.listener

    def seen_in(self, rows: np.ndarray, starts: np.ndarray, frames: int) -> np.ndarray:
        """Where faces are seen (m, frames), of clips (m,), each from its own first frame (m,)."""
        if self.seen is None:
            return np.ones((len(rows), frames), bool)
        return self.seen[np.asarray(rows)[:, None], np.asarray(starts)[:, None] + np.arange(frames)]

    def where(self, part: str) -> np.ndarray:
        """Clips of one part."""
        return np.flatnonzero(self.part == PARTS.index(part))

    def reactions_to(self, clip: int) -> np.ndarray:
        """Rows of the reactions that are appropriate to a clip."""
        return np.flatnonzero(self.of == clip)


def save_data(
    path: Path, *, face: np.ndarray, voice: np.ndarray, heard: np.ndarray, part: np.ndarray,
    speaker: np.ndarray, reactions: np.ndarray, of: np.ndarray, listener: np.ndarray,
    seen: np.ndarray | None = None, **facts: str,
) -> str:  # fmt: skip
    """Write the file; returns its SHA-256.

    Shapes as in `ReactionData`; every series has the same number of frames. Attributes beyond their
    range are cut to it, voice features 6 standard deviations from their means.

    Raises:
        ValueError: Tables that do not fit each other, a person in two parts, or no numbers.
    """
    low, high = attribute_ranges()
    of_voice = voice.reshape(-1, voice.shape[-1])
    mean, spread = of_voice.mean(0, dtype=np.float64), of_voice.std(0, dtype=np.float64)
    data = ReactionData(
        _coded("face", face, low, high),
        _coded("voice", voice, np.maximum(of_voice.min(0), mean - FARTHEST * spread),
               np.minimum(of_voice.max(0), mean + FARTHEST * spread)),
        _coded("heard", heard, low[AFFECT], high[AFFECT]),
        _coded("reactions", reactions, low, high),
        Clips(part, speaker), Replies(of, listener), facts, seen,
    )  # fmt: skip
    arrays = {
        f"{name}.{f.name}": getattr(getattr(data, name), f.name)
        for name in ("face", "voice", "heard", "reactions", "clips", "replies")
        for f in fields(getattr(data, name))
    }
    if seen is not None and not seen.all():
        arrays["seen"] = seen.astype(np.uint8)
    return write_datafile(path, KIND, arrays, (), facts)


def load_data(path: Path) -> ReactionData:
    """Read the file.

    Raises:
        ValueError: No such file, another kind of file, or one that contradicts itself.
    """
    arrays, _, facts = read_datafile(path, KIND, "speakers and listeners")
    series = {
        name: Series(*(arrays[f"{name}.{f.name}"] for f in fields(Series)))
        for name in ("face", "voice", "heard", "reactions")
    }
    clips = Clips(**{f.name: arrays[f"clips.{f.name}"] for f in fields(Clips)})
    replies = Replies(**{f.name: arrays[f"replies.{f.name}"] for f in fields(Replies)})
    seen = arrays["seen"].astype(bool) if "seen" in arrays else None
    return ReactionData(**series, clips=clips, replies=replies, facts=facts, seen=seen)


def attribute_ranges() -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest (25,) of the facial attributes."""
    low = np.zeros(len(ATTRIBUTES), np.float32)
    low[PLACE] = -1
    return low, np.ones(len(ATTRIBUTES), np.float32)


def _coded(name: str, values: np.ndarray, low: np.ndarray, high: np.ndarray) -> Series:
    """Numbers (n, T, F) in steps of 1/255 of their ranges (F,)."""
    if values.ndim != 3 or values.shape[2] != len(low):
        raise ValueError(f"{name}: found shape {values.shape}; accepted: (n, T, {len(low)})")
    if not np.isfinite(values).all():
        raise ValueError(f"{name}: found values that are no numbers")
    low, high = low.astype(np.float32), high.astype(np.float32)
    width = np.where(high > low, high - low, 1)
    codes = np.clip(np.rint((values - low) / width * CODES), 0, CODES).astype(np.uint8)
    return Series(codes, low, high)
