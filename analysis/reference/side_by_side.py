"""Two engines on the same model: how far apart their numbers are.

Differences of estimates and of standard errors are counted in standard errors of our own engine:
0.01 moves a t value of 2 by less than 0.03. Both engines count the likelihood of the same model, so
the higher one has found the better fit.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from analysis.mixed.fit import Fit
from analysis.mixed.general import GeneralFit
from analysis.reference.fits import (
    LIKELIHOOD_APART,
    ReferenceFit,
    ReferenceGeneralFit,
    same_tests,
)
from protocols.mixed_models import MixedModel

SE_APART = 0.01  # more is worth a caution
ALPHA = 0.05


@dataclass(frozen=True)
class Beside:
    """One model by our own engine and by R, or why R has no fit (`failure`)."""

    model: MixedModel
    own: Fit | GeneralFit
    theirs: ReferenceFit | ReferenceGeneralFit | None = None
    failure: str = ""

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per coefficient, ours without and R's with `_r`; `apart` in standard errors.

        term, estimate, estimate_r, se, se_r, df, df_r, p, p_r, apart: the larger difference of
        estimate and standard error. Infinite df: z test. Empty without R's fit.
        """
        if self.theirs is None:
            return pd.DataFrame()
        ours, r = (_tests(fit) for fit in (self.own, self.theirs))
        both = {"term": ours.term}
        for name in ("estimate", "se", "df", "p"):
            both |= {name: ours[name], f"{name}_r": r[name]}
        apart = np.abs(ours[["estimate", "se"]] - r[["estimate", "se"]]).max(axis=1) / ours.se
        return pd.DataFrame(both).assign(apart=apart)

    @property
    def apart(self) -> float:
        """The largest difference of an estimate or standard error, in standard errors."""
        return float(self.table.apart.max())

    @property
    def where(self) -> str:
        """The coefficient with that difference."""
        return str(self.table.term[self.table.apart.idxmax()])

    @property
    def likelihood_gain(self) -> float:
        """Log likelihood of R's fit minus that of ours."""
        return self.theirs.log_likelihood - self.own.log_likelihood if self.theirs else np.nan

    @property
    def same_tests(self) -> bool:
        """Whether both use the same degrees of freedom."""
        return self.theirs is not None and same_tests(self.own, self.theirs.answer)

    @property
    def turned(self) -> list[str]:
        """Coefficients that are significant with one engine only."""
        if not self.same_tests:
            return []
        significant = (self.table.p < ALPHA) != (self.table.p_r < ALPHA)
        return self.table.term[significant].tolist()

    @property
    def agree(self) -> bool:
        """Whether it makes no difference which engine is believed."""
        near = self.apart <= SE_APART or not self.same_tests
        return near and abs(self.likelihood_gain) <= LIKELIHOOD_APART and not self.turned


def _tests(fit: Fit | GeneralFit) -> pd.DataFrame:
    """Coefficients of a fit (and thresholds, if ordinal) with term, estimate, se, df, p."""
    if isinstance(fit, Fit):
        return fit.fixed
    shown = ["term", "estimate", "se", "p"]
    cuts = fit.threshold_table.rename(columns={"threshold": "term"})
    rows = [*fit.fixed[shown].to_numpy(), *cuts[shown].to_numpy()]
    table = pd.DataFrame(rows, columns=shown).assign(df=np.inf)
    return table.astype(dict.fromkeys(shown[1:], float))
