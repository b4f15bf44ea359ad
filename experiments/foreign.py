"""A table of ratings that was not made by mien, as rows of `ratings.csv`.

What the file does not say is filled in: identity and levels from the study's manifest, response
from label and label from response, the trial as the order of the rows. Where raters are not known
(counts of votes) the participant is `unknown`, and every answer a trial of its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from experiments.errors import StudyError
from experiments.mapping import FILLED, Answered, Mapping
from experiments.settled import settle
from experiments.sheets import read_sheet, within
from experiments.votes import expand
from protocols.asked import known_questions
from protocols.conditions import Level
from protocols.formulas import unguard_words
from protocols.protocol import Protocol
from protocols.ratings import COLUMNS, UNKNOWN
from protocols.section import accepted, nearest
from protocols.trials import KINDS

MODEL = "model"
OWN = {column.name for column in COLUMNS if column.required}
NUMBERS = ("rt_ms", "onset_ms", "hidden_ms", "media_ms", "stalled_ms", "refresh_hz", "trial",
           "block", "slot", "list", "repeat_of")  # fmt: skip
TIMES = ("rt_ms", "onset_ms", "hidden_ms", "media_ms", "stalled_ms")
WHOLE = ("trial", "block", "slot", "list", "repeat_of")
KEY = ["participant", "trial", "question"]
SHOWN = 8  # words of a column, in a message


@dataclass(frozen=True)
class Foreign:
    """A file to import, and what is needed to understand it.

    Attributes:
        path: the file.
        name: how messages call it.
        source: import (people) or model.
        mapping: from its columns to ours.
        manifest: the study's stimuli, if it has any.
    """

    path: Path
    name: str
    source: str
    mapping: Mapping
    manifest: pd.DataFrame | None = None


def read_foreign(file: Foreign, protocol: Protocol) -> pd.DataFrame:
    """Every answer in the file as a row of the ratings table, in the file's order.

    Raises:
        TableError, StudyError: what cannot be understood, with its line.
    """
    raw = read_sheet(file.path, file.name, file.mapping.separator, file.mapping.encoding)
    if set(raw.columns) >= OWN:  # the study's own export, formulas guarded
        raw = unguard_words(raw)
    raw = _with_answers(raw, file)
    table, layout = _in_our_columns(raw, file, protocol)
    if layout == "votes":
        table = expand(table, raw, file, protocol)
    elif layout == "wide":
        table = _melted(table, raw, file, protocol)
    if table.empty:
        raise StudyError(f"{file.name}: no rows; there is nothing to import")
    table = _with_raters(table, file)
    table = _with_questions(table, file, protocol)
    table = _with_stimuli(table, file, protocol)
    table = settle(table, file, protocol)
    table = _with_trials(table, file)
    return table.assign(study=protocol.name, source=file.source).reset_index(drop=True)


def refuse(file: Foreign, line: object, found: str) -> StudyError:
    """The error about one line of the file."""
    return StudyError(f"{file.name}:{line}: {found}")


def _with_answers(raw: pd.DataFrame, file: Foreign) -> pd.DataFrame:
    """The rows that the mapping's `rows` asks for."""
    for column, wanted in file.mapping.rows.items():
        cells = _their_column({}, raw, column, file)
        raw = raw[cells.notna() if wanted == FILLED else cells.isin(wanted)]
        if raw.empty:
            found = wanted if wanted == FILLED else ", ".join(wanted)
            held = ", ".join(cells.dropna().unique()[:SHOWN]) or "nothing"
            raise StudyError(f"{file.name}: no row whose '{column}' is {found} (mapping: rows); "
                             f"it holds: {held}")  # fmt: skip
    return raw


