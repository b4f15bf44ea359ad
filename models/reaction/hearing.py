"""The speech emotion model: what a voice expresses, frame by frame.

Hu et al. (2024) take valence, arousal and eight expressions of the voice from a model they do not
name. This one is small and learns from voices whose expression is known, as a first stage; then
it is held. Convolutions over time, each seeing twice as far as the last: 2.5 seconds in all.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.layers import begin
from models.reaction.attributes import AFFECT, EXPRESSIONS, PLACE
from models.reaction.data import ReactionData
from models.reaction.missing import DroppingSettings, given, with_gaps
from models.reaction.voice import FEATURES
from models.training import Engine, rising_then_falling, set_rate

KERNEL = 5
PLACES = PLACE.stop - PLACE.start  # valence and arousal come first


@dataclass(frozen=True)
class HearingSettings:
    """Size of the speech emotion model."""

    width: int = 64
    layers: int = 4  # the i-th skips 2^i - 1 frames between those it sees


class SpeechEmotion(nn.Module):
    """Voice features (N, T, 78), standardised, to valence, arousal and expressions (N, T, 10)."""

    def __init__(self, settings: HearingSettings) -> None:
        super().__init__()
        width = settings.width
        self.first = nn.Conv1d(FEATURES, width, KERNEL, padding=KERNEL // 2)
        self.layers = nn.ModuleList(
            nn.Conv1d(width, width, KERNEL, dilation=2**i, padding=2**i * (KERNEL // 2))
            for i in range(1, settings.layers)
        )
        self.last = nn.Conv1d(width, AFFECT.stop - AFFECT.start, 1)

    def forward(self, voice: Tensor) -> Tensor:
        """Valence and arousal in [-1, 1]; expressions together 1."""
        told = self.logits(voice)
        return torch.cat([told[..., :PLACES].tanh(), told[..., PLACES:].softmax(-1)], -1)

    def logits(self, voice: Tensor) -> Tensor:
        """(N, T, 10) before they are brought to their ranges."""
        x = F.gelu(self.first(voice.mT))
        for layer in self.layers:
            x = x + F.gelu(layer(x))
        return self.last(x).mT.float()


@dataclass(frozen=True)
class HearingStage:
    """How the speech emotion model is trained."""

    steps: int = 300
    batch: int = 8
    frames: int = 256
    rate: float = 2e-3
    dropping: DroppingSettings = field(default_factory=DroppingSettings)  # gaps alone
    seed: int = 1


class Heard(NamedTuple):
    """Voices (n, T, 78), standardised, what they express (n, T, 10), and where they are (n, T)."""

    voice: Tensor
    heard: Tensor
    there: Tensor


class Hearing:
    """A task of `models.training`."""

    name = "hearing"

    def __init__(self, data: ReactionData, network: HearingSettings, stage: HearingStage) -> None:
        self.data, self.settings, self.steps = data, stage, stage.steps
        self.rows = data.where("train")
        self.mean, self.spread = voice_scale(data)
        self.network = SpeechEmotion(network)
        self.networks = {"hearing": self.network}
        begin(self.network, torch.Generator().manual_seed(stage.seed), lively=True)
        self.optimisers = {"hearing": torch.optim.AdamW(
            self.network.parameters(), lr=stage.rate, weight_decay=1e-2, fused=True
        )}  # fmt: skip

    def batch(self, step: int, share: slice) -> Heard:
        """Stretches of clips drawn by chance, with gaps."""
        s = self.settings
        rng = np.random.default_rng([s.seed, step])
        frames = min(s.frames, self.data.frames)
        rows = self.rows[rng.integers(len(self.rows), size=s.batch)]
        starts = rng.integers(self.data.frames - frames + 1, size=s.batch)
        generator = torch.Generator().manual_seed((s.seed << 40) + step)
        there = with_gaps(s.batch, frames, s.dropping, generator)[share]
        rows, starts = rows[share], starts[share]
        voice = torch.from_numpy(self.data.voice.window(rows, starts, frames))
        heard = torch.from_numpy(self.data.heard.window(rows, starts, frames))
        return Heard((voice - self.mean) / self.spread, heard, there)

    def update(self, batch: Heard, step: int, engine: Engine) -> dict[str, Tensor]:
        """Squared error of valence and arousal, cross-entropy of expressions."""
        s = self.settings
        rate = s.rate * rising_then_falling((step + 1) / 30, step / s.steps)
        set_rate(rate, self.optimisers["hearing"])
        voice, heard, there = (one.to(engine.fabric.device) for one in batch)
        told = self.network.logits(given(voice, there))
        off = F.mse_loss(told[..., :PLACES].tanh(), heard[..., :PLACES], reduction="none").mean(-1)
        shares = heard[..., PLACES:]
        missed = F.cross_entropy(told[..., PLACES:].mT, shares.mT, reduction="none")
        right = (told[..., PLACES:].argmax(-1) == shares.argmax(-1)).float()
        some = there.sum().clamp(min=1)  # a gap may be longer than what is seen
        place, expression, right = ((x * there).sum() / some for x in (off, missed, right))
        engine.step(4 * place + expression, self.optimisers["hearing"], clip=1.0)
        return {"place": place.detach(), "expression": expression.detach(), "right": right}


def voice_scale(data: ReactionData) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation (78,) of the voice features of the training clips."""
    total, squares, rows = 0.0, 0.0, data.where("train")
    for row in rows:
        voice = data.voice[row].astype(np.float64)
        total, squares = total + voice.mean(0), squares + (voice**2).mean(0)
    mean = total / len(rows)
    spread = np.sqrt(np.maximum(squares / len(rows) - mean**2, 1e-6))
    return torch.tensor(mean).float(), torch.tensor(spread).float()


assert EXPRESSIONS.start == PLACE.stop == AFFECT.start + PLACES  # what `logits` relies on
