"""How carefully each participant answered, whatever the protocol's rules say.

For each participant and task, over the rating trials in their order: the longest run of the same
answer, the share of the most frequent answer, and the standard deviation (scales). For each
participant: the share of answers that came too fast, median response time, the share of repeated
answers that differ, and missed attention checks.

Repeats differ as in Eskimez et al. (2021, IV-D): a choice by any change, a scale by more than one
level, ticked boxes by more than one option; a slider by a tenth of its line. A rule `repeats` of
the protocol may set its own tolerances.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.sample.exclude import Sample
from protocols.exclusions import RepeatsRule, TooFastRule
from protocols.persons import text, ticked
from protocols.protocol import Protocol
from protocols.ratings import UNKNOWN
from protocols.scales import NUMERIC

ONE_LEVEL = 1  # tolerance of scales and boxes (Eskimez et al. 2021, IV-D)
OF_LINE = 0.1  # tolerance of sliders, as a share of the line
JUDGED = (*NUMERIC, "forced-choice")  # tasks whose runs and shares are looked at


@dataclass(frozen=True)
class Criteria:
    """Common limits; who reaches one of them deserves a look.

    Attributes:
        run: longest run of one answer, as a share of the answers to the task (Curran, 2016).
        modal: share of the most frequent answer, as the default of the rule `same-answer`.
        least: fewest answers to a task from which run and share say anything.
        fast_ms: an answer is too fast below this.
        fast: share of answers that are too fast.
        differ: share of repeated answers that differ (more than five of nine in Eskimez et al.).
        missed: attention checks missed.
    """

    run: float = 0.5
    modal: float = 0.95
    least: int = 10
    fast_ms: float = 200
    fast: float = 0.1
    differ: float = 0.5
    missed: int = 1


@dataclass(frozen=True)
class Quality:
    """Response quality.

    Attributes:
        tasks: one row per participant and task: answers, longest_run, modal_share, sd.
        people: one row per participant: list, excluded, answers, longest_run and modal_share (the
            largest over tasks), sd (the smallest over scales), too_fast (share), median_rt_ms,
            repeats and inconsistent (share), checks and missed, signs (which criteria are met).
        criteria: the limits behind `signs`.
        tolerance: question -> how far repeated answers may lie apart.
    """

    tasks: pd.DataFrame
    people: pd.DataFrame
    criteria: Criteria
    tolerance: dict[str, float]

    @property
    def unexcluded(self) -> pd.DataFrame:
        """Participants who meet a criterion, but are analysed."""
        return self.people[(self.people.signs != "") & self.people.excluded.isna()]


def response_quality(
    sample: Sample, protocol: Protocol, criteria: Criteria | None = None
) -> Quality:
    """The quality of every participant's answers, excluded or not; raters must be known."""
    criteria = criteria or _criteria(protocol)
    rows = sample.everything[sample.everything.participant != UNKNOWN]
    ratings = rows[rows.kind == "rating"]
    tasks = _by_task(ratings, protocol)
    numeric = [name for name, task in protocol.questions.items() if task.type in NUMERIC]
    scales = tasks[tasks.question.isin(numeric)]
    enough = tasks[tasks.answers >= criteria.least]
    tolerance = tolerances(protocol)
    known = sample.people[sample.people.participant != UNKNOWN]
    people = known[["participant", "list", "excluded"]].set_index("participant")
    per_trial = ratings.drop_duplicates(["participant", "trial"])
    times = ratings.rt_ms.astype(float)
    people = people.assign(
        answers=ratings.groupby("participant").size(),
        longest_run=tasks.groupby("participant").longest_run.max(),
        modal_share=tasks.groupby("participant").modal_share.max(),
        sd=scales.groupby("participant").sd.min(),
        median_rt_ms=per_trial.rt_ms.astype(float).groupby(per_trial.participant).median(),
        too_fast=_share_of(ratings.participant[times.notna()], times.dropna() < criteria.fast_ms),
        **_repeats(rows, tolerance, [t.id for t in protocol.tasks if t.type == "checkboxes"]),
        **_checks(rows, protocol),
    )
    people = people.fillna({"answers": 0, "repeats": 0, "checks": 0, "missed": 0})
    people = people.astype(dict.fromkeys(("answers", "repeats", "checks", "missed"), int))
    runs = (enough.longest_run / enough.answers).groupby(enough.participant).max()
    modal = enough.modal_share.groupby(enough.participant).max()
    flags = {
        "long run": runs.reindex(people.index) >= criteria.run,
        "same answer": modal.reindex(people.index) > criteria.modal,
        "too fast": people.too_fast > criteria.fast,
        "inconsistent": people.inconsistent > criteria.differ,
        "missed check": people.missed >= criteria.missed,
    }
    named = pd.DataFrame({name: met.fillna(False) for name, met in flags.items()})
    people["signs"] = [
        ", ".join(name for name, met in row.items() if met) for row in named.to_dict("records")
    ]
    return Quality(tasks, people.reset_index(), criteria, tolerance)


