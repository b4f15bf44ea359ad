"""Sizes of the three base models of Hu et al. 2024: the published ones by default, and mien's.

The sizes are those of the published code of each base: Trans-VAE of the baselines of REACT 2024,
REGNN of Xu et al. 2023, FaceVIS (also FaceAIS) of Dam et al. 2024. What a base reads is mien's: 25
attributes of a face and the features of a voice, where the published ones read what other networks
made of pictures and sounds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from models.weights import settings_of

VOICE = 78  # features of a voice at one frame (models.reaction.voice)
SEES = ("attributes", "frames")
CONVERTS = ("each", "shared")
SCORED = ("nearest", "energy")


def _divides(heads: int, width: int, name: str) -> None:
    if heads < 1 or width % heads:
        raise ValueError(f"{name} {width}: not a multiple of {heads} heads")


def _among(value: str, accepted: tuple[str, ...], name: str) -> None:
    if value not in accepted:
        raise ValueError(f"{name} {value!r}: give {' or '.join(accepted)}")


@dataclass(frozen=True)
class TransVaeSettings:
    """Trans-VAE, the baseline of REACT 2024."""

    sees: str = "attributes"  # of the speaker's face, or "frames": pictures (3, 224, 224)
    voice: int = VOICE
    width: int = 128  # of everything between input and output, and of the sample
    heads: int = 4
    inner: int = 256  # of the layers between two attentions
    dropout: float = 0.1
    shape: int = 58  # numbers of a 3D face model that are made first, and seen by the last layers
    period: int | None = None  # frames after which time queries repeat, an addition of mien
    prior: float = 2e-4  # weight of KL(Z || N(0, 1))
    diversity: float = 10.0  # weight of the loss for reactions of a speaker that are alike
    alike: float = 100.0  # squared distance of two reactions at which that loss is 1 / e

    def __post_init__(self) -> None:
        """Refuse what cannot be built."""
        _divides(self.heads, self.width, "width")
        _among(self.sees, SEES, "sees")
        if self.period is not None and self.period < 2:
            raise ValueError(f"period {self.period}: give 2 frames or more")


@dataclass(frozen=True)
class RegnnSettings:
    """REGNN: a graph of the 25 attributes over windows of time, reversible."""

    voice: int = VOICE
    width: int = 128  # of the cross-modal transformer
    heads: int = 4
    inner: int = 512
    layers: int = 5  # of the face looking at the voice, and again of what both give
    dropout: float = 0.1
    fused: int = 64  # d_m
    frames: int = 50  # of a window
    stride: int = 25  # between windows; where they overlap, their mean counts
    converts: str = "each"  # each frame of a window by its own layers, or "shared"
    channels: int = 8  # of edges
    neighbours: int = 5  # that a node keeps edges to, beside itself
    motor_layers: int = 2  # reversible ones
    tolerance: float = 1e-6  # of the inverse; the published one allows 1e-3
    unrolled: int = 5  # steps to the inverse that gradients pass through
    learning: int | None = 5  # steps at most where gradients are asked for, as published; None: all
    spread: float = 0.058  # standard deviation of Z: the published noise has √0.06 at its largest
    smooth: float = 0.0  # frames (sd of a Gaussian) that the noise is smoothed over, mien's
    middle: float = 1.0  # weight of the loss that draws the reactions to a speaker together
    decoded: float = 1.0  # weight of the decoded reaction's distance, as in the published variant
    # what that distance is: to the nearest appropriate reaction, as published, or the energy score
    # of some draws against all of them (models.reaction.scoring), mien's
    scored: str = "nearest"
    draws: int = 1  # reactions to a speaker that are drawn for it
    # how listeners differ beside the noise above, mien's (models.reaction.distributions.Manners)
    styles: int = 0  # numbers that stay the same over a clip
    changes: int = 0  # numbers that change slowly
    pace: float = 28.0  # frames: people's differences correlate .5 after 2 s (FrameNormal's smooth)
    temperature: float = 1.0  # below 1: nearer to the usual listener than those learned from

    def __post_init__(self) -> None:
        """Refuse what cannot be built."""
        _divides(self.heads, self.width, "width")
        _among(self.converts, CONVERTS, "converts")
        _among(self.scored, SCORED, "scored")
        if self.draws < 1 + (self.scored == "energy"):
            raise ValueError(f"draws {self.draws}: give 1 or more, for the energy score 2")
        if self.temperature < 0:
            raise ValueError(f"temperature {self.temperature:g}: give 0 or more")
        if not 0 < self.stride <= self.frames:
            raise ValueError(f"stride {self.stride}: give 1 to the {self.frames} of a window")


@dataclass(frozen=True)
class TokenizerSettings:
    """From a face over time to tokens and back (first stage of FaceVIS)."""

    patch: int = 1  # frames of a token
    levels: tuple[int, ...] = (8, 5, 5, 5)  # of each number of a code: 1,000 codes
    width: int = 252
    heads: int = 12
    inner: int = 1008
    layers: int = 12  # of the encoder, and of the decoder
    reach: int = 32  # tokens to either side that a token sees
    dropout: float = 0.1
    velocity: float = 0.0  # weight of the distance between changes from frame to frame, mien's
    usual: float = 0.0  # weight of mien's distance (FaceTokenizer.losses); 0: the published one

    def __post_init__(self) -> None:
        """Refuse what cannot be built."""
        _divides(self.heads, self.width, "width")
        if self.patch > 1 and self.patch % 2:
            raise ValueError(f"patch {self.patch}: give 1 or an even number of frames")
        if not self.levels or min(self.levels) < 2:
            raise ValueError(f"levels {self.levels}: give 2 or more for each number of a code")


@dataclass(frozen=True)
class FaceVisSettings:
    """FaceVIS: tokens of a listener's face, predicted from the speaker and from those before."""

    tokenizer: TokenizerSettings = TokenizerSettings()
    voice: int = VOICE
    width: int = 360
    heads: int = 12
    inner: int = 1440
    unimodal: int = 8  # layers of the speaker's face, and of the voice, alone
    fusing: int = 8  # layers in which the two meet
    speaking: int = 8  # layers of what they gave, before a listener looks at it
    listening: int = 8  # layers of the listener's tokens alone
    joining: int = 8  # layers in which the listener looks at the speaker
    back: int = 256  # tokens before a token that it sees
    around: int = 256  # tokens of the speaker to either side that a token sees
    gate: float = 0.0  # at the beginning, of what is looked at through a gate
    together: int = 32  # tokens that are predicted in one step
    forgotten: float = 0.1  # share of earlier tokens that are hidden in training
    dropout: float = 0.1
    top_k: int = 512  # most probable tokens that are drawn from
    temperature: float = 1.0  # below 1: more probable ones more often
    decoded: float = 1.0  # weight of the decoded reaction's distance; nothing for the base alone

    def __post_init__(self) -> None:
        """Refuse what cannot be built."""
        _divides(self.heads, self.width, "width")
        if self.together < 1 or self.back < self.together:
            raise ValueError(f"together {self.together}: give 1 to back ({self.back})")
        if self.top_k < 1 or self.temperature <= 0:
            raise ValueError(
                f"top_k {self.top_k}, temperature {self.temperature:g}: give 1 or more, and more "
                "than 0"
            )


