"""The minimum of a Laplace deviance, found from several starts.

Each start is taken down by BFGS with the exact slope; the best is polished by Newton's method, and
at least two starts must end at the same deviance. Thresholds are searched as the first and the
logarithms of the distances after it, so that they keep their order. The diagonals of Lambda are
free: the deviance is the same for either sign, so that a variance of zero lies inside the space
searched, with a slope of zero, and needs no bounds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import optimize

from analysis.mixed.laplace import Laplace

STARTS = (1.0, 0.3, 2.0, 0.1)  # random SD of all effects (columns of unit size), in logits
AGREE = 1e-3  # starts whose deviances differ by more have not found the same model
SLOPE = 1e-3  # where BFGS hands over to Newton
POLISHED = 1e-9  # deviance still to be gained at which Newton stops
STEP = 1e-4  # of the differences of the slope that give the curvature
FLAT = 1e-7  # directions of less than this share of the largest curvature say nothing
SADDLE = -1e-4  # a least curvature below this share of the largest leads further down
FIXED_STEPS = 6  # Newton steps of the model without random effects
NEWTON_STEPS = 12
MOST_ITERATIONS = 500
LARGEST_JUMP = 50.0  # log distance of two thresholds
FAILED = 1e12  # stands for a deviance that cannot be computed

Slope = Callable[[np.ndarray], tuple[float, np.ndarray]]  # a value and its slope at a point


@dataclass(frozen=True)
class Minimum:
    """Where the search ended.

    Attributes:
        at: theta, beta and thresholds.
        deviance: d there.
        curvature: second derivatives of d there.
        apart: deviance of the second best start minus that of the best.
        reachable: deviance that a further Newton step promises to gain.
        lowest: least eigenvalue of the curvature, as a share of the largest.
    """

    at: np.ndarray
    deviance: float
    curvature: np.ndarray
    apart: float
    reachable: float
    lowest: float

    @property
    def converged(self) -> bool:
        """Whether two starts agree and no direction leads further down."""
        return self.apart < AGREE and self.reachable < AGREE and self.lowest > SADDLE


def minimise(laplace: Laplace, cuts: np.ndarray) -> Minimum:
    """The minimum of `laplace`; `cuts` are the thresholds of a model without any effect."""
    fixed, inverse = _without_random(laplace, cuts)
    found: list[tuple[float, np.ndarray]] = []
    apart = np.inf
    for sd in STARTS:
        found.append(_descend(laplace, _start(laplace, sd, fixed), inverse))
        found.sort(key=lambda pair: pair[0])
        apart = found[1][0] - found[0][0] if len(found) > 1 else np.inf
        if apart < AGREE:
            break
    return _polish(laplace, found[0][1], apart)


def _start(laplace: Laplace, sd: float, fixed: np.ndarray) -> np.ndarray:
    triangles = [sd * np.eye(k)[np.tril_indices(k)] for k in laplace.sizes]
    inflated = fixed * np.sqrt(1 + 0.346 * sd**2)  # Zeger, Liang & Albert (1988), equation 4.1
    return np.concatenate([*triangles, inflated])


def _without_random(laplace: Laplace, cuts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Beta and thresholds of the model without random effects, and the inverse curvature there.

    A few Newton steps: near the maximum of the likelihood where there is one, not far off where
    the answers are separated.
    """
    zero = np.zeros(laplace.thetas)

    def deviance(v: np.ndarray) -> tuple[float, np.ndarray]:
        value, slope = _safe(laplace, np.concatenate([zero, v]))
        return value, slope[laplace.thetas :]

    at = np.concatenate([np.zeros(laplace.x.shape[1]), cuts])
    now = deviance(at)
    inverse = np.eye(len(at))
    for _ in range(FIXED_STEPS):
        inverse = _inverse(curvature(deviance, at))[0]
        at, now, gained = _newton_step(deviance, at, now, inverse)
        if gained < POLISHED:
            break
    return at, inverse


