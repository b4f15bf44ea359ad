"""Media files and their sidecars: written whole, hashed, and found again after an interruption.

Pictures are PNG, sounds WAV, videos MP4. A recipe says in `type` what kind it makes; without that,
a picture.

A stimulus is *there* when its sidecar says the recipe that is wanted now and its media file has
the size and, on request, the SHA-256 that the sidecar says.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from protocols.errors import UserError
from protocols.manifest import hash_file, write_json
from protocols.tables import write_whole
from stimuli.pieces import pieces
from stimuli.video import LOSSLESS, add_sound, pcm16
from stimuli.voices.recordings import soundfile_library

if TYPE_CHECKING:
    from stimuli.finished import Mouth

ENDINGS = {"image": ".png", "audio": ".wav", "video": ".mp4", "audioVideo": ".mp4"}
PNG_EFFORT = 6  # zlib level: 9 takes three times as long for 2 % less


@dataclass(frozen=True)
class Rendered:
    """What a generator returns for one stimulus.

    Attributes:
        pixels: (height, width, 3) uint8, sRGB.
        facts: further fields of the sidecar, such as eye positions in pixels or action units.
    """

    pixels: np.ndarray
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Filmed:
    """What a generator of clips returns for one stimulus.

    Attributes:
        film: video file without sound, which is copied; None: nothing is seen.
        sound: mono samples (N,) in [-1, 1] and their rate in hertz; None: nothing is heard.
        facts: further fields of the sidecar, with `duration_s`.
        curves: what moves, one row per frame; becomes a table beside the clip.
        attributes: of a face as other programs read them, one row per frame; likewise, as CSV.
        mouth: where the film's mouth is and how it moves, to check the finished file against.
        exact: the same film without loss, likewise copied; None: none is wanted.
    """

    film: Path | None
    sound: tuple[np.ndarray, int] | None
    facts: Mapping[str, Any]
    curves: pd.DataFrame | None = None
    mouth: Mouth | None = None
    exact: Path | None = None
    attributes: pd.DataFrame | None = None


def stem(stimulus_id: str) -> str:
    """File stem without suffix, as in Stim-BIDS (BEP044)."""
    return f"stim-{stimulus_id}"


def kind_of(recipe: Mapping[str, Any]) -> str:
    """What a recipe makes: image, audio, video or audioVideo."""
    return str(recipe.get("type", "image"))


def file_name(stimulus_id: str, kind: str = "image") -> str:
    """File name of a stimulus of a kind: image, audio, video or audioVideo."""
    return f"{stem(stimulus_id)}_{kind}{ENDINGS[kind]}"


def write_stimulus(
    folder: Path, stimulus_id: str, made: Rendered | Filmed, recipe: dict[str, Any], note: str
) -> dict[str, Any]:
    """Write a picture or clip and its sidecar; returns the sidecar's content."""
    write = write_picture if isinstance(made, Rendered) else write_clip
    return write(folder, stimulus_id, made, recipe, note)  # type: ignore[arg-type]


def write_clip(
    folder: Path, stimulus_id: str, made: Filmed, recipe: dict[str, Any], note: str
) -> dict[str, Any]:
    """Write a video, sound or both, the curves and the sidecar; returns the sidecar's content."""
    kind = kind_of(recipe)
    path = folder / file_name(stimulus_id, kind)
    if made.film is None:
        assert made.sound is not None
        write_whole(path, encode_wav(*made.sound, note))
    elif made.sound is None:
        write_whole(path, made.film.read_bytes())
    else:
        add_sound(made.film, path, made.sound, note)
    sidecar = {
        "recipe": recipe,
        "file": path.name,
        "sha256": hash_file(path),
        "bytes": path.stat().st_size,
        **made.facts,
        **_measured(path, made),
    }
    if made.curves is not None:
        curves = folder / f"{stem(stimulus_id)}_curves.tsv"
        write_whole(curves, made.curves.to_csv(sep="\t", index=False).encode())
        sidecar["curves"] = {"file": curves.name, "sha256": hash_file(curves)}
    if made.attributes is not None:
        table = folder / f"{stem(stimulus_id)}_attributes.csv"
        write_whole(table, made.attributes.to_csv(index=False).encode())
        sidecar["attributes"] = {"file": table.name, "sha256": hash_file(table)}
    if made.exact is not None:
        sidecar["lossless"] = _write_exact(folder, stimulus_id, made, note)
    write_json(folder / f"{stem(stimulus_id)}_{kind}.json", sidecar)
    return sidecar


