"""Who and what enters the analysis: real or simulated data, exclusions, and the flow of both.

Exclusion rules are the protocol's (`protocols.exclusions`), applied again here to the answers; the
columns `valid` and `exclusion_reason` of the tables say what the server found at the time. Where
both disagree the rules win, and the report lists it. Who withdrew stays out; so does who did not
finish, unless a rule `incomplete` says how much is enough, and whom somebody excluded for a reason
that is none of the rules. Real and simulated answers are never mixed: simulated ones count only
where there are no real ones. Ratings of models (source `model`) are kept apart: a model is no
participant, no rule excludes it, and nothing but the comparison of people and models sees it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.problems import AnalysisError
from analysis.sample.flow import flow_of
from protocols.exclusions import NOT_COMPLETED, Answer, Person, verdict
from protocols.protocol import Protocol
from protocols.ratings import SOURCES, read_participants, read_ratings
from protocols.section import nearest
from protocols.study import Study
from protocols.trials import NAME as PLAN
from protocols.trials import read_trials

SIMULATED, MODEL = "simulation", "model"
OF_PEOPLE = tuple(name for name in SOURCES if name != MODEL)  # sources whose raters are people
BOXES = "; "  # between the ticked options of a checkboxes answer


@dataclass(frozen=True)
class Sample:
    """The data of a report.

    Attributes:
        ratings: rows that models and figures may use: kind rating, people who are not excluded.
        model_ratings: rows of kind rating whose source is a model, unless recorded as not valid.
        everything: every row of the source that counts (real, or simulated), excluded or not.
        people: one row per participant, with `excluded` (rule id, or missing).
        simulated: whether these are simulated answers.
        left_out: number of simulated participants beside real ones, which do not count.
        flow: step, number of participants excluded, number left; then per list.
        disagreements: participant, recorded reason and reason found here, as sentences.
        notes: what a reader should know about the counting.
    """

    ratings: pd.DataFrame
    model_ratings: pd.DataFrame
    everything: pd.DataFrame
    people: pd.DataFrame
    simulated: bool
    left_out: int
    flow: pd.DataFrame
    disagreements: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def participants(self) -> int:
        """Number of participants analysed."""
        return int(self.people.excluded.isna().sum())

    @property
    def overruled(self) -> dict[str, bool]:
        """Participants whose recorded `valid` is not ours -> whether we analyse them."""
        ours = dict(zip(self.people.participant, self.people.excluded.isna(), strict=True))
        recorded = self.everything.groupby("participant").valid.all()
        return {str(p): ours[p] for p, valid in recorded.items() if bool(valid) != ours[p]}


def read_sample(study: Study, protocol: Protocol, source: str | None = None) -> Sample:
    """The data of a study, with the protocol's exclusions applied; `source`: only that one.

    Raises:
        TableError: a table cannot be read.
        AnalysisError: there is nobody to analyse.
    """
    ratings = read_ratings(study.ratings_file)
    people = read_participants(study.participants_file)
    planned = None
    if (study.plan / PLAN).is_file():
        trials = read_trials(study.plan)
        planned = trials[trials.kind != "practice"].groupby("slot").size()
    return select(ratings, people, protocol, planned, source)


def select(
    ratings: pd.DataFrame,
    people: pd.DataFrame,
    protocol: Protocol,
    planned: pd.Series | None = None,
    source: str | None = None,
) -> Sample:
    """The sample in the two tables.

    Args:
        ratings: the ratings table.
        people: the participants' table.
        protocol: for the rules.
        planned: slot -> number of its trials, practice not counted.
        source: web, lab, import or simulation; None: every real source, or else simulation.
    """
    people = people[people.source != MODEL]
    sources = _sources(people, source)
    beside = people[(people.source == SIMULATED) & ~people.source.isin(sources)]
    people = people[people.source.isin(sources)].reset_index(drop=True)
    everything = ratings[ratings.source.isin(sources)].reset_index(drop=True)
    notes = [] if planned is not None else [_no_plan(protocol)]
    people = people.assign(excluded=_excluded(people, everything, protocol, planned))
    kept = set(people[people.excluded.isna()].participant)
    rows = everything[(everything.kind == "rating") & everything.participant.isin(kept)]
    if rows.empty:
        raise AnalysisError(
            f"nobody to analyse: took part: {len(people)}; with ratings after exclusions: 0"
        )
    return Sample(
        ratings=rows.reset_index(drop=True),
        model_ratings=_of_models(ratings),
        everything=everything,
        people=people,
        simulated=sources == [SIMULATED],
        left_out=len(beside),
        flow=flow_of(people, protocol),
        disagreements=_disagreements(people),
        notes=tuple(note for note in notes if note),
    )


def _of_models(ratings: pd.DataFrame) -> pd.DataFrame:
    """The ratings of models; a run that somebody marked as not valid stays out."""
    rows = ratings[(ratings.source == MODEL) & (ratings.kind == "rating")]
    return rows[~rows.valid.eq(False).fillna(False).astype(bool)].reset_index(drop=True)


def _sources(people: pd.DataFrame, source: str | None) -> list[str]:
    if source is not None and source not in OF_PEOPLE:
        raise AnalysisError(
            f"source: found '{source}'; accepted: {', '.join(OF_PEOPLE)}"
            f"{nearest(source, OF_PEOPLE)}"
        )
    found = [name for name in SOURCES if (people.source == name).any()]
    if not found:
        raise AnalysisError(
            "no participants yet: nothing to report; run the study, or mien simulate"
        )
    if source is not None:
        if source not in found:
            raise AnalysisError(
                f"source: no data from {source}; there are data from {', '.join(found)}"
            )
        return [source]
    return [name for name in found if name != SIMULATED] or [SIMULATED]


def _no_plan(protocol: Protocol) -> str:
    if not any(rule.rule == "incomplete" for rule in protocol.exclusions):
        return ""
    return (
        "The study has no plan, so complete means as many trials as the participant with the most."
    )


def _excluded(
    people: pd.DataFrame, ratings: pd.DataFrame, protocol: Protocol, planned: pd.Series | None
) -> list[str | None]:
    rules = {rule.id for rule in protocol.exclusions}
    by_person = {str(name): rows for name, rows in ratings.groupby("participant", sort=False)}
    most = _trials_of_the_most(ratings)
    out = []
    for row in people.to_dict("records"):
        recorded = row.get("exclusion_reason")
        recorded = None if pd.isna(recorded) else str(recorded)
        slot = row["slot"]
        expected = most if planned is None or pd.isna(slot) else int(planned.get(slot, most))
        rows = by_person.get(str(row["participant"]), ratings.iloc[:0])
        someone = person(row, rows, protocol, expected)
        found = verdict(protocol.exclusions, row["status"], someone)
        outside_rules = recorded not in (None, NOT_COMPLETED, *rules)
        out.append(recorded if outside_rules and found is None else found)
    return out


def _trials_of_the_most(ratings: pd.DataFrame) -> int:
    counted = ratings[ratings.kind != "practice"]
    return int(counted.groupby("participant").trial.nunique().max()) if len(counted) else 0


def person(row: dict[str, Any], ratings: pd.DataFrame, protocol: Protocol, expected: int) -> Person:
    """A participant as the rules see them.

    Args:
        row: the participant's row, with the answers of the questionnaire.
        ratings: the participant's rows of the ratings table.
        protocol: for the questionnaire, attention checks and kinds of task.
        expected: number of trials planned, practice not counted.
    """
    boxes = {task.id for task in protocol.tasks if task.type == "checkboxes"}
    checks = {check.id: check for check in protocol.design.attention}
    answers = [_answer(r, boxes, checks) for r in ratings.to_dict("records")]
    questionnaire = {
        task.id: (_number(row.get(f"{task.id}_response")), _text(row.get(task.id)))
        for task in protocol.pages.questionnaire
    }
    return Person([a for a in answers if a is not None], questionnaire, expected)


def _answer(row: dict[str, Any], boxes: set[str], checks: dict[str, Any]) -> Answer | None:
    check = checks.get(_text(row.get("check")))
    if row["kind"] == "attention" and (check is None or row["question"] != check.task):
        return None  # a trial with several tasks: only the one that the check names counts
    label = _text(row.get("label"))
    ticked = frozenset(part for part in label.split(BOXES) if part)
    repeat_of = _number(row.get("repeat_of"))
    return Answer(
        kind=row["kind"],
        stimulus=row["stimulus_id"],
        question=row["question"],
        response=_number(row.get("response")),
        label=label,
        boxes=ticked if row["question"] in boxes else None,
        rt_ms=_number(row.get("rt_ms")),
        repeat_of=None if repeat_of is None else int(repeat_of),
        trial=int(row["trial"]),
        expected=None if check is None else float(check.answer),
    )


def _number(value: Any) -> float | None:
    return None if value is None or pd.isna(value) else float(value)


def _text(value: Any) -> str:
    return "" if value is None or pd.isna(value) else str(value)


def _disagreements(people: pd.DataFrame) -> tuple[str, ...]:
    out = []
    for row in people.to_dict("records"):
        recorded = None if pd.isna(row["valid"]) else bool(row["valid"])
        ours = row["excluded"] is None or pd.isna(row["excluded"])
        before, now = _text(row.get("exclusion_reason")), _text(row["excluded"])
        if recorded is None:
            continue
        if recorded != ours or (before and now and before != now):
            said = "valid" if recorded else f"excluded ({before or 'no reason given'})"
            found = "valid" if ours else f"excluded ({now})"
            out.append(
                f"{row['participant']}: recorded as {said}, by the rules of the protocol {found}."
            )
    return tuple(out)


def task_ratings(sample: Sample, task: str, factors: Sequence[str]) -> pd.DataFrame:
    """Analysed answers to one task, with the column `task` holding the response as a number.

    Rows without an answer are left out. `participant`, `identity`, `stimulus_id`, `list`, `trial`
    and the factors stand beside it.
    """
    rows = sample.ratings[(sample.ratings.question == task) & sample.ratings.response.notna()]
    columns = ["participant", "identity", "stimulus_id", "list", "trial", *factors]
    return rows[columns].assign(**{task: rows.response.astype(float)}).reset_index(drop=True)
