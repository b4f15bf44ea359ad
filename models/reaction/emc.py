"""The Emotion-aware Modality Compensatory framework (EMC) around any base: Hu et al. 2024.

    u^f, u^s   embeddings of the base (eq. 1); where one is missing û of its CMA (eq. 6, 7)
    e^f, e^s   U-EA of them, with the emotion e of the face, or of the voice (eq. 8 to 10)
    m          the base's fusion of both (eq. 2), then M-EA
    Z          the base's distribution of that (eq. 11 to 13), learned to stay the same (eq. 14)
    g          samples of Z, then S-EA with e (eq. 15), then the base's decoder (eq. 4)

Eq. 12 and 13 are printed with their subscripts swapped: Z_ŝf is written as M-EA(ê^f, e^s), which
has the face made up, and Z_sf̂ as M-EA(e^f, ê^s). Here Z_ŝf has the voice made up, as its name says.

The paper writes of modalities; here each frame may miss one, the other, or both. U-EA is one module
for both modalities, as M-EA is one for all three fusions. The paper gives the three fusions "by
chance" to M-EA: here two of them in each step, one of which is taught to react; so each step has
one of the three divergences of eq. 14, and counts it three times.

Symbols: N speakers, T frames, d_u, d_m, d_g the base's widths.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from models.reaction.alignment import Alignment, AlignmentSettings
from models.reaction.base import Base, Decode
from models.reaction.emotion_attention import AttentionSettings, EmotionAttention, EmotionMlp
from models.reaction.hearing import HearingSettings, SpeechEmotion
from models.reaction.network import Model, Speaker


@dataclass(frozen=True)
class EmcSettings:
    """The framework; what the paper leaves open, with its reason.

    The weights make every part as large as the base's own losses, or smaller.
    """

    attention: bool = True  # off: the ablation "w/o EA"
    alignment: AlignmentSettings = AlignmentSettings()
    attending: AttentionSettings = AttentionSettings()
    hearing: HearingSettings = HearingSettings()
    compensation: float = 0.2  # weight of L_CVAE (eq. 18): CMAs share nothing with the base
    # weight of eq. 14, which sums over d_g and divides by small variances: at 0.02 a Z that does
    # not move at all costs REGNN less than one that follows the speaker
    fusion: float = 1e-4


class Emc(Model):
    """EMC around a base; `attention` off: CMA and eq. 14 alone."""

    def __init__(self, base: Base, settings: EmcSettings, voices: int) -> None:
        super().__init__(base, voices)
        s = self.settings = settings
        self.framework = "emc" if s.attention else "no-attention"
        self.face_alignment = Alignment(base.width, s.alignment)
        self.voice_alignment = Alignment(base.width, s.alignment)
        if s.attention:
            self.hearing = SpeechEmotion(s.hearing).requires_grad_(False)
            self.emotion = EmotionMlp(s.attending)
            self.unimodal = EmotionAttention(base.width, s.attending)
            self.multimodal = EmotionAttention(base.fused_width, s.attending)
            self.of_samples = EmotionAttention(base.sample_width, s.attending)

    def encode(self, speaker: Speaker, generators: Sequence[torch.Generator]) -> tuple[Any, Decode]:
        """Eq. 6 to 15 for speakers of whom anything may be missing."""
        fused, emotion = self._fused(self.seen(speaker), self._noise(generators))
        return self.base.distribution(fused), self._decoder(emotion, speaker.face.shape[1])

    def losses(
        self, speaker: Speaker, truth: Tensor, dropped: Sequence[tuple[Tensor, Tensor]],
        taught: int, beside: int, generators: Sequence[torch.Generator],
    ) -> dict[str, Tensor]:  # fmt: skip
        """The base's own (of what is taught), eq. 18 for both modalities, and eq. 14."""
        s, n, length = self.settings, len(truth), truth.shape[2]
        noise = self._noise(generators).to(truth)
        given = [(speaker.face_there, speaker.voice_there), *dropped]
        kinds = sorted({taught, beside})  # in the order of eq. 14: sf, ŝf, sf̂
        seen = [self._with(speaker, *given[kind]) for kind in kinds]
        together = Speaker(*(torch.cat(parts) for parts in zip(*seen, strict=True)))
        fused, emotion = self._fused(together, noise.repeat(len(kinds), 1, 1))
        zs = [self.base.distribution(part, truth[:, 0]) for part in fused.split(n)]
        at = kinds.index(taught)
        own = None if emotion is None else emotion.split(n)[at]
        said = self.base.losses(zs[at], truth, self._decoder(own, length), generators)
        whole = self._with(speaker, *given[0])
        face, voice = self.base.embed_face(whole.face), self.base.embed_voice(whole.voice)
        for name, cma, target, condition, drawn in (
            ("face", self.face_alignment, face, voice, noise[:, 0]),
            ("voice", self.voice_alignment, voice, face, noise[:, 1]),
        ):
            align, divergence = cma.losses(target, condition, drawn)
            said[f"{name} align"] = s.compensation * align
            said[f"{name} KL"] = s.compensation * divergence
        first, second = zs
        said["fusion"] = 3 * s.fusion * first.divergence(second)
        return said

    def _with(self, speaker: Speaker, face_there: Tensor, voice_there: Tensor) -> Speaker:
        return self.seen(speaker._replace(face_there=face_there, voice_there=voice_there))

    def _fused(self, seen: Speaker, noise: Tensor) -> tuple[Tensor, Tensor | None]:
        """What the base's distribution is made from (N, T, d_m), and the emotion (N, T, ·).

        seen: zeros where something is missing; noise (N, 2, latent) for both CMAs.
        """
        base, face_there, voice_there = self.base, seen.face_there, seen.voice_there
        face, voice = base.embed_face(seen.face), base.embed_voice(seen.voice)
        face, voice = (
            _completed(face, face_there, self.face_alignment, voice, voice_there, noise[:, 0]),
            _completed(voice, voice_there, self.voice_alignment, face, face_there, noise[:, 1]),
        )
        if not self.settings.attention:
            return base.fuse(face, voice), None
        emotion = self.emotion(seen.face, self.hearing(seen.voice), face_there, voice_there)
        length, context = face.shape[1], self.unimodal.context(emotion)
        face = self.unimodal(face, context, length)
        voice = self.unimodal(voice, context, length)
        fused = base.fuse(face, voice)
        return self.multimodal(fused, self.multimodal.context(emotion), length), emotion

    def _decoder(self, emotion: Tensor | None, length: int) -> Decode:
        """S-EA (eq. 15), then the base's decoder.

        A base with one sample for a clip gets that sample for every frame: so emotion has a time.
        """
        base = self.base
        if emotion is None:
            return lambda samples, rows: base.decode(samples, length)
        context = self.of_samples.context(emotion)
        stride = 1 if base.per_clip else base.stride

        def decode(samples: Tensor, rows: Tensor) -> Tensor:
            if base.per_clip:
                samples = samples.expand(-1, length, -1)
            refined = self.of_samples(samples, context[rows], length, stride)
            return base.decode(refined, length)

        return decode

    def _noise(self, generators: Sequence[torch.Generator]) -> Tensor:
        """(N, 2, latent): z of the face's and of the voice's CMA, needed or not."""
        shape = (2, self.settings.alignment.latent)
        device = self.voice_mean.device
        return torch.stack([torch.randn(shape, generator=g) for g in generators]).to(device)


def _completed(
    embedded: Tensor, there: Tensor, cma: Alignment, other: Tensor, other_there: Tensor,
    noise: Tensor,
) -> Tensor:  # fmt: skip
    """Embeddings (N, T, d_u), made up by a CMA in the frames where they are not there."""
    rows = (~there).any(1).nonzero()[:, 0]  # whose modality is whole needs nothing
    if not len(rows):
        return embedded
    made = cma.compensated(other[rows], other_there[rows], noise[rows].to(embedded))
    mended = torch.where(there[rows][..., None], embedded[rows], made.to(embedded.dtype))
    return embedded.index_copy(0, rows, mended)
