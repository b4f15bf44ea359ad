"""One part of a report: what its page shows, and the files that lie beside the page.

Every area of the analysis turns its results into a `Part`; the report only places the parts one
after the other, writes their tables as CSV and their pictures as SVG and PNG, and gathers what the
method section says about them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import pandas as pd

from analysis.figures.charts import Picture

TEXT, NUMBER = "text", "number"  # kinds of columns


@dataclass(frozen=True)
class Heading:
    """A title within a part."""

    text: str
    kind: ClassVar[str] = "heading"


@dataclass(frozen=True)
class Paragraph:
    """Sentences; statistical symbols such as `p = .033` are set in italics by the page."""

    text: str
    kind: ClassVar[str] = "paragraph"


@dataclass(frozen=True)
class Bullets:
    """Short sentences in a list."""

    items: Sequence[str]
    kind: ClassVar[str] = "bullets"


@dataclass(frozen=True)
class Code:
    """A formula or command."""

    text: str
    kind: ClassVar[str] = "code"


@dataclass(frozen=True)
class Caution:
    """Why a result should not be trusted, or not as it stands; `code` as in `problems.ADVICE`."""

    code: str
    text: str
    kind: ClassVar[str] = "caution"


@dataclass(frozen=True)
class Table:
    """A table as words: `kinds` says for each column whether it is text or number."""

    head: Sequence[str]
    kinds: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str
    note: str = ""
    kind: ClassVar[str] = "table"


@dataclass(frozen=True)
class Drawing:
    """A picture of the part, by its name in `Part.pictures`, with words for who cannot see it."""

    name: str
    caption: str
    alt: str
    kind: ClassVar[str] = "drawing"


@dataclass(frozen=True)
class Photograph:
    """A JPEG that stands only in the page, such as thumbnails of stimuli."""

    jpeg: bytes
    caption: str
    alt: str
    kind: ClassVar[str] = "photograph"


Block = Heading | Paragraph | Bullets | Code | Caution | Table | Drawing | Photograph


@dataclass(frozen=True)
class Part:
    """A section of the report.

    Attributes:
        title: its heading.
        blocks: what the page shows, from top to bottom.
        tables: file name without ending -> numbers; every table of the page in full.
        pictures: file name without ending -> figure.
        method: sentences for the method section.
        references: keys of `analysis.text.references` that these sentences cite.
        headline: sentences for the summary on top of the page.
    """

    title: str
    blocks: Sequence[Block]
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    pictures: Mapping[str, Picture] = field(default_factory=dict)
    method: Sequence[str] = ()
    references: Sequence[str] = ()
    headline: Sequence[str] = ()
