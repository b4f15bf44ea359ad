"""The story of a report: sample, models, figures and words, in one page and beside it.

`report/` holds report.html (all in one file), tables/*.csv, figures/*.svg and *.png, and models.R.
The same data and protocol give the same bytes.
"""

from __future__ import annotations

import io
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from analysis import engine, figures, page, words
from analysis.cells import CellMeans, cell_means, counts
from analysis.choices import Choices, all_choices
from analysis.design import word
from analysis.design import words as as_words
from analysis.exclude import Sample, read_sample, task_ratings
from analysis.figures import Picture, Scale
from analysis.method import dates, method, versions
from analysis.results import ModelResult, run
from analysis.rscript import script
from protocols.analysis_plan import Figure
from protocols.protocol import Protocol
from protocols.study import Study, protocol_hash
from protocols.tables import write_table, write_whole
from protocols.tasks import NUMERIC

SHEET = "contact-sheet.png"
SHEET_WIDTH = 1500  # pixels in the page; the file itself stays as it is
SIMULATED = (
    "These are simulated data. Nobody took part: the numbers show what the analysis would say if "
    "people answered as the protocol's simulation assumes."
)


def report(study: Study, *, source: str | None = None) -> Path:
    """Write the report of a study and return the path of its page.

    Args:
        study: a folder with protocol.yaml, ratings.csv and participants.csv.
        source: web, lab, import or simulation; None: real data, or simulated if there are none.

    Raises:
        UserError: the protocol or a table cannot be read, or there is nobody to analyse.
    """
    protocol = study.protocol()
    sample = read_sample(study, protocol, source)
    models = [run(model, protocol, sample) for model in protocol.analysis.models]
    choices = all_choices(sample, protocol)
    pictures = draw(protocol, sample, models)
    _start_afresh(study.report)
    _write_pictures(study.report / "figures", pictures)
    _write_tables(study.report / "tables", protocol, sample, models, choices)
    write_whole(study.report / "models.R", script(models, sample).encode())
    content = _content(study, protocol, sample, models, choices, pictures)
    write_whole(study.report / "report.html", page.html(**content).encode())
    return study.report / "report.html"


