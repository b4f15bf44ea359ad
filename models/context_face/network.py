"""The whole model: faces and contexts in, shifted faces and their class out."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from models.context_face.attention import ContextAttention, Offsets, at_levels, shifted
from models.context_face.composer import Composer
from models.context_face.inference import Quick
from models.context_face.settings import ContextFaceSettings
from models.context_face.vae import Latent, Vae
from models.layers import begin


class ContextFace(nn.Module):
    """FRN, CRN, CAN and classification head E (fig. 2), and mien's composer if settings have one.

    Whatever encodes and decodes takes a precision: float32, or bfloat16, which takes about half the
    time and changes pictures by 0.3 of 255 grey levels on average, single pixels by up to 6.
    """

    def __init__(self, settings: ContextFaceSettings, seed: int = 0) -> None:
        super().__init__()
        self.settings = settings
        self.face = Vae(settings.face)
        self.context = Vae(settings.context)
        self.can = ContextAttention(settings.face.latent)
        self.head = nn.Linear(settings.face.latent, len(settings.emotions))
        composer = settings.composer
        face = settings.face
        self.composer = None if composer is None else Composer(composer, face.latent, face.size)
        self.quick = Quick()
        begin(self, torch.Generator().manual_seed(seed))

    def shift(self, face: Latent, context: Latent) -> Offsets:
        """Offsets of N faces in N contexts, with their gains: computed once for all levels of m."""
        offsets = self.can(context, face)
        gain = self._gain(self.head, face.mu, offsets.mu)
        return Offsets(*(gain * part for part in offsets))

    def logits(self, face: Latent, context: Latent) -> Tensor:
        """Classes (N, emotions) of faces as perceived in their context: E(mu_S)."""
        return self.head(shifted(face, self.shift(face, context)).mu)

    def _gain(self, head: nn.Module, mu: Tensor, offset: Tensor) -> Tensor | float:
        """Of each offset (N, 1): the mean of `settings.gains`, as likely as the head finds each.

        So much less that none gets longer than the mean of `settings.farthest`, likewise.
        """
        if not self.settings.gains:
            return 1.0
        named = head(mu + offset).softmax(1)
        gain = named @ torch.tensor(self.settings.gains).to(named)[:, None]
        if not self.settings.farthest:
            return gain
        farthest = named @ torch.tensor(self.settings.farthest).to(named)[:, None]
        return gain.minimum(farthest / offset.norm(dim=1, keepdim=True).clamp_min(1e-9))

    @torch.inference_mode()
    def encode_faces(self, faces: Tensor, batch: int = 32, precision: str = "float32") -> Latent:
        """Latents of faces (N, 3, size, size) in [0, 1]."""
        return _in_batches(self.quick.of(self.face.encoder, precision), faces, batch)

    @torch.inference_mode()
    def encode_contexts(
        self, spectrograms: Tensor, batch: int = 32, precision: str = "float32"
    ) -> Latent:
        """Latents of spectrograms (N, 1, bins, frames) in [0, 1]."""
        return _in_batches(self.quick.of(self.context.encoder, precision), spectrograms, batch)

    @torch.inference_mode()
    def series(
        self,
        face: Latent,
        context: Latent,
        levels: Sequence[float],
        batch: int = 32,
        precision: str = "float32",
        given: Tensor | None = None,
    ) -> Tensor:
        """N faces in their contexts at L levels of m: (N, L, 3, size, size) in [0, 1].

        From mean latents, so that levels differ by m alone; m = 0 is exactly the reconstruction,
        and is decoded once for all contexts of a face.

        given: the pictures (N, 3, size, size) that were encoded. With them, and a composer, levels
        are composed of their pixels, and the reconstruction at m = 0 is the picture itself.
        """
        can, head = self.quick.of(self.can), self.quick.of(self.head)
        kind = next(can.parameters()).dtype
        mu = face.mu.to(kind)
        offset = can.of_mu(context.mu.to(kind), mu)
        offset = self._gain(head, mu, offset) * offset
        at = torch.tensor(levels, dtype=offset.dtype, device=offset.device)
        z = at_levels(mu, offset, at).flatten(0, 1)  # (N L, d)
        if given is None or self.composer is None:
            made = self._decode_once(z, batch, precision)
        else:
            given, start = (x.repeat_interleave(len(levels), 0) for x in (given, mu))
            drawn, rest = self._decode_once(torch.cat([z, start]), batch, precision).chunk(2)
            made = self.compose(given, rest, drawn, z - start, batch, precision)
        return made.unflatten(0, (len(face.mu), len(levels)))

    def _decode_once(self, z: Tensor, batch: int, precision: str) -> Tensor:
        """Pictures of latents (N, d), of which those that are the same are decoded once."""
        different, which = torch.unique(z, dim=0, return_inverse=True)
        return self.decode(different, batch, precision)[which]

    @torch.inference_mode()
    def decode(self, z: Tensor, batch: int = 32, precision: str = "float32") -> Tensor:
        """Pictures (N, 3, size, size) in [0, 1] of latents (N, d)."""
        decoder = self.quick.of(self.face.decoder, precision)
        parts = [decoder(part).clamp_(0, 1) for part in z.split(batch)]
        return torch.cat(parts) if len(z) else z.new_zeros(0, 3, *2 * [self.settings.face.size])

    @torch.inference_mode()
    def compose(
        self,
        given: Tensor,
        rest: Tensor,
        drawn: Tensor,
        shift: Tensor,
        batch: int = 32,
        precision: str = "float32",
    ) -> Tensor:
        """Frames (N, 3, size, size) in [0, 1] of given pictures and what is decoded of them.

        rest: D(z_0); drawn: D(z_m); shift (N, d): z_m - z_0. Where it is 0, the frame is the given
        picture itself. Without a composer: `drawn`.
        """
        if self.composer is None:
            return drawn
        composer, frames = self.quick.of(self.composer, precision), given.clone()
        moved = torch.nonzero(shift.any(1))[:, 0]
        for rows in moved.split(batch) if len(moved) else ():
            part = (x[rows] for x in (given, rest, drawn, shift))
            frames[rows] = composer(*part).clamp_(0, 1)
        return frames


def _in_batches(encoder: nn.Module, x: Tensor, batch: int) -> Latent:
    parts = [encoder(part) for part in x.split(batch)]
    return Latent(torch.cat([p.mu for p in parts]), torch.cat([p.log_var for p in parts]))
