"""The part of a report about one linear mixed model."""

from __future__ import annotations

import pandas as pd

from analysis.figures.diagnostics import influence_plot, model_checks
from analysis.mixed import engine
from analysis.mixed.fit import Fit
from analysis.problems import ADVICE
from analysis.results import ModelResult
from analysis.text import model_tables as tables
from analysis.text import model_words as said
from analysis.text.part import (
    Block,
    Bullets,
    Caution,
    Code,
    Drawing,
    Heading,
    Paragraph,
    Part,
)
from analysis.text.tables import shortened
from analysis.text.words import f_test, listing

FAILED = "NOT_FITTED"
CHECKS = (
    "Above: residuals, on the line if normally distributed (grey: where 95 % of a normal sample "
    "would lie), and against fitted ratings: no trend and even spread if the model is adequate; "
    "ratings on a scale show stripes. Below: deviations of participants and items, which the model "
    "takes for normally distributed."
)
INFLUENCE = (
    "Influence on the fixed effects: Cook's distance if a level is left out. Squares lie beyond "
    "the cutoff."
)


def model_part(result: ModelResult) -> Part:
    """What a report says about a declared model, and the files that hold its numbers."""
    title = result.model.title or result.model.id
    if result.fit is None:
        why = f"This model was not fitted: {result.failure}"
        return Part(title, [Code(result.model.formula), Caution(FAILED, why)])
    fit, name = result.fit, result.model.id
    drawn = {f"diagnostics-{name}": model_checks(fit.fitted, fit.residuals, fit.modes)}
    if result.influences:
        drawn[f"influence-{name}"] = influence_plot(result.influences)
    blocks: list[Block] = [
        Code(fit.design.formula.text),
        *_cautions(result),
        Bullets(said.coding_sentences(fit)),
        tables.fixed_table(fit),
        *_terms(result),
        *_likelihood_ratios(result),
        tables.random_table(fit, result.icc),
        *_comparisons(result),
        *_reduction(result),
        *influence_blocks(result, INFLUENCE),
        Heading("Checks"),
        Drawing(f"diagnostics-{name}", CHECKS, _checks_in_words(fit)),
        Heading("In words"),
        Bullets(_sentences(result)),
    ]
    method, cited = _method(result)
    headline = [s for family in result.families for s in said.headline(family)]
    return Part(title, blocks, files(result), drawn, method, cited, headline)


def _cautions(result: ModelResult) -> list[Block]:
    """What should be known before the numbers are read."""
    out: list[Block] = []
    if result.is_reduced and result.reduction:
        out.append(Paragraph(f"Planned: {result.model.formula}. See “Random effects” below."))
    found: dict[str, list[str]] = {}
    for problem in result.problems:
        found.setdefault(problem.code, []).append(problem.found)
    for code, each in found.items():
        text = "; ".join(dict.fromkeys(each))
        out.append(Caution(code, f"{text[0].upper()}{text[1:]}. {ADVICE[code]}"))
    return out


def _terms(result: ModelResult) -> list[Block]:
    if result.fit is None or result.terms is None or result.terms.empty:
        return []
    return [tables.terms_table(result.terms, result.fit)]


def _likelihood_ratios(result: ModelResult) -> list[Block]:
    tests = result.likelihood_ratios
    if not tests:
        return []
    out: list[Block] = [Bullets([said.likelihood_ratio_sentence(test) for test in tests])]
    if any(not test.failure for test in tests):
        out.insert(0, tables.likelihood_ratio_table(tests))
    return out


def _comparisons(result: ModelResult) -> list[Block]:
    """Per family: differences, equivalence, the joint test, and sentences."""
    out: list[Block] = []
    for i, family in enumerate(result.families, start=1):
        assert result.fit is not None
        file = f"{result.model.id}-comparisons-{i}.csv"
        out += [
            Heading(f"Differences of {family.title}"),
            shortened(
                tables.marginal_table(family, result.fit), f"{result.model.id}-means-{i}.csv"
            ),
            shortened(tables.family_table(family, result.fit), file),
        ]
        if len(family.table) > 1:
            out.append(Paragraph(f"All differences together: {f_test(family.joint)}."))
        equivalence = tables.equivalence_table(family)
        if equivalence:
            out.append(shortened(equivalence, file))
        out.append(Bullets(said.comparison_sentences(family)))
    return out


def _reduction(result: ModelResult) -> list[Block]:
    if result.reduction is None:
        return []
    sentence = said.reduction_sentence(result.reduction, used=result.is_reduced)
    both = tables.both_models_table(result.reduction)
    return [
        Heading("Random effects: planned and reduced"),
        Paragraph(sentence),
        tables.reduction_table(result.reduction),
        *([both] if both else []),
    ]


def influence_blocks(result: ModelResult, caption: str) -> list[Block]:
    """Who decides: sentences, tables and the figure with this caption."""
    out: list[Block] = []
    if result.influences:
        words = [said.influence_sentence(found) for found in result.influences]
        drawing = Drawing(f"influence-{result.model.id}", caption, " ".join(words))
        each = [tables.influence_table(found) for found in result.influences]
        out += [Heading("Influence"), Bullets(words), *each, drawing]
    if result.skipped:
        groups = listing(result.skipped)
        out.append(Paragraph(f"The influence of {groups} was not computed: too many levels."))
    return out