def _criteria(protocol: Protocol) -> Criteria:
    """The common limits; an answer is too fast below what the protocol's own rule says."""
    rule = next((r for r in protocol.exclusions if isinstance(r, TooFastRule)), None)
    return Criteria() if rule is None else Criteria(fast_ms=rule.below_ms)


def tolerances(protocol: Protocol) -> dict[str, float]:
    """How far two answers to the same stimulus may lie apart, per question."""
    rule = next((r for r in protocol.exclusions if isinstance(r, RepeatsRule)), None)
    if rule is not None:
        return {name: rule.tolerance.get(name, 0) for name in protocol.questions}
    return {name: _tolerance(task) for name, task in protocol.questions.items()}


def _tolerance(task: Any) -> float:
    if task.type == "slider":
        return OF_LINE * (task.high - task.low)
    return 0 if task.type in ("forced-choice", "free-text") else ONE_LEVEL


def _by_task(ratings: pd.DataFrame, protocol: Protocol) -> pd.DataFrame:
    """Runs, shares and spread, for every participant and task with answers."""
    asked = [name for name, task in protocol.questions.items() if task.type in JUDGED]
    rows = ratings[ratings.question.isin(asked) & ratings.response.notna()]
    rows = rows.sort_values(["participant", "question", "trial"], kind="stable")
    both = [rows.participant, rows.question]
    answer = rows.response.astype(float)
    group = rows.groupby(["participant", "question"], sort=False).ngroup()
    starts = (answer != answer.shift()) | (group != group.shift())
    runs = pd.DataFrame({"group": group, "run": starts.cumsum()}).value_counts(sort=False)
    longest = runs.groupby(level="group").max()
    modal = pd.DataFrame({"group": group, "answer": answer}).value_counts(sort=False)
    table = answer.groupby(both, sort=False).agg(["size", "std"]).reset_index()
    table.columns = pd.Index(["participant", "question", "answers", "sd"])
    table["longest_run"] = longest.to_numpy(int)
    table["modal_share"] = modal.groupby(level="group").max().to_numpy(int) / table.answers
    return table[["participant", "question", "answers", "longest_run", "modal_share", "sd"]]


def _repeats(
    rows: pd.DataFrame, tolerance: dict[str, float], boxes: Sequence[str]
) -> dict[str, pd.Series]:
    """Number of repeated answers, and the share of them that differ from the first."""
    again = rows[(rows.kind == "repeat") & rows.repeat_of.notna()]
    first = rows[rows.kind == "rating"][["participant", "trial", "question", "response", "label"]]
    pairs = again.merge(
        first,
        left_on=["participant", "repeat_of", "question"],
        right_on=["participant", "trial", "question"],
        suffixes=("", "_first"),
    )
    allowed = pairs.question.map(tolerance).fillna(0).to_numpy(float)
    far = (pairs.response - pairs.response_first).abs().to_numpy(float, na_value=np.nan)
    words = pairs.label.fillna("") != pairs.label_first.fillna("")
    differ = np.where(np.isnan(far), words.to_numpy(bool), far > allowed)
    for i in np.flatnonzero(pairs.question.isin(boxes).to_numpy(bool)):
        before, now = (ticked(text(pairs[name].iloc[i])) for name in ("label_first", "label"))
        differ[i] = len(before ^ now) > allowed[i]
    return {
        "repeats": pairs.groupby("participant").size(),
        "inconsistent": _share_of(pairs.participant, pd.Series(differ, index=pairs.index)),
    }


def _checks(rows: pd.DataFrame, protocol: Protocol) -> dict[str, pd.Series]:
    """Attention checks answered, and missed."""
    asked = {check.id: check for check in protocol.design.attention}
    held = rows[(rows.kind == "attention") & rows.check.isin(list(asked))]
    held = held[held.question == held.check.map({name: c.task for name, c in asked.items()})]
    right = held.check.map({name: c.answer for name, c in asked.items()}).astype(float)
    missed = (held.response.astype(float) != right).groupby(held.participant).sum()
    return {"checks": held.groupby("participant").size(), "missed": missed}


def _share_of(participant: pd.Series, met: pd.Series) -> pd.Series:
    return met.astype(float).groupby(participant).mean()
