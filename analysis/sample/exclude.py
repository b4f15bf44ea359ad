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
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from analysis.problems import AnalysisError
from analysis.sample.checks import Checks, check_tables
from analysis.sample.flow import flow_of
from protocols.exclusions import NOT_COMPLETED, WITHDRAWN
from protocols.manifest import COLUMNS as STIMULI
from protocols.manifest import NAME as MANIFEST
from protocols.manifest import SEPARATOR
from protocols.persons import BOXES, text, verdicts
from protocols.protocol import Protocol
from protocols.ratings import KEY, SOURCES, UNKNOWN, read_participants, read_ratings
from protocols.ratings import NAME as RATINGS
from protocols.section import nearest
from protocols.study import Study
from protocols.tables import read_table
from protocols.trials import NAME as PLAN
from protocols.trials import read_trials

__all__ = ["BOXES", "Sample", "read_sample", "select", "task_ratings", "with_everybody"]
SIMULATED, MODEL = "simulation", "model"
OF_PEOPLE = tuple(name for name in SOURCES if name != MODEL)  # sources whose raters are people


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
        checks: what was found in the tables, and which of all their rows are set aside for it.
        aside: for each row of `everything`: whether it is set aside.
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
    checks: Checks = Checks()
    aside: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))

    @property
    def raters_known(self) -> bool:
        """Whether it is known who gave which answer; not so for counts of votes."""
        return not (self.people.participant == UNKNOWN).all()

    @property
    def participants(self) -> int:
        """Number of participants analysed."""
        return int(self.people.excluded.isna().sum())

    @property
    def overruled(self) -> dict[str, bool]:
        """Participants whose recorded `valid` is not ours -> whether we analyse them."""
        ours = dict(zip(self.people.participant, self.people.excluded.isna(), strict=True))
        recorded = self.everything.groupby("participant").valid.all()
        return {
            str(p): ours[p] for p, valid in recorded.items() if ours.get(p, valid) != bool(valid)
        }


def read_sample(study: Study, protocol: Protocol, source: str | None = None) -> Sample:
    """The data of a study, with the protocol's exclusions applied; `source`: only that one.

    Raises:
        TableError: a table cannot be read.
        AnalysisError: there is nobody to analyse.
    """
    ratings = read_ratings(study.ratings_file, copies=True)
    people = read_participants(study.participants_file, copies=True)
    planned = None
    if (study.plan / PLAN).is_file():
        trials = read_trials(study.plan)
        planned = trials[trials.kind != "practice"].groupby("slot").size()
    shown = study.stimuli / MANIFEST
    manifest = read_table(shown, STIMULI, SEPARATOR) if shown.is_file() else None
    return select(ratings, people, protocol, planned, source, manifest)


def select(
    ratings: pd.DataFrame,
    people: pd.DataFrame,
    protocol: Protocol,
    planned: pd.Series | None = None,
    source: str | None = None,
    manifest: pd.DataFrame | None = None,
) -> Sample:
    """The sample in the two tables.

    Args:
        ratings: the ratings table.
        people: the participants' table.
        protocol: for the rules.
        planned: slot -> number of its trials, practice not counted.
        source: web, lab, import or simulation; None: every real source, or else simulation.
        manifest: the stimuli, to check levels and identities against.

    Raises:
        AnalysisError: there is nobody to analyse.
    """
    ratings, people, checks = check_tables(ratings, people, protocol, manifest)
    people = people[people.source != MODEL]
    sources = _sources(people, source)
    beside = people[(people.source == SIMULATED) & ~people.source.isin(sources)]
    people = people[people.source.isin(sources)].reset_index(drop=True)
    ours = ratings.source.isin(sources).to_numpy(bool)
    everything = ratings[ours].reset_index(drop=True)
    of_source = ratings[ours & ~checks.aside]
    notes = [] if planned is not None else [_no_plan(protocol)]
    judged = everything.drop_duplicates(KEY) if checks.has("COPIES") else everything
    people = people.assign(excluded=_excluded(people, judged, protocol, planned))
    kept = set(people[people.excluded.isna()].participant)
    rows = of_source[(of_source.kind == "rating") & of_source.participant.isin(kept)]
    flow = flow_of(people, protocol)
    if rows.empty:
        raise AnalysisError(_nobody(flow, of_source, checks))
    return Sample(
        ratings=rows.reset_index(drop=True),
        model_ratings=_of_models(ratings[~checks.aside]),
        everything=everything,
        people=people,
        simulated=sources == [SIMULATED],
        left_out=len(beside),
        flow=flow,
        disagreements=_disagreements(people),
        notes=tuple(note for note in notes if note),
        checks=checks,
        aside=checks.aside[ours],
    )


def _nobody(flow: pd.DataFrame, counted: pd.DataFrame, checks: Checks) -> str:
    """Why nobody can be analysed."""
    took_part, *rules, analysed = flow.itertuples()
    why = [f"{rule.reason} (n = {rule.participants})" for rule in rules if rule.participants]
    if analysed.participants:
        why.append(
            f"{analysed.participants} have no ratings that count ({RATINGS} holds {len(counted)} "
            "usable rows of this source)"
        )
    why += [finding.found for finding in checks.findings if finding.aside]
    return f"nobody to analyse: took part: {took_part.participants}; {'; '.join(why)}"


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
    """The rule that each participant fails, or the reason outside the rules that is recorded."""
    rules = {rule.id for rule in protocol.exclusions}
    out = []
    found = verdicts(ratings, people, protocol, planned)
    for recorded, failed in zip(people.exclusion_reason, found, strict=True):
        outside_rules = text(recorded) not in ("", NOT_COMPLETED, *rules)
        out.append(str(recorded) if outside_rules and failed is None else failed)
    return out


def _disagreements(people: pd.DataFrame) -> tuple[str, ...]:
    out = []
    for row in people.to_dict("records"):
        recorded = None if pd.isna(row["valid"]) else bool(row["valid"])
        ours = row["excluded"] is None or pd.isna(row["excluded"])
        before, now = text(row.get("exclusion_reason")), text(row["excluded"])
        if recorded is None:
            continue
        if recorded != ours or (before and now and before != now):
            said = "valid" if recorded else f"excluded ({before or 'no reason given'})"
            found = "valid" if ours else f"excluded ({now})"
            out.append(
                f"{row['participant']}: recorded as {said}, by the rules of the protocol {found}."
            )
    return tuple(out)


def with_everybody(sample: Sample) -> Sample:
    """The same sample with nobody excluded, to see whether exclusions decide a result.

    Who withdrew stays out: their answers may not be used. Rows that are set aside stay aside.
    """
    people = sample.people.assign(
        excluded=sample.people.excluded.where(sample.people.excluded == WITHDRAWN, None)
    )
    kept = set(people[people.excluded.isna()].participant)
    rows = sample.everything[~sample.aside & (sample.everything.kind == "rating")]
    rows = rows[rows.participant.isin(kept)].reset_index(drop=True)
    return replace(sample, ratings=rows, people=people)


def task_ratings(sample: Sample, task: str, factors: Sequence[str]) -> pd.DataFrame:
    """Analysed answers to one task, with the column `task` holding the response as a number.

    Rows without an answer are left out. `participant`, `identity`, `stimulus_id`, `list`, `trial`
    and the factors stand beside it.
    """
    rows = sample.ratings[(sample.ratings.question == task) & sample.ratings.response.notna()]
    columns = ["participant", "identity", "stimulus_id", "list", "trial", *factors]
    return rows[columns].assign(**{task: rows.response.astype(float)}).reset_index(drop=True)
