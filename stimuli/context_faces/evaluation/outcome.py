"""What an evaluation ends in: its page, its results in sentences, and its numbers as data."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stimuli.context_faces.evaluation.part import Part, Table

Stage = Callable[[str], Callable[[int, int], None]]  # name of a stage -> what shows its progress


@dataclass(frozen=True)
class Outcome:
    """The page, and its results in sentences."""

    page: Path
    headline: list[str]

    def lines(self) -> list[str]:
        """For the terminal."""
        return [*self.headline, str(self.page)]


def headline_of(parts: Sequence[Part]) -> list[str]:
    """The results of all parts."""
    return [line for part in parts for line in part.headline]


def numbers_of(parts: Sequence[Part]) -> dict[str, Any]:
    """Every table of all parts by its name, as JSON holds it: a list of rows."""
    return {
        block.name: json.loads(block.frame.to_json(orient="records"))
        for part in parts for block in part.blocks if isinstance(block, Table)
    }  # fmt: skip
