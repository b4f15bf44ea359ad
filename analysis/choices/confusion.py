"""Which options were chosen, by condition, and confusion matrices.

A *confusion matrix* has the levels of a factor as rows and the options of a choice as columns, in
shares of the row; it is made where every level of a factor has an option of the same meaning
(`protocols.emotions`), over all answers and at each level of the other factors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from analysis.choices.counts import Counts, count_options
from analysis.choices.recognition import recognition
from analysis.choices.shares import Clusters, clusters_of, interval, sums
from analysis.mixed.columns import word, words
from analysis.sample.exclude import BOXES, Sample
from protocols.emotions import matching_options
from protocols.protocol import Protocol
from protocols.tasks import NO_SECOND, SECOND

MOST_LEVELS = 6  # of another factor, for one confusion matrix at each


@dataclass(frozen=True)
class Confusion:
    """Levels of `factor` against options, in shares of the row; and how often both agree.

    Attributes:
        factor: whose levels are the rows.
        match: level -> its option.
        table: the factor, n (answers), then the share of each option.
        cells: level, option, count, n, share, low, high (95 %).
        hits: measures per level, see `recognition`.
        accuracy, low, high: share of matching answers, pooled, and its 95 % limits.
        chance: one over the number of options.
        clusters: what the intervals rest on.
        at: (factor, level) to which the answers are restricted, if any.
    """

    factor: str
    match: dict[str, str]
    table: pd.DataFrame
    cells: pd.DataFrame
    hits: pd.DataFrame
    accuracy: float
    low: float
    high: float
    chance: float
    clusters: Clusters
    at: tuple[str, str] | None = None

    @property
    def answers(self) -> int:
        """Number of answers in the matrix."""
        return int(self.table["n"].sum())


@dataclass(frozen=True)
class Choices:
    """What was chosen in one task.

    Attributes:
        task: question id, with `-second` for a second choice.
        question: its words.
        several: checkboxes: shares of a row may add up to more than 1.
        shares: share of every option per cell, one row each.
        confusions: over all answers, one per factor whose levels are options.
        split: the same at each level of the other factors.
        counts: checkboxes: votes by each factor.
    """

    task: str
    question: str
    several: bool
    shares: pd.DataFrame
    confusions: tuple[Confusion, ...] = ()
    split: tuple[Confusion, ...] = ()
    counts: tuple[Counts, ...] = field(default=())


def all_choices(sample: Sample, protocol: Protocol) -> list[Choices]:
    """The choices in every forced choice (second choices too) and checkboxes task."""
    out = []
    for task in protocol.tasks:
        if task.type == "forced-choice":
            out.append(_forced(sample, protocol, task.id))
            if task.second_choice:
                options = (*task.options, NO_SECOND)
                rows, chosen = answers_to(sample, protocol, f"{task.id}{SECOND}", options)
                shares = _shares(rows, chosen, protocol.stimuli.factors)
                out.append(Choices(f"{task.id}{SECOND}", task.second_question, False, shares))
        elif task.type == "checkboxes":
            out.append(_boxes(sample, protocol, task.id))
    return [choices for choices in out if len(choices.shares)]


def _forced(sample: Sample, protocol: Protocol, name: str) -> Choices:
    task = protocol.questions[name]
    rows, chosen = answers_to(sample, protocol, name, task.options)
    matches = matches_of(protocol, name)
    whole, split = [], []
    for factor in matches if len(rows) else ():
        whole.append(confusion_of(rows, chosen, factor, matches[factor], protocol.seed))
        for other, levels in protocol.stimuli.factors.items():
            if other in matches or not 1 < len(levels) <= MOST_LEVELS:
                continue
            for level in map(word, levels):
                here = rows[other] == level
                if here.any():
                    split.append(confusion_of(rows[here], chosen[here], factor, matches[factor],
                                              protocol.seed, (other, level)))  # fmt: skip
    shares = _shares(rows, chosen, protocol.stimuli.factors)
    return Choices(name, task.question, False, shares, tuple(whole), tuple(split))


def _boxes(sample: Sample, protocol: Protocol, name: str) -> Choices:
    task = protocol.questions[name]
    rows, chosen = answers_to(sample, protocol, name, task.options)
    shares = _shares(rows, chosen, protocol.stimuli.factors)
    if not len(rows):
        return Choices(name, task.question, True, shares)
    clusters = clusters_of(rows)
    counts = tuple(
        count_options(rows, chosen, factor, [word(v) for v in levels], clusters, task.exclusive)
        for factor, levels in protocol.stimuli.factors.items()
        if len(levels) > 1
    )
    return Choices(name, task.question, True, shares, counts=counts)


def matches_of(protocol: Protocol, task: str) -> dict[str, dict[str, str]]:
    """Factor -> (level -> option), for the factors whose levels all have an option of their own."""
    options = protocol.questions[task].options
    found = {
        factor: matching_options([word(level) for level in levels], options)
        for factor, levels in protocol.stimuli.factors.items()
    }
    return {factor: match for factor, match in found.items() if match}


def answers_to(
    sample: Sample, protocol: Protocol, name: str, options: Sequence[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Answers to a question, factors as words, and whether (0 or 1) each option was chosen."""
    rows = sample.ratings[(sample.ratings.question == name) & sample.ratings.label.notna()]
    rows = rows.assign(**{f: words(rows[f]) for f in protocol.factors})
    boxes = name in protocol.questions and protocol.questions[name].type == "checkboxes"
    ticked = [set(label.split(BOXES)) if boxes else {label} for label in rows.label]
    chosen = {o: np.fromiter((o in t for t in ticked), float, len(rows)) for o in options}
    return rows, pd.DataFrame(chosen, index=rows.index)


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


def confusion_of(
    rows: pd.DataFrame, chosen: pd.DataFrame, factor: str, match: dict[str, str],
    seed: int, at: tuple[str, str] | None = None,
) -> Confusion:  # fmt: skip
    """The confusion matrix of answers (`answers_to`) with the levels of a factor.

    The bootstrap starts from `seed`, so the same answers have the same intervals wherever shown.
    """
    clusters, options = clusters_of(rows), list(chosen.columns)
    levels = [level for level in match if (rows[factor] == level).any()]
    of_level = np.stack([(rows[factor] == level).to_numpy(float) for level in levels], axis=1)
    counts = sums(clusters, of_level[:, :, None] * chosen.to_numpy(float)[:, None, :])  # (G, R, K)
    answers = counts.sum(axis=2)
    cells = interval(counts, np.broadcast_to(answers[:, :, None], counts.shape))
    right = [options.index(match[level]) for level in levels]
    hits = counts[:, np.arange(len(levels)), right].sum(axis=1)
    overall = interval(hits, answers.sum(axis=1))
    n = answers.sum(axis=0).astype(int)
    table = pd.DataFrame(cells.share, columns=options)
    table.insert(0, "n", n)
    table.insert(0, factor, levels)
    long = pd.DataFrame({
        "level": np.repeat(levels, len(options)), "option": options * len(levels),
        "count": counts.sum(axis=0).astype(int).ravel(), "n": np.repeat(n, len(options)),
        "share": cells.share.ravel(), "low": cells.low.ravel(), "high": cells.high.ravel(),
    })  # fmt: skip
    hits_per_level = recognition(counts, levels, right, options, np.random.default_rng(seed))
    return Confusion(
        factor, match, table, long, hits_per_level,
        float(overall.share), float(overall.low), float(overall.high), 1 / len(options),
        clusters, at,
    )  # fmt: skip
