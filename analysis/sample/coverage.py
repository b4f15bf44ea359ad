"""Whether the analysed ratings can carry an analysis: enough people, items, levels and spread."""

from __future__ import annotations

import pandas as pd

from analysis.mixed.columns import word, words
from analysis.sample.checks import Finding
from analysis.sample.exclude import Sample
from protocols.protocol import Protocol
from protocols.scales import NUMERIC


def coverage(sample: Sample, protocol: Protocol) -> tuple[Finding, ...]:
    """What is missing or does not vary in the analysed ratings; nothing if all is well."""
    ratings = sample.ratings
    found = [
        *_raters(sample),
        *_items(ratings),
        *_levels(ratings, protocol),
        *_empty_cells(ratings, protocol),
        *_spread(ratings, protocol),
        *_missing(ratings, protocol),
    ]
    return tuple(found)


def _raters(sample: Sample) -> list[Finding]:
    n = len(sample.ratings)
    if not sample.raters_known:
        said = f"it is not known who gave the {n:,} answers"
        return [Finding("UNKNOWN_RATERS", said, n)]
    if sample.ratings.participant.nunique() == 1:
        return [Finding("ONE_PARTICIPANT", "only one participant is analysed", n)]
    return []


def _items(ratings: pd.DataFrame) -> list[Finding]:
    out = []
    missing = int(ratings.identity.isna().sum())
    if missing:
        out.append(Finding("NO_IDENTITY", f"{missing:,} answers do not say who was shown", missing))
    if ratings.identity.nunique() == 1:
        out.append(Finding("ONE_IDENTITY", "all answers are about one identity", len(ratings)))
    return out


def _levels(ratings: pd.DataFrame, protocol: Protocol) -> list[Finding]:
    out = []
    for name, levels in protocol.stimuli.factors.items():
        found = [word(level) for level in levels if (ratings[name] == level).any()]
        absent = [word(level) for level in levels if word(level) not in found]
        if len(found) == 1 and len(levels) > 1:
            said = f"the factor '{name}' has one level only in the ratings: {found[0]}"
            out.append(Finding("ONE_LEVEL", said, len(ratings)))
        elif absent:
            said = f"nobody rated these levels of '{name}': {', '.join(absent)}"
            out.append(Finding("EMPTY_CELLS", said, 0))
    return out


def _empty_cells(ratings: pd.DataFrame, protocol: Protocol) -> list[Finding]:
    """Combinations that nobody rated although each of their levels was rated somewhere."""
    factors = protocol.stimuli.factors
    if len(factors) < 2:
        return []
    rated = ratings[list(factors)].drop_duplicates()
    there = {tuple(row) for row in rated.apply(words).itertuples(index=False)}
    seen = {name: {cell[i] for cell in there} for i, name in enumerate(factors)}
    cells = [tuple(word(cell[name]) for name in factors) for cell in protocol.stimuli.cells]
    empty = [
        cell
        for cell in cells
        if cell not in there and all(cell[i] in seen[name] for i, name in enumerate(factors))
    ]
    if not empty:
        return []
    first = ", ".join(f"{name} {level}" for name, level in zip(factors, empty[0], strict=True))
    said = f"{len(empty)} of {len(cells)} cells hold no ratings, such as {first}"
    return [Finding("EMPTY_CELLS", said, 0)]


def _spread(ratings: pd.DataFrame, protocol: Protocol) -> list[Finding]:
    out = []
    for task in protocol.questions.values():
        given = ratings[(ratings.question == task.id) & ratings.response.notna()].response
        if task.type in NUMERIC and len(given) > 1 and given.nunique() == 1:
            said = f"all {len(given):,} answers to '{task.id}' are {given.iloc[0]:g}"
            out.append(Finding("NO_VARIANCE", said, len(given)))
    return out


def _missing(ratings: pd.DataFrame, protocol: Protocol) -> list[Finding]:
    out = []
    for task in protocol.questions.values():
        rows = ratings[ratings.question == task.id]
        empty = int((rows.response.isna() & rows.label.isna()).sum())
        if rows.empty:
            out.append(Finding("NO_ANSWERS", f"nobody answered '{task.id}'", 0))
        elif empty and task.required:
            said = f"{empty:,} of {len(rows):,} answers to '{task.id}' are missing"
            out.append(Finding("MISSING_ANSWERS", said, empty))
    return out
