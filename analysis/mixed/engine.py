"""The estimate of theta: searches from different starts, of which the best two must agree.

A search may stop short of the minimum and call itself converged; one that started elsewhere will
hardly stop at the same place. Where the first two searches disagree others follow from further
starts, and the best of all counts. Only if no second search came as far is the estimate in doubt.
The curvature at the first minimum only sets the second search's units: it comes there in few steps
if it is the minimum, and goes on to a lower one if not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np

from analysis.mixed import search
from analysis.mixed.deviance import Deviance

AGREE = 1e-3  # log-likelihood units between the two best searches
SMALL, LARGE = 0.3, 1.0  # starts: standard deviations of the random effects over sigma
FURTHER = (0.05, 3.0, 0.1, 0.6, 2.0, 0.02)
EM_STEPS = 2


@dataclass(frozen=True)
class Found:
    """The engine's answer.

    Attributes:
        theta: the best found.
        deviance: there.
        short: by how many log-likelihood units the second best search fell short of it.
        searches: how many there were.
    """

    theta: np.ndarray
    deviance: float
    short: float
    searches: int

    @property
    def agreed(self) -> bool:
        """Whether two searches came to the same place."""
        return self.short < AGREE


def name() -> str:
    """The engine and the version of what it stands on."""
    return f"mien on SciPy {version('scipy')}"


def find(deviance: Deviance) -> Found:
    """The theta of least deviance."""
    first = search.expected(deviance, search.start(deviance, SMALL))
    found = [search.descend(deviance, first)]
    curvature = deviance.hessian(found[0][0])  # a report needs it in any case
    for start in _starts(deviance):
        found.append(search.descend(deviance, start, curvature))
        curvature = None
        found.sort(key=lambda at: at[1])
        if found[1][1] - found[0][1] < 2 * AGREE:
            break
    (theta, best), (_, second), *_ = found
    return Found(theta, best, (second - best) / 2, len(found))


def _starts(deviance: Deviance) -> Iterator[np.ndarray]:
    """Where the searches after the first one start."""
    theta = search.start(deviance, LARGE)
    for _ in range(EM_STEPS):
        theta = search.expected(deviance, theta)
    yield theta
    for size in FURTHER:
        yield search.start(deviance, size)
