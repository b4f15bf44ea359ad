"""A pilot as the source of simulated answers: its effects and variances, in studies of any size.

The planned model is fitted to the pilot's ratings, y = X beta + Z b + e with b ~ N(0, G) and
e ~ N(0, sigma^2 I). A simulated study has new participants and items, drawn from N(0, G), and the
same beta, or deviations from the overall mean multiplied by `scale`. Answers are not rounded: the
pilot's residual variance holds the rounding of its own answers already.

Binomial and ordinal models have logits eta = X beta + Z b instead, and answers
y = the point between whose thresholds eta + e lies, with e logistic. Where only answers count that
name one of two things, each answer of a new study counts as often as one of the pilot did.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.special import expit

from analysis.choices.confusion import matches_of
from analysis.mixed.columns import words
from analysis.mixed.design import RandomTerm, design
from analysis.mixed.fit import Fit
from analysis.mixed.formula import parse
from analysis.mixed.general import GeneralFit, without_intercept
from analysis.power.planned import LOGITS, POINTS, fit_planned, models_of, rows_of
from analysis.problems import AnalysisError
from analysis.results import model_ratings, variable
from analysis.sample.exclude import Sample, read_sample, task_ratings
from protocols.mixed_models import GROUPS, MixedModel
from protocols.protocol import Protocol
from protocols.study import Study


@dataclass(frozen=True)
class Estimated:
    """What a pilot's fit says.

    Attributes:
        beta: fixed effects (p,), of points or logits.
        sigma: residual standard deviation; 1 of logits.
        triangles: T (k, k) of every random term, whose G is T T'.
        words: the estimates in sentences.
        singular: whether some variance is zero.
        cuts: thresholds between `points`; one of 0 in a binomial model, none in a linear one.
        points: answers, in order; none in a linear model.
        counted: share of answers that count at all, of those that could.
    """

    beta: np.ndarray
    sigma: float
    triangles: tuple[np.ndarray, ...]
    words: tuple[str, ...]
    singular: bool
    cuts: tuple[float, ...] = ()
    points: tuple[float, ...] = ()
    counted: float = 1.0


@dataclass(frozen=True)
class Pilot:
    """The pilot's estimates for every planned model (id -> Estimated), effects times `scale`."""

    protocol: Protocol
    estimated: dict[str, Estimated]
    scale: float = 1.0

    def prepare(self, trials: pd.DataFrame, model: MixedModel) -> LikeThePilot | ChosenLikeThePilot:
        """What does not change from one simulation to the next."""
        found = self.estimated[model.id]
        usable = _could_count(self.protocol, model, trials)
        data = trials[usable].assign(**{model.task: 0.0})
        formula = parse(model.formula)
        variables = {
            name: variable(name, model, self.protocol, data)
            for name in formula.variables
            if name in data
        }
        made = design(formula, data, variables)
        x = made.x if model.family != "ordinal" else without_intercept(made).x
        fixed = x @ found.beta
        named_or_not = model.success is not None and model.success.against is not None
        middle = 0.0 if named_or_not and not formula.fixed_variables else fixed.mean()
        expected = middle + self.scale * (fixed - middle)
        like = LikeThePilot(expected, found.sigma, made.random, found.triangles)
        return like if model.family == "gaussian" else ChosenLikeThePilot(like, found, usable)

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
        return self.means(rng) + self.sigma * rng.standard_normal(len(self.expected))

    def means(self, rng: np.random.Generator) -> np.ndarray:
        """What new participants and items would answer without residuals (n,)."""
        y = self.expected.copy()
        for term, triangle in zip(self.random, self.triangles, strict=True):
            b = rng.standard_normal((len(term.levels), len(triangle))) @ triangle.T
            y += np.einsum("nk,nk->n", term.z, b[term.codes])
        return y


