"""One effect in two studies, beside each other (Blume et al. 2024, supplement 7.4).

For each level of a factor that only this study has, one mixed model of the ratings of both:

    rating ~ by * study + (by | participant) + (by | identity)

`by` and `study` have sliding-difference coding, so the interaction is the effect of `by` here minus
its effect there. Participants of two studies are different people; identities are the same where
corpus and name are. The paper reads a p above .05 as equality; here two one-sided tests say
whether the difference is small (`analysis.raters.equivalence`).
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from statsmodels.stats.multitest import multipletests

from analysis.mixed.columns import Variable, word, words
from analysis.mixed.fit import Estimate, Fit, fit
from analysis.problems import AnalysisError, Problem
from analysis.raters.equivalence import tost, verdict
from analysis.sample.exclude import Sample, task_ratings
from protocols.analysis_plan import BesideStudy
from protocols.protocol import Protocol
from protocols.scales import NUMERIC

HERE, THERE = "here", "there"
FORMULA = "rating ~ {by}*study + ({by} | participant) + ({by} | identity)"


@dataclass(frozen=True)
class Beside:
    """The effect of `by` here beside its effect in another study.

    Attributes:
        asked: what the protocol asked for.
        task: whose ratings these are.
        levels: earlier and later level of `by`; effects are later minus earlier.
        at: factor whose levels have a model each; none: one model.
        table: one row per level: at, effects `here` and `there` and `difference`, each with
            _se, _low, _high (95 %); df, t, p, p_adjusted of the difference; with a bound low90,
            high90, p_equivalence, p_equivalence_adjusted; verdict.
        fits: level -> mixed model.
        failures: level -> why it has no model.
        people: participants here and there.
        shared: number of identities that both studies show, and of all.
        simulated: whether the ratings here, and there, are simulated.
    """

    asked: BesideStudy
    task: str
    levels: tuple[str, str]
    at: str | None
    table: pd.DataFrame
    fits: dict[str, Fit]
    failures: dict[str, str]
    people: tuple[int, int]
    shared: tuple[int, int]
    simulated: tuple[bool, bool]

    @property
    def problems(self) -> list[tuple[str, Problem]]:
        """What a reader should know about each fit: level, problem."""
        return [(level, p) for level, fitted in self.fits.items() for p in fitted.problems]

    @property
    def closest(self) -> str:
        """The level at which the two effects are most alike."""
        return str(self.table["at"].iloc[self.table.difference.abs().argmin()])


def beside(
    asked: BesideStudy, sample: Sample, protocol: Protocol, other: Sample, theirs: Protocol
) -> Beside:
    """The comparison.

    Args:
        asked: what to compare.
        sample: participants of this study.
        protocol: of this study.
        other: participants of the other study.
        theirs: the protocol of the other study.

    Raises:
        AnalysisError: the studies have no task, factor or scale in common, or no model can be
            fitted.
    """
    task = _task(asked, protocol, theirs)
    levels = _levels(asked, protocol, theirs)
    at = _at(asked, protocol, theirs)
    ours = _ratings(sample, protocol, task, HERE)
    over_there = _ratings(other, theirs, task, THERE)
    places = [word(level) for level in protocol.stimuli.factors[at]] if at else [""]
    rows, fits, failures = [], {}, {}
    for place in places:
        here = ours[words(ours[at]) == place] if at else ours
        try:
            fits[place] = _fit(asked.by, levels, pd.concat([over_there, here], ignore_index=True))
            rows.append({"at": place, **_effects(fits[place], asked.by, levels)})
        except AnalysisError as error:
            failures[place] = str(error)
    if not rows:
        raise AnalysisError(f"beside {asked.study}: {next(iter(failures.values()))}")
    mine, its = set(ours.identity), set(over_there.identity)
    return Beside(
        asked, task, levels, at, _tests(pd.DataFrame(rows), asked), fits, failures,
        (ours.participant.nunique(), over_there.participant.nunique()),
        (len(mine & its), len(mine | its)), (sample.simulated, other.simulated),
    )  # fmt: skip


def _task(asked: BesideStudy, protocol: Protocol, theirs: Protocol) -> str:
    scales = {name: (t.low, t.high) for name, t in theirs.questions.items() if t.type in NUMERIC}
    if asked.task is not None:
        wanted = [asked.task]
    else:
        wanted = [name for name, task in protocol.questions.items() if task.type in NUMERIC]
    found = [name for name in wanted if name in scales]
    if not found:
        raise AnalysisError(
            f"beside {asked.study}: it has no scale called {' or '.join(wanted)}; its scales: "
            f"{', '.join(scales) or 'none'}"
        )
    name = found[0]
    low, high = protocol.questions[name].low, protocol.questions[name].high
    if scales[name] != (low, high):
        there = scales[name]
        raise AnalysisError(
            f"beside {asked.study}: {name} runs from {low:g} to {high:g} here and from "
            f"{there[0]:g} to {there[1]:g} there; effects in points of different scales cannot be "
            "compared"
        )
    return name


def _levels(asked: BesideStudy, protocol: Protocol, theirs: Protocol) -> tuple[str, str]:
    here = tuple(word(level) for level in protocol.stimuli.factors[asked.by])
    there = tuple(word(level) for level in theirs.stimuli.factors.get(asked.by, ()))
    if set(here) != set(there):
        found = f"the levels {', '.join(there)}" if there else "no such factor"
        raise AnalysisError(
            f"beside {asked.study}: {asked.by} has the levels {', '.join(here)} here; found "
            f"{found} there; both studies need the same two"
        )
    return here  # type: ignore[return-value]


def _at(asked: BesideStudy, protocol: Protocol, theirs: Protocol) -> str | None:
    if asked.at is not None:
        return asked.at
    only_here = [f for f in protocol.factors if f not in theirs.factors and f != asked.by]
    if len(only_here) > 1:
        raise AnalysisError(
            f"beside {asked.study}: only this study has {' and '.join(only_here)}; say which one "
            "has a model for each of its levels: analysis.beside, at"
        )
    return only_here[0] if only_here else None


def _ratings(sample: Sample, protocol: Protocol, task: str, study: str) -> pd.DataFrame:
    """Ratings; names of participants say the study, and those of identities the corpus."""
    rows = task_ratings(sample, task, protocol.factors).rename(columns={task: "rating"})
    return rows.assign(
        study=study,
        participant=study + ": " + rows.participant.astype(str),
        identity=protocol.stimuli.corpus + ": " + rows.identity.astype(str),
    )


def _fit(by: str, levels: tuple[str, str], data: pd.DataFrame) -> Fit:
    variables = {
        by: Variable(by, levels, "sliding-difference"),
        "study": Variable("study", (THERE, HERE), "sliding-difference"),
    }
    return fit(FORMULA.format(by=by), data, variables)


def _effects(fitted: Fit, by: str, levels: tuple[str, str]) -> dict[str, float]:
    """The effect of `by` here, there, and the difference, with intervals."""
    names = fitted.design.names
    effect, study = f"{by}{levels[1]}-{levels[0]}", f"study{HERE}-{THERE}"
    mean = pd.Series(0.0, names)
    apart = mean.copy()
    mean[effect] = 1.0
    apart[next(n for n in names if set(n.split(":")) == {effect, study})] = 1.0
    found = {
        HERE: fitted.contrast((mean + apart / 2).to_numpy()),
        THERE: fitted.contrast((mean - apart / 2).to_numpy()),
        "difference": fitted.contrast(apart.to_numpy()),
    }
    row: dict[str, float] = {}
    for name, one in found.items():
        low, high = one.interval()
        row |= {name: one.value, f"{name}_se": one.se, f"{name}_low": low, f"{name}_high": high}
    return row | {"df": found["difference"].df, "t": found["difference"].t,
                  "p": found["difference"].p}  # fmt: skip


def _tests(table: pd.DataFrame, asked: BesideStudy) -> pd.DataFrame:
    """The same with corrected p values, equivalence tests and verdicts."""
    table = table.assign(p_adjusted=_adjusted(table.p, asked.adjust))
    if asked.equivalence is not None:
        bound = asked.equivalence
        tests = [
            tost(Estimate(r.difference, r.difference_se, r.df), bound) for r in table.itertuples()
        ]  # type: ignore[arg-type]
        table["low90"], table["high90"] = [e.low for e in tests], [e.high for e in tests]
        table["p_equivalence"] = [e.p for e in tests]
        table["p_equivalence_adjusted"] = _adjusted(table.p_equivalence, asked.adjust)
    equivalence = table.get("p_equivalence_adjusted", pd.Series([None] * len(table)))
    table["verdict"] = [
        verdict(p, q) for p, q in zip(table.p_adjusted, equivalence, strict=True)
    ]  # fmt: skip
    return table


def _adjusted(p: pd.Series, method: str) -> pd.Series:
    if method == "none" or len(p) < 2:
        return p
    return pd.Series(multipletests(p, method="holm")[1], index=p.index)
