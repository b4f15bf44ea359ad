"""Pictures of networks as files hold them."""

from __future__ import annotations

import numpy as np
import torch


def pixels(pictures: torch.Tensor) -> np.ndarray:
    """(..., 3, S, S) in [0, 1] to (..., S, S, 3) uint8, as files hold them."""
    return (pictures * 255).round().byte().movedim(-3, -1).numpy()
