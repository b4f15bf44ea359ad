"""What simulated answers are on average, computed rather than drawn.

The report's estimates are tested against these numbers.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from math import hypot, prod
from statistics import NormalDist

import numpy as np
import pandas as pd

from experiments.crowd import cell_mean, choice_shares, latent_sd, settings_of, tick_shares
from protocols.conditions import Level
from protocols.protocol import Protocol
from protocols.scales import NUMERIC, places
from protocols.simulation import ScaleAnswers
from protocols.tasks import Checkboxes, ForcedChoice

POINTS = 21  # of the quadrature for each followed factor


def true_means(protocol: Protocol) -> pd.DataFrame:
    """Expected answer of attentive participants, per scale and cell.

    For an answer y on low, low + s … of k places, E[y] = low + s (sum over j = 1…k-1 of P(place of
    y > j)), and the place lies beyond j where the latent answer, normal with the total variance
    over people, identities and residual, exceeds low + s (j - 1/2).

    Returns:
        Columns: `task`, the factors, `mean` (points, after rounding and clipping) and `latent`
        (points, before).
    """
    rows = []
    for task in protocol.questions.values():
        if task.type not in NUMERIC:
            continue
        settings = settings_of(protocol, task.id)
        sd = latent_sd(protocol, settings)
        for levels in protocol.stimuli.cells:
            latent, step = cell_mean(settings, task, levels), task.step
            edges = [task.low + step * (j - 0.5) for j in range(1, places(task))]
            mean = task.low + step * sum(_above(edge, latent, sd) for edge in edges)
            rows.append({"task": task.id, **levels, "mean": mean, "latent": latent})
    return pd.DataFrame(rows, columns=["task", *protocol.factors, "mean", "latent"])


def true_shares(protocol: Protocol) -> pd.DataFrame:
    """Probability of each option, per forced choice and cell, over all people and identities.

    Returns:
        Columns: `task`, the factors, `label` (the option), `share` (0…1).
    """
    rows = []
    for task in protocol.tasks:
        if isinstance(task, ForcedChoice):
            settings = settings_of(protocol, task.id)
            for levels in protocol.stimuli.cells:
                shares = _over_everybody(task, settings, levels)
                rows += [{"task": task.id, **levels, "label": option, "share": float(share)}
                         for option, share in zip(task.options, shares, strict=True)]  # fmt: skip
    return pd.DataFrame(rows, columns=["task", *protocol.factors, "label", "share"])


def _over_everybody(
    task: ForcedChoice, settings: ScaleAnswers, levels: Mapping[str, Level]
) -> np.ndarray:
    """Mean probability of each option, by Gauss-Hermite quadrature over a_k + b_k."""
    sd = hypot(settings.participant_follow_sd, settings.identity_follow_sd)
    if sd == 0:
        return choice_shares(task, settings, levels)
    at, weights = np.polynomial.hermite_e.hermegauss(POINTS)
    names = list(settings.follows_at(levels))
    shares = np.zeros(len(task.options))
    for nodes in itertools.product(range(POINTS), repeat=len(names)):
        deviations = {name: sd * at[i] for name, i in zip(names, nodes, strict=True)}
        weight = prod(weights[i] for i in nodes)
        shares += weight * choice_shares(task, settings, levels, deviations)
    return shares / weights.sum() ** len(names)


def true_ticks(protocol: Protocol) -> pd.DataFrame:
    """Probability that each box is ticked, per checkboxes task and cell.

    The exclusive option is ticked where no other is; without one, the first box is.

    Returns:
        Columns: `task`, the factors, `label` (the option), `share` (0…1).
    """
    rows = []
    for task in protocol.tasks:
        if isinstance(task, Checkboxes):
            settings = settings_of(protocol, task.id)
            for levels in protocol.stimuli.cells:
                shares = tick_shares(task, settings, levels)
                none = prod(1 - share for share in shares.values())
                spare = task.exclusive or task.options[0]
                shares[spare] = shares.get(spare, 0.0) + none
                rows += [{"task": task.id, **levels, "label": option, "share": shares[option]}
                         for option in task.options]  # fmt: skip
    return pd.DataFrame(rows, columns=["task", *protocol.factors, "label", "share"])


def _above(threshold: float, mean: float, sd: float) -> float:
    if sd == 0:
        return float(mean >= threshold)
    return NormalDist(mean, sd).cdf(2 * mean - threshold)  # 1 - cdf(threshold), without rounding