def _in_our_columns(
    raw: pd.DataFrame, file: Foreign, protocol: Protocol
) -> tuple[pd.DataFrame, str]:
    """The file's cells under our names, as words; and the layout."""
    mapping = file.mapping
    ours = [*(column.name for column in COLUMNS), *protocol.factors]
    mapping.check_names(ours)
    theirs = {**_same_names(raw, ours, mapping), **_groups(raw, file)}
    theirs = {name: _translated(words, name, mapping) for name, words in theirs.items()}
    table = {name: words for name, words in theirs.items() if name in ours}
    for name, sources in mapping.columns.items():
        parts = [
            _their_column(theirs, raw, part, file)
            for part in ([sources] if isinstance(sources, str) else sources)
        ]
        cells = parts[0] if len(parts) == 1 else parts[0].str.cat(parts[1:], sep="-")
        table[name] = _translated(cells, name, mapping)
    for name, word in mapping.constants.items():
        table[name] = pd.Series(str(word), index=raw.index, dtype="string")
    layout = mapping.layout
    if layout is None:
        layout = "wide" if not {"response", "label"} & set(table) else "ratings"
    return pd.DataFrame(table, index=raw.index), layout


def _translated(cells: pd.Series, name: str, mapping: Mapping) -> pd.Series:
    """The cells of a column in our words."""
    meant = mapping.values.get(name)
    if not meant:
        return cells
    return cells.map(lambda word: str(meant.get(word, word)), na_action="ignore").astype("string")


def _same_names(raw: pd.DataFrame, ours: Sequence[str], mapping: Mapping) -> dict[str, pd.Series]:
    """Columns that are called as ours are; not their `response` where it holds our labels."""
    others = {*mapping.ignore, *(theirs for name, theirs in mapping.columns.items()
                                 if name in ("response", "label"))}  # fmt: skip
    names = [name for name in raw.columns if name in ours and name not in others]
    return {name: _words(raw[name], mapping.missing) for name in names}


def _words(cells: pd.Series, missing: Sequence[str]) -> pd.Series:
    """The cells of a column as words without blanks around them; missing where there is none."""
    distinct = pd.Series(cells.cat.categories.astype("string"), dtype="string").str.strip()
    distinct = distinct.mask(distinct.isin(["", *missing]))
    taken = distinct.array.take(cells.cat.codes.to_numpy(), allow_fill=True)
    return pd.Series(taken, index=cells.index)


def _groups(raw: pd.DataFrame, file: Foreign) -> dict[str, pd.Series]:
    """The named groups of the mapping's patterns."""
    out: dict[str, pd.Series] = {}
    for column, pattern in file.mapping.patterns.items():
        cells = _their_column({}, raw, column, file)
        codes, distinct = pd.factorize(cells)
        compiled = re.compile(pattern)
        found = [compiled.fullmatch(str(word)) for word in distinct]
        bad = next((i for i, match in enumerate(found) if match is None), None)
        if bad is not None or (codes < 0).any():
            wrong = codes == bad if bad is not None else codes < 0
            line = raw.index[wrong.argmax()]
            word = "nothing" if bad is None else f"'{distinct[bad]}'"
            raise refuse(file, line, f"'{column}': found {word}; the mapping expects {pattern}")
        for group in compiled.groupindex:
            parts = pd.array([match[group] for match in found if match], dtype="string")
            out[group] = pd.Series(parts.take(codes), index=raw.index)
    return out


def _their_column(
    known: dict[str, pd.Series], raw: pd.DataFrame, name: str, file: Foreign
) -> pd.Series:
    if name in known:
        return known[name]
    cells = raw[name] if name in raw else within(raw, name)
    if cells is None:
        raise StudyError(
            f"{file.name}: the column '{name}' of the mapping is missing; {accepted(raw.columns)}"
            f"{nearest(name, raw.columns)}"
        )
    return _words(cells, file.mapping.missing)


