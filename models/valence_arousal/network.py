"""Encoder E and generator G of Lindt et al. 2019, section III-A1.

Pictures are (…, 3, S, S) in [-1, 1]; labels (…, 2) are valence and arousal in [-1, 1].
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.composing import Composed
from models.valence_arousal.settings import PAPER, EditorSettings

DRAWN, SMOOTH = 12, 3  # maps at half size: four of each colour; the mask, and how far along x and y
LABELS = 49  # labels that are decoded together: as many as the paper's grid has


class Encoded(NamedTuple):
    """Faces as E leaves them: everything that does not depend on the label.

    z: (N, latent) in [-1, 1]; shares: what E's maps add to G's, (N, width, h, w) a layer, or none;
    picture: (N, 3, S, S).
    """

    z: Tensor
    shares: tuple[Tensor, ...]
    picture: Tensor


class Encoder(nn.Module):
    """Convolutions that halve, then one fully connected layer."""

    def __init__(self, settings: EditorSettings) -> None:
        super().__init__()
        layers, channels = [], 3
        for width in settings.widths:
            layers.append(
                nn.Conv2d(channels, width, settings.kernel, stride=2, padding=settings.kernel // 2)
            )
            channels = width
        self.layers, self.slope = nn.ModuleList(layers), settings.slope
        self.latent = nn.Linear(channels * settings.smallest**2, settings.latent)

    def forward(self, pictures: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Z (N, latent) of pictures (N, 3, S, S), and every map on the way, from large to small."""
        maps, x = [], pictures
        for layer in self.layers:
            x = F.leaky_relu(layer(x), self.slope)
            maps.append(x)
        return self.latent(x.flatten(1)).float().tanh(), maps


class Generator(nn.Module):
    """One fully connected layer, transposed convolutions that double, and the picture.

    With `skips` E's maps of the same size pass a convolution and are added to every layer's, so
    that a face need not pass through z alone. The sum is taken apart, as E's share is the same for
    all labels of a face. With `warped` the last doubling and the picture are models.composing's;
    what is moved and how much is drawn changes smoothly from pixel to pixel.
    """

    def __init__(self, settings: EditorSettings) -> None:
        super().__init__()
        s, side = settings, settings.kernel // 2
        self.start = (s.start, s.smallest, s.smallest)
        self.enlarged, self.slope = s.enlarged, s.slope
        self.first = nn.Linear(s.latent + 2 * s.enlarged, s.start * s.smallest**2)
        doubling, channels = [], s.start
        for width in s.doubled:
            doubling.append(nn.ConvTranspose2d(
                channels, width, s.kernel, stride=2, padding=side, output_padding=1
            ))  # fmt: skip
            channels = width
        self.doubling = nn.ModuleList(doubling)
        drawing = []
        for width in s.drawn:
            drawing.append(nn.ConvTranspose2d(channels, width, s.kernel, padding=side))
            channels = width
        self.drawing = nn.ModuleList(drawing)
        self.composed = Composed(s.reach) if s.warped else None
        planes = DRAWN + SMOOTH if s.warped else 3
        self.picture = nn.ConvTranspose2d(channels, planes, s.kernel, padding=side)
        sizes = zip(reversed(s.widths), (s.start, *s.doubled), strict=False)
        self.skips = nn.ModuleList(
            nn.Conv2d(width, out, 3, padding=1) for width, out in (sizes if s.skips else ())
        )

    def shares(self, maps: list[Tensor]) -> tuple[Tensor, ...]:
        """What E's maps (from large to small) add to each layer; none without skips."""
        return tuple(skip(x) for skip, x in zip(self.skips, reversed(maps), strict=False))

    def forward(self, faces: Encoded, labels: Tensor) -> Tensor:
        """Pictures (N, L, 3, S, S) of N faces at L labels each (N, L, 2)."""
        n, many = labels.shape[:2]
        large = labels.repeat_interleave(self.enlarged, 2)  # (N, L, 2 * enlarged)
        joined = torch.cat([faces.z[:, None].expand(-1, many, -1), large], 2)
        x = self.first(joined.flatten(0, 1)).unflatten(1, self.start)  # (N * L, start, s, s)
        x = x.contiguous(memory_format=torch.channels_last)
        shares = iter(faces.shares)
        x = self._bent(x, next(shares, None), n)
        for layer in self.doubling:
            x = self._bent(layer(x), next(shares, None), n)
        for layer in self.drawing:
            x = F.leaky_relu(layer(x), self.slope)
        x = self.picture(x).float()
        if self.composed is None:
            return x.tanh().unflatten(0, (n, many))
        drawn, smooth = x.split([DRAWN, SMOOTH], 1)
        smooth = F.interpolate(smooth, scale_factor=2.0, mode="bilinear")
        planes = torch.cat([F.pixel_shuffle(drawn, 2), smooth], 1).unflatten(0, (n, many))
        return self.composed(planes, faces.picture.float())

    def _bent(self, maps: Tensor, share: Tensor | None, n: int) -> Tensor:
        """ReLU of maps (N * L, width, h, w) and each face's share (N, width, h, w)."""
        if share is not None:
            maps = (maps.unflatten(0, (n, -1)) + share[:, None]).flatten(0, 1)
        return F.leaky_relu(maps, self.slope)

    def begin_as_copy(self) -> None:
        """Make a composed picture nearly the given one, whatever the label.

        A picture that begins as noise is pushed so hard at first that most layers never recover:
        measured with mien's recipe, 0.2 % of the first layer's outputs were left above 0.
        """
        if self.composed is None:
            return
        with torch.no_grad():
            self.picture.weight *= 0.1
            assert self.picture.bias is not None
            self.picture.bias[DRAWN] = -1.5  # of the mask: 18 % drawn


