"""What shows whether a binomial or ordinal mixed model fits: residuals, expected answers, modes.

A randomised quantile residual (Dunn & Smyth 1996, "Randomized quantile residuals", Journal of
Computational and Graphical Statistics 5(3)) is the normal quantile of a number drawn evenly from
where the answer lies in its expected distribution, P(below) to P(below or equal): standard normal
where the model is right, though answers are few and lumpy.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import expit, ndtri

from analysis.mixed.general import GeneralFit

EDGE = 1e-12  # probabilities nearer to 0 or 1 count as this near


def _edges(fit: GeneralFit) -> np.ndarray:
    """P(an answer lies below each place), given each group's own effects: (n, K + 1)."""
    cuts = np.zeros(1) if fit.family == "binomial" else fit.thresholds
    below = expit(cuts - fit.fitted[:, None])
    ends = np.zeros((fit.n, 1)), np.ones((fit.n, 1))
    return np.hstack([ends[0], below, ends[1]])


def _points(fit: GeneralFit) -> np.ndarray:
    return np.array([0.0, 1.0]) if fit.family == "binomial" else np.array(fit.points)


def expected_answers(fit: GeneralFit) -> np.ndarray:
    """Mean answer (0 or 1, or a rating) that is expected with each group's own effects (n,)."""
    return np.diff(_edges(fit), axis=1) @ _points(fit)


def quantile_residuals(fit: GeneralFit, rng: np.random.Generator) -> np.ndarray:
    """Randomised quantile residuals (n,), given each group's own effects."""
    edges, place = _edges(fit), np.searchsorted(_points(fit), fit.design.y)[:, None]
    low, high = (np.take_along_axis(edges, place + side, axis=1)[:, 0] for side in (0, 1))
    return ndtri(np.clip(low + (high - low) * rng.random(fit.n), EDGE, 1 - EDGE))


def mode_table(fit: GeneralFit) -> pd.DataFrame:
    """Conditional modes: group, level, effect, deviation (logits per unit of the column)."""
    return pd.concat(
        [
            pd.DataFrame({
                "group": term.group,
                "level": np.repeat(np.array(term.levels, object), len(term.names)),
                "effect": np.tile(np.array(term.names, object), len(term.levels)),
                "deviation": modes.ravel(),
            })
            for term, modes in zip(fit.design.random, fit.modes, strict=True)
        ],
        ignore_index=True,
    )  # fmt: skip
