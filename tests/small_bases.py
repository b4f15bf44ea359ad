"""Small base models of reactions, and speakers that they react to."""

import torch

from models.reaction.settings import (
    FaceVisSettings,
    RegnnSettings,
    TokenizerSettings,
    TransVaeSettings,
)

TINY = {
    "trans-vae": TransVaeSettings(width=16, inner=24, shape=5, diversity=0.1),
    "trans-vae that repeats": TransVaeSettings(
        width=16, inner=24, shape=5, diversity=0.1, period=16
    ),
    "regnn": RegnnSettings(width=16, inner=24, layers=1, fused=12, frames=20, stride=10),
    "regnn, shared": RegnnSettings(
        width=16, inner=24, layers=1, fused=12, frames=20, stride=10, converts="shared", smooth=3.0
    ),
    "facevis": FaceVisSettings(
        TokenizerSettings(
            patch=4, width=16, heads=2, inner=24, layers=1, reach=3, velocity=0.1, usual=0.5
        ),
        width=24, heads=2, inner=32, unimodal=1, fusing=2, speaking=1, listening=1, joining=2,
        back=6, around=3, together=1, gate=0.5,
    ),
    "facevis, together": FaceVisSettings(
        TokenizerSettings(width=16, heads=2, inner=24, layers=1, reach=3),
        width=24, heads=2, inner=32, unimodal=0, fusing=1, speaking=0, listening=0, joining=2,
        back=6, around=3, together=3, gate=0.5, top_k=40, temperature=0.8,
    ),
}  # fmt: skip
VOICE = 78  # features


def seeded(*seeds):
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def speakers(n, length, seed=1):
    (generator,) = seeded(seed)
    face = torch.rand(n, length, 25, generator=generator)
    return face, torch.randn(n, length, VOICE, generator=generator)


def fused(base, face, voice):
    return base.fuse(base.embed_face(face), base.embed_voice(voice))
