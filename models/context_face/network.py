"""The whole model: faces and contexts in, shifted faces and their class out."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from models.context_face.attention import ContextAttention, Offsets, at_levels, shifted
from models.context_face.inference import Quick
from models.context_face.settings import ContextFaceSettings
from models.context_face.vae import Latent, Vae
from models.layers import begin


class ContextFace(nn.Module):
    """FRN, CRN, CAN and classification head E (fig. 2).

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
        self.quick = Quick()
        begin(self, torch.Generator().manual_seed(seed))

    def shift(self, face: Latent, context: Latent) -> Offsets:
        """Offsets of N faces in N contexts: computed once, whatever the levels of m."""
        return self.can(context, face)

    def logits(self, face: Latent, context: Latent) -> Tensor:
        """Classes (N, emotions) of faces as perceived in their context: E(mu_S)."""
        return self.head(shifted(face, self.shift(face, context)).mu)

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
    ) -> Tensor:
        """N faces in their contexts at L levels of m: (N, L, 3, size, size) in [0, 1].

        From mean latents, so that levels differ by m alone; m = 0 is exactly the reconstruction,
        and is decoded once for all contexts of a face.
        """
        can = self.quick.of(self.can)
        kind = next(can.parameters()).dtype
        mu = face.mu.to(kind)
        offset = can.of_mu(context.mu.to(kind), mu)
        at = torch.tensor(levels, dtype=offset.dtype, device=offset.device)
        z = at_levels(mu, offset, at).flatten(0, 1)  # (N L, d)
        different, which = torch.unique(z, dim=0, return_inverse=True)
        pictures = self.decode(different, batch, precision)[which]
        return pictures.unflatten(0, (len(face.mu), len(levels)))

    @torch.inference_mode()
    def decode(self, z: Tensor, batch: int = 32, precision: str = "float32") -> Tensor:
        """Pictures (N, 3, size, size) in [0, 1] of latents (N, d)."""
        decoder = self.quick.of(self.face.decoder, precision)
        parts = [decoder(part).clamp_(0, 1) for part in z.split(batch)]
        return torch.cat(parts) if len(z) else z.new_zeros(0, 3, *2 * [self.settings.face.size])


def _in_batches(encoder: nn.Module, x: Tensor, batch: int) -> Latent:
    parts = [encoder(part) for part in x.split(batch)]
    return Latent(torch.cat([p.mu for p in parts]), torch.cat([p.log_var for p in parts]))