def _write_exact(folder: Path, stimulus_id: str, made: Filmed, note: str) -> dict[str, Any]:
    """Write the film without loss, with its sound; what the sidecar says of it."""
    assert made.exact is not None
    path = folder / f"{stem(stimulus_id)}_lossless{LOSSLESS}"
    if made.sound is None:
        write_whole(path, made.exact.read_bytes())
    else:
        add_sound(made.exact, path, made.sound, note)
    return {"file": path.name, "sha256": hash_file(path), "bytes": path.stat().st_size}


def _measured(path: Path, made: Filmed) -> dict[str, float | None]:
    """What is found in the finished file."""
    from stimuli import finished  # which takes as long to load as all the rest

    if made.sound is None:
        return {}
    meant, rate = made.sound
    heard = finished.decoded_sound(path)
    if heard.rate != rate:
        raise ValueError(f"{path}: sound at {heard.rate} Hz; {rate} were written")
    found: dict[str, float | None] = {**finished.loudness(heard)}
    if made.mouth is not None and made.film is not None:
        found["av_offset_ms"] = finished.offset_ms(path, heard, meant, made.mouth)
    return found


def write_picture(
    folder: Path, stimulus_id: str, rendered: Rendered, recipe: dict[str, Any], note: str
) -> dict[str, Any]:
    """Write picture and sidecar; returns the sidecar's content.

    The PNG's bytes depend on the pixels and `note` alone, so pictures that are equal to the eye
    (all emotions of an actor at m = 0) have equal SHA-256.
    """
    content = encode_png(rendered.pixels, note)
    name = file_name(stimulus_id)
    write_whole(folder / name, content)
    height, width = rendered.pixels.shape[:2]
    sidecar = {
        "recipe": recipe,
        "file": name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "width": width,
        "height": height,
        **rendered.facts,
    }
    write_json(folder / f"{stem(stimulus_id)}_image.json", sidecar)
    return sidecar


def encode_png(pixels: np.ndarray, note: str) -> bytes:
    """PNG of (height, width, 3) uint8 sRGB pixels, saying in its text chunk what it is."""
    text = PngInfo()
    text.add_text("Comment", note)
    buffer = io.BytesIO()
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    picture.save(buffer, "PNG", compress_level=PNG_EFFORT, pnginfo=text)
    return buffer.getvalue()


def encode_wav(samples: np.ndarray, rate: int, note: str) -> bytes:
    """WAV with 16 bits of mono samples (N,) in [-1, 1], saying in its comment what it is."""
    buffer = io.BytesIO()
    library = soundfile_library()
    with library.SoundFile(buffer, "w", rate, 1, "PCM_16", format="WAV") as file:
        file.comment = note
        for piece, _ in pieces(len(samples)):
            file.write(pcm16(samples[piece]))
    return buffer.getvalue()


def find_made(
    folder: Path, stimulus_id: str, recipe: dict[str, Any], *, read_file: bool = False
) -> dict[str, Any] | None:
    """The sidecar of a stimulus that is already there; None if it is not, or not whole.

    Raises:
        UserError: it was made by another recipe, such as an older version's; it may have
            been shown to people, so it is never overwritten.
    """
    kind = kind_of(recipe)
    sidecar_file = folder / f"{stem(stimulus_id)}_{kind}.json"
    try:
        sidecar = json.loads(sidecar_file.read_text(encoding="utf-8"))
        before = sidecar["recipe"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    for key in recipe:
        if before.get(key) != recipe[key]:
            raise UserError(
                f"{sidecar_file}: was made with {key} {before.get(key)}, now it is {recipe[key]}; "
                f"choose another folder, or delete {folder} to make every stimulus anew"
            )
    file = folder / file_name(stimulus_id, kind)
    if not file.is_file() or file.stat().st_size != sidecar.get("bytes"):
        return None
    if read_file and hash_file(file) != sidecar.get("sha256"):
        return None
    beside = sidecar.get("lossless")
    if beside is not None and not (folder / beside["file"]).is_file():
        return None
    return sidecar
