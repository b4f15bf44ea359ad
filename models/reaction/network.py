"""What every model of listener reactions does, whatever framework is around its base.

`encode` sees a speaker once; any number of reactions is then sampled and decoded from what it gave.
`Original` is the base alone, as its authors have it: a modality that is missing is all zeros to it,
and so is a frame.

Symbols: N speakers, K reactions that are appropriate to each, T frames, V voice features.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from models.reaction.base import Base, Decode
from models.reaction.missing import given


class Speaker(NamedTuple):
    """face (N, T, 25) and voice (N, T, V) of N speakers, and where (N, T) each is there."""

    face: Tensor
    voice: Tensor
    face_there: Tensor
    voice_there: Tensor


class Model(nn.Module, ABC):
    """A base and what is around it."""

    framework: str  # one of stored.FRAMEWORKS

    def __init__(self, base: Base, voices: int) -> None:
        """voices: V."""
        super().__init__()
        self.base = base
        self.voice_mean: Tensor
        self.voice_spread: Tensor
        self.register_buffer("voice_mean", torch.zeros(voices))
        self.register_buffer("voice_spread", torch.ones(voices))

    def hear_as(self, mean: Tensor, spread: Tensor) -> None:
        """Standardise voices by what was measured on those of the training (V,)."""
        self.voice_mean.copy_(mean)
        self.voice_spread.copy_(spread)

    def seen(self, speaker: Speaker) -> Speaker:
        """A speaker with zeros where something is missing, and the voice standardised."""
        voice = (speaker.voice - self.voice_mean) / self.voice_spread
        return speaker._replace(
            face=given(speaker.face, speaker.face_there), voice=given(voice, speaker.voice_there)
        )

    @abstractmethod
    def encode(self, speaker: Speaker, generators: Sequence[torch.Generator]) -> tuple[Any, Decode]:
        """The distribution Z of N speakers (eq. 3), and what makes reactions of its samples.

        generators: one for each speaker, for what is made up of what is missing.
        """

    @abstractmethod
    def losses(
        self, speaker: Speaker, truth: Tensor, dropped: Sequence[tuple[Tensor, Tensor]],
        taught: int, beside: int, generators: Sequence[torch.Generator],
    ) -> dict[str, Tensor]:  # fmt: skip
        """Weighted losses, by name; their sum is minimised.

        Args:
            speaker: with everything there.
            truth: (N, K, T, 25) appropriate reactions.
            dropped: two pairs of masks (N, T) of face and voice: with the voice dropped, and with
                the face dropped.
            taught: which is taught to react, 0 the whole speaker, 1 and 2 as in `dropped`.
            beside: another of these, whose Z is to be the same (eq. 14).
            generators: one for each speaker.
        """


class Original(Model):
    """A base without a framework."""

    framework = "none"

    def encode(self, speaker: Speaker, generators: Sequence[torch.Generator]) -> tuple[Any, Decode]:
        """Sections 2 and 4 of the paper: what is missing is zeros."""
        return self._distribution(speaker, None), self._decoder(speaker)

    def losses(
        self, speaker: Speaker, truth: Tensor, dropped: Sequence[tuple[Tensor, Tensor]],
        taught: int, beside: int, generators: Sequence[torch.Generator],
    ) -> dict[str, Tensor]:  # fmt: skip
        """The base's own, on whole speakers."""
        z = self._distribution(speaker, truth[:, 0])
        return self.base.losses(z, truth, self._decoder(speaker), generators)

    def _distribution(self, speaker: Speaker, truth: Tensor | None) -> Any:
        base, seen = self.base, self.seen(speaker)
        fused = base.fuse(base.embed_face(seen.face), base.embed_voice(seen.voice))
        return base.distribution(fused, truth)

    def _decoder(self, speaker: Speaker) -> Decode:
        length = speaker.face.shape[1]
        return lambda samples, rows: self.base.decode(samples, length)
