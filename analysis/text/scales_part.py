"""The part of a report about scales: mean ratings per cell and how the scale was used."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from analysis.figures import charts
from analysis.figures.cells import CellMeans
from analysis.figures.pictures import means_of, scale_of
from analysis.figures.scale import Scale
from analysis.sample.exclude import Sample, task_ratings
from analysis.text.part import NUMBER, TEXT, Block, Drawing, Heading, Part, Table
from analysis.text.tables import shortened
from analysis.text.words import interval, number
from protocols.protocol import Protocol
from protocols.scales import NUMERIC


def scales_part(protocol: Protocol, sample: Sample) -> Part | None:
    """Means and distributions of every scale; None if there is none."""
    blocks: list[Block] = []
    tables, pictures = {}, {}
    for task in protocol.questions.values():
        if task.type not in NUMERIC:
            continue
        answers = task_ratings(sample, task.id, protocol.factors)[task.id]
        if answers.empty:
            continue
        means = means_of(protocol, sample, task.id, protocol.factors)
        file, name = f"{task.id}-means", f"distribution-{task.id}"
        tables[file] = means.cells
        scale = scale_of(protocol, task.id)
        pictures[name] = charts.distribution(answers, scale)
        blocks += [
            Heading(f"{task.id}: “{task.question}”"),
            shortened(means_table(means, protocol.factors, "Mean rating per cell"), f"{file}.csv"),
            Drawing(name, "Use of the scale.", _distribution_in_words(task.id, answers, scale)),
        ]
    return Part("Ratings", blocks, tables, pictures) if blocks else None


def means_table(means: CellMeans, factors: Sequence[str], caption: str) -> Table:
    """Means per cell."""
    rows = [
        [*(r[f] for f in factors), number(r["mean"]), interval(r.low, r.high), str(r.n)]
        for _, r in means.cells.iterrows()
    ]
    head = [*factors, "Mean", "95 % CI", "Participants"]
    kinds = [TEXT] * len(factors) + [NUMBER] * 3
    return Table(head, kinds, rows, caption, f"Confidence intervals: {means.interval}.")


def _distribution_in_words(task: str, answers: pd.Series, scale: Scale) -> str:
    shares = zip(scale.bins(), scale.shares(answers), strict=True)
    listed = ", ".join(f"{one.name}: {100 * share:.0f} %" for one, share in shares if share)
    return f"Bar chart of the ratings of {task}. {listed}."
