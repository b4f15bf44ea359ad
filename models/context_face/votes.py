"""One class for a clip from those of its frames (section 4.3)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def vote(logits: Tensor) -> Tensor:
    """Classes (C,) that most frames of a clip are given: logits (C, F, K).

    Of classes with equally many frames the one with the highest summed log-probability.
    """
    counts = F.one_hot(logits.argmax(2), logits.shape[2]).sum(1)  # (C, K)
    likely = torch.log_softmax(logits, 2).sum(1)  # (C, K)
    ahead = counts == counts.amax(1, keepdim=True)
    return likely.masked_fill(~ahead, -torch.inf).argmax(1)
