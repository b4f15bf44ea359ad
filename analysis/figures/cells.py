"""Means per design cell, with 95 % confidence intervals, and how many ratings each cell has.

Participants count equally: a cell's mean is the mean of its participants' means. The interval is
*within* participants where everybody rated every cell (Cousineau 2005, corrected after Morey 2008):
it shows how certain the differences between cells are, as differences of the same people. Else it
is *between* participants: the t interval of the mean of the participants who rated the cell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

WITHIN = "within participants (Cousineau-Morey)"
BETWEEN = "between participants"


@dataclass(frozen=True)
class CellMeans:
    """Means of the column `value` by `factors`.

    Attributes:
        people: one row per participant and cell: factors, participant, mean.
        cells: one row per cell: factors, mean, low, high (95 %), n (participants).
        interval: which kind of interval.
    """

    people: pd.DataFrame
    cells: pd.DataFrame
    interval: str


def cell_means(ratings: pd.DataFrame, value: str, factors: Sequence[str]) -> CellMeans:
    """Means of `value` by the factors, as words or numbers in the table, in order of appearance."""
    by = [*factors, "participant"]
    people = ratings.groupby(by, sort=False, observed=True)[value].mean().rename("mean")
    people = people.reset_index()
    cells = len(people[list(factors)].drop_duplicates())
    complete = len(people) == cells * people.participant.nunique()
    within = complete and cells > 1 and people.participant.nunique() > 1
    spread = people.assign(shown=_normalised(people, cells) if within else people["mean"])
    rows = []
    for key, part in spread.groupby(list(factors), sort=False, observed=True):
        half = _half_width(part.shown.to_numpy(float))
        mean = float(part["mean"].mean())
        rows.append((*key, mean, mean - half, mean + half, len(part)))
    table = pd.DataFrame(rows, columns=[*factors, "mean", "low", "high", "n"])
    return CellMeans(people, table, WITHIN if within else BETWEEN)


def _normalised(people: pd.DataFrame, cells: int) -> pd.Series:
    """Means without the participant's own level, spread out by Morey's correction."""
    own = people.groupby("participant")["mean"].transform("mean")
    centred = people["mean"] - own
    factors = [c for c in people.columns if c not in ("participant", "mean")]
    cell = centred.groupby([people[f] for f in factors]).transform("mean")
    return cell + (centred - cell) * np.sqrt(cells / (cells - 1))


def _half_width(values: np.ndarray) -> float:
    n = len(values)
    if n < 2:
        return float("nan")
    return float(stats.t.ppf(0.975, n - 1) * values.std(ddof=1) / np.sqrt(n))


def counts(ratings: pd.DataFrame, factors: Sequence[str]) -> pd.DataFrame:
    """Ratings, participants and identities per cell."""
    grouped = ratings.groupby(list(factors), sort=False, observed=True)
    return grouped.agg(
        ratings=("participant", "size"),
        participants=("participant", "nunique"),
        identities=("identity", "nunique"),
    ).reset_index()
