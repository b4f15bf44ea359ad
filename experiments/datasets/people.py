"""Who answered, without telling who that is: codes of the data set, and seconds for moments.

Participants keep their code only where mien drew it at random (web, simulation); those of the
laboratory and of imports are numbered anew, as their names may be anybody's. Moments become
seconds since consent, as the hour of taking part can tell who somebody is.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from experiments.datasets.columns import AFTER, TOOK
from protocols.ratings import PEOPLE_KEY, UNKNOWN

RANDOM = ("web", "simulation")  # sources whose participants have a random code of mien's
Codes = Mapping[tuple[str, str], str]  # (source, participant) -> code in the data set


def keys(table: pd.DataFrame) -> pd.MultiIndex:
    """(source, participant) of each row."""
    return pd.MultiIndex.from_frame(table[PEOPLE_KEY])


def codes_of(people: pd.DataFrame) -> Codes:
    """The codes of these people, numbered in the order of the table; letters and digits only."""
    codes: dict[tuple[str, str], str] = {}
    counts = dict.fromkeys(people.source, 0)
    for source, name in people[PEOPLE_KEY].itertuples(index=False):
        if name == UNKNOWN or (source in RANDOM and name.isascii() and name.isalnum()):
            codes[source, name] = name
            continue
        counts[source] += 1
        codes[source, name] = f"{source}{counts[source]:03d}"
    return codes


def coded(table: pd.DataFrame, codes: Codes) -> pd.DataFrame:
    """The rows of the people who have a code, under it."""
    named = table.assign(participant=[codes.get(key, "") for key in keys(table)])
    return named[named.participant != ""].reset_index(drop=True)


def timed(ratings: pd.DataFrame, people: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both tables with seconds since consent (else since the first response) for moments."""
    at, consent = _moments(ratings, "time"), _moments(people, "started")
    first = pd.Series(at.array, keys(ratings)).groupby(level=[0, 1]).min()
    start = pd.Series(consent.array, keys(people))
    start = start.fillna(first.reindex(start.index))
    after = at - start.reindex(keys(ratings)).array
    took = _moments(people, "finished") - consent
    return (
        _replaced(ratings, {"time": after}, AFTER.name),
        _replaced(people, {"started": None, "finished": took}, TOOK.name),
    )


def _moments(table: pd.DataFrame, name: str) -> pd.Series:
    """A column of moments; missing where there is none, or none in ISO 8601."""
    cells = table[name] if name in table else pd.Series("", index=table.index)
    return pd.to_datetime(cells, format="ISO8601", utc=True, errors="coerce")


def _replaced(
    table: pd.DataFrame, moments: Mapping[str, pd.Series | None], name: str
) -> pd.DataFrame:
    """The table without its moments, with the column `name` of seconds in their place."""
    (spans,) = [spans for spans in moments.values() if spans is not None]
    seconds = [f"{s:.10g}" if s == s else "" for s in spans.dt.total_seconds()]
    return table.drop(columns=[m for m in moments if m in table]).assign(**{name: seconds})
