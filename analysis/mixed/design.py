"""From a formula and a table to numbers, or to the reason why a model cannot be fitted.

X (n, p) are the columns of the fixed effects, Z (n, k) those of one random-effect term, y (n,) the
ratings. What lme4 would refuse, or drop without asking, is an error here that names the culprit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.mixed.columns import Variable, columns, words
from analysis.mixed.formula import Bar, Formula, parse
from analysis.problems import AnalysisError, Problem

FAR_APART = 1e3  # root mean square of a column that lme4 warns about, or its inverse
ALIASED = 1e-9  # share of a column's length that others must leave for it to count


@dataclass(frozen=True)
class RandomTerm:
    """One random-effect term: row i of `z` (n, k) belongs to group `levels[codes[i]]`."""

    group: str
    codes: np.ndarray
    levels: tuple[str, ...]
    z: np.ndarray
    names: tuple[str, ...]


@dataclass(frozen=True)
class Design:
    """Response y (n,), fixed columns X (n, p) and random terms of a model."""

    formula: Formula
    variables: Mapping[str, Variable]
    y: np.ndarray
    x: np.ndarray
    names: tuple[str, ...]
    meanings: tuple[str, ...]  # of the coefficients, in words
    random: tuple[RandomTerm, ...]
    problems: tuple[Problem, ...] = ()

    def rows(self, cells: pd.DataFrame) -> np.ndarray:
        """Fixed columns (len(cells), p) for other values of the variables, such as a grid."""
        return columns(self.formula.fixed, self.variables, cells).values


def design(formula: Formula, data: pd.DataFrame, variables: Mapping[str, Variable]) -> Design:
    """The numbers of a model.

    Args:
        formula: the model.
        data: one row per rating, none of its variables missing; the response is numeric.
        variables: how each variable counts; those not named are numbers, if their column is, and
            factors with sorted levels otherwise.

    Raises:
        AnalysisError: a variable or level is missing, or effects cannot be told apart.
    """
    known = {name: variables.get(name) or _as_found(name, data) for name in formula.variables}
    for name in [formula.response, *(n for n in formula.variables if not known[n].levels)]:
        _check_numbers(name, data[name])
    for name in formula.fixed_variables:
        _check_levels(known[name], data)
    fixed = columns(formula.fixed, known, data)
    _check_rank(fixed.values, fixed.names)
    for bar in formula.bars:
        if len(bar.group) == 1 and data[bar.group[0]].nunique() < 2:
            raise AnalysisError(f"all ratings belong to one {bar.group_name}", "TOO_FEW_RATINGS")
    random, problems = [], _scale_apart(fixed.values, fixed.names)
    for bar in formula.bars:
        terms, found = _random(bar, known, data)
        random += terms
        problems += found
    y = data[formula.response].to_numpy(float)
    return Design(
        formula, known, y, fixed.values, fixed.names, fixed.meanings, tuple(random), tuple(problems)
    )


def design_of(
    formula: str | Formula,
    data: pd.DataFrame,
    variables: Mapping[str, Variable] | None,
    what: str,
) -> Design:
    """The numbers of a model from a table with gaps: rows in which a variable is missing are out.

    Args:
        formula: the model, or its text in lme4's notation.
        data: one row per answer.
        variables: as in `design`.
        what: "ratings of" or "answers to", for the message if none are left.

    Raises:
        AnalysisError: a column or every row is missing, or there is no random effect; and as in
            `design`.
    """
    formula = parse(formula) if isinstance(formula, str) else formula
    needed = [formula.response, *formula.variables]
    absent = [name for name in needed if name not in data]
    if absent:
        raise AnalysisError(f"the ratings have no column '{absent[0]}', which the formula names")
    whole = data.dropna(subset=needed)
    if whole.empty:
        raise AnalysisError(f"no {what} '{formula.response}' to analyse")
    if not formula.bars:
        raise AnalysisError(f"formula '{formula.text}': no random effect such as (1 | participant)")
    return design(formula, whole, variables or {})


def _as_found(name: str, data: pd.DataFrame) -> Variable:
    if name not in data:
        raise AnalysisError(f"the ratings have no column '{name}', which the formula names")
    if pd.api.types.is_numeric_dtype(data[name]):
        return Variable(name)
    return Variable(name, tuple(sorted(words(data[name].dropna()).unique())))


def _check_numbers(name: str, values: pd.Series) -> None:
    if not pd.api.types.is_numeric_dtype(values):
        numbers = pd.to_numeric(values, errors="coerce")
        wrong = values[numbers.isna()]
        found = f"found '{wrong.iloc[0]}'" if len(wrong) else "found text"
        raise AnalysisError(f"{name}: not a number: {found}; accepted: a column of numbers")
    infinite = int(np.isinf(values.to_numpy(float)).sum())
    if infinite:
        raise AnalysisError(f"{name}: {infinite} values are infinite; accepted: finite numbers")


def _scale_apart(x: np.ndarray, names: Sequence[str]) -> list[Problem]:
    """Columns of very different size: no trouble here, where they are scaled, but in R."""
    size = np.sqrt(np.mean(x**2, axis=0))
    large = [
        name for name, s in zip(names, size, strict=True) if s > FAR_APART or s < 1 / FAR_APART
    ]
    if not large:
        return []
    return [Problem("SCALE", f"far from size 1: {', '.join(large)}")]


def _check_levels(variable: Variable, data: pd.DataFrame) -> None:
    if not variable.levels:
        return
    found = set(words(data[variable.name]).unique())
    missing = [level for level in variable.levels if level not in found]
    strange = sorted(found - set(variable.levels))
    if missing:
        raise AnalysisError(
            f"no ratings at {variable.name} = {', '.join(missing)}", "MISSING_LEVEL"
        )
    if strange:
        raise AnalysisError(
            f"{variable.name}: found the level '{strange[0]}'; "
            f"accepted: {', '.join(variable.levels)}"
        )
    if len(variable.levels) == 1:
        raise AnalysisError(
            f"{variable.name} has only the level '{', '.join(variable.levels)}': nothing to "
            "compare; take it out of the formula"
        )


def _check_rank(x: np.ndarray, names: Sequence[str]) -> None:
    """Refuse a column that those before it already make up; R would drop it."""
    basis = np.empty((len(x), 0))
    aliased = []
    for j, name in enumerate(names):
        left = x[:, j]
        for _ in range(2):  # twice is enough for orthogonality to rounding (Kahan)
            left = left - basis @ (basis.T @ left)
        length = np.linalg.norm(left)
        if length <= ALIASED * np.linalg.norm(x[:, j]) or length == 0:
            aliased.append(name)
        else:
            basis = np.column_stack([basis, left / length])
    if aliased:
        raise AnalysisError(f"aliased with other effects: {', '.join(aliased)}", "RANK_DEFICIENT")


def _random(
    bar: Bar, variables: Mapping[str, Variable], data: pd.DataFrame
) -> tuple[list[RandomTerm], list[Problem]]:
    """The terms of one bar: one, or one per column if it is without correlations."""
    coded = columns(bar.terms, variables, data)
    z, names = coded.values, coded.names
    key = words(data[bar.group[0]])
    for name in bar.group[1:]:
        key = key + ":" + words(data[name])
    codes, levels = pd.factorize(key, sort=True)
    _check_group(bar.group_name, len(levels), z)
    problems = _slopes_not_within(bar.group_name, codes, z, names)
    if len(levels) < 5:
        found = f"{bar.group_name} has {len(levels)} levels"
        problems.append(Problem("FEW_LEVELS", found))
    split = [[j] for j in range(z.shape[1])]
    factors = [t for t in bar.terms if any(variables[name].levels for name in t)]
    if not bar.correlated and factors:
        found = f"(… || {bar.group_name}) became the columns {', '.join(names)}"
        problems.append(Problem("SLOPES_EXPANDED", found))
    terms = [
        RandomTerm(bar.group_name, codes, tuple(levels), z[:, js], tuple(names[j] for j in js))
        for js in ([list(range(z.shape[1]))] if bar.correlated else split)
    ]
    return terms, problems


def _check_group(group: str, count: int, z: np.ndarray) -> None:
    """The limits that lme4 sets too."""
    n, k = z.shape
    if count < 2:
        raise AnalysisError(f"all ratings belong to one {group}", "TOO_FEW_RATINGS")
    if count * k >= n:
        raise AnalysisError(
            f"{n} ratings for {count * k} random effects of {group}", "TOO_FEW_RATINGS"
        )


def _slopes_not_within(
    group: str, codes: np.ndarray, z: np.ndarray, names: Sequence[str]
) -> list[Problem]:
    """Slopes whose column is constant in every group: no data speak of them."""
    constant = pd.DataFrame(z).groupby(codes).nunique().max() == 1
    stuck = [n for n, c in zip(names, constant, strict=True) if c and n != "(Intercept)"]
    if not stuck:
        return []
    return [Problem("SLOPE_NOT_WITHIN", f"{', '.join(stuck)} does not vary within {group}")]


def lower_triangles(theta: np.ndarray, sizes: Sequence[int]) -> list[np.ndarray]:
    """The lower triangles (k, k) that `theta` holds row by row, one for each k of `sizes`."""
    out, start = [], 0
    for k in sizes:
        triangle = np.zeros((k, k))
        triangle[np.tril_indices(k)] = theta[start : start + k * (k + 1) // 2]
        out.append(triangle)
        start += k * (k + 1) // 2
    return out