BaseSettings = TransVaeSettings | RegnnSettings | FaceVisSettings

PAPER: dict[str, BaseSettings] = {
    "trans-vae": TransVaeSettings(),
    "regnn": RegnnSettings(),
    "facevis": FaceVisSettings(),
}
NAMES = tuple(PAPER)

# mien's own: quick to train on one core, and smooth
SHIPPED: dict[str, BaseSettings] = {
    # the published weight makes two reactions to a speaker 0.11 apart (mean square), people's are
    # less than 0.03
    "trans-vae": TransVaeSettings(width=64, inner=128, period=128, diversity=0.05),
    "regnn": RegnnSettings(
        width=64, inner=128, layers=1, fused=48, converts="shared", spread=0.15, smooth=12.0,
    ),
    "facevis": FaceVisSettings(
        tokenizer=TokenizerSettings(
            patch=4, width=96, heads=4, inner=192, layers=2, reach=16, usual=0.1,
            velocity=0.03,
        ),
        width=96, heads=4, inner=192, unimodal=0, fusing=1, speaking=1, listening=0, joining=2,
        back=32, around=16, gate=1.0, together=1, top_k=64, temperature=0.9,
    ),
}  # fmt: skip

# mien's own in the stage that makes reactions differ (learn.Varying), for the bases that have it
VARIED: dict[str, RegnnSettings] = {
    "regnn": RegnnSettings(
        width=64, inner=128, layers=1, fused=48, converts="shared", spread=0.03, smooth=12.0,
        scored="energy", draws=4, styles=4, changes=8, learning=2, unrolled=1, temperature=0.5,
    ),
}  # fmt: skip


def name_of(settings: BaseSettings) -> str:
    """The base that settings are of, as in NAMES."""
    for name, known in PAPER.items():
        if type(settings) is type(known):
            return name
    raise TypeError(f"settings of no base: {type(settings).__name__}")


def stored_settings(settings: BaseSettings) -> dict[str, Any]:
    """Settings as JSON takes them."""
    return asdict(settings)


def restored_settings(name: str, stored: Mapping[str, Any]) -> BaseSettings:
    """Settings of a base from what `stored_settings` gave.

    Raises:
        KeyError: No such base. TypeError, ValueError: Settings that it does not know or take.
    """
    values = settings_of(stored)
    if "tokenizer" in values:
        values["tokenizer"] = TokenizerSettings(**settings_of(values["tokenizer"]))
    return type(PAPER[name])(**values)
