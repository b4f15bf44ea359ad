"""Do the exclusions decide a result? Every gaussian model once more, with nobody excluded.

Only people who withdrew stay out, as their answers may not be used. What is compared are the
declared comparisons of a model, or its coefficients if it has none; changes are in standard errors
of the report's model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from analysis.results import ModelResult, run
from analysis.sample.exclude import Sample, with_everybody
from protocols.protocol import Protocol

ALPHA = 0.05


@dataclass(frozen=True)
class Sensitivity:
    """One model with and without exclusions.

    Attributes:
        id: of the model.
        participants: number analysed, and number with nobody excluded.
        table: term, estimate, p (as reported, corrected), estimate_all, p_all (nobody excluded),
            shift (in standard errors of the report), turned (whether p crossed .05).
        failure: why the model could not be fitted with everybody.
    """

    id: str
    participants: tuple[int, int]
    table: pd.DataFrame
    failure: str = ""


def nobody_excluded(
    sample: Sample, protocol: Protocol, results: Sequence[ModelResult]
) -> list[Sensitivity]:
    """Every fitted gaussian model beside itself with everybody; empty if nobody was excluded."""
    everybody = with_everybody(sample)
    if everybody.participants == sample.participants:
        return []
    counts = sample.participants, everybody.participants
    out = []
    for result in results:
        if result.fit is None or result.model.family != "gaussian":
            continue
        again = run(result.model, protocol, everybody)
        if again.fit is None:
            out.append(Sensitivity(result.model.id, counts, pd.DataFrame(), again.failure))
            continue
        table, all_ = _tests(result), _tests(again).set_index("term")
        table["estimate_all"] = table.term.map(all_.estimate)
        table["p_all"] = table.term.map(all_.p)
        table["shift"] = (table.estimate_all - table.estimate) / table.se
        table["turned"] = (table.p < ALPHA) != (table.p_all < ALPHA)
        out.append(Sensitivity(result.model.id, counts, table.drop(columns="se")))
    return out


def _tests(result: ModelResult) -> pd.DataFrame:
    """Term, estimate, se, p of the declared comparisons, or else of the coefficients."""
    assert result.fit is not None
    if not result.families:
        fixed = result.fit.fixed
        return fixed.loc[fixed.term != "(Intercept)", ["term", "estimate", "se", "p"]].copy()
    families = []
    for family in result.families:
        table = family.table
        at = family.comparison.at
        where = f" at {at} = " + table["at"].astype(str) if at else ""
        term = table.later.astype(str) + " − " + table.earlier.astype(str) + where
        families.append(
            table.assign(term=term, p=table.p_adjusted)[["term", "estimate", "se", "p"]]
        )
    return pd.concat(families, ignore_index=True)
