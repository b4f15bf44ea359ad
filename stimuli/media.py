"""Media files and their sidecars: written whole, hashed, and found again after an interruption.

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
from typing import Any

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from protocols.errors import UserError
from protocols.manifest import hash_file, write_json
from protocols.tables import write_whole

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


def stem(stimulus_id: str) -> str:
    """File stem without suffix, as in Stim-BIDS (BEP044)."""
    return f"stim-{stimulus_id}"


def picture_name(stimulus_id: str) -> str:
    """File name of a picture."""
    return f"{stem(stimulus_id)}_image.png"


def write_picture(
    folder: Path, stimulus_id: str, rendered: Rendered, recipe: dict[str, Any], note: str
) -> dict[str, Any]:
    """Write picture and sidecar; returns the sidecar's content.

    The PNG's bytes depend on the pixels and `note` alone, so pictures that are equal to the eye
    (all emotions of an actor at m = 0) have equal SHA-256.
    """
    content = encode_png(rendered.pixels, note)
    name = picture_name(stimulus_id)
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


def find_picture(
    folder: Path, stimulus_id: str, recipe: dict[str, Any], *, read_file: bool = False
) -> dict[str, Any] | None:
    """The sidecar of a picture that is already there; None if it is not, or not whole.

    Raises:
        UserError: the picture was made by another recipe, such as an older version's; it may have
            been shown to people, so it is never overwritten.
    """
    sidecar_file = folder / f"{stem(stimulus_id)}_image.json"
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
    file = folder / picture_name(stimulus_id)
    if not file.is_file() or file.stat().st_size != sidecar.get("bytes"):
        return None
    if read_file and hash_file(file) != sidecar.get("sha256"):
        return None
    return sidecar
