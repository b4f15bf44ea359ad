"""Where simulated answers come from: assumptions stated beforehand, or a pilot.

The command hands one in; nothing in this room knows how imagined people answer. A source travels to
other processes, so it must be picklable.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import pandas as pd

from protocols.mixed_models import MixedModel


class Prepared(Protocol):
    """Answers to a fixed table of n trials."""

    @property
    def expected(self) -> np.ndarray:
        """What the model's fixed part describes on each trial.

        Linear models: mean answer (n,), over participants, items and residuals. Binomial and
        ordinal models: probability of 0 and 1 (n, 2), or of each point (n, K), where participant
        and item lie in the middle; missing on trials that never enter the model.
        """
        ...

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """Answers (n,) of one simulated study: points, or 0 and 1; missing where none counts."""
        ...


class Source(Protocol):
    """How people will answer, as far as one assumes."""

    def prepare(self, trials: pd.DataFrame, model: MixedModel) -> Prepared:
        """Answers to the task of `model` on `trials` (participant, identity, factors …)."""
        ...

    def assumptions(self, model: MixedModel) -> list[str]:
        """What is assumed, in sentences."""
        ...
