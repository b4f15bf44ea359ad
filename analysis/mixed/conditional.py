"""What a fitted model expects of each participant and item: their conditional modes.

Bates et al. (2015), "Fitting linear mixed-effects models using lme4", Journal of Statistical
Software 67(1), equations 21 and 58: the mode of the random effects given the ratings, and its
spread at the estimate of the variances. Both come from the factors of the deviance.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.mixed.design import RandomTerm
from analysis.mixed.deviance import Deviance


class Conditional:
    """Modes at one theta, in units of the scaled columns that the deviance was given."""

    def __init__(self, deviance: Deviance, theta: np.ndarray) -> None:
        """Keep the deviance, to be asked when needed."""
        self.deviance, self.theta = deviance, theta

    def modes(self) -> list[np.ndarray]:
        """Deviations (levels, k) of each term."""
        triangles, scores = self.deviance.triangles(self.theta), self.deviance.scores(self.theta)
        return [s @ t @ t.T for s, t in zip(scores, triangles, strict=True)]

    def sds(self) -> list[np.ndarray]:
        """Conditional standard deviations (levels, k) of each term."""
        sigma = self.deviance.sigma(self.theta)
        return [
            sigma * np.sqrt(np.diagonal(spread, axis1=1, axis2=2).clip(min=0))
            for spread in self.deviance.spreads(self.theta)
        ]

    def table(self, terms: Sequence[RandomTerm], scales: Sequence[np.ndarray]) -> pd.DataFrame:
        """Rows: group, level, effect, deviation, sd (points of the scale per unit of the column).

        Args:
            terms: the random terms, as named to the reader.
            scales: length (k,) of each term's columns before they were scaled.
        """
        parts = [
            pd.DataFrame(
                {
                    "group": term.group,
                    "level": np.repeat(np.array(term.levels, object), len(term.names)),
                    "effect": np.tile(np.array(term.names, object), len(term.levels)),
                    "deviation": (modes / scale).ravel(),
                    "sd": (sds / scale).ravel(),
                }
            )
            for term, scale, modes, sds in zip(terms, scales, self.modes(), self.sds(), strict=True)
        ]
        return pd.concat(parts, ignore_index=True)
