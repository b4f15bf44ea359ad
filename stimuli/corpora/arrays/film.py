"""Pictures and films of a clip, decoded one frame after the other, each with its time.

A film is a video file, or a folder of numbered pictures. Times are seconds from its first frame.
Colours of a video are converted as its tags say; without tags by BT.709 from 720 lines on, by
BT.601 below, as players do.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageCms, ImageOps

from stimuli import video

BT709, BT601 = 1, 5  # as FFmpeg's software scaler numbers them
UNTAGGED = (0, 2)  # of the matrix coefficients: RGB, unspecified (ISO/IEC 23091-2)
LINES_709 = 720
DAMAGE = (OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError, TypeError)


class Undecodable(Exception):
    """A file that cannot be decoded; the message says after what."""


class Frame(NamedTuple):
    """One frame: its number in the film from 0, its time in seconds, pixels (H, W, 3) uint8."""

    number: int
    time: float
    pixels: np.ndarray


@dataclass(frozen=True)
class Moment:
    """A frame of the film shown at moment `at` of the rate asked for."""

    at: int
    number: int
    pixels: np.ndarray


def read_picture(path: Path) -> np.ndarray:
    """A photograph (H, W, 3) uint8, upright as its camera says.

    Pictures with 16 bits keep their 8 highest; CMYK follows the profile in the file, where there is
    one; of an animated file the first picture counts.

    Raises:
        Undecodable: no picture, or one whose numbers are no grey levels.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            if path.suffix.lower() == ".png":  # Pillow decodes what is damaged inside as it can
                with Image.open(path) as picture:
                    picture.verify()
            with Image.open(path) as picture:
                return np.asarray(_rgb(ImageOps.exif_transpose(picture)))
        except (
            *DAMAGE,
            ImageCms.PyCMSError,
            Image.DecompressionBombWarning,
            Image.DecompressionBombError,
        ) as error:
            raise Undecodable(f"cannot be decoded: {error}") from None


def _rgb(picture: Image.Image) -> Image.Image:
    """The picture in sRGB, 8 bits a channel."""
    if picture.mode in ("I", "F"):
        raise Undecodable("its pixels are numbers without a white; save it with 8 bits a channel")
    if picture.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8)).convert("RGB")
    profile = picture.info.get("icc_profile")
    if picture.mode == "CMYK" and profile:
        printed = ImageCms.ImageCmsProfile(BytesIO(profile))
        screen = ImageCms.createProfile("sRGB")
        made = ImageCms.profileToProfile(picture, printed, screen, outputMode="RGB")
        assert made is not None  # not in place
        return made
    return picture.convert("RGB")


def moments(path: Path, rate: float | None, wanted: float, every: int) -> Iterator[Moment]:
    """The film at `path` brought to `wanted` frames a second (0: as it is), of them each K-th.

    `rate`: frames a second of a folder of pictures; a video says its own.

    Raises:
        Undecodable: no film, or damaged.
    """
    frames = _folder(path, rate or wanted or 1.0) if path.is_dir() else _video(path)
    for moment in at_rate(frames, wanted):
        if moment.at % every == 0:
            yield moment


def at_rate(frames: Iterable[Frame], wanted: float) -> Iterator[Moment]:
    """At each moment t = 0, 1 / wanted, … the frame that is nearest in time; 0: every frame.

    The film ends after its last frame was shown for as long as the frames before it on average.
    """
    if not wanted:
        for frame in frames:
            yield Moment(frame.number, frame.number, frame.pixels)
        return
    at, before = 0, None
    for frame in frames:
        if before is not None:
            middle = (before.time + frame.time) / 2
            while at / wanted < middle - 1e-9:
                yield Moment(at, before.number, before.pixels)
                at += 1
        before = frame
    if before is None:
        return
    shown = before.time / before.number if before.number else 1 / wanted
    while at == 0 or at / wanted < before.time + shown - 0.5 / wanted:
        yield Moment(at, before.number, before.pixels)
        at += 1


def _folder(path: Path, rate: float) -> Iterator[Frame]:
    files = sorted((int(file.stem), file) for file in path.iterdir() if file.stem.isdigit())
    if not files:
        raise Undecodable("no numbered pictures in it")
    first = files[0][0]
    for number, file in files:
        try:
            yield Frame(number - first, (number - first) / rate, read_picture(file))
        except Undecodable as error:
            raise Undecodable(f"{file.name} {error}") from None


def _video(path: Path) -> Iterator[Frame]:
    av = pyav()
    number, start = 0, 0.0
    try:
        with av.open(str(path)) as file:
            if not file.streams.video:
                raise Undecodable("no video in it")
            stream = file.streams.video[0]
            usual = float(stream.average_rate or 25)
            for decoded in file.decode(stream):
                time = decoded.time
                start = (time or 0.0) if number == 0 else start
                seconds = number / usual if time is None else time - start
                yield Frame(number, seconds, _pixels(decoded))
                number += 1
    except (av.FFmpegError, *DAMAGE) as error:
        where = f" after frame {number}" if number else ""
        raise Undecodable(f"cannot be decoded{where}: {_why(error)}") from None
    if number == 0:
        raise Undecodable("cannot be decoded: it has no frame")


def _pixels(decoded: Any) -> np.ndarray:
    """Pixels (H, W, 3) uint8 sRGB of a decoded frame."""
    tagged = int(decoded.colorspace)
    guess = BT709 if decoded.height >= LINES_709 else BT601
    return decoded.reformat(
        format="rgb24", src_colorspace=guess if tagged in UNTAGGED else tagged,
        dst_color_range="JPEG", interpolation=video.accurately(),
    ).to_ndarray()  # fmt: skip


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def pyav() -> Any:
    """PyAV, quiet about damage: that is told in the table of problems."""
    av = video.pyav()
    av.logging.set_level(av.logging.PANIC)
    return av
