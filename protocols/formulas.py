"""Cells that a spreadsheet would run as a formula, such as `=1+1` typed by a participant.

They are written with an apostrophe before them, which spreadsheets show as plain words, and read
without it. Numbers stay as they are. What starts with apostrophes and such a sign gets one more, so
that taking one away gives every cell back as it was.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pandas as pd

FORMULA = re.compile(r"'*[=+\-@\t\r]")
GUARDED = re.compile(r"''*[=+\-@\t\r]")
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.I)


def guarded(cell: str) -> str:
    """`cell`, with an apostrophe before it where a spreadsheet would take it for a formula."""
    return f"'{cell}" if FORMULA.match(cell) and not NUMBER.fullmatch(cell) else cell


def unguarded(cell: str) -> str:
    """`cell` as it was before it was guarded."""
    return cell[1:] if GUARDED.match(cell) else cell


def guard_words(table: pd.DataFrame) -> pd.DataFrame:
    """`table` with every cell of words guarded; columns of numbers are not looked at."""
    return _each_word(table, guarded)


def unguard_words(table: pd.DataFrame) -> pd.DataFrame:
    """`table` with every cell of words as it was before it was guarded."""
    return _each_word(table, unguarded)


def _each_word(table: pd.DataFrame, change: Callable[[str], str]) -> pd.DataFrame:
    """`change` applied to each distinct word once; a table without such words is returned as is."""
    changed = {}
    for name in table.columns:
        column = table[name]
        if isinstance(column.dtype, pd.CategoricalDtype):
            renamed = {word: change(word) for word in column.cat.categories}
            if any(word != new for word, new in renamed.items()):
                changed[name] = column.astype("string").map(renamed).astype("category")
        elif column.dtype == object or isinstance(column.dtype, pd.StringDtype):
            words = [word for word in column.dropna().unique() if isinstance(word, str)]
            renamed = {word: new for word in words if (new := change(word)) != word}
            if renamed:
                changed[name] = column.map(
                    lambda cell, to=renamed: to.get(cell, cell) if isinstance(cell, str) else cell
                ).astype(column.dtype)
    return table.assign(**changed) if changed else table