class Editor(nn.Module):
    """Both; `forward` is training's, `edit` makes stimuli."""

    def __init__(self, settings: EditorSettings = PAPER) -> None:
        super().__init__()
        self.settings = settings
        self.encoder = Encoder(settings)
        self.generator = Generator(settings)

    def encode(self, pictures: Tensor) -> Encoded:
        """Faces of pictures (N, 3, S, S)."""
        z, maps = self.encoder(pictures.contiguous(memory_format=torch.channels_last))
        return Encoded(z, self.generator.shares(maps), pictures)

    def decode(self, faces: Encoded, labels: Tensor) -> Tensor:
        """Pictures (N, L, 3, S, S) of N faces at L labels each (N, L, 2)."""
        return self.generator(faces, labels)

    def forward(self, pictures: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Pictures (N, L, 3, S, S) at labels (N, L, 2), and z (N, latent)."""
        faces = self.encode(pictures)
        return self.decode(faces, labels), faces.z

    @torch.inference_mode()
    def edit(self, picture: Tensor, labels: Tensor, together: int = LABELS) -> Tensor:
        """One face at L labels: (L, 3, S, S).

        The face is encoded once. Labels are decoded `together` at a time, the last ones filled up:
        convolutions round differently in batches of another size, and a stimulus must not depend on
        how many were asked for.

        Args:
            picture: (3, S, S) in [-1, 1].
            labels: (L, 2), valence and arousal.
            together: labels of a batch.

        Raises:
            ValueError: a label outside [-1, 1], or NaN; a picture of another size.
        """
        checked(picture, labels, self.settings.size)
        face, found = self.encode(picture[None]), []
        for some in labels.split(together) if len(labels) else ():
            filled = torch.cat([some, some[-1:].expand(together - len(some), -1)])
            found.append(self.decode(face, filled[None])[0, : len(some)])
        return torch.cat(found) if found else picture.new_empty(0, *picture.shape)


def checked(picture: Tensor, labels: Tensor, size: int) -> None:
    """Refuse labels outside the plane, and pictures of another size."""
    if tuple(picture.shape) != (3, size, size):
        raise ValueError(f"picture: found {tuple(picture.shape)}; accepted: (3, {size}, {size})")
    if labels.ndim != 2 or labels.shape[1] != 2:
        raise ValueError(f"labels: found {tuple(labels.shape)}; accepted: (L, 2)")
    for axis, name in enumerate(("valence", "arousal")):
        wrong = labels[:, axis][~(labels[:, axis].abs() <= 1)]  # a NaN as well
        if len(wrong):
            raise ValueError(f"{name}: found {float(wrong[0]):g}; accepted: -1 to 1")
