"""Forced choices of people who are only imagined, as the zeros and ones of a binomial model.

What a choice follows is stated in `protocols.simulation`; what counts as 1 is the model's
`success`.
All random numbers come from the generator that is passed in, in this order: the deviations of one
participant after the other, in the order in which they appear; those of the identities in the same
way; one number for each choice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from experiments.crowd import Followed, followed, settings_of
from protocols.emotions import matching_options
from protocols.mixed_models import Success
from protocols.protocol import Protocol
from protocols.simulation import ScaleAnswers
from protocols.tasks import ForcedChoice


@dataclass(frozen=True)
class People:
    """Participants or identities: `codes` (n,) of `count` groups, `sd` of their logits."""

    codes: np.ndarray
    count: int
    sd: float

    def draw(self, factors: int, rng: np.random.Generator) -> np.ndarray:
        """Deviations (n, factors) on each trial; no random numbers where nobody deviates."""
        if self.sd == 0:
            return np.zeros((len(self.codes), factors))
        return self.sd * rng.standard_normal((self.count, factors))[self.codes]


@dataclass(frozen=True)
class ChoicesOf:
    """Choices among K options on a fixed table of n trials.

    Attributes:
        probabilities: p_k of each followed factor (n, F), participant and identity in the middle.
        places: the option (from 0) that each factor decides for (n, F).
        options: K.
        groups: participants, identities.
        one: whether each option counts as 1 (n, K).
        counted: whether it counts at all (n, K).
    """

    probabilities: np.ndarray
    places: np.ndarray
    options: int
    groups: tuple[People, ...]
    one: np.ndarray
    counted: np.ndarray

    def shares(self, deviations: np.ndarray | float = 0.0) -> np.ndarray:
        """Probability of every option (n, K); deviations (n, F) in logits."""
        weights = self.probabilities * np.exp(deviations)
        rest = np.maximum(1 - self.probabilities.sum(axis=1, keepdims=True), 0)
        total = rest + weights.sum(axis=1, keepdims=True)
        shares = np.repeat(rest / total / self.options, self.options, axis=1)
        for k in range(weights.shape[1]):
            shares[np.arange(len(shares)), self.places[:, k]] += weights[:, k] / total[:, 0]
        return shares

    @property
    def expected(self) -> np.ndarray:
        """Probability of 0 and 1 (n, 2) among answers that count, for people in the middle.

        Missing where no answer counts.
        """
        counted = np.where(self.counted, self.shares(), 0.0)
        ones = np.where(self.one, counted, 0.0).sum(axis=1)
        with np.errstate(invalid="ignore"):
            share = ones / counted.sum(axis=1)
        return np.column_stack([1 - share, share])

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """0, 1 or missing (n,) of one simulated study."""
        factors = self.probabilities.shape[1]
        deviations = sum(group.draw(factors, rng) for group in self.groups)
        up_to = np.cumsum(self.shares(deviations), axis=1)
        drawn = rng.random(len(up_to))[:, None] >= up_to / up_to[:, -1:]
        choice = drawn.sum(axis=1)[:, None]
        answers = np.take_along_axis(self.one, choice, axis=1)[:, 0].astype(float)
        return np.where(np.take_along_axis(self.counted, choice, axis=1)[:, 0], answers, np.nan)


def choices_of(
    protocol: Protocol, task: ForcedChoice, trials: pd.DataFrame, success: Success
) -> ChoicesOf:
    """Choices on a table of trials (participant, identity and the factors).

    Raises:
        StudyError: no option of the task means a followed level.
    """
    settings = settings_of(protocol, task.id)
    names = settings.followed
    cells = trials[protocol.factors]
    rows = list(cells.itertuples(index=False, name=None))
    found = {row: _followed(task, settings, dict(zip(cells.columns, row, strict=True)), names)
             for row in set(rows)}  # fmt: skip
    one, counted = _successes(protocol, task, cells, success)
    return ChoicesOf(
        np.array([[f.probability for f in found[row]] for row in rows]).reshape(-1, len(names)),
        np.array([[f.place for f in found[row]] for row in rows], int).reshape(-1, len(names)),
        len(task.options),
        (_people(trials["participant"], settings.participant_follow_sd),
         _people(trials["identity"], settings.identity_follow_sd)),
        one,
        counted,
    )  # fmt: skip


def about_choices(task: ForcedChoice, settings: ScaleAnswers) -> list[str]:
    """What is assumed about a forced choice, in sentences."""
    any_of = f"any of the {len(task.options)} options alike"
    if not settings.followed:
        return [f"Answers to {task.id} name {any_of}."]
    said = [_shares(settings.follows)] if settings.follows else []
    said += [f"{_shares(one.of)} at {where(one.when)}" for one in settings.follows_when]
    follows = (
        f"Answers to {task.id} name the level of a factor with a stated probability "
        f"({'; '.join(said)}), and otherwise {any_of}."
    )
    people, items = settings.participant_follow_sd, settings.identity_follow_sd
    if not (people or items):
        return [follows, "Participants do not differ in that, nor do items."]
    return [
        follows,
        "These are probabilities for participants and items in the middle; participants differ in "
        f"their log odds by {people:g}, items by {items:g} (standard deviations in logits).",
    ]


def _shares(of: Mapping[str, float]) -> str:
    return " and ".join(f"{name} with {share:.4g}" for name, share in of.items())


def where(when: Mapping[str, object]) -> str:
    """`emotion = happy, m = 1`."""
    return ", ".join(f"{factor} = {level}" for factor, level in when.items())


def _followed(
    task: ForcedChoice, settings: ScaleAnswers, levels: dict, names: list[str]
) -> list[Followed]:
    found = followed(task, settings, levels)
    return [found.get(name, Followed(0, 0.0)) for name in names]


def _people(names: pd.Series, sd: float) -> People:
    codes, found = pd.factorize(names)
    return People(codes, len(found), sd)


def _successes(
    protocol: Protocol, task: ForcedChoice, cells: pd.DataFrame, success: Success
) -> tuple[np.ndarray, np.ndarray]:
    """Which options (n, K) count as 1, and which count at all."""
    options = np.array(task.options)
    everything = np.ones((len(cells), len(options)), bool)
    if success.labels:
        return everything & np.isin(options, success.labels), everything
    meant = _meaning(protocol, task, cells)
    wanted = meant(str(success.matches))
    one = options == wanted[:, None]
    if not success.against:
        return one, everything
    other = meant(success.against)
    return one, (one | (options == other[:, None])) & (wanted != other)[:, None]


def _meaning(
    protocol: Protocol, task: ForcedChoice, cells: pd.DataFrame
) -> Callable[[str], np.ndarray]:
    """A function: factor -> the option (n,) that means its level on each trial."""

    def meant(factor: str) -> np.ndarray:
        match = matching_options(protocol.stimuli.factors[factor], task.options)
        return cells[factor].map(str).map(match).to_numpy()

    return meant
