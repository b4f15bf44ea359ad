"""The face of a speaker of one's own: a table of the 25 attributes over time, as CSV.

    time_s,AU1,AU2,AU4,…,Contempt
    0.00,0.1,0.0,0.0,…,0.0

Columns go by their names, in any order; a table without names is refused, because nobody could tell
a wrong order. AU1, AU01 and au1 are the same. `time_s` may be left out where there are 25 rows a
second; other rates are brought to 25 by straight lines between rows. A row with an empty cell or
NaN, and a time without rows, is a face that is not seen, which the model fills. Expressions that do
not add up to 1 are scaled to it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from models.reaction.attributes import ATTRIBUTES, AUS, EXPRESSIONS, PLACE, RATE, in_range
from protocols.context import ContextError
from protocols.section import nearest
from stimuli.reactions.partner import stretches

TIME = "time_s"
SLOWEST = 10.0  # rows a second below which nothing could be said of a face that moves
SAME_RATE = 0.25  # rows a second by which a rate may differ from 25 and still count as it
LACKING = 1.5  # steps between two rows from which on some are lacking
SUM_OFF = 0.02  # by which expressions may miss 1 without a word
NAMED = 3  # gaps that are named one by one
LOW = np.zeros(len(ATTRIBUTES))
LOW[PLACE] = -1.0


@dataclass(frozen=True, eq=False)
class Face:
    """Attributes (T, 25) float32, 0 where the face is not seen, and (T,) bool where it is.

    timed: whether the table said when its rows were; remarks: what was done to it, in words.
    """

    values: np.ndarray
    there: np.ndarray
    timed: bool
    remarks: tuple[str, ...]


def read_face(path: Path) -> Face:
    """The face in a table.

    Raises:
        ContextError: no table of attributes; one line says where and what is accepted.
    """
    table = _columns(path, _text(path))
    if TIME in table:
        table = table.dropna(how="all")  # a time without rows says the same
    values = _numbers(path, table[list(ATTRIBUTES)])
    if not len(values):
        raise ContextError(f"{path}: has no row; a face is one row of 25 attributes for each frame")
    timed = TIME in table
    times = _times(path, table[[TIME]]) if timed else np.arange(len(values)) / RATE
    seen = np.asarray(~np.isnan(values).any(1))
    _check_ranges(path, values, seen)
    frames, there, rate = _at_frames(path, values, seen, times)
    if not there.any():
        raise ContextError(
            f"{path}: no row has all {len(ATTRIBUTES)} attributes, so that no face is seen; delete "
            "the file if there is none"
        )
    remarks = []
    if abs(rate - RATE) > SAME_RATE:
        remarks.append(f"{path.name}: {rate:.4g} rows a second, brought to {RATE}")
    sums = frames[there][:, EXPRESSIONS].sum(1)
    if (np.abs(sums - 1) > SUM_OFF).any():
        remarks.append(
            f"{path.name}: expressions add up to {sums.min():.2f} … {sums.max():.2f}, scaled to 1"
        )
    whole = np.where(there[:, None], in_range(np.nan_to_num(frames)), 0).astype(np.float32)
    return Face(whole, there, timed, (*remarks, *_gaps(path, there)))


def _text(path: Path) -> pd.DataFrame:
    """The cells as words."""
    try:
        table = pd.read_csv(path, dtype=str, encoding="utf-8-sig", skip_blank_lines=False)
    except pd.errors.EmptyDataError:
        raise ContextError(f"{path}: is empty; a face is a row for each frame") from None
    except (OSError, UnicodeDecodeError, pd.errors.ParserError) as error:
        what = str(error).splitlines()[0]
        raise ContextError(
            f"{path}: cannot be read as CSV ({what}); save it as UTF-8 with commas"
        ) from None
    return table


def _columns(path: Path, table: pd.DataFrame) -> pd.DataFrame:
    """The table with the columns' own names."""
    heads = [str(name) for name in table.columns]
    if all(_is_number(head) for head in heads):
        raise ContextError(
            f"{path}: its first row holds numbers, so that nobody knows which column is which; "
            f"put the names there: {', '.join(ATTRIBUTES)}"
        )
    known = {_plain(name): name for name in (TIME, *ATTRIBUTES)}
    named = [known.get(_plain(head)) for head in heads]
    for head, name in zip(heads, named, strict=True):
        if name is None:
            raise ContextError(
                f"{path}: unknown column '{head}'{nearest(head, known.values())}; accepted: {TIME} "
                f"(or none) and {', '.join(ATTRIBUTES)}"
            )
    lacking = [name for name in ATTRIBUTES if name not in named]
    if lacking:
        raise ContextError(
            f"{path}: column {', '.join(lacking)} is missing; a face has {', '.join(ATTRIBUTES)}"
        )
    if len(set(named)) < len(named):
        twice = next(name for name in named if named.count(name) > 1)
        raise ContextError(f"{path}: column {twice} stands twice; keep one of them")
    return table.set_axis(named, axis=1)


