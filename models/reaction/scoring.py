"""How well reactions that were drawn match those that people show, and differ as those do.

The energy score (Gneiting & Raftery 2007, J. Am. Stat. Assoc. 102, 359, eq. 21) of draws X against
truths Y is E|X - Y| - E|X - X'| / 2: the less the better, and least, on average, if X is
distributed as Y is. So its second term rewards that draws differ, and just as far as truths do; a
draw that is like the mean of the truths, which squared distances ask for, does worse.

N speakers, K draws, J truths, T frames.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from models.reaction.attributes import EXPRESSIONS
from models.reaction.base import expressed
from models.reaction.data import attribute_ranges

LEAK = 0.1  # share of what is beyond a range that is still seen, so that gradients lead back
LEAST_SHARE = 0.25  # sum that expressions are divided by: of a network that has not learned yet
TINY = 1e-8  # square of the least distance: the root has a gradient there


def reaction_score(found: Tensor, true: Tensor) -> Tensor:
    """Energy score of windows found (N, K, W, frames, 25) against true (N, J, W, frames, 25).

    As they are delivered, within their ranges, each attribute in its usual distance from a calm
    face (`expressed`). The score of all attributes together and the mean of those of each alone
    are added: the former sees what goes together, the latter how far each spreads.
    """
    found, true = (expressed(within(each.float())) for each in (found, true))
    together = energy_score(found.flatten(3), true.flatten(3))
    return together + energy_score(found.transpose(3, 4), true.transpose(3, 4))


def energy_score(found: Tensor, true: Tensor) -> Tensor:
    """Mean energy score of draws (N, K, …, D) against truths (N, J, …, D), K at least 2.

    Distances are over the root of D. Unbiased: no draw is compared with itself.
    """
    draws = found.shape[1]
    away = _distance(found[:, :, None], true[:, None]).mean()
    # of a draw with itself it is the root of TINY
    itself = math.sqrt(TINY) / draws
    apart = (_distance(found[:, :, None], found[:, None]).mean() - itself) * draws / (draws - 1)
    return (away - 0.5 * apart) / math.sqrt(found.shape[-1])


def within(attributes: Tensor) -> Tensor:
    """Attributes (…, 25) within their ranges, nearly, as `attributes.in_range` has them."""
    low, high = (torch.from_numpy(each).to(attributes) for each in attribute_ranges())
    inside = attributes.clamp(low, high)
    inside = inside + LEAK * (attributes - inside)
    shares = inside[..., EXPRESSIONS]
    shares = shares / shares.sum(-1, keepdim=True).clamp_min(LEAST_SHARE)
    return torch.cat([inside[..., : EXPRESSIONS.start], shares], -1)


def _distance(one: Tensor, other: Tensor) -> Tensor:
    return ((one - other).square().sum(-1) + TINY).sqrt()
