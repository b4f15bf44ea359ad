"""The story of a report: sample, models, comparisons, and what is said about them.

`report/` holds report.html (all in one file), methods.md, tables/*.csv, figures/*.svg and *.png,
and models.R. The same data and protocol give the same bytes.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from analysis.parts import other_studies, parts_of
from analysis.reference import engines
from analysis.reference.part import summary
from analysis.results import run
from analysis.sample.exclude import read_sample
from analysis.sample.part import warnings
from analysis.text import page
from analysis.text.front import front
from analysis.text.method import versions
from analysis.text.methods import methods
from analysis.text.part import Part
from analysis.text.rscript import script
from protocols.plain_text import check_size
from protocols.record import Record, fingerprint, sources
from protocols.study import Study
from protocols.tables import write_table, write_whole

RECORD = ".made-from.json"  # what the report was made from
PAGE = "report.html"


def report(
    study: Study,
    *,
    source: str | None = None,
    engine: str = "mien",
    beside: Sequence[Path] = (),
    tell: Callable[[str], object] = str,
) -> Path:
    """Write the report of a study and return the path of its page.

    Args:
        study: a folder with protocol.yaml, ratings.csv and participants.csv.
        source: web, lab, import or simulation; None: real data, or simulated if there are none.
        engine: mien, pymer4, rscript or both (`analysis.reference.engines`).
        beside: folders of other studies, for `analysis.beside`; else those beside this one.
        tell: called with a line for the researcher.

    Raises:
        UserError: the protocol or a table cannot be read, there is nobody to analyse, or R is
            missing where an engine needs it.
    """
    protocol = study.protocol()
    ask = engines.start(engine)
    others = other_studies(study, protocol, beside)
    for table in (study.ratings_file, study.participants_file):
        check_size(table)  # before gigabytes are hashed
    record = Record(study.report / RECORD)
    inputs = _inputs(study, [other for other in others.values() if other], str(source), engine)
    if record.is_current(inputs):
        tell("nothing has changed since this report was written; it is kept as it is")
        return study.report / PAGE
    sample = read_sample(study, protocol, source)
    for warning in warnings(sample, protocol):
        tell(warning)
    fitted = [run(model, protocol, sample) for model in protocol.analysis.models]
    refit = engines.refit(fitted, protocol, engine, ask, tell)
    if refit.beside:
        tell(summary(refit.beside))
    parts = parts_of(study, protocol, sample, refit, others, beside)
    _start_afresh(study.report)
    _write_beside(study.report, parts)
    write_whole(study.report / "models.R", script(refit.models, sample, protocol).encode())
    write_whole(study.report / "methods.md", methods(protocol, sample, parts).encode())
    placed = page.html("report.html.j2", front=front(protocol, sample, parts), parts=parts)
    write_whole(study.report / PAGE, placed.encode())
    record.write(inputs)
    return study.report / PAGE


def _inputs(study: Study, others: Sequence[Study], *words: str) -> str:
    """Everything that decides about a report: data, protocol, stimuli, and this program."""
    files = [study.stimuli / "stimuli.tsv", study.stimuli / "contact-sheet.png",
             study.plan / "trials.csv"]  # fmt: skip
    for one in (study, *others):
        files += [one.protocol_file, one.ratings_file, one.participants_file]
    made_with = [f"{name} {number}" for name, number in versions().items()]
    return fingerprint([*files, *sources(Path(__file__).parent)], *words, *made_with)


def _start_afresh(folder: Path) -> None:
    """Remove figures and tables of an earlier report; what else lies there stays."""
    for name in ("figures", "tables"):
        if (folder / name).is_dir():
            shutil.rmtree(folder / name)


def _write_beside(folder: Path, parts: Sequence[Part]) -> None:
    """Every table as CSV, every picture as SVG and PNG."""
    for part in parts:
        for name, table in part.tables.items():
            write_table(table, folder / "tables" / f"{name}.csv", ",")
        for name, picture in part.pictures.items():
            write_whole(folder / "figures" / f"{name}.svg", picture.svg)
            write_whole(folder / "figures" / f"{name}.png", picture.png)
