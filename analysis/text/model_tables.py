"""The tables of a mixed model: effects, variances, tests, comparisons, and how it was checked."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from analysis.mixed.comparisons import Family
from analysis.mixed.fit import KENWARD_ROGER, Fit
from analysis.mixed.influence import Influence
from analysis.mixed.likelihood_ratio import LikelihoodRatio
from analysis.mixed.reduction import Reduction
from analysis.text.model_words import correction, effect_size_words, icc_sentence
from analysis.text.part import NUMBER, TEXT, Table
from analysis.text.words import degrees, digits_of, interval, listing, number, p_value, share

MEANS = ("mean", "se", "df", "low", "high")  # columns of marginal means
MOST_INFLUENTIAL = 5  # rows per grouping factor


def fixed_table(fit: Fit) -> Table:
    """Fixed effects: one row per coefficient."""
    rows = []
    for meaning, (_, r) in zip(fit.design.meanings, fit.fixed.iterrows(), strict=True):
        digits = digits_of(r.se)
        found = [number(r.estimate, digits), number(r.se, digits), interval(r.low, r.high, digits)]
        rows.append([r.term, meaning, *found, degrees(r.df), number(r.t), p_value(r.p)])
    head = ["Coefficient", "What it is", "b", "SE", "95 % CI", "df", "t", "p"]
    return Table(head, [TEXT, TEXT] + [NUMBER] * 6, rows, "Fixed effects", f"df: {_df(fit)}.")


def _df(fit: Fit) -> str:
    return "Kenward-Roger" if fit.df_method == KENWARD_ROGER else "Satterthwaite"


def random_table(fit: Fit, icc: pd.DataFrame | None = None) -> Table:
    """Random effects: standard deviations and correlations."""
    counts = fit.groups
    widest = max(len(c) for c in fit.random.correlations)
    rows = []
    for _, r in fit.random.iterrows():
        correlations = [share(c) if c == c else "–" for c in r.correlations]
        correlations += [""] * (widest - len(correlations))
        rows.append([r.group, r.effect, str(counts.get(r.group, "")), number(r.sd), *correlations])
    head = ["Group", "Effect", "N", "SD"] + [f"r with {i}." for i in range(1, widest + 1)]
    kinds = [TEXT, TEXT] + [NUMBER] * (2 + widest)
    marginal, conditional = fit.r_squared
    note = (
        f"N = {fit.n} ratings. {'REML' if fit.reml else 'ML'} criterion {number(fit.deviance, 1)}, "
        f"log likelihood {number(fit.log_likelihood, 1)}, AIC {number(fit.aic, 1)}. "
        f"R² marginal {share(marginal)}, conditional {share(conditional)} "
        "(Nakagawa & Schielzeth, 2013; Johnson, 2014)."
    )
    if icc is not None:
        note += f" {icc_sentence(icc)}"
    if widest:
        note += " “r with 1.” is the correlation with the group's first effect, and so on."
    return Table(head, kinds, rows, "Random effects", note)


def terms_table(terms: pd.DataFrame, fit: Fit) -> Table:
    """Type III tests: one row per term."""
    rows = [
        [r.term, number(r.f), str(r.numerator), degrees(r.denominator), p_value(r.p)]
        for r in terms.itertuples(index=False)
    ]
    note = (
        f"df: {_df(fit)}. Type III: means are averaged with equal weight over all other factors, "
        "so that the tests do not depend on the coding."
    )
    if "/" in fit.design.formula.text.split("|")[0].split("(")[0]:
        note += (
            " In R, lmerTest tests the outer factor of a nested formula at the first level of the "
            "inner one instead."
        )
    for r in terms[terms["at"] != ""].itertuples(index=False):
        note += f" {r.term} is tested at {r.at}."
    head = ["Effect", "F", "df", "df of the error", "p"]
    return Table(head, [TEXT] + [NUMBER] * 4, rows, "F tests of every effect", note)


def likelihood_ratio_table(tests: Sequence[LikelihoodRatio]) -> Table:
    """Likelihood-ratio tests that could be made."""
    rows = [
        [t.formula, number(t.log_likelihoods[0], 1), number(t.log_likelihoods[1], 1),
         number(t.aic[0], 1), number(t.aic[1], 1), number(t.chi2), str(t.df), p_value(t.p)]
        for t in tests if not t.failure
    ]  # fmt: skip
    head = ["Simpler model", "log L, simpler", "log L, model", "AIC, simpler", "AIC, model", "χ²",
            "df", "p"]  # fmt: skip
    note = "Both models by maximum likelihood. A smaller AIC is better."
    return Table(head, [TEXT] + [NUMBER] * 7, rows, "Likelihood-ratio tests", note)


def family_table(family: Family, fit: Fit) -> Table:
    """The differences of one family."""
    adjusted = correction(family)
    sized = "d" in family.table
    head = ["b", "SE", "95 % CI", "df", "t", "p", *([f"p ({adjusted})"] if adjusted else []),
            *(["d", "95 % CI of d"] if sized else [])]  # fmt: skip
    rows = []
    for _, r in family.table.iterrows():
        row = [number(r.estimate), number(r.se), interval(r.low, r.high), degrees(r.df),
               number(r.t), p_value(r.p)]  # fmt: skip
        row += [p_value(r.p_adjusted)] if adjusted else []
        rows.append(row + ([number(r.d), interval(r.d_low, r.d_high)] if sized else []))
    note = f"Intervals are not corrected. {effect_size_words(fit)}." if sized else ""
    return _of_family(family, head, rows, f"Differences of {family.title}", note)


def marginal_table(family: Family, fit: Fit) -> Table:
    """The marginal means that a family compares."""
    by = [name for name in family.means.columns if name not in MEANS]
    rows = [
        [*(row[name] for name in by), number(row["mean"]), number(row["se"]),
         interval(row["low"], row["high"]), degrees(row["df"])]
        for row in family.means.to_dict("records")
    ]  # fmt: skip
    note = (
        "Means of the model for an average participant and item, with equal weight for every level "
        f"of the other factors. df: {_df(fit)}."
    )
    head = [*by, "Mean", "SE", "95 % CI", "df"]
    kinds = [TEXT] * len(by) + [NUMBER] * 4
    return Table(head, kinds, rows, f"Estimated marginal means by {listing(by)}", note)


def equivalence_table(family: Family) -> Table | None:
    """The equivalence tests of one family, if the protocol sets a bound."""
    bound = family.comparison.equivalence
    if bound is None:
        return None
    rows = [
        [interval(r.low90, r.high90), p_value(r.p_equivalence), "yes" if r.equivalent else "no"]
        for _, r in family.table.iterrows()
    ]
    note = (
        "p: the larger of two one-sided tests, uncorrected; the 90 % interval lies within the "
        "bounds if p < .05. “No” does not mean that there is a difference."
    )
    caption = f"Equivalence to zero within ±{number(bound)} points"
    return _of_family(family, ["90 % CI", "p", "Equivalent"], rows, caption, note)


def _of_family(
    family: Family, head: list[str], rows: list[list[str]], caption: str, note: str
) -> Table:
    """`rows`, with what each difference is in front."""
    at = family.comparison.at
    first = [
        [*([r["at"]] if at else []), f"{r.later} − {r.earlier}"] for _, r in family.table.iterrows()
    ]
    named = [*([at] if at else []), "Difference"]
    whole = [[*a, *b] for a, b in zip(first, rows, strict=True)]
    kinds = [TEXT] * len(named) + [NUMBER] * len(head)
    return Table([*named, *head], kinds, whole, caption, note)


def reduction_table(reduction: Reduction) -> Table:
    """Every step from the planned random effects to fewer ones."""
    rows = []
    for step, r in zip(reduction.steps, reduction.table.itertuples(index=False), strict=True):
        state = step.failure or "singular" * r.singular or "not converged" * (not r.converged)
        size = str(step.fit.parameters) if step.fit else "NA"
        rows.append([str(r.step), r.change, r.formula, number(r.log_likelihood, 1), size,
                     number(r.aic, 1), state or "fine"])  # fmt: skip
    head = ["Step", "What was done", "Formula", "log L", "Parameters", "AIC", "State"]
    kinds = [NUMBER, TEXT, TEXT, NUMBER, NUMBER, NUMBER, TEXT]
    note = (
        "Rule: drop all correlations; then, one at a time, the slope of the highest order with the "
        "smallest variance, until the model is no longer singular; intercepts stay (after Barr et "
        "al., 2013; Matuschek et al., 2017)."
    )
    return Table(head, kinds, rows, "Reduction of the random effects", note)


def both_models_table(reduction: Reduction) -> Table | None:
    """Fixed effects of the planned and of the reduced model, side by side."""
    planned, reduced = reduction.planned, reduction.reduced
    if planned is None or reduced is None:
        return None
    rows = []
    pairs = zip(planned.fixed.itertuples(), reduced.fixed.itertuples(), strict=True)
    for one, other in pairs:
        digits = digits_of(one.se)
        rows.append([one.term, number(one.estimate, digits), number(one.se, digits),
                     p_value(one.p), number(other.estimate, digits), number(other.se, digits),
                     p_value(other.p),
                     number((other.estimate - one.estimate) / one.se)])  # fmt: skip
    head = ["Coefficient", "b, planned", "SE", "p", "b, reduced", "SE", "p", "Change (SE)"]
    return Table(head, [TEXT] + [NUMBER] * 7, rows, "Planned and reduced model side by side")


def influence_table(found: Influence) -> Table:
    """The most influential levels of one grouping factor."""
    top = found.table.sort_values("cook", ascending=False, kind="stable").head(MOST_INFLUENTIAL)
    rows = [
        [r.level, str(r.ratings), number(r.cook, 3), r.effect, number(r.change), r.turned or "–"]
        for r in top.itertuples(index=False)
    ]
    head = [found.group, "Ratings", "Cook's distance", "Effect that changes most", "Change (SE)",
            "Tests that would cross .05"]  # fmt: skip
    kinds = [TEXT, NUMBER, NUMBER, TEXT, NUMBER, TEXT]
    note = (
        "Each is left out in turn, with variances as estimated from all (Loy & Hofmann, 2014). "
        f"Cook's distances beyond 4 / N = {number(found.cutoff, 3)} stand out."
    )
    caption = f"Influence: the {len(rows)} levels of {found.group} that decide most"
    return Table(head, kinds, rows, caption, note)
