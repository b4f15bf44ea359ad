"""New ratings from a fitted model: other participants and items, the same variances.

y = X beta + sum over terms of Z b + e, with b ~ N(0, sigma^2 T T') anew for every level of a
grouping factor, and e ~ N(0, sigma^2). The numbers are on the line of real numbers; whether they
are rounded to a scale is for the caller to say.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.mixed.design import Design, RandomTerm, design
from analysis.mixed.fit import Fit


def new_design(fit: Fit, cells: pd.DataFrame) -> Design:
    """The design of `fit` for other rows: one per planned rating, with the model's variables.

    Raises:
        AnalysisError: the model could not be fitted to such rows.
    """
    formula = fit.design.formula
    groups = {name for bar in formula.bars for name in bar.group}
    variables = {name: v for name, v in fit.design.variables.items() if name not in groups}
    return design(formula, cells.assign(**{formula.response: 0.0}), variables)


def draw(
    fit: Fit,
    rng: np.random.Generator,
    planned: Design | None = None,
    beta: np.ndarray | None = None,
) -> np.ndarray:
    """One new set of ratings (n,).

    Args:
        fit: the model, of a pilot for instance.
        rng: source of chance.
        planned: of `new_design`; default: the design of the fit itself.
        beta: fixed effects (p,) other than the estimates, such as the smallest of interest.
    """
    planned = planned or fit.design
    rating = planned.x @ (fit.beta if beta is None else beta)
    rating += fit.sigma * rng.standard_normal(len(rating))
    for term, triangle in zip(planned.random, _matching(fit, planned.random), strict=True):
        effects = fit.sigma * rng.standard_normal((len(term.levels), len(triangle))) @ triangle.T
        rating += np.sum(term.z * effects[term.codes], axis=1)
    return rating


def _matching(fit: Fit, terms: Sequence[RandomTerm]) -> Sequence[np.ndarray]:
    """The triangles of the fit, which has the same terms in the same order."""
    names = [(t.group, t.names) for t in fit.design.random]
    if [(t.group, t.names) for t in terms] != names:
        raise ValueError("the planned design has other random effects than the fit")
    return fit.triangles
