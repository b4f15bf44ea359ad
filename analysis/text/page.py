"""How a report looks: one HTML file that needs nothing else.

Tables become rows of words here, pictures `data:` addresses; the template
`templates/report.html.j2` only places them. Jinja2 escapes every word, so that text from a
protocol or a participant cannot become markup.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from analysis.choices.confusion import Choices, Confusion
from analysis.figures.cells import CellMeans
from analysis.figures.charts import Picture
from analysis.text.part import NUMBER, TEXT, Table
from analysis.text.words import interval, number

TEMPLATES = Path(__file__).parent / "templates"
MOST_LISTS = 8  # columns of the exclusion flow
MOST_ROWS = 60  # of a table by cells; the CSV file has all
NO_BREAK = "\N{NO-BREAK SPACE}"
SYMBOL = re.compile(
    r"\b(?P<name>b|SE|t|z|p|F)(?P<df>\([\d., ]+\))?"
    r"(?P<sign> (?:=|&lt;|&gt;) )(?=[\d.\N{MINUS SIGN}])"
)


@dataclass(frozen=True)
class Shown:
    """A picture with its caption and its words for those who cannot see it."""

    source: str
    caption: str
    alt: str


def html(**content: Any) -> str:
    """The report's HTML from the template."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["apa"] = apa
    return environment.get_template("report.html.j2").render(**content)


def apa(text: str) -> Markup:
    """Statistical symbols in italics, and no line break inside `p = .033`."""
    safe = str(escape(text))
    return Markup(SYMBOL.sub(_symbol, safe))


def _symbol(found: re.Match[str]) -> str:
    sign = found["sign"].replace(" ", NO_BREAK)
    return f"<i>{found['name']}</i>{found['df'] or ''}{sign}"


def svg(picture: Picture, caption: str, alt: str) -> Shown:
    """A drawn figure, as SVG inside the page."""
    return Shown(data_address(picture.svg, "image/svg+xml"), caption, alt)


def data_address(content: bytes, media_type: str) -> str:
    """`content` as an address that needs no network."""
    return f"data:{media_type};base64,{b64encode(content).decode()}"


def shortened(table: Table, file: str) -> Table:
    """The first rows of a long table, and where the others are."""
    if len(table.rows) <= MOST_ROWS:
        return table
    note = (
        f"{table.note} The first {MOST_ROWS} of {len(table.rows)} rows; all are in tables/{file}."
    )
    return replace(table, rows=table.rows[:MOST_ROWS], note=note.strip())


def means_table(means: CellMeans, factors: Sequence[str], caption: str) -> Table:
    """Means per cell."""
    rows = [
        [*(r[f] for f in factors), number(r["mean"]), interval(r.low, r.high), str(r.n)]
        for _, r in means.cells.iterrows()
    ]
    head = [*factors, "Mean", "95 % CI", "Participants"]
    kinds = [TEXT] * len(factors) + [NUMBER] * 3
    return Table(head, kinds, rows, caption, f"Confidence intervals: {means.interval}.")


def flow_table(flow: pd.DataFrame) -> Table:
    """Exclusion flow, per list; of many lists only the fewest and the most on one."""
    lists = [c for c in flow.columns if c.startswith("list ")]
    many = len(lists) > MOST_LISTS
    rows = []
    for row in flow.to_dict("records"):
        label = row["reason"]
        if row["step"] not in ("recruited", "analysed"):
            label = f"Excluded: {label}"
        each = [row[name] for name in lists]
        shown = [min(each), max(each)] if many else each
        rows.append([label, str(row["participants"]), *map(str, shown)])
    named = ["Fewest per list", "Most per list"] if many else [name.capitalize() for name in lists]
    head = ["", "Participants", *named]
    return Table(head, [TEXT] + [NUMBER] * (1 + len(named)), rows, "Exclusion flow")


def counts_table(counts: pd.DataFrame, factors: Sequence[str]) -> Table:
    """Ratings, participants and identities per cell."""
    rows = [[str(row[c]) for c in counts.columns] for row in counts.to_dict("records")]
    head = [*factors, "Ratings", "Participants", "Identities"]
    kinds = [TEXT] * len(factors) + [NUMBER] * 3
    return Table(head, kinds, rows, "Analysed ratings per cell of the design")


def shares_table(choices: Choices, factors: Sequence[str]) -> Table:
    """Shares of options per cell, in per cent."""
    return _percent(choices.shares, factors, "Choices in per cent of each row",
                    "Several boxes may be ticked." if choices.several else "")  # fmt: skip


def confusion_table(confusion: Confusion) -> Table:
    """A confusion matrix, in per cent of each row."""
    note = (
        f"Choices matched {confusion.factor} in {number(100 * confusion.accuracy, 1)} % of trials, "
        f"95 % CI {interval(100 * confusion.low, 100 * confusion.high, 1)} over participants; "
        f"chance is {number(100 * confusion.chance, 1)} %."
    )
    caption = f"Confusion matrix: {confusion.factor} (rows) by choice (columns)"
    return _percent(confusion.table, [confusion.factor], caption, note)


def _percent(table: pd.DataFrame, factors: Sequence[str], caption: str, note: str) -> Table:
    options = [c for c in table.columns if c not in (*factors, "n")]
    rows = [
        [
            *(str(row[f]) for f in factors),
            *(number(100 * row[o], 1) for o in options),
            str(row["n"]),
        ]
        for row in table.to_dict("records")
    ]
    head = [*factors, *options, "n"]
    return Table(head, [TEXT] * len(factors) + [NUMBER] * (len(options) + 1), rows, caption, note)
