"""Type III tests: one F test for every term of a model, whatever its coding.

A term's hypothesis is stated in marginal means, and not in coefficients: that the means of its
levels are equal (a factor), that effects of one factor are equal at the levels of another (an
interaction), or that a slope is zero, each averaged with equal weight over the levels of all other
factors (SAS Institute's type III; `lmerTest::anova(type = 3)`). Coefficients that were coded
otherwise would test "the effect at the first level" instead. A factor nested in another, as in
`m/emotion`, is tested at all levels of m together. Where a term interacts with a number, the test
is made where this number is 0, as in R: `at` says so.

One test differs from lmerTest: of the outer factor of a nested formula (m in `m/emotion`), which
lmerTest compares at the first level of emotion only, and this module at the mean of its levels.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pandas as pd

from analysis.mixed.columns import coded_by_contrasts
from analysis.mixed.fit import Fit
from analysis.mixed.formula import Term
from analysis.mixed.joint import joint_test


def term_tests(fit: Fit | Any) -> pd.DataFrame:
    """One row per term: term, f, numerator, denominator (degrees of freedom), p, at."""
    rows = []
    for term in fit.design.formula.fixed:
        if term:
            found = joint_test(fit, hypothesis(fit, term))
            rows.append((":".join(term), *found, _at(fit, term)))
    return pd.DataFrame(rows, columns=["term", "f", "numerator", "denominator", "p", "at"])


def hypothesis(fit: Fit | Any, term: Term) -> np.ndarray:
    """Contrasts (c, p) that are zero if `term` has no effect."""
    design, terms = fit.design, fit.design.formula.fixed
    names = design.formula.fixed_variables
    factors = [name for name in names if design.variables[name].levels]
    weights = _slopes(fit, term, factors)  # (levels of each factor, ..., p)
    for axis, name in enumerate(factors):
        levels = len(design.variables[name].levels)
        if name not in term:
            each = np.full((1, levels), 1 / levels)
        elif coded_by_contrasts(terms, term, name):
            each = np.diff(np.eye(levels), axis=0)
        else:
            each = np.eye(levels)
        weights = np.moveaxis(np.tensordot(each, weights, axes=(1, axis)), 0, axis)
    return weights.reshape(-1, weights.shape[-1])


def _slopes(fit: Fit | Any, term: Term, factors: list[str]) -> np.ndarray:
    """Weights of the prediction, or of its slopes in the numbers of `term`, in every cell.

    All other numbers are 0. A model is linear in each number, so that the difference between 1 and
    0 is the slope.
    """
    variables = fit.design.variables
    levels = [variables[name].levels for name in factors]
    grid = pd.DataFrame(list(itertools.product(*levels)), columns=pd.Index(factors))
    numbers = [n for n in fit.design.formula.fixed_variables if not variables[n].levels]
    within = [name for name in numbers if name in term]
    total: np.ndarray | float = 0.0
    for at in itertools.product((0, 1), repeat=len(within)):
        values = dict.fromkeys(numbers, 0.0) | dict(zip(within, map(float, at), strict=True))
        cells = grid.assign(**values) if len(grid.columns) else pd.DataFrame([values])
        sign = (-1) ** (len(within) - sum(at))
        total = total + sign * fit.design.rows(cells)
    return np.asarray(total).reshape(*map(len, levels), -1)


def _at(fit: Fit | Any, term: Term) -> str:
    """Numbers that the term interacts with: its test holds where they are 0."""
    variables = fit.design.variables
    larger = [other for other in fit.design.formula.fixed if set(term) < set(other)]
    numbers = [n for other in larger for n in other if n not in term and not variables[n].levels]
    return ", ".join(f"{name} = 0" for name in dict.fromkeys(numbers))
