"""The tables of a binomial or ordinal mixed model."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.mixed.comparisons import Family
from analysis.mixed.general import GeneralFit
from analysis.text.general_words import odds
from analysis.text.model_words import correction, icc_sentence
from analysis.text.part import NUMBER, TEXT, Table
from analysis.text.words import digits_of, interval, number, p_value, share

ODDS = (
    "b in logits; OR = exp(b): the factor by which the odds of {what} change, for the same "
    "participant and item."
)
WHAT = {"binomial": "counting as 1", "ordinal": "a higher rating"}


def fixed_table(fit: GeneralFit) -> Table:
    """Fixed effects: one row per coefficient."""
    rows = []
    for meaning, (_, r) in zip(fit.design.meanings, fit.fixed.iterrows(), strict=True):
        digits = digits_of(r.se)
        rows.append([r.term, meaning, number(r.estimate, digits), number(r.se, digits),
                     number(r.z), p_value(r.p), odds(r.odds_ratio),
                     f"[{odds(r.or_low)}, {odds(r.or_high)}]"])  # fmt: skip
    head = ["Coefficient", "What it is", "b", "SE", "z", "p", "OR", "95 % CI of OR"]
    note = ODDS.format(what=WHAT[fit.family])
    if "(Intercept)" in fit.design.names:
        note += " Of the intercept: the odds themselves."
    return Table(head, [TEXT, TEXT] + [NUMBER] * 6, rows, "Fixed effects", note)


def thresholds_table(fit: GeneralFit) -> Table:
    """Thresholds of an ordinal model."""
    rows = []
    for _, r in fit.threshold_table.iterrows():
        digits = digits_of(r.se)
        rows.append([r.threshold.replace("|", " | "), number(r.estimate, digits),
                     number(r.se, digits), interval(r.low, r.high, digits)])  # fmt: skip
    note = (
        "In logits, where all effects are 0: an answer falls below a threshold with the "
        "probability 1 / (1 + exp(−b)). Distances differ if the points are not equally far apart."
    )
    return Table(["Between", "b", "SE", "95 % CI"], [TEXT] + [NUMBER] * 3, rows, "Thresholds", note)


def random_table(fit: GeneralFit, icc: pd.DataFrame | None = None) -> Table:
    """Random effects: standard deviations and correlations."""
    counts = fit.groups
    widest = max(len(c) for c in fit.random.correlations)
    rows = []
    for _, r in fit.random.iterrows():
        correlations = [share(c) if c == c else "–" for c in r.correlations]
        correlations += [""] * (widest - len(correlations))
        rows.append([r.group, r.effect, str(counts[r.group]), number(r.sd), *correlations])
    head = ["Group", "Effect", "N", "SD"] + [f"r with {i}." for i in range(1, widest + 1)]
    marginal, conditional = fit.r_squared
    note = (
        f"SD in logits. N = {fit.n} answers. Log likelihood (Laplace) "
        f"{number(fit.log_likelihood, 1)}, AIC {number(fit.aic, 1)}. R² of the latent scale: "
        f"marginal {share(marginal)}, conditional {share(conditional)} (Nakagawa et al., 2017)."
    )
    if icc is not None:
        note += f" {icc_sentence(icc)}"
    if widest:
        note += " “r with 1.” is the correlation with the group's first effect, and so on."
    return Table(head, [TEXT, TEXT] + [NUMBER] * (2 + widest), rows, "Random effects", note)


def terms_table(terms: pd.DataFrame) -> Table:
    """Wald tests of every term."""
    rows = [[r.term, number(r.f * r.numerator), str(r.numerator), p_value(r.p)]
            for r in terms.itertuples(index=False)]  # fmt: skip
    note = (
        "Wald tests, type III: means are averaged with equal weight over all other factors, so "
        "that the tests do not depend on the coding."
    )
    for r in terms[terms["at"] != ""].itertuples(index=False):
        note += f" {r.term} is tested at {r.at}."
    return Table(["Effect", "χ²", "df", "p"], [TEXT] + [NUMBER] * 3, rows,
                 "Tests of every effect", note)  # fmt: skip


def family_table(family: Family, fit: GeneralFit) -> Table:
    """The differences of one family, with equivalence tests if asked for."""
    adjusted, at = correction(family), family.comparison.at
    bound = family.comparison.equivalence
    rows = []
    for _, r in with_odds(family.table).iterrows():
        row = [*([r["at"]] if at else []), f"{r.later} − {r.earlier}", number(r.estimate),
               number(r.se), number(r.t), p_value(r.p)]  # fmt: skip
        row += [p_value(r.p_adjusted)] if adjusted else []
        row += [odds(r.odds_ratio), f"[{odds(r.or_low)}, {odds(r.or_high)}]"]
        if bound is not None:
            row += [interval(r.low90, r.high90), p_value(r.p_equivalence),
                    "yes" if r.equivalent else "no"]  # fmt: skip
        rows.append(row)
    named = [*([at] if at else []), "Difference"]
    head = ["b", "SE", "z", "p", *([f"p ({adjusted})"] if adjusted else []), "OR", "95 % CI of OR"]
    note = f"{ODDS.format(what=WHAT[fit.family])} Intervals are not corrected."
    if bound is not None:
        head += ["90 % CI of b", "p, equivalence", "Equivalent"]
        note += (
            f" Equivalence to zero within ±{number(bound)} logits: p is the larger of two "
            "one-sided tests, uncorrected. “No” does not mean that there is a difference."
        )
    kinds = [TEXT] * len(named) + [NUMBER] * len(head)
    return Table([*named, *head], kinds, rows, f"Differences of {family.title}", note)


def with_odds(table: pd.DataFrame) -> pd.DataFrame:
    """The table with odds_ratio, or_low and or_high beside estimate, low and high."""
    with np.errstate(over="ignore"):
        found = np.exp(table[["estimate", "low", "high"]].to_numpy(float))
    return table.assign(odds_ratio=found[:, 0], or_low=found[:, 1], or_high=found[:, 2])


def probabilities_table(table: pd.DataFrame) -> Table:
    """Marginal probabilities."""
    by = list(table.columns[: list(table.columns).index("logit")])
    rows = [
        [*(str(r[name]) for name in by), share(r.probability), share(r.se, 3),
         f"[{share(r.low)}, {share(r.high)}]", share(r.population)]
        for _, r in table.iterrows()
    ]  # fmt: skip
    head = [*by, "Probability", "SE", "95 % CI", "Over all"]
    note = (
        "Probability of a 1 for a participant and an item in the middle; SE by the delta method, "
        "interval from the logits. “Over all”: mean over all participants and items (Zeger et al., "
        "1988), nearer to .50."
    )
    kinds = [TEXT] * len(by) + [NUMBER] * 4
    return Table(head, kinds, rows, "Probabilities that the model expects", note)


def cuts_table(cuts: pd.DataFrame) -> Table:
    """Slopes at every cut of the scale."""
    rows = [
        [r.term, r.cut.replace("|", " | "), number(r.estimate), number(r.se),
         interval(r.low, r.high), number(r.ordinal), "yes" if r.differs else "no"]
        for r in cuts.itertuples(index=False)
    ]  # fmt: skip
    head = ["Effect", "Cut", "b", "SE", "95 % CI", "b, ordinal", "Outside"]
    note = (
        "Binomial mixed models of “above the cut” with the same effects (after Brant, 1990); cuts "
        "with fewer than 20 answers on a side, or that cannot be fitted, are left out. A rough "
        "check: with many cuts and effects, one in twenty lies outside by chance."
    )
    kinds = [TEXT, TEXT] + [NUMBER] * 4 + [TEXT]
    return Table(head, kinds, rows, "Slopes at every cut of the scale", note)
