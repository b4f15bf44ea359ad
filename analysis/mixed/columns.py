"""Terms of a formula as columns, with the values, order and names of R's `model.matrix`.

The first factor of an interaction varies fastest, and a factor is coded by its contrasts if the
term without it is in the model, else by one indicator per level (so `m/emotion` keeps one effect
of emotion at *every* level of m). Every column says in words what its coefficient means.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from analysis.mixed.coding import DEFAULT, Contrasts, contrasts, hypotheses
from analysis.mixed.formula import INTERCEPT, Term


@dataclass(frozen=True)
class Variable:
    """A variable of a model: a factor with ordered `levels`, or a number (`levels` empty).

    `hypotheses`: name -> a weight per level, in the order of `levels`; takes the place of `coding`,
    which is then `hypotheses`.
    """

    name: str
    levels: tuple[str, ...] = ()
    coding: str = DEFAULT
    hypotheses: tuple[tuple[str, tuple[float, ...]], ...] = ()

    @cached_property
    def contrasts(self) -> Contrasts:
        """The coding of a factor."""
        if self.hypotheses:
            return hypotheses(dict(self.hypotheses), self.levels)
        return contrasts(self.coding, self.levels)


@dataclass(frozen=True)
class Columns:
    """Coded terms: values (n, p), names as R gives them, and what the coefficients mean."""

    values: np.ndarray
    names: tuple[str, ...]
    meanings: tuple[str, ...]


def words(values: pd.Series) -> pd.Series:
    """Levels as words: numbers without a needless `.0`, so that 1, 1.0 and "1" are one level."""
    codes, found = pd.factorize(values)
    named = np.array([*map(word, found), np.nan], object)  # the last is for code -1: missing
    return pd.Series(named[codes], values.index, name=values.name)


def word(value: object) -> str:
    """One level as a word."""
    fraction = isinstance(value, float | np.floating)
    return f"{value:.10g}" if fraction else str(value)


def columns(
    terms: Sequence[Term], variables: Mapping[str, Variable], data: pd.DataFrame
) -> Columns:
    """Columns of `terms` for every row of `data`."""
    blocks, names, meanings = [np.empty((len(data), 0))], [], []
    indicators = _indicator_of_no_intercept(terms, variables)
    for term in terms:
        block, labels, parts = np.ones((len(data), 1)), [""], [((), ())]
        for name in term:
            by_contrasts = coded_by_contrasts(terms, term, name) and (term, name) != indicators
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


def coded_by_contrasts(terms: Sequence[Term], term: Term, name: str) -> bool:
    """R's rule: by contrasts if the term without this factor is there (the empty one always is)."""
    return _without(term, name) in {*map(frozenset, terms), frozenset()}


def interacting(terms: Sequence[Term], name: str) -> list[str]:
    """Variables whose effects are those at the reference level of `name` (treatment coding)."""
    others = [o for term in terms if name in term and len(term) > 1
              and coded_by_contrasts(terms, term, name) for o in term if o != name]  # fmt: skip
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
