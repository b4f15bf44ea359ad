"""The base models by name."""

from __future__ import annotations

import torch

from models.reaction.base import Base
from models.reaction.facevis import FaceVis
from models.reaction.regnn import Regnn
from models.reaction.settings import (
    BaseSettings,
    FaceVisSettings,
    RegnnSettings,
    TransVaeSettings,
)
from models.reaction.trans_vae import TransVae
from models.reaction.transformer import begin_all


def make_base(settings: BaseSettings, generator: torch.Generator | None = None) -> Base:
    """A base model of its settings, its weights drawn from a generator (by default, from 0)."""
    base = _built(settings)
    begin_all(base, generator or torch.Generator().manual_seed(0))
    return base


def _built(settings: BaseSettings) -> Base:
    if isinstance(settings, TransVaeSettings):
        return TransVae(settings)
    if isinstance(settings, RegnnSettings):
        return Regnn(settings)
    if isinstance(settings, FaceVisSettings):
        return FaceVis(settings)
    raise TypeError(f"settings of no base: {type(settings).__name__}")
