"""Stimuli that both people and a model answered: who said what about each.

A model is one rater who always gives much the same answer; people are many. So the mean of people
(or the share that chose each option) stands beside the model's one answer per stimulus.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.mixed.columns import words
from analysis.sample.exclude import Sample


def answers(rows: pd.DataFrame, task: str, column: str, factors: Sequence[str]) -> pd.DataFrame:
    """Answers to a task as `rating`: one row each, with the factors' levels as words.

    Args:
        rows: rows of the ratings table.
        task: id of the question.
        column: response (a number) or label.
        factors: factors of the protocol.
    """
    rows = rows[(rows.question == task) & rows[column].notna()]
    rating = rows[column].astype(float) if column == "response" else rows[column].astype(str)
    kept = rows[["participant", "stimulus_id", "identity", "list", *factors]]
    worded = {name: words(kept[name]) for name in factors}
    return kept.assign(**worded, rating=rating).reset_index(drop=True)


def both(
    sample: Sample, task: str, model: str, column: str, factors: Sequence[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Answers of people and of `model`, about the stimuli that both answered.

    Identity and factors of a stimulus are those that people's rows name.
    """
    people = answers(sample.ratings, task, column, factors)
    machine = answers(sample.model_ratings, task, column, factors)
    machine = machine[machine.participant == model]
    about = people.groupby("stimulus_id")[["identity", *factors]].first()
    shared = about.index.intersection(machine.stimulus_id)
    people = people[people.stimulus_id.isin(shared)].reset_index(drop=True)
    machine = machine[machine.stimulus_id.isin(shared)].reset_index(drop=True)
    for name in about:
        machine[name] = machine.stimulus_id.map(about[name])
    return people, machine


def rated(people: pd.DataFrame, machine: pd.DataFrame, factors: Sequence[str]) -> pd.DataFrame:
    """Per stimulus: identity, factors, n (people), people (mean), sd, model, difference.

    `difference` is the model's rating minus the mean of people, in points of the scale.
    """
    by = people.groupby("stimulus_id", sort=True)
    table = by[["identity", *factors]].first()
    table["n"] = by.size()
    table["people"] = by.rating.mean()
    table["sd"] = by.rating.std()
    table["model"] = machine.groupby("stimulus_id").rating.mean()
    table["difference"] = table.model - table.people
    return table.reset_index()


def chosen(people: pd.DataFrame, machine: pd.DataFrame, factors: Sequence[str]) -> pd.DataFrame:
    """Per stimulus: identity, factors, n, model's option, plurality, tied, agrees, share.

    `plurality` joins the options that most people chose (by ` / ` if several are tied), `agrees`
    says whether the model's option is one of them, and `share` is the share of people who chose
    the model's option.
    """
    by = people.groupby("stimulus_id", sort=True)
    table = by[["identity", *factors]].first()
    table["n"] = by.size()
    shares = pd.crosstab(people.stimulus_id, people.rating, normalize="index")
    table["model"] = machine.groupby("stimulus_id").rating.agg(_most_frequent)
    most = shares.ge(shares.max(axis=1) - 1e-12, axis=0)
    table["plurality"] = [" / ".join(most.columns[row]) for row in most.to_numpy()]
    table["tied"] = most.sum(axis=1) > 1
    place = [shares.columns.get_indexer([option])[0] for option in table.model]
    found = [row[j] if j >= 0 else 0.0 for row, j in zip(shares.to_numpy(), place, strict=True)]
    table["share"] = found
    agree = [
        bool(row[j]) if j >= 0 else False for row, j in zip(most.to_numpy(), place, strict=True)
    ]
    table["agrees"] = np.array(agree, bool)
    return table.reset_index()


def _most_frequent(options: pd.Series) -> str:
    return str(options.value_counts(sort=True).index[0])
