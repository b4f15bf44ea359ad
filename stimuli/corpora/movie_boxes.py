"""Frames, rate and size of an MP4 file from its boxes (ISO 14496-12), without decoding a frame.

A box is a 4-byte size, a 4-byte name, and content. `ftyp` comes first; `moov` holds a `trak` per
track: `hdlr` says video or sound, `mdhd` the units of time per second, `stts` the duration of each
frame, `tkhd` width and height.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

LARGEST_INDEX = 64_000_000  # bytes of a `moov`; hours of video have less
LARGEST_TABLE = 1_000_000  # entries of a `stts`


@dataclass
class Movie:
    """What the tracks say: pixels, frames, frames and samples per second, seconds."""

    width: int | None = None
    height: int | None = None
    frames: int | None = None
    rate: float | None = None
    audio_rate: float | None = None
    duration_s: float | None = None


def read_movie(path: Path, size: int) -> Movie:
    """The movie in the file `path` of `size` bytes.

    Raises:
        ValueError: not MP4, cut off, or without an index.
    """
    with path.open("rb") as file:
        index, first = None, True
        for name, start, end in _outer_boxes(file, size):
            if first and name != b"ftyp":
                raise ValueError("does not begin as MP4 does (no ftyp)")
            first = False
            if name == b"moov":
                if end - start > LARGEST_INDEX:
                    raise ValueError("index too large")
                file.seek(start)
                index = file.read(end - start)
    if index is None:
        raise ValueError("no index (moov): the file was not finished or is cut off")
    movie = Movie()
    for name, content in _boxes(index):
        if name == b"trak":
            _read_track(content, movie)
    return movie


def _outer_boxes(file: BinaryIO, size: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, start of content and end of each box of the file."""
    at = 0
    while at + 8 <= size:
        file.seek(at)
        length, name = struct.unpack(">I4s", file.read(8))
        head = 8
        if length == 1:
            length, head = struct.unpack(">Q", file.read(8))[0], 16
        elif length == 0:
            length = size - at
        if length < head or not name.isascii():
            raise ValueError("not MP4 inside")
        if at + length > size:
            raise ValueError(f"cut off: {at + length - size:,} bytes missing")
        yield name, at + head, at + length
        at += length


def _boxes(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Name and content of each box inside a box."""
    at = 0
    while at + 8 <= len(content):
        length, name = struct.unpack_from(">I4s", content, at)
        if length < 8 or at + length > len(content):
            return
        yield name, content[at + 8 : at + length]
        at += length


def _inside(content: bytes, *names: bytes) -> bytes | None:
    """The content of the box at the path `names`, if there."""
    for name in names:
        found = next((inner for outer, inner in _boxes(content) if outer == name), None)
        if found is None:
            return None
        content = found
    return content


def _read_track(track: bytes, movie: Movie) -> None:
    handler = _inside(track, b"mdia", b"hdlr")
    header = _inside(track, b"mdia", b"mdhd")
    times = _inside(track, b"mdia", b"minf", b"stbl", b"stts")
    if handler is None or header is None or times is None:
        return
    units = struct.unpack_from(">I", header, 20 if header[0] == 1 else 12)[0]
    entries = struct.unpack_from(">I", times, 4)[0]
    if entries > min(LARGEST_TABLE, (len(times) - 8) // 8):
        raise ValueError("table of frames cut off")
    pairs = [struct.unpack_from(">II", times, 8 + 8 * i) for i in range(entries)]
    count, length = sum(n for n, _ in pairs), sum(n * step for n, step in pairs)
    if handler[8:12] == b"vide" and count and length and movie.frames is None:
        movie.frames, movie.rate = count, units * count / length
        movie.duration_s = length / units
        tkhd = _inside(track, b"tkhd") or b""
        if len(tkhd) >= 8:
            width, height = struct.unpack(">II", tkhd[-8:])
            movie.width, movie.height = width >> 16, height >> 16
    elif handler[8:12] == b"soun" and units:
        movie.audio_rate = units
        movie.duration_s = movie.duration_s or (length / units if length else None)
