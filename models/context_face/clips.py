"""Talking clips as frozen networks see them: latents of frames and of voices, made once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from models.context_face.mel import fit, mel_spectrogram
from models.context_face.network import ContextFace
from models.context_face.vae import Latent
from models.vgg import Vgg16

FRAMES = 16  # of a clip, at regular intervals (section 4.1)
LOOKED_AT = 8  # pictures that VGG-16 is given at a time


@dataclass(frozen=True)
class Clips:
    """C clips of F frames.

    Attributes:
        face: latents (C, F, d) of frames.
        mirrored: of the same frames, left and right exchanged.
        voice: latents (C, d).
        actor: (C,) int64, number of the person.
        emotion: (C,) int64, number of the class.
        classes: how many classes there are.
    """

    face: Latent
    mirrored: Latent
    voice: Latent
    actor: Tensor
    emotion: Tensor
    classes: int

    def __len__(self) -> int:
        return len(self.actor)

    @property
    def frames(self) -> int:
        """F."""
        return self.face.mu.shape[1]

    def only(self, rows: Tensor) -> Clips:
        """Some of them, by number or by a mask."""
        face, mirrored, voice = (
            Latent(*(t[rows] for t in part)) for part in (self.face, self.mirrored, self.voice)
        )
        return Clips(face, mirrored, voice, self.actor[rows], self.emotion[rows], self.classes)

    def of(self, actors: Sequence[int]) -> Clips:
        """Those of some people."""
        return self.only(torch.isin(self.actor, torch.tensor(list(actors))))

    def seen_by_another(self, seen: Tensor) -> Clips:
        """The same clips by what another network sees (C, 2, F, n): frames, and mirrored ones."""
        spread = torch.zeros(*seen.shape[:1], self.frames, 1)  # it knows no variances
        face, mirrored = (Latent(seen[:, half].float(), spread) for half in (0, 1))
        return replace(self, face=face, mirrored=mirrored)


@dataclass(frozen=True)
class ClipLatents:
    """One clip: face and mirrored (F, d), voice (d)."""

    face: Latent
    mirrored: Latent
    voice: Latent


def at_regular_intervals(frames: int, count: int = FRAMES) -> np.ndarray:
    """Numbers (count,) of the frames in the middle of equal parts; few frames come repeatedly."""
    return ((np.arange(count) + 0.5) * frames / count).astype(int)


def encode_clip(
    network: ContextFace, pictures: np.ndarray, wave: np.ndarray, rate: int
) -> ClipLatents:
    """Latents of frames (F, S, S, 3) uint8 and of their sound, as `mel.fit` takes it.

    Raises:
        ValueError: A sound that says nothing, see `mel.fit`.
    """
    mel = network.settings.mel
    heard = mel_spectrogram(torch.from_numpy(fit(wave, rate, mel))[None], mel)
    both = network.encode_faces(_and_mirrored(pictures))
    face, mirrored = (Latent(*half) for half in zip(*(t.chunk(2) for t in both), strict=True))
    voice = Latent(*(t[0] for t in network.encode_contexts(heard)))
    return ClipLatents(face, mirrored, voice)


@torch.inference_mode()
def look_with_vgg16(network: Vgg16, pictures: np.ndarray) -> Tensor:
    """What it sees (2, F, n) in frames (F, S, S, 3) uint8, and in the same mirrored."""
    seen = 2 * _and_mirrored(pictures) - 1
    device = next(network.parameters()).device
    parts = [network(part.to(device)).cpu() for part in seen.split(LOOKED_AT)]
    return torch.cat(parts).unflatten(0, (2, -1))


def _and_mirrored(pictures: np.ndarray) -> Tensor:
    """Pictures (F, S, S, 3) uint8 as (2F, 3, S, S) in [0, 1], the second half mirrored."""
    seen = torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).float() / 255
    return torch.cat([seen, seen.flip(3)])


def together(
    clips: Sequence[ClipLatents], actor: Sequence[int], emotion: Sequence[int], classes: int
) -> Clips:
    """All clips of a corpus."""

    def stacked(name: str) -> Latent:
        parts = [getattr(clip, name) for clip in clips]
        return Latent(*(torch.stack(both) for both in zip(*parts, strict=True)))

    return Clips(
        stacked("face"), stacked("mirrored"), stacked("voice"),
        torch.tensor(actor), torch.tensor(emotion), classes,
    )  # fmt: skip
