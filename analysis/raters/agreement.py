"""How far people agree, for every task of a protocol.

A scale gets intraclass correlations, Krippendorff's alpha (ordinal and interval), the share of
pairs of people who agree exactly and within a point, and split-half reliability; a forced choice
and every box of a checkboxes task get Fleiss' kappa, nominal alpha and the share of agreeing
pairs. Repeated showings do not count.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.problems import AnalysisError
from analysis.raters import icc
from analysis.raters.bootstrap import by_identity, draws
from analysis.raters.coincidences import Counts, alpha, count, fleiss, pairs, with_interval
from analysis.raters.halves import split_half
from analysis.sample.exclude import BOXES, Sample
from protocols.protocol import Protocol
from protocols.scales import NUMERIC
from protocols.tasks import NO_SECOND, SECOND

BY_F, BY_LOGIT, BY_BOOTSTRAP, BY_SPLITS = "F", "logit", "bootstrap", "splits"
A_POINT, A_TENTH = "within one point", "within a tenth of the line"
NEAR = 0.1  # of a line, which is near
GRAINS = 100  # in a line: finer answers are told apart in vain
MEASURES = ["measure", "value", "low", "high", "interval"]


@dataclass(frozen=True)
class Agreement:
    """Agreement in one task, or about one box of a checkboxes task.

    Attributes:
        task: id of the question.
        box: the box, else empty.
        scale: whether the answers are points of a scale.
        stimuli, raters: how many; no raters if it is unknown who gave which answer.
        per_stimulus: fewest, harmonic mean and most raters of a stimulus.
        complete: whether every rater rated every stimulus.
        by_identity: whether the bootstrap drew whole identities.
        table: measure, value, low, high, interval (how it was found), one row each.
        notes: what could not be said, and why.
    """

    task: str
    box: str
    scale: bool
    stimuli: int
    raters: int
    per_stimulus: tuple[int, float, int]
    complete: bool
    by_identity: bool
    table: pd.DataFrame
    notes: tuple[str, ...]

    def value(self, measure: str) -> float:
        """The value of a measure; missing if there is none."""
        found = self.table[self.table.measure == measure].value
        return float(found.iloc[0]) if len(found) else float("nan")


def agreements(sample: Sample, protocol: Protocol) -> list[Agreement]:
    """Agreement in every task whose answers can be compared."""
    out = []
    for name, box, order, answers in _tasks(sample, protocol):
        rng = np.random.default_rng([protocol.seed, len(out)])
        line = _line(protocol, name)
        if line:
            grain = line / GRAINS
            answers = answers.assign(rating=(answers.rating / grain).round() * grain)
        out.append(agreement(answers, name, box, order, rng, known=sample.raters_known, line=line))
    return out


def _line(protocol: Protocol, question: str) -> float:
    """Length of a slider; 0 of everything else."""
    task = protocol.questions.get(question)
    return task.high - task.low if task is not None and task.type == "slider" else 0.0


def _tasks(
    sample: Sample, protocol: Protocol
) -> Iterator[tuple[str, str, tuple[str, ...], pd.DataFrame]]:
    """Question, box, options in order (none for a scale), and its answers as `rating`."""
    for task in protocol.questions.values():
        if task.type in NUMERIC:
            yield task.id, "", (), _answers(sample, task.id, "response").astype({"rating": float})
        elif task.type == "forced-choice":
            yield task.id, "", task.options, _answers(sample, task.id, "label")
            if task.second_choice:
                name, options = f"{task.id}{SECOND}", (*task.options, NO_SECOND)
                yield name, "", options, _answers(sample, name, "label")
        elif task.type == "checkboxes":
            answers = _answers(sample, task.id, "label", keep_empty=True)
            for box in task.options:
                ticked = answers.rating.map(lambda label, box=box: box in label.split(BOXES))
                words = ticked.map({True: "ticked", False: "not ticked"})
                yield task.id, box, ("not ticked", "ticked"), answers.assign(rating=words)


def _answers(
    sample: Sample, question: str, column: str, *, keep_empty: bool = False
) -> pd.DataFrame:
    """First answer of each person to each stimulus."""
    rows = sample.ratings[sample.ratings.question == question]
    rating = rows[column].fillna("") if keep_empty else rows[column]
    rows = rows.assign(rating=rating.astype(object))
    rows = rows[rows.rating.notna()]
    if sample.raters_known:
        rows = rows.drop_duplicates(["participant", "stimulus_id"])
    return rows[["participant", "stimulus_id", "identity", "list", "rating"]].reset_index(drop=True)


def agreement(
    answers: pd.DataFrame, name: str, box: str, order: tuple[Any, ...], rng: np.random.Generator,
    *, known: bool = True, line: float = 0,
) -> Agreement:  # fmt: skip
    """Agreement in one task.

    Args:
        answers: participant, stimulus_id, identity, list, rating; one row per person and stimulus.
        name: id of the question.
        box: the box that `rating` is about, if any.
        order: the options; empty for a scale, whose ratings are numbers.
        rng: for bootstrap and random halves.
        known: whether `participant` says who gave an answer; else each answer is a rater's own.
        line: length of a slider, if the answers are from one.
    """
    scale = not order
    per = answers.groupby("stimulus_id").size()
    raters = answers.participant.nunique() if known else 0
    complete = bool(known and len(answers) == raters * len(per))
    counts = count(answers.rating, answers.stimulus_id, answers.identity, order)
    rows: list[tuple[str, float, float, float, str]] = []
    notes: list[str] = []
    if (known and raters < 2) or len(counts.counts) < 2:
        notes.append("Agreement needs two people or more who rated the same two stimuli or more.")
    elif answers.rating.nunique() < 2:
        notes.append("Every answer is the same: nothing can be said about agreement.")
    else:
        rows += _correlations(answers, complete, notes) if scale and known else []
        rows += _chance_corrected(counts, scale, line, rng)
        rows += _halves(answers, rng) if scale and known else []
    harmonic = float(len(per) / (1 / per).sum()) if len(per) else 0.0
    return Agreement(
        name, box, scale, len(per), raters,
        (int(per.min()), harmonic, int(per.max())) if len(per) else (0, 0.0, 0),
        complete, by_identity(counts.clusters), pd.DataFrame(rows, columns=MEASURES), tuple(notes),
    )  # fmt: skip


def _correlations(
    answers: pd.DataFrame, complete: bool, notes: list[str]
) -> list[tuple[str, float, float, float, str]]:
    if complete:
        table = answers.pivot(index="stimulus_id", columns="participant", values="rating")
        found, how = icc.of_complete(table.to_numpy(float)), BY_F
    else:
        try:
            found, how = icc.of_incomplete(answers), BY_LOGIT
        except AnalysisError as error:
            notes.append(f"No intraclass correlation: {error}")
            return []
    return [(one.name, one.value, one.low, one.high, how) for one in found]


def _chance_corrected(
    counts: Counts, scale: bool, line: float, rng: np.random.Generator
) -> list[tuple[str, float, float, float, str]]:
    drawn = draws(counts.clusters, rng)
    statistics = {
        "alpha (ordinal)": lambda w: alpha(counts, "ordinal", w),
        "alpha (interval)": lambda w: alpha(counts, "interval", w),
        "same answer": lambda w: pairs(counts, w),
        A_TENTH if line else A_POINT: lambda w: pairs(counts, w, within=NEAR * line or 1),
    } if scale else {
        "Fleiss' kappa": lambda w: fleiss(counts, w),
        "alpha (nominal)": lambda w: alpha(counts, "nominal", w),
        "same answer": lambda w: pairs(counts, w),
    }  # fmt: skip
    out = []
    for name, statistic in statistics.items():
        found = with_interval(statistic, drawn)
        out.append((name, found.value, found.low, found.high, BY_BOOTSTRAP))
    return out


def _halves(
    answers: pd.DataFrame, rng: np.random.Generator
) -> list[tuple[str, float, float, float, str]]:
    found = split_half(answers, rng)
    if found is None:
        return []
    return [("split-half reliability", found.reliability, found.low, found.high, BY_SPLITS)]
