"""Results in the words of a paper (APA style, 7th edition).

No zero before the point where a number cannot exceed 1 (p, correlations), two decimals for
estimates, three for p, one for degrees of freedom.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

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
    whole = pd.isna(value) or abs(float(text.replace(MINUS, "-"))) >= 1
    return text if whole else text.replace("0.", ".", 1)


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


def listing(parts: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    parts = list(parts)
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)


def count(n: int, one: str, many: str | None = None) -> str:
    """`1 participant`, `2 participants`."""
    return f"{n} {one if n == 1 else many or one + 's'}"
