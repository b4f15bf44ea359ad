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
polynomial          stats::contr.poly    a linear, quadratic, ... trend over the levels
=================== ==================== ===========================================

Named hypotheses are weights per level instead, as in Schad, Vasishth, Hohenstein & Kliegl (2020),
"How to capitalize on a priori contrasts in linear (mixed) models", Journal of Memory and Language
110, 104038: a coefficient is the sum of weight times mean, and the coding matrix is the generalised
inverse of the weights. Weights are therefore not codes: angry -1, happy 1 asks for the whole
difference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.problems import AnalysisError

R_FUNCTIONS = {
    "sliding-difference": "MASS::contr.sdif",
    "treatment": "contr.treatment",
    "sum": "contr.sum",
    "helmert": "contr.helmert",
    "polynomial": "contr.poly",
}
HYPOTHESES = "hypotheses"  # coding of a factor with named hypotheses
DEGREES = ("linear", "quadratic", "cubic")
R_DEGREES = (".L", ".Q", ".C")
MINUS, NEAR_ZERO = "\N{MINUS SIGN}", 1e-9
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
        "polynomial": polynomial,
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


def polynomial(levels: Sequence[str]) -> Contrasts:
    """Orthonormal polynomials over the levels themselves if all are numbers, else over 1, 2, 3...

    R's `contr.poly(k)`, or `contr.poly(k, scores)` where the numbers are not equally far apart.
    """
    k = len(levels)
    scores = numbers(levels)
    if scores is None:
        scores = np.arange(1.0, k + 1)
    powers = np.vander(scores - scores.mean(), k, increasing=True)
    q, r = np.linalg.qr(powers)
    matrix = (q * np.sign(np.diag(r)))[:, 1:]
    matrix[np.abs(matrix) < NEAR_ZERO] = 0.0
    names = [R_DEGREES[d] if d < len(R_DEGREES) else f"^{d + 1}" for d in range(k - 1)]
    trends = [DEGREES[d] if d < len(DEGREES) else f"degree-{d + 1}" for d in range(k - 1)]
    return Contrasts(
        matrix,
        tuple(names),
        tuple(
            f"{trend} trend: {weighted(levels, column)}"
            for trend, column in zip(trends, matrix.T, strict=True)
        ),
    )


def numbers(levels: Sequence[str]) -> np.ndarray | None:
    """Levels as numbers, if all of them are and no two are the same."""
    try:
        found = np.array([float(level) for level in levels])
    except ValueError:
        return None
    return found if len(np.unique(found)) == len(found) and np.isfinite(found).all() else None


def hypotheses(weights: Mapping[str, Sequence[float]], levels: Sequence[str]) -> Contrasts:
    """Named hypotheses: name -> one weight per level, adding up to 0.

    Fewer than k - 1 hypotheses are completed with differences orthogonal to them, so that the
    factor keeps its k - 1 degrees of freedom; those are named rest1, rest2, …

    Raises:
        AnalysisError: too many hypotheses, or one that others imply.
    """
    k, rows = len(levels), np.array([*weights.values()], float)
    if len(rows) > k - 1:
        raise AnalysisError(
            f"{len(rows)} hypotheses ({', '.join(weights)}) for {k} levels; at most {k - 1} can be "
            "tested together: take the others to comparisons"
        )
    if np.linalg.matrix_rank(rows) < len(rows):
        raise AnalysisError(
            f"the hypotheses {', '.join(weights)} imply each other; take one out, and test it "
            "under comparisons"
        )
    rest = _remaining(rows)
    matrix = np.linalg.pinv(np.vstack([rows, rest]))
    matrix[np.abs(matrix) < NEAR_ZERO] = 0.0
    said = [weighted(levels, row) + _scale_of(row) for row in rows]
    left = [f"what the hypotheses leave open: {weighted(levels, row)}" for row in rest]
    names = [*weights, *(f"rest{j}" for j in range(1, len(rest) + 1))]
    return Contrasts(matrix, tuple(names), (*said, *left))


def _remaining(rows: np.ndarray) -> np.ndarray:
    """Directions (k - 1 - h, k) orthogonal to the hypotheses (h, k) and to the mean.

    Each is the projection of the first level indicator that still has one, scaled so that its
    positive weights add up to 1; the same for every machine, unlike singular vectors.
    """
    k = rows.shape[1]
    found = [*np.linalg.qr(np.vstack([np.ones(k), rows]).T)[0].T]
    rest = []
    for unit in np.eye(k)[::-1]:
        if len(found) == k:
            break
        left = unit - sum((b @ unit) * b for b in found)
        left = left - sum((b @ left) * b for b in found)
        if np.linalg.norm(left) > 1e-6:
            found.append(left / np.linalg.norm(left))
            rest.append(left / left[left > 0].sum())
    return np.array(rest).reshape(-1, k)


def weighted(levels: Sequence[str], weights: Sequence[float] | np.ndarray) -> str:
    """`happy − 0.5 × angry − 0.5 × sad`: the sum of means that a coefficient estimates."""
    order = sorted(range(len(levels)), key=lambda i: weights[i] < 0)  # positive ones first
    parts = []
    for i in order:
        if abs(weights[i]) < NEAR_ZERO:
            continue
        size = f"{abs(weights[i]):.3g}"
        named = f"level {levels[i]}" if numbers([levels[i]]) is not None else levels[i]
        word = named if size == "1" else f"{size} × {named}"
        sign = MINUS if weights[i] < 0 else "+"
        parts.append(f" {sign} {word}" if parts else word if sign == "+" else f"{sign}{word}")
    return "".join(parts)


def _scale_of(row: np.ndarray) -> str:
    """A warning where weights do not give a difference between two means."""
    size = float(row[row > 0].sum())
    if abs(size - 1) < 1e-6:
        return ""
    return (
        f" ({size:.3g} times a difference between means, as positive weights add up to {size:.3g})"
    )
