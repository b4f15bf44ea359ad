"""What a mixed model says, in sentences of a paper."""

from __future__ import annotations

import pandas as pd

from analysis.mixed.coding import HYPOTHESES, R_FUNCTIONS, numbers
from analysis.mixed.columns import Variable, coded_by_contrasts, interacting
from analysis.mixed.comparisons import Family
from analysis.mixed.fit import KENWARD_ROGER, Fit
from analysis.mixed.formula import Term
from analysis.mixed.influence import Influence
from analysis.mixed.likelihood_ratio import LikelihoodRatio
from analysis.mixed.reduction import Reduction
from analysis.text.words import (
    MINUS,
    count,
    f_test,
    interval,
    listing,
    number,
    p_clause,
    share,
    statistics,
)
from protocols.mixed_models import MixedModel

NO_BREAK = "\N{NO-BREAK SPACE}"
TROUBLES = {
    "SINGULAR": "was singular",
    "NOT_CONVERGED": "did not converge for certain",
    "FAILED": "could not be fitted",
}


def coefficient_sentence(row: pd.Series) -> str:
    """A fixed effect in one sentence."""
    verdict = "differed from zero" if row.p < 0.05 else "did not differ reliably from zero"
    return f"The coefficient {row.term} {verdict}, {statistics(row)}."


def term_sentence(row: pd.Series, fit: Fit) -> str:
    """A type III test in one sentence."""
    effect = effect_words(tuple(row.term.split(":")), fit)
    verdict = "was significant" if row.p < 0.05 else "was not significant"
    at = f" (at {row['at']})" if row["at"] else ""
    test = f_test((row.f, row.numerator, row.denominator, row.p))
    return f"The {effect}{at} {verdict}, {test}."


def effect_words(term: Term, fit: Fit) -> str:
    """`effect of m`, `interaction of m and emotion`, `effect of emotion within the levels of m`."""
    terms, variables = fit.design.formula.fixed, fit.design.variables
    outer = [
        name for name in term
        if variables[name].levels and not coded_by_contrasts(terms, term, name)
    ]  # fmt: skip
    inner = [name for name in term if name not in outer]
    effect = f"effect of {listing(inner)}" if len(inner) == 1 else (
        f"interaction of {listing(inner)}")  # fmt: skip
    if not inner:
        return f"effect of {listing(term)}"
    return f"{effect} within the levels of {listing(outer)}" if outer else effect


def headline(family: Family) -> list[str]:
    """Every difference of a family in a few words."""
    adjusted = correction(family)
    adjusted = f"{adjusted}-adjusted " if adjusted else ""
    return [
        f"{_claim(family, row)} (b = {number(row.estimate)}, {adjusted}{p_clause(row.p_adjusted)})."
        for _, row in family.table.iterrows()
    ]


def correction(family: Family) -> str:
    """Whose correction changes the p values of a family: Holm, Tukey, or none (empty)."""
    adjust, table = family.comparison.adjust, family.table
    if adjust == "none" or len(table) < 2:
        return ""
    if adjust == "tukey" and not table["at"].duplicated().any():
        return ""  # one difference per place
    return adjust.capitalize()


def comparison_sentences(family: Family, unit: str = "points") -> list[str]:
    """Every difference of a family in one sentence, with its equivalence test if asked for."""
    return [_difference(family, row, unit) for _, row in family.table.iterrows()]


