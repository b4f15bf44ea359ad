"""The estimate of theta: searches from different starts, of which the best two must agree.

A search may stop short of the minimum and call itself converged; one that started elsewhere will
hardly stop at the same place. Where the first two searches disagree others follow from further
starts, and the best of all counts. Only if no second search came as far is the estimate in doubt.
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
    found: list[tuple[np.ndarray, float]] = []
    for start in _starts(deviance):
        found.append(search.descend(deviance, start))
        found.sort(key=lambda at: at[1])
        if len(found) > 1 and found[1][1] - found[0][1] < 2 * AGREE:
            break
    (theta, best), (_, second), *_ = found
    return Found(theta, best, (second - best) / 2, len(found))


def _starts(deviance: Deviance) -> Iterator[np.ndarray]:
    yield search.start(deviance, SMALL)
    theta = search.start(deviance, LARGE)
    for _ in range(EM_STEPS):
        theta = search.expected(deviance, theta)
    yield theta
    for size in FURTHER:
        yield search.start(deviance, size)