def draw(protocol: Protocol, sample: Sample, models: list[ModelResult]) -> dict[str, Picture]:
    """Every figure of the report: name -> picture."""
    pictures = {"exclusions": figures.exclusion_flow(sample.flow)}
    for i, figure in enumerate(protocol.analysis.figures, start=1):
        pictures[f"figure-{i}"] = _mean_ratings(protocol, sample, models, figure)
    for task in protocol.tasks:
        if task.type in NUMERIC:
            answers = task_ratings(sample, task.id, protocol.factors)[task.id]
            pictures[f"distribution-{task.id}"] = figures.distribution(
                answers, _scale(protocol, task.id)
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
    axes = [figure.x, *([figure.colour] if figure.colour else [])]
    means = means_of(protocol, sample, figure.task, axes)
    return figures.mean_ratings(
        means,
        figure.x,
        figure.colour,
        {name: [word(level) for level in protocol.stimuli.factors[name]] for name in axes},
        _scale(protocol, figure.task),
        tests(figure, models),
        np.random.default_rng(protocol.seed),  # only spreads dots sideways
    )


def means_of(protocol: Protocol, sample: Sample, task: str, by: list[str]) -> CellMeans:
    """Means of a task per cell, cells in the order of the protocol, levels as words."""
    ratings = task_ratings(sample, task, protocol.factors)
    for name in by:
        levels = [word(level) for level in protocol.stimuli.factors[name]]
        ratings[name] = pd.Categorical(as_words(ratings[name]), categories=levels, ordered=True)
    ratings = ratings.sort_values([*by, "participant"], kind="stable")
    return cell_means(ratings.astype(dict.fromkeys(by, "str")), task, by)


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


def _scale(protocol: Protocol, task_id: str) -> Scale:
    task = protocol.questions[task_id]
    low, high = task.label(1), task.label(task.points)
    return Scale(task.question, task.points, low, high)


def _start_afresh(folder: Path) -> None:
    """Remove figures and tables of an earlier report; what else lies there stays."""
    for name in ("figures", "tables"):
        if (folder / name).is_dir():
            shutil.rmtree(folder / name)


def _write_pictures(folder: Path, pictures: dict[str, Picture]) -> None:
    for name, picture in pictures.items():
        write_whole(folder / f"{name}.svg", picture.svg)
        write_whole(folder / f"{name}.png", picture.png)


def _write_tables(
    folder: Path, protocol: Protocol, sample: Sample, models: list[ModelResult],
    choices: list[Choices],
) -> None:  # fmt: skip
    tables = {"exclusions": sample.flow, "cells": _counts(protocol, sample)}
    for result in models:
        if result.fit is None:
            continue
        name = result.model.id
        random = result.fit.random
        together = random.correlations.map(lambda rs: " ".join(f"{r:.4f}" for r in rs))
        tables[f"{name}-fixed"] = result.fit.fixed
        tables[f"{name}-random"] = random.assign(correlations=together)
        for i, family in enumerate(result.families, start=1):
            tables[f"{name}-comparisons-{i}"] = family.table
    for task in protocol.tasks:
        if task.type in NUMERIC:
            means = means_of(protocol, sample, task.id, protocol.factors)
            tables[f"{task.id}-means"] = means.cells
    for choice in choices:
        tables[f"{choice.task}-choices"] = choice.shares
        for confusion in choice.confusions:
            tables[f"{choice.task}-by-{confusion.factor}"] = confusion.table
    for name, table in tables.items():
        write_table(table, folder / f"{name}.csv", ",")


def _counts(protocol: Protocol, sample: Sample) -> pd.DataFrame:
    task = protocol.tasks[0].id
    ratings = sample.ratings[sample.ratings.question == task]
    ratings = ratings.assign(**{f: as_words(ratings[f]) for f in protocol.factors})
    order = {
        word(v): i for f in protocol.factors for i, v in enumerate(protocol.stimuli.factors[f])
    }
    ratings = ratings.sort_values(protocol.factors, key=lambda c: c.map(order), kind="stable")
    return counts(ratings, protocol.factors)


def _content(
    study: Study, protocol: Protocol, sample: Sample, models: list[ModelResult],
    choices: list[Choices], pictures: dict[str, Picture],
) -> dict[str, Any]:  # fmt: skip
    """Everything that the template places."""
    return {
        "title": protocol.title,
        "source": protocol.source or "",
        "description": protocol.description or "",
        "banner": SIMULATED if sample.simulated else "",
        "facts": _facts(protocol, sample),
        "headline": _headline(models),
        "figures": _figures(protocol, sample, models, pictures),
        "models": [_model(result, pictures) for result in models],
        "scales": _scales(protocol, sample, pictures),
        "choices": [_choice(choice, protocol) for choice in choices],
        "flow_picture": page.svg(
            pictures["exclusions"], "Participants, from taking part to the analysis.",
            "Flow chart; the table below has the same numbers."),
        "flow": page.flow_table(sample.flow),
        "sample_notes": _sample_notes(sample),
        "disagreements": sample.disagreements,
        "counts": page.shortened(
            page.counts_table(_counts(protocol, sample), protocol.factors), "cells.csv"),
        "sheet": _sheet(study),
        "method": method(protocol, sample),
        "not_run": _not_run(protocol),
        "name": protocol.name,
        "hash": protocol_hash(protocol),
        "dates": dates(sample),
        "versions": versions(),
    }  # fmt: skip


def _facts(protocol: Protocol, sample: Sample) -> list[tuple[str, str]]:
    excluded = len(sample.people) - sample.participants
    return [
        (str(sample.participants), "simulated participants" if sample.simulated
         else "participants analysed"),
        (str(excluded), "excluded"),
        (f"{len(sample.ratings):,}", "answers analysed"),
        (str(sample.ratings.stimulus_id.nunique()), "stimuli"),
        (str(sample.ratings.identity.nunique()), "identities"),
    ]  # fmt: skip


def _headline(models: list[ModelResult]) -> list[tuple[str, list[str]]]:
    """The declared comparisons in few words: model -> one sentence each."""
    return [
        (
            result.model.title or result.model.id,
            [sentence for family in result.families for sentence in words.headline(family)],
        )
        for result in models
        if result.families
    ]


def _figures(
    protocol: Protocol, sample: Sample, models: list[ModelResult], pictures: dict[str, Picture]
) -> list[page.Shown]:
    shown = []
    for i, figure in enumerate(protocol.analysis.figures, start=1):
        axes = [figure.x, *([figure.colour] if figure.colour else [])]
        means = means_of(protocol, sample, figure.task, axes)
        people = means.people.participant.nunique()
        caption = (
            f"Figure {i}. “{protocol.questions[figure.task].question}” by {words.listing(axes)}. "
            f"Small dots: means of {people} participants; large dots: their mean; bars: 95 % "
            f"confidence intervals {means.interval}."
        )
        if tests(figure, models):
            caption += (
                " Stars: tests of the mixed model below, corrected as stated there, which also count "
                "the variation between identities that the bars leave out; *** p < .001, "
                "** p < .01, * p < .05, n.s. not significant."
            )
        alt = "; ".join(
            f"{', '.join(f'{axis} {r[axis]}' for axis in axes)}: mean {words.number(r['mean'])}"
            for _, r in means.cells.iterrows()
        )
        shown.append(page.svg(pictures[f"figure-{i}"], caption, alt))
    return shown


def _model(result: ModelResult, pictures: dict[str, Picture]) -> dict[str, Any]:
    model, fit = result.model, result.fit
    about = {"title": model.title or model.id, "formula": model.formula, "failure": result.failure}
    if fit is None:
        return about
    return about | {
        "problems": result.problems,
        "coding": words.coding_sentences(fit),
        "fixed": page.fixed_table(fit),
        "random": page.random_table(fit),
        "families": [
            {
                "table": page.family_table(family, fit),
                "equivalence": page.equivalence_table(family),
                "joint": f"All differences together: {words.f_test(family.joint)}."
                if len(family.table) > 1
                else "",
                "sentences": words.comparison_sentences(family),
            }
            for family in result.families
        ],
        "sentences": [
            words.coefficient_sentence(row)
            for _, row in fit.fixed.iterrows()
            if row.term != "(Intercept)"
        ],
        "diagnostics": page.svg(
            pictures[f"diagnostics-{model.id}"],
            "Residuals. Left: on the line if normally distributed. Right: no trend and even "
            "spread if the model is adequate; ratings on a scale show stripes.",
            "Normal Q-Q plot, and residuals against fitted ratings.",
        ),
        "method": words.method_sentence(model, fit, engine.name()),
    }


def _scales(
    protocol: Protocol, sample: Sample, pictures: dict[str, Picture]
) -> list[dict[str, Any]]:
    out = []
    for task in protocol.tasks:
        if task.type not in NUMERIC:
            continue
        means = means_of(protocol, sample, task.id, protocol.factors)
        table = page.means_table(means, protocol.factors, "Mean rating per cell")
        table = page.shortened(table, f"{task.id}-means.csv")
        picture = page.svg(pictures[f"distribution-{task.id}"], "Use of the scale.",
                           f"Bar chart: share of ratings at each point of {task.id}.")  # fmt: skip
        title = f"{task.id}: “{task.question}”"
        out.append({"title": title, "table": table, "distribution": picture})
    return out


def _choice(choice: Choices, protocol: Protocol) -> dict[str, Any]:
    tables = [page.confusion_table(confusion) for confusion in choice.confusions]
    shares = page.shares_table(choice, protocol.factors)
    tables.append(page.shortened(shares, f"{choice.task}-choices.csv"))
    return {"title": f"{choice.task}: “{choice.question}”", "tables": tables}


def _sample_notes(sample: Sample) -> list[str]:
    notes = list(sample.notes)
    if sample.left_out:
        who = words.count(sample.left_out, "simulated participant")
        notes.append(f"{who} in the same tables do not count: real and simulated data never mix.")
    return notes


def _sheet(study: Study) -> page.Shown | None:
    """The contact sheet of the stimuli, small enough for the page."""
    file = study.stimuli / SHEET
    if not file.is_file():
        return None
    with Image.open(file) as picture:
        small = picture.convert("RGB")
    small.thumbnail((SHEET_WIDTH, 4 * SHEET_WIDTH))
    out = io.BytesIO()
    small.save(out, "JPEG", quality=88)
    return page.Shown(
        page.data_address(out.getvalue(), "image/jpeg"),
        "Contact sheet of the stimuli.",
        "Thumbnails of the stimuli by condition.",
    )


def _not_run(protocol: Protocol) -> list[str]:
    return [
        f"Human ratings beside {other.study}"
        + (f" by {other.by}" if other.by else "")
        + ": declared in analysis.beside; this comparison needs that study's ratings and was not "
        "made here."
        for other in protocol.analysis.beside
    ]
