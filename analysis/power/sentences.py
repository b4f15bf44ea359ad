"""Power in words: which tests are shown, and the paragraph for a preregistration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from analysis.mixed import engine
from analysis.power.planned import COEFFICIENT, COMPARISON, EQUIVALENCE, LOGITS, Tested
from analysis.power.simulate import Grid
from analysis.power.summary import TARGETS, smallest
from analysis.problems import AnalysisError
from analysis.text.words import MINUS, listing, number
from protocols.mixed_models import MixedModel
from protocols.section import nearest

EQUIVALENT = ": equivalent within "  # between a difference and its bound
DF = {"satterthwaite": "Satterthwaite", "kenward-roger": "Kenward and Roger"}
NOTHING = 1e-6  # points; a smaller assumed effect is none

Assumed = Mapping[tuple[str, str, str], float]


def find_test(tests: Sequence[Tested], wanted: str) -> Tested:
    """The test that `wanted` names, wholly or by a part that no other test has.

    Raises:
        AnalysisError: no test, or several, are called so.
    """
    names = {_plain(f"{test.model}: {test.label}"): test for test in tests}
    whole = [test for test in tests if _plain(test.label) == _plain(wanted)]
    found = whole[:1] or [test for name, test in names.items() if _plain(wanted) in name]
    if len(found) == 1:
        return found[0]
    labels = [test.label for test in (found or tests)]
    problem = "fits several tests" if found else "is no test of the protocol"
    hint = "" if found else nearest(wanted, labels)
    raise AnalysisError(f"--effect: '{wanted}' {problem}; accepted: {'; '.join(labels)}{hint}")


def shown_tests(tests: Sequence[Tested], assumed: Assumed) -> list[Tested]:
    """The tests that figure and sentence show: of each model its comparisons, or else coefficients.

    Of these, differences that are assumed to be there, and equivalence where it is assumed.
    """
    compared = {test.model for test in tests if test.kind == COMPARISON}

    def main(test: Tested) -> bool:
        return test.kind == (COMPARISON if test.model in compared else COEFFICIENT)

    asked = [
        test
        for test in tests
        if (main(test) and abs(assumed[test.key]) > NOTHING)
        or (test.kind == EQUIVALENCE and abs(assumed[test.key]) < (test.bound or 0))
    ]
    asked.sort(key=lambda test: test.kind == EQUIVALENCE)
    return asked or [test for test in tests if main(test)]


def title(test: Tested, *, several_models: bool = False) -> str:
    """A test in a few words, for headings and tables."""
    label = test.label.replace(" - ", f" {MINUS} ")
    if test.kind == EQUIVALENCE:
        difference, bound = label.rsplit(" within ", 1)
        label = f"{difference}{EQUIVALENT}±{bound}"
    return f"{test.model}: {label}" if several_models else label


def power_words(row: pd.Series) -> str:
    """`81.2 %, 95 % CI [77.5, 84.4]`."""
    low, high = number(100 * row["low"], 1), number(100 * row["high"], 1)
    return f"{number(100 * row['power'], 1)} %, 95 % CI [{low}, {high}]"


def preregistration(
    table: pd.DataFrame,
    grid: Grid,
    shown: Sequence[Tested],
    models: Sequence[MixedModel],
    assumptions: Sequence[str],
) -> list[str]:
    """The paragraphs: method, assumptions, power, and the smallest sizes that suffice."""
    sizes = main_size(table, shown)
    return [
        method(table, models),
        f"Assumptions. {' '.join(assumptions)}",
        _power_at(table, shown, sizes),
        *(needed(table[_is(table, test)], test, grid) for test in shown),
    ]


def method(table: pd.DataFrame, models: Sequence[MixedModel]) -> str:
    """How power was simulated, ready for a method section."""
    simulations = sorted(table["simulations"].unique())
    count = f"{simulations[0]}" if len(simulations) == 1 else f"{simulations[0]} or more"
    reduced = ""
    if any(model.when_singular == "reduce" for model in models):
        reduced = ", its random effects reduced as declared where it was singular"
    which = "the planned model" if len(models) == 1 else "the planned models"
    return (
        f"We planned the sample size by simulation with mien: {count} simulated "
        f"studies for each size of the study, each with the planned design and analysed with "
        f"{which}, {listing(_fitted(models))} ({engine.name()}; two-sided tests at α = "
        f".05){reduced}. Power is the share of simulated studies with "
        "a significant test; intervals are Wilson’s 95 % confidence intervals of this share."
    )


def _fitted(models: Sequence[MixedModel]) -> list[str]:
    """Every formula, the last one of its kind followed by how such models are fitted."""
    kinds = {model.id: _kind(model) for model in models}
    last = {kind: model.id for model, kind in ((m, kinds[m.id]) for m in models)}
    return [
        f"{model.formula} ({kinds[model.id]})" if last[kinds[model.id]] == model.id
        else model.formula
        for model in sorted(models, key=lambda m: list(last).index(kinds[m.id]))
    ]  # fmt: skip


def _kind(model: MixedModel) -> str:
    if model.family != "gaussian":
        what = "logits" if model.family == "binomial" else "cumulative logits"
        return f"{model.family}: {what}; maximum likelihood, Laplace approximation; Wald z tests"
    likelihood = "restricted maximum likelihood" if model.reml else "maximum likelihood"
    return f"{likelihood}, degrees of freedom after {DF[model.df]}"


def main_size(table: pd.DataFrame, shown: Sequence[Tested]) -> tuple[int, int]:
    """The smallest size at which all shown tests reach the first target, else the largest."""
    mine = table[pd.concat([_is(table, test) for test in shown], axis=1).any(axis=1)]
    least = mine.groupby(["participants", "items"])["power"].min()
    enough = least[least >= TARGETS[0]]
    found = enough.index[0] if len(enough) else least.index[-1]
    return int(found[0]), int(found[1])


def needed(rows: pd.DataFrame, test: Tested, grid: Grid) -> str:
    """The smallest sizes that reach 80 and 90 % power for one test."""
    found = {target: smallest(rows, target) for target in TARGETS}
    parts = [f"{100 * t:.0f} % with {_size(row, t)}" for t, row in found.items() if row is not None]
    said = f"power first reaches {listing(parts)}" if parts else "none reaches a power of 80 %"
    if len(parts) == 1:
        said += ", and never 90 %"
    tried = f"{_list(grid.participants)} participants; {_list(grid.items)} items"
    return f"{title(test)}: of the sizes tried ({tried}), {said}."


def _size(row: pd.Series, target: float) -> str:
    unsure = "" if row["low"] >= target else " (though the interval reaches below)"
    return f"{row['participants']} participants and {row['items']} items{unsure}"


def _power_at(table: pd.DataFrame, shown: Sequence[Tested], size: tuple[int, int]) -> str:
    several = len({test.model for test in shown}) > 1
    here = table[(table["participants"] == size[0]) & (table["items"] == size[1])]
    parts = []
    for test in shown:
        row = here[_is(here, test)].iloc[0]
        assumed = f"assumed difference {number(row['assumed'])} {test.unit}"
        if test.kind == COEFFICIENT:
            logits = f" {LOGITS}" if test.unit == LOGITS else ""
            assumed = f"assumed value {number(row['assumed'])}{logits}"
        name = title(test, several_models=several)
        parts.append(f"{name} ({assumed}, {test.correction}): {power_words(row)}")
    return (
        f"Power with {size[0]} participants who are analysed and {size[1]} items. "
        f"{'; '.join(parts)}."
    )


def _is(table: pd.DataFrame, test: Tested) -> pd.Series:
    model, kind, label = test.key
    return (table["model"] == model) & (table["kind"] == kind) & (table["test"] == label)


def _list(sizes: Sequence[int]) -> str:
    return ", ".join(map(str, sorted(sizes)))


def _plain(text: str) -> str:
    return "".join(text.casefold().replace(MINUS, "-").split())
