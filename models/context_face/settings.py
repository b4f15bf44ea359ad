"""Sizes of the networks: the paper's, and the smaller ones whose weights mien ships."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

EMOTIONS = ("neutral", "happy", "sad", "angry", "fearful", "disgusted", "surprised")


@dataclass(frozen=True)
class VaeSettings:
    """One VAE-GAN: the paper's by default (counts of channels: its published code)."""

    channels: int = 3  # 3 for faces, 1 for spectrograms
    size: int = 128  # pixels a side
    widths: tuple[int, ...] = (64, 128, 256, 512, 512)  # channels after each halving
    decoder_widths: tuple[int, ...] = ()  # likewise of the decoder; empty: the encoder's
    latent: int = 512  # d
    stem_stride: int = 1  # 2: the first convolution halves at once, instead of pooling after it
    places: bool = False  # an addition of mien, of the decoder: see `layers.Places`
    discriminator_widths: tuple[int, ...] = (32, 128, 256, 256)
    discriminator_features: int = 512

    def __post_init__(self) -> None:
        """Refuse what cannot be built."""
        if self.size % 2 ** len(self.widths) or self.size < 2 ** len(self.widths):
            raise ValueError(
                f"size {self.size} cannot be halved {len(self.widths)} times; give a multiple of "
                f"{2 ** len(self.widths)}"
            )
        if self.decoder_widths and len(self.decoder_widths) != len(self.widths):
            raise ValueError(
                f"decoder_widths: found {len(self.decoder_widths)} widths; give {len(self.widths)} "
                "like those of the encoder, or none"
            )
        if self.stem_stride not in (1, 2):
            raise ValueError(f"stem_stride: found {self.stem_stride}; accepted: 1 or 2")
        if self.places and self.stem_stride == 1:
            raise ValueError("places: found with stem_stride 1; accepted: with 2")

    def able_to_learn(self, places: bool) -> VaeSettings:
        """The same network with places, if it is to learn them and can: only with stem_stride 2."""
        return replace(self, places=self.places or (places and self.stem_stride == 2))

    @property
    def smallest(self) -> int:
        """Pixels a side after the last halving."""
        return self.size // 2 ** len(self.widths)


@dataclass(frozen=True)
class MelSettings:
    """The Mel spectrogram of a context (section 4.2): 128 bins of 22,050 Hz sound."""

    rate: int = 22_050  # hertz
    bins: int = 128
    window: int = 1310  # samples; also the length of the Fourier transform
    hop: int = 755  # samples; the published code left torchaudio's 655
    frames: int = 128  # of a spectrogram: 128 * 755 / 22,050 = 4.38 s
    floor_db: float = 100.0  # below the loudest; quieter is cut


@dataclass(frozen=True)
class ComposerSettings:
    """An addition of mien: see `composer`."""

    widths: tuple[int, int, int] = (16, 32, 48)  # channels at 1/2, 1/4 and 1/8 of the size
    places: bool = False  # see `layers.Places`
    reach: float = 0.12  # farthest that a pixel is fetched, of the picture's side
    around: int = 9  # half-size pixels across over which change is averaged; odd
    trust: float = 60.0  # at first: how soon a change counts, e-fold at 1 / trust of the range

    def __post_init__(self) -> None:
        """Refuse an even window."""
        if self.around % 2 == 0:
            raise ValueError(f"around: found {self.around}; accepted: odd numbers")


@dataclass(frozen=True)
class ContextFaceSettings:
    """The whole model."""

    face: VaeSettings = field(default_factory=VaeSettings)
    context: VaeSettings = field(default_factory=lambda: VaeSettings(channels=1))
    mel: MelSettings = field(default_factory=MelSettings)
    emotions: tuple[str, ...] = EMOTIONS
    composer: ComposerSettings | None = None  # the paper has none
    gains: tuple[float, ...] = ()  # of CAN's offsets, one an emotion: `strength`; none in the paper
    farthest: tuple[float, ...] = ()  # how long offsets get, with their gains; likewise

    def __post_init__(self) -> None:
        """Refuse networks that do not fit together."""
        if self.face.latent != self.context.latent:
            raise ValueError(
                f"latent: face {self.face.latent}, context {self.context.latent}; give the same d"
            )
        if (self.mel.bins, self.mel.frames) != (self.context.size, self.context.size):
            raise ValueError(
                f"context.size {self.context.size}: a spectrogram has {self.mel.bins} bins and "
                f"{self.mel.frames} frames; give all three the same"
            )
        for name, values in (("gains", self.gains), ("farthest", self.farthest)):
            if values and len(values) != len(self.emotions):
                raise ValueError(f"{name}: found {len(values)}; of {len(self.emotions)} emotions")


PAPER = ContextFaceSettings()
# Few halvings: linear layers make maps of 16 × 16, which learns ten times as fast as maps of 4 × 4.
SHIPPED = ContextFaceSettings(
    face=VaeSettings(
        widths=(16, 48, 24), decoder_widths=(32, 64, 24), latent=256, stem_stride=2,
        places=True, discriminator_widths=(16, 32, 64),
    ),
    context=VaeSettings(
        channels=1, widths=(16, 32, 48, 64), latent=256, stem_stride=2,
        discriminator_widths=(16, 32, 64),
    ),
    composer=ComposerSettings(places=True),
)  # fmt: skip
