"""What a binomial or ordinal mixed model says, in sentences of a paper."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pandas as pd

from analysis.mixed.answer_checks import expected_answers
from analysis.mixed.comparisons import Family
from analysis.mixed.general import GeneralFit
from analysis.text.model_words import NO_BREAK, correction, random_sentence
from analysis.text.words import digits_of, interval, listing, number, p_clause, share
from protocols.mixed_models import Success

LARGEST, SMALLEST = 1000, 0.01  # odds ratios that are written out


def checks_in_words(fit: GeneralFit, residuals: np.ndarray) -> str:
    """What the diagnostic figure shows, for those who cannot see it."""
    far = 100 * float((np.abs(residuals) > 3).mean())
    away = expected_answers(fit) - fit.design.y
    tenths = pd.qcut(expected_answers(fit), 10, labels=False, duplicates="drop")
    largest = float(pd.Series(away).groupby(tenths).mean().abs().max())
    return (
        "Quantile plots, and mean answers by expected answers. Quantile residuals: mean "
        f"{number(float(residuals.mean()))}, SD {number(float(residuals.std(ddof=1)))} (0 and 1 if "
        f"the model is right); {far:.1f} % lie beyond 3 (0.3 % if it is). In tenths of the "
        f"expected answers, mean and expected answers differ by {number(largest)} at most."
    )


def odds(value: float) -> str:
    """An odds ratio with two decimals, `> 1000` or `< 0.01`."""
    if value > LARGEST:
        return f"> {LARGEST}"
    return f"< {SMALLEST}" if value < SMALLEST else number(value)


def odds_clause(row: pd.Series) -> str:
    """`OR = 1.68, 95 % CI [1.35, 2.09]`, from estimate, low and high (logits)."""
    with np.errstate(over="ignore"):
        ratio, low, high = (float(np.exp(row[name])) for name in ("estimate", "low", "high"))
    shown = odds(ratio)
    sign = "" if shown[0] in "<>" else "= "
    return f"OR {sign}{shown}, 95{NO_BREAK}% CI [{odds(low)}, {odds(high)}]"


def statistics(row: pd.Series) -> str:
    """`b = 0.52, SE = 0.11, z = 4.70, p < .001, OR = 1.68, 95 % CI [1.35, 2.09]`."""
    digits = digits_of(row.se)
    z = row.estimate / row.se
    return (
        f"b = {number(row.estimate, digits)}, SE = {number(row.se, digits)}, z = {number(z)}, "
        f"{p_clause(row.p)}, {odds_clause(row)}"
    )


def coefficient_sentence(row: pd.Series) -> str:
    """A fixed effect in one sentence."""
    verdict = "differed from zero" if row.p < 0.05 else "did not differ reliably from zero"
    return f"The coefficient {row.term} {verdict}, {statistics(row)}."


def intercept_sentence(row: pd.Series) -> str:
    """The intercept of a model without effects: is a 1 as likely as a 0?"""
    verdict = "differed" if row.p < 0.05 else "did not differ reliably"
    found = statistics(row).replace("OR ", "odds ", 1)
    return f"The odds of counting as 1 {verdict} from 1, {found}."


def chi_squared(row: Any) -> str:
    """`χ²(2) = 11.30, p = .004`, from an F with infinite denominator degrees of freedom."""
    return f"χ²({row.numerator}) = {number(row.f * row.numerator)}, {p_clause(row.p)}"


def term_sentence(row: pd.Series) -> str:
    """The test of a term in one sentence."""
    names = row.term.split(":")
    effect = f"effect of {row.term}" if len(names) == 1 else f"interaction of {listing(names)}"
    verdict = "was significant" if row.p < 0.05 else "was not significant"
    at = f" (at {row['at']})" if row["at"] else ""
    return f"The {effect}{at} {verdict}, {chi_squared(row)}."


def headline(family: Family, fit: GeneralFit) -> list[str]:
    """Every difference of a family in a few words."""
    adjusted = correction(family)
    adjusted = f"{adjusted}-adjusted " if adjusted else ""
    out = []
    for _, row in family.table.iterrows():
        ratio = odds_clause(row).split(",")[0]
        out.append(f"{_claim(family, row, fit)} ({ratio}, {adjusted}{p_clause(row.p_adjusted)}).")
    return out


def comparison_sentences(family: Family, fit: GeneralFit) -> list[str]:
    """Every difference of a family in one sentence, with its equivalence test if asked for."""
    return [_difference(family, row, fit) for _, row in family.table.iterrows()]


def _difference(family: Family, row: pd.Series, fit: GeneralFit) -> str:
    bound, adjusted = family.comparison.equivalence, correction(family)
    after = f", {adjusted}-adjusted {p_clause(row.p_adjusted)}" if adjusted else ""
    sentence = f"{_claim(family, row, fit)}, {statistics(row)}{after}."
    if bound is None:
        return sentence
    verdict = "was" if row.equivalent else "was not"
    return (
        f"{sentence} The difference {verdict} equivalent to zero within ±{number(bound)} logits, "
        f"{p_clause(row.p_equivalence)}, 90{NO_BREAK}% CI {interval(row.low90, row.high90)}."
    )


def _claim(family: Family, row: pd.Series, fit: GeneralFit) -> str:
    """Which level was rated higher or named more often, as far as the adjusted test tells."""
    factor, at = family.comparison.factor, family.comparison.at
    later, earlier = (_level(factor, level) for level in (row.later, row.earlier))
    if row.p_adjusted < 0.05:
        up, rated = row.estimate > 0, fit.family == "ordinal"
        if rated:
            claim = f"ratings were {'higher' if up else 'lower'} for {later} than for {earlier}"
        else:
            often = "more" if up else "less"
            claim = f"answers counted as 1 {often} often for {later} than for {earlier}"
    else:
        what = "ratings" if fit.family == "ordinal" else "answers"
        claim = f"{what} for {later} and {earlier} did not differ reliably"
    return f"At {at} = {row['at']}, {claim}" if at else claim[0].upper() + claim[1:]


def _level(factor: str, level: str) -> str:
    """A level that reads well in a sentence: `happy`, but `m = 0.5`."""
    return f"{factor} = {level}" if level.replace(".", "").lstrip("-").isdigit() else level


def probability_sentences(table: pd.DataFrame, success: Success) -> list[str]:
    """The probability of a 1 in every cell, one sentence each."""
    named = " or ".join(success.labels) or success.matches
    rather = f" rather than {success.against}" if success.against else ""
    by = list(table.columns[: list(table.columns).index("logit")])
    out = []
    for _, row in table.iterrows():
        where = f"At {', '.join(f'{name} = {row[name]}' for name in by)}, an" if by else "An"
        out.append(
            f"{where} answer named {named}{rather} with probability {share(row.probability)}, "
            f"95{NO_BREAK}% CI [{share(row.low)}, {share(row.high)}], for a participant and item "
            f"in the middle ({share(row.population)} over all)."
        )
    return out


def cuts_sentences(cuts: pd.DataFrame) -> list[str]:
    """Whether one slope holds at every cut of the scale, one sentence per effect."""
    out = []
    for term, rows in cuts.groupby("term", sort=False):
        low, high = number(rows.estimate.min()), number(rows.estimate.max())
        span = (
            f"{term}: cut between any two points, the scale gives slopes from {low} to {high} "
            f"({len(rows)} cuts); the ordinal model says {number(rows.ordinal.iloc[0])}"
        )
        off = rows[rows.differs]
        if off.empty:
            out.append(f"{span}, within the 95{NO_BREAK}% interval of every one: nothing here "
                       "speaks against one slope for the whole scale.")  # fmt: skip
        else:
            where = listing([str(cut) for cut in off.cut])
            verb = "lies" if len(rows) == 1 else "this lies"
            out.append(
                f"{span}; {verb} outside the 95{NO_BREAK}% interval at {where}: the effect is not "
                "the same all along the scale, and one slope is an average over it. Say so, and "
                "report the slopes of the cuts beside."
            )
    return out


def method_sentences(fit: GeneralFit, engine: str) -> list[str]:
    """How a model was fitted, ready for a method section."""
    random = random_sentence(cast("Any", fit))
    if fit.family == "binomial":
        ones = int(fit.design.y.sum())
        kind = "binomial mixed-effects model (logit link)"
        what = f"{fit.n} answers, {ones} of which count as 1"
    else:
        kind = "cumulative-link mixed model (logit link, flexible thresholds; McCullagh, 1980)"
        what = f"{fit.n} ratings, {len(fit.points)} points of the scale"
    return [
        f"We fitted the {kind} {fit.design.formula.text} ({what}), with {random}, by maximum "
        f"likelihood with the Laplace approximation (Bates et al., 2015; {engine}). Standard "
        "errors come from the curvature of the likelihood by all parameters; tests are Wald z "
        "tests, and odds ratios (OR) have 95 % Wald intervals."
    ]
