"""Which figures a report holds, and from which means and tests they are drawn."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.figures import charts as figures
from analysis.figures.cells import CellMeans, cell_means, counts
from analysis.figures.charts import Picture, Scale
from analysis.mixed.columns import word
from analysis.mixed.columns import words as as_words
from analysis.results import ModelResult
from analysis.sample.exclude import Sample, task_ratings
from protocols.analysis_plan import Figure
from protocols.protocol import Protocol
from protocols.tasks import NUMERIC


def draw(protocol: Protocol, sample: Sample, models: list[ModelResult]) -> dict[str, Picture]:
    """Every figure of the report: name -> picture."""
    pictures = {"exclusions": figures.exclusion_flow(sample.flow)}
    for i, figure in enumerate(protocol.analysis.figures, start=1):
        if figure.kind != "means":
            continue
        pictures[f"figure-{i}"] = _mean_ratings(protocol, sample, models, figure)
    for task in protocol.tasks:
        if task.type in NUMERIC:
            answers = task_ratings(sample, task.id, protocol.factors)[task.id]
            pictures[f"distribution-{task.id}"] = figures.distribution(
                answers, scale_of(protocol, task.id)
            )
    for result in models:
        if result.fit:
            fitted = result.fit.fitted
            pictures[f"diagnostics-{result.model.id}"] = figures.diagnostics(
                fitted, result.fit.design.y - fitted
            )
    return pictures


def _mean_ratings(
    protocol: Protocol, sample: Sample, models: list[ModelResult], figure: Figure
) -> Picture:
    x = str(figure.x)
    axes = [x, *([figure.colour] if figure.colour else [])]
    means = means_of(protocol, sample, figure.task, axes)
    return figures.mean_ratings(
        means,
        x,
        figure.colour,
        {name: [word(level) for level in protocol.stimuli.factors[name]] for name in axes},
        scale_of(protocol, figure.task),
        tests(figure, models),
        np.random.default_rng(protocol.seed),  # only spreads dots sideways
    )


def means_of(protocol: Protocol, sample: Sample, task: str, by: list[str]) -> CellMeans:
    """Means of a task per cell, cells in the order of the protocol, levels as words."""
    ratings = task_ratings(sample, task, protocol.factors)
    return cell_means(_in_order(ratings, protocol, by), task, by)


def counts_of(protocol: Protocol, sample: Sample) -> pd.DataFrame:
    """Ratings, participants and identities per cell, of the first task."""
    ratings = sample.ratings[sample.ratings.question == protocol.tasks[0].id]
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
    low, high = task.label(1), task.label(task.points)
    return Scale(task.question, task.points, low, high)
