"""Tasks without a model: which options were chosen, by condition, and confusion matrices.

A *confusion matrix* has the levels of a factor as rows and the options of a choice as columns, in
shares of the row; it is made where every level of a factor has an option of the same meaning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from analysis.mixed.columns import word, words
from analysis.sample.exclude import BOXES, Sample
from protocols.protocol import Protocol
from protocols.tasks import NO_SECOND, SECOND

NOUNS = {
    "angry": ("anger",),
    "calm": ("calmness",),
    "contempt": ("contemptuous",),
    "disgusted": ("disgust",),
    "fearful": ("fear",),
    "happy": ("happiness", "joy"),
    "neutral": ("no emotion",),
    "sad": ("sadness",),
    "surprised": ("surprise",),
}  # levels are adjectives; options often are nouns


@dataclass(frozen=True)
class Confusion:
    """Levels of `factor` against options, in shares of the row; and how often both agree.

    `accuracy`, `low`, `high`: mean share of matching choices over participants, 95 % t interval;
    `chance` is one over the number of options.
    """

    factor: str
    table: pd.DataFrame
    accuracy: float
    low: float
    high: float
    chance: float


@dataclass(frozen=True)
class Choices:
    """What was chosen in one task: shares of options per cell (one row each), and confusions."""

    task: str
    question: str
    several: bool  # checkboxes: shares of a row may add up to more than 1
    shares: pd.DataFrame
    confusions: tuple[Confusion, ...]


def all_choices(sample: Sample, protocol: Protocol) -> list[Choices]:
    """The choices in every forced choice (second choices too) and checkboxes task."""
    out = []
    for task in protocol.tasks:
        if task.type == "forced-choice":
            out.append(_choices(sample, protocol, task.id, task.question, task.options))
            if task.second_choice:
                options = (*task.options, NO_SECOND)
                name = f"{task.id}{SECOND}"
                out.append(_choices(sample, protocol, name, task.second_question, options))
        elif task.type == "checkboxes":
            out.append(_choices(sample, protocol, task.id, task.question, task.options, True))
    return [choices for choices in out if len(choices.shares)]


def _choices(
    sample: Sample, protocol: Protocol, name: str, question: str, options: Sequence[str],
    several: bool = False,
) -> Choices:  # fmt: skip
    factors = protocol.stimuli.factors
    rows = sample.ratings[(sample.ratings.question == name) & sample.ratings.label.notna()]
    rows = rows.assign(**{f: words(rows[f]) for f in factors})
    chosen = pd.DataFrame({o: _chose(rows.label, o, several) for o in options}, index=rows.index)
    shares = _shares(rows, chosen, factors)
    confusions = []
    if not several and not name.endswith(SECOND) and len(rows):
        for factor, levels in factors.items():
            match = matching_options([word(level) for level in levels], options)
            if match:
                confusions.append(_confusion(rows, chosen, factor, match))
    return Choices(name, question, several, shares, tuple(confusions))


def _chose(labels: pd.Series, option: str, several: bool) -> pd.Series:
    if not several:
        return (labels == option).astype(float)
    return labels.map(lambda label: float(option in label.split(BOXES)))


def _shares(rows: pd.DataFrame, chosen: pd.DataFrame, factors: dict[str, Any]) -> pd.DataFrame:
    """Share of every option per cell, cells in the order of the protocol."""
    if not len(rows):
        return pd.DataFrame()
    keys = [
        pd.Categorical(rows[f], categories=[word(level) for level in levels])
        for f, levels in factors.items()
    ]
    grouped = chosen.groupby(keys, observed=True)
    table = grouped.mean()
    table.insert(0, "n", grouped.size())
    table.index.names = list(factors)
    return table.reset_index()


def matching_options(levels: Sequence[str], options: Sequence[str]) -> dict[str, str]:
    """Level -> option of the same meaning, if every level has one of its own; else nothing."""
    by_word = {option.casefold(): option for option in options}
    match = {}
    for level in levels:
        names = [level.casefold(), *NOUNS.get(level, ())]
        found = [by_word[name] for name in names if name in by_word]
        if not found:
            return {}
        match[level] = found[0]
    return match if len(match) > 1 else {}


def _confusion(
    rows: pd.DataFrame, chosen: pd.DataFrame, factor: str, match: dict[str, str]
) -> Confusion:
    grouped = chosen.groupby(pd.Categorical(rows[factor], categories=list(match)), observed=True)
    table = grouped.mean()
    table.insert(0, "n", grouped.size())
    table.index.name = factor
    right = (rows.label == rows[factor].map(match)).astype(float)
    by_person = right.groupby(rows.participant).mean().to_numpy(float)
    mean, half = float(by_person.mean()), float("nan")
    if len(by_person) > 1:
        se = by_person.std(ddof=1) / np.sqrt(len(by_person))
        half = float(stats.t.ppf(0.975, len(by_person) - 1) * se)
    chance = 1 / len(chosen.columns)
    return Confusion(factor, table.reset_index(), mean, mean - half, mean + half, chance)
