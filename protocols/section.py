"""The base of every part of a protocol: frozen, strict, and helpful about typos."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    StringConstraints,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

NAME = re.compile(r"^[a-z][a-z0-9_-]{0,39}$")
TEXT_FILE_LIMIT = 200_000  # bytes of Markdown that one page may hold


def nearest(word: object, known: Iterable[object]) -> str:
    """The clause `; did you mean 'x'?` for the known word closest to `word`, else nothing."""
    names = {str(k).lower(): str(k) for k in known}
    close = difflib.get_close_matches(str(word).lower(), names, n=1, cutoff=0.55)
    return f"; did you mean '{names[close[0]]}'?" if close else ""


def accepted(known: Iterable[object]) -> str:
    """`accepted: a, b, c` in reading order."""
    return "accepted: " + ", ".join(str(k) for k in known)


class Section(BaseModel):
    """A frozen part of a protocol that refuses keys it does not know, naming the nearest."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown_keys(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        known = [field.alias or name for name, field in cls.model_fields.items()]
        for key in data:
            if key not in known:
                raise PydanticCustomError(
                    "unknown_key",
                    "unknown key '{key}'; {accepted}{nearest}",
                    {"key": str(key), "accepted": accepted(known), "nearest": nearest(key, known)},
                )
        return data


def fail(message: str, *at: str | int) -> PydanticCustomError:
    """An error of the user's making, in our words; `at`: where, below the part that is checked."""
    return PydanticCustomError("mien", "{message}", {"message": message, "at": at})


def one_of(value: Any, known: Iterable[Any], what: str, *at: str | int) -> Any:
    """`value`, if it is known; else an error that lists the known words and the nearest."""
    known = list(known)
    if value not in known:
        hint = accepted(known) + nearest(value, known)
        raise fail(f"found {value!r}; not a known {what}; {hint}", *at)
    return value


def _name(value: Any) -> Any:
    if isinstance(value, str) and not NAME.match(value):
        raise fail(
            f"found {value!r}; a name starts with a lower-case letter and holds a-z, 0-9, _ and -, "
            "40 characters at most"
        )
    return value


Name = Annotated[str, BeforeValidator(_name)]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]


def _read_text(value: Any, info: ValidationInfo) -> Any:
    """Markdown itself, or `{file: consent.md}` beside the protocol."""
    if not isinstance(value, dict):
        return value
    if set(value) != {"file"} or not isinstance(value["file"], str):
        raise fail("found a mapping; accepted: Markdown text, or {file: NAME.md}")
    folder = (info.context or {}).get("folder")
    if folder is None:
        raise fail(f"{value['file']}: no folder to read the file from; write the text here instead")
    path = inside(Path(folder), value["file"])
    if not path.is_file():
        raise fail(f"{value['file']}: no such file beside the protocol")
    if path.stat().st_size > TEXT_FILE_LIMIT:
        raise fail(f"{value['file']}: {path.stat().st_size} bytes; {TEXT_FILE_LIMIT} at most")
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise fail(f"{value['file']}: not UTF-8 text; save it as UTF-8") from None


FILE_SCHEMA = {
    "type": "object",
    "properties": {"file": {"type": "string"}},
    "required": ["file"],
    "additionalProperties": False,
}
Markdown = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1),
    BeforeValidator(_read_text),
    WithJsonSchema({"anyOf": [{"type": "string", "minLength": 1}, FILE_SCHEMA]}),
]


def inside(folder: Path, name: str) -> Path:
    """The path `name` below `folder`, refused if it leaves that folder, also through a link."""
    folder = folder.resolve()
    path = (folder / name).resolve()
    if not path.is_relative_to(folder):
        raise fail(f"{name!r} leaves the study's folder; keep the file below it")
    return path


def known(name: Any, names: Iterable[Any], what: str, *at: str | int) -> None:
    """Refuse `name`, which stands at `at`, unless it is one of `names`."""
    names = list(names)
    if name not in names:
        raise fail(f"unknown {what} '{name}'; {accepted(names)}{nearest(name, names)}", *at)
