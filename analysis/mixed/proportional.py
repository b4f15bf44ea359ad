"""Does one slope hold at every point of a scale? A check of an ordinal model's main assumption.

An ordinal model says that an effect shifts the log odds of a rating above k by the same amount,
whatever k (proportional odds). So the scale is cut between any two points, and "above the cut" is
fitted as a binomial model with the same effects, fixed and random (after Brant 1990, "Assessing
proportionality in the proportional odds model", Biometrics 46(4), whose test knows no random
effects). The slopes should agree up to their standard errors.
"""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pandas as pd

from analysis.mixed.design import Design
from analysis.mixed.general import GeneralFit, estimate

FEWEST = 20  # answers on either side of a cut
UNUSABLE = ("SEPARATION", "NOT_CONVERGED")


def slopes_at_cuts(fit: GeneralFit) -> pd.DataFrame:
    """Slopes of the binary cuts of an ordinal model, one row per cut and effect.

    Columns: cut (`3|4`), term, estimate, se, low, high (95 %), ordinal (the model's own slope), and
    differs: whether the model's slope lies outside the interval. Cuts with fewer than 20 answers on
    a side, or that cannot be fitted, are left out.
    """
    own = dict(zip(fit.design.names, fit.beta.tolist(), strict=True))
    rows = []
    for below, above in zip(fit.points[:-1], fit.points[1:], strict=True):
        y = (fit.design.y > below).astype(float)
        if not FEWEST <= y.sum() <= len(y) - FEWEST:
            continue
        binary = estimate(_above(fit.design, y), "binomial", np.array([0.0, 1.0]))
        if any(problem.code in UNUSABLE for problem in binary.problems):
            continue
        for found in binary.fixed.iloc[1:].itertuples():
            slope = own[str(found.term)]
            rows.append((f"{below:g}|{above:g}", found.term, found.estimate, found.se, found.low,
                         found.high, slope, not found.low <= slope <= found.high))  # fmt: skip
    names = ["cut", "term", "estimate", "se", "low", "high", "ordinal", "differs"]
    return pd.DataFrame(rows, columns=names)


def _above(design: Design, y: np.ndarray) -> Design:
    """The design with an intercept in place of the thresholds."""
    given = {f.name: getattr(design, f.name) for f in fields(Design)}
    return Design(**given | {
        "y": y,
        "x": np.column_stack([np.ones(len(y)), design.x]),
        "names": ("(Intercept)", *design.names),
        "meanings": ("mean", *design.meanings),
    })  # fmt: skip
