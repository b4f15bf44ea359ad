"""What counts as 1 in a binomial model of a forced choice: the protocol's `success`."""

from __future__ import annotations

import pandas as pd

from analysis.choices.confusion import answers_to, matches_of
from analysis.problems import AnalysisError
from analysis.sample.exclude import Sample
from protocols.mixed_models import MixedModel, Success
from protocols.protocol import Protocol

KEPT = ("participant", "identity", "stimulus_id", "list", "trial")


def success_ratings(sample: Sample, protocol: Protocol, model: MixedModel) -> pd.DataFrame:
    """Analysed answers to the model's task, with the column of the task holding 0 or 1.

    `participant`, `identity`, `stimulus_id`, `list`, `trial` and the factors stand beside it, as in
    `analysis.sample.exclude.task_ratings`. With `against`, only answers that name one of two
    different things remain.

    Raises:
        AnalysisError: a factor that answers should match has levels without an option.
    """
    success = model.success
    assert success is not None  # the protocol's checks see to it
    task = model.task
    rows, _ = answers_to(sample, protocol, task, protocol.questions[task].options)
    if success.labels:
        counts = rows.label.isin(success.labels)
    else:
        wanted = _meant(rows, protocol, task, str(success.matches))
        counts = rows.label == wanted
        if success.against:
            other = _meant(rows, protocol, task, success.against)
            named = (wanted != other) & (counts | (rows.label == other))
            rows, counts = rows[named], counts[named]
    found = sample.ratings.loc[rows.index, [*KEPT, *protocol.factors]]  # numbers stay numbers
    return found.assign(**{task: counts.astype(float)}).reset_index(drop=True)


def _meant(rows: pd.DataFrame, protocol: Protocol, task: str, factor: str) -> pd.Series:
    """The option that means each row's level of `factor`."""
    match = matches_of(protocol, task).get(factor)
    if match is None:
        raise AnalysisError(
            f"success: not every level of {factor} has an option of its own among "
            f"{', '.join(protocol.questions[task].options)}; name the options in success.labels"
        )
    return rows[factor].map(match)


def success_sentence(success: Success, task: str) -> str:
    """What counts as 1 and as 0, in words."""
    if success.labels:
        named = " or ".join(f"“{label}”" for label in success.labels)
        return f"An answer to {task} counts as 1 if it is {named}, and as 0 otherwise."
    if not success.against:
        return (
            f"An answer to {task} counts as 1 if it names the level of {success.matches}, and as 0 "
            "otherwise."
        )
    return (
        f"An answer to {task} counts as 1 if it names the level of {success.matches}, and as 0 if "
        f"it names that of {success.against}; answers that name neither, and stimuli in which both "
        "are the same, do not enter."
    )
