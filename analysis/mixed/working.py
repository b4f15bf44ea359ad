"""A binomial or ordinal mixed model as a linear one, near its estimates: the working model.

One step of Newton's method is a least-squares problem (McCullagh & Nelder 1989, section 2.5). With
l = log p of an answer, g its slopes and C = L L' its curvature (sign turned) by what moves it, the
rows are L' J and the responses L' J at + L^-1 g, of residual variance 1, with J how that moves with
the parameters: `at` the estimates, for fixed and random effects alike. In a binomial model eta
moves an answer, and there is one row for each; in an ordinal one both edges do
(`analysis.mixed.ordinal.edge_derivatives`), there are two, and thresholds are parameters too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.mixed.binomial import Binomial
from analysis.mixed.design import RandomTerm
from analysis.mixed.general import GeneralFit
from analysis.mixed.ordinal import edge_derivatives

LEAST = 1e-10  # curvature of an answer that is as good as certain


@dataclass(frozen=True)
class Working:
    """Rows (m,) of residual variance 1: y = x b + Z u + e.

    Attributes:
        x: columns of the fixed effects, then of the thresholds (m, p + K - 1).
        y: working responses (m,).
        random: the random terms, for m rows.
    """

    x: np.ndarray
    y: np.ndarray
    random: tuple[RandomTerm, ...]


def working(fit: GeneralFit) -> Working:
    """The working model at the estimates and conditional modes of a fit."""
    return _binomial(fit) if fit.family == "binomial" else _ordinal(fit)


def _binomial(fit: GeneralFit) -> Working:
    eta = fit.fitted
    rows = Binomial(fit.design.y).rows(eta, np.empty(0))
    root = np.sqrt(np.maximum(rows.weight, LEAST))
    terms = tuple(_weighted(term, root[:, None]) for term in fit.design.random)
    return Working(fit.design.x * root[:, None], root * eta + rows.score / root, terms)


def _ordinal(fit: GeneralFit) -> Working:
    n, cuts = fit.n, fit.thresholds
    place = np.searchsorted(fit.points, fit.design.y)
    edges = np.concatenate([[-np.inf], cuts, [np.inf]])
    a, b = edges[place + 1] - fit.fitted, edges[place] - fit.fitted
    _, (by_a, by_b), (aa, ab, bb) = edge_derivatives(a, b)
    upper, lower = place < len(cuts), place > 0  # whether the edge is a threshold
    first = np.where(upper, np.sqrt(np.maximum(aa, LEAST)), 0.0)
    across = np.where(upper & lower, ab / np.where(upper, first, 1.0), 0.0)
    second = np.where(lower, np.sqrt(np.maximum(bb - across**2, LEAST)), 0.0)
    to_first = np.where(upper, by_a / np.where(upper, first, 1.0), 0.0)
    to_second = np.where(lower, (by_b - across * to_first) / np.where(lower, second, 1.0), 0.0)
    by_cuts = np.zeros((2, n, len(cuts)))
    by_cuts[0, upper, place[upper]] = first[upper]
    by_cuts[0, lower, place[lower] - 1] = across[lower]
    by_cuts[1, lower, place[lower] - 1] = second[lower]
    by_eta = -np.concatenate([first + across, second])  # both edges move against eta
    x = np.hstack([by_eta[:, None] * np.tile(fit.design.x, (2, 1)), by_cuts.reshape(2 * n, -1)])
    y = by_eta * np.tile(fit.fitted, 2) + by_cuts.reshape(2 * n, -1) @ cuts
    terms = tuple(_weighted(_twice(term), by_eta[:, None]) for term in fit.design.random)
    return Working(x, y + np.concatenate([to_first, to_second]), terms)


def _twice(term: RandomTerm) -> RandomTerm:
    return RandomTerm(
        term.group, np.tile(term.codes, 2), term.levels, np.tile(term.z, (2, 1)), term.names
    )


def _weighted(term: RandomTerm, weights: np.ndarray) -> RandomTerm:
    return RandomTerm(term.group, term.codes, term.levels, term.z * weights, term.names)
