"""Answers of people who are only imagined, for a whole table of trials at once.

The model of `experiments.crowd`, without careless people and drop-outs: an answer to a scale is
y = mu(cell) + p + i + e, rounded and kept on the scale; choices: `experiments.imagined_choices`.
All random numbers come from the generator that is passed in, in this order: intercept and slopes of
one participant after the other, in the order in which they appear; those of the identities in the
same way; the residuals.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtr

from experiments.crowd import cell_mean, settings_of, slope_weights
from experiments.errors import StudyError
from experiments.imagined_choices import ChoicesOf, about_choices, choices_of, where
from experiments.truth import true_means
from protocols.mixed_models import MixedModel
from protocols.protocol import Protocol
from protocols.scales import NUMERIC, places
from protocols.simulation import ScaleAnswers
from protocols.tasks import ForcedChoice


def scaled(protocol: Protocol, factor: float) -> Protocol:
    """The protocol with every effect of its simulation multiplied by `factor`.

    Of scales these are the points that effects add, of choices the probabilities of following.

    Raises:
        StudyError: such probabilities would add up to more than 1.
    """
    simulation = protocol.simulation
    tasks = {name: _scaled(answers, factor) for name, answers in simulation.tasks.items()}
    for name, answers in tasks.items():
        for levels in protocol.stimuli.cells if factor > 1 and answers.followed else ():
            if sum(answers.follows_at(levels).values()) > 1 + 1e-9:
                raise StudyError(
                    f"--scale: found {factor:g}; the probabilities of simulation.tasks.{name}."
                    "follows would add up to more than 1; use a smaller number"
                )
    changed = simulation.model_copy(update={"tasks": tasks})
    return protocol.model_copy(update={"simulation": changed})


def _scaled(answers: ScaleAnswers, factor: float) -> ScaleAnswers:
    def times(shares: Mapping[str, float]) -> dict[str, float]:
        return {name: factor * share for name, share in shares.items()}

    effects = (e.model_copy(update={"add": factor * e.add}) for e in answers.effects)
    on_some = (one.model_copy(update={"of": times(one.of)}) for one in answers.follows_when)
    changed = {"effects": tuple(effects), "follows": times(answers.follows),
               "follows_when": tuple(on_some)}  # fmt: skip
    return answers.model_copy(update=changed)


@dataclass(frozen=True)
class Imagined:
    """People who answer as `simulation` of the protocol assumes."""

    protocol: Protocol

    def prepare(self, trials: pd.DataFrame, model: MixedModel) -> ScaleOf | ChoicesOf:
        """What does not change from one simulation to the next.

        Args:
            trials: one row per rating: participant, identity and the factors.
            model: its task is answered.

        Raises:
            StudyError: the task is neither a scale nor a forced choice, or no option of the task
                means a level that choices follow.
        """
        task = self.protocol.questions[model.task]
        if isinstance(task, ForcedChoice):
            assert model.success is not None  # the protocol's checks see to it
            return choices_of(self.protocol, task, trials, model.success)
        if task.type not in NUMERIC:
            raise StudyError(f"{model.task} is neither a scale nor a forced choice")
        settings = settings_of(self.protocol, model.task)
        cells = trials[self.protocol.factors]
        levels = cells.drop_duplicates()
        means = {
            row: cell_mean(settings, task, dict(zip(cells.columns, row, strict=True)))
            for row in levels.itertuples(index=False, name=None)
        }
        expected = true_means(self.protocol)
        expected = expected[expected["task"] == model.task]
        expected_of = {
            tuple(row[f] for f in self.protocol.factors): row["mean"]
            for row in expected.to_dict("records")
        }
        rows = list(cells.itertuples(index=False, name=None))
        latent = np.array([means[row] for row in rows])
        if model.family == "ordinal":
            expected = point_shares(task, latent, settings.residual_sd)
        else:
            expected = np.array([expected_of[row] for row in rows])
        return ScaleOf(
            (task.low, task.high, task.step),
            settings.residual_sd,
            latent,
            expected,
            (
                self._group(trials, "participant", settings),
                self._group(trials, "identity", settings),
            ),
        )

    def assumptions(self, model: MixedModel) -> list[str]:
        """What is assumed about the answers that this model analyses, in sentences."""
        task = self.protocol.questions[model.task]
        settings = settings_of(self.protocol, model.task)
        if isinstance(task, ForcedChoice):
            return about_choices(task, settings)
        mean = (task.low + task.high) / 2 if settings.mean is None else settings.mean
        whole = "whole points" if task.step == 1 else f"steps of {task.step:g}"
        effects = "; ".join(
            f"{_signed(effect.add)} at {where(effect.when)}" for effect in settings.effects
        )
        people = _spread(settings.participant_sd, settings.participant_slope_sd)
        items = _spread(settings.identity_sd, settings.identity_slope_sd)
        return [
            f"Answers to {model.task} ({task.low:g} to {task.high:g}) lie around {mean:g} points"
            + (f", changed by {effects}." if effects else ", whatever is shown."),
            f"Participants differ {people}, items {items}; the residual standard deviation is "
            f"{settings.residual_sd:g} points. Answers are rounded to {whole} and kept on "
            "the scale.",
        ]

    def _group(self, trials: pd.DataFrame, name: str, settings: ScaleAnswers) -> Group:
        intercept, slopes = {
            "participant": (settings.participant_sd, settings.participant_slope_sd),
            "identity": (settings.identity_sd, settings.identity_slope_sd),
        }[name]
        codes, found = pd.factorize(trials[name])
        return Group(codes, len(found), intercept, self._columns(trials, slopes))

    def _columns(self, trials: pd.DataFrame, slopes: Mapping[str, float]) -> np.ndarray:
        """Deviation (n, D) of each trial per standard normal draw of a group's slopes."""
        blocks = [np.empty((len(trials), 0))]
        for factor, sd in slopes.items():
            levels = self.protocol.stimuli.factors[factor]
            at = trials[factor].map({level: i for i, level in enumerate(levels)}).to_numpy(int)
            blocks.append(sd * slope_weights(levels)[at])
        return np.hstack(blocks)


