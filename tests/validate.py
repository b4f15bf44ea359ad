"""`make validate`: do the report's 95 % intervals hold the truth 95 times in 100, and no more lie?

2,000 studies each of Blume's experiments 1 and 2 (24 identities, 80 participants) are simulated
from the published effects and analysed as the report does; as many again without any effect give
the rate of false alarms at p < .05. The truth of each coefficient is computed, not drawn: the
expected answer of every cell, through the inverse of the coding.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Iterator

import numpy as np
import pandas as pd
from rich.console import Console
from rich.progress import track
from rich.table import Table

from analysis.mixed.columns import Variable, columns
from analysis.mixed.fit import fit
from analysis.mixed.formula import parse
from analysis.results import variable
from experiments.imagined import Imagined, scaled
from experiments.truth import true_means
from protocols.protocol import Protocol
from protocols.reading import load
from stimuli.corpora import identities_of
from stimuli.plan import make_plan

STUDIES = 2000
PARTICIPANTS = 80
PROTOCOLS = {f"experiment {i}": f"protocols/blume2024-experiment{i}.yaml" for i in (1, 2)}
EFFECT = "emotion"  # coefficients with this factor are zero in studies without effects
BOUNDS = {"coverage": (0.93, 0.97), "false alarms": (0.04, 0.06)}
CHANCE = 3.29  # standard errors: p < .001 for one coefficient
console = Console(highlight=False)


class Repeated:
    """One protocol, simulated and analysed again and again."""

    def __init__(self, path: str, *, effects: bool) -> None:
        """`effects`: those of the protocol's simulation, or none."""
        self.protocol = load(path) if effects else scaled(load(path), 0)
        self.effects = effects
        self.model = self.protocol.analysis.models[0]
        trials = make_plan(self.protocol, identities_of(self.protocol)).trials
        trials = trials[(trials["kind"] == "rating") & (trials["slot"] <= PARTICIPANTS)]
        self.ratings = trials.assign(participant=trials["slot"].astype(str)).reset_index(drop=True)
        self.answers = Imagined(self.protocol).prepare(self.ratings, self.model)
        names = [n for n in parse(self.model.formula).variables if n in self.ratings]
        self.variables: dict[str, Variable] = {
            name: variable(name, self.model, self.protocol, self.ratings) for name in names
        }
        self.truth = coefficients(self.protocol)

    def once(self, seed: int) -> dict[str, bool]:
        """Coefficient -> whether its interval holds the truth."""
        answers = self.answers.draw(np.random.default_rng([seed, int(self.effects)]))
        ratings = self.ratings.assign(**{self.model.task: answers})
        fixed = fit(self.model.formula, ratings, self.variables).fixed
        held = (fixed.low <= self.truth.to_numpy()) & (self.truth.to_numpy() <= fixed.high)
        return dict(zip(fixed.term, map(bool, held), strict=True))


def coefficients(protocol: Protocol) -> pd.Series:
    """The true coefficients: those that give the expected answer of every cell."""
    model = protocol.analysis.models[0]
    means = true_means(protocol)
    cells = means.assign(participant="1", identity="1")
    formula = parse(model.formula)
    names = [name for name in formula.variables if name in protocol.factors]
    variables = {name: variable(name, model, protocol, cells) for name in names}
    made = columns(formula.fixed, variables, cells)
    solved = np.linalg.lstsq(made.values, cells["mean"].to_numpy(), rcond=None)[0]
    return pd.Series(solved, made.names)


_repeated: list[Repeated] = []  # of a worker


def _prepare(path: str, effects: bool) -> None:
    _repeated[:] = [Repeated(path, effects=effects)]


def _once(seed: int) -> dict[str, bool]:
    return _repeated[0].once(seed)


def _many(path: str, studies: int, *, effects: bool) -> Iterator[dict[str, bool]]:
    context = multiprocessing.get_context("spawn")
    workers = min(8, os.cpu_count() or 1)
    with context.Pool(workers, _prepare, (path, effects)) as pool:
        yield from pool.imap_unordered(_once, range(studies), chunksize=5)


def main() -> None:
    """Print coverage and false alarms of every coefficient; fail if one lies outside chance."""
    studies = int(sys.argv[1]) if len(sys.argv) > 1 else STUDIES
    shown = Table(title=f"{studies} simulated studies each, {PARTICIPANTS} participants")
    for name in ("study", "coefficient", "truth", "coverage", "false alarms"):
        shown.add_column(name, justify="left" if name in ("study", "coefficient") else "right")
    strange = []
    for name, path in PROTOCOLS.items():
        found = {}
        for effects, what in ((True, "coverage"), (False, "false alarms")):
            runs = track(_many(path, studies, effects=effects), f"{name}, {what}", studies,
                         console=console)  # fmt: skip
            held = pd.DataFrame(list(runs)).mean()
            found[what] = held if effects else 1 - held[[c for c in held.index if EFFECT in c]]
        truth = Repeated(path, effects=True).truth
        for term in truth.index:
            values = {what: shares.get(term) for what, shares in found.items()}
            words = [f"{100 * v:.1f} %" if v is not None else "" for v in values.values()]
            shown.add_row(name, term, f"{truth[term]:.3f}", *words)
            strange += [f"{name}, {term}: {what} {100 * v:.1f} %" for what, v in values.items()
                        if v is not None and _strange(v, what, studies)]  # fmt: skip
        pooled = {what: float(shares.mean()) for what, shares in found.items()}
        shown.add_row(name, "all together", "", *(f"{100 * v:.1f} %" for v in pooled.values()))
        strange += [f"{name}, all together: {what} {100 * v:.1f} %" for what, v in pooled.items()
                    if not BOUNDS[what][0] <= v <= BOUNDS[what][1]]  # fmt: skip
    console.print(shown)
    if strange:
        console.print("outside what chance allows: " + "; ".join(strange))
        sys.exit(1)


def _strange(share: float, what: str, studies: int) -> bool:
    expected = 0.95 if what == "coverage" else 0.05
    return abs(share - expected) > CHANCE * np.sqrt(0.95 * 0.05 / studies)


if __name__ == "__main__":
    main()
