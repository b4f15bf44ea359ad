"""Sizes of the networks of Lindt et al. 2019: the paper's by default, and mien's."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class EditorSettings:
    """Encoder E and generator G (section III-A1, fig. 1; widths of the published code)."""

    size: int = 96  # pixels a side
    widths: tuple[int, ...] = (64, 128, 256, 512)  # of E's convolutions; each halves
    kernel: int = 5  # of every convolution and transposed convolution
    latent: int = 50  # numbers that tell who a face is
    enlarged: int = 50  # how often each of valence and arousal stands beside them
    start: int = 1024  # maps of G's fully connected layer
    doubled: tuple[int, ...] = (512, 256, 128, 64)  # of G's transposed convolutions; each doubles
    drawn: tuple[int, ...] = (32,)  # of those of stride 1, before the one that gives colours
    slope: float = 0.0  # of every ReLU below 0; the paper's have none
    skips: bool = False  # an addition of mien: G sees E's maps as well (network.Generator)
    warped: bool = False  # an addition of mien: see models.composing
    reach: float = 0.12  # farthest that a warped picture fetches a pixel, of its side

    def __post_init__(self) -> None:
        """Refuse what cannot be built."""
        halvings = 2 ** len(self.widths)
        if self.size % halvings or self.size < halvings:
            raise ValueError(
                f"size {self.size} cannot be halved {len(self.widths)} times; give a multiple of "
                f"{halvings}"
            )
        if len(self.doubled) + self.warped != len(self.widths):
            raise ValueError(
                f"doubled: {len(self.doubled)} layers; a picture that is halved "
                f"{len(self.widths)} times needs {len(self.widths) - self.warped}"
            )

    @property
    def smallest(self) -> int:
        """Pixels a side after the last halving."""
        return self.size // 2 ** len(self.widths)


@dataclass(frozen=True)
class CriticSettings:
    """The discriminators (section III-A2 and III-A3; widths of the published code)."""

    widths: tuple[int, ...] = (16, 32, 64, 128)  # of D_img's convolutions; each halves
    kernel: int = 5
    enlarged: int = 16  # maps that each of valence and arousal is written to, after every block
    hidden: int = 1024  # of D_img's first fully connected layer
    latent: tuple[int, ...] = (64, 32, 16)  # of D_z's


PAPER = EditorSettings()
PAPER_128 = replace(PAPER, size=128)

# mien's own: few weights, and pictures composed of the given one's pixels
SHIPPED = EditorSettings(
    size=128, widths=(32, 64, 128, 192), kernel=3, enlarged=10, start=128,
    doubled=(128, 96, 48), drawn=(), slope=0.2, skips=True, warped=True,
)  # fmt: skip
SHIPPED_96 = replace(SHIPPED, size=96)