@dataclass(frozen=True)
class Group:
    """Participants or identities: `codes` (n,) of `count` groups, spread in points of the scale."""

    codes: np.ndarray
    count: int
    intercept_sd: float
    columns: np.ndarray  # (n, D)

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """The groups' deviation on each trial (n,)."""
        z = rng.standard_normal((self.count, 1 + self.columns.shape[1]))
        slopes = np.einsum("nd,nd->n", self.columns, z[self.codes, 1:])
        return self.intercept_sd * z[self.codes, 0] + slopes


@dataclass(frozen=True)
class ScaleOf:
    """Answers on a scale to a fixed table of n trials.

    Attributes:
        line: lowest and highest answer, and the step between two answers.
        residual_sd: standard deviation of e.
        latent: mu of each trial (n,), before rounding.
        expected: mean answer on each trial (n,), after rounding and clipping; for an ordinal model
            the probability of each point (n, K), participant and identity in the middle.
        groups: participants, identities.
    """

    line: tuple[float, float, float]
    residual_sd: float
    latent: np.ndarray
    expected: np.ndarray
    groups: tuple[Group, ...]

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """Answers (n,) of one simulated study."""
        latent = self.latent + sum(group.draw(rng) for group in self.groups)
        latent = latent + self.residual_sd * rng.standard_normal(len(latent))
        low, high, step = self.line
        return np.clip(low + step * np.floor((latent - low) / step + 0.5), low, high)


def point_shares(task: Any, latent: np.ndarray, sd: float) -> np.ndarray:
    """Probability (n, K) of each point of a scale around the latent answer (n,)."""
    edges = task.low + task.step * (np.arange(1, places(task)) - 0.5)
    above = latent[:, None] - edges
    beyond = ndtr(above / sd) if sd > 0 else (above >= 0).astype(float)
    return -np.diff(beyond, axis=1, prepend=1.0, append=0.0)


def _signed(value: float) -> str:
    return f"{value:+g}".replace("-", "\N{MINUS SIGN}")


def _spread(intercept: float, slopes: Mapping[str, float]) -> str:
    each = "".join(f", in their effect of {name} by {sd:g}" for name, sd in slopes.items())
    return f"in their mean by {intercept:g}{each} (standard deviations in points)"
