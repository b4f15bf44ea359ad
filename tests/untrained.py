"""Small networks that were never trained, but whose pictures move with all that they are told."""

from __future__ import annotations

from typing import TypeVar

import torch

from models.layers import begin

Network = TypeVar("Network", bound=torch.nn.Module)


def begun(network: Network, gain: float) -> Network:
    """The network with weights of a fixed seed, times `gain`, without which the signal fades."""
    begin(network, torch.Generator().manual_seed(3))
    with torch.no_grad():
        for values in network.parameters():
            values.mul_(gain if values.ndim > 1 else 1)
    return network.eval()
