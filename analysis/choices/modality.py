"""Whether people go by the face or by the voice (Eskimez et al., 2021, section IV-D, task 2).

Shares of answers that match the emotion of the face (visual) and that of the voice (audio), in all
stimuli and in the mismatched ones, where both differ. An answer with two labels matches if *either*
does. So we read the paper's "44.9 % of labeled emotions can be matched": were each label counted by
itself (of its 840 answers, 600 to 720 were to mismatched videos, and 426 had two labels), then at
least 95 % of the second labels of mismatched videos would match, though only 51 % of the first do.

Unlike the paper, repeated showings do not count, and every share has an interval; the difference
of both shares is tested over participants (t test and signed-rank test of their differences).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from analysis.choices.confusion import answers_to, matches_of
from analysis.choices.shares import Clusters, clusters_of, interval, sums
from analysis.choices.signed_rank import SignedRank, signed_rank
from analysis.sample.exclude import Sample
from protocols.analysis_plan import Modality
from protocols.protocol import Protocol
from protocols.tasks import NO_SECOND, SECOND

ALL, MISMATCHED = "all", "mismatched"
FIRST, EITHER = "first label", "first or second label"
VISUAL, AUDIO, NEITHER = "visual", "audio", "neither"


@dataclass(frozen=True)
class Difference:
    """Visual minus audio share in mismatched stimuli, over clusters (participants).

    `labels`: FIRST or EITHER. `n`: clusters. `mean`, `low`, `high`: mean difference (-1…1) and its
    95 % t interval; `t`, `df`, `p`: t test; `dz`: mean over SD of the differences.
    """

    labels: str
    n: int
    mean: float
    low: float
    high: float
    t: float
    df: int
    p: float
    dz: float
    ranks: SignedRank


@dataclass(frozen=True)
class Weights:
    """The answers to one step `analysis.modality`.

    Attributes:
        step: as declared.
        shares: one row per stimuli (ALL, MISMATCHED), labels (FIRST, EITHER) and modality (VISUAL,
            AUDIO, NEITHER): hits, answers, share, low, high (95 %).
        answers: number of answers; `two`: how many of them have two different labels.
        differences: tests in mismatched stimuli; empty where there are none.
        clusters: what the intervals rest on.
        chance: probability that a label drawn at random matches a modality.
    """

    step: Modality
    shares: pd.DataFrame
    answers: int
    two: int
    differences: tuple[Difference, ...]
    clusters: Clusters
    chance: float


def modality_weights(sample: Sample, protocol: Protocol, step: Modality) -> Weights | None:
    """The shares and tests of one step; None without answers.

    Both factors of the step need an option for each of their levels, which the protocol's checks
    see to.
    """
    task = protocol.questions[step.task]
    rows, _ = answers_to(sample, protocol, step.task, task.options)
    matches = matches_of(protocol, step.task)
    if rows.empty or not {step.visual, step.audio} <= set(matches):
        return None
    visual = rows[step.visual].map(matches[step.visual])
    audio = rows[step.audio].map(matches[step.audio])
    second = second_labels(sample, rows, step.task)
    two = second.notna() & (second != NO_SECOND) & (second != rows.label)
    hits = {FIRST: _hits(visual, audio, [rows.label])}
    if task.second_choice:
        hits[EITHER] = _hits(visual, audio, [rows.label, second])
    apart = (visual != audio).to_numpy()
    clusters = clusters_of(rows)
    parts = [(ALL, np.ones(len(rows), bool)), (MISMATCHED, apart)]
    shares = pd.DataFrame([
        {"stimuli": name, "labels": labels, "modality": modality, **_share(clusters, hit, part)}
        for name, part in parts if part.any()
        for labels, found in hits.items() for modality, hit in found.items()
    ])  # fmt: skip
    differences = [_difference(clusters, labels, found, apart) for labels, found in hits.items()]
    return Weights(
        step, shares, len(rows), int(two.sum()), tuple(d for d in differences if d is not None),
        clusters, 1 / len(task.options),
    )  # fmt: skip


def second_labels(sample: Sample, rows: pd.DataFrame, task: str) -> pd.Series:
    """The second label of each of `rows`, on its index; missing where there was none."""
    key = ["source", "participant", "trial"]
    asked = sample.ratings[sample.ratings.question == f"{task}{SECOND}"]
    found = rows[key].merge(asked[[*key, "label"]], on=key, how="left", validate="one_to_one")
    return found.label.astype(object).where(found.label.notna(), None).set_axis(rows.index)


def _hits(visual: pd.Series, audio: pd.Series, given: list[pd.Series]) -> dict[str, np.ndarray]:
    """Whether any of the given labels matches, as 0 or 1 per answer."""
    seen = np.any([labels == visual for labels in given], axis=0)
    heard = np.any([labels == audio for labels in given], axis=0)
    found = {VISUAL: seen, AUDIO: heard, NEITHER: ~seen & ~heard}
    return {name: hit.astype(float) for name, hit in found.items()}


def _share(clusters: Clusters, hit: np.ndarray, part: np.ndarray) -> dict[str, float]:
    total = sums(clusters, part.astype(float))
    found = interval(sums(clusters, hit * part), total)
    return {"hits": int((hit * part).sum()), "answers": int(part.sum()),
            "share": float(found.share), "low": float(found.low),
            "high": float(found.high)}  # fmt: skip


def _difference(
    clusters: Clusters, labels: str, found: dict[str, np.ndarray], apart: np.ndarray
) -> Difference | None:
    total = sums(clusters, apart.astype(float))
    more = sums(clusters, (found[VISUAL] - found[AUDIO]) * apart)
    d = more[total > 0] / total[total > 0]
    if len(d) < 2:
        return None
    mean, sd, df = float(d.mean()), float(d.std(ddof=1)), len(d) - 1
    se = sd / np.sqrt(len(d))
    t = mean / float(se) if se > 0 else float("nan")
    half = float(stats.t.ppf(0.975, df) * se)
    p = float(2 * stats.t.sf(abs(t), df))
    dz = mean / sd if sd > 0 else float("nan")
    return Difference(labels, len(d), mean, mean - half, mean + half, t, df, p, dz, signed_rank(d))
