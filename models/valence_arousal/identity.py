"""What the identity loss looks through: VGG-Face where the user has it, or a network of mien's own.

The paper takes VGG-Face (Parkhi 2015), trained to name 2,622 celebrities, which may not be shipped.
In its place a small network is trained first, on the people of the data file: it names them
whatever they express, and tells their valence and arousal whoever they are. Never a random one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from models.layers import HalvingMaps, begin
from models.training import Engine
from models.valence_arousal.data import NOBODY, FaceData
from models.variation import VariationSettings, numbers, vary
from models.weights import WeightsError

Features = Callable[[Tensor], Sequence[Tensor]]  # of pictures (N, 3, S, S) in [-1, 1]


@dataclass(frozen=True)
class IdentitySettings:
    """The network and how it is trained."""

    widths: tuple[int, ...] = (16, 32, 64, 96, 128)  # of the convolutions; each halves
    steps: int = 1_000
    batch: int = 64
    rate: float = 1e-3
    label: float = 1.0  # weight of valence and arousal, beside who it is
    variation: VariationSettings = VariationSettings(light=0.2, tint=0.05, colour=0.2)
    seed: int = 1


class FaceIdentity(HalvingMaps):
    """Five convolutions, whose maps are compared, and what they were trained to tell."""

    def __init__(self, widths: tuple[int, ...], people: int) -> None:
        super().__init__(widths)
        self.person, self.label = nn.Linear(widths[-1], people), nn.Linear(widths[-1], 2)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (N, people), and valence and arousal (N, 2)."""
        seen = self.features(pictures)[-1].mean((2, 3))
        return self.person(seen), self.label(seen).tanh()


class Known(NamedTuple):
    """Pictures (N, 3, S, S) in [0, 1], who it is (N,), or NOBODY, and labels (N, 2)."""

    pictures: Tensor
    person: Tensor
    label: Tensor


class Identifying:
    """The training of `FaceIdentity`: a task of `models.training`."""

    name = "identity"

    def __init__(self, data: FaceData, settings: IdentitySettings) -> None:
        self.data, self.settings, self.steps = data, settings, settings.steps
        self.network = FaceIdentity(settings.widths, max(1, int(data.labels.person.max()) + 1))
        begin(self.network, torch.Generator().manual_seed(settings.seed))
        self.networks = {"identity": self.network}
        self.optimisers = {"identity": torch.optim.AdamW(
            self.network.parameters(), lr=settings.rate, weight_decay=1e-3, fused=True
        )}  # fmt: skip
        self.rows = data.labels.where("train")

    def batch(self, step: int, share: slice) -> Known:
        """Pictures drawn by chance."""
        s = self.settings
        generator = torch.Generator().manual_seed((s.seed << 40) + step)
        drawn = torch.randint(len(self.rows), (s.batch,), generator=generator)[share].numpy()
        chance = numbers(s.batch, generator)[share]
        rows = self.rows[drawn]
        return Known(
            vary(self.data.pictures(rows), chance, s.variation),
            torch.from_numpy(self.data.labels.person[rows]).long(), self.data.labels.both(rows),
        )  # fmt: skip

    def update(self, batch: Known, step: int, engine: Engine) -> dict[str, Tensor]:
        """Cross-entropy of the person, and distance of the label."""
        pictures, person, label = (one.to(engine.fabric.device) for one in batch)
        said, felt = self.network(2 * pictures - 1)
        named = F.cross_entropy(said, person, ignore_index=NOBODY, reduction="sum")
        named = named / (person != NOBODY).sum().clamp(min=1)
        off = F.l1_loss(felt, label)
        engine.step(named + self.settings.label * off, *self.optimisers.values(), clip=5.0)
        right = (said.argmax(1) == person).float().mean()
        return {"person": named.detach(), "label": off.detach(), "right": right}


class VggFace(nn.Module):
    """The convolutions of VGG-Face (Parkhi 2015), by the names of its authors."""

    PLAN = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))  # channels and layers of each block
    MEAN = (129.1863, 104.7624, 93.5940)  # red, green, blue of its training pictures
    SIZE = 224  # pixels a side that it was trained on
    mean: Tensor

    def __init__(self) -> None:
        super().__init__()
        channels = 3
        for block, (width, layers) in enumerate(self.PLAN, 1):
            for number in range(1, layers + 1):
                name = f"conv{block}_{number}"
                self.add_module(name, nn.Conv2d(channels, width, 3, padding=1))
                channels = width
        self.register_buffer("mean", torch.tensor(self.MEAN)[:, None, None], persistent=False)

    def features(self, pictures: Tensor) -> list[Tensor]:
        """Maps of conv1_2, 2_2, 3_2, 4_2 and 5_2 (eq. 2) of pictures (N, 3, S, S) in [-1, 1]."""
        self.to(pictures.device)  # no training brings it there
        x = F.interpolate(pictures, size=(self.SIZE, self.SIZE), mode="bilinear")
        x, found = (x + 1) * 127.5 - self.mean, []
        for block, (_, layers) in enumerate(self.PLAN, 1):
            for number in range(1, layers + 1):
                x = F.relu(self.get_submodule(f"conv{block}_{number}")(x))
                if number == 2:
                    found.append(x)
            x = F.max_pool2d(x, 2)
        return found


def load_vgg_face(path: Path) -> VggFace:
    """VGG-Face from a safetensors file with its authors' names: conv1_1.weight, conv1_1.bias, ….

    Raises:
        WeightsError: No such file, not safetensors, or other tensors.
    """
    network = VggFace()
    try:
        tensors = load_file(path)
        network.load_state_dict({
            name: tensor.float() for name, tensor in tensors.items() if name.startswith("conv")
        })  # fmt: skip
    except (OSError, SafetensorError, RuntimeError) as error:
        raise WeightsError(
            f"{path}: not the weights of VGG-Face ({str(error).splitlines()[0]}); give a "
            "safetensors file with conv1_1.weight to conv5_3.bias, or leave it out"
        ) from None
    return network.eval().requires_grad_(False)
