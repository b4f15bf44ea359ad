"""How often each option was chosen, by the levels of a factor (Eskimez et al., 2021, fig. 7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.choices.shares import Clusters, interval, sums


@dataclass(frozen=True)
class Counts:
    """Votes for each option per level of `factor`.

    Attributes:
        factor: on whose levels the votes depend; None: all answers together.
        table: level, option, answers, votes, share (votes per answer) and its limits low and high
            (95 %), one row per level and option.
        together: level, answers, votes, per_answer: votes for any option but the exclusive one.
        clusters: what the intervals rest on.
    """

    factor: str | None
    table: pd.DataFrame
    together: pd.DataFrame
    clusters: Clusters


def count_options(
    rows: pd.DataFrame, chosen: pd.DataFrame, factor: str | None, levels: Sequence[str],
    clusters: Clusters, exclusive: str | None = None,
) -> Counts:  # fmt: skip
    """Votes per level.

    Args:
        rows: answers; factors as words.
        chosen: (n, K) 0 or 1: whether each option was chosen; columns are the options.
        factor: column of `rows`, or None.
        levels: its levels; [""] without a factor.
        clusters: of the answers.
        exclusive: the option that says that none of the others applies.
    """
    of_level = np.stack([_is(rows, factor, level) for level in levels], axis=1)  # (n, L)
    votes = sums(clusters, of_level[:, :, None] * chosen.to_numpy(float)[:, None, :])  # (G, L, K)
    answers = np.broadcast_to(sums(clusters, of_level)[:, :, None], votes.shape)
    found = interval(votes, answers)
    table = pd.DataFrame({
        "level": np.repeat(list(levels), len(chosen.columns)),
        "option": list(chosen.columns) * len(levels),
        "answers": answers.sum(axis=0).astype(int).ravel(),
        "votes": votes.sum(axis=0).astype(int).ravel(),
        "share": found.share.ravel(), "low": found.low.ravel(), "high": found.high.ravel(),
    })  # fmt: skip
    others = table[table.option != exclusive].groupby("level", sort=False)
    together = others.agg(answers=("answers", "first"), votes=("votes", "sum")).reset_index()
    together["per_answer"] = together.votes / together.answers
    return Counts(factor, table[table.answers > 0].reset_index(drop=True), together, clusters)


def _is(rows: pd.DataFrame, factor: str | None, level: str) -> np.ndarray:
    if factor is None:
        return np.ones(len(rows))
    return (rows[factor] == level).to_numpy(float)
