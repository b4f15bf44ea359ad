"""How balanced a plan is: each level on each list and in each part of the session; genders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from protocols.protocol import Protocol
from stimuli.corpora import Identity
from stimuli.errors import PlanError

BANDS = 4  # equal parts of a session
MOST_LISTS = 12  # columns that fit a terminal


@dataclass(frozen=True)
class Balance:
    """Counts of levels.

    Attributes:
        summary: what the plan holds, in words.
        counts: factor, level, list, count: first ratings of the level in one session; `identity`
            and, where the corpus knows it, `gender` stand among the factors.
        bands: factor, level, quarter 1…4, share: mean share of the quarter's ratings.
        said: how even the counts are, in words.
    """

    summary: str
    counts: pd.DataFrame
    bands: pd.DataFrame
    said: tuple[str, ...]

    def tables(self) -> list[Any]:
        """Summary, two tables and what is even or not, for the terminal."""
        shown = self.counts[self.counts["factor"] != "identity"]
        lists = shown["list"].unique()
        few = shown[shown["list"].isin(lists[:MOST_LISTS])]
        more = f" (1 to {MOST_LISTS} of {len(lists)})" if len(lists) > MOST_LISTS else ""
        counts = _table(
            f"First ratings of each level in one session, on list{more} …",
            few.pivot_table(index=["factor", "level"], columns="list", values="count", sort=False),
            [f"{number}" for number in lists[:MOST_LISTS]],
            "{:g}",
        )
        bands = _table(
            "Share of each level in the four quarters of a session, over all slots",
            self.bands.pivot_table(
                index=["factor", "level"], columns="quarter", values="share", sort=False
            ).reindex(columns=range(1, BANDS + 1)),
            ["first", "second", "third", "last"],
            "{:.0%}",
        )
        hint = ["Every list: -o STUDY writes them to STUDY/plan/balance.csv."] if more else []
        return [self.summary, counts, *hint, bands, *self.said]


def _table(title: str, wide: pd.DataFrame, columns: Sequence[str], form: str) -> Any:
    """A table for the terminal; the factor stands in its first row only."""
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    table.add_column("factor", no_wrap=True)
    table.add_column("level", no_wrap=True)
    for name in columns:
        table.add_column(name, justify="right")
    before = None
    for (factor, level), row in wide.iterrows():  # type: ignore[misc]
        if before not in (None, factor):
            table.add_section()
        name = factor if factor != before else ""
        table.add_row(name, level, *("–" if pd.isna(v) else form.format(v) for v in row))
        before = factor
    return table


def weigh(protocol: Protocol, identities: Sequence[Identity], trials: pd.DataFrame) -> Balance:
    """The balance of a plan's trials (first showings only)."""
    people = {person.id: person for person in identities}
    rated = trials[trials["kind"] == "rating"].copy()
    rated["gender"] = [people[who].gender for who in rated["identity"]]
    size = rated.groupby("slot")["trial"].transform("size")
    place = rated.groupby("slot").cumcount()
    rated["quarter"] = place * BANDS // size + 1
    one = rated[rated["slot"].isin(rated.groupby("list")["slot"].min())]
    _refuse_two_levels(protocol, one)
    levels: dict[str, Sequence[object]] = dict(protocol.stimuli.factors)
    genders = [gender for gender in ("female", "male") if (rated["gender"] == gender).any()]
    shown = levels | ({"gender": genders} if genders else {})
    counts = _counts(one, shown | {"identity": list(dict.fromkeys(one["identity"]))})
    shares = pd.concat(
        [
            (rated[factor] == level).groupby(rated["quarter"]).mean().rename("share")
            .reset_index().assign(factor=factor, level=str(level))
            for factor, of_factor in levels.items() for level in of_factor
        ]
    )  # fmt: skip
    bands = shares[["factor", "level", "quarter", "share"]]
    return Balance(_summary(protocol, trials, one), counts, bands, _said(protocol, counts))


def _counts(one: pd.DataFrame, factors: dict[str, Sequence[object]]) -> pd.DataFrame:
    lists = sorted(one["list"].unique())
    rows = []
    for factor, levels in factors.items():
        found = one.groupby([factor, "list"], observed=True).size()
        rows += [
            {"factor": factor, "level": str(level), "list": number,
             "count": int(found.get((level, number), 0))}
            for level in levels for number in lists
        ]  # fmt: skip
    return pd.DataFrame(rows)


def _summary(protocol: Protocol, trials: pd.DataFrame, one: pd.DataFrame) -> str:
    first = trials[trials["slot"] == 1]
    kinds = first["kind"].value_counts()
    names = {"rating": "ratings", "repeat": "repeats", "attention": "attention checks"}
    parts = ", ".join(f"{kinds[k]} {names.get(k, k)}" for k in dict.fromkeys(first["kind"]))
    slots, lists = trials["slot"].nunique(), trials["list"].nunique()
    wanted = lists * protocol.recruitment.per_list
    return (
        f"{one['stimulus_id'].nunique()} stimuli on {lists} list{'s' * (lists > 1)}; {len(first)} "
        f"trials in a session ({parts}); {slots} slots for {wanted} valid participants"
    )


def _said(protocol: Protocol, counts: pd.DataFrame) -> tuple[str, ...]:
    """One line for each factor that is uneven, with the most uneven list as an example."""
    said = []
    for factor in protocol.factors:
        mine = counts[counts["factor"] == factor]
        over = mine.groupby("level", sort=False)["count"].sum()
        if over.nunique() > 1:
            said.append(f"Over all lists, levels of {factor} stand {_range(over)} times.")
        elif factor not in protocol.design.between:
            ranges = mine.groupby("list")["count"].agg(lambda c: c.max() - c.min())
            if ranges.max() > 0:
                worst = mine[mine["list"] == ranges.idxmax()]["count"]
                said.append(
                    f"Over all lists, levels of {factor} stand equally often; on "
                    f"{(ranges > 0).sum()} of {len(ranges)} lists they do not (list "
                    f"{ranges.idxmax()}: {_range(worst)} times)."
                )
    people = counts[counts["factor"] == "identity"]["count"]
    times = "once" if set(people) == {1} else f"{_range(people)} times"
    said.append(f"In one session, each identity is rated {times}.")
    if len(said) == 1:
        said.insert(0, "Every level stands equally often on each list and over all lists.")
    return tuple(said)


def _range(counts: pd.Series) -> str:
    low, high = counts.min(), counts.max()
    return f"{low}" if low == high else f"{low} to {high}"


def _refuse_two_levels(protocol: Protocol, one: pd.DataFrame) -> None:
    """A promise of rotated designs, checked on every plan: no list shows a person in two levels."""
    for factor in protocol.design.rotate:
        shown = one.groupby(["list", "identity"])[factor].nunique()
        if (shown > 1).any():
            raise PlanError(
                f"design.rotate: an identity stands in two levels of {factor} on a list"
            )
