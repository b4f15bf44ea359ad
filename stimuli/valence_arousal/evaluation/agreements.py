"""How well judged values agree with labels, and how certain that is.

RMSE, SAGR and CCC (Lindt et al., 2019, IV-A) of all pairs of all actors, from sums over each actor:
so whole actors can be drawn again without going through the pairs each time.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stimuli.talking_faces.evaluation.averages import Mean
from stimuli.valence_arousal.evaluation.means import by_actor, estimate
from stimuli.valence_arousal.evaluation.measuring import Record
from stimuli.valence_arousal.evaluation.places import PLACES

MEASURES = ("RMSE", "SAGR", "CCC")
SIGNED = "SAGR, labels of 0 left out"
OFF = "judged less asked"


def agreements(records: Sequence[Record], axis: int, rows: np.ndarray) -> dict[str, Mean]:
    """Each of MEASURES, SIGNED and OFF, for an axis (0 valence, 1 arousal) at rows of PLACES."""
    labels = PLACES[rows, axis]
    sums = by_actor(records, lambda r: moments(labels, r.judged[rows, axis]))
    far = rows[labels != 0]
    signed = by_actor(records, lambda r: moments(PLACES[far, axis], r.judged[far, axis]))
    found = {"RMSE": rmse, "SAGR": sagr, "CCC": ccc, OFF: off}
    return {name: estimate(sums, of) for name, of in found.items()} | {
        SIGNED: estimate(signed, sagr)
    }


def moments(labels: np.ndarray, judged: np.ndarray) -> np.ndarray:
    """What the measures need (7,): n, sums of x, y, x², y² and xy, and pairs of the same sign."""
    x, y = np.asarray(labels, float), np.asarray(judged, float)
    same = np.sign(x) == np.sign(y)
    return np.array([len(x), x.sum(), y.sum(), x @ x, y @ y, x @ y, same.sum()])


def rmse(drawn: np.ndarray) -> np.ndarray:
    """Root mean squared error (draws,), from moments (draws, A, 7)."""
    n, _, _, xx, yy, xy, _ = drawn.sum(1).T
    return np.sqrt(np.maximum(xx + yy - 2 * xy, 0) / n)


def sagr(drawn: np.ndarray) -> np.ndarray:
    """Share of pairs of the same sign (draws,); the sign of 0 is its own."""
    sums = drawn.sum(1)
    return sums[:, 6] / sums[:, 0]


def off(drawn: np.ndarray) -> np.ndarray:
    """By how much judged values lie above labels, on average (draws,)."""
    sums = drawn.sum(1)
    return (sums[:, 2] - sums[:, 1]) / sums[:, 0]


def ccc(drawn: np.ndarray) -> np.ndarray:
    """Concordance correlation coefficient (draws,); 1 where both are one and the same number."""
    n, x, y, xx, yy, xy, _ = drawn.sum(1).T
    mean_x, mean_y = x / n, y / n
    spread = xx / n - mean_x**2 + yy / n - mean_y**2 + (mean_x - mean_y) ** 2
    both = 2 * (xy / n - mean_x * mean_y)
    return np.divide(both, spread, out=np.ones_like(both), where=spread > 1e-15)
