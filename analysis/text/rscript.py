"""`models.R`: every model of a report once more, in R with lme4 and lmerTest.

The script reads the study's ratings.csv as it is, applies the same filters and codings, prints the
fixed effects and writes `models-R.csv` beside itself, with the columns model, kind (coefficient or
comparison), term, estimate, se, df, t, p. Comparisons need the package emmeans.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from analysis.mixed.coding import R_FUNCTIONS
from analysis.mixed.columns import Variable, word
from analysis.mixed.formula import Bar, Term, parse
from analysis.results import ModelResult
from analysis.sample.exclude import Sample
from protocols.mixed_models import Comparison, MixedModel

RESPONSE = "response"
HEAD = """\
# Refits every model of the report with lme4 and lmerTest.
# Run: Rscript models.R     Needs: install.packages(c("lme4", "lmerTest", "emmeans"))
suppressPackageStartupMessages({
  library(lme4)
  library(lmerTest)
})
script <- sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE))
folder <- if (length(script)) dirname(normalizePath(script)) else "report"
ratings <- read.csv(file.path(folder, "..", "ratings.csv"), colClasses = "character",
                    na.strings = "", check.names = FALSE, encoding = "UTF-8")

ratings <- subset(ratings, source %in% {sources})
valid <- tolower(ratings$valid) == "true"
{overruled}ratings <- ratings[valid & ratings$kind == "rating" & !is.na(ratings$response), ]

results <- data.frame(model = character(), kind = character(), term = character(),
                      estimate = numeric(), se = numeric(), df = numeric(), t = numeric(),
                      p = numeric())
keep <- function(model, kind, term, estimate, se, df, t, p) {
  found <- data.frame(model, kind, term, estimate, se, df, t, p)
  print(found[, -(1:2)], row.names = FALSE, digits = 4)
  results <<- rbind(results, found)
}
"""
TAIL = """
write.csv(results, file.path(folder, "models-R.csv"), row.names = FALSE)
"""
MODEL = """
# ---- {id} ----
d <- subset(ratings, question == {task})
d$response <- as.numeric(d$response)
{columns}fit <- lmer({formula},
            data = d, REML = {reml})
