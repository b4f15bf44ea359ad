"""VGG-16 and VGG-19 (Simonyan & Zisserman 2015) of ImageNet, whose weights the user brings.

    seen = load_vgg16(Path("vgg16.safetensors"))(pictures)     # (M, 4096)

mien brings none of them: they have half a gigabyte. Tensors are named as torchvision does or, the
two hidden layers of VGG-16, as timm does.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from models.weights import WeightsError

MEAN, SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # red, green, blue, of ImageNet
TIMM = {"pre_logits.fc1.": "classifier.0.", "pre_logits.fc2.": "classifier.3."}
Network = TypeVar("Network", bound=nn.Module)


class Convolutions(nn.Module):
    """What both are made of: each convolution is followed by a ReLU, each block by a pooling."""

    BLOCKS: tuple[tuple[int, ...], ...]  # channels

    def __init__(self) -> None:
        super().__init__()
        layers, channels = [], 3
        for block in self.BLOCKS:
            for width in block:
                layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
                channels = width
            layers.append(nn.MaxPool2d(2))
        self.convolutions = nn.Sequential(*layers)

    def features(self, pictures: Tensor) -> list[Tensor]:
        """Maps after each pooling of pictures (M, 3, S, S) in [-1, 1]."""
        self.to(pictures.device)  # no training brings it there
        mean, spread = (pictures.new_tensor(c)[:, None, None] for c in (MEAN, SPREAD))
        found, x = [], ((pictures + 1) / 2 - mean) / spread
        for layer in self.convolutions:
            x = layer(x)
            if isinstance(layer, nn.MaxPool2d):
                found.append(x)
        return found


class Vgg19(Convolutions):
    """The convolutions, whose maps are compared; poolings are layers 4, 9, 18, 27 and 36."""

    BLOCKS = ((64,) * 2, (128,) * 2, (256,) * 4, (512,) * 4, (512,) * 4)


class Vgg16(Convolutions):
    """Up to the last hidden layer, from which ImageNet's thousand classes are told."""

    BLOCKS = ((64,) * 2, (128,) * 2, (256,) * 3, (512,) * 3, (512,) * 3)
    HIDDEN, SIDE = 4096, 224  # numbers of each hidden layer; pixels a side that it was trained on

    def __init__(self) -> None:
        super().__init__()
        left = self.SIDE >> len(self.BLOCKS)
        self.first = nn.Linear(self.BLOCKS[-1][-1] * left * left, self.HIDDEN)
        self.second = nn.Linear(self.HIDDEN, self.HIDDEN)

    def forward(self, pictures: Tensor) -> Tensor:
        """The second hidden layer (M, HIDDEN) of pictures (M, 3, S, S) in [-1, 1], brought to SIDE.

        Without the dropout of its training.
        """
        x = F.interpolate(pictures, size=(self.SIDE, self.SIDE), mode="bilinear")
        x = self.features(x)[-1].flatten(1)  # (M, channels * left * left)
        return F.relu(self.second(F.relu(self.first(x))))


def load_vgg19(path: Path) -> Vgg19:
    """The convolutions of VGG-19 from a safetensors file: features.0.weight, ….

    Raises:
        WeightsError: No such file, not safetensors, or other tensors.
    """
    return _load(Vgg19, path, "VGG-19", {"features.": "convolutions."})


def load_vgg16(path: Path) -> Vgg16:
    """VGG-16 from a safetensors file: features.0.weight, …, classifier.0.weight, ….

    Raises:
        WeightsError: No such file, not safetensors, or other tensors.
    """
    names = {"features.": "convolutions.", "classifier.0.": "first.", "classifier.3.": "second."}
    return _load(Vgg16, path, "VGG-16", names)


def _load(kind: type[Network], path: Path, name: str, places: Mapping[str, str]) -> Network:
    """A network that no longer learns; places: how names of the file begin, and ours."""
    with torch.device("meta"):  # nothing is drawn by chance, only to be replaced
        network = kind()
    shapes = {at: tensor.shape for at, tensor in network.state_dict().items()}
    found = {}
    try:
        for given, tensor in load_file(path).items():
            at = _renamed(_renamed(given, TIMM), places)
            if at in shapes and tensor.numel() == shapes[at].numel():
                found[at] = tensor.reshape(shapes[at]).float()  # timm's layers are convolutions
    except (OSError, SafetensorError) as error:
        raise _refused(path, name, str(error).splitlines()[0]) from None
    if lacking := len(shapes) - len(found):
        raise _refused(path, name, f"{lacking} of {len(shapes)} tensors are not there")
    network.load_state_dict(found, assign=True)
    return network.eval().requires_grad_(False)


def _refused(path: Path, name: str, why: str) -> WeightsError:
    return WeightsError(
        f"{path}: not the weights of {name} ({why}); give a safetensors file with torchvision's "
        "names (features.0.weight, …), or leave it out"
    )


def _renamed(name: str, beginnings: Mapping[str, str]) -> str:
    for old, new in beginnings.items():
        if name.startswith(old):
            return new + name.removeprefix(old)
    return name
