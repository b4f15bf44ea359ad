"""How simulated participants answer; the model is stated in `protocols.simulation`.

Symbols: an answer to a scale is y = mu(cell) + p + i + e, rounded and kept on the scale, with p
the participant's and i the identity's intercept and slopes (points of the scale) and e the
residual. A choice follows factor k with probability p_k, whose odds differ between people and
between identities (deviations in logits). Random numbers depend on the seed and on who is meant,
never on the order of drawing: the same identity has the same effects for everybody.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from experiments.errors import StudyError
from protocols.conditions import Level
from protocols.emotions import option_for
from protocols.protocol import Protocol
from protocols.simulation import ScaleAnswers
from protocols.tasks import Checkboxes, ForcedChoice

TICKS = 0.3  # probability of ticking a box of which the protocol says nothing

Levels = Mapping[str, Level | None]


@dataclass(frozen=True)
class Effects:
    """Intercept and slopes of one participant or identity, in points of the scale."""

    intercept: float
    slopes: Mapping[str, Mapping[Level, float]]  # factor -> level -> deviation

    def at(self, levels: Levels) -> float:
        """The deviation on a trial with these levels."""
        return self.intercept + sum(
            deviations.get(levels.get(factor), 0.0)  # type: ignore[arg-type]
            for factor, deviations in self.slopes.items()
        )


def settings_of(protocol: Protocol, task: str) -> ScaleAnswers:
    """What the protocol assumes about answers to `task`, or the defaults."""
    return protocol.simulation.tasks.get(task, ScaleAnswers())


def cell_mean(settings: ScaleAnswers, scale: Any, levels: Levels) -> float:
    """mu: mean of the latent answer to `scale` in a cell, before rounding."""
    middle = (scale.low + scale.high) / 2
    mean = middle if settings.mean is None else settings.mean
    return mean + sum(
        effect.add
        for effect in settings.effects
        if all(levels.get(factor) == level for factor, level in effect.when.items())
    )


def slope_weights(levels: tuple[Level, ...]) -> np.ndarray:
    """Deviations (L, D) of each level per unit of D standard normal draws.

    Two levels: coded -1/2 and +1/2, one draw. More: one draw per level, less their mean.
    """
    count = len(levels)
    if count == 2:
        return np.array([[-0.5], [0.5]])
    return np.eye(count) - 1 / count


def draw_effects(
    protocol: Protocol, intercept_sd: float, slope_sd: Mapping[str, float], rng: np.random.Generator
) -> Effects:
    """Effects of one participant or identity."""
    intercept = intercept_sd * rng.standard_normal()
    slopes = {}
    for factor, sd in slope_sd.items():
        levels = protocol.stimuli.factors[factor]
        weights = slope_weights(levels)  # (L, D)
        deviations = sd * weights @ rng.standard_normal(weights.shape[1])
        slopes[factor] = dict(zip(levels, map(float, deviations), strict=True))
    return Effects(float(intercept), slopes)


def latent_sd(protocol: Protocol, settings: ScaleAnswers) -> float:
    """Standard deviation of the latent answer in a cell, over people, identities and residual.

    With slopes over more than one level it is the same for every level, as the weights' rows have
    equal length.
    """
    variance = settings.participant_sd**2 + settings.identity_sd**2 + settings.residual_sd**2
    for slopes in (settings.participant_slope_sd, settings.identity_slope_sd):
        for factor, sd in slopes.items():
            row = slope_weights(protocol.stimuli.factors[factor])[0]
            variance += sd**2 * float(row @ row)
    return math.sqrt(variance)


@dataclass(frozen=True)
class Followed:
    """A factor that decides about a choice: `place` of its option (from 0), and how probably."""

    place: int
    probability: float


def followed(task: ForcedChoice, settings: ScaleAnswers, levels: Levels) -> dict[str, Followed]:
    """Factor -> the option that it decides for, for participants and identities in the middle.

    Raises:
        StudyError: no option of the task means a followed level.
    """
    found: dict[str, Followed] = {}
    for factor, probability in settings.follows_at(levels).items():
        level = levels.get(factor)
        if level is None:  # practice with other conditions
            continue
        option = option_for(level, task.options)
        if option is None:
            raise StudyError(
                f"simulation.tasks.{task.id}.follows: no option of the task means level '{level}' "
                f"of {factor}; found: {', '.join(task.options)}"
            )
        found[factor] = Followed(task.options.index(option), probability)
    return found


def choice_shares(
    task: ForcedChoice, settings: ScaleAnswers, levels: Levels,
    deviations: Mapping[str, float] | None = None,
) -> np.ndarray:  # fmt: skip
    """Probability (K,) of each option: followed factors first, else any option alike.

    `deviations`: factor -> a_k + b_k, logits; none: participant and identity in the middle.
    """
    count, found = len(task.options), followed(task, settings, levels)
    weights = {name: one.probability * math.exp((deviations or {}).get(name, 0.0))
               for name, one in found.items()}  # fmt: skip
    rest = max(1 - sum(one.probability for one in found.values()), 0.0)
    total = rest + sum(weights.values())
    shares = np.full(count, rest / total / count)
    for name, one in found.items():
        shares[one.place] += weights[name] / total
    return shares


def draw_following(settings: ScaleAnswers, sd: float, rng: np.random.Generator) -> dict[str, float]:
    """How much more one participant or identity makes a choice follow each factor (logits)."""
    return {name: sd * float(rng.standard_normal()) for name in settings.followed} if sd else {}


def tick_shares(task: Checkboxes, settings: ScaleAnswers, levels: Levels) -> dict[str, float]:
    """Box that clears no others -> probability of ticking it."""
    shares = {option: TICKS for option in task.options if option != task.exclusive}
    for ticks in settings.ticks:
        if all(levels.get(factor) == level for factor, level in ticks.when.items()):
            shares |= ticks.of
    return shares


class Identities:
    """Effects of every identity on every task; drawn when first needed, the same for everybody."""

    def __init__(self, protocol: Protocol, seed: int) -> None:
        """`seed` of the simulation."""
        self.protocol, self.seed = protocol, seed
        self.drawn: dict[tuple[str, str], Effects] = {}
        self.drawn_following: dict[tuple[str, str], dict[str, float]] = {}

    def effects(self, identity: str, task: str) -> Effects:
        """Effects of `identity` on answers to `task`."""
        if (identity, task) not in self.drawn:
            words = zlib.crc32(identity.encode()), zlib.crc32(task.encode())
            settings = settings_of(self.protocol, task)
            self.drawn[identity, task] = draw_effects(
                self.protocol, settings.identity_sd, settings.identity_slope_sd,
                np.random.default_rng([self.seed, 1, *words]),
            )  # fmt: skip
        return self.drawn[identity, task]

    def following(self, identity: str, task: str) -> dict[str, float]:
        """Deviations of choices about `identity`, factor -> logits."""
        if (identity, task) not in self.drawn_following:
            words = zlib.crc32(identity.encode()), zlib.crc32(task.encode())
            settings = settings_of(self.protocol, task)
            self.drawn_following[identity, task] = draw_following(
                settings, settings.identity_follow_sd,
                np.random.default_rng([self.seed, 3, *words]),
            )  # fmt: skip
        return self.drawn_following[identity, task]
