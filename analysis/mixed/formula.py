"""lme4's formulas, taken apart: response, fixed terms, and random-effect bars.

A *term* is a tuple of variable names: `()` is the intercept, `("m",)` a main effect,
`("m", "emotion")` an interaction. A *bar* is `(slopes | group)`. Notation: `+`, `-`, `:`, `*`,
`a/b` for b nested in a, `0 +` without intercept, `||` for slopes without correlations.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from formulaic import Formula as Expansion
from formulaic.errors import FormulaSyntaxError

from analysis.problems import AnalysisError

Term = tuple[str, ...]
INTERCEPT: Term = ()
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")


@dataclass(frozen=True)
class Bar:
    """One `(terms | group)`: `group` names the crossed variables, `a:b` being two of them."""

    terms: tuple[Term, ...]
    group: tuple[str, ...]
    correlated: bool = True

    @property
    def group_name(self) -> str:
        """The group as lme4 writes it."""
        return ":".join(self.group)


@dataclass(frozen=True)
class Formula:
    """A model formula: `response ~ fixed + bars`."""

    text: str
    response: str
    fixed: tuple[Term, ...]
    bars: tuple[Bar, ...]

    @property
    def fixed_variables(self) -> list[str]:
        """Variables of the fixed part, in order."""
        return list(dict.fromkeys(itertools.chain(*self.fixed)))

    @property
    def variables(self) -> list[str]:
        """Every variable but the response, in order."""
        names = list(self.fixed_variables)
        for bar in self.bars:
            names += [*itertools.chain(*bar.terms), *bar.group]
        return list(dict.fromkeys(names))


def parse(text: str) -> Formula:
    """The formula `text`, taken apart.

    Raises:
        AnalysisError: the formula cannot be read.
    """
    if text.count("~") != 1:
        raise AnalysisError(f"formula '{text}': accepted: RATING ~ effects + (slopes | group)")
    response, right = (side.strip() for side in text.split("~"))
    fixed, bars = _split_bars(right, text)
    return Formula(
        " ".join(text.split()),
        response,
        _terms(fixed or "1", text),
        tuple(itertools.chain(*(_bars(bar, text) for bar in bars))),
    )


def with_bars(formula: Formula, bars: Sequence[Bar]) -> Formula:
    """The same model with other random effects, and its text in lme4's notation."""
    fixed, _ = _split_bars(formula.text.split("~")[1].strip(), formula.text)
    random = [
        f"({_sum(bar.terms)} {'|' if bar.correlated or bar.terms == (INTERCEPT,) else '||'} "
        f"{bar.group_name})"
        for bar in bars
    ]
    text = f"{formula.response} ~ {' + '.join([fixed or '1', *random])}"
    return Formula(text, formula.response, formula.fixed, tuple(bars))


def _sum(terms: Sequence[Term]) -> str:
    """`emotion`, `1`, or `0 + emotion` without an intercept."""
    named = [":".join(term) for term in terms if term != INTERCEPT]
    if INTERCEPT not in terms:
        return " + ".join(["0", *named])
    return " + ".join(named) or "1"


def _split_bars(right: str, text: str) -> tuple[str, list[str]]:
    """The fixed part, and the inside of every bracket that holds a `|`."""
    fixed, bars, depth, start = "", [], 0, 0
    for i, sign in enumerate(right):
        if sign == "(":
            start = i if depth == 0 else start
            depth += 1
        elif sign == ")":
            depth -= 1
            if depth < 0:
                break
            if depth == 0:
                inside = right[start + 1 : i]
                if "|" in inside:
                    bars.append(inside)
                    fixed = fixed.rstrip().removesuffix("+")
                else:
                    fixed += f"({inside})"
        elif depth == 0:
            fixed += sign
    if depth != 0:
        raise AnalysisError(f"formula '{text}': brackets do not match; close each one")
    if "|" in fixed:
        raise AnalysisError(f"formula '{text}': put (slopes | group) in brackets")
    return fixed.strip().removeprefix("+").strip(), bars


def _bars(inside: str, text: str) -> list[Bar]:
    """The bars of one bracket: two for `a/b`, one per column for `||`."""
    slopes, sign, group = re.fullmatch(r"([^|]*)(\|\|?)(.*)", inside).groups()  # type: ignore[union-attr]
    terms = _terms(slopes.strip() or "1", text)
    return [Bar(terms, names, sign == "|") for names in _groups(group, text)]


def _groups(group: str, text: str) -> list[tuple[str, ...]]:
    """`a:b` is one group; `a/b` is `b:a` and `a`, in lme4's order and naming."""
    parts = [part.strip() for part in group.split("/")]
    crossed = [[name.strip() for name in part.split(":")] for part in parts]
    for name in itertools.chain(*crossed):
        if not NAME.fullmatch(name):
            raise AnalysisError(
                f"formula '{text}': found the group '{group.strip()}'; accepted after | are a "
                "variable, a:b (combinations) and a/b (b nested in a)"
            )
    groups: list[tuple[str, ...]] = []
    for part in crossed:
        groups.insert(0, (*part, *(groups[0] if groups else ())))
    return groups


def _terms(part: str, text: str) -> tuple[Term, ...]:
    """The terms of a sum of effects, main effects before interactions, as R orders them."""
    try:
        expanded = Expansion(part)
        terms = [tuple(str(factor) for factor in term.factors) for term in expanded]  # type: ignore[union-attr]
    except (FormulaSyntaxError, TypeError, AttributeError):
        raise AnalysisError(
            f"formula '{text}': cannot read '{part}'; write it as in lme4"
        ) from None
    terms = [tuple(name for name in term if name != "1") for term in terms]
    for name in itertools.chain(*terms):
        if not NAME.fullmatch(name):
            raise AnalysisError(
                f"formula '{text}': found '{name}'; accepted are names of variables joined by "
                "+ - : * /"
            )
    place = {name: i for i, name in reversed(list(enumerate(NAME.findall(part))))}
    terms = [tuple(sorted(term, key=place.__getitem__)) for term in terms]  # as R names them
    return tuple(sorted(dict.fromkeys(terms), key=len))