def _melted(
    table: pd.DataFrame, raw: pd.DataFrame, file: Foreign, protocol: Protocol
) -> pd.DataFrame:
    """A wide table with a row per stimulus and task instead."""
    known = known_questions(protocol)
    tasks = file.mapping.tasks or {n: Answered(answer=n) for n in known if n in raw}
    if not tasks:
        raise StudyError(
            f"{file.name}: no column is a task of the protocol ({', '.join(known)}), nor response "
            "or label; say in a mapping (--map) which columns hold the answers"
        )
    parts, places = [], []
    for task, column in _there(tasks, raw, file).items():
        cells = _their_column({}, raw, column.answer, file)
        words = bool(known[task].options) if task in known else False
        told = "label" in file.mapping.values or not _all_numbers(cells)
        holds = "label" if words and told else "response"
        part = table.assign(question=task, **{holds: _translated(cells, holds, file.mapping)})
        if column.rt is not None:
            part["rt_ms"] = _their_column({}, raw, column.rt, file)
        asked = np.arange(len(part))
        if column.answer not in raw:  # what a cell of JSON does not have was not asked there
            asked = asked[cells.notna().to_numpy()]
        parts.append(part.iloc[asked])
        places.append(asked)
    together = pd.concat(parts)
    return together.iloc[np.argsort(np.concatenate(places), kind="stable")]


def _there(tasks: dict[str, Answered], raw: pd.DataFrame, file: Foreign) -> dict[str, Answered]:
    """The tasks whose columns the file has: who broke off lacks those of later parts."""
    there = {task: column for task, column in tasks.items()
             if column.answer in raw or within(raw, column.answer) is not None}  # fmt: skip
    if not there:
        _their_column({}, raw, next(iter(tasks.values())).answer, file)  # says what is missing
    return there


def _all_numbers(cells: pd.Series) -> bool:
    return not pd.to_numeric(cells, errors="coerce")[cells.notna()].isna().any()


def _with_raters(table: pd.DataFrame, file: Foreign) -> pd.DataFrame:
    if "participant" not in table:
        if file.source != MODEL:
            raise StudyError(
                f"{file.name}: no column 'participant'; name theirs in a mapping (columns), or, if "
                f"nobody knows who answered, say so: constants: {{participant: {UNKNOWN}}}"
            )
        return table.assign(participant=Path(file.name).stem)
    empty = table.participant.isna()
    if empty.any():
        line = table.index[empty.argmax()]
        raise refuse(file, line, f"participant: found nothing; name the rater, or write {UNKNOWN}")
    return table


def _with_questions(table: pd.DataFrame, file: Foreign, protocol: Protocol) -> pd.DataFrame:
    known = list(known_questions(protocol))
    if "question" not in table:
        if len(known) > 1:
            raise StudyError(
                f"{file.name}: no column 'question'; which task do the answers belong to? Add it, "
                f"or constants: {{question: {known[0]}}} in a mapping; {accepted(known)}"
            )
        return table.assign(question=known[0])
    wrong = ~table.question.isin(known)
    if wrong.any():
        line, found = table.index[wrong.argmax()], table.question[wrong].iloc[0]
        hint = accepted(known) + nearest(found, known)
        raise refuse(file, line, f"question: found '{found}', no task of the protocol; {hint}")
    return table


def _with_stimuli(table: pd.DataFrame, file: Foreign, protocol: Protocol) -> pd.DataFrame:
    """Stimulus, identity and levels; what the file leaves out comes from the manifest."""
    if "stimulus_id" not in table:
        raise StudyError(
            f"{file.name}: no column 'stimulus_id'; name theirs in a mapping (columns)"
        )
    wanted = [name for name in ("identity", *protocol.factors) if name not in table]
    table = table.copy()
    if wanted and file.manifest is None:
        raise StudyError(
            f"{file.name}: no column '{wanted[0]}', and the study has no stimuli.tsv to take it "
            "from; name it in a mapping (columns, patterns or constants)"
        )
    if wanted:
        shown = file.manifest.set_index("stimulus_id")  # type: ignore[union-attr]
        unknown = ~table.stimulus_id.isin(shown.index)
        if unknown.any():
            line, found = table.index[unknown.argmax()], table.stimulus_id[unknown].iloc[0]
            hint = nearest(found, shown.index)
            raise refuse(file, line, f"stimulus_id: '{found}' is not in stimuli.tsv{hint}")
        for name in wanted:
            table[name] = table.stimulus_id.map(shown[name].astype("string"))
    for name in ("stimulus_id", "identity"):
        empty = table[name].isna()
        if empty.any():
            raise refuse(file, table.index[empty.argmax()], f"{name}: found nothing")
    for name, levels in protocol.stimuli.factors.items():
        table[name] = _levels(table[name], name, levels, file)
    return table


