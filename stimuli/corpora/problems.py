"""Everything that is wrong with a corpus on disk, collected in one pass.

An adapter goes on after each problem: what is good stays usable. Kinds, in the order of a summary:
see KINDS.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import pandas as pd

KINDS = {
    "archive": "archives that are not unpacked",
    "table": "tables of the corpus that are missing or have another form",
    "empty": "files of zero bytes",
    "pointer": "Git LFS pointers instead of the files",
    "damaged": "damaged files",
    "name": "files whose names are not those of the corpus",
    "code": "names with codes that the corpus does not have",
    "conflict": "files that contradict their folder or table",
    "duplicate": "files that are there twice",
    "unpaired": "clips that lack a part",
    "missing": "clips that are published but not there",
    "label": "labels that cannot be right",
}
EXAMPLES = 3  # of each kind in a summary


@dataclass(frozen=True)
class Problem:
    """One problem: its kind (of KINDS), where, and what was found and is to be done.

    `count`: how many clips it concerns, where one line speaks for several.
    """

    kind: str
    path: str
    message: str
    count: int = 1


@dataclass
class Problems:
    """The problems found so far."""

    found: list[Problem] = field(default_factory=list)

    def add(self, kind: str, path: str, message: str, count: int = 1) -> None:
        """Note a problem."""
        assert kind in KINDS, kind
        self.found.append(Problem(kind, path, message, count))

    def table(self) -> pd.DataFrame:
        """Every problem, ordered by kind, then by path."""
        order = list(KINDS)
        rows = sorted(self.found, key=lambda p: (order.index(p.kind), p.path, p.message))
        return pd.DataFrame(
            [(p.kind, p.path, p.count, p.message) for p in rows],
            columns=["kind", "path", "clips", "message"],
        )

    def lines(self) -> list[str]:
        """For each kind how many, and the first examples."""
        lines = []
        for kind, title in KINDS.items():
            these = [problem for problem in self.found if problem.kind == kind]
            if not these:
                continue
            lines.append(f"{title}: {sum(p.count for p in these):,}")
            lines += [f"    {p.path}: {p.message}" for p in these[:EXAMPLES]]
            if len(these) > EXAMPLES:
                lines.append(f"    … and {len(these) - EXAMPLES:,} more lines")
        return lines


def some(names: Iterable[str], most: int = EXAMPLES) -> str:
    """The first names, and how many more there are."""
    names = list(names)
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest
