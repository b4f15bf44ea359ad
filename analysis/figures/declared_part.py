"""The part of a report with the figures that its protocol declares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.choices.confusion import answers_to, confusion_of, matches_of
from analysis.choices.counts import Counts, count_options
from analysis.choices.shares import clusters_of
from analysis.figures.bars import grouped_bars
from analysis.figures.charts import Picture, mean_ratings
from analysis.figures.heatmaps import Panel, heatmaps, in_words
from analysis.figures.pictures import means_of, scale_of, tests
from analysis.figures.scale import Bin
from analysis.mixed.columns import word, words
from analysis.results import ModelResult
from analysis.sample.exclude import Sample
from analysis.text.part import Block, Drawing, Paragraph, Part
from analysis.text.words import listing, number
from protocols.analysis_plan import Figure
from protocols.protocol import Protocol


@dataclass(frozen=True)
class Shown:
    """One figure: its picture, what it says in words, and its numbers."""

    picture: Picture
    caption: str
    alt: str
    table: pd.DataFrame


def figures_part(protocol: Protocol, sample: Sample, models: list[ModelResult]) -> Part | None:
    """Every declared figure, in order; None if there is none."""
    blocks: list[Block] = []
    pictures, tables = {}, {}
    for i, figure in enumerate(protocol.analysis.figures, start=1):
        name = f"figure-{i}"
        if not _answered(sample, figure):
            blocks.append(Paragraph(f"Figure {i} is empty: nobody answered {figure.task}."))
            continue
        shown = _show(protocol, sample, models, figure)
        pictures[name], tables[name] = shown.picture, shown.table
        blocks.append(Drawing(name, f"Figure {i}. {shown.caption}", shown.alt))
    return Part("Figures", blocks, tables, pictures) if blocks else None


def _answered(sample: Sample, figure: Figure) -> bool:
    rows = sample.ratings[sample.ratings.question == figure.task]
    numbers = figure.kind in ("means", "histogram")
    return bool((rows.response if numbers else rows.label).notna().any())


def _show(protocol: Protocol, sample: Sample, models: list[ModelResult], figure: Figure) -> Shown:
    if figure.kind == "means":
        return _means(protocol, sample, models, figure)
    if figure.kind == "confusion":
        return _confusion(protocol, sample, figure)
    return _bars(protocol, sample, figure)


def _means(protocol: Protocol, sample: Sample, models: list[ModelResult], figure: Figure) -> Shown:
    x, question = str(figure.x), protocol.questions[figure.task].question
    axes = [x, *([figure.colour] if figure.colour else [])]
    means = means_of(protocol, sample, figure.task, axes)
    found = tests(figure, models)
    levels: dict[str, Sequence[str]] = {
        name: [word(v) for v in protocol.stimuli.factors[name]] for name in axes
    }
    rng = np.random.default_rng(protocol.seed)  # only spreads dots sideways
    scale = scale_of(protocol, figure.task)
    picture = mean_ratings(means, x, figure.colour, levels, scale, found, rng)
    people = means.people.participant.nunique()
    caption = (
        f"“{question}” by {listing(axes)}. Small dots: means of {people} participants; large dots: "
        f"their mean; bars: 95 % confidence intervals {means.interval}."
    )
    if found:
        caption += (
            " Stars: tests of the mixed model below, corrected as stated there, which also count "
            "the variation between identities that the bars leave out; *** p < .001, ** p < .01, "
            "* p < .05, n.s. not significant."
        )
    alt = "; ".join(
        f"{', '.join(f'{axis} {r[axis]}' for axis in axes)}: mean {number(r['mean'])}"
        for _, r in means.cells.iterrows()
    )
    return Shown(picture, caption, f"Mean ratings. {alt}.", means.cells)


def _confusion(protocol: Protocol, sample: Sample, figure: Figure) -> Shown:
    x, task = str(figure.x), protocol.questions[figure.task]
    rows, chosen = answers_to(sample, protocol, figure.task, task.options)
    match = matches_of(protocol, figure.task).get(x, {})
    caption = f"“{task.question}” by {x}, in per cent of the answers to each level"
    if match:
        found = confusion_of(rows, chosen, x, match, protocol.seed)
        cells = found.cells
        caption += (
            f"; frames: the option that means the level. {100 * found.accuracy:.1f} % of "
            f"{found.answers:,} answers match; chance is {100 * found.chance:.1f} %"
        )
    else:
        levels = [word(v) for v in protocol.stimuli.factors[x]]
        cells = count_options(rows, chosen, x, levels, clusters_of(rows)).table
    panel = Panel("", cells, match)
    picture = heatmaps([panel], f"Shown ({x})")
    return Shown(picture, f"{caption}.", f"Heat map. {in_words(panel)}.", cells)


def _bars(protocol: Protocol, sample: Sample, figure: Figure) -> Shown:
    """Histogram of a scale, or counts of options."""
    task, colour = protocol.questions[figure.task], figure.colour
    counts = _counted(protocol, sample, figure)
    by = f" by {colour}" if colour else ""
    names, x = {}, "Chosen"
    if figure.kind == "histogram":
        scale = scale_of(protocol, figure.task)
        names = {one.name: _named(one, task, scale.points) for one in scale.bins()}
        x = "Rating" if scale.points else "Rating (parts of the line, from)"
    picture = grouped_bars(
        counts.table, legend=colour, x=x, y="Answers (%)", numbers="votes", names=names
    )
    caption = (
        f"“{task.question}”{by}: per cent of answers. Numbers: answers"
        f"{' that ticked the option' if task.type == 'checkboxes' else ''}; bars: 95 % confidence "
        f"intervals {counts.clusters.over}."
    )
    if task.type == "checkboxes" and task.exclusive:
        votes = [f"{r.level or 'in all'} {r.votes}" for r in counts.together.itertuples()]
        caption += f" Votes for anything but {task.exclusive}: {', '.join(votes)}."
    alt = "; ".join(
        f"{r.level + ', ' if r.level else ''}{r.option}: {100 * r.share:.0f} % ({r.votes})"
        for r in counts.table.itertuples()
    )
    return Shown(picture, caption, f"Bar chart. {alt}.", counts.table)


def _counted(protocol: Protocol, sample: Sample, figure: Figure) -> Counts:
    task, colour = protocol.questions[figure.task], figure.colour
    if figure.kind == "histogram":
        rows = sample.ratings[sample.ratings.question == figure.task]
        rows = rows[rows.response.notna()]
        rows = rows.assign(**{f: words(rows[f]) for f in protocol.factors})
        scale = scale_of(protocol, figure.task)
        hits = scale.hits(rows.response).astype(float)
        chosen = pd.DataFrame(hits, rows.index, [one.name for one in scale.bins()])
    else:
        rows, chosen = answers_to(sample, protocol, figure.task, task.options)
    levels = [word(v) for v in protocol.stimuli.factors[colour]] if colour else [""]
    exclusive = getattr(task, "exclusive", None)
    return count_options(rows, chosen, colour, levels, clusters_of(rows), exclusive)


def _named(one: Bin, task: Any, points: bool) -> str:
    """A point with its words; of a part of a line, where it begins."""
    if not points:
        return f"{one.low:g}"
    label = task.label(round(one.middle))
    return f"{one.name} {label}" if label else one.name
