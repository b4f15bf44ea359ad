"""Votes: how many raters chose each option for a stimulus, and what most of them chose.

As in the table of votes of CREMA-D (Cao et al., 2014): the *plurality label* of a stimulus is the
option with the most votes, or several if they tie; its *agreement* is the share of votes for it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.mixed.columns import word, words
from analysis.sample.exclude import Sample
from protocols.emotions import matching_options
from protocols.protocol import Protocol


def votes_of(sample: Sample, protocol: Protocol, task: str) -> pd.DataFrame:
    """Votes of a forced choice: stimulus_id, identity, the factors, then one column per option."""
    options = list(protocol.questions[task].options)
    rows = sample.ratings[(sample.ratings.question == task) & sample.ratings.label.isin(options)]
    if rows.empty:
        return pd.DataFrame(columns=["stimulus_id", "identity", *protocol.factors, *options])
    counts = pd.crosstab(rows.stimulus_id, rows.label).reindex(columns=options, fill_value=0)
    about = rows.groupby("stimulus_id")[["identity", *protocol.factors]].first()
    return about.join(counts).rename_axis(columns=None).reset_index()


def plurality(votes: pd.DataFrame, options: Sequence[str]) -> pd.DataFrame:
    """What most raters chose, per row of `votes` (a column of counts per option).

    Returns:
        `votes` (their number), `labels` (tuple of the options with the most votes, in the order of
        `options`; empty without votes), `agreement` (share of votes for the most chosen option).
    """
    counts = votes[list(options)].to_numpy(int)
    most, total = counts.max(axis=1), counts.sum(axis=1)
    labels = [
        tuple(np.array(options)[row == top].tolist()) if top else ()
        for row, top in zip(counts, most, strict=True)
    ]
    agreement = np.divide(most, total, out=np.full(len(counts), np.nan), where=total > 0)
    return pd.DataFrame(
        {"votes": total, "labels": pd.Series(labels, votes.index), "agreement": agreement},
        index=votes.index,
    )


def plurality_summary(
    votes: pd.DataFrame, options: Sequence[str], factor: str, protocol: Protocol
) -> dict[str, float]:
    """How plurality labels agree with the levels of `factor`: shares of stimuli.

    `matching`: the level's option has the most votes, alone. `tied`: several options tie for the
    most votes. `agreement`: mean agreement. `votes`: median number of votes. `stimuli`: how many.
    """
    match = matching_options([word(v) for v in protocol.stimuli.factors[factor]], options)
    found = plurality(votes, options)
    meant = words(votes[factor]).map(match)
    alone = found.labels.map(len) == 1
    first = found.labels.map(lambda labels: labels[0] if labels else None)
    return {
        "stimuli": len(votes),
        "matching": float((alone & (first == meant)).mean()),
        "tied": float((found.labels.map(len) > 1).mean()),
        "agreement": float(found.agreement.mean()),
        "votes": float(found.votes.median()),
    }
