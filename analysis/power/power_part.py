"""Power as a part of a page: curves, the sentence for a preregistration, tables, cautions."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from analysis.power.figure import PANELS, power_curves
from analysis.power.planned import EQUIVALENCE, LOGITS, Tested
from analysis.power.sentences import EQUIVALENT, needed, title
from analysis.power.simulate import Grid
from analysis.problems import ADVICE
from analysis.text.part import NUMBER, TEXT, Block, Bullets, Caution, Drawing, Paragraph, Part
from analysis.text.part import Table as Rows
from analysis.text.words import number

FIGURE = "power"
MANY = 0.05  # share of simulations with a problem from which a caution stands in the page
FEW = 200  # simulations; with fewer the intervals are too wide to plan with


def power_part(
    table: pd.DataFrame,
    grid: Grid,
    shown: Sequence[Tested],
    paragraphs: Sequence[str],
    *,
    pilot: bool = False,
    singular_pilot: Sequence[str] = (),
    alike: Sequence[str] = (),
) -> Part:
    """The part.

    Args:
        table: power of every test and size.
        grid: the sizes.
        shown: tests in figure and sentences.
        paragraphs: those for the preregistration.
        pilot: effects and variances come from a pilot.
        singular_pilot: models whose pilot estimates a variance of zero.
        alike: choices in which participants and items are assumed not to differ.
    """
    several = len({test.model for test in shown}) > 1
    panels = [
        (_heading(test, rows, several_models=several), rows)
        for test in shown[:PANELS]
        for rows in [_rows(table, test)]
    ]
    blocks: list[Block] = [
        *_cautions(table, grid, pilot=pilot, singular_pilot=singular_pilot, alike=alike),
        Drawing(FIGURE, _caption(grid, len(shown)), _alt(panels)),
        Bullets([needed(_rows(table, test), test, grid) for test in shown]),
        *(Paragraph(text) for text in paragraphs[:-len(shown)]),
        _table(table, shown, several_models=several),
    ]  # fmt: skip
    return Part(
        "Power before the study",
        blocks,
        {FIGURE: table},
        {FIGURE: power_curves(panels)},
        method=[paragraphs[0]],
        references=["Wilson, 1927"],
        headline=[needed(_rows(table, test), test, grid) for test in shown],
    )


def _cautions(
    table: pd.DataFrame, grid: Grid, *, pilot: bool, singular_pilot: Sequence[str],
    alike: Sequence[str],
) -> list[Caution]:  # fmt: skip
    found = []
    if alike:
        found.append(_caution("ALL_ALIKE", f"answers to {', '.join(alike)}"))
    if grid.simulations < FEW:
        found.append(_caution("FEW_SIMULATIONS", f"{grid.simulations} simulated studies per size"))
    worst = table[["failed", "not_converged", "singular"]].max()
    if worst["failed"] > 0:
        share = number(100 * worst["failed"], 1)
        found.append(_caution("SIMULATIONS_FAILED", f"up to {share} % could not be fitted"))
    if worst["not_converged"] > MANY:
        share = number(100 * worst["not_converged"], 1)
        found.append(_caution("NOT_CONVERGED", f"in up to {share} % of the simulated studies"))
    if worst["singular"] > MANY:
        share = number(100 * worst["singular"], 1)
        found.append(_caution("OFTEN_SINGULAR", f"in up to {share} % of the simulated studies"))
    if pilot:
        found.append(_caution("PILOT_EFFECTS", "effects and variances come from a pilot"))
    if singular_pilot:
        found.append(_caution("PILOT_SINGULAR", f"model {', '.join(singular_pilot)}"))
    return found


def _caution(code: str, found: str) -> Caution:
    return Caution(code, f"{found}. {ADVICE[code]}")


def _heading(test: Tested, rows: pd.DataFrame, *, several_models: bool) -> str:
    assumed = f"assumed: {number(rows['assumed'].iloc[0])}"
    assumed += f" {LOGITS}" if test.unit == LOGITS else ""
    difference, within = title(test, several_models=several_models).rpartition(EQUIVALENT)[::2]
    if test.kind != EQUIVALENCE:
        return f"{within}\n{assumed}"
    return f"{difference}\nequivalent within {within} ({assumed})"


def _caption(grid: Grid, shown: int) -> str:
    more = f" The first {PANELS} of {shown} tests; the table has all." if shown > PANELS else ""
    return (
        f"Power by number of participants who are analysed and of items. Each point: "
        f"{grid.simulations} simulated studies; bars: Wilson’s 95 % confidence intervals; dashed "
        f"lines: 80 and 90 %; dotted line: 5 %, what a test finds where there is nothing.{more}"
    )


def _alt(panels: Sequence[tuple[str, pd.DataFrame]]) -> str:
    said = []
    for heading, rows in panels:
        points = ", ".join(
            f"{row['participants']} × {row['items']}: {number(100 * row['power'], 0)} %"
            for _, row in rows.iterrows()
        )
        said.append(f"{heading.replace(chr(10), ' ')}: {points}")
    return f"Power by participants × items. {'; '.join(said)}."


def _table(table: pd.DataFrame, shown: Sequence[Tested], *, several_models: bool) -> Rows:
    rows = []
    for test in shown:
        for _, row in _rows(table, test).iterrows():
            low, high = number(100 * row["low"], 1), number(100 * row["high"], 1)
            rows.append([
                title(test, several_models=several_models), str(row["participants"]),
                str(row["items"]), number(100 * row["power"], 1), f"[{low}, {high}]",
                number(row["assumed"]), number(row["mean_estimate"]),
            ])  # fmt: skip
    head = ["Test", "Participants", "Items", "Power (%)", "95 % CI", "Assumed", "Mean estimate"]
    note = (
        "All tests of the protocol, coefficients too, are in power.csv, with the shares of "
        "singular and failed fits."
    )
    if any(test.kind == EQUIVALENCE for test in shown):
        note += " Power of an equivalence test: to show that the difference lies within the bound."
    if any(test.unit == LOGITS for test in shown):
        note += (
            " Of binomial and ordinal models, assumed values and estimates are logits for a "
            "participant and an item in the middle."
        )
    return Rows(head, [TEXT] + [NUMBER] * 6, rows, "Power by test and size", note)


def _rows(table: pd.DataFrame, test: Tested) -> pd.DataFrame:
    model, kind, label = test.key
    return table[(table["model"] == model) & (table["kind"] == kind) & (table["test"] == label)]
