"""Tables of a data set: cells as words, each column described, no cell that is a formula."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pandas as pd

from experiments.datasets.columns import Described
from protocols.formulas import guarded


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


def _harmless(cell: str) -> str:
    return guarded(" ".join(cell.split()))


def _as_in_cells(column: Described) -> Described:
    """The column, with its levels written as its cells are."""
    return replace(column, levels={guarded(word): is_ for word, is_ in column.levels.items()})
