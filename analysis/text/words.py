"""Results in the words of a paper (APA style, 7th edition).

No zero before the point where a number cannot exceed 1 (p, correlations), two decimals for
estimates, three for p, one for degrees of freedom.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from analysis.mixed.coding import R_FUNCTIONS
from analysis.mixed.columns import Variable, interacting
from analysis.mixed.comparisons import Family
from analysis.mixed.fit import Fit
from protocols.mixed_models import MixedModel

MINUS = "\N{MINUS SIGN}"
SMALL = 0.001  # smaller p values are "p < .001"
STARS = ((0.001, "***"), (0.01, "**"), (0.05, "*"))


def number(value: float, digits: int = 2) -> str:
    """A number with a true minus sign; `NA` if there is none."""
    if pd.isna(value):
        return "NA"
    text = f"{value:.{digits}f}"
    if float(text) == 0:
        text = text.removeprefix("-")
    return text.replace("-", MINUS)


def digits_of(se: float) -> int:
    """Decimals for an estimate: two, or more where a standard error would read 0.00 or 0.01."""
    digits = 2
    while 0 < se * 10**digits < 2 and digits < 8:
        digits += 1
    return digits


def share(value: float, digits: int = 2) -> str:
    """A number between -1 and 1 without the zero before the point."""
    text = number(value, digits)
    return text.replace("0.", ".", 1) if abs(float(text.replace(MINUS, "-"))) < 1 else text


def p_value(p: float) -> str:
    """`.033`, or `< .001`."""
    if pd.isna(p):
        return "NA"
    if p < SMALL:
        return "< .001"
    return share(p, 3) if p < 0.9995 else "> .999"


def p_clause(p: float, symbol: str = "p") -> str:
    """`p = .033`, or `p < .001`."""
    value = p_value(p)
    return f"{symbol} {value}" if value[0] in "<>" else f"{symbol} = {value}"


def degrees(df: float) -> str:
    """Degrees of freedom with one decimal."""
    return number(df, 1)


def interval(low: float, high: float, digits: int = 2) -> str:
    """`[0.03, 0.71]`."""
    return f"[{number(low, digits)}, {number(high, digits)}]"


def stars(p: float) -> str:
    """`***` p < .001, `**` p < .01, `*` p < .05, else `n.s.`."""
    return next((sign for limit, sign in STARS if p < limit), "n.s.")


def statistics(row: pd.Series) -> str:
    """`b = 0.37, SE = 0.17, t(28.4) = 2.18, p = .033, 95 % CI [0.03, 0.71]`."""
    digits = digits_of(row.se)
    return (
        f"b = {number(row.estimate, digits)}, SE = {number(row.se, digits)}, "
        f"t({degrees(row.df)}) = {number(row.t)}, {p_clause(row.p)}, "
        f"95\N{NO-BREAK SPACE}% CI {interval(row.low, row.high, digits)}"
    )


def f_test(joint: tuple[float, int, float, float]) -> str:
    """`F(4, 120.3) = 5.67, p < .001`."""
    f, numerator, df, p = joint
    return f"F({numerator}, {degrees(df)}) = {number(f)}, {p_clause(p)}"


def coefficient_sentence(row: pd.Series) -> str:
    """A fixed effect in one sentence."""
    verdict = "differed from zero" if row.p < 0.05 else "did not differ reliably from zero"
    return f"The coefficient {row.term} {verdict}, {statistics(row)}."


def headline(family: Family) -> list[str]:
    """Every difference of a family in a few words."""
    adjusted = "Holm-adjusted " if _corrected(family) else ""
    return [
        f"{_claim(family, row)} (b = {number(row.estimate)}, {adjusted}{p_clause(row.p_adjusted)})."
        for _, row in family.table.iterrows()
    ]


def _corrected(family: Family) -> bool:
    return family.comparison.adjust == "holm" and len(family.table) > 1


def comparison_sentences(family: Family, unit: str = "points") -> list[str]:
    """Every difference of a family in one sentence, with its equivalence test if asked for."""
    return [_difference(family, row, unit) for _, row in family.table.iterrows()]


def _difference(family: Family, row: pd.Series, unit: str) -> str:
    comparison = family.comparison
    after = f", Holm-adjusted {p_clause(row.p_adjusted)}" if _corrected(family) else ""
    sentence = f"{_claim(family, row)}, {statistics(row)}{after}."
    if comparison.equivalence is None:
        return sentence
    verdict = "was" if row.equivalent else "was not"
    return (
        f"{sentence} The difference {verdict} equivalent to zero within "
        f"±{number(comparison.equivalence)} {unit}, {p_clause(row.p_equivalence)}, "
        f"90\N{NO-BREAK SPACE}% CI {interval(row.low90, row.high90)}."
    )


def _claim(family: Family, row: pd.Series) -> str:
    """Which level was rated higher, as far as the adjusted test tells."""
    factor, at = family.comparison.factor, family.comparison.at
    later, earlier = (_level(factor, level) for level in (row.later, row.earlier))
    if row.p_adjusted < 0.05:
        word = "higher" if row.estimate > 0 else "lower"
        claim = f"ratings were {word} for {later} than for {earlier}"
    else:
        claim = f"ratings for {later} and {earlier} did not differ reliably"
    return f"At {at} = {row['at']}, {claim}" if at else claim[0].upper() + claim[1:]


def _level(factor: str, level: str) -> str:
    """A level that reads well in a sentence: `happy`, but `m = 0.5`."""
    return f"{factor} = {level}" if level.replace(".", "").lstrip("-").isdigit() else level


def coding_sentences(fit: Fit) -> list[str]:
    """How each factor of a model is coded, and what its coefficients mean."""
    out = []
    for name in fit.design.formula.fixed_variables:
        variable = fit.design.variables[name]
        out.append(_coding(variable) + _reference(fit, variable))
    return out


def _reference(fit: Fit, variable: Variable) -> str:
    """The trap of treatment coding: with an interaction, other effects are simple effects."""
    others = interacting(fit.design.formula.fixed, variable.name)
    if not others or (variable.levels and variable.coding != "treatment"):
        return ""
    at = variable.levels[0] if variable.levels else "0"
    effects = "Effects" if len(others) > 1 else "The effect"
    return f" {effects} of {listing(others)} alone: at {variable.name} = {at}."


def _coding(variable: Variable) -> str:
    if not variable.levels:
        return f"{variable.name} counts as a number: its coefficient is the change per unit."
    function = R_FUNCTIONS[variable.coding].removeprefix("MASS::")
    meanings = zip(variable.contrasts.names, variable.contrasts.meaning, strict=True)
    listed = "; ".join(f"{variable.name}{name} is {meaning}" for name, meaning in meanings)
    return (
        f"{variable.name} (levels {', '.join(variable.levels)}) has "
        f"{variable.coding} coding ({function} in R): {listed}."
    )


def random_sentence(fit: Fit) -> str:
    """The random part in words."""
    parts = []
    for bar in fit.design.formula.bars:
        slopes = [" × ".join(term) for term in bar.terms if term]
        kinds = ["intercepts"] if () in bar.terms else []
        kinds += [f"slopes of {listing(slopes)}"] if slopes else []
        free = "" if bar.correlated or not slopes else ", uncorrelated"
        count = fit.groups[bar.group_name]
        parts.append(f"random {' and '.join(kinds)} for {bar.group_name} (N = {count}{free})")
    return listing(parts)


def method_sentence(model: MixedModel, fit: Fit, engine: str) -> str:
    """How a model was fitted, ready for a method section."""
    likelihood = "restricted maximum likelihood" if model.reml else "maximum likelihood"
    return (
        f"We fitted the linear mixed-effects model {fit.design.formula.text} to {fit.n} ratings, "
        f"with {random_sentence(fit)}, by {likelihood} ({engine}); tests of fixed effects use "
        "Satterthwaite's approximation of the degrees of freedom."
    )


def listing(parts: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    parts = list(parts)
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)


def count(n: int, one: str, many: str | None = None) -> str:
    """`1 participant`, `2 participants`."""
    return f"{n} {one if n == 1 else many or one + 's'}"
