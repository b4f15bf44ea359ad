"""An own cast in a study: actors made with `mien cast`, in a folder at or below the protocol's own.

The folder holds `cast.json` (who is in it) and `rigs/ID.npz` (one file per actor). A study takes a
copy with it, at the same place below its folder: cast.json whole, and the rigs of the actors that
it shows. `sha256` of cast.json says which cast it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, ValidationInfo, WithJsonSchema

from protocols.below import read_below, still_to_copy
from protocols.errors import UserError

SHEET, RIGS = "cast.json", "rigs"
ID = re.compile(r"[A-Za-z0-9]{1,20}")  # of an actor: part of file names, and of stimuli's ids


class CastError(UserError):
    """A cast that is missing, damaged, or without an actor; the message says what to do."""


@dataclass(frozen=True)
class OwnCast:
    """A cast as a protocol names it; the same name is the same setting, wherever it lies."""

    name: str  # path below the protocol's folder, with /
    home: Path = field(compare=False)  # folder of the protocol

    @property
    def folder(self) -> Path:
        """Where cast.json and rigs/ lie."""
        return self.home / self.name

    @property
    def sheet(self) -> Path:
        """The file that says who is in the cast; raises CastError if there is none."""
        path = self.folder / SHEET
        if not path.is_file():
            raise CastError(missing(self.folder, "stimuli.cast"))
        return path

    def rig(self, actor: str) -> Path:
        """The rig of an actor; raises CastError if there is none."""
        path = self.folder / RIGS / f"{actor}.npz"
        if not path.is_file() or not path.resolve().is_relative_to(self.folder.resolve()):
            raise CastError(
                f"{path}: the rig of actor {actor} is missing; restore it, or make the cast again"
            )
        return path

    def files_for(self, home: Path, actors: Iterable[str] | None) -> dict[Path, Path]:
        """Copy below `home` -> file, of cast.json and the rigs of these actors (None: all).

        Raises:
            CastError: a file is missing, or `home` holds another cast of this name.
        """
        if home.resolve() == self.home.resolve():
            return {}
        if actors is None:
            actors = [path.stem for path in (self.folder / RIGS).glob("*.npz")]
        below = OwnCast(self.name, home).folder
        rigs = [self.rig(actor) for actor in sorted(set(actors))]
        files = {below / RIGS / path.name: path for path in rigs} | {below / SHEET: self.sheet}
        return still_to_copy(files, CastError, "cast")


def missing(folder: Path, called: str) -> str:
    """What to say where `folder`, named by the setting or option `called`, holds no cast."""
    return (
        f"{called}: no {SHEET} in {folder}; make a cast there (mien cast --n 24 -o {folder}), name "
        f"the folder of one, or leave out {called.rpartition('.')[2]} for mien's own actors"
    )


def _read(value: Any, info: ValidationInfo) -> Any:
    if value is None or isinstance(value, OwnCast):
        return value
    name, home = read_below(
        value, info, wanted="the folder of a cast made with mien cast", what="folder",
        sought="for the cast ", example="casts/young",
        instead="call the folder cast, or casts/…",
    )  # fmt: skip
    return OwnCast(name, home)


CastFolder = Annotated[
    OwnCast | None,
    BeforeValidator(_read),
    PlainSerializer(lambda cast: None if cast is None else cast.name, return_type=str | None),
    WithJsonSchema({"anyOf": [{"type": "string", "minLength": 1}, {"type": "null"}]}),
]
