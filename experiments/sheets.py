"""Data files of other programs as tables of words: CSV, JSON, and archives of both.

jsPsych saves CSV (lists and objects as JSON in a cell) or JSON, PsychoPy CSV with a byte order mark
and an empty last column, JATOS one text with the result of each run after the other, or an archive
with a file for each. Here each becomes one table of words, whose index says where a row stands.
A value that is a list or an object is one cell, as JSON; `within` looks into it.
"""

from __future__ import annotations

import json
import math
import re
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from protocols.plain_text import LARGEST, TableError, check_plain
from protocols.tables import read_words

FILE = "(file)"  # the column that holds the file's name, without its ending
LARGEST_ARCHIVE = 500_000_000  # bytes of all that is packed in one
ENDINGS = (".csv", ".tsv", ".json", ".jsonl", ".txt")  # of what is read in an archive
BETWEEN = re.compile(r"[\s,]*")  # results that stand one after the other


def check_sheet(path: Path, encoding: str) -> None:
    """Refuse a file that can hold no answers; raises TableError with what to do."""
    if path.is_file() and (zipfile.is_zipfile(path) or _is_json(path, encoding)):
        if path.stat().st_size > LARGEST:
            raise TableError(f"{path}: {path.stat().st_size:,} bytes; accepted: up to {LARGEST:,}")
        return
    check_plain(path, encoding)


def read_sheet(path: Path, name: str, separator: str, encoding: str) -> pd.DataFrame:
    """Every cell as it stands there, as categories; missing cells are "".

    Args:
        path: the file.
        name: how it was called where it came from, for the column `(file)`.
        separator: between the columns of a CSV.
        encoding: of text.

    Returns:
        One row for each row of a CSV or object of a JSON list. The index is the line in a CSV, the
        number of the object in JSON, and both behind the file's name in an archive. `(file)` tells
        files of an archive apart, and the lists of one JSON text: `results`, `results#2`, ….

    Raises:
        TableError: no such file, damaged, or neither a table nor a list of objects.
    """
    if path.is_file() and zipfile.is_zipfile(path):
        return _of_archive(path, separator, encoding)
    return _of_file(path, Path(name).stem, separator, encoding)


def within(table: pd.DataFrame, name: str) -> pd.Series | None:
    """The cells at `column.key.0`: what stands at that place of the column's JSON, as words.

    A cell that is no JSON, or has no such place, is "". None: no cell has it, or no such column.
    """
    parts = name.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        column, places = ".".join(parts[:cut]), parts[cut:]
        if column in table:
            cells = table[column]
            found = [_at(word, places) for word in cells.cat.categories]
            if all(word is None for word in found):
                return None
            words = pd.array([word or "" for word in found], dtype="string")
            taken = words.take(cells.cat.codes.to_numpy(), allow_fill=True, fill_value="")
            return pd.Series(taken, index=cells.index).astype("category")
    return None


def _at(cell: str, places: list[str]) -> str | None:
    """What stands at the place in a cell of JSON, as a word; None: nothing does."""
    if not str(cell).lstrip().startswith(("{", "[")):
        return None
    try:
        value = json.loads(cell)
    except (ValueError, RecursionError):
        return None
    for place in places:
        if isinstance(value, dict) and place in value:
            value = value[place]
        elif isinstance(value, list) and place.isdecimal() and int(place) < len(value):
            value = value[int(place)]
        else:
            return None
    return _word(value)


def _of_file(path: Path, stem: str, separator: str, encoding: str) -> pd.DataFrame:
    check_sheet(path, encoding)
    if not _is_json(path, encoding):
        table = read_words(path, separator, encoding)
        return table.assign(**{FILE: pd.Categorical([stem] * len(table))})
    try:
        text = path.read_text(encoding="utf-8-sig" if encoding == "utf-8" else encoding)
    except UnicodeError:
        raise TableError(f"{path}: found bytes that are not {encoding.upper()}") from None
    rows = [{**row, FILE: stem if number == 1 else f"{stem}#{number}"}
            for number, row in _objects(text, path)]  # fmt: skip
    return _table(pd.DataFrame(rows, index=range(1, len(rows) + 1), dtype=object))


def _of_archive(path: Path, separator: str, encoding: str) -> pd.DataFrame:
    """Every table of an archive, one below the other."""
    tables = []
    try:
        with zipfile.ZipFile(path) as archive, tempfile.TemporaryDirectory() as place:
            members = [one for one in archive.infolist()
                       if not one.is_dir() and one.filename.lower().endswith(ENDINGS)]  # fmt: skip
            if sum(one.file_size for one in members) > LARGEST_ARCHIVE:
                raise TableError(f"{path}: unpacked, more than {LARGEST_ARCHIVE:,} bytes; bring "
                                 "its files one by one")  # fmt: skip
            for one in sorted(members, key=lambda one: one.filename):
                inner = PurePosixPath(one.filename)
                file = Path(place) / f"one{inner.suffix.lower()}"
                file.write_bytes(archive.read(one))
                try:
                    table = _of_file(file, str(inner.with_suffix("")), separator, encoding)
                except TableError as error:
                    said = str(error).replace(str(file), f"{path}/{inner}")
                    raise TableError(said) from None
                table.index = pd.Index([f"{inner}:{line}" for line in table.index])
                tables.append(table.astype(object))
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:  # password, method
        raise TableError(f"{path}: cannot be unpacked: {error}") from None
    if not tables:
        raise TableError(f"{path}: no table in it; accepted: {', '.join(ENDINGS)}")
    return _table(pd.concat(tables))


def _table(rows: pd.DataFrame) -> pd.DataFrame:
    """Missing cells as empty words, every column as categories."""
    return rows.fillna("").astype("category")


def _is_json(path: Path, encoding: str) -> bool:
    """Whether the first sign of the text opens a list or an object."""
    with path.open("rb") as file:
        start = file.read(400).decode("utf-8-sig" if encoding == "utf-8" else encoding, "ignore")
    return start.lstrip().startswith(("[", "{"))


def _objects(text: str, path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Every object as words, with the number of the list that it stands in, from 1.

    Objects outside of a list, one after the other, are one list.
    """
    decoder, at, number, loose = json.JSONDecoder(), 0, 0, False
    while (at := BETWEEN.match(text, at).end()) < len(text):  # type: ignore[union-attr]
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            line = text.count("\n", 0, at) + 1
            raise TableError(
                f"{path}:{line}: found '{text[at : at + 20]}', which is no whole JSON; is the file "
                "cut off? Take that run out, or export it again"
            ) from None
        alone = isinstance(value, dict)
        number += not (alone and loose)
        at, loose = end, alone
        for row in _flat(value):
            if not isinstance(row, dict):
                line = text.count("\n", 0, at) + 1
                raise TableError(f"{path}:{line}: found {str(row)[:20]!r} among the trials; "
                                 "accepted: objects, as jsPsych writes them")  # fmt: skip
            yield number, {str(key): _word(cell) for key, cell in row.items()}


def _flat(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        for one in value:
            yield from _flat(one)
    else:
        yield value


def _word(value: Any) -> str:
    """A value of JSON as a cell of CSV would hold it."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return f"{value:.0f}"
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return str(value)
