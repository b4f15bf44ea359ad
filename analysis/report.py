"""The story of a report: sample, models, figures and words, in one page and beside it.

`report/` holds report.html (all in one file), tables/*.csv, figures/*.svg and *.png, and models.R.
The same data and protocol give the same bytes.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from analysis.choices.confusion import Choices, all_choices
from analysis.figures.charts import Picture
from analysis.figures.pictures import counts_of, draw, means_of
from analysis.reference import engines
from analysis.results import ModelResult, run
from analysis.sample.exclude import Sample, read_sample
from analysis.text import page
from analysis.text.content import content
from analysis.text.method import versions
from analysis.text.rscript import script
from protocols.protocol import Protocol
from protocols.record import Record, fingerprint, sources
from protocols.study import Study
from protocols.tables import write_table, write_whole
from protocols.tasks import NUMERIC

RECORD = ".made-from.json"  # what the report was made from


def report(
    study: Study,
    *,
    source: str | None = None,
    engine: str = "mien",
    tell: Callable[[str], object] = str,
) -> Path:
    """Write the report of a study and return the path of its page.

    Args:
        study: a folder with protocol.yaml, ratings.csv and participants.csv.
        source: web, lab, import or simulation; None: real data, or simulated if there are none.
        engine: mien, pymer4, rscript or both (`analysis.reference.engines`).
        tell: called with a line for the researcher.

    Raises:
        UserError: the protocol or a table cannot be read, there is nobody to analyse, or R is
            missing where an engine needs it.
    """
    protocol = study.protocol()
    ask = engines.start(engine)
    record, inputs = Record(study.report / RECORD), _inputs(study, source, engine)
    if record.is_current(inputs):
        tell("nothing has changed since this report was written; it is kept as it is")
        return study.report / "report.html"
    sample = read_sample(study, protocol, source)
    fitted = [run(model, protocol, sample) for model in protocol.analysis.models]
    refit = engines.refit(fitted, protocol, engine, ask, tell)
    models = refit.models
    choices = all_choices(sample, protocol)
    pictures = draw(protocol, sample, models)
    _start_afresh(study.report)
    _write_pictures(study.report / "figures", pictures)
    _write_tables(study.report / "tables", protocol, sample, models, choices)
    write_whole(study.report / "models.R", script(models, sample, protocol).encode())
    placed = content(study, protocol, sample, models, choices, pictures)
    write_whole(study.report / "report.html", page.html(**placed).encode())
    record.write(inputs)
    return study.report / "report.html"


def _inputs(study: Study, source: str | None, engine: str) -> str:
    """Everything that decides about a report: data, protocol, stimuli, and this program."""
    data = (study.protocol_file, study.ratings_file, study.participants_file)
    shown = (study.stimuli / "stimuli.tsv", study.stimuli / "contact-sheet.png")
    plan = study.plan / "trials.csv"
    words = (str(source), engine, *(f"{name} {number}" for name, number in versions().items()))
    return fingerprint([*data, *shown, plan, *sources(Path(__file__).parent)], *words)


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
    tables = {"exclusions": sample.flow, "cells": counts_of(protocol, sample)}
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
