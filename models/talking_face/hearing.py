"""The speech encoder learns to hear what a mouth does, before any picture is drawn: ours.

A few hundred films are too little to find phones in raw samples: after 2,000 steps of the first
stage alone faces showed their emotions, but mouths hardly moved with the voice. Sounds with the
exact movements of the mouth are cheap, however.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.layers import begin
from models.talking_face.data import ClipData, Sayings
from models.talking_face.settings import SpeechSettings
from models.talking_face.speech import SpeechEncoder
from models.training import Engine, TrainingError


@dataclass(frozen=True)
class HearingSettings:
    """How the speech encoder is trained."""

    steps: int = 1_500
    batch: int = 12  # sentences
    rate: float = 1e-3
    quietest: float = 0.3  # of the gains that sounds are given by chance; 1 the loudest
    noise: tuple[float, float] = (-60.0, -25.0)  # dB of the noise that is added, below full scale
    seed: int = 1


LEAST = 0.02  # standard deviation of an action that hardly moves, as it is weighed


class Heard(NamedTuple):
    """Sounds (n, samples), mouths (n, frames, A) and which frames there are (n, frames)."""

    sound: Tensor
    mouth: Tensor
    there: Tensor


class Hearing:
    """A task of `models.training`."""

    name = "hearing"

    def __init__(self, data: ClipData, network: SpeechSettings, settings: HearingSettings) -> None:
        if data.sayings is None:
            raise TrainingError(
                "the data file holds no sayings, from which the speech encoder learns first; make "
                "it anew, or train with the recipe paper"
            )
        self.sayings: Sayings = data.sayings
        self.settings, self.steps, self.hop = settings, settings.steps, network.hop
        self.speech = SpeechEncoder(network)
        self.mouth = nn.Linear(network.width, self.sayings.mouths.shape[1])
        self.networks = {"speech": self.speech, "mouth": self.mouth}
        generator = torch.Generator().manual_seed(settings.seed)
        for part in self.networks.values():
            begin(part, generator)
        self.optimisers = {"all": torch.optim.AdamW(
            [p for part in self.networks.values() for p in part.parameters()],
            lr=settings.rate, weight_decay=1e-3, fused=True,
        )}  # fmt: skip
        self.spread = torch.from_numpy(self.sayings.mouths.std(0) / 255).clamp(min=LEAST)

    def batch(self, step: int, share: slice) -> Heard:
        """Sentences drawn by chance, at chance gains, in a little noise."""
        s = self.settings
        generator = torch.Generator().manual_seed((s.seed << 40) + step)
        drawn = torch.randint(len(self.sayings.ends), (s.batch,), generator=generator)[share]
        gain = s.quietest + (1 - s.quietest) * torch.rand(s.batch, 1, generator=generator)[share]
        low, high = s.noise
        level = low + (high - low) * torch.rand(s.batch, 1, generator=generator)[share]
        found = [self.sayings.saying(int(row), self.hop) for row in drawn]
        frames = max(len(mouth) for _, mouth in found)
        sound, mouth = torch.zeros(len(found), frames * self.hop), []
        for place, (samples, _) in zip(sound, found, strict=True):
            place[: len(samples)] = torch.from_numpy(samples)
        hiss = torch.randn(s.batch, frames * self.hop, generator=generator)[share]
        mouth = [F.pad(torch.from_numpy(m), (0, 0, 0, frames - len(m))) for _, m in found]
        there = [torch.arange(frames) < len(m) for _, m in found]
        return Heard(
            gain * sound + 10 ** (level / 20) * hiss, torch.stack(mouth), torch.stack(there)
        )

    def update(self, batch: Heard, step: int, engine: Engine) -> dict[str, Tensor]:
        """Distance of mouths, in standard deviations of each action."""
        s, device = self.settings, engine.fabric.device
        for group in self.optimisers["all"].param_groups:
            group["lr"] = s.rate * min(1.0, (step + 1) / 50) * (1 - step / s.steps)
        sound, mouth, there = (one.to(device) for one in batch)
        found = self.mouth(self.speech(sound))
        away = F.smooth_l1_loss(found / self.spread.to(device), mouth / self.spread.to(device),
                                reduction="none")  # fmt: skip
        loss = away[there].mean()
        engine.step(loss, self.optimisers["all"], clip=1.0)
        jaw = torch.corrcoef(torch.stack([found[..., 0][there], mouth[..., 0][there]]).float())
        return {"mouth": loss.detach(), "r of the jaw": jaw[0, 1].detach()}
