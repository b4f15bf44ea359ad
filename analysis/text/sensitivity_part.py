"""The part of a report that says whether the exclusions decide a result."""

from __future__ import annotations

from analysis.sensitivity import Sensitivity
from analysis.text.part import NUMBER, TEXT, Block, Paragraph, Part, Table
from analysis.text.words import listing, number, p_value

TITLE = "With nobody excluded"


def sensitivity_part(found: list[Sensitivity]) -> Part | None:
    """Estimates with and without exclusions; None if nobody was excluded."""
    if not found:
        return None
    blocks: list[Block] = []
    for one in found:
        blocks.append(Paragraph(_sentence(one)))
        if not one.failure:
            blocks.append(_table(one))
    tables = {f"{one.id}-nobody-excluded": one.table for one in found if not one.failure}
    turned = [one.id for one in found if not one.failure and one.table.turned.any()]
    headline = (
        [f"The exclusions decide about a test of the model {listing(turned)}; see below."]
        if turned
        else []
    )
    return Part(TITLE, blocks, tables, headline=headline)


def _sentence(one: Sensitivity) -> str:
    kept, everybody = one.participants
    who = f"Model {one.id} with all {everybody} participants instead of {kept}"
    if one.failure:
        return f"{who} could not be fitted: {one.failure}"
    largest = one.table.loc[one.table["shift"].abs().idxmax()]
    shift = number(abs(largest["shift"]))
    text = f"{who}: the largest change of an estimate is {shift} standard errors ({largest.term})."
    turned = list(one.table.term[one.table.turned])
    if turned:
        return f"{text} Significant at .05 in only one of both: {listing(turned)}."
    return f"{text} No test crosses .05."


def _table(one: Sensitivity) -> Table:
    rows = [
        [r.term, number(r.estimate), p_value(r.p), number(r.estimate_all), p_value(r.p_all)]
        for r in one.table.itertuples()
    ]
    head = ["Effect", "b", "p", "b, nobody excluded", "p, nobody excluded"]
    return Table(head, [TEXT] + [NUMBER] * 4, rows, f"Model {one.id} with and without exclusions")
