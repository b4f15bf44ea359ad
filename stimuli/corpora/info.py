"""`mien corpus info`: what a prepared corpus holds, and whether its files are still there."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from rich.table import Table

from protocols.clips import PROBLEM_COLUMNS, PROBLEMS, RECORD, SHEET, CorpusRecord, read_clips
from protocols.clips import read_record as _read_record
from protocols.errors import UserError
from protocols.section import nearest
from protocols.tables import read_table
from stimuli.corpora.arrays.told import prepared_lines
from stimuli.corpora.prepare import HOME, licence_line
from stimuli.corpora.problems import KINDS, some
from stimuli.corpora.sheet import corpus_sheet

NOTHING = "–"  # where the corpus says nothing


@dataclass(frozen=True)
class Info:
    """What is told about a prepared corpus: tables, and lines below them."""

    record: CorpusRecord
    clips: pd.DataFrame
    tables: list[Table]
    lines: list[str]
    gone: list[str] = field(default_factory=list)


def find_corpus(name: str) -> Path:
    """The folder of a prepared corpus by its path, or by its name below `corpora/`.

    Raises:
        UserError: there is none.
    """
    for folder in (Path(name), HOME / name):
        if (folder / RECORD).is_file():
            return folder
    there = sorted(path.parent.name for path in HOME.glob(f"*/{RECORD}"))
    known = f"; prepared here: {', '.join(there)}" if there else ""
    raise UserError(
        f"{name}: no prepared corpus of this path or name{known}{nearest(name, there)}; make one "
        "with mien corpus add NAME PATH"
    )


def describe(folder: Path) -> Info:
    """Everything about the prepared corpus in `folder`; writes its contact sheet.

    Raises:
        UserError: no prepared corpus, or its tables have changed.
    """
    record, clips = _read_record(folder), read_clips(folder)
    root = Path(record.root)
    tables = [_cells(clips, record), _people(clips)]
    gone = missing_files(clips, root)
    lines = [_media(clips), *_gone_lines(gone, root), *_problem_lines(folder)]
    lines += prepared_lines(folder, record)
    if len(gone) < _files(clips).size:
        path, why = corpus_sheet(clips, root, folder / SHEET)
        lines.append(f"contact sheet: {path}" if path else f"no contact sheet: {why}")
    lines.append(licence_line(record, record.permission))
    if record.cite:
        lines.append(f"cite: {record.cite}")
    return Info(record, clips, tables, lines, gone)


def missing_files(clips: pd.DataFrame, root: Path) -> list[str]:
    """The files of the table that are not below `root` any more."""
    return [path for path in _files(clips) if not (root / path).exists()]


def _files(clips: pd.DataFrame) -> pd.Series:
    columns = [clips[column].dropna() for column in ("video", "audio", "image")]
    return pd.concat(columns).drop_duplicates()


def _cells(clips: pd.DataFrame, record: CorpusRecord) -> Table:
    """Clips by emotion (rows) and strength (columns), with their actors."""
    emotion, strength = clips.emotion.fillna(NOTHING), clips.intensity.fillna(NOTHING)
    counts = pd.crosstab(emotion, strength)
    table = Table(title=f"{record.name}: {len(clips):,} clips", title_justify="left")
    table.add_column("emotion")
    for column in counts.columns:
        table.add_column(str(column), justify="right")
    table.add_column("all", justify="right")
    table.add_column("actors", justify="right")
    for name, row in counts.iterrows():
        actors = clips.actor[emotion == name].nunique()
        table.add_row(str(name), *(f"{n:,}" for n in row), f"{row.sum():,}", f"{actors:,}")
    return table


def _people(clips: pd.DataFrame) -> Table:
    """Actors and clips by gender, and by part of the split."""
    table = Table(title="actors", title_justify="left")
    for column in ("gender", "actors", "age", "train", "validation", "test"):
        table.add_column(column, justify="left" if column == "gender" else "right")
    for gender, group in clips.groupby(clips.gender.fillna(NOTHING)):
        ages = group.age.dropna()
        bounds = dict.fromkeys((f"{ages.min():g}", f"{ages.max():g}")) if len(ages) else [NOTHING]
        span = "–".join(bounds)
        parts = [str(group.actor[group.split == part].nunique())
                 for part in ("train", "validation", "test")]  # fmt: skip
        table.add_row(str(gender), f"{group.actor.nunique():,}", span, *parts)
    return table


def _media(clips: pd.DataFrame) -> str:
    counts = clips.modality.value_counts().sort_index()
    said = "modality: " + ", ".join(f"{n:,} {name}" for name, n in counts.items())
    rates = sorted(clips.rate.dropna().round(2).unique())
    odd = int(clips.warnings.notna().sum())
    minutes = clips.duration_s.sum() / 60
    length = f"{minutes / 60:,.1f} hours" if minutes >= 60 else f"{minutes:,.1f} minutes"
    return (
        said
        + (f"; {length}" if minutes else "")
        + (f"; {some((f'{rate:g}' for rate in rates), 4)} frames a second" if rates else "")
        + (f"; {odd:,} clips with warnings (column warnings)" if odd else "")
    )


def _gone_lines(gone: list[str], root: Path) -> list[str]:
    if not root.is_dir():
        return [f"{root}: the corpus is not there; if it was moved, run mien corpus add again"]
    if gone:
        return [f"{len(gone):,} files are not there any more: {some(gone)}"]
    return ["every file is there"]


def _problem_lines(folder: Path) -> list[str]:
    table = read_table(folder / PROBLEMS, PROBLEM_COLUMNS, "\t")
    counts = table.groupby("kind")["clips"].sum()
    lines = [f"{title}: {counts[kind]:,}" for kind, title in KINDS.items() if kind in counts]
    return [f"problems when it was added ({folder / PROBLEMS}): {'; '.join(lines)}"] if lines else [
        "no problems when it was added"
    ]  # fmt: skip
