"""Which engine fits the models of a report: our own, one of R, or both beside each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, cast, get_args

from analysis.mixed.comparisons import compare
from analysis.mixed.influence import influence
from analysis.mixed.term_tests import term_tests
from analysis.mixed.variance import intraclass
from analysis.problems import AnalysisError, Problem
from analysis.reference import pymer, rscript
from analysis.reference.answer import Answer
from analysis.reference.asked import Asked
from analysis.reference.fits import asked_of, told_by
from analysis.reference.side_by_side import Beside
from analysis.results import ModelResult, ordered_levels
from protocols.protocol import Protocol

Engine = Literal["mien", "pymer4", "rscript", "both"]
ENGINES: tuple[Engine, ...] = get_args(Engine)
Ask = Callable[[Asked], Answer]


@dataclass(frozen=True)
class Refit:
    """The models of a report, fitted by R too.

    Attributes:
        engine: what the user asked for.
        models: what the report shows: with R's numbers, unless both engines were asked for.
        beside: both engines' fits of every model; empty with our own engine alone.
    """

    engine: Engine
    models: list[ModelResult]
    beside: list[Beside]


def start(engine: str) -> Ask | None:
    """The function that asks R, once it is known that R can answer; None for our own engine.

    Raises:
        AnalysisError: there is no such engine, or R or one of its packages is missing.
    """
    if engine not in ENGINES:
        raise AnalysisError(f"--engine: found '{engine}'; accepted: {', '.join(ENGINES)}")
    if engine == "mien":
        return None
    rscript.check()
    if engine == "rscript" or (engine == "both" and not pymer.is_here()):
        return rscript.ask
    pymer.start()
    return _ask_pymer4


def _ask_pymer4(asked: Asked) -> Answer:
    """Ask pymer4, or R itself for the cumulative-link models that pymer4 lacks."""
    return rscript.ask(asked) if asked.family == "ordinal" else pymer.ask(asked)


def refit(
    models: Sequence[ModelResult],
    protocol: Protocol,
    engine: str,
    ask: Ask | None,
    tell: Callable[[str], object] = str,
) -> Refit:
    """Fit every model of a report in R too, and put its numbers in place if they are to be shown.

    Args:
        models: as our own engine fitted them.
        protocol: what they were declared in.
        engine: mien, pymer4, rscript or both.
        ask: from `start`.
        tell: called with a line for the researcher before each model.
    """
    shown, beside = list(models), []
    for i, result in enumerate(models):
        if ask is None or result.fit is None:
            continue
        tell(f"{result.model.id}: R fits this model too")
        found = _beside(result, ask)
        beside.append(found)
        if engine != "both":
            shown[i] = _told(result, found, protocol)
    return Refit(cast(Engine, engine), shown, beside)


def _beside(result: ModelResult, ask: Ask) -> Beside:
    assert result.fit is not None
    try:
        answer = ask(asked_of(result.fit))
    except AnalysisError as error:
        return Beside(result.model, result.fit, failure=str(error))
    return Beside(result.model, result.fit, told_by(answer, result.fit))


def _told(result: ModelResult, found: Beside, protocol: Protocol) -> ModelResult:
    """The result with R's fit, and every test that rests on it made again; or why there is none."""
    if found.theirs is None:
        problem = Problem("ENGINE_FAILED", found.failure)
        own = replace(found.own, problems=(*found.own.problems, problem))
        return replace(result, fit=own)
    fit: Any = found.theirs
    model = result.model
    levels = {name: ordered_levels(name, protocol, model) for name in protocol.factors}
    result = replace(
        result,
        fit=fit,
        families=tuple(compare(fit, asked, levels) for asked in model.comparisons),
        terms=term_tests(fit),
    )
    influences = [influence(fit, each.group) for each in result.influences]
    return replace(
        result, influences=tuple(each for each in influences if each), icc=intraclass(fit)
    )
