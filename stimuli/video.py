"""Video files: H.264 in MP4 at a constant frame rate, that every browser plays.

Colours are sRGB in, tagged and stored as BT.709 with 4:2:0 chroma. There are no B-frames, so the
first frame is shown at 0 s and frame t at t / rate without an edit list; the index stands at the
file's beginning, so that playing starts before all is loaded.

The same frames give the same bytes: one encoding thread, and x264 without its assembly code. With
it, 8 of 3,200 encodings of the same 38 frames differed by some bytes while the processor was shared
with other work; without it none of 1,600 did. It costs little beside drawing (150 instead of 420
frames a second at 256 pixels), and no byte depends on which instructions a processor has.

A film without loss is FFV1 (version 3, RGB) in Matroska, its sound FLAC: every pixel and sample is
as it was made, which H.264 with 4:2:0 chroma cannot say. PsychoPy and VLC play it, browsers do not.

PyAV (FFmpeg's libraries, with an H.264 encoder, from one wheel) is imported when a video is asked
for.
"""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from protocols.errors import UserError
from stimuli.pieces import pieces

RATE = 25  # frames a second
QUALITY = 14  # x264's constant rate factor: 0 lossless, 18 as good as to the eye
KEY_EVERY = RATE  # frames: a player can jump to every second
LOSSLESS = ".mkv"  # ending of films without loss
FFV1 = {"level": "3", "slices": "4", "slicecrc": "1", "g": "1"}  # each frame by itself, checked
PLAIN_CODE = "asm=0"  # x264's own options
AUDIO_BITS = 128_000  # a second
CONTAINERS = {  # ending -> format and its options; Matroska else draws numbers by chance
    ".mp4": ("mp4", {"movflags": "+faststart"}),
    LOSSLESS: ("matroska", {"fflags": "+bitexact"}),
}
BT709 = 1  # primaries, transfer and matrix all have this number (ISO/IEC 23091-2)
LIMITED = 1  # luma from 16 to 235


@dataclass(frozen=True)
class VideoFacts:
    """What a video file holds."""

    frames: int
    width: int
    height: int
    rate: Fraction
    audio_rate: int | None  # samples a second; None without sound
    audio_s: float  # duration of the sound


def write_video(
    path: Path,
    frames: Iterable[np.ndarray],
    *,
    rate: int = RATE,
    sound: tuple[np.ndarray, int] | None = None,
    note: str = "",
) -> int:
    """Write frames (H, W, 3) uint8 sRGB as they come; returns how many.

    H and W are even and the same in every frame. sound: mono samples (N,) in [-1, 1] and their
    rate in hertz; it begins with the first frame, and is stored as AAC. note: said in the file's
    comment. The file is whole or not there. Raises ValueError on frames or samples that are no
    video, UserError without PyAV.
    """
    av = pyav()
    with _whole_file(av, path, note) as file:
        return _encode(av, file, iter(frames), rate, sound)


def without_loss(
    frames: Iterable[np.ndarray], path: Path, *, rate: int = RATE, note: str = ""
) -> Iterator[np.ndarray]:
    """The frames (H, W, 3) uint8 as they pass, on their way written to `path` (.mkv) without loss.

    The file is there when the last frame has passed, and not if that does not happen.
    """
    av = pyav()
    with _whole_file(av, path, note) as file:
        stream = None
        for number, frame in enumerate(frames):
            if stream is None:
                stream = file.add_stream("ffv1", rate=rate, options=FFV1)
                stream.height, stream.width = frame.shape[:2]
                stream.pix_fmt, stream.thread_count = "bgr0", 1
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
            picture = picture.reformat(format="bgr0")
            picture.pts, picture.time_base = number, Fraction(1, rate)
            file.mux(stream.encode(picture))
            yield frame
        if stream is not None:
            file.mux(stream.encode(None))


def add_sound(film: Path, path: Path, sound: tuple[np.ndarray, int], note: str = "") -> None:
    """Write the film once more with sound: its pictures are copied packet by packet.

    film: a video that `write_video` or `without_loss` made, without sound; sound and note: as
    there. The sound is coded without loss, at 16 bits, where the film is.
    """
    av = pyav()
    with av.open(str(film)) as source, _whole_file(av, path, note) as file:
        pictures = source.streams.video[0]
        shown = file.add_stream_from_template(pictures)
        if path.suffix == LOSSLESS:
            _encode_exactly(av, file, file.add_stream("flac", rate=sound[1], layout="mono"), *sound)
        else:
            _encode_sound(av, file, _aac(file, sound[1]), *sound)
        for packet in source.demux(pictures):
            if packet.size:
                packet.stream = shown
                file.mux(packet)


def as_decoded(samples: np.ndarray, rate: int) -> Iterator[np.ndarray]:
    """Mono samples (N,) in [-1, 1] as a player has them from a film: coded as AAC, and decoded.

    They come in blocks (n,), one after the other.
    """
    av, kept = pyav(), io.BytesIO()
    with av.open(kept, "w", format="mp4") as file:
        _encode_sound(av, file, _aac(file, rate), samples, rate)
    kept.seek(0)
    with av.open(kept) as file:
        for frame in file.decode(audio=0):
            yield frame.to_ndarray()[0]


