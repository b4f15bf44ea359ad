"""A pilot as the source of simulated answers: its effects and variances, in studies of any size.

The planned model is fitted to the pilot's ratings, y = X beta + Z b + e with b ~ N(0, G) and
e ~ N(0, sigma^2 I). A simulated study has new participants and items, drawn from N(0, G), and the
same beta, or deviations from the overall mean multiplied by `scale`. Answers are not rounded: the
pilot's residual variance holds the rounding of its own answers already.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.mixed.design import RandomTerm, design
from analysis.mixed.fit import Fit
from analysis.mixed.formula import parse
from analysis.power.planned import fit_planned, models_of, rows_of
from analysis.problems import AnalysisError
from analysis.results import variable
from analysis.sample.exclude import read_sample, task_ratings
from protocols.mixed_models import GROUPS, MixedModel
from protocols.protocol import Protocol
from protocols.study import Study


@dataclass(frozen=True)
class Estimated:
    """What a pilot's fit says: beta (p,), sigma, and per random term the triangle (k, k) of G."""

    beta: np.ndarray
    sigma: float
    triangles: tuple[np.ndarray, ...]  # G of a term is T T', in points of the scale
    words: tuple[str, ...]
    singular: bool


@dataclass(frozen=True)
class Pilot:
    """The pilot's estimates for every planned model (id -> Estimated), effects times `scale`."""

    protocol: Protocol
    estimated: dict[str, Estimated]
    scale: float = 1.0

    def prepare(self, trials: pd.DataFrame, model: MixedModel) -> LikeThePilot:
        """What does not change from one simulation to the next."""
        found = self.estimated[model.id]
        data = trials.assign(**{model.task: 0.0})
        formula = parse(model.formula)
        variables = {
            name: variable(name, model, self.protocol, data)
            for name in formula.variables
            if name in data
        }
        made = design(formula, data, variables)
        fixed = made.x @ found.beta
        expected = fixed.mean() + self.scale * (fixed - fixed.mean())
        return LikeThePilot(expected, found.sigma, made.random, found.triangles)

    def assumptions(self, model: MixedModel) -> list[str]:
        """Where the numbers come from, and the estimates."""
        return list(self.estimated[model.id].words)

    def singular(self) -> list[str]:
        """Models whose pilot estimates a variance of zero, or a correlation of one."""
        return [name for name, found in self.estimated.items() if found.singular]


@dataclass(frozen=True)
class LikeThePilot:
    """Answers to a fixed table of n trials, spread like those of the pilot."""

    expected: np.ndarray
    sigma: float
    random: tuple[RandomTerm, ...]
    triangles: tuple[np.ndarray, ...]

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """Answers (n,) of one simulated study."""
        y = self.expected.copy()
        for term, triangle in zip(self.random, self.triangles, strict=True):
            b = rng.standard_normal((len(term.levels), len(triangle))) @ triangle.T
            y += np.einsum("nk,nk->n", term.z, b[term.codes])
        return y + self.sigma * rng.standard_normal(len(y))


def read_pilot(study: Study, protocol: Protocol, scale: float = 1.0) -> Pilot:
    """Fit every planned model to the pilot's ratings.

    Args:
        study: the pilot; its own protocol decides who is excluded.
        protocol: the study that is planned; its models are fitted.
        scale: what the pilot's effects are multiplied by.

    Raises:
        UserError: the pilot cannot be read, or a planned model cannot be fitted to it.
    """
    sample = read_sample(study, study.protocol())
    estimated = {}
    for model in models_of(protocol):
        where = f"pilot {study.folder}, model {model.id}"
        _refuse_fixed_groups(model, where)
        missing = [name for name in protocol.factors if name not in sample.ratings]
        if missing:
            raise AnalysisError(
                f"{where}: the pilot's ratings have no factor '{missing[0]}', which the protocol "
                f"{protocol.name} has; use a pilot of the same design"
            )
        rows = rows_of(model, task_ratings(sample, model.task, protocol.factors))
        try:
            fitted = fit_planned(protocol, model, rows, rows[model.task].to_numpy(float))
        except AnalysisError as error:
            raise AnalysisError(f"{where}: {error}") from None
        estimated[model.id] = _estimates(fitted, study, scale, simulated=sample.simulated)
    return Pilot(protocol, estimated, scale)


def _refuse_fixed_groups(model: MixedModel, where: str) -> None:
    """New participants and items have no coefficients in a pilot."""
    named = set(parse(model.formula).fixed_variables) & set(GROUPS)
    if named:
        raise AnalysisError(
            f"{where}: {min(named)} is a fixed effect, so nothing is known about new ones; make it "
            f"a random effect, (1 | {min(named)}), or leave --pilot out"
        )


def _estimates(fitted: Fit, study: Study, scale: float, *, simulated: bool) -> Estimated:
    fixed = "; ".join(
        f"{row['term']} {row['estimate']:.2f} (SE {row['se']:.2f})"
        for row in fitted.fixed.to_dict("records")
    )
    spread = "; ".join(
        f"{row['group']}{' ' + row['effect'] if row['effect'] else ''} {row['sd']:.2f}"
        for row in fitted.random.to_dict("records")
    )
    groups = ", ".join(f"{name}: {count}" for name, count in fitted.groups.items())
    kind = "simulated answers in the folder" if simulated else "pilot"
    changed = f", all effects multiplied by {scale:g}" if scale != 1 else ""
    words = (
        f"Effects and variances are those of the {kind} {study.folder.name} "
        f"({fitted.n} ratings; {groups}){changed}.",
        f"Fixed effects of the pilot: {fixed}.",
        f"Standard deviations of the pilot, in points: {spread}.",
    )
    triangles = tuple(fitted.sigma * triangle for triangle in fitted.triangles)
    singular = any(problem.code == "SINGULAR" for problem in fitted.problems)
    return Estimated(fitted.beta, fitted.sigma, triangles, words, singular)