cat("\\n{id}: logLik", format(as.numeric(logLik(fit)), digits = 10), "\\n")
print(VarCorr(fit))
b <- coef(summary(fit))  # Satterthwaite's degrees of freedom
keep({quoted}, "coefficient", rownames(b), b[, 1], b[, 2], b[, 3], b[, 4], b[, 5])
"""
COMPARISON = """\
if (requireNamespace("emmeans", quietly = TRUE)) {{
  emmeans::emm_options(lmerTest.limit = 1e6)
  means <- emmeans::emmeans(fit, ~ {what}, lmer.df = "satterthwaite"{at})
  pairs <- as.data.frame(summary(pairs(means, reverse = TRUE{by}), by = NULL, adjust = "{adjust}"))
  keep({quoted}, "comparison", {term}, pairs$estimate, pairs$SE, pairs$df,
       pairs$t.ratio, pairs$p.value)
}}
"""


def script(results: Sequence[ModelResult], sample: Sample) -> str:
    """The text of models.R."""
    sources = _vector(sorted(sample.people.source.unique()))
    head = HEAD.replace("{sources}", sources).replace("{overruled}", _overruled(sample))
    return head + "".join(_model(result) for result in results) + TAIL


def _overruled(sample: Sample) -> str:
    """Lines for participants whose recorded `valid` is not what the rules say."""
    lines = []
    for value in (False, True):
        names = sorted(name for name, ours in sample.overruled.items() if ours == value)
        if names:
            lines.append(
                f"valid[ratings$participant %in% {_vector(names)}] <- {str(value).upper()}"
                "  # by the rules of the protocol\n"
            )
    return "".join(lines)


def _model(result: ModelResult) -> str:
    model = result.model
    if result.fit is None:
        return f"\n# ---- {model.id} ----\n# not fitted: {result.failure}\n"
    formula, extra = _formula(result)
    columns = [
        _column(v) for v in result.variables.values() if v.name in result.fit.design.variables
    ]
    text = MODEL.format(
        id=model.id,
        quoted=_text(model.id),
        task=_text(model.task),
        columns="".join(columns) + extra,
        formula=formula,
        reml=str(model.reml).upper(),
    )
    return text + "".join(_comparison(model, asked, result) for asked in model.comparisons)


def _column(variable: Variable) -> str:
    """Lines that make a column a number, or a factor with its levels and coding."""
    column = f"d${variable.name}"
    if not variable.levels:
        return f"{column} <- as.numeric({column})\n"
    if len(variable.levels) > 30:  # participants and items: groups, never coded
        return f"{column} <- factor({column})\n"
    levels = _vector(variable.levels)
    values = column
    if all(_is_number(level) for level in variable.levels):
        values = f"as.character(as.numeric({column}))"  # "0.50" and "0.5" are one level
    lines = f"{column} <- factor({values}, levels = {levels})\nstopifnot(!anyNA({column}))\n"
    if len(variable.levels) > 1:
        lines += f"contrasts({column}) <- {R_FUNCTIONS[variable.coding]}({levels})\n"
    return lines


def _formula(result: ModelResult) -> tuple[str, str]:
    """The formula for lmer, and lines that spell out the columns of `(factor || group)`."""
    parsed = parse(result.model.formula)
    plain = [bar for bar in parsed.bars if bar.correlated or not _has_factor(bar, result)]
    if len(plain) == len(parsed.bars):
        return f"{RESPONSE} ~ {parsed.text.split('~')[1].strip()}", ""
    bars, lines = [], ""
    for i, bar in enumerate(parsed.bars, start=1):
        if bar in plain:
            bars.append(f"({_sum(bar.terms)} {'|' if bar.correlated else '||'} {bar.group_name})")
            continue
        lines += f"z{i} <- model.matrix(~ {_sum(bar.terms)}, d)\n"
        lines += f'd[paste0("z{i}_", seq_len(ncol(z{i})))] <- z{i}\n'
        count = sum(
            len(term.names)
            for term in (result.fit.design.random if result.fit else ())
            if term.group == bar.group_name
        )
        columns = " + ".join(f"z{i}_{j}" for j in range(1, count + 1))
        bars.append(f"(0 + {columns} || {bar.group_name})")
    return f"{RESPONSE} ~ {' + '.join([_sum(parsed.fixed), *bars])}", lines


def _has_factor(bar: Bar, result: ModelResult) -> bool:
    return any(result.variables[name].levels for term in bar.terms for name in term)


def _sum(terms: Sequence[Term]) -> str:
    """Terms as R writes them: `1 + m + m:emotion`."""
    return " + ".join(["1" if () in terms else "0", *(":".join(t) for t in terms if t)])


def _comparison(model: MixedModel, asked: Comparison, result: ModelResult) -> str:
    factor, at = asked.factor, asked.at
    numbers = [v for v in (factor, at) if v and not result.variables[v].levels]
    family = next(f for f in result.families if f.comparison == asked)
    values = {factor: [*family.table.earlier, *family.table.later], at: [*family.table["at"]]}
    grid = ", ".join(f"{v} = c({', '.join(sorted(set(values[v]), key=float))})" for v in numbers)
    return COMPARISON.format(
        what=f"{factor} | {at}" if at else factor,
        at=f", at = list({grid})" if grid else "",
        by=f', by = "{at}"' if at else "",
        adjust=asked.adjust,
        quoted=_text(model.id),
        term=f'paste(pairs$contrast, pairs${at}, sep = " at {at} = ")' if at else "pairs$contrast",
    )


def _vector(values: Sequence[str]) -> str:
    return f"c({', '.join(_text(value) for value in values)})"


def _text(value: str) -> str:
    """An R string; JSON quotes the same way."""
    return json.dumps(word(value), ensure_ascii=False)


def _is_number(level: str) -> bool:
    """Whether R, too, would write the number this way; the code "01" stays a word."""
    try:
        return word(float(level)) == level
    except ValueError:
        return False
