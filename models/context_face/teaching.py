"""Between stage 1 and 2, an addition of mien: CRN's encoder learns what voices feel.

Trained to reconstruct alone, CRN keeps of a spectrogram what is large, the words and the timbre,
and little of what tells emotions apart. Here its encoder is trained on, to tell the class of a
voice from its mean (eq. 1) by one linear layer, which is thrown away. Only the shipped recipe does
this; the paper's goes from reconstruction to CAN, and tunes the last two layers there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.context_face.vae import Encoder
from models.layers import begin
from models.training import Engine, set_rate


@dataclass(frozen=True)
class TeachingSettings:
    """Optimisation, and how spectrograms are varied, so that what is learned holds for others."""

    steps: int = 800
    batch: int = 64
    rate: float = 1e-3
    weight_decay: float = 0.01
    late: int = 16  # frames that a spectrogram is moved by at most, either way
    higher: int = 2  # Mel bins, likewise
    hidden: int = 12  # frames, and a quarter as many bins, that are silent at most
    softness: float = 0.1  # of the classes (label smoothing)
    seed: int = 1


class Teaching:
    """The encoder and its linear layer: a task of `models.training`."""

    name = "voice"

    def __init__(
        self,
        encoder: Encoder,
        settings: TeachingSettings,
        emotion: Tensor,
        classes: int,
        read: Callable[[Tensor], Tensor],
    ) -> None:
        """Emotion (N,): class of each voice; read: from row numbers (n,) to spectrograms."""
        self.encoder, self.settings, self.steps = encoder, settings, settings.steps
        self.emotion, self.read = emotion, read
        self.head = nn.Linear(encoder.mu.out_features, classes)
        begin(self.head, torch.Generator().manual_seed(settings.seed))
        self.networks = {"encoder": encoder, "head": self.head}
        self.optimisers = {
            "voice": torch.optim.AdamW(
                [*encoder.parameters(), *self.head.parameters()],
                lr=settings.rate, weight_decay=settings.weight_decay,
            )
        }  # fmt: skip

    def batch(self, step: int, share: slice) -> tuple[Tensor, Tensor]:
        """Varied spectrograms (n, 1, bins, frames), and their classes (n,)."""
        s = self.settings
        generator = torch.Generator().manual_seed((s.seed << 40) + step)
        rows = torch.randint(len(self.emotion), (s.batch,), generator=generator)
        drawn = torch.rand(s.batch, 6, generator=generator)[share]
        rows = rows[share]
        x = torch.stack([
            varied(one, chance, s) for one, chance in zip(self.read(rows), drawn, strict=True)
        ])  # fmt: skip
        return x, self.emotion[rows]

    def update(self, batch: tuple[Tensor, Tensor], step: int, engine: Engine) -> dict[str, Tensor]:
        """Cross-entropy; the rate falls in a straight line to nothing."""
        s, optimiser = self.settings, self.optimisers["voice"]
        set_rate(s.rate * (1 - step / s.steps), optimiser)
        x, emotion = (t.to(engine.fabric.device) for t in batch)
        logits = self.head(self.encoder(x).mu).float()
        loss = F.cross_entropy(logits, emotion, label_smoothing=s.softness)
        engine.step(loss, optimiser, clip=5.0)
        right = (logits.argmax(1) == emotion).float().mean()
        return {"cross-entropy": loss.detach(), "right": right}


def varied(x: Tensor, drawn: Tensor, settings: TeachingSettings) -> Tensor:
    """A spectrogram (1, bins, frames) moved in time and pitch, some of it silent.

    drawn (6,): six numbers in [0, 1). What leaves on one side is lost; silence (0) enters.
    """
    chance = drawn.tolist()
    x = _moved(x, round((2 * chance[0] - 1) * settings.late), 2)
    x = _moved(x, round((2 * chance[1] - 1) * settings.higher), 1)
    x = x.clone()
    for axis, most, (size, place) in (
        (2, settings.hidden, chance[2:4]), (1, settings.hidden // 4, chance[4:6])
    ):  # fmt: skip
        width = round(size * most)
        start = int(place * (x.shape[axis] - width))
        x.narrow(axis, start, width).zero_()
    return x


def _moved(x: Tensor, by: int, axis: int) -> Tensor:
    moved = x.roll(by, axis)
    if by:
        moved.narrow(axis, 0 if by > 0 else x.shape[axis] + by, abs(by)).zero_()
    return moved
