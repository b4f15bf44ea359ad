"""From the planned random effects to the largest part of them that the data support.

The planned, maximal model is fitted first (Barr, Levy, Scheepers & Tily 2013). Where it is singular
or has not converged, it is reduced step by step, always by the same rule (after Matuschek, Kliegl,
Vasishth, Baayen & Bates 2017, with singularity as the criterion, not a test):

1. all correlations are dropped (`||`);
2. then, one at a time, the slope with the smallest variance among those of the highest order
   (interactions before main effects), over all groups. Variances are compared as they add to a
   rating on average, so that units of a predictor do not matter.

Random intercepts stay: ratings of one participant belong together. Every step is kept on record.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from analysis.mixed.fit import Fit
from analysis.mixed.formula import INTERCEPT, Bar, Formula, Term, with_bars
from analysis.problems import AnalysisError

TROUBLE = ("SINGULAR", "NOT_CONVERGED")
MOST_STEPS = 25


@dataclass(frozen=True)
class Step:
    """One fit on the way: what was done, and the fit, or why there is none (`failure`)."""

    change: str
    formula: Formula
    fit: Fit | None
    failure: str = ""

    @property
    def trouble(self) -> tuple[str, ...]:
        """Codes that call for a further step."""
        if self.fit is None:
            return ("FAILED",)
        return tuple(p.code for p in self.fit.problems if p.code in TROUBLE)


@dataclass(frozen=True)
class Reduction:
    """All steps, the planned model first; the last one is the reduced model."""

    steps: tuple[Step, ...]

    @property
    def planned(self) -> Fit | None:
        """The planned model."""
        return self.steps[0].fit

    @property
    def reduced(self) -> Fit | None:
        """The largest reduction without trouble, or the smallest one there is."""
        return self.steps[-1].fit

    @property
    def needed(self) -> bool:
        """Whether the planned model had to be reduced."""
        return len(self.steps) > 1

    @property
    def solved(self) -> bool:
        """Whether the last step has no trouble left."""
        return not self.steps[-1].trouble

    @property
    def table(self) -> pd.DataFrame:
        """Steps: step, change, formula, log_likelihood, parameters, aic, singular, converged."""
        rows = []
        for i, step in enumerate(self.steps):
            fit, codes = step.fit, step.trouble
            numbers = (fit.log_likelihood, fit.parameters, fit.aic) if fit else (np.nan,) * 3
            verdict = ("SINGULAR" in codes, bool(fit) and "NOT_CONVERGED" not in codes)
            rows.append((i, step.change, step.formula.text, *numbers, *verdict))
        return pd.DataFrame(
            rows,
            columns=["step", "change", "formula", "log_likelihood", "parameters", "aic",
                     "singular", "converged"],
        )  # fmt: skip

    @property
    def largest_change(self) -> tuple[str, float]:
        """The fixed effect that changes most between both models, and by how many SE."""
        planned, reduced = self.planned, self.reduced
        if planned is None or reduced is None:
            return "", float("nan")
        change = (reduced.beta - planned.beta) / planned.fixed.se.to_numpy()
        at = int(np.argmax(np.abs(change)))
        return planned.design.names[at], float(change[at])


def reduce(formula: Formula, planned: Fit | None, refit: Callable[[Formula], Fit]) -> Reduction:
    """Reduce the random part until it is neither singular nor without convergence.

    Args:
        formula: the planned model.
        planned: its fit.
        refit: fits another formula to the same ratings; may raise AnalysisError.
    """
    steps = [Step("as planned", formula, planned)]
    while steps[-1].trouble and len(steps) < MOST_STEPS:
        change, smaller = next_formula(steps[-1])
        if smaller is None:
            break
        try:
            steps.append(Step(change, smaller, refit(smaller)))
        except AnalysisError as error:
            steps.append(Step(change, smaller, None, str(error)))
    return Reduction(tuple(steps))


def next_formula(step: Step) -> tuple[str, Formula | None]:
    """What to do next, in words, and the formula; None if only intercepts are left."""
    formula = step.formula
    if any(bar.correlated and _several(bar, step.fit) for bar in formula.bars):
        bars = [replace(bar, correlated=bar.correlated and not _several(bar, step.fit))
                for bar in formula.bars]  # fmt: skip
        return "correlations of random effects dropped", with_bars(formula, bars)
    slopes = [
        (-len(term), _size(step.fit, bar, term), i, term)
        for i, bar in enumerate(formula.bars)
        for term in bar.terms
        if term != INTERCEPT and len(bar.terms) > 1
    ]
    if not slopes:
        return "", None
    _, _, i, term = min(slopes)
    bars = list(formula.bars)
    bars[i] = replace(bars[i], terms=tuple(t for t in bars[i].terms if t != term))
    return f"slope of {':'.join(term)} over {bars[i].group_name} dropped", with_bars(formula, bars)


def _several(bar: Bar, fit: Fit | None) -> bool:
    """Whether a bar has correlations: two columns or more."""
    if fit is None:
        return len(bar.terms) > 1
    return any(t.group == bar.group_name and t.z.shape[1] > 1 for t in fit.design.random)


def _size(fit: Fit | Any | None, bar: Bar, term: Term) -> float:
    """Variance that a slope gives a rating, averaged over ratings and the columns of the slope."""
    if fit is None:
        return 0.0
    found = []
    for random, triangle in zip(fit.design.random, fit.triangles, strict=True):
        if random.group != bar.group_name:
            continue
        variances = fit.sigma**2 * np.sum(triangle**2, axis=1) * np.mean(random.z**2, axis=0)
        for name, variance in zip(random.names, variances, strict=True):
            if _is_of(name, term, fit):
                found.append(float(variance))
    return float(np.mean(found)) if found else 0.0


def _is_of(column: str, term: Term, fit: Fit | Any) -> bool:
    """Whether a column such as `m0.5:emotionhappy` belongs to the term (m, emotion)."""
    parts = column.split(":")
    names = [_variable_of(part, fit) for part in parts]
    return set(names) == set(term) and len(names) == len(term)


def _variable_of(part: str, fit: Fit | Any) -> str:
    """The variable whose name a column's name starts with: the longest that fits."""
    fitting = [name for name in fit.design.variables if part.startswith(name)]
    return max(fitting, key=len, default="")
