"""Contrast coding: how the k levels of a factor become k - 1 columns, with R's values and names.

A coding matrix has one row per level and one column per contrast; `meaning` says in words what
the coefficient of each column estimates.

=================== ==================== ===========================================
coding              R                    a coefficient is
=================== ==================== ===========================================
sliding-difference  MASS::contr.sdif     a level minus the level before it
treatment           stats::contr.treatment  a level minus the first level
sum                 stats::contr.sum     a level minus the mean of all levels
helmert             stats::contr.helmert a level minus the mean of the levels before
                                         it, divided by its place in the order
=================== ==================== ===========================================
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

R_FUNCTIONS = {
    "sliding-difference": "MASS::contr.sdif",
    "treatment": "contr.treatment",
    "sum": "contr.sum",
    "helmert": "contr.helmert",
}
DEFAULT = "treatment"  # R's default for unordered factors


@dataclass(frozen=True)
class Contrasts:
    """A coding matrix (k, c), the names of its c columns as R gives them, and their meaning."""

    matrix: np.ndarray
    names: tuple[str, ...]
    meaning: tuple[str, ...]


def contrasts(coding: str, levels: Sequence[str]) -> Contrasts:
    """The contrasts of a factor with these levels, in their order (two levels or more)."""
    return {
        "sliding-difference": sliding_difference,
        "treatment": treatment,
        "sum": deviation,
        "helmert": helmert,
    }[coding](levels)


def sliding_difference(levels: Sequence[str]) -> Contrasts:
    """Successive differences (Venables & Ripley 2002, MASS, section 6.2)."""
    k = len(levels)
    row, column = np.mgrid[1 : k + 1, 1:k]
    matrix = np.where(row <= column, column - k, column) / k
    pairs = list(zip(levels[1:], levels[:-1], strict=True))
    return Contrasts(
        matrix,
        tuple(f"{after}-{before}" for after, before in pairs),
        tuple(f"{after} minus {before}" for after, before in pairs),
    )


def treatment(levels: Sequence[str]) -> Contrasts:
    """Each level against the first."""
    return Contrasts(
        np.eye(len(levels))[:, 1:],
        tuple(levels[1:]),
        tuple(f"{level} minus {levels[0]}" for level in levels[1:]),
    )


def deviation(levels: Sequence[str]) -> Contrasts:
    """Each level but the last against the mean of all; columns are numbered, as in R."""
    k = len(levels)
    return Contrasts(
        np.vstack([np.eye(k - 1), -np.ones(k - 1)]),
        tuple(str(j) for j in range(1, k)),
        tuple(f"{level} minus the mean of all levels" for level in levels[:-1]),
    )


def helmert(levels: Sequence[str]) -> Contrasts:
    """Each level but the first against the mean of those before; columns are numbered."""
    k = len(levels)
    row, column = np.mgrid[0:k, 1:k]
    matrix = np.where(row < column, -1.0, np.where(row == column, column, 0.0))
    return Contrasts(
        matrix,
        tuple(str(j) for j in range(1, k)),
        tuple(
            f"{levels[j]} minus the mean of {', '.join(levels[:j])}, divided by {j + 1}"
            for j in range(1, k)
        ),
    )
