"""Simulated participants: stated effects, variance, and how many are careless.

A simulated answer to a scale is

    mean + effects of the trial's cell + participant (intercept and slopes)
         + identity (intercept and slopes) + residual,

rounded to the scale and kept on it; each axis of an affect grid is a scale. Slopes are per unit of
the factor coded -1/2 … +1/2 (two levels) or per level (deviations summing to zero).

A simulated choice takes the option that means the level of factor k with probability p_k, else any
option. `follows` and `follows_when` say p_k for participants and identities in the middle; for
others the odds of p_k against 1 - sum(p) are exp(a_k + b_k) times as large, with a_k of the
participant and b_k of the identity. Each box is ticked on its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, model_validator

from protocols.section import Section, fail

Share = Annotated[float, Field(ge=0, le=1)]
MANNERS = ("careless", "straight_lining", "inconsistent", "inattentive", "distracted")
COURSES = ("drop_out", "returns", "late", "duplicates")

NINE_POINTS = 8.0  # length of a scale from 1 to 9
SPREADS = ("participant_sd", "identity_sd", "residual_sd")


class Effect(Section):
    """`add` points on every trial whose factors have the levels named in `when`."""

    when: dict[str, str | int | float] = Field(min_length=1)
    add: float


class Follows(Section):
    """Probability of choosing the level of each factor in `of`, on trials as in `when`."""

    when: dict[str, str | int | float] = Field(min_length=1)
    of: dict[str, Share] = Field(min_length=1)


class Ticks(Section):
    """Probability of ticking each option in `of`, on trials whose factors are as in `when`."""

    when: dict[str, str | int | float] = {}
    of: dict[str, Annotated[float, Field(ge=0, le=1)]] = Field(min_length=1)


class ScaleAnswers(Section):
    """Simulated answers to one task. Standard deviations are in points of the scale.

    Those that are left out are for nine points; on a slider they are the same share of its length.

    Attributes:
        mean: of the latent answer, before effects; default: the middle of the scale.
        follows: forced choice: factor -> probability of choosing its level.
        follows_when: other probabilities on some trials; where several fit, the last one counts.
        participant_follow_sd: forced choice: standard deviation of a_k, in logits.
        identity_follow_sd: of b_k.
        ticks: checkboxes; where several fit a trial and name an option, the last one counts.
    """

    mean: float | None = None
    effects: tuple[Effect, ...] = ()
    participant_sd: float = Field(default=0.6, ge=0)
    participant_slope_sd: dict[str, float] = {}
    identity_sd: float = Field(default=0.5, ge=0)
    identity_slope_sd: dict[str, float] = {}
    residual_sd: float = Field(default=1.2, ge=0)
    follows: dict[str, Share] = {}
    follows_when: tuple[Follows, ...] = ()
    participant_follow_sd: float = Field(default=0, ge=0)
    identity_follow_sd: float = Field(default=0, ge=0)
    ticks: tuple[Ticks, ...] = ()

    @property
    def followed(self) -> list[str]:
        """Every factor that choices follow on some trial."""
        parts = [self.follows, *(one.of for one in self.follows_when)]
        return list(dict.fromkeys(name for part in parts for name in part))

    def follows_at(self, levels: Mapping[str, str | int | float | None]) -> dict[str, float]:
        """Factor -> probability of choosing its level, on a trial with these levels."""
        found = dict(self.follows)
        for one in self.follows_when:
            if all(levels.get(name) == level for name, level in one.when.items()):
                found |= one.of
        return found


class Simulation(Section):
    """What `mien simulate` assumes: how tasks are answered, and shares of unlike participants.

    The first five say how somebody answers, the next four how a visit goes; nobody is two of five,
    or two of four.

    Attributes:
        careless: answer at random, and fail one of the exclusion rules.
        straight_lining: give the same answer to a question again and again.
        inconsistent: answer otherwise when a stimulus comes again.
        inattentive: overlook what attention checks ask for.
        distracted: leave the page in one trial of three, and then answer at random.
        drop_out: leave half-way for good.
        returns: leave half-way, and go on ten minutes later.
        late: leave half-way, and go on when their place has been given away.
        duplicates: take part, and then try to take part again.
        tasks: task -> its answers.
    """

    careless: Share = 0.05
    straight_lining: Share = 0
    inconsistent: Share = 0
    inattentive: Share = 0
    distracted: Share = 0
    drop_out: Share = 0.04
    returns: Share = 0
    late: Share = 0
    duplicates: Share = 0
    tasks: dict[str, ScaleAnswers] = {}

    @model_validator(mode="after")
    def _shares(self) -> Simulation:
        for names in (MANNERS, COURSES):
            if sum(getattr(self, name) for name in names) > 1 + 1e-9:
                raise fail(f"{', '.join(names)}: together more than all participants")
        return self

    def manner(self, u: float) -> str | None:
        """How somebody answers, by a number in 0…1: one of MANNERS, or None for attentive."""
        return self._drawn(MANNERS, u)

    def course(self, u: float) -> str | None:
        """How a visit goes, by a number in 0…1: one of COURSES, or None for as it should."""
        return self._drawn(COURSES, u)

    def _drawn(self, names: tuple[str, ...], u: float) -> str | None:
        for name in names:
            u -= getattr(self, name)
            if u < 0:
                return name
        return None

    def with_sliders(self, lengths: Mapping[str, float]) -> Simulation:
        """The same, with standard deviations that fit sliders; `lengths`: task -> high - low."""
        return self.model_copy(
            update={
                "tasks": self.tasks
                | {
                    task: _lengthened(self.tasks.get(task, ScaleAnswers()), length)
                    for task, length in lengths.items()
                }
            }
        )


def _lengthened(answers: ScaleAnswers, length: float) -> ScaleAnswers:
    """Standard deviations that were left out, for a scale of another length than NINE_POINTS."""
    fields = ScaleAnswers.model_fields
    left_out = [name for name in SPREADS if name not in answers.model_fields_set]
    scaled = {name: fields[name].default * length / NINE_POINTS for name in left_out}
    return answers.model_copy(update=scaled)
