"""Tables of a data set: cells as words, each column described, no cell that is a formula."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import pandas as pd

from experiments.datasets.columns import Described

FORMULA = re.compile(r"'*[=+\-@\t\r]")
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.I)


@dataclass(frozen=True)
class Table:
    """Cells as words ("" where a value is missing), and what each column means, in order."""

    rows: pd.DataFrame
    columns: tuple[Described, ...]

    def only(self, names: list[str]) -> Table:
        """These columns, in this order."""
        known = {column.name: column for column in self.columns}
        return Table(self.rows[names], tuple(known[name] for name in names))


def tabulated(rows: pd.DataFrame, known: Mapping[str, Described]) -> Table:
    """The columns of `rows` that are known, every cell on one line and no cell a formula."""
    names = [name for name in rows if name in known]
    cells = pd.DataFrame({name: rows[name].map(_harmless) for name in names}, dtype="string")
    return Table(cells, tuple(_as_in_cells(known[str(name)]) for name in names))


def guarded(cell: str) -> str:
    """`cell`, with an apostrophe before it where a spreadsheet would take it for a formula.

    Numbers stay as they are. What starts with apostrophes and such a sign gets one more, so that
    taking one away gives every cell back.
    """
    return f"'{cell}" if FORMULA.match(cell) and not NUMBER.fullmatch(cell) else cell


def _harmless(cell: str) -> str:
    return guarded(" ".join(cell.split()))


def _as_in_cells(column: Described) -> Described:
    """The column, with its levels written as its cells are."""
    return replace(column, levels={guarded(word): is_ for word, is_ in column.levels.items()})