def _difference(family: Family, row: pd.Series, unit: str) -> str:
    comparison, adjusted = family.comparison, correction(family)
    after = f", {adjusted}-adjusted {p_clause(row.p_adjusted)}" if adjusted else ""
    if "d" in row:
        size = interval(row.d_low, row.d_high)
        after += f", d = {number(row.d)}, 95{NO_BREAK}% CI {size}"
    sentence = f"{_claim(family, row)}, {statistics(row)}{after}."
    if comparison.equivalence is None:
        return sentence
    verdict = "was" if row.equivalent else "was not"
    return (
        f"{sentence} The difference {verdict} equivalent to zero within "
        f"±{number(comparison.equivalence)} {unit}, {p_clause(row.p_equivalence)}, "
        f"90{NO_BREAK}% CI {interval(row.low90, row.high90)}."
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
    meanings = zip(variable.contrasts.names, variable.contrasts.meaning, strict=True)
    listed = "; ".join(f"{variable.name}{name} is {meaning}" for name, meaning in meanings)
    levels = f"{variable.name} (levels {', '.join(variable.levels)})"
    if variable.coding == HYPOTHESES:
        return (
            f"{levels} has coefficients for named hypotheses, each a weighted sum of means: "
            f"{listed}."
        )
    function = R_FUNCTIONS[variable.coding].removeprefix("MASS::")
    spaced = ""
    if variable.coding == "polynomial":
        found = numbers(variable.levels)
        spaced = ", levels as far apart as their numbers" if found is not None else (
            ", levels equally far apart")  # fmt: skip
    return f"{levels} has {variable.coding} coding ({function} in R{spaced}): {listed}."


def random_sentence(fit: Fit) -> str:
    """The random part in words."""
    parts = []
    for bar in fit.design.formula.bars:
        slopes = [" × ".join(term) for term in bar.terms if term]
        kinds = ["intercepts"] if () in bar.terms else []
        kinds += [f"slopes of {listing(slopes)}"] if slopes else []
        free = "" if bar.correlated or not slopes else ", uncorrelated"
        n = fit.groups[bar.group_name]
        parts.append(f"random {' and '.join(kinds)} for {bar.group_name} (N = {n}{free})")
    return listing(parts)


def method_sentence(model: MixedModel, fit: Fit, engine: str) -> str:
    """How a model was fitted, ready for a method section."""
    likelihood = "restricted maximum likelihood" if model.reml else "maximum likelihood"
    return (
        f"We fitted the linear mixed-effects model {fit.design.formula.text} to {fit.n} ratings, "
        f"with {random_sentence(fit)}, by {likelihood} ({engine}); tests of fixed effects use "
        f"{df_words(fit)}."
    )


def df_words(fit: Fit) -> str:
    """Whose degrees of freedom, for a sentence."""
    if fit.df_method == KENWARD_ROGER:
        return (
            "Kenward and Roger's adjusted standard errors and degrees of freedom (Kenward & "
            "Roger, 1997)"
        )
    return "Satterthwaite's approximation of the degrees of freedom (Kuznetsova et al., 2017)"


def likelihood_ratio_sentence(test: LikelihoodRatio) -> str:
    """A likelihood-ratio test in one sentence."""
    if test.failure:
        return f"The model was not tested against {test.formula}: {test.failure}."
    better = "fitted better than" if test.p < 0.05 else "did not fit reliably better than"
    edge = (
        " The models differ in variances, which cannot be negative, so that p is larger than it "
        "should be."
        if test.boundary
        else ""
    )
    return (
        f"The model {better} {test.formula}, χ²({test.df}) = {number(test.chi2)}, "
        f"{p_clause(test.p)}.{edge}"
    )


def reduction_sentence(reduction: Reduction, *, used: bool) -> str:
    """What became of the planned random effects."""
    steps = reduction.steps[1:]
    done = listing([step.change for step in steps])
    term, change = reduction.largest_change
    ending = "was no longer singular" if reduction.solved else "was still singular"
    report = "this report's tests are those of the "
    report += "reduced model" if used else "planned model, as the protocol declares"
    if reduction.planned is None:
        return f"The planned model could not be fitted. Reduced ({done}), the model {ending}."
    moved = f"{change:+.2f}".replace("-", MINUS)
    effect = (
        f"Between both models no fixed effect moved by more than {number(abs(change))} of its "
        f"standard errors ({term}, {moved})"
        if abs(change) >= 0.005
        else "The fixed effects of both models are the same to a hundredth of a standard error"
    )
    states = [TROUBLES[code] for code in reduction.steps[0].trouble]
    if not steps:
        return f"The planned model {listing(states)}, and there is no slope to leave out."
    return (
        f"The planned model {listing(states)}. Reduced in "
        f"{count(len(steps), 'step')} ({done}), it {ending}. {effect}; {report}."
    )


def influence_sentence(found: Influence) -> str:
    """Who decides most, in one or two sentences."""
    top = found.table.sort_values("cook", ascending=False, kind="stable").iloc[0]
    text = (
        f"Of {len(found.table)} levels of {found.group}, {top.level} has the largest influence "
        f"(Cook's distance {number(top.cook, 3)}; without it {top.effect} changes by "
        f"{number(top.change)} SE)."
    )
    beyond = int((found.table.cook > found.cutoff).sum())
    verb = "lies" if beyond == 1 else "lie"
    text += f" {beyond or 'None'} {verb} beyond the usual cutoff of {number(found.cutoff, 3)}."
    turning = found.table[found.table.turned != ""]
    if len(turning):
        named = [f"{row.level} ({row.turned})" for row in turning.head(5).itertuples(index=False)]
        more = f" and {len(turning) - 5} more" if len(turning) > 5 else ""
        text += f" A test would cross .05 without {listing(named)}{more}."
    else:
        text += " No single one decides whether an effect is significant at .05."
    return text


def icc_sentence(icc: pd.DataFrame) -> str:
    """Intraclass correlations in one sentence."""
    value = icc.set_index(["measure", "group"]).value
    shares = [
        f"{row.group} {100 * row.value:.0f}{NO_BREAK}%"
        for row in icc[icc.measure == "share"].itertuples(index=False)
    ]
    return (
        f"Adjusted ICC {share(value['adjusted', 'all'])}, unadjusted ICC "
        f"{share(value['unadjusted', 'all'])}; share of the variance around the fixed part: "
        f"{listing(shares)} (Nakagawa et al., 2017)."
    )


def effect_size_words(fit: Fit) -> str:
    """What d divides by."""
    return (
        f"d: difference over {number(fit.total_sd)}, the SD of a rating around the fixed part "
        "(root of the sum of all variance components; Westfall et al., 2014; Brysbaert & Stevens, "
        "2018), with 95 % CI"
    )
