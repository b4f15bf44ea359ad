"""How balanced a plan is: each level per list, per part of the session, over lists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from protocols.protocol import Protocol

BANDS = 4  # equal parts of a session


@dataclass(frozen=True)
class Balance:
    """Counts of levels.

    Attributes:
        summary: what the plan holds, in words.
        counts: factor, level, list, count: rating trials of the level in one session.
        bands: factor, level, quarter 1…4, share: mean share of the quarter's ratings.
        uneven: what is not balanced, in words; empty if all is.
    """

    summary: str
    counts: pd.DataFrame
    bands: pd.DataFrame
    uneven: tuple[str, ...]

    def tables(self) -> list[Any]:
        """Summary, two tables and what is uneven, for the terminal."""
        from rich.table import Table

        counts = Table(title="Ratings of each level in one session, by list", title_justify="left")
        wide = self.counts.pivot_table(
            index=["factor", "level"], columns="list", values="count", sort=False
        )
        lists = list(wide.columns)[:12]
        for name in ("factor", "level", *(f"list {number}" for number in lists)):
            counts.add_column(name, justify="left" if name in ("factor", "level") else "right")
        for (factor, level), row in wide.iterrows():  # type: ignore[misc]
            counts.add_row(factor, level, *(f"{row[number]:g}" for number in lists))
        bands = Table(title="Share of each level in each quarter, over slots", title_justify="left")
        for name in ("factor", "level", *(f"quarter {i + 1}" for i in range(BANDS))):
            bands.add_column(name, justify="left" if name in ("factor", "level") else "right")
        shares = self.bands.pivot_table(
            index=["factor", "level"], columns="quarter", values="share", sort=False
        )
        for (factor, level), row in shares.iterrows():  # type: ignore[misc]
            bands.add_row(factor, level, *(f"{100 * row[i + 1]:.0f} %" for i in range(BANDS)))
        said = self.uneven or ("Every level stands equally often on each list and over lists.",)
        return [self.summary, counts, bands, *said]


def weigh(protocol: Protocol, trials: pd.DataFrame) -> Balance:
    """The balance of a plan's trials (first showings only)."""
    rated = trials[trials["kind"] == "rating"].copy()
    size = rated.groupby("slot")["trial"].transform("size")
    place = rated.groupby("slot").cumcount()
    rated["quarter"] = (place * BANDS // size + 1).clip(upper=BANDS)
    first_slots = rated.groupby("list")["slot"].min()
    one = rated[rated["slot"].isin(first_slots)]
    counts, bands = [], []
    for factor, levels in protocol.stimuli.factors.items():
        for level in levels:
            here = one[one[factor] == level].groupby("list").size()
            counts += [
                {"factor": factor, "level": str(level), "list": number,
                 "count": int(here.get(number, 0))}
                for number in first_slots.index
            ]  # fmt: skip
            share = (rated[factor] == level).groupby(rated["quarter"]).mean()
            bands += [
                {"factor": factor, "level": str(level), "quarter": quarter, "share": value}
                for quarter, value in share.items()
            ]
    table = pd.DataFrame(counts)
    return Balance(_summary(trials, one), table, pd.DataFrame(bands), _uneven(protocol, table, one))


def _summary(trials: pd.DataFrame, one: pd.DataFrame) -> str:
    first = trials[trials["slot"] == 1]
    kinds = ", ".join(f"{count} {kind}" for kind, count in first["kind"].value_counts().items())
    return (
        f"{trials['slot'].nunique()} slots on {trials['list'].nunique()} lists; "
        f"{len(first)} trials in a session ({kinds}); "
        f"{one['stimulus_id'].nunique()} stimuli over all lists"
    )


def _uneven(protocol: Protocol, counts: pd.DataFrame, one: pd.DataFrame) -> tuple[str, ...]:
    said = []
    for factor in protocol.factors:
        mine = counts[counts["factor"] == factor]
        over = mine.groupby("level")["count"].sum()
        if over.nunique() > 1:
            said.append(
                f"Over lists, the levels of {factor} stand {over.min()} to {over.max()} times."
            )
        if factor in protocol.design.between:
            continue
        for number, group in mine.groupby("list"):
            if group["count"].nunique() > 1:
                low, high = group["count"].min(), group["count"].max()
                said.append(
                    f"On list {number}, the levels of {factor} stand {low} to {high} times."
                )
    for factor in protocol.design.rotate:
        shown = one.groupby(["list", "identity"])[factor].nunique()
        assert (shown == 1).all(), f"an identity stands in two levels of {factor} on one list"
    return tuple(said)
