"""Happy minus angry at each m: what a judge sees, beside true pictures and the paper's people."""

from __future__ import annotations

import pandas as pd

from stimuli.context_faces.evaluation import published
from stimuli.context_faces.evaluation.judging import Sights
from stimuli.context_faces.evaluation.resampling import interval
from stimuli.context_faces.evaluation.series import ANGRY, HAPPY, LEVELS, true_valence

NOTE = (
    "apart: the judge's mean valence in happy voices less that in angry ones, with 95 % over "
    "actors; true: the same of true pictures at this m; people: b of their ratings (nine points) "
    f"of the paper's own pictures; share: of the difference at m = 1. {published.RATED}"
)


def contrast(sights: Sights, originals: Sights, graded: Sights) -> pd.DataFrame:
    """One row for each of LEVELS.

    Sights of a series' pictures (A, S, E, L), of true pictures (A, E), and of weaker ones, see
    `series.true_valence`.
    """
    valence = sights.valence.mean(1)  # (A, E, L)
    made = valence[:, HAPPY] - valence[:, ANGRY]  # (A, L)
    happy, angry = true_valence(originals, graded).mean(-1)  # (L,) each
    low, high = interval(made)
    table = pd.DataFrame({"m": LEVELS, "apart": made.mean(0), "low": low, "high": high})
    for name, of in {"true": happy - angry, "people": published.APART}.items():
        table[name] = of
    for name in ("apart", "true", "people"):
        table[f"{name}, share"] = table[name] / table[name].iloc[-1]
    return table
