"""What figures are drawn from: means per cell, tests for stars, the response axis."""

from __future__ import annotations

import pandas as pd

from analysis.figures.cells import CellMeans, cell_means, counts
from analysis.figures.scale import Scale
from analysis.mixed.columns import word
from analysis.mixed.columns import words as as_words
from analysis.results import ModelResult
from analysis.sample.exclude import Sample, task_ratings
from protocols.analysis_plan import Figure
from protocols.protocol import Protocol
from protocols.scales import WITH_POINTS


def means_of(protocol: Protocol, sample: Sample, task: str, by: list[str]) -> CellMeans:
    """Means of a task per cell, cells in the order of the protocol, levels as words."""
    ratings = task_ratings(sample, task, protocol.factors)
    return cell_means(_in_order(ratings, protocol, by), task, by)


def counts_of(protocol: Protocol, sample: Sample) -> pd.DataFrame:
    """Ratings, participants and identities per cell, of the first question."""
    first = next(iter(protocol.questions))  # an affect grid, one task, asks two
    ratings = sample.ratings[sample.ratings.question == first]
    return counts(_in_order(ratings, protocol, protocol.factors), protocol.factors)


def _in_order(ratings: pd.DataFrame, protocol: Protocol, by: list[str]) -> pd.DataFrame:
    """Ratings sorted by the protocol's order of levels, levels as words."""
    ratings = ratings.copy()
    for name in by:
        levels = [word(level) for level in protocol.stimuli.factors[name]]
        ratings[name] = pd.Categorical(as_words(ratings[name]), categories=levels, ordered=True)
    ratings = ratings.sort_values([*by, "participant"], kind="stable")
    return ratings.astype(dict.fromkeys(by, "str"))


def tests(figure: Figure, models: list[ModelResult]) -> dict[str, float]:
    """P values for a figure's stars, from the first declared comparison that it shows.

    With colours, the comparison of the colour factor (two levels) at each level of x: level -> p.
    Without, the comparison of the two levels of x: "" -> p.
    """
    wanted = (figure.colour, figure.x) if figure.colour else (figure.x, None)
    for result in models:
        if result.model.task != figure.task:
            continue
        for family in result.families:
            asked = family.comparison
            if (asked.factor, asked.at) == wanted and not family.table["at"].duplicated().any():
                return dict(zip(family.table["at"], family.table.p_adjusted, strict=True))
    return {}


def scale_of(protocol: Protocol, task_id: str) -> Scale:
    """The response axis of a task."""
    task = protocol.questions[task_id]
    return Scale(task.question, task.low, task.high, *task.ends, points=task.type in WITH_POINTS)
