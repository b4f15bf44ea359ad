"""What a folder was made from, so that a step that is run again re-uses what is there.

A record is current while the inputs are those it was made from and every output still has the
bytes that were written.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from protocols.manifest import hash_file, write_json


def fingerprint(files: Iterable[Path], *words: str) -> str:
    """One SHA-256 of the contents of `files` (those that exist) and of `words`."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.name}\0{hash_file(file) if file.is_file() else ''}\0".encode())
    for word in words:
        digest.update(f"{word}\0".encode())
    return digest.hexdigest()


def sources(folder: Path) -> list[Path]:
    """The program files of one of our packages, sorted: they decide about outputs too."""
    return sorted(
        file
        for file in folder.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts and "node_modules" not in file.parts
    )


@dataclass(frozen=True)
class Record:
    """The record in `file`, about outputs in the same folder."""

    file: Path

    def is_current(self, inputs: str) -> bool:
        """Whether exactly the outputs are there, unchanged, made from inputs so fingerprinted."""
        try:
            record = json.loads(self.file.read_text(encoding="utf-8"))
            made_from, outputs = record["made_from"], dict(record["outputs"])
        except (OSError, ValueError, KeyError, TypeError):
            return False
        if made_from != inputs:
            return False
        return outputs == self._outputs()

    def write(self, inputs: str) -> None:
        """Record every file of the folder as made from inputs of this fingerprint."""
        write_json(self.file, {"made_from": inputs, "outputs": self._outputs()})

    def _outputs(self) -> dict[str, str]:
        """Name -> SHA-256 of every file beside the record, and below."""
        folder = self.file.parent
        return {
            str(file.relative_to(folder)): hash_file(file)
            for file in sorted(folder.rglob("*"))
            if file.is_file() and file != self.file
        }
