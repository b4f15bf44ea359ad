"""From a formula and a table to numbers: the columns of the fixed and of the random effects.

Columns have the values, the order and the names that R's `model.matrix` gives them: the first
factor of an interaction varies fastest, and a factor is coded by its contrasts if the term without
it is in the model, else by one indicator per level (so `m/emotion` keeps one effect of emotion at
*every* level of m). X (n, p) are the fixed columns, Z (n, k) those of one random-effect term.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from analysis.coding import DEFAULT, Contrasts, contrasts
from analysis.formula import INTERCEPT, Bar, Formula, Term
from analysis.problems import AnalysisError, Problem

ALIASED = 1e-9  # share of a column's length that others must leave for it to count


@dataclass(frozen=True)
class Variable:
    """A variable of a model: a factor with ordered `levels`, or a number (`levels` empty)."""

    name: str
    levels: tuple[str, ...] = ()
    coding: str = DEFAULT

    @cached_property
    def contrasts(self) -> Contrasts:
        """The coding of a factor."""
        return contrasts(self.coding, self.levels)


@dataclass(frozen=True)
class RandomTerm:
    """One random-effect term: row i of `z` (n, k) belongs to group `levels[codes[i]]`."""

    group: str
    codes: np.ndarray
    levels: tuple[str, ...]
    z: np.ndarray
    names: tuple[str, ...]


@dataclass(frozen=True)
class Columns:
    """Coded terms: values (n, p), names as R gives them, and what the coefficients mean."""

    values: np.ndarray
    names: tuple[str, ...]
    meanings: tuple[str, ...]


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


def words(values: pd.Series) -> pd.Series:
    """Levels as words: numbers without a needless `.0`, so that 1, 1.0 and "1" are one level."""
    return values.map(word, na_action="ignore")


def word(value: object) -> str:
    """One level as a word."""
    fraction = isinstance(value, float | np.floating)
    return f"{value:.10g}" if fraction else str(value)


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
    for name in formula.fixed_variables:
        _check_levels(known[name], data)
    fixed = columns(formula.fixed, known, data)
    _check_rank(fixed.values, fixed.names)
    random, problems = [], []
    for bar in formula.bars:
        terms, found = _random(bar, known, data)
        random += terms
        problems += found
    y = data[formula.response].to_numpy(float)
    return Design(
        formula, known, y, fixed.values, fixed.names, fixed.meanings, tuple(random), tuple(problems)
    )


def columns(
    terms: Sequence[Term], variables: Mapping[str, Variable], data: pd.DataFrame
) -> Columns:
    """Columns of `terms` for every row of `data`."""
    blocks, names, meanings = [np.empty((len(data), 0))], [], []
    indicators = _indicator_of_no_intercept(terms, variables)
    for term in terms:
        block, labels, parts = np.ones((len(data), 1)), [""], [((), ())]
        for name in term:
            by_contrasts = _coded_by_contrasts(terms, term, name) and (term, name) != indicators
            part, part_labels, what = _coded(variables[name], data, by_contrasts)
            # R's order: the first factor varies fastest
            block = (part[:, :, None] * block[:, None, :]).reshape(len(data), -1)
            labels = [f"{a}:{b}" if a else b for b in part_labels for a in labels]
            effect = by_contrasts or not variables[name].levels
            parts = [((*e, w), at) if effect else (e, (*at, w)) for w in what for e, at in parts]
        blocks.append(block)
        names += labels if term else ["(Intercept)"]
        meanings += [_meaning(*p) for p in parts] if term else [_intercept(terms, variables)]
    return Columns(np.hstack(blocks), tuple(names), tuple(meanings))


def _meaning(effects: Sequence[str], at: Sequence[str]) -> str:
    """`happy minus angry, at m = 0.5`; interactions of effects are joined by a cross."""
    crossed = " × ".join(f"({e})" for e in effects) if len(effects) > 1 else "".join(effects)
    where = f"at {', '.join(at)}" if at else ""
    return ", ".join(part for part in (crossed or "mean", where) if part)


def _intercept(terms: Sequence[Term], variables: Mapping[str, Variable]) -> str:
    at = []
    for term in terms:
        for variable in [variables[name] for name in term if len(term) == 1]:
            if not variable.levels:
                at.append(f"{variable.name} = 0")
            elif variable.coding == "treatment":
                at.append(f"{variable.name} = {variable.levels[0]}")
    return _meaning((), at)


def _coded_by_contrasts(terms: Sequence[Term], term: Term, name: str) -> bool:
    """R's rule: by contrasts if the term without this factor is there (the empty one always is)."""
    return _without(term, name) in {*map(frozenset, terms), frozenset()}


def interacting(terms: Sequence[Term], name: str) -> list[str]:
    """Variables whose effects are those at the reference level of `name` (treatment coding)."""
    others = [o for term in terms if name in term and len(term) > 1
              and _coded_by_contrasts(terms, term, name) for o in term if o != name]  # fmt: skip
    return list(dict.fromkeys(others))


def _without(term: Term, name: str) -> frozenset[str]:
    return frozenset(term) - {name}


def _indicator_of_no_intercept(
    terms: Sequence[Term], variables: Mapping[str, Variable]
) -> tuple[Term, str] | None:
    """Without an intercept, R codes the first factor that stands alone by indicators."""
    if INTERCEPT in terms:
        return None
    alone = [(t, name) for t in terms for name in t if len(t) == 1 and variables[name].levels]
    return alone[0] if alone else None


def _coded(
    variable: Variable, data: pd.DataFrame, by_contrasts: bool
) -> tuple[np.ndarray, list[str], list[str]]:
    """Columns (n, c) of one variable, their names, and what they mean."""
    name, levels = variable.name, variable.levels
    if not levels:
        return data[name].to_numpy(float)[:, None], [name], [f"{name}, per unit"]
    codes = pd.Categorical(words(data[name]), categories=levels).codes
    if by_contrasts:
        coded = variable.contrasts
        meanings = [f"{name}: {meaning}" for meaning in coded.meaning]
        return coded.matrix[codes], [f"{name}{label}" for label in coded.names], meanings
    return (
        np.eye(len(levels))[codes],
        [f"{name}{v}" for v in levels],
        [f"{name} = {level}" for level in levels],
    )


def _as_found(name: str, data: pd.DataFrame) -> Variable:
    if name not in data:
        raise AnalysisError(f"the ratings have no column '{name}', which the formula names")
    if pd.api.types.is_numeric_dtype(data[name]):
        return Variable(name)
    return Variable(name, tuple(sorted(words(data[name].dropna()).unique())))


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
