"""What a media file says about itself, read from its first and last bytes without decoding it.

Enough to tell whether a file is whole and of its kind: WAV and FLAC sound, MP4 and its relatives
(ISO 14496-12: boxes of a 4-byte size, a 4-byte name and content), Flash video, and every picture
that Pillow opens. Others are recognised by their first bytes only.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from stimuli.corpora.movie_boxes import read_movie

IMAGES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".gif")
SOUNDS = (".wav", ".mp3", ".m4a", ".flac", ".ogg")
VIDEOS = (".mp4", ".m4v", ".mov", ".flv", ".avi", ".mkv", ".webm")
MEDIA = IMAGES + SOUNDS + VIDEOS
POINTER = b"version https://git-lfs.github.com/spec/"
BEGINNINGS = {".avi": (b"RIFF",), ".mkv": (b"\x1aE\xdf\xa3",), ".webm": (b"\x1aE\xdf\xa3",),
              ".ogg": (b"OggS",), ".mp3": (b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2",
                                           b"\xff\xfa")}  # fmt: skip
TAIL = 4096  # bytes in which the end of a whole picture is looked for
DAMAGE = (SyntaxError, EOFError, IndexError, KeyError, TypeError)  # what Pillow stumbles over
UNKNOWN_SIZE = 0xFFFFFFFF  # of a WAV that was streamed


class BadFile(Exception):
    """A file that cannot be used; `kind` is one of `problems.KINDS`."""

    def __init__(self, kind: str, message: str) -> None:
        """`message`: what was found, and what to do."""
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True)
class Look:
    """What a file says: pixels, frames, frames per second, samples per second, seconds."""

    width: int | None = None
    height: int | None = None
    frames: int | None = None
    rate: float | None = None
    audio_rate: float | None = None
    duration_s: float | None = None


def look(path: Path) -> Look:
    """What the file says about itself.

    Raises:
        BadFile: empty, a Git LFS pointer, unreadable, not of its kind, or cut off.
    """
    try:
        return _look(path)
    except OSError as error:
        raise BadFile("damaged", f"cannot be read: {error.strerror or error}") from None
    except struct.error:
        raise BadFile("damaged", "ends within its header; fetch it again") from None
    except (ValueError, OverflowError, ZeroDivisionError) as error:
        raise BadFile("damaged", f"header makes no sense ({error}); fetch it again") from None


def _look(path: Path) -> Look:
    size, suffix = path.stat().st_size, path.suffix.lower()
    if size == 0:
        raise BadFile("empty", "zero bytes; fetch the file again")
    with path.open("rb") as file:
        start = file.read(64)
    if start.startswith(POINTER):
        raise BadFile("pointer", "a Git LFS pointer; run git lfs pull in the corpus")
    if suffix in IMAGES:
        return _picture(path)
    if suffix == ".wav":
        return _wav(path, size)
    if suffix == ".flac":
        return _flac(start)
    if suffix in (".mp4", ".m4v", ".mov", ".m4a"):
        return _movie(path, size, suffix)
    if suffix == ".flv":
        return _flash(path, start)
    if suffix in BEGINNINGS and not start.startswith(BEGINNINGS[suffix]):
        raise BadFile("damaged", f"does not begin as {suffix[1:].upper()} does; fetch it again")
    return Look()


def _picture(path: Path) -> Look:
    try:
        with Image.open(path) as picture:
            (width, height), kind = picture.size, picture.format
    except (UnidentifiedImageError, Image.DecompressionBombError, *DAMAGE):
        raise BadFile("damaged", "no picture; fetch it again") from None
    end = {"JPEG": b"\xff\xd9", "PNG": b"IEND"}.get(kind or "")
    with path.open("rb") as file:
        file.seek(-min(TAIL, path.stat().st_size), 2)
        if end is not None and end not in file.read():
            raise BadFile("damaged", "the picture is cut off; fetch it again")
    return Look(width=width, height=height)


def _wav(path: Path, size: int) -> Look:
    """RIFF chunks: `fmt ` holds rate and block size, `data` the samples."""
    with path.open("rb") as file:
        if file.read(4) != b"RIFF" or file.read(8)[4:] != b"WAVE":
            raise BadFile("damaged", "does not begin as WAV does; fetch it again")
        rate = block = None
        while len(head := file.read(8)) == 8:
            name, length = head[:4], struct.unpack("<I", head[4:])[0]
            rest = size - file.tell()
            if name == b"fmt ":
                content = file.read(min(length, 64))
                rate, block = struct.unpack("<4xI4xH", content[:14])
                file.seek(length - len(content) + length % 2, 1)
                continue
            if name == b"data":
                length = rest if length == UNKNOWN_SIZE else length
                if length > rest:
                    raise BadFile("damaged", f"cut off: {length - rest:,} bytes of sound missing")
                if not rate or not block or length < block:
                    raise BadFile("damaged", "holds no sound; fetch it again")
                return Look(audio_rate=rate, duration_s=length / block / rate)
            file.seek(length + length % 2, 1)
    raise BadFile("damaged", "holds no sound; fetch it again")


def _flac(start: bytes) -> Look:
    """STREAMINFO, the first block: 20 bits of rate, 36 bits of samples."""
    if not start.startswith(b"fLaC") or len(start) < 26:
        raise BadFile("damaged", "does not begin as FLAC does; fetch it again")
    bits = int.from_bytes(start[18:26], "big")
    rate, samples = bits >> 44, bits & (1 << 36) - 1
    return Look(audio_rate=rate, duration_s=samples / rate if samples else None)


def _movie(path: Path, size: int, suffix: str) -> Look:
    try:
        movie = read_movie(path, size)
    except ValueError as error:
        raise BadFile("damaged", f"{error}; fetch it again") from None
    if movie.frames is None and suffix != ".m4a":
        raise BadFile("damaged", "holds no video; fetch it again")
    return Look(**vars(movie))


def _flash(path: Path, start: bytes) -> Look:
    """Flash video: numbers stand as 8-byte floats after their names in the first tag.

    Frames are not counted there.
    """
    if not start.startswith(b"FLV\x01"):
        raise BadFile("damaged", "does not begin as Flash video does; fetch it again")
    with path.open("rb") as file:
        head = file.read(8192)
    said = {}
    for name in ("duration", "framerate", "width", "height", "audiosamplerate"):
        at = head.find(name.encode() + b"\x00")
        if at >= 0 and len(number := head[at + len(name) + 1 : at + len(name) + 9]) == 8:
            said[name] = struct.unpack(">d", number)[0]
    return Look(
        width=int(said["width"]) if said.get("width") else None,
        height=int(said["height"]) if said.get("height") else None,
        rate=said.get("framerate") or None,
        audio_rate=said.get("audiosamplerate") or None,
        duration_s=said.get("duration") or None,
    )
