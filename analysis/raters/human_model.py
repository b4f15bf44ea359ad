"""People beside a model that answered the same task: every declared comparison, or every possible.

Rows of source `model` are the model's answers; each `participant` among them is one model. For a
scale: concordance over stimuli with a noise ceiling, and a mixed model of both kinds of rater. For
a forced choice: the model's option beside the plurality of people, and confusions side by side.
Only stimuli that both answered count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from statsmodels.stats.proportion import proportion_confint

from analysis.mixed.columns import word
from analysis.problems import AnalysisError
from analysis.raters.bootstrap import by_identity, draws
from analysis.raters.concordance import calibration, with_intervals
from analysis.raters.equivalence import Equivalence, tost
from analysis.raters.halves import Halves, split_half
from analysis.raters.items import both, chosen, rated
from analysis.raters.rater_kinds import Kinds, compare_kinds
from analysis.sample.exclude import Sample
from protocols.analysis_plan import HumanModel
from protocols.protocol import Protocol
from protocols.scales import NUMERIC

FEWEST_STIMULI = 3
CHOICE = "forced-choice"


@dataclass(frozen=True)
class OnScale:
    """A model beside people on a scale.

    Attributes:
        asked: task, factors and bound.
        declared: whether the protocol asked for this comparison.
        model: which model (its `participant` in the ratings).
        ends: the lowest and the highest answer of the scale.
        stimuli: one row each, see `analysis.raters.items.rated`.
        table: measures of concordance with 95 % intervals, see `analysis.raters.concordance`.
        bins: calibration, see `analysis.raters.concordance.calibration`.
        clustered: whether the bootstrap drew whole identities.
        people: number of people.
        halves: split halves of people, if there are enough of them.
        one_person: mean correlation of one person with the mean of the others.
        kinds: the mixed model, or none and why not (`failure`).
        equivalence: of the mean difference, with a declared bound.
        off_scale: number of the model's ratings beyond `ends`.
    """

    asked: HumanModel
    declared: bool
    model: str
    ends: tuple[float, float]
    stimuli: pd.DataFrame
    table: pd.DataFrame
    bins: pd.DataFrame
    clustered: bool
    people: int
    halves: Halves | None
    one_person: float
    kinds: Kinds | None
    failure: str
    equivalence: Equivalence | None
    off_scale: int

    def value(self, measure: str) -> float:
        """The value of a measure of concordance."""
        return float(self.table.set_index("measure").value[measure])


@dataclass(frozen=True)
class OnChoice:
    """A model beside people in a forced choice.

    Attributes:
        asked, declared, model, people: as on a scale.
        options: in order.
        stimuli: one row each, see `analysis.raters.items.chosen`.
        agreement: share of stimuli where the model chose what most people chose, with its 95 %
            (Wilson) interval.
        with_a_person: mean share of people who chose the model's option.
        person_with_person: mean share of pairs of people who chose the same.
        confusions: factor -> shares of options by its levels: kind, factor, n, options.
        against: plurality of people (rows) by the model's option, in stimuli.
    """

    asked: HumanModel
    declared: bool
    model: str
    people: int
    options: tuple[str, ...]
    stimuli: pd.DataFrame
    agreement: tuple[float, float, float]
    with_a_person: float
    person_with_person: float
    confusions: Mapping[str, pd.DataFrame]
    against: pd.DataFrame


@dataclass(frozen=True)
class HumanModels:
    """Every comparison, and what could not be compared, as sentences."""

    found: tuple[OnScale | OnChoice, ...]
    notes: tuple[str, ...]


def human_models(sample: Sample, protocol: Protocol) -> HumanModels:
    """Each declared comparison with each model; nothing declared: every task that both answered."""
    found: list[OnScale | OnChoice] = []
    notes: list[str] = []
    declared = protocol.analysis.human_model
    rows = sample.model_ratings
    steps = declared or tuple(
        HumanModel(task=task.id)
        for task in protocol.questions.values()
        if task.type in (*NUMERIC, CHOICE) and (rows.question == task.id).any()
    )
    for step in steps:
        models = sorted(rows[rows.question == step.task].participant.unique())
        if not models:
            notes.append(
                f"People beside a model in {step.task}: declared in analysis.human_model, but "
                f"ratings.csv holds no answer of a model to {step.task} (source: model). Add its "
                "rows and run mien report again."
            )
        for model in models:
            rng = np.random.default_rng([protocol.seed, len(found)])
            try:
                found.append(_compare(sample, protocol, step, str(model), bool(declared), rng))
            except AnalysisError as error:
                notes.append(f"{model} beside people in {step.task}: {error}")
    return HumanModels(tuple(found), tuple(notes))


def _compare(
    sample: Sample, protocol: Protocol, step: HumanModel, model: str, declared: bool,
    rng: np.random.Generator,
) -> OnScale | OnChoice:  # fmt: skip
    factors = protocol.stimuli.factors
    levels = {name: [word(level) for level in factors[name]] for name in step.by or factors}
    task = protocol.questions[step.task]
    on_scale = task.type in NUMERIC
    column = "response" if on_scale else "label"
    people, machine = both(sample, step.task, model, column, list(factors))
    if people.stimulus_id.nunique() < FEWEST_STIMULI:
        raise AnalysisError(
            f"both answered {people.stimulus_id.nunique()} of the same stimuli; a comparison "
            f"needs {FEWEST_STIMULI} or more, named alike in stimulus_id"
        )
    if on_scale:
        return on_a_scale(people, machine, step, (task.low, task.high), levels, rng,
                          model=model, declared=declared)  # fmt: skip
    return on_a_choice(people, machine, step, task.options, levels, model=model, declared=declared)


def on_a_scale(
    people: pd.DataFrame, machine: pd.DataFrame, step: HumanModel, ends: tuple[float, float],
    levels: Mapping[str, Sequence[str]], rng: np.random.Generator, *, model: str = "model",
    declared: bool = True,
) -> OnScale:  # fmt: skip
    """A model beside people on a scale.

    Args:
        people: participant, stimulus_id, identity, list, factors, rating; one row per rating.
        machine: the same of the model, about the same stimuli.
        step: what to compare.
        ends: the lowest and the highest answer of the scale.
        levels: factor -> levels in order, as words.
        rng: for bootstrap and split halves.
        model: its name.
        declared: whether the protocol asked for this.
    """
    stimuli = rated(people, machine, list(levels))
    x, y = stimuli.model.to_numpy(float), stimuli.people.to_numpy(float)
    table = with_intervals(x, y, sum(ends) / 2, draws(stimuli.identity.tolist(), rng))
    kinds, failure = None, ""
    try:
        kinds = compare_kinds(people, machine, levels)
    except AnalysisError as error:
        failure = str(error)
    bound = step.equivalence
    outside = (machine.rating < ends[0]) | (machine.rating > ends[1])
    return OnScale(
        step, declared, model, ends, stimuli, table, calibration(x, y),
        by_identity(stimuli.identity.tolist()), people.participant.nunique(),
        split_half(people, rng), one_person(people), kinds, failure,
        tost(kinds.difference, bound) if kinds and bound else None, int(outside.sum()),
    )  # fmt: skip


def one_person(people: pd.DataFrame) -> float:
    """Mean correlation of one person's ratings with the mean of the others, over people."""
    if people.participant.nunique() < 2:
        return float("nan")
    by = people.groupby("stimulus_id").rating
    total, n = by.transform("sum"), by.transform("size")
    others = ((total - people.rating) / (n - 1)).where(n > 1)
    own = pd.DataFrame({"who": people.participant, "own": people.rating, "others": others}).dropna()
    each = [
        rows.own.corr(rows.others)
        for _, rows in own.groupby("who")
        if len(rows) >= FEWEST_STIMULI and rows.own.nunique() > 1 and rows.others.nunique() > 1
    ]
    return float(np.mean(each)) if each else float("nan")


