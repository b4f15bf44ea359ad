"""What went wrong in the search for a generalised mixed model, as problems for the reader."""

from __future__ import annotations

import numpy as np

from analysis.mixed.descent import AGREE, Minimum
from analysis.mixed.design import Design
from analysis.mixed.laplace import Laplace
from analysis.problems import Problem

NO_COST = 1e-5  # deviance that a variance of zero may cost and still count as the estimate
SMALL, HUGE = 0.05, 10.0  # SD (logits) below which zero is tried, and above which none is credible


def problems_of(
    made: Design, laplace: Laplace, found: Minimum, apart_of: list[str]
) -> list[Problem]:
    """Singular, separated or not converged; `apart_of`: effects that separate the answers."""
    problems = []
    flat, huge = _odd_variances(made, laplace, found)
    if flat:
        problems.append(Problem("SINGULAR", f"on the boundary: {'; '.join(flat)}"))
    if apart_of:
        problems.append(Problem("SEPARATION", f"perfectly predicted with {', '.join(apart_of)}"))
    elif huge:
        problems.append(Problem("SEPARATION", "answers hardly vary within "
                                f"{'; '.join(huge)}"))  # fmt: skip
    elif not found.converged:
        problems.append(Problem("NOT_CONVERGED", _why(found)))
    return problems


def _why(found: Minimum) -> str:
    if not np.isfinite(found.apart) or found.apart > AGREE:
        return f"the two best searches ended {found.apart / 2:.3g} log-likelihood units apart"
    return "the search ended where the likelihood still rises"


def _odd_variances(made: Design, laplace: Laplace, found: Minimum) -> tuple[list[str], list[str]]:
    """Random effects whose variance may as well be zero; groups whose variance is not credible."""
    flat, huge = [], []
    at = 0
    for term, k in zip(made.random, laplace.sizes, strict=True):
        rows, columns = np.tril_indices(k)
        names = []
        for j in range(k):
            place = at + int(np.flatnonzero((rows == j) & (columns == j))[0])
            if abs(found.at[place]) < SMALL and _costs_nothing(laplace, found, place):
                names.append(term.names[j])
        if names:
            flat.append(f"{', '.join(names)} of {term.group}")
        size = k * (k + 1) // 2
        if np.abs(found.at[at : at + size]).max() > HUGE:
            huge.append(term.group)
        at += size
    return flat, huge


def _costs_nothing(laplace: Laplace, found: Minimum, place: int) -> bool:
    there = found.at.copy()
    there[place] = 0.0
    return laplace(there)[0] - found.deviance < NO_COST
