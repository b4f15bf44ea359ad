"""The search for theta, left to the library mixedlm.

mixedlm gets numeric columns only, each scaled to unit size: with factors in its formulas it would
fit another model than lme4 for nested effects, and badly scaled columns mislead its search. All
else that a report states (fixed effects, degrees of freedom, likelihood) is computed from theta in
`analysis.mixed.deviance`, so it does not depend on who found theta.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version

import mixedlm
import numpy as np
import pandas as pd
from mixedlm.models.control import LmerControl

from analysis.mixed.design import RandomTerm

QUIET = LmerControl(
    check_conv=False,
    check_singular=False,
    check_nlev_gtreq_5="ignore",
    check_nlev_gtr_1="ignore",
    check_rankX="ignore",
    check_scaleX="ignore",
)  # what its checks would say, `analysis.mixed.design` and `analysis.mixed.fit` have said already


@dataclass(frozen=True)
class Found:
    """The engine's answer: theta, whether it calls that an optimum, and its deviance there."""

    theta: np.ndarray
    converged: bool
    deviance: float


def name() -> str:
    """The engine and its version."""
    return f"mixedlm {version('mixedlm')}"


def find(y: np.ndarray, x: np.ndarray, terms: Sequence[RandomTerm], *, reml: bool) -> Found:
    """The theta that minimises the deviance of `y` (n,) given `x` (n, p) and random `terms`."""
    table = {"y": y, **{f"x{j}": column for j, column in enumerate(x.T)}}
    bars = []
    for t, term in enumerate(terms):
        table[f"g{t}"] = np.char.add("g", term.codes.astype(str))
        slopes = [f"z{t}_{j}" for j in range(term.z.shape[1])]
        table |= dict(zip(slopes, term.z.T, strict=True))
        bars.append(f"(0 + {' + '.join(slopes)} | g{t})")
    fixed = [f"x{j}" for j in range(x.shape[1])]
    formula = f"y ~ {' + '.join(['0', *fixed, *bars])}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = mixedlm.lmer(formula, pd.DataFrame(table), REML=reml, control=QUIET)
    return Found(np.asarray(fit.theta, float), bool(fit.converged), float(fit.deviance))
