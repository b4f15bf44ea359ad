"""Simulated participants: stated effects, variance, and how many are careless.

A simulated answer to a scale is

    mean + effects of the trial's cell + participant (intercept and slopes)
         + identity (intercept and slopes) + residual,

rounded to the scale and kept on it; each axis of an affect grid is a scale. Slopes are per unit of
the factor coded -1/2 … +1/2 (two levels) or per level (deviations summing to zero). A simulated
choice takes the option that means the level of factor k with probability `follows[k]`, else any
option. Each box is ticked on its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from protocols.section import Section

NINE_POINTS = 8.0  # length of a scale from 1 to 9
SPREADS = ("participant_sd", "identity_sd", "residual_sd")


class Effect(Section):
    """`add` points on every trial whose factors have the levels named in `when`."""

    when: dict[str, str | int | float] = Field(min_length=1)
    add: float


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
        ticks: checkboxes; where several fit a trial and name an option, the last one counts.
    """

    mean: float | None = None
    effects: tuple[Effect, ...] = ()
    participant_sd: float = Field(default=0.6, ge=0)
    participant_slope_sd: dict[str, float] = {}
    identity_sd: float = Field(default=0.5, ge=0)
    identity_slope_sd: dict[str, float] = {}
    residual_sd: float = Field(default=1.2, ge=0)
    follows: dict[str, float] = {}
    ticks: tuple[Ticks, ...] = ()


class Simulation(Section):
    """What `mien simulate` assumes. `careless`: share of participants who answer at random."""

    careless: float = Field(default=0.05, ge=0, le=1)
    tasks: dict[str, ScaleAnswers] = {}

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
