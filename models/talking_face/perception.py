"""What the perceptual loss looks through: VGG-19, or a network trained on clips of talking faces.

The paper takes VGG-19, trained on photographs, after each of its five poolings. Where its weights
are not at hand a small network is trained on the corpus first: it tells the emotion of single
pictures, and where the mouth is, so that its maps show what matters here. mien brings one of
synthetic people, for corpora too small to train one. Never a random one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.layers import HalvingMaps, begin
from models.talking_face.data import ClipData
from models.training import Engine
from models.variation import VariationSettings, numbers, vary
from models.weights import Weights, load_network, save_weights

KIND = "talking-face-perception"
SHIPPED_FILE = Path(__file__).with_name("perception.safetensors")  # the one that mien brings


@dataclass(frozen=True)
class PerceptionSettings:
    """The network and how it is trained."""

    widths: tuple[int, ...] = (16, 32, 64, 96, 128)  # of the convolutions; each halves
    steps: int = 1_000
    batch: int = 64
    rate: float = 1e-3
    mouth: float = 0.1  # weight of the place of the mouth, beside the emotion
    variation: VariationSettings = VariationSettings(light=0.2, tint=0.05, colour=0.2, shape=2.0)
    seed: int = 1


class Perception(HalvingMaps):
    """Five convolutions, whose maps are compared, and what they were trained to tell."""

    def __init__(self, widths: tuple[int, ...], emotions: int) -> None:
        super().__init__(widths)
        self.emotion, self.mouth = nn.Linear(widths[-1], emotions), nn.Linear(widths[-1], 2)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (M, emotions), and the middle of the mouth (M, 2) in sides from the centre."""
        seen = self.features(pictures)[-1].mean((2, 3))
        return self.emotion(seen), self.mouth(seen)

    def features(self, pictures: Tensor) -> list[Tensor]:
        """Maps of each layer of pictures (M, 3, S, S) in [-1, 1], from large to small."""
        self.to(pictures.device)  # one that was read is brought there by no training
        return super().features(pictures)


def save_perception(path: Path, network: Perception, **facts: str) -> str:
    """Write a perceptual network; returns the SHA-256 of its tensors."""
    widths = [convolution.out_channels for convolution in network.convolutions]
    settings = {"widths": widths, "emotions": network.emotion.out_features}
    return save_weights(path, KIND, network.state_dict(), settings, half=False, **facts)


def load_perception(path: Path) -> tuple[Perception, Weights]:
    """A perceptual network that no longer learns, and what its file says of it.

    Raises:
        WeightsError: No such file, another model, changed, or not fitting its own settings.
    """
    network, weights = load_network(
        path, KIND, lambda stored: Perception(tuple(stored["widths"]), stored["emotions"])
    )
    return network.requires_grad_(False), weights


class Seen(NamedTuple):
    """Pictures (M, 3, S, S) in [0, 1], their emotion (M,), strength (M,) and mouth (M, 2)."""

    pictures: Tensor
    emotion: Tensor
    m: Tensor
    mouth: Tensor


class Perceiving:
    """The training of `Perception`: a task of `models.training`."""

    name = "perception"

    def __init__(self, data: ClipData, settings: PerceptionSettings) -> None:
        self.data, self.settings, self.steps = data, settings, settings.steps
        self.network = Perception(settings.widths, len(data.emotions))
        begin(self.network, torch.Generator().manual_seed(settings.seed))
        self.networks = {"perception": self.network}
        self.optimisers = {"perception": torch.optim.AdamW(
            self.network.parameters(), lr=settings.rate, weight_decay=1e-3, fused=True
        )}  # fmt: skip
        self.rows = data.clips.where("train")

    def batch(self, step: int, share: slice) -> Seen:
        """One picture each of clips drawn by chance."""
        s = self.settings
        generator = torch.Generator().manual_seed((s.seed << 40) + step)
        drawn = torch.randint(len(self.rows), (s.batch,), generator=generator)[share].numpy()
        kept = torch.randint(self.data.frames.shape[1], (s.batch, 1), generator=generator)[share]
        chance = numbers(s.batch, generator)[share]
        rows = self.rows[drawn]
        pictures = vary(self.data.videos(rows, kept.numpy())[:, 0], chance, s.variation)
        clips, size = self.data.clips, self.data.frames.shape[2]
        return Seen(
            pictures, torch.from_numpy(clips.emotion[rows]).long(), torch.from_numpy(clips.m[rows]),
            torch.from_numpy(clips.mouth[rows, kept[:, 0].numpy()]) / size - 0.5,
        )  # fmt: skip

    def update(self, batch: Seen, step: int, engine: Engine) -> dict[str, Tensor]:
        """Cross-entropy of the emotion, by its strength, and distance of the mouth."""
        pictures, emotion, m, mouth = (one.to(engine.fabric.device) for one in batch)
        said, found = self.network(2 * pictures - 1)
        felt = (m * F.cross_entropy(said, emotion, reduction="none")).mean()
        spread = torch.tensor([0.01, 0.02], device=mouth.device)  # of mouths, in sides
        low = F.smooth_l1_loss(found, (mouth - torch.tensor([0.0, 0.22])) / spread)
        engine.step(felt + self.settings.mouth * low, *self.optimisers.values(), clip=5.0)
        right = (said.argmax(1) == emotion).float().mean()
        return {"emotion": felt.detach(), "mouth": low.detach(), "right": right}