def on_a_choice(
    people: pd.DataFrame, machine: pd.DataFrame, step: HumanModel, options: Sequence[str],
    levels: Mapping[str, Sequence[str]], *, model: str = "model", declared: bool = True,
) -> OnChoice:  # fmt: skip
    """A model beside people in a forced choice; arguments as in `on_a_scale`, ratings are words."""
    stimuli = chosen(people, machine, list(levels))
    agreeing, n = int(stimuli.agrees.sum()), len(stimuli)
    low, high = proportion_confint(agreeing, n, method="wilson")
    counts = pd.crosstab(people.stimulus_id, people.rating).to_numpy(float)
    m = counts.sum(axis=1)
    same = (counts * (counts - 1)).sum(axis=1)[m > 1] / (m * (m - 1))[m > 1]
    sure = stimuli[~stimuli.tied]
    against = pd.crosstab(sure.plurality, sure.model)
    return OnChoice(
        step, declared, model, people.participant.nunique(), tuple(options), stimuli,
        (agreeing / n, float(low), float(high)), float(stimuli.share.mean()),
        float(same.mean()) if len(same) else float("nan"),
        {name: _confusion(people, machine, name, found, options) for name, found in levels.items()},
        against.reindex(index=list(options), columns=list(options), fill_value=0),
    )  # fmt: skip


def _confusion(
    people: pd.DataFrame, machine: pd.DataFrame, factor: str, levels: Sequence[str],
    options: Sequence[str],
) -> pd.DataFrame:  # fmt: skip
    """Shares of the options by the levels of a factor, of people and then of the model."""
    parts = []
    for kind, rows in (("people", people), ("model", machine)):
        counts = pd.crosstab(rows[factor], rows.rating)
        counts = counts.reindex(index=list(levels), columns=list(options), fill_value=0)
        n = counts.sum(axis=1)
        shares = counts.div(n.where(n > 0), axis=0)
        shares.insert(0, "n", n)
        shares.insert(0, factor, shares.index)
        shares.insert(0, "kind", kind)
        parts.append(shares)
    return pd.concat(parts, ignore_index=True)
