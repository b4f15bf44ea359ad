"""Small people whose looks are bars: what networks of context faces are tried on."""

from __future__ import annotations

import numpy as np

from models.context_face.data import Labels
from models.context_face.settings import (
    ComposerSettings,
    ContextFaceSettings,
    MelSettings,
    VaeSettings,
)

EMOTIONS = ("neutral", "happy", "angry")
SIZE, LATENT = 32, 12
FACE = VaeSettings(size=SIZE, widths=(8, 12), latent=LATENT, discriminator_widths=(4,))
SMALL = ComposerSettings(widths=(8, 12, 16), around=5)
SETTINGS = ContextFaceSettings(
    face=FACE, context=VaeSettings(channels=1, size=SIZE, widths=(4, 4), latent=LATENT),
    mel=MelSettings(bins=SIZE, frames=SIZE), emotions=EMOTIONS, composer=SMALL,
)  # fmt: skip


def people(n: int) -> Labels:
    """n people, each neutral, happy at .5 and 1, angry at 1, and angry while speaking."""
    shown = [(0, 1.0, False), (1, 0.5, False), (1, 1.0, False), (2, 1.0, False), (2, 0.9, True)]
    emotion, m, speaking = (np.array(column * n) for column in map(list, zip(*shown, strict=True)))
    zeros = np.zeros(n * len(shown))
    return Labels(np.repeat(np.arange(n), len(shown)), zeros, emotion, m, zeros, zeros,
                  speaking=speaking)  # fmt: skip


def drawn(labels: Labels) -> np.ndarray:
    """Pictures (N, S, S, 3) uint8: a person is a grain of its own, joy a bright bar that rises."""
    rng = np.random.default_rng(6)
    grain = rng.uniform(90, 150, (int(labels.actor.max()) + 1, 8, 8, 3)).repeat(4, 1).repeat(4, 2)
    pictures = grain[labels.actor]
    for picture, emotion, m in zip(pictures, labels.emotion, labels.m, strict=True):
        picture[20:24, 8:24] = 60
        if emotion:
            low, high = (14, 20) if emotion == 1 else (24, 30)
            picture[low:high, 8:24] += m * (100 if emotion == 1 else -60)
    return pictures.clip(0, 255).round().astype(np.uint8)
