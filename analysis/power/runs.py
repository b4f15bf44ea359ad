"""The file `runs.csv`: one row per simulated study and test, written as they come.

Rows are only ever added. A row says how many rows its simulation has, so that one that was cut off
by an interruption is seen and simulated again; the same settings give the same numbers, whoever
computes them.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.problems import AnalysisError
from protocols.manifest import write_json

NAME, SETTINGS = "runs.csv", "settings.json"
FAILED = "failed"  # kind of the one row of a model that could not be fitted
NUMBERS = {"participants": int, "items": int, "simulation": int, "estimate": float, "p": float,
           "singular": int, "converged": int, "rows": int}  # fmt: skip

Key = tuple[int, int, int]  # participants, items, simulation


@dataclass(frozen=True)
class Row:
    """One test in one simulated study; `rows`: how many rows the simulated study has."""

    participants: int
    items: int
    simulation: int
    model: str
    kind: str
    test: str
    estimate: float
    p: float
    singular: int
    converged: int
    rows: int


HEAD = [field.name for field in fields(Row)]


@dataclass(frozen=True)
class Runs:
    """The simulations in one folder."""

    folder: Path

    @property
    def file(self) -> Path:
        """The table."""
        return self.folder / NAME

    def claim(self, settings: dict[str, Any]) -> None:
        """Begin, or go on with simulations of the same settings.

        Raises:
            AnalysisError: the folder holds simulations of other settings, or something else.
        """
        path = self.folder / SETTINGS
        if path.is_file():
            before = _settings(path)
            other = [name for name in settings if before.get(name) != settings[name]]
            if other:
                raise AnalysisError(
                    f"{self.folder}: holds simulations with other settings (different: "
                    f"{', '.join(other)}); choose another folder with -o, or delete this one"
                )
        elif self.folder.is_file() or (self.folder.is_dir() and any(self.folder.iterdir())):
            raise AnalysisError(
                f"{self.folder}: holds something else than simulations; choose a new folder with -o"
            )
        else:
            write_json(path, settings)
        self._mend()

    def _mend(self) -> None:
        """Cut off a last line that was never finished, or begin the file."""
        if not self.file.is_file():
            self.file.write_text(",".join(HEAD) + "\n", encoding="utf-8")
            return
        content = self.file.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            with self.file.open("r+b") as file:
                file.truncate(whole)

    def add(self, simulations: Sequence[Sequence[Row]]) -> None:
        """Append whole simulations."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        for rows in simulations:
            writer.writerows([_written(value) for value in astuple(row)] for row in rows)
        with self.file.open("a", encoding="utf-8") as file:
            file.write(text.getvalue())

    def read(self) -> pd.DataFrame:
        """Every complete simulation, in an order that does not depend on who was first.

        Raises:
            AnalysisError: somebody has changed the file.
        """
        try:
            table = pd.read_csv(self.file, dtype=str, keep_default_na=False)[HEAD]
            for name, kind in NUMBERS.items():
                table[name] = pd.to_numeric(table[name]).astype(kind)
        except (ValueError, KeyError) as error:
            reason = " ".join(str(error).split())
            raise AnalysisError(
                f"{self.file}: cannot be read ({reason}); delete the folder {self.folder} to "
                "simulate anew"
            ) from None
        key = ["participants", "items", "simulation"]
        table = table.drop_duplicates([*key, "model", "kind", "test"])
        complete = table.groupby(key)["rows"].transform("size") == table["rows"]
        return table[complete].sort_values(key, kind="stable").reset_index(drop=True)

    def done(self) -> set[Key]:
        """The complete simulations: (participants, items, simulation)."""
        table = self.read()[["participants", "items", "simulation"]].drop_duplicates()
        return set(table.itertuples(index=False, name=None))


def _settings(path: Path) -> dict[str, Any]:
    """The settings in the file; none where it is no JSON object."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _written(value: object) -> object:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.10g}"
    return value
