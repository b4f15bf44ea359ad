"""The generator `actor`: a synthetic actor photographed at expression level m of an emotion.

m = 0 is the neutral face whatever the emotion, m = 1 the full prototype (stimuli.actors.facs);
without the factor m the full prototype is shown. Valence and arousal, in place of an emotion, give
a point of their plane (stimuli.actors.plane), which m pulls towards neutral. A `take` varies the
strength of each facial action a little, the same for every emotion and level of one identity.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from protocols.manifest import IPTC
from stimuli.actors import facs, plane
from stimuli.actors.portrait import Studio, portrait
from stimuli.company import Company
from stimuli.generators import Origin
from stimuli.media import Rendered
from stimuli.seeds import generator_of
from stimuli.stimulus import Stimulus

VERSION = "5"  # changes whenever a picture changes
TAKE_SD = 0.08  # standard deviation of a take's factor on each facial action
ORIGIN = Origin(
    version=VERSION,
    licence="CC0-1.0",
    digital_source_type=IPTC + "algorithmicMedia",  # IPTC: made by an algorithm, no training data
    note="A synthetic face, drawn by mien (actor). CC0-1.0. No person is shown.",
)


class ActorPictures:
    """Portraits of a company, `size` pixels wide and high."""

    origin = ORIGIN

    def __init__(
        self, size: int, cache: Path | None = None, company: Company | None = None
    ) -> None:
        """Pictures of `size` pixels; prepared actors are kept in `cache` (None: the user's)."""
        self.company = company or Company()
        self.studio = Studio(size=size, cache_dir=cache)

    def recipe(self, stimulus: Stimulus) -> dict[str, Any]:
        """Identity, levels, size, cast and what is worn: nothing else decides about the pixels."""
        return {
            "generator": "actor",
            "generator_version": VERSION,
            "identity": stimulus.identity,
            "levels": dict(stimulus.levels),
            "size": self.studio.size,
            **self.company.recipe(stimulus.identity),
        }

    def render(self, stimuli: Sequence[Stimulus]) -> Iterator[Rendered]:
        """Portraits (size, size, 3) uint8 sRGB, in order."""
        for stimulus in stimuli:
            weights = action_weights(stimulus)
            pixels = portrait(self.company.actor(stimulus.identity), weights, self.studio)
            yield Rendered(pixels, self._facts(weights))

    def _facts(self, weights: np.ndarray) -> dict[str, Any]:
        return {
            "eye_left": [round(x, 2) for x in self.studio.eye_left],
            "eye_right": [round(x, 2) for x in self.studio.eye_right],
            "wall": list(self.studio.background),
            "facial_actions": moved(weights),
        }


def action_weights(stimulus: Stimulus) -> np.ndarray:
    """Weights (52,) of the facial actions of a stimulus; all zero at m = 0."""
    levels = stimulus.levels
    m = float(levels.get("m", 1.0))
    if "valence" in levels:
        weights = m * plane.at(float(levels["valence"]), float(levels["arousal"]))
    else:
        weights = facs.weights(str(levels["emotion"]), m, caricature=m > 1)
    if "take" not in levels:
        return weights
    rng = generator_of(0, f"{stimulus.identity} take {levels['take']}")
    return weights * (1 + TAKE_SD * rng.standard_normal(len(weights)))


def moved(weights: np.ndarray) -> dict[str, float]:
    """The facial actions that weights (52,) move, by name."""
    return {
        name: round(float(weight), 4)
        for name, weight in zip(facs.ACTIONS, weights, strict=True)
        if weight
    }
