"""Is a file a plain-text table at all? Looked at as bytes, before anything is parsed.

Only the bytes that are there are read, a block at a time, so that no file, whatever its size or
its header promises, can fill the memory. Nothing is ever unpacked.
"""

from __future__ import annotations

import codecs
import csv
from pathlib import Path
from typing import TextIO

import numpy as np

from protocols.errors import UserError

LARGEST = 2_000_000_000  # bytes of a table; 10 million ratings have about as many
LONGEST_LINE = 1_000_000  # bytes of one line; a longer one is no row of a table
BLOCK = 8_000_000  # bytes that are looked at together
AS_CSV = "save it as CSV (UTF-8)"
MARKS = (
    (codecs.BOM_UTF16_LE, "UTF-16 text", AS_CSV),
    (codecs.BOM_UTF16_BE, "UTF-16 text", AS_CSV),
    (b"\x1f\x8b", "compressed (gzip)", "unpack it first"),
    (b"PK\x03\x04", "a zip file or an Excel workbook", f"unpack it, or {AS_CSV}"),
    (b"BZh", "compressed (bzip2)", "unpack it first"),
    (b"\xfd7zXZ\x00", "compressed (xz)", "unpack it first"),
    (b"\x28\xb5\x2f\xfd", "compressed (zstd)", "unpack it first"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook", AS_CSV),
)  # first bytes of a file -> what it is, what to do
csv.field_size_limit(LONGEST_LINE)  # one cell of JSON may fill a line


class TableError(UserError):
    """A table that is not as its format says; the message names the file and the place."""


def check_plain(path: Path, encoding: str = "utf-8") -> None:
    """Refuse a file that is missing, no text of this encoding, or too large to be a table.

    Raises:
        TableError: what was found, and what to do.
    """
    if path.is_dir():
        raise TableError(f"{path}: is a folder; name the table in it")
    if not path.is_file():
        raise TableError(f"{path}: no such file")
    check_size(path)
    wide = encoding.startswith("utf-16")
    with path.open("rb") as file:
        _check_mark(path, file.read(8), wide)
        file.seek(0)
        decoder = codecs.getincrementaldecoder(encoding)()
        lines, before = 0, 0  # line ends so far; bytes of the line that has begun
        while block := file.read(BLOCK):
            if not wide:
                _check_no_nul(path, block, lines)
            _check_decodes(path, block, decoder, lines, encoding)
            before, lines = _check_lengths(path, block, before, lines)


def check_size(path: Path) -> None:
    """Refuse a file that is too large to be a table, without reading it; a missing one passes.

    Raises:
        TableError: what was found, and how much is accepted.
    """
    size = path.stat().st_size if path.is_file() else 0
    if size > LARGEST:
        raise TableError(
            f"{path}: {size:,} bytes; a table has {LARGEST:,} at most: is this the right file?"
        )


def header_of(path: Path, separator: str, encoding: str = "utf-8") -> list[str]:
    """The names of the columns, as the first line has them; refuses a name that stands twice."""
    with open_text(path, encoding) as file:
        names = [name.strip() for name in next(csv.reader(file, delimiter=separator), [])]
    if not any(names):
        raise TableError(f"{path}: is empty; a table starts with the names of its columns")
    twice = next((name for i, name in enumerate(names) if name in names[:i]), None)
    if twice is not None:
        raise TableError(f"{path}:1: the column '{twice}' stands twice; keep one, or rename it")
    return names


def other_separator(names: list[str], separator: str) -> str:
    """A hint where a table's only column name holds another separator; else nothing."""
    found = {";": "semicolons", "\t": "tabs", ",": "commas"}
    for sign, word in found.items():
        if len(names) == 1 and sign != separator and sign in names[0]:
            wanted = found.get(separator, separator)
            return f"; its columns are separated by {word}: save it with {wanted}"
    return ""


def check_row_lengths(path: Path, separator: str, encoding: str, columns: int) -> None:
    """Refuse a row with fewer cells than the header has columns; the parser would fill it up."""
    with open_text(path, encoding) as file:
        plain = all(
            '"' not in line and (line.count(separator) + 1 >= columns or not line.strip())
            for line in file
        )
    if plain:
        return
    with open_text(path, encoding) as file:  # quoted cells may hold separators and line ends
        for line, cells in enumerate(csv.reader(file, delimiter=separator), start=1):
            if 0 < len(cells) < columns and any(cell.strip() for cell in cells):
                raise TableError(
                    f"{path}:{line}: the row has {len(cells)} cells, the header {columns} columns; "
                    "write empty cells too, and close every quotation mark"
                )


def open_text(path: Path, encoding: str) -> TextIO:
    """The file as text, without a byte order mark; any kind of line end."""
    return path.open(encoding="utf-8-sig" if encoding == "utf-8" else encoding)


def _check_mark(path: Path, start: bytes, wide: bool) -> None:
    for mark, what, advice in MARKS:
        if start.startswith(mark) and not (wide and what.startswith("UTF-16")):
            raise TableError(f"{path}: found {what}; accepted: plain text, UTF-8; {advice}")


def _check_no_nul(path: Path, block: bytes, lines: int) -> None:
    at = block.find(b"\0")
    if at >= 0:
        line = lines + 1 + block.count(b"\n", 0, at)
        raise TableError(
            f"{path}:{line}: found a byte of value zero; a table is plain text, UTF-8: the file is "
            f"damaged or not text; {AS_CSV} again"
        )


def _check_decodes(
    path: Path, block: bytes, decoder: codecs.IncrementalDecoder, lines: int, encoding: str
) -> None:
    try:
        decoder.decode(block)
    except UnicodeDecodeError as error:
        held, at = error.object, error.start  # the block, after what was held back before
        line = lines + 1 + held.count(b"\n", 0, at)
        latin = held[at : at + 1].decode("latin-1")
        maybe = f" ('{latin}' in Latin-1)" if latin.isprintable() else ""
        raise TableError(
            f"{path}:{line}: found the byte 0x{held[at]:02X}{maybe}, which is not "
            f"{encoding.upper()}; {AS_CSV}"
        ) from None


def _check_lengths(path: Path, block: bytes, before: int, lines: int) -> tuple[int, int]:
    """Refuse a line that never ends; returns the bytes of the line begun and all line ends."""
    numbers = np.frombuffer(block, np.uint8)
    newlines = np.flatnonzero(numbers == ord("\n"))
    ends = newlines if len(newlines) else np.flatnonzero(numbers == ord("\r"))
    stops = np.concatenate([[-before - 1], ends, [len(block)]])
    lengths = np.diff(stops) - 1
    if lengths.max() > LONGEST_LINE:
        raise TableError(
            f"{path}:{lines + 1 + int(lengths.argmax())}: a line of more than {LONGEST_LINE:,} "
            "bytes; no row of a table is so long: is a quotation mark or line end missing?"
        )
    return int(lengths[-1]), lines + len(ends)
