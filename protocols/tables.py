"""Columns of a table: what each means, its type, and how a table is read, checked and written.

Tables are plain text (CSV with commas, or TSV), UTF-8, `.` as decimal point, empty where a value
is missing. Every table is written whole to a temporary file and then renamed, so that a reader
never sees half of it.
"""

from __future__ import annotations

import csv
import os
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from protocols.plain_text import (
    TableError,
    check_plain,
    check_row_lengths,
    header_of,
    open_text,
    other_separator,
)
from protocols.section import nearest

TYPES = {"word": "string", "integer": "Int64", "number": "Float64", "yes-no": "boolean"}
__all__ = ["Column", "TableError", "read_table", "read_words", "write_table", "write_whole"]
TRUE, FALSE = ("true", "1", "yes"), ("false", "0", "no")


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
        TableError: no such file, no plain text, a column is missing, a row has too few or too many
            cells, or a value is not of its type.
    """
    table = read_words(path, separator)
    known = {column.name: column for column in columns}
    for column in columns:
        if column.name not in table and column.required:
            hint = other_separator(list(table.columns), separator)
            hint = hint or nearest(column.name, table.columns)
            raise TableError(f"{path}: the column '{column.name}' is missing{hint}")
    typed = {
        name: _typed(table[name], known[name], path)
        if name in known
        else _words_or_numbers(table[name])
        for name in table.columns
    }
    return pd.DataFrame(typed, index=table.index).reset_index(drop=True)


def read_words(path: Path, separator: str, encoding: str = "utf-8") -> pd.DataFrame:
    """Every cell of the table in `path` as it stands there, as categories; empty cells are "".

    The index is the line of each row, the header being line 1 (counted in rows where a quoted cell
    holds line ends). Empty lines are left out.

    Raises:
        TableError: no such file, no plain text, or a row has too few or too many cells.
    """
    check_plain(path, encoding)
    names = header_of(path, separator, encoding)
    try:
        check_row_lengths(path, separator, encoding, len(names))
        with open_text(path, encoding) as file:
            table = pd.read_csv(
                file, sep=separator, dtype="category", keep_default_na=False, header=0,
                names=range(len(names)), skip_blank_lines=False, index_col=None,
            )  # fmt: skip
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeError, csv.Error) as error:
        raise TableError(f"{path}: not a table: {_why(error)}") from None
    if not isinstance(table.index, pd.RangeIndex):  # pandas takes surplus cells for row names
        raise TableError(f"{path}:2: more cells than the header has columns ({len(names)})")
    table.columns = pd.Index(names)
    table.index += 2
    return table[~_blank(table)]


def _blank(table: pd.DataFrame) -> pd.Series:
    """Which rows hold nothing at all."""
    blank = pd.Series(True, index=table.index)
    for name in table.columns:
        empty = [word for word in table[name].cat.categories if not str(word).strip()]
        blank &= table[name].isna() | table[name].isin(empty)
        if not blank.any():
            break
    return blank


def _why(error: Exception) -> str:
    """What the parser says, in our words where it is the common case."""
    text = str(error).strip().splitlines()[0]
    found = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", text)
    if found:
        return f"line {found[2]} has {found[3]} cells, the header {found[1]} columns"
    if "EOF inside string" in text:
        return "a quotation mark is opened and never closed"
    return text


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
    """The column by its type; each distinct value is looked at once."""
    distinct = pd.Series(values.cat.categories.astype("string"), dtype="string").str.strip()
    distinct = distinct.replace("", pd.NA)
    converted, wrong, accepted = _convert(distinct, column)
    if wrong.any():
        bad = wrong.to_numpy(bool)[values.cat.codes.to_numpy()]
        line, found = values.index[bad.argmax()], str(values[bad].iloc[0]).strip()
        raise TableError(f"{path}:{line}: {column.name}: found '{found[:60]}'; {accepted}")
    return _spread(converted, values)


def _convert(values: pd.Series, column: Column) -> tuple[pd.Series, pd.Series, str]:
    """Distinct values by the column's type; which are wrong; and what is accepted."""
    given = values.notna()
    if column.words:
        return values, given & ~values.isin(column.words), "accepted: " + ", ".join(column.words)
    if column.kind == "word":
        return values, ~given & given, ""
    if column.kind == "yes-no":
        lower = values.str.lower()
        truth = lower.isin(TRUE).astype("boolean").mask(~given)
        return truth, given & ~lower.isin(TRUE + FALSE), "accepted: true or false"
    numbers = pd.to_numeric(values, errors="coerce")
    wrong = given & (numbers.isna() | numbers.abs().eq(float("inf")).fillna(False))
    comma = values[wrong].str.fullmatch(r"[+-]?\d+,\d+").any() if wrong.any() else False
    accepted = "accepted: a number" + (" with a point, such as 0.5" if comma else "")
    if column.kind == "integer" and not wrong.any():
        wrong = given & (numbers % 1 != 0).fillna(False)
        accepted = "accepted: a whole number"
    return (numbers if wrong.any() else numbers.astype(TYPES[column.kind])), wrong, accepted


def _spread(distinct: pd.Series, values: pd.Series) -> pd.Series:
    """Every row's value, from the distinct ones."""
    taken = distinct.array.take(values.cat.codes.to_numpy(), allow_fill=True)
    return pd.Series(taken, index=values.index)


def _words_or_numbers(values: pd.Series) -> pd.Series:
    distinct = pd.Series(values.cat.categories.astype("string"), dtype="string").replace("", pd.NA)
    numbers = pd.to_numeric(distinct, errors="coerce")
    whole = distinct.notna().any() and not (numbers.isna() & distinct.notna()).any()
    return _spread(numbers.astype("Float64") if whole else distinct, values)
