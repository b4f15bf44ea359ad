"""An overview as tables in the terminal."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from experiments.admin import words
from experiments.admin.behaviour import SLOW_MS, too_fast_ms
from experiments.admin.overview import Overview
from protocols.protocol import Protocol

COLUMNS = ("wanted", "valid", "over_quota", "active", "left", "expired", "excluded", "withdrawn")
HEADINGS = {"left": "places left"}


def rendered(overview: Overview, protocol: Protocol) -> RenderableType:
    """What `mien study status` prints."""
    head = f"{overview.study}, {words.moment(overview.now)}"
    if overview.source != "web":
        head += " (simulated participants)"
    parts: list[RenderableType] = [Text(head, style="bold")]
    if overview.attention:
        parts.append(Text("\n".join(overview.attention), style="bold red"))
    parts += [_lists(overview), _facts(overview)]
    if overview.reasons:
        parts.append(_counts("excluded because", overview.reasons.items()))
    parts.append(_quality(overview, protocol))
    if overview.quality.signs:
        parts.append(_counts("answers worth a look", overview.quality.signs.items()))
    parts.append(_counts("screens", ((_screen(hz), n) for hz, n in
                                     overview.quality.refresh_hz.items())))  # fmt: skip
    return Group(*(line for part in parts for line in (part, "")))


def _lists(overview: Overview) -> Table:
    table = _table("list", *(HEADINGS.get(name, name.replace("_", " ")) for name in COLUMNS))
    for row in (*overview.lists, overview.all):
        cells = [str(getattr(row, name)) for name in COLUMNS]
        table.add_row(str(row.number or "all"), *cells, end_section=row is overview.lists[-1])
    return table


def _facts(overview: Overview) -> Table:
    table = _table("", "", "")
    table.columns[1].justify = table.columns[2].justify = "left"
    table.show_header = False
    for name, value, below in words.facts(overview):
        table.add_row(name, value, below)
    return table


def _quality(overview: Overview, protocol: Protocol) -> Table:
    table = _table("data quality", "count", "share")
    for name, part, whole in words.quality_rows(overview, too_fast_ms(protocol), SLOW_MS):
        table.add_row(name, f"{part} of {whole}", words.of(part, whole))
    return table


def _counts(heading: str, counts: Iterable[tuple[str, int]]) -> Table:
    table = _table(heading, "people")
    for word, number in counts:
        table.add_row(Text(word), str(number))
    return table


def _screen(hz: str) -> str:
    return hz if hz == "unknown" else f"{hz} Hz"


def _table(first: str, *others: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column(first)
    for name in others:
        table.add_column(name, justify="right")
    return table
