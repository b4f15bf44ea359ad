"""Columns of a table: what each means, its type, and how a table is read, checked and written.

Tables are plain text (CSV with commas, or TSV), UTF-8, `.` as decimal point, empty where a value
is missing. Every table is written whole to a temporary file and then renamed, so that a reader
never sees half of it.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from protocols.errors import UserError
from protocols.section import nearest

TYPES = {"word": "string", "integer": "Int64", "number": "Float64", "yes-no": "boolean"}
TRUE, FALSE = ("true", "1", "yes"), ("false", "0", "no")


class TableError(UserError):
    """A table that is not as its format says; the message names the file and the place."""


@dataclass(frozen=True)
class Column:
    """One column: its name, the type of its values, what they mean, and accepted words."""

    name: str
    kind: str
    meaning: str
    words: tuple[str, ...] = ()
    required: bool = True
    unit: str = ""


def read_table(path: Path, columns: Sequence[Column], separator: str) -> pd.DataFrame:
    """The table in `path`, typed by `columns`; other columns come as words or numbers.

    Raises:
        TableError: no such file, a column is missing, or a value is not of its type.
    """
    if not path.is_file():
        raise TableError(f"{path}: no such file")
    try:
        table = pd.read_csv(path, sep=separator, dtype="string", keep_default_na=False)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise TableError(f"{path}: not a table: {str(error).strip().splitlines()[0]}") from None
    for column in columns:
        if column.name in table:
            table[column.name] = _typed(table[column.name], column, path)
        elif column.required:
            hint = nearest(column.name, table.columns)
            raise TableError(f"{path}: the column '{column.name}' is missing{hint}")
    known = {column.name for column in columns}
    for name in table.columns:
        if name not in known:
            table[name] = _words_or_numbers(table[name])
    return table


def write_table(table: pd.DataFrame, path: Path, separator: str) -> Path:
    """Write `table` to `path`, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = table.to_csv(sep=separator, index=False, lineterminator="\n", float_format="%.10g")
    write_whole(path, text.encode())
    return path


def write_whole(path: Path, content: bytes) -> None:
    """Write `content` to a temporary file beside `path`, then rename: whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _typed(values: pd.Series, column: Column, path: Path) -> pd.Series:
    values = values.str.strip().replace("", pd.NA)
    if column.words:
        wrong = values.dropna()[~values.dropna().isin(column.words)]
        if len(wrong):
            _refuse(path, column, wrong, "accepted: " + ", ".join(column.words))
    if column.kind == "word":
        return values
    if column.kind == "yes-no":
        lower = values.str.lower()
        wrong = values[~(lower.isin(TRUE + FALSE) | values.isna())]
        if len(wrong):
            _refuse(path, column, wrong, "accepted: true or false")
        return lower.isin(TRUE).astype("boolean").mask(values.isna())
    numbers = pd.to_numeric(values, errors="coerce")
    wrong = values[numbers.isna() & values.notna()]
    if len(wrong):
        _refuse(path, column, wrong, "accepted: a number")
    if column.kind == "integer":
        wrong = values[(numbers % 1 != 0).fillna(False)]
        if len(wrong):
            _refuse(path, column, wrong, "accepted: a whole number")
    return numbers.astype(TYPES[column.kind])


def _refuse(path: Path, column: Column, wrong: pd.Series, accepted: str) -> None:
    line = int(wrong.index[0]) + 2  # the header is line 1
    raise TableError(f"{path}:{line}: {column.name}: found '{wrong.iloc[0]}'; {accepted}")


def _words_or_numbers(values: pd.Series) -> pd.Series:
    values = values.replace("", pd.NA)
    numbers = pd.to_numeric(values, errors="coerce")
    whole = values.notna().any() and not (numbers.isna() & values.notna()).any()
    return numbers.astype("Float64") if whole else values
