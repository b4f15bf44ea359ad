"""Lines of models.R that make the data of a model: its ratings, response, factors and codings."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np

from analysis.choices.confusion import matches_of
from analysis.mixed.coding import R_FUNCTIONS, numbers
from analysis.mixed.columns import Variable, word
from analysis.results import ModelResult
from protocols.mixed_models import MixedModel
from protocols.protocol import Protocol

RESPONSE = "response"
MOST_LEVELS = 30  # more are participants or items: groups, never coded


def data_lines(result: ModelResult, protocol: Protocol) -> str:
    """Lines that make the data frame `d` of a model from `ratings`."""
    model = result.model
    answer = "label" if model.family == "binomial" else "response"
    lines = [f"d <- subset(ratings, question == {text(model.task)} & !is.na({answer}))"]
    for name, kept in model.where.items():
        levels = [word(level) for level in kept]
        lines.append(f"d <- d[{_values(name, levels)} %in% {vector(levels)}, ]")
    lines += _response(model, protocol)
    used = result.fit.design.formula.variables if result.fit else []
    for variable in result.variables.values():
        lines += _column(variable)
    lines.append(f"d <- d[complete.cases(d[{vector(used)}]), ]")
    if result.fit:
        lines.append(f"stopifnot(nrow(d) == {result.fit.n})  # the ratings of the report")
    if model.family == "ordinal":
        lines.append("d$response <- ordered(d$response)")
    return "".join(f"{line}\n" for line in lines)


def _response(model: MixedModel, protocol: Protocol) -> list[str]:
    """What is modelled: the number on the scale, or whether the answer counts."""
    success = model.success
    if success is None:
        return ["d$response <- as.numeric(d$response)"]
    if success.labels:
        return [f"d$response <- as.numeric(d$label %in% {vector(success.labels)})"]
    lines = [_meant("wanted", model.task, str(success.matches), protocol)]
    counts = "d$response <- as.numeric(d$label == wanted)"
    if not success.against:
        return [*lines, counts]
    return [
        *lines,
        _meant("other", model.task, success.against, protocol),
        counts,
        "d <- d[wanted != other & (d$label == wanted | d$label == other), ]",
    ]


def _meant(name: str, task: str, factor: str, protocol: Protocol) -> str:
    """The line for the option that means each answer's level of a factor."""
    match = matches_of(protocol, task)[factor]
    options = ", ".join(f"{text(level)} = {text(option)}" for level, option in match.items())
    return f"{name} <- c({options})[{_values(factor, list(match))}]"


def _column(variable: Variable) -> list[str]:
    """Lines that make a column a number, or a factor with its levels and coding."""
    column, levels = f"d${variable.name}", variable.levels
    if not levels:
        return [f"{column} <- as.numeric({column})"]
    if len(levels) > MOST_LEVELS:
        return [f"{column} <- factor({column})"]
    lines = [f"{column} <- factor({_values(variable.name, levels)}, levels = {vector(levels)})"]
    if len(levels) > 1:
        lines += _coding(variable, column)
    return lines


def _coding(variable: Variable, column: str) -> list[str]:
    if not variable.hypotheses:
        return [f"contrasts({column}) <- {_function(variable)}"]
    coded = variable.contrasts
    rows = [
        f"  {text(name)} = c({', '.join(f'{w:.10g}' for w in weights)})"
        for name, weights in zip(coded.names, np.linalg.pinv(coded.matrix).round(12), strict=True)
    ]
    return [
        f"# hypotheses about {variable.name}: weights of {', '.join(variable.levels)}",
        "weights <- rbind(",
        ",\n".join(rows),
        ")",
        f"contrasts({column}) <- `colnames<-`(MASS::ginv(weights), rownames(weights))",
    ]


def _function(variable: Variable) -> str:
    """R's call for a coding."""
    levels = variable.levels
    if variable.coding != "polynomial":
        return f"{R_FUNCTIONS[variable.coding]}({vector(levels)})"
    scores = numbers(levels)
    given = "" if scores is None else f", scores = c({', '.join(f'{s:.10g}' for s in scores)})"
    return f"contr.poly({len(levels)}{given})"


def _values(name: str, levels: Sequence[str]) -> str:
    """A column as the words that its levels are: "0.50" and "0.5" are one level."""
    if all(is_number(level) for level in levels):
        return f'sprintf("%.10g", as.numeric(d${name}))'
    return f"d${name}"


def vector(values: Sequence[str]) -> str:
    """An R vector of words."""
    return f"c({', '.join(text(value) for value in values)})"


def text(value: str) -> str:
    """An R string; JSON quotes the same way."""
    return json.dumps(word(value), ensure_ascii=False)


def is_number(level: str) -> bool:
    """Whether R, too, would write the number this way; the code "01" stays a word."""
    try:
        return word(float(level)) == level
    except ValueError:
        return False
