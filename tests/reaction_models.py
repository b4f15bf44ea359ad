"""Small models of reactions, whose weights are drawn by chance, for tests."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from models.reaction.alignment import AlignmentSettings
from models.reaction.emc import EmcSettings
from models.reaction.emotion_attention import AttentionSettings
from models.reaction.hearing import HearingSettings
from models.reaction.network import Model
from models.reaction.settings import (
    BaseSettings,
    FaceVisSettings,
    RegnnSettings,
    TokenizerSettings,
    TransVaeSettings,
)
from models.reaction.stored import make_model
from models.reaction.transformer import begin_all

BASES: dict[str, BaseSettings] = {
    "trans-vae": TransVaeSettings(width=8, heads=2, inner=8, shape=6, period=32),
    "regnn": RegnnSettings(
        width=8, heads=2, inner=8, layers=1, fused=6, frames=10, stride=5, converts="shared",
        channels=2, spread=0.15, smooth=3.0,
    ),
    "facevis": FaceVisSettings(
        tokenizer=TokenizerSettings(
            patch=4, levels=(3, 3), width=8, heads=2, inner=8, layers=1, reach=4
        ),
        width=8, heads=2, inner=8, unimodal=0, fusing=1, speaking=1, listening=0, joining=1, back=8,
        around=8, gate=1.0, together=1, top_k=9,
    ),
}  # fmt: skip
EMC = EmcSettings(
    alignment=AlignmentSettings(latent=3, hidden=8, around=3),
    attending=AttentionSettings(emotion=6, inner=8, pooled=5, reach=10, lags=(0, 5)),
    hearing=HearingSettings(width=6, layers=2),
)


def made(base: str, framework: str = "emc", *, lively: bool = True) -> Model:
    """A small model; lively: parts that begin by adding nothing do add something."""
    emc = EmcSettings(framework == "emc", EMC.alignment, EMC.attending, EMC.hearing)
    model = make_model(framework, BASES[base], emc)
    generator = torch.Generator().manual_seed(5)
    begin_all(model, generator)
    if lively:
        enliven(model, generator)
    return model.eval()


@torch.no_grad()
def enliven(network: nn.Module, generator: torch.Generator) -> None:
    """Weights of all layers by chance, so large that everything has an effect."""
    for name, weight in network.named_parameters():
        if weight.dim() > 1 and "near" not in name:
            weight.normal_(0, weight[0].numel() ** -0.5, generator=generator)


def speakers(n: int, frames: int, seed: int = 1) -> tuple[Tensor, Tensor]:
    """Faces (n, frames, 25) and voices (n, frames, 78) by chance, within their ranges."""
    generator = torch.Generator().manual_seed(seed)
    face = torch.rand(n, frames, 25, generator=generator)
    face[..., 15:17] = 2 * face[..., 15:17] - 1
    return face, torch.randn(n, frames, 78, generator=generator)