def _levels(cells: pd.Series, name: str, levels: Sequence[Level], file: Foreign) -> pd.Series:
    """The factor's cells as levels of the protocol."""
    codes, distinct = pd.factorize(cells, use_na_sentinel=False)
    meant = [_level(word, levels) for word in distinct]
    if None in meant:
        bad = meant.index(None)
        found = "nothing" if pd.isna(distinct[bad]) else f"'{distinct[bad]}'"
        hint = f"{accepted(levels)}{nearest(distinct[bad], levels)}"
        raise refuse(file, cells.index[(codes == bad).argmax()],
                     f"{name}: found {found}; {hint}; other words can be translated in a mapping "
                     "(values)")  # fmt: skip
    return pd.Series([meant[code] for code in codes], index=cells.index, dtype=object)


def _level(word: object, levels: Sequence[Level]) -> Level | None:
    for level in levels:
        if not isinstance(level, str):
            number = pd.to_numeric(str(word), errors="coerce")
            if abs(number - level) <= 1e-8:
                return level
        elif word is not pd.NA and str(word) == level:
            return level
    return None


def _with_trials(table: pd.DataFrame, file: Foreign) -> pd.DataFrame:
    """Trials, kinds and times; without a trial column, in the order of the file."""
    for name in NUMBERS:
        if name in table:
            table[name] = _numbers(table[name], name, file)
            if name in TIMES and file.mapping.times == "s":
                table[name] *= 1000
    if "kind" not in table:
        table["kind"] = "rating"
    wrong = ~table.kind.isin(KINDS)
    if wrong.any():
        line, found = table.index[wrong.argmax()], table.kind[wrong].iloc[0]
        raise refuse(file, line, f"kind: found '{found}'; {accepted(KINDS)}")
    if "trial" not in table:
        table["trial"] = _order(table)
    unknown = table.participant == UNKNOWN
    table.loc[unknown, "trial"] = range(1, int(unknown.sum()) + 1)
    twice = table.duplicated(KEY).to_numpy() | table.trial.isna().to_numpy()
    if twice.any():
        row = table[twice].iloc[0]
        what = "has no trial" if pd.isna(row.trial) else f"answers '{row.question}' twice"
        raise refuse(file, table.index[twice.argmax()],
                     f"participant {row.participant}, trial {row.trial}, {what}")  # fmt: skip
    return table.assign(block=table.get("block", 1))


def _order(table: pd.DataFrame) -> pd.Series:
    """Trial numbers from 1 for each participant: a stimulus is a new trial when it comes again."""
    again = table.groupby(["participant", "stimulus_id", "question"], sort=False).cumcount()
    shown = table.assign(again=again).groupby(["participant", "stimulus_id", "again"], sort=False)
    number = shown.ngroup()  # in order of first appearance
    first = number.groupby(table.participant).rank(method="dense")
    return first.astype(int)


def _numbers(cells: pd.Series, name: str, file: Foreign) -> pd.Series:
    numbers = pd.to_numeric(cells, errors="coerce").astype("Float64")
    wrong = cells.notna() & (numbers.isna() | (numbers.abs() == float("inf")).fillna(False))
    if name in WHOLE:
        wrong |= (numbers % 1 != 0).fillna(False)
    if wrong.any():
        line, found = cells.index[wrong.argmax()], cells[wrong].iloc[0]
        kind = "a whole number" if name in WHOLE else "a number"
        raise refuse(file, line, f"{name}: found '{found}'; accepted: {kind}")
    return numbers.astype("Int64") if name in WHOLE else numbers