@dataclass(frozen=True)
class ChosenLikeThePilot:
    """Choices, or points of a scale, with the logits of `logits`.

    `usable` (n,): the trials that these are, of all; on the others no answer counts.
    """

    logits: LikeThePilot
    estimated: Estimated
    usable: np.ndarray

    @property
    def expected(self) -> np.ndarray:
        """Probability (n, K) of each answer for a participant and an item in the middle."""
        above = expit(self.logits.expected[:, None] - np.array(self.estimated.cuts))
        shares = -np.diff(above, axis=1, prepend=1.0, append=0.0)
        out = np.full((len(self.usable), shares.shape[1]), np.nan)
        out[self.usable] = shares
        return out

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """Answers (n,) of one simulated study; missing where none counts."""
        eta = self.logits.means(rng) + rng.logistic(size=len(self.logits.expected))
        place = np.searchsorted(np.array(self.estimated.cuts), eta)
        answers = np.array(self.estimated.points)[place]
        if self.estimated.counted < 1:
            answers[rng.random(len(answers)) >= self.estimated.counted] = np.nan
        out = np.full(len(self.usable), np.nan)
        out[self.usable] = answers
        return out


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
        try:
            rows = model_ratings(model, protocol, sample)
            fitted = fit_planned(protocol, model, rows, rows[model.task].to_numpy(float))
        except AnalysisError as error:
            raise AnalysisError(f"{where}: {error}") from None
        found = _estimates(fitted, study, scale, simulated=sample.simulated)
        if model.success and model.success.against:
            found = replace(found, counted=_counted(protocol, model, sample, len(rows)))
        estimated[model.id] = found
    return Pilot(protocol, estimated, scale)


def _could_count(protocol: Protocol, model: MixedModel, trials: pd.DataFrame) -> np.ndarray:
    """Whether an answer to each trial can enter the model (n,): both things differ."""
    success = model.success
    if success is None or success.matches is None or success.against is None:
        return np.ones(len(trials), bool)
    match = matches_of(protocol, model.task)
    one, other = (
        words(trials[name]).map(match[name]) for name in (success.matches, success.against)
    )
    return (one != other).to_numpy()


def _counted(protocol: Protocol, model: MixedModel, sample: Sample, count: int) -> float:
    """Share of the answers that count, of those to trials on which one could."""
    asked = rows_of(model, task_ratings(sample, model.task, protocol.factors))
    return count / int(_could_count(protocol, model, asked).sum())


def _refuse_fixed_groups(model: MixedModel, where: str) -> None:
    """New participants and items have no coefficients in a pilot."""
    named = set(parse(model.formula).fixed_variables) & set(GROUPS)
    if named:
        raise AnalysisError(
            f"{where}: {min(named)} is a fixed effect, so nothing is known about new ones; make it "
            f"a random effect, (1 | {min(named)}), or leave --pilot out"
        )


def _estimates(
    fitted: Fit | GeneralFit, study: Study, scale: float, *, simulated: bool
) -> Estimated:
    general = isinstance(fitted, GeneralFit)
    unit = LOGITS if general else POINTS
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
    said = (
        f"Effects and variances are those of the {kind} {study.folder.name} "
        f"({fitted.n} {'answers' if general else 'ratings'}; {groups}){changed}.",
        *([f"Fixed effects of the pilot, in {unit}: {fixed}."] if fixed else []),
        f"Standard deviations of the pilot, in {unit}: {spread}.",
    )
    triangles = tuple(fitted.sigma * triangle for triangle in fitted.triangles)
    singular = any(problem.code == "SINGULAR" for problem in fitted.problems)
    found = Estimated(fitted.beta, fitted.sigma, triangles, said, singular)
    if not isinstance(fitted, GeneralFit):
        return found
    if fitted.family == "binomial":
        return replace(found, cuts=(0.0,), points=(0.0, 1.0))
    return replace(found, cuts=tuple(fitted.thresholds.tolist()), points=fitted.points)
