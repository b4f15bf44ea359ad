"""The file that a training starts from: arrays in safetensors, with what they are in its header."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from models.weights import facts_of, header


def write_datafile(
    path: Path, kind: str, arrays: Mapping[str, np.ndarray], emotions: tuple[str, ...],
    facts: Mapping[str, str],
) -> str:  # fmt: skip
    """Write arrays of a kind of data, whole or not at all; returns the file's SHA-256."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    save_file(
        {name: np.ascontiguousarray(a) for name, a in arrays.items()},
        fresh,
        metadata=header({"kind": kind, "emotions": json.dumps(emotions), **facts}),
    )
    fresh.replace(path)
    return _sha256(path)


def read_datafile(
    path: Path, kind: str, holds: str
) -> tuple[dict[str, np.ndarray], tuple[str, ...], dict[str, str]]:
    """Arrays of a kind of data, its emotions, and what else is known of it (with its sha256).

    holds: what such a file holds, in words.

    Raises:
        ValueError: No such file, or another kind of file.
    """
    try:
        with safe_open(path, "np") as file:
            facts = facts_of(file.metadata())
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (FileNotFoundError, SafetensorError, OSError) as error:
        raise ValueError(f"{path}: cannot be read as training data ({error})") from None
    if facts.pop("kind", None) != kind:
        raise ValueError(f"{path}: does not hold training data of {holds}")
    emotions = tuple(json.loads(facts.pop("emotions")))
    return arrays, emotions, {**facts, "sha256": _sha256(path)}


def hold_columns(table: Any, types: Mapping[str, Any]) -> None:
    """Bring the columns of a frozen dataclass to their types of NumPy.

    Raises:
        ValueError: Columns of different lengths.
    """
    for name, dtype in types.items():
        object.__setattr__(table, name, np.asarray(getattr(table, name), dtype))
    lengths = {name: len(getattr(table, name)) for name in types}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"columns of different lengths: {lengths}")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
