"""A fit of R as the one result object that every table, figure and sentence of a report takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from analysis.mixed.fit import CONFIDENCE, ZERO_THETA, Fit
from analysis.mixed.general import GeneralFit
from analysis.mixed.kenward_roger import KenwardRoger
from analysis.problems import Problem
from analysis.reference.answer import Answer
from analysis.reference.asked import KENWARD_ROGER, Asked, asked

LIKELIHOOD_APART = 0.01  # log likelihoods that differ by less belong to the same optimum


@dataclass(frozen=True, kw_only=True)
class ReferenceFit(Fit):
    """A linear model as lme4 fitted it and lmerTest tested it.

    Contrasts have lmerTest's degrees of freedom; with Kenward-Roger's tests the coefficients have
    pbkrtest's, other contrasts those of `analysis.mixed.kenward_roger` at lme4's estimate.
    """

    answer: Answer

    @property
    def engine(self) -> str:
        """Packages and versions."""
        return self.answer.engine

    @cached_property
    def fixed(self) -> pd.DataFrame:
        """Fixed effects: term, estimate, se, df, t, p, low, high (95 % interval)."""
        return _with_interval(self.answer.table)

    @cached_property
    def fitted(self) -> np.ndarray:
        """Prediction with each group's own effects (n,)."""
        return self.answer.predicted


@dataclass(frozen=True, kw_only=True)
class ReferenceGeneralFit(GeneralFit):
    """A binomial model as lme4's glmer fitted it, or an ordinal one as ordinal's clmm did."""

    answer: Answer

    @property
    def engine(self) -> str:
        """Packages and versions."""
        return self.answer.engine


def asked_of(fit: Fit | GeneralFit) -> Asked:
    """The model of a fit, as it is asked of another engine."""
    if isinstance(fit, GeneralFit):
        return asked(fit.design, family=fit.family)
    return asked(fit.design, reml=fit.reml, df=fit.df_method)


def told_by(answer: Answer, fit: Fit | GeneralFit) -> ReferenceFit | ReferenceGeneralFit:
    """The model of `fit` with the numbers of another engine."""
    given: dict[str, Any] = {field.name: getattr(fit, field.name) for field in fields(fit)}
    given |= {
        "theta": answer.theta,
        "beta": answer.table.estimate.to_numpy(float),
        "deviance": -2 * answer.log_likelihood,
        "triangles": answer.triangles,
        "problems": (*fit.design.problems, *_problems(answer, fit)),
        "answer": answer,
    }
    if isinstance(fit, GeneralFit):
        return ReferenceGeneralFit(**given | {
            "thresholds": answer.thresholds.estimate.to_numpy(float),
            "joint_covariance": answer.covariance,
        })  # fmt: skip
    by_kenward_roger = None
    if answer.df == KENWARD_ROGER:
        x = fit.design.x / fit.scale
        by_kenward_roger = KenwardRoger(x, fit.design.random, answer.triangles, answer.sigma)
    return ReferenceFit(**given | {
        "sigma": answer.sigma,
        "satterthwaite": answer.lmer_test,
        "kenward_roger": by_kenward_roger,
    })  # fmt: skip


def _with_interval(table: pd.DataFrame) -> pd.DataFrame:
    half = stats.t.ppf((1 + CONFIDENCE) / 2, table.df) * table.se
    return table.assign(low=table.estimate - half, high=table.estimate + half)


def _problems(answer: Answer, fit: Fit | GeneralFit) -> list[Problem]:
    """What R complained of, and what its numbers show."""
    problems = []
    flat = [
        f"{name} of {term.group}"
        for term, triangle in zip(fit.design.random, answer.triangles, strict=True)
        for name, size in zip(term.names, np.diag(triangle), strict=True)
        if abs(size) < ZERO_THETA
    ]
    others = [w for w in answer.warnings if "singular" not in w]
    if flat or len(others) < len(answer.warnings):
        found = f"on the boundary: {', '.join(flat)}" if flat else "lme4: boundary (singular) fit"
        problems.append(Problem("SINGULAR", found))
    if others and not _same_optimum(answer, fit):
        problems.append(Problem("NOT_CONVERGED", f"R says: {_joined(others)}"))
    if not same_tests(fit, answer):
        found = "too many ratings for Kenward-Roger in R: tests use Satterthwaite's method"
        problems.append(Problem("SATTERTHWAITE_INSTEAD", found))
    return problems


def _same_optimum(answer: Answer, fit: Fit | GeneralFit) -> bool:
    """Whether our engine, with no doubts of its own, is where R was not sure to be.

    lme4's check of convergence raises many false alarms; two searches that meet are better proof.
    """
    doubts = any(problem.code == "NOT_CONVERGED" for problem in fit.problems)
    return not doubts and abs(answer.log_likelihood - fit.log_likelihood) < LIKELIHOOD_APART


def same_tests(fit: Fit | GeneralFit, answer: Answer) -> bool:
    """Whether R used the degrees of freedom of `fit`; Kenward-Roger's are beyond it at times."""
    return isinstance(fit, GeneralFit) or fit.df_method == answer.df


def _joined(warnings: Sequence[str]) -> str:
    return "; ".join(dict.fromkeys(warnings))
