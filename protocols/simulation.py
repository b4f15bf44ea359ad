"""Simulated participants: stated effects, variance, and how many are careless.

A simulated answer to a scale is

    mean + effects of the trial's cell + participant (intercept and slopes)
         + identity (intercept and slopes) + residual,

rounded to the scale and kept on it. Slopes are per unit of the factor coded -1/2 … +1/2 (two
levels) or per level (deviations summing to zero). A simulated choice takes the level of factor
`follows[k]` with that probability, else any option.
"""

from __future__ import annotations

from pydantic import Field

from protocols.section import Section


class Effect(Section):
    """`add` points on every trial whose factors have the levels named in `when`."""

    when: dict[str, str | int | float] = Field(min_length=1)
    add: float


class ScaleAnswers(Section):
    """Simulated answers to one task. Standard deviations are in points of the scale."""

    mean: float | None = None  # default: the middle of the scale
    effects: tuple[Effect, ...] = ()
    participant_sd: float = Field(default=0.6, ge=0)
    participant_slope_sd: dict[str, float] = {}
    identity_sd: float = Field(default=0.5, ge=0)
    identity_slope_sd: dict[str, float] = {}
    residual_sd: float = Field(default=1.2, ge=0)
    follows: dict[str, float] = {}  # forced choice: factor -> probability of choosing its level


class Simulation(Section):
    """What `mien simulate` assumes. `careless`: share of participants who answer at random."""

    careless: float = Field(default=0.05, ge=0, le=1)
    tasks: dict[str, ScaleAnswers] = {}