def _numbers(path: Path, table: pd.DataFrame) -> np.ndarray:
    """Cells (rows, columns) as numbers; NaN where there is nothing."""
    numbers = table.apply(pd.to_numeric, errors="coerce").to_numpy(float)
    said = table.notna().to_numpy() & ~table.isin(["nan", "NaN", "NA", ""]).to_numpy()
    wrong = np.argwhere(np.isnan(numbers) & said)
    if len(wrong):
        row, column = wrong[0]
        raise ContextError(
            f"{path}: row {row + 2}, {table.columns[column]}: found '{table.iat[row, column]}'; "
            "accepted: a number, or nothing where the face is not seen"
        )
    return numbers


def _times(path: Path, table: pd.DataFrame) -> np.ndarray:
    """When each row is (s), from 0 on and rising."""
    times = _numbers(path, table)[:, 0]
    wrong = np.flatnonzero(~np.isfinite(times) | (times < 0) | (np.diff(times, prepend=-1) <= 0))
    if len(wrong):
        row = int(wrong[0])
        raise ContextError(
            f"{path}: row {row + 2}, {TIME}: found {table.iat[row, 0]}; accepted: seconds from 0 "
            "on, each later than the one before"
        )
    return times


def _check_ranges(path: Path, values: np.ndarray, seen: np.ndarray) -> None:
    """Refuse intensities and probabilities that are none."""
    with np.errstate(invalid="ignore"):
        wrong = np.argwhere(seen[:, None] & ~((values >= LOW) & (values <= 1)))
    if len(wrong):
        row, column = wrong[0]
        hint = "; intensities from 0 to 5 are divided by 5" if column < AUS.stop else ""
        raise ContextError(
            f"{path}: row {row + 2}, {ATTRIBUTES[column]}: found {values[row, column]:g}; "
            f"accepted: {LOW[column]:g} to 1{hint}"
        )


def _at_frames(
    path: Path, values: np.ndarray, seen: np.ndarray, times: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """Values (T, 25) at 25 a second, where they are known, and the rate of the rows."""
    step = float(np.median(np.diff(times))) if len(times) > 1 else 1 / RATE
    if step > 1 / SLOWEST + 1e-9:
        raise ContextError(
            f"{path}: found {1 / step:.3g} rows a second; accepted: at least {SLOWEST:g}"
        )
    at = np.arange(max(1, round((times[-1] + step) * RATE))) / RATE
    after = np.searchsorted(times, at - 1e-6).clip(0, len(times) - 1)
    exact = np.abs(times[after] - at) < 1e-6
    before = np.where(exact, after, np.maximum(after - 1, 0))
    apart = times[after] - times[before]
    share = np.divide(at - times[before], apart, out=np.zeros(len(at)), where=apart > 0).clip(0, 1)
    between = (1 - share)[:, None] * values[before] + share[:, None] * values[after]
    between = np.where(exact[:, None], values[after], between)
    near = (at > times[0] - LACKING * step) & (at < times[-1] + LACKING * step)
    there = seen[before] & seen[after] & (apart <= LACKING * step) & near
    return between, there, 1 / step


def _gaps(path: Path, there: np.ndarray) -> Sequence[str]:
    """What to say of the times at which no face is seen."""
    gaps = stretches(~there)
    if not gaps:
        return ()
    some = ", ".join(f"{begin:g}–{end:g} s" for begin, end in gaps[:NAMED])
    more = f" and {len(gaps) - NAMED} more times" if len(gaps) > NAMED else ""
    return (f"{path.name}: no face at {some}{more}; the model fills it",)


def _plain(name: str) -> str:
    """A column's name without its case, blanks and leading zeros."""
    return re.sub(r"^au0+", "au", name.strip().lower())


def _is_number(head: str) -> bool:
    # pandas makes 0.1 and 0.1.1 of two columns called 0.1
    return bool(re.fullmatch(r"\s*-?\d*\.?\d+(e-?\d+)?(\.\d+)?\s*", head, re.IGNORECASE))
