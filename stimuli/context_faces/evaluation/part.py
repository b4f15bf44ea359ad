"""One part of an evaluation: what its page shows; tables and figures are files beside the page too.

Who computes something tells it as a `Part`; `page` only places the parts one after the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Table:
    """Numbers or words: NAME.csv holds all digits, the page shows `digits` after the point."""

    name: str  # of its file, without ending
    caption: str
    frame: pd.DataFrame
    digits: int = 2
    note: str = ""  # below the table
    probabilities: Sequence[str] = ()  # columns of p values, which the page shows to three digits


@dataclass(frozen=True)
class Figure:
    """A picture: NAME.png, and in the page."""

    name: str  # of its file, without ending
    caption: str
    png: bytes
    alt: str  # what is to be seen, for who cannot see it


Block = str | Table | Figure  # a string is a paragraph


@dataclass(frozen=True)
class Part:
    """A section of the page.

    Attributes:
        title: its heading.
        blocks: what it shows, from top to bottom.
        headline: its results in single sentences: on top of the page, and on the terminal.
    """

    title: str
    blocks: Sequence[Block]
    headline: Sequence[str] = ()
