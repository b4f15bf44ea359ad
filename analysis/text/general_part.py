"""The part of a report about one binomial or ordinal mixed model."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pandas as pd

from analysis.choices.success import success_sentence
from analysis.figures.diagnostics import answer_checks, influence_plot
from analysis.mixed import engine
from analysis.mixed.answer_checks import expected_answers, mode_table, quantile_residuals
from analysis.mixed.general import GeneralFit
from analysis.results import ModelResult
from analysis.text import general_tables as tables
from analysis.text import general_words as said
from analysis.text import model_tables, model_words
from analysis.text.model_part import (
    FAILED,
    comparisons_method,
    files,
    influence_blocks,
    reduction_method,
)
from analysis.text.part import Block, Bullets, Caution, Code, Drawing, Heading, Paragraph, Part
from analysis.text.tables import shortened

SEED = 1  # of the residuals, so that the same answers draw the same picture
CHECKS = (
    "Above: randomised quantile residuals (Dunn & Smyth, 1996), on the line if the model is right "
    "(grey: where 95 % of a normal sample would lie), and mean answers (bars: 95 %) by the answers "
    "that the model expects of these participants and items: near the line if it is adequate, and "
    "a little steeper, as estimated deviations lie nearer to 0 than true ones. Below: deviations "
    "of participants and items in logits, which the model takes for normally distributed."
)
INFLUENCE = (
    "Influence on the fixed effects: Cook's distance if a level is left out, by one step towards "
    "the model without it (Pregibon, 1981). Squares lie beyond the cutoff."
)


def general_part(result: ModelResult) -> Part:
    """What a report says about a declared binomial or ordinal model, and its numbers."""
    title = result.model.title or result.model.id
    if result.fit is None:
        why = f"This model was not fitted: {result.failure}"
        return Part(title, [Code(result.model.formula), Caution(FAILED, why)])
    fit, name = cast("GeneralFit", result.fit), result.model.id
    residuals = quantile_residuals(fit, np.random.default_rng(SEED))
    drawn = {
        f"diagnostics-{name}": answer_checks(
            fit.design.y, expected_answers(fit), residuals, mode_table(fit)
        )
    }
    if result.influences:
        drawn[f"influence-{name}"] = influence_plot(result.influences)
    blocks: list[Block] = [
        Code(fit.design.formula.text),
        Paragraph(_counted(result, fit)),
        *_cautions(result),
        *_coding(fit),
        *([tables.fixed_table(fit)] if len(fit.beta) else []),
        *_terms(result),
        *_likelihood_ratios(result),
        *([tables.thresholds_table(fit)] if fit.family == "ordinal" else []),
        tables.random_table(fit, result.icc),
        *_comparisons(result, fit),
        *_probabilities(result),
        *_cuts(result),
        *_reduction(result),
        *influence_blocks(result, INFLUENCE),
        Heading("Checks"),
        Drawing(f"diagnostics-{name}", CHECKS, said.checks_in_words(fit, residuals)),
        Heading("In words"),
        Bullets(_sentences(result, fit)),
    ]
    method, cited = _method(result, fit)
    headline = [s for family in result.families for s in said.headline(family, fit)]
    if not result.families and not fit.design.formula.fixed_variables:
        headline = _probability_sentences(result)
    return Part(title, blocks, _files(result, fit), drawn, method, cited, headline)


def _counted(result: ModelResult, fit: GeneralFit) -> str:
    """What the numbers that were modelled are."""
    if result.model.success is not None:
        ones = int(fit.design.y.sum())
        return (
            f"{success_sentence(result.model.success, result.model.task)} Of {fit.n} answers, "
            f"{ones} ({100 * ones / fit.n:.1f} %) count as 1."
        )
    points = ", ".join(f"{point:g}" for point in fit.points)
    return (
        f"The {fit.n} ratings count as an order, not as distances: {points}. An effect moves the "
        "odds of a higher rating by the same factor at every point."
    )


def _cautions(result: ModelResult) -> list[Block]:
    out: list[Block] = []
    if result.is_reduced:
        out.append(Paragraph(f"Planned: {result.model.formula}. See “Random effects” below."))
    for problem in result.problems:
        found = problem.found[0].upper() + problem.found[1:]
        out.append(Caution(problem.code, f"{found}. {problem.advice}"))
    return out


def _coding(fit: GeneralFit) -> list[Block]:
    sentences = model_words.coding_sentences(cast("Any", fit))
    return [Bullets(sentences)] if sentences else []


def _terms(result: ModelResult) -> list[Block]:
    if result.terms is None or result.terms.empty:
        return []
    return [tables.terms_table(result.terms)]


def _likelihood_ratios(result: ModelResult) -> list[Block]:
    tests = result.likelihood_ratios
    if not tests:
        return []
    out: list[Block] = [Bullets([model_words.likelihood_ratio_sentence(test) for test in tests])]
    if any(not test.failure for test in tests):
        out.insert(0, model_tables.likelihood_ratio_table(tests))
    return out


def _comparisons(result: ModelResult, fit: GeneralFit) -> list[Block]:
    """Per family: differences, the joint test, and sentences."""
    out: list[Block] = []
    for i, family in enumerate(result.families, start=1):
        file = f"{result.model.id}-comparisons-{i}.csv"
        out += [Heading(f"Differences of {family.title}"),
                shortened(tables.family_table(family, fit), file)]  # fmt: skip
        if len(family.table) > 1:
            out.append(Paragraph(f"All differences together: {said.chi_squared(family.joint)}."))
        out.append(Bullets(said.comparison_sentences(family, fit)))
    return out


def _probabilities(result: ModelResult) -> list[Block]:
    """The table of every set of cells."""
    return [
        shortened(tables.probabilities_table(table), f"{result.model.id}-probabilities-{i}.csv")
        for i, table in enumerate(result.probabilities, start=1)
    ]


def _cuts(result: ModelResult) -> list[Block]:
    if result.cuts is None or result.cuts.empty:
        return []
    return [
        Heading("One slope for the whole scale?"),
        shortened(tables.cuts_table(result.cuts), f"{result.model.id}-cuts.csv"),
        Bullets(said.cuts_sentences(result.cuts)),
    ]


def _reduction(result: ModelResult) -> list[Block]:
    if result.reduction is None:
        return []
    both = model_tables.both_models_table(result.reduction)
    sentence = model_words.reduction_sentence(result.reduction, used=result.is_reduced)
    return [
        Heading("Random effects: planned and reduced"),
        Paragraph(sentence),
        model_tables.reduction_table(result.reduction),
        *([both] if both else []),
    ]


def _sentences(result: ModelResult, fit: GeneralFit) -> list[str]:
    """Sentences ready for a paper: terms, coefficients, probabilities."""
    out = []
    if result.terms is not None:
        out += [said.term_sentence(row) for _, row in result.terms.iterrows()]
    for _, row in fit.fixed.iterrows():
        if row.term != "(Intercept)":
            out.append(said.coefficient_sentence(row))
        elif not fit.design.formula.fixed_variables:
            out.append(said.intercept_sentence(row))
    return out + _probability_sentences(result)


def _probability_sentences(result: ModelResult) -> list[str]:
    success = result.model.success
    if success is None:
        return []
    return [
        sentence
        for table in result.probabilities
        for sentence in said.probability_sentences(table, success)
    ]


def _method(result: ModelResult, fit: GeneralFit) -> tuple[list[str], list[str]]:
    """Sentences for the method section, and what they cite."""
    sentences = said.method_sentences(fit, getattr(fit, "engine", engine.name()))
    cited = ["Bates et al., 2015", "Nakagawa et al., 2017", "Dunn & Smyth, 1996"]
    if result.influences:
        cited += ["Loy & Hofmann, 2014", "Pregibon, 1981"]
    if fit.family == "ordinal":
        cited.append("McCullagh, 1980")
    if result.cuts is not None and len(result.cuts):
        sentences.append(
            "Whether one slope holds for the whole scale was checked by binomial mixed models at "
            "every cut of the scale (after Brant, 1990)."
        )
        cited.append("Brant, 1990")
    if result.probabilities:
        sentences.append(
            "Probabilities are back-transformed marginal means; means over all participants and "
            "items follow Zeger et al. (1988)."
        )
        cited.append("Zeger et al., 1988")
    for sentence, keys in [*reduction_method(result), *comparisons_method(result)]:
        sentences.append(sentence)
        cited += keys
    return sentences, cited


def _files(result: ModelResult, fit: GeneralFit) -> dict[str, pd.DataFrame]:
    """Every number of the part: file name without ending -> table."""
    name = result.model.id
    out = files(result)
    for i, family in enumerate(result.families, start=1):
        out[f"{name}-comparisons-{i}"] = tables.with_odds(family.table)
    if fit.family == "ordinal":
        out[f"{name}-thresholds"] = fit.threshold_table
    for i, table in enumerate(result.probabilities, start=1):
        out[f"{name}-probabilities-{i}"] = table
    if result.cuts is not None and len(result.cuts):
        out[f"{name}-cuts"] = result.cuts
    return out
