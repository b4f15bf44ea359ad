"""Files of one's own that a protocol names: below its folder, and copied along with its study."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from pydantic import ValidationInfo

from protocols.errors import UserError
from protocols.manifest import hash_file
from protocols.section import fail, inside

# folders of a study
TAKEN = ("stimuli", "plan", "web", "lab", "data", "report", "rated", "corpora")


def read_below(
    value: object, info: ValidationInfo, *, wanted: str, what: str, sought: str, example: str,
    instead: str,
) -> tuple[str, Path]:  # fmt: skip
    """The path `value` below the protocol's folder, with / between names, and that folder.

    wanted, what, sought, example, instead: words of the messages that refuse anything else.
    """
    if not isinstance(value, str) or not value.strip():
        raise fail(f"found {value!r}; accepted: {wanted}")
    home = (info.context or {}).get("folder")
    if home is None:
        raise fail(f"{value}: no folder to look {sought}in; load the protocol from a file")
    parts = PurePosixPath(value).parts
    if "\\" in value or ":" in value or not parts:
        raise fail(f"found {value!r}; write the {what} with / between names, such as {example}")
    inside(Path(home), value)
    if parts[0] in TAKEN or ".." in parts:
        raise fail(f"found {value!r}; a study keeps other things there: {instead}")
    return "/".join(parts), Path(home)


def still_to_copy(
    files: Mapping[Path, Path], error: type[UserError], what: str
) -> dict[Path, Path]:
    """Of copy -> file, what is not there yet; `error` where another `what` of the name is."""
    for copy, path in files.items():
        if copy.is_file() and hash_file(copy) != hash_file(path):
            raise error(
                f"{copy}: is not the same as {path}; the study was made with another {what} of "
                f"this name: choose another study folder, or restore the {what}"
            )
    return {copy: path for copy, path in files.items() if not copy.is_file()}
