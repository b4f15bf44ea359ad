"""Weights of the face networks, from npm in exactly the version of `networks/package-lock.json`.

A network is a JSON list of its arrays (name, shape, scale) and one file of raw bytes: 8-bit numbers
q that stand for q * scale + min, or 32-bit floats. Nothing is ever unpickled or run.
"""

from __future__ import annotations

import json
from functools import lru_cache
from math import prod
from pathlib import Path

import numpy as np
from platformdirs import user_cache_path

from protocols import npm
from protocols.errors import UserError

RECIPE = Path(__file__).parent / "networks"
MODELS = "@vladmandic/face-api/model"
STORED = {"uint8": np.uint8, "uint16": np.dtype("<u2"), "float32": np.dtype("<f4")}

Weights = dict[str, np.ndarray]


@lru_cache(maxsize=8)
def load(name: str) -> Weights:
    """The arrays (float32) of the network `name`, such as "face_expression_model".

    Raises:
        UserError: npm is missing or offline, or a file is not what its list says.
    """
    folder = npm.installed(RECIPE, user_cache_path("mien"), what="the face networks") / MODELS
    return read(folder / f"{name}-weights_manifest.json")


def read(manifest: Path) -> Weights:
    """The arrays that a list of weights describes.

    Raises:
        UserError: a file is missing, of another length than the list says, or of unknown numbers.
    """
    try:
        groups = json.loads(manifest.read_text(encoding="utf-8"))
        weights: Weights = {}
        for group in groups:
            files = [(manifest.parent / Path(file).name).read_bytes() for file in group["paths"]]
            weights |= _unpack(b"".join(files), group["weights"])
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise UserError(
            f"{manifest.name}: the weights cannot be read ({error}); delete {_home(manifest)} "
            "to have them installed again"
        ) from None
    return weights


def _unpack(data: bytes, entries: list[dict]) -> Weights:
    weights, at = {}, 0
    for entry in entries:
        packed = entry.get("quantization")
        stored = np.dtype(STORED[packed["dtype"] if packed else entry["dtype"]])
        n = prod(entry["shape"])
        if at + n * stored.itemsize > len(data):
            raise ValueError(f"{entry['name']} ends beyond the file")
        numbers = np.frombuffer(data, stored, n, at).astype(np.float32)
        if packed:
            numbers = numbers * np.float32(packed["scale"]) + np.float32(packed["min"])
        weights[entry["name"]] = numbers.reshape(entry["shape"])
        at += n * stored.itemsize
    if at != len(data):
        raise ValueError(f"{len(data)} bytes where the list has {at}")
    return weights


def _home(manifest: Path) -> Path:
    """The folder that holds everything npm installed."""
    above = [p for p in manifest.parents if p.name.startswith("npm-")]
    return above[0] if above else manifest.parent
