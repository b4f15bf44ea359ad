"""Ratings at the levels of a factor, compared pair by pair (Eskimez et al., 2021, section IV-D).

Each participant's (or identity's) ratings are averaged per level first: a signed-rank test needs
independent pairs, and ratings of one participant are not. Holm's correction covers all pairs.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from analysis.choices.signed_rank import signed_rank
from analysis.mixed.columns import word, words
from analysis.sample.exclude import Sample, task_ratings
from protocols.analysis_plan import Paired
from protocols.protocol import Protocol


@dataclass(frozen=True)
class PairedTests:
    """The answers to one step `analysis.paired`.

    Attributes:
        step: as declared.
        means: one row per unit, one column per level: mean ratings; NaN where there is none.
        table: one row per pair of levels (`later` minus `earlier`, in the protocol's order): `n`
            units with both, `incomplete` units with one of them only, `zeros`, `w`, `p`,
            `p_adjusted`, `exact`, `estimate`, `low`, `high` (Hodges-Lehmann, points), `r`, and the
            mean of each (`mean_later`, `mean_earlier`).
    """

    step: Paired
    means: pd.DataFrame
    table: pd.DataFrame


def paired_tests(sample: Sample, protocol: Protocol, step: Paired) -> PairedTests | None:
    """Signed-rank tests between all levels of a factor; None without ratings."""
    rows = task_ratings(sample, step.task, protocol.factors)
    if rows.empty:
        return None
    levels = [word(level) for level in protocol.stimuli.factors[step.factor]]
    means = rows.groupby([step.unit, words(rows[step.factor])])[step.task].mean().unstack()
    means = means.reindex(columns=levels)
    table = pd.DataFrame([_pair(means, *pair) for pair in combinations(levels, 2)])
    p = table.p.to_numpy(float)
    table.insert(7, "p_adjusted", holm(p) if step.adjust == "holm" else p)
    return PairedTests(step, means, table)


def _pair(means: pd.DataFrame, earlier: str, later: str) -> dict[str, object]:
    both = means[[earlier, later]].dropna()
    half = means[[earlier, later]].notna().sum(axis=1) == 1
    found = signed_rank((both[later] - both[earlier]).to_numpy())
    return {
        "earlier": earlier, "later": later, "n": found.n, "incomplete": int(half.sum()),
        "zeros": found.zeros, "w": found.w, "p": found.p if found.n else float("nan"),
        "exact": found.exact, "estimate": found.estimate, "low": found.low, "high": found.high,
        "r": found.r, "mean_earlier": both[earlier].mean(), "mean_later": both[later].mean(),
    }  # fmt: skip


def holm(p: np.ndarray) -> np.ndarray:
    """Holm's step-down correction of p values (k,); those that are missing do not count."""
    out = np.full(len(p), np.nan)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    out[order] = np.maximum.accumulate(p[order] * np.arange(len(order), 0, -1)).clip(max=1.0)
    return out
