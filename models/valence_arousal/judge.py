"""The judges of Lindt et al. 2019, section IV-C1: valence and arousal as two networks see them.

Each is a convolutional network in the manner of VGG-16, as the paper's (its table II, which gives
the sizes, did not survive; these are ours). They learn from people whom the editor never saw.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.layers import SLOPE, begin, sized
from models.training import Engine, rising_then_falling, set_rate
from models.valence_arousal.data import FaceData
from models.variation import VariationSettings, numbers, vary
from models.weights import Weights, load_network, save_weights, settings_of

KIND = "valence-arousal-judges"
SHIPPED_FILE = Path(__file__).with_name("judges.safetensors")  # those that mien brings
AXES = ("valence", "arousal")


@dataclass(frozen=True)
class JudgeSettings:
    """One judge's network."""

    size: int = 96  # pixels a side that a picture is brought to
    widths: tuple[int, ...] = (12, 24, 48, 96)  # of blocks of two convolutions; each halves
    hidden: int = 128  # of the fully connected layer


@dataclass(frozen=True)
class JudgingSettings:
    """How judges learn; momentum: of stochastic gradient descent, as the paper; None: AdamW."""

    steps: int = 1_000
    batch: int = 48
    rate: float = 1e-3
    momentum: float | None = None
    variation: VariationSettings = VariationSettings(light=0.2, tint=0.05, colour=0.2, shape=1.0)
    seed: int = 2


class AffectJudge(nn.Module):
    """Places pictures on one axis."""

    def __init__(self, settings: JudgeSettings) -> None:
        super().__init__()
        layers, channels = [], 3
        for width in settings.widths:
            for _ in range(2):
                layers += [nn.Conv2d(channels, width, 3, padding=1), nn.LeakyReLU(SLOPE)]
                channels = width
            layers.append(nn.MaxPool2d(2))
        self.layers = nn.Sequential(*layers)
        side = settings.size // 2 ** len(settings.widths)
        self.hidden = nn.Linear(channels * side**2, settings.hidden)
        self.place = nn.Linear(settings.hidden, 1)

    def forward(self, pictures: Tensor) -> Tensor:
        """Places (N,) in [-1, 1] of pictures (N, 3, S, S) in [-1, 1]."""
        x = self.layers(pictures).flatten(1)
        return self.place(F.leaky_relu(self.hidden(x), SLOPE))[:, 0].float().tanh()


class Judges(nn.Module):
    """One for valence, one for arousal."""

    def __init__(self, settings: JudgeSettings | None = None) -> None:
        super().__init__()
        self.settings = settings or JudgeSettings()
        self.valence, self.arousal = AffectJudge(self.settings), AffectJudge(self.settings)

    def forward(self, pictures: Tensor) -> Tensor:
        """Valence and arousal (N, 2) of pictures (N, 3, ., .) in [-1, 1] of any size."""
        pictures = sized(pictures, self.settings.size)
        return torch.stack([self.valence(pictures), self.arousal(pictures)], 1)

    @torch.inference_mode()
    def seen(self, pictures: Tensor) -> Tensor:
        """The same, one picture at a time, so that no other one in a batch matters."""
        return torch.cat([self(one) for one in pictures.split(1)])


class Shown(NamedTuple):
    """Pictures (N, 3, S, S) in [-1, 1] and their labels (N, 2)."""

    pictures: Tensor
    labels: Tensor


class Judging:
    """Their training: a task of `models.training`; the loss is the mean absolute error."""

    name = "judges"

    def __init__(
        self, data: FaceData, settings: JudgingSettings, network: JudgeSettings | None = None
    ) -> None:
        self.data, self.settings, self.steps = data, settings, settings.steps
        self.judges = Judges(network)
        begin(self.judges, torch.Generator().manual_seed(settings.seed), lively=True)
        self.networks: Mapping[str, nn.Module] = {"judges": self.judges}
        weights = self.judges.parameters()
        self.optimisers: Mapping[str, torch.optim.Optimizer] = {"judges": (
            torch.optim.AdamW(weights, lr=settings.rate, weight_decay=1e-3, fused=True)
            if settings.momentum is None
            else torch.optim.SGD(weights, lr=settings.rate, momentum=settings.momentum)
        )}  # fmt: skip
        self.rows = data.labels.where("judge")

    def batch(self, step: int, share: slice) -> Shown:
        """Pictures drawn by chance, varied, half of them mirrored."""
        s = self.settings
        generator = torch.Generator().manual_seed((s.seed << 40) + step)
        drawn = torch.randint(len(self.rows), (s.batch,), generator=generator)[share].numpy()
        chance = numbers(s.batch, generator)[share]
        turned = (torch.rand(s.batch, generator=generator) < 0.5)[share]
        rows = self.rows[drawn]
        pictures = sized(self.data.pictures(rows), self.judges.settings.size)
        pictures = vary(pictures, chance, s.variation)
        pictures = torch.where(turned[:, None, None, None], pictures.flip(3), pictures)
        return Shown(2 * pictures - 1, self.data.labels.both(rows))

    def update(self, batch: Shown, step: int, engine: Engine) -> dict[str, Tensor]:
        """One step of both judges."""
        pictures, labels = (part.to(engine.fabric.device) for part in batch)
        if self.settings.momentum is None:
            done = step / self.steps
            rate = self.settings.rate * rising_then_falling(done / 0.05 + 0.01, done)
            set_rate(rate, self.optimisers["judges"])
        off = (self.judges(pictures) - labels).abs().mean(0)
        engine.step(off.mean(), self.optimisers["judges"])
        return dict(zip(AXES, off.detach(), strict=True))


def save_judges(path: Path, judges: Judges, **facts: str) -> str:
    """Write their weights, as float16; returns the SHA-256 of the tensors."""
    return save_weights(
        path, KIND, judges.state_dict(), asdict(judges.settings), half=True, **facts
    )


def load_judges(path: Path = SHIPPED_FILE) -> tuple[Judges, Weights]:
    """Judges ready to look, and what their file says of them.

    Raises:
        WeightsError: No such file, another model, changed, or not fitting its own settings.
    """
    return load_network(path, KIND, lambda stored: Judges(JudgeSettings(**settings_of(stored))))
