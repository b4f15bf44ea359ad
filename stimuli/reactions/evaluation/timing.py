"""Whether listeners' curves are smooth, and how long after the speaker they change."""

from __future__ import annotations

import numpy as np

from models.reaction.attributes import AFFECT, PLACE, RATE
from models.reaction.metrics.synchrony import correlations

EARLIEST_S, LATEST_S = -1.0, 3.0
LAGS = np.arange(round(EARLIEST_S * RATE), round(LATEST_S * RATE) + 1)  # frames
VALENCE = PLACE.start


def jitter(reactions: np.ndarray) -> np.ndarray:
    """Mean absolute change from frame to frame (S,) of reactions (S, T, 25), over attributes."""
    return np.abs(np.diff(np.asarray(reactions, float), axis=1)).mean((1, 2))


def following(reactions: np.ndarray, face: np.ndarray, heard: np.ndarray) -> np.ndarray:
    """Correlation (L,) of listeners' valence (S, T, 25) with the speaker's, at each of LAGS.

    The speaker's is the mean of what the face (T, 25) shows and what is heard (T, 10). Mean over
    samples; a listener whose valence does not change has 0.
    """
    said = (face[:, VALENCE] + heard[:, VALENCE - AFFECT.start]) / 2
    return correlations(reactions[..., [VALENCE]], said[:, None], LAGS)[:, 0].mean(0)


def peak_s(curves: np.ndarray) -> np.ndarray:
    """Lag in seconds (…) at which the mean over clips of curves (…, C, L) is highest."""
    return LAGS[curves.mean(-2).argmax(-1)] / RATE
