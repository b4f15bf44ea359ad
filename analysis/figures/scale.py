"""The response axis of a figure: points that are counted one by one, or a line in parts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

PARTS = 20  # of a line, in which answers are counted
TICKS = 10  # parts between ticks of a line


@dataclass(frozen=True)
class Bin:
    """Answers from `low` to `high`; `name` for tables."""

    name: str
    low: float
    high: float

    @property
    def middle(self) -> float:
        """Where its bar stands."""
        return (self.low + self.high) / 2


@dataclass(frozen=True)
class Scale:
    """What is asked, the lowest and highest answer, and the words there.

    `points`: every whole number is an answer that is counted on its own; else a line.
    """

    question: str
    low: float
    high: float
    at_low: str = ""
    at_high: str = ""
    points: bool = True

    @property
    def length(self) -> float:
        """From the lowest to the highest answer."""
        return self.high - self.low

    def ticks(self) -> list[float]:
        """Where the axis has numbers."""
        if self.points:
            return [float(n) for n in range(round(self.low), round(self.high) + 1)]
        return [float(f"{n:g}") for n in np.linspace(self.low, self.high, TICKS + 1)]

    def bins(self) -> list[Bin]:
        """The points of the scale, or equal parts of the line."""
        if self.points:
            return [Bin(f"{n:g}", n - 0.5, n + 0.5) for n in self.ticks()]
        edges = np.linspace(self.low, self.high, PARTS + 1)
        return [Bin(f"{a:g} to {b:g}", float(a), float(b))
                for a, b in zip(edges[:-1], edges[1:], strict=True)]  # fmt: skip

    def hits(self, answers: pd.Series) -> np.ndarray:
        """Which bin (n, B) each answer is in; an edge counts up, and the highest answer down."""
        values, bins = answers.to_numpy(float), self.bins()
        if self.points:
            return values.round()[:, None] == np.array(self.ticks())
        width = self.length / len(bins)
        places = np.floor((values - self.low) / width + 1e-9).clip(0, len(bins) - 1)
        return places[:, None] == np.arange(len(bins))

    def shares(self, answers: pd.Series) -> np.ndarray:
        """Share (B,) of the answers in each bin."""
        return self.hits(answers).mean(axis=0)
