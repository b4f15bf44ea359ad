"""Tables of a page: what every part needs."""

from __future__ import annotations

from dataclasses import replace

from analysis.text.part import Table

MOST_ROWS = 60  # of a table on the page; the CSV file has all


def shortened(table: Table, file: str) -> Table:
    """The first rows of a long table, and where the others are."""
    if len(table.rows) <= MOST_ROWS:
        return table
    note = (
        f"{table.note} The first {MOST_ROWS} of {len(table.rows)} rows; all are in tables/{file}."
    )
    return replace(table, rows=table.rows[:MOST_ROWS], note=note.strip())
