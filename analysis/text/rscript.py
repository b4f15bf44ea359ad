"""`models.R`: every model of a report once more, in R with lme4, lmerTest and ordinal.

The script reads the study's ratings.csv as it is, applies the same filters and codings, prints the
fixed effects and writes `models-R.csv` beside itself, with the columns model, kind, term, estimate,
se, df, t, p. Kinds: coefficient, threshold (ordinal models), comparison, equivalence (two one-sided
tests: t and p of the worse side) and likelihood-ratio (estimate: chi-square). Comparisons need the
package emmeans, ordinal models ordinal, Kenward-Roger's tests pbkrtest; what is missing is named
and left out.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from analysis.mixed.columns import Variable, columns
from analysis.mixed.fit import KENWARD_ROGER
from analysis.mixed.formula import Bar, Formula, Term, parse, with_bars
from analysis.results import ModelResult
from analysis.sample.exclude import Sample
from analysis.text.rscript_data import RESPONSE, data_lines, text, vector
from protocols.mixed_models import Comparison, MixedModel
from protocols.protocol import Protocol

HEAD = """\
# Refits every model of the report in R.
# Run: Rscript models.R     Needs: install.packages(c({packages}))
suppressPackageStartupMessages({
  library(lme4)
  library(lmerTest)
})
script <- sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE))
folder <- if (length(script)) dirname(normalizePath(script)) else "report"
ratings <- read.csv(file.path(folder, "..", "ratings.csv"), colClasses = "character",
                    na.strings = "", check.names = FALSE, encoding = "UTF-8")
{aside}
ratings <- subset(ratings, source %in% {sources})
valid <- tolower(ratings$valid) == "true"
{overruled}ratings <- ratings[valid & ratings$kind == "rating", ]

results <- data.frame(model = character(), kind = character(), term = character(),
                      estimate = numeric(), se = numeric(), df = numeric(), t = numeric(),
                      p = numeric())
keep <- function(model, kind, term, estimate, se, df, t, p) {
  found <- data.frame(model, kind, term, estimate, se, df, t, p)
  print(found[, -(1:2)], row.names = FALSE, digits = 4)
  results <<- rbind(results, found)
}
ratio <- function(tests) tests[[grep("[.]ratio$", names(tests))]]  # t.ratio or z.ratio
here <- function(package, what) {
  found <- requireNamespace(package, quietly = TRUE)
  if (!found) cat("left out, as the package", package, "is not installed:", what, "\\n")
  found
}
"""
TAIL = """
write.csv(results, file.path(folder, "models-R.csv"), row.names = FALSE)
"""
MODEL = """
# ---- {id} ----
{data}{columns}fit <- {fit}
cat("\\n{id}: logLik", format(as.numeric(logLik(fit)), digits = 10), "\\n")
print(VarCorr(fit))
"""
COEFFICIENTS = {
    "gaussian": """\
b <- coef(summary(fit, ddf = "{ddf}"))
keep({model}, "coefficient", rownames(b), b[, 1], b[, 2], b[, 3], b[, 4], b[, 5])
""",
    "binomial": """\
b <- coef(summary(fit))  # logits; z tests
keep({model}, "coefficient", rownames(b), b[, 1], b[, 2], Inf, b[, 3], b[, 4])
""",
    "ordinal": """\
b <- coef(summary(fit))  # logits; z tests
keep({model}, ifelse(rownames(b) %in% names(fit$alpha), "threshold", "coefficient"), rownames(b),
     b[, 1], b[, 2], Inf, b[, 3], b[, 4])
""",
}
COMPARISON = """\
if (here("emmeans", "comparisons of {what}")) {{
  emmeans::emm_options(lmerTest.limit = 1e6, pbkrtest.limit = 1e6)
  means <- emmeans::emmeans(fit, ~ {what}{df}{at})
  differences <- pairs(means, reverse = TRUE{by})
  found <- as.data.frame(summary(differences, {family}adjust = "{adjust}"))
  keep({model}, "comparison", {term}, found$estimate, found$SE, found$df, ratio(found),
       found$p.value)
{equivalence}}}
"""
EQUIVALENCE = """\
  found <- as.data.frame(emmeans::test(differences, by = NULL, adjust = "none", delta = {bound:g},
                                       side = "equivalence"))
  keep({model}, "equivalence", {term}, found$estimate, found$SE, found$df, ratio(found),
       found$p.value)
