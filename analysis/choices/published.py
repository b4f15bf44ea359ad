"""Values that a paper reports, beside the same of this study.

A mean is pooled over ratings, a share over answers, as papers report them; their intervals know
which answers are one participant's (analysis.choices.shares; that of a mean is t, with the variance
of a ratio between clusters). How sure the published value is, nobody knows, so nothing is tested.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from analysis.choices.confusion import answers_to, matches_of
from analysis.choices.modality import second_labels
from analysis.choices.shares import Clusters, clusters_of, interval, sums
from analysis.mixed.columns import word, words
from analysis.sample.exclude import Sample
from protocols.analysis_plan import Published
from protocols.protocol import Protocol


@dataclass(frozen=True)
class Beside:
    """One value of a paper, and the same of this study.

    Attributes:
        asked: as declared.
        here: share or mean of this study, with its 95 % limits `low` and `high`.
        answers: how many it rests on.
        clusters: what the interval rests on.
    """

    asked: Published
    here: float
    low: float
    high: float
    answers: int
    clusters: Clusters


def beside_published(sample: Sample, protocol: Protocol, asked: Published) -> Beside | None:
    """This study's value; None without answers."""
    found = _mean if asked.matches is None else _share
    return found(sample, protocol, asked)


def _share(sample: Sample, protocol: Protocol, asked: Published) -> Beside | None:
    rows, _ = answers_to(sample, protocol, asked.task, protocol.questions[asked.task].options)
    matches = matches_of(protocol, asked.task)
    rows = _where(rows, asked)
    meant = rows[asked.matches].map(matches[str(asked.matches)])
    if asked.differs_from is not None:
        apart = meant != rows[asked.differs_from].map(matches[asked.differs_from])
        rows, meant = rows[apart], meant[apart]
    if rows.empty:
        return None
    hit = rows.label == meant
    if asked.either:
        hit |= second_labels(sample, rows, asked.task) == meant
    clusters = clusters_of(rows)
    ones = np.ones(len(rows))
    made = interval(sums(clusters, hit.to_numpy(float)), sums(clusters, ones))
    return Beside(asked, float(made.share), float(made.low), float(made.high), len(rows), clusters)


def _mean(sample: Sample, protocol: Protocol, asked: Published) -> Beside | None:
    ratings = sample.ratings
    rows = ratings[(ratings.question == asked.task) & ratings.response.notna()]
    rows = _where(rows, asked)
    if rows.empty:
        return None
    clusters = clusters_of(rows)
    values = rows.response.to_numpy(float)
    mean, total = float(values.mean()), len(values)
    errors = sums(clusters, values - mean)
    groups = clusters.count
    if groups < 2:
        return Beside(asked, mean, float("nan"), float("nan"), total, clusters)
    se = float(np.sqrt(groups / (groups - 1) * (errors**2).sum())) / total
    half = float(stats.t.ppf(0.975, groups - 1)) * se
    return Beside(asked, mean, mean - half, mean + half, total, clusters)


def _where(rows: pd.DataFrame, asked: Published) -> pd.DataFrame:
    """The answers at the levels that are asked for."""
    for factor, level in asked.where.items():
        rows = rows[words(rows[factor]) == word(level)]
    return rows