def _checks_in_words(fit: Fit) -> str:
    """What the diagnostic figure shows, for those who cannot see it."""
    z = fit.residuals / fit.residuals.std(ddof=1)
    far = 100 * float((abs(z) > 3).mean())
    skew, tails = float((z**3).mean()), float((z**4).mean() - 3)
    return (
        f"Quantile plots and residuals by fitted ratings. Residuals: skewness {skew:.2f}, excess "
        f"kurtosis {tails:.2f} (0 and 0 if normal); {far:.1f} % lie beyond 3 standard deviations "
        "(0.3 % if normal)."
    )


def _sentences(result: ModelResult) -> list[str]:
    """Sentences ready for a paper: terms, and coefficients where no comparison was declared."""
    assert result.fit is not None
    out = []
    if result.terms is not None:
        out += [said.term_sentence(row, result.fit) for _, row in result.terms.iterrows()]
    if result.families:  # what was asked stands with the comparisons
        return out
    fixed = result.fit.fixed
    out += [said.coefficient_sentence(row) for _, row in fixed.iterrows()
            if row.term != "(Intercept)"]  # fmt: skip
    return out


def _method(result: ModelResult) -> tuple[list[str], list[str]]:
    """Sentences for the method section, and what they cite."""
    fit = result.fit
    assert fit is not None
    sentences = [said.method_sentence(result.model, fit, getattr(fit, "engine", engine.name()))]
    kenward = fit.df_method == "kenward-roger"
    cited = ["Kenward & Roger, 1997" if kenward else "Kuznetsova et al., 2017"]
    for sentence, keys in reduction_method(result):
        sentences.append(sentence)
        cited += keys
    if any("d" in family.table for family in result.families):
        sentences.append(
            "Effect sizes d are differences over the root of the summed variance components "
            "(Westfall et al., 2014; Brysbaert & Stevens, 2018)."
        )
        cited += ["Westfall et al., 2014", "Brysbaert & Stevens, 2018"]
    for sentence, keys in comparisons_method(result):
        sentences.append(sentence)
        cited += keys
    if any(variable.hypotheses for variable in result.variables.values()):
        sentences.append("Named hypotheses were coded as in Schad et al. (2020).")
        cited.append("Schad et al., 2020")
    cited += ["Nakagawa & Schielzeth, 2013", "Johnson, 2014", "Nakagawa et al., 2017"]
    return sentences, [*cited, "Loy & Hofmann, 2014"] if result.influences else cited


def reduction_method(result: ModelResult) -> list[tuple[str, list[str]]]:
    """What the method section says of reduced random effects: sentence, works cited."""
    reduction = result.reduction
    if not reduction or not reduction.needed:
        return []
    states = listing([said.TROUBLES[code] for code in reduction.steps[0].trouble])
    ending = (
        "until the model was no longer singular"
        if reduction.solved
        else "but no step was without such trouble"
    )
    said_so = (
        f"As the planned model {states}, its random effects were reduced: first all correlations, "
        f"then slopes in order of their variance, {ending} (after Barr et al., 2013; Matuschek et "
        "al., 2017)."
    )
    reported = "reduced model" if result.is_reduced else "planned model"
    said_so += f" The tests reported are those of the {reported}."
    return [(said_so, ["Barr et al., 2013", "Matuschek et al., 2017"])]


def comparisons_method(result: ModelResult) -> list[tuple[str, list[str]]]:
    """What it says of equivalence tests and corrections: sentences, works cited."""
    out: list[tuple[str, list[str]]] = []
    if any(family.comparison.equivalence for family in result.families):
        tests = "Equivalence was tested by two one-sided tests (Schuirmann, 1987)."
        out.append((tests, ["Schuirmann, 1987"]))
    if any(said.correction(family) == "Holm" for family in result.families):
        corrected = "P values of comparisons were corrected after Holm (1979)."
        out.append((corrected, ["Holm, 1979"]))
    return out


def files(result: ModelResult) -> dict[str, pd.DataFrame]:
    """Every number of the part: file name without ending -> table."""
    fit, name = result.fit, result.model.id
    assert fit is not None
    together = fit.random.correlations.map(lambda rs: " ".join(f"{r:.4f}" for r in rs))
    out = {f"{name}-fixed": fit.fixed, f"{name}-random": fit.random.assign(correlations=together)}
    for i, family in enumerate(result.families, start=1):
        out[f"{name}-means-{i}"] = family.means
        out[f"{name}-comparisons-{i}"] = family.table
    if result.terms is not None and len(result.terms):
        out[f"{name}-anova"] = result.terms
    if result.likelihood_ratios:
        out[f"{name}-likelihood-ratio"] = _ratio_rows(result)
    if result.reduction:
        out[f"{name}-reduction"] = result.reduction.table
    if result.influences:
        out[f"{name}-influence"] = pd.concat(
            [found.table.assign(group=found.group) for found in result.influences]
        )[["group", *result.influences[0].table.columns]]
    if result.icc is not None:
        out[f"{name}-icc"] = result.icc
    return out


def _ratio_rows(result: ModelResult) -> pd.DataFrame:
    rows = [
        (t.formula, *t.log_likelihoods, *t.aic, t.chi2, t.df, t.p, t.boundary, t.failure)
        for t in result.likelihood_ratios
    ]
    return pd.DataFrame(
        rows,
        columns=["formula", "log_likelihood_simpler", "log_likelihood_model", "aic_simpler",
                 "aic_model", "chi2", "df", "p", "boundary", "failure"],
    )  # fmt: skip