@contextmanager
def _whole_file(av: Any, path: Path, note: str) -> Iterator[Any]:
    """An MP4 or Matroska file to write into, at `path` when it is whole, and not before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    suffix = LOSSLESS if path.suffix == LOSSLESS else ".mp4"
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}.", suffix=suffix)
    os.close(handle)
    kind, options = CONTAINERS[suffix]
    try:
        with av.open(name, "w", format=kind, options=options) as file:
            if note:
                file.metadata["comment"] = note
            yield file
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def read_video(path: Path) -> Iterator[np.ndarray]:
    """Frames (H, W, 3) uint8 sRGB of a video file, one after the other."""
    av = pyav()
    with av.open(str(path)) as file:
        for frame in file.decode(file.streams.video[0]):
            yield frame.reformat(
                format="rgb24", src_colorspace="ITU709", dst_color_range="JPEG",
                interpolation=accurately(),
            ).to_ndarray()  # fmt: skip


def video_facts(path: Path) -> VideoFacts:
    """Frames, size, rate and sound of a video file; every packet is counted, none decoded."""
    av = pyav()
    with av.open(str(path)) as file:
        video = file.streams.video[0]
        count = sum(packet.size > 0 for packet in file.demux(video))
        sound = file.streams.audio[0] if file.streams.audio else None
        seconds = 0.0
        if sound is not None and sound.duration is not None and sound.time_base is not None:
            seconds = float(sound.duration * sound.time_base)
        return VideoFacts(
            frames=count,
            width=video.codec_context.width,
            height=video.codec_context.height,
            rate=Fraction(video.average_rate or 0),
            audio_rate=sound.codec_context.sample_rate if sound is not None else None,
            audio_s=seconds,
        )


def _encode(av: Any, file: Any, frames: Iterator[np.ndarray], rate: int, sound) -> int:
    first = next(frames, None)
    if first is None:
        raise ValueError("video: no frames; give at least one")
    _check(first, 0, first.shape)
    shape = first.shape
    video = file.add_stream("libx264", rate=rate)
    video.height, video.width = shape[:2]
    video.pix_fmt = "yuv420p"
    video.thread_count = 1
    video.options = {
        "crf": str(QUALITY), "preset": "medium", "bf": "0", "g": str(KEY_EVERY),
        "x264-params": PLAIN_CODE,
    }  # fmt: skip
    context = video.codec_context
    context.color_primaries = context.color_trc = context.colorspace = BT709
    context.color_range = LIMITED
    if sound is not None:
        _encode_sound(av, file, _aac(file, sound[1]), *sound)
    count = 0
    frame: np.ndarray | None = first
    while frame is not None:
        _check(frame, count, shape)
        picture = av.VideoFrame.from_ndarray(
            np.ascontiguousarray(frame), format="rgb24"
        ).reformat(
            format="yuv420p", dst_colorspace="ITU709", src_color_range="JPEG",
            dst_color_range="MPEG", interpolation=accurately(),
        )  # fmt: skip
        picture.pts, picture.time_base = count, Fraction(1, rate)
        file.mux(video.encode(picture))
        count += 1
        frame = next(frames, None)
    file.mux(video.encode(None))
    return count


def _aac(file: Any, rate: int) -> Any:
    stream = file.add_stream("aac", rate=rate, layout="mono")
    stream.bit_rate = AUDIO_BITS
    return stream


def _encode_sound(av: Any, file: Any, stream: Any, samples: np.ndarray, rate: int) -> None:
    wave = np.asarray(samples, np.float32)
    finite = all(np.isfinite(wave[piece]).all() for piece, _ in pieces(len(wave)))
    if wave.ndim != 1 or not len(wave) or not finite:
        raise ValueError(
            f"video: found sound of shape {wave.shape}; give finite mono samples, (samples,)"
        )
    block = 1024  # samples of an AAC frame
    for start in range(0, len(wave), block):
        part = np.ascontiguousarray(np.clip(wave[None, start : start + block], -1, 1))
        frame = av.AudioFrame.from_ndarray(part, format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
        file.mux(stream.encode(frame))
    file.mux(stream.encode(None))


def _encode_exactly(av: Any, file: Any, stream: Any, samples: np.ndarray, rate: int) -> None:
    """Samples of 16 bits, as a WAV file has them, without loss."""
    block = stream.codec_context.frame_size or 4608
    for start in range(0, len(samples), block):
        part = np.ascontiguousarray(pcm16(samples[None, start : start + block]))
        frame = av.AudioFrame.from_ndarray(part, format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
        file.mux(stream.encode(frame))
    file.mux(stream.encode(None))


def pcm16(samples: np.ndarray) -> np.ndarray:
    """Samples in [-1, 1] as numbers of 16 bits."""
    return np.clip(np.round(np.asarray(samples) * 32768), -32768, 32767).astype(np.int16)


def _check(frame: np.ndarray, number: int, shape: tuple[int, ...]) -> None:
    wrong = frame.shape != shape or frame.ndim != 3 or frame.shape[2:] != (3,)
    if wrong or frame.dtype != np.uint8 or frame.shape[0] % 2 or frame.shape[1] % 2:
        raise ValueError(
            f"video: frame {number} is {frame.dtype} {frame.shape}; give uint8 (height, width, 3), "
            "height and width even and the same in all frames"
        )


def accurately() -> Any:
    """Conversion between RGB and YUV that rounds, where the fast one cuts off (-1 grey level)."""
    from av.video.reformatter import Interpolation as How

    return How.BICUBIC | How.ACCURATE_RND | How.FULL_CHR_H_INT | How.FULL_CHR_H_INP


def pyav() -> Any:
    """The package PyAV, or UserError that says how to install it."""
    try:
        import av
    except ImportError as missing:
        raise UserError(
            "videos need PyAV, which is not installed; install it with: pip install av"
        ) from missing
    return av