"""
LIKELIHOOD_RATIO = """\
{columns}whole <- {whole}
simpler <- {simpler}
chi2 <- as.numeric(2 * (logLik(whole) - logLik(simpler)))
k <- attr(logLik(whole), "df") - attr(logLik(simpler), "df")
keep({model}, "likelihood-ratio", {formula}, chi2, NA, k, NA, pchisq(chi2, k, lower.tail = FALSE))
"""
NEEDED = """\
if (here("{package}", {model})) {{
{lines}}}
"""


def script(results: Sequence[ModelResult], sample: Sample, protocol: Protocol) -> str:
    """The text of models.R."""
    sources = vector(sorted(sample.people.source.unique()))
    head = HEAD.replace("{sources}", sources).replace("{overruled}", _overruled(sample))
    head = head.replace("{aside}", _aside(sample)).replace("{packages}", _packages(results))
    return head + "".join(_model(result, protocol) for result in results) + TAIL


def _packages(results: Sequence[ModelResult]) -> str:
    """Packages that the script can use."""
    names = ["lme4", "lmerTest", "emmeans"]
    if any(result.model.family == "ordinal" for result in results):
        names.append("ordinal")
    if any(result.model.df == KENWARD_ROGER for result in results):
        names.append("pbkrtest")
    return ", ".join(text(name) for name in names)


def _aside(sample: Sample) -> str:
    """The line that takes out rows which the checks of the tables set aside."""
    rows = (sample.checks.aside.nonzero()[0] + 1).tolist()
    if not rows:
        return ""
    return f"ratings <- ratings[-c({', '.join(map(str, rows))}), ]  # set aside by the checks\n"


def _overruled(sample: Sample) -> str:
    """Lines for participants whose recorded `valid` is not what the rules say."""
    lines = []
    for value in (False, True):
        names = sorted(name for name, ours in sample.overruled.items() if ours == value)
        if names:
            lines.append(
                f"valid[ratings$participant %in% {vector(names)}] <- {str(value).upper()}"
                "  # by the rules of the protocol\n"
            )
    return "".join(lines)


def _model(result: ModelResult, protocol: Protocol) -> str:
    model = result.model
    if result.fit is None:
        return f"\n# ---- {model.id} ----\n# not fitted: {result.failure}\n"
    formula, extra = _formula(result.fit.design.formula, result)
    coefficients = COEFFICIENTS[model.family].format(model=text(model.id), ddf=_ddf(result))
    lines = MODEL.format(
        id=model.id,
        data=data_lines(result, protocol),
        columns=extra,
        fit=_call(model, formula, reml=model.reml),
    )
    lines += coefficients
    lines += "".join(_comparison(model, family.comparison, result) for family in result.families)
    lines += _likelihood_ratios(result, formula)
    needed = {"ordinal": "ordinal"}.get(model.family)
    needed = "pbkrtest" if _ddf(result) == "Kenward-Roger" else needed
    if needed is None:
        return lines
    return "\n" + NEEDED.format(package=needed, model=text(model.id), lines=lines)


def _ddf(result: ModelResult) -> str:
    """Degrees of freedom of the report, as lmerTest names them."""
    used = getattr(result.fit, "df_method", "")
    return "Kenward-Roger" if used == KENWARD_ROGER else "Satterthwaite"


def _call(model: MixedModel, formula: str, *, reml: bool) -> str:
    """The call that fits a model to `d`."""
    if model.family == "binomial":
        return f"glmer({formula},\n             data = d, family = binomial)"
    if model.family == "ordinal":
        return f"ordinal::clmm({formula},\n                     data = d)"
    return f"lmer({formula},\n            data = d, REML = {str(reml).upper()})"


def _formula(formula: Formula, result: ModelResult, prefix: str = "z") -> tuple[str, str]:
    """The formula in R, and lines that spell out the columns of `(factor || group)`.

    lme4 keeps the correlations of a factor there, and ordinal knows no `||`.
    """
    apart = [bar for bar in formula.bars if not bar.correlated and _spelled_out(bar, result)]
    if not apart:
        return f"{RESPONSE} ~ {formula.text.split('~')[1].strip()}", ""
    bars, lines = [], ""
    for i, bar in enumerate(formula.bars, start=1):
        if bar not in apart:
            bars.append(f"({_sum(bar.terms)} {'|' if bar.correlated else '||'} {bar.group_name})")
            continue
        name = f"{prefix}{i}"
        lines += f"{name} <- model.matrix(~ {_sum(bar.terms)}, d)\n"
        lines += f'd[paste0("{name}_", seq_len(ncol({name})))] <- {name}\n'
        for j in range(1, _count(bar, result.variables) + 1):
            bars.append(f"(0 + {name}_{j} | {bar.group_name})")
    return f"{RESPONSE} ~ {' + '.join([_sum(formula.fixed), *bars])}", lines


def _spelled_out(bar: Bar, result: ModelResult) -> bool:
    factors = any(result.variables[name].levels for term in bar.terms for name in term)
    return factors or (result.model.family == "ordinal" and len(bar.terms) > 1)


def _count(bar: Bar, variables: dict[str, Variable]) -> int:
    """Number of columns of a bar."""
    names = dict.fromkeys(name for term in bar.terms for name in term)
    one_row = {name: [variables[name].levels[0] if variables[name].levels else 0] for name in names}
    return columns(bar.terms, variables, pd.DataFrame(one_row, index=[0])).values.shape[1]


def _sum(terms: Sequence[Term]) -> str:
    """Terms as R writes them: `1 + m + m:emotion`."""
    return " + ".join(["1" if () in terms else "0", *(":".join(t) for t in terms if t)])


def _comparison(model: MixedModel, asked: Comparison, result: ModelResult) -> str:
    factor, at = asked.factor, asked.at
    found = [v for v in (factor, at) if v and not result.variables[v].levels]
    family = next(f for f in result.families if f.comparison == asked)
    values = {factor: [*family.table.earlier, *family.table.later], at: [*family.table["at"]]}
    grid = ", ".join(f"{v} = c({', '.join(sorted(set(values[v]), key=float))})" for v in found)
    term = f'paste(found$contrast, found${at}, sep = " at {at} = ")' if at else "found$contrast"
    df = f', lmer.df = "{_ddf(result).lower()}"' if model.family == "gaussian" else ""
    equivalence = ""
    if asked.equivalence is not None:
        equivalence = EQUIVALENCE.format(model=text(model.id), bound=asked.equivalence, term=term)
    return COMPARISON.format(
        what=f"{factor} | {at}" if at else factor,
        df=df,
        at=f", at = list({grid})" if grid else "",
        by=f', by = "{at}"' if at else "",
        family="" if asked.adjust == "tukey" else "by = NULL, ",  # Tukey: pairs at each level
        adjust=asked.adjust,
        model=text(model.id),
        term=term,
        equivalence=equivalence,
    )


def _likelihood_ratios(result: ModelResult, formula: str) -> str:
    """The declared tests, by maximum likelihood; the random part is that of the model in use."""
    assert result.fit is not None
    model, used = result.model, result.fit.design.formula.bars
    planned = parse(model.formula).bars
    lines = ""
    for i, test in enumerate(result.likelihood_ratios, start=1):
        if test.failure:
            lines += f"# not tested against {test.formula}: {test.failure}\n"
            continue
        parsed = parse(test.formula)
        parsed = with_bars(parsed, used) if parsed.bars == planned else parsed
        simpler, extra = _formula(parsed, result, f"simpler{i}_")
        lines += LIKELIHOOD_RATIO.format(
            columns=extra,
            whole=_call(model, formula, reml=False),
            simpler=_call(model, simpler, reml=False),
            model=text(model.id),
            formula=text(test.formula),
        )
    return lines