def _descend(laplace: Laplace, start: np.ndarray, inverse: np.ndarray) -> tuple[float, np.ndarray]:
    """BFGS from `start`: the deviance reached, and where.

    `inverse`: of the curvature by beta and thresholds; where the search takes its first measure.
    """
    cuts = laplace.likelihood.cuts
    end = len(start) - cuts
    v = np.concatenate([start[:end], to_gaps(start[end:])])

    def deviance(v: np.ndarray) -> tuple[float, np.ndarray]:
        value, slope = _safe(laplace, np.concatenate([v[:end], from_gaps(v[end:])]))
        return value, np.concatenate([slope[:end], gap_slopes(v[end:]).T @ slope[end:]])

    jacobian = np.eye(len(inverse))
    back = len(inverse) - cuts
    jacobian[back:, back:] = np.linalg.inv(gap_slopes(v[end:]))
    first = np.diag(np.concatenate([*_theta_scale(laplace), np.ones(len(inverse))]))
    measure = jacobian @ inverse @ jacobian.T
    first[laplace.thetas :, laplace.thetas :] = (measure + measure.T) / 2
    found = optimize.minimize(
        deviance, v, jac=True, method="BFGS",
        options={"gtol": SLOPE, "maxiter": MOST_ITERATIONS, "hess_inv0": first},
    )  # fmt: skip
    return float(found.fun), np.concatenate([found.x[:end], from_gaps(found.x[end:])])


def _theta_scale(laplace: Laplace) -> list[np.ndarray]:
    """Inverse curvature by theta, roughly: a standard deviation known from so many levels."""
    count = {t: group.count for group in laplace.groups for t in group.terms}
    return [np.full(k * (k + 1) // 2, 1 / (4 * count[t])) for t, k in enumerate(laplace.sizes)]


def to_gaps(cuts: np.ndarray) -> np.ndarray:
    """The first threshold, and the logarithms of the distances after it."""
    return np.concatenate([cuts[:1], np.log(np.diff(cuts))])


def from_gaps(gaps: np.ndarray) -> np.ndarray:
    """Thresholds from the first and the logarithms of the distances."""
    return np.cumsum(np.concatenate([gaps[:1], _distances(gaps)]))


def gap_slopes(gaps: np.ndarray) -> np.ndarray:
    """Derivatives of the thresholds (rows) by the gaps (columns)."""
    return np.tril(np.ones((len(gaps), len(gaps)))) * np.concatenate(
        [np.ones(min(1, len(gaps))), _distances(gaps)]
    )


def _distances(gaps: np.ndarray) -> np.ndarray:
    return np.exp(np.minimum(gaps[1:], LARGEST_JUMP))


def _safe(laplace: Laplace, at: np.ndarray) -> tuple[float, np.ndarray]:
    """The deviance, or a very large one where it cannot be computed."""
    try:
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            value, slope = laplace(at)
    except np.linalg.LinAlgError:
        return FAILED, np.zeros(len(at))
    sound = np.isfinite(value) and np.isfinite(slope).all()
    return (value, slope) if sound else (FAILED, np.zeros(len(at)))


def _polish(laplace: Laplace, at: np.ndarray, apart: float) -> Minimum:
    """Newton's method near the minimum."""

    def deviance(v: np.ndarray) -> tuple[float, np.ndarray]:
        return _safe(laplace, v)

    now = deviance(at)
    bend = curvature(deviance, at)
    inverse, lowest = _inverse(bend)
    for _ in range(NEWTON_STEPS):
        if now[1] @ inverse @ now[1] / 2 < POLISHED:
            break
        at, now, gained = _newton_step(deviance, at, now, inverse)
        bend = curvature(deviance, at)
        inverse, lowest = _inverse(bend)
        if gained == 0:
            break
    return Minimum(at, now[0], bend, apart, float(now[1] @ inverse @ now[1] / 2), lowest)


def _newton_step(
    deviance: Slope, at: np.ndarray, now: tuple[float, np.ndarray], inverse: np.ndarray
) -> tuple[np.ndarray, tuple[float, np.ndarray], float]:
    """A step that does not lead up: where to, value and slope there, and what was gained."""
    step, length = -inverse @ now[1], 1.0
    while length > 1e-3:
        there = deviance(at + length * step)
        if there[0] < now[0]:
            return at + length * step, there, now[0] - there[0]
        length /= 2
    return at, now, 0.0


def curvature(deviance: Slope, at: np.ndarray) -> np.ndarray:
    """Second derivatives, from central differences of the slope."""
    step = STEP * np.maximum(np.abs(at), 1.0)
    rows = [(deviance(at + unit)[1] - deviance(at - unit)[1]) / (2 * h)
            for unit, h in zip(np.diag(step), step, strict=True)]  # fmt: skip
    out = np.array(rows)
    return (out + out.T) / 2


def _inverse(bend: np.ndarray) -> tuple[np.ndarray, float]:
    """Inverse over the directions that bend upwards, and the least share of the largest."""
    values, vectors = np.linalg.eigh(bend)
    largest = max(float(values[-1]), 1e-300)
    kept = values > FLAT * largest
    return (vectors[:, kept] / values[kept]) @ vectors[:, kept].T, float(values[0] / largest)
