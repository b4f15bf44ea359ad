"""The discriminators of Lindt et al. 2019, sections III-A2, III-A3 and III-B."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.layers import SLOPE
from models.valence_arousal.settings import CriticSettings, EditorSettings


class ImageCritic(nn.Module):
    """D_img: whether a picture and a label are a true pair.

    The enlarged label is concatenated to every block's maps: "crucial", the paper says (its
    published code does it after the first block only).
    """

    def __init__(self, of: EditorSettings, settings: CriticSettings) -> None:
        super().__init__()
        self.enlarged = settings.enlarged
        layers, norms, channels = [], [], 3
        for width in settings.widths:
            layers.append(nn.Conv2d(
                channels, width, settings.kernel, stride=2, padding=settings.kernel // 2
            ))  # fmt: skip
            norms.append(nn.BatchNorm2d(width))
            channels = width + 2 * settings.enlarged
        self.layers, self.norms = nn.ModuleList(layers), nn.ModuleList(norms)
        side = of.size // 2 ** len(settings.widths)
        self.hidden = nn.Linear(channels * side**2, settings.hidden)
        self.verdict = nn.Linear(settings.hidden, 1)

    def forward(self, pictures: Tensor, labels: Tensor) -> Tensor:
        """Logits (N,) of pictures (N, 3, S, S) and labels (N, 2)."""
        large = labels.repeat_interleave(self.enlarged, 1)[:, :, None, None]
        x = pictures
        for layer, norm in zip(self.layers, self.norms, strict=True):
            x = F.relu(norm(layer(x)))
            x = torch.cat([x, large.to(x.dtype).expand(-1, -1, *x.shape[2:])], 1)
        return self.verdict(F.leaky_relu(self.hidden(x.flatten(1)), SLOPE))[:, 0].float()


class LatentCritic(nn.Module):
    """D_z: whether numbers were drawn from the uniform prior over [-1, 1], or come from E."""

    def __init__(self, of: EditorSettings, settings: CriticSettings) -> None:
        super().__init__()
        layers, channels = [], of.latent
        for width in settings.latent:
            layers += [nn.Linear(channels, width), nn.BatchNorm1d(width), nn.ReLU()]
            channels = width
        self.layers = nn.Sequential(*layers, nn.Linear(channels, 1))

    def forward(self, z: Tensor) -> Tensor:
        """Logits (N,) of z (N, latent)."""
        return self.layers(z)[:, 0].float()

    def both(self, prior: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (N,) of numbers of the prior (N, latent) and of z (N, latent), in one batch.

        In batches of their own the normalisation would bring both to the same mean and width: a z
        ten times too narrow would pass for uniform.
        """
        drawn, found = self(torch.cat([prior, z])).split([len(prior), len(z)])
        return drawn, found
