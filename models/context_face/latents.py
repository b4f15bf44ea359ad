"""Latents of a data set, made once: frozen networks see every face and voice a single time."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from models.context_face.data import Labels, TrainingData
from models.context_face.vae import Encoder, Latent

BATCH = 64
COLUMNS = ("mu", "log_var", "actor", "gender", "emotion", "m", "group", "clip")


@dataclass(frozen=True)
class Latents:
    """Gaussians of N faces or voices, and their labels as tensors."""

    mu: Tensor  # (N, d)
    log_var: Tensor  # (N, d)
    actor: Tensor  # (N,) int64, likewise the others
    gender: Tensor
    emotion: Tensor
    m: Tensor
    group: Tensor
    emotions: tuple[str, ...]
    clip: Tensor = field(default_factory=lambda: torch.tensor(-1))  # -1: of no recording
    features: Tensor | None = None  # (N, f): what the last two layers of the encoder saw

    def __post_init__(self) -> None:
        if not self.clip.ndim:
            object.__setattr__(self, "clip", self.clip.expand(len(self.mu)))

    def __len__(self) -> int:
        return len(self.mu)

    def __getitem__(self, rows: Tensor) -> Latent:
        return Latent(self.mu[rows], self.log_var[rows])

    def only(self, rows: Tensor) -> Latents:
        """The same of some rows."""
        kept = COLUMNS if self.features is None else (*COLUMNS, "features")
        return replace(self, **{name: getattr(self, name)[rows] for name in kept})

    @property
    def neutral(self) -> Tensor:
        """Rows of neutral faces, those that speak left out."""
        neutral = self.emotion == self.emotions.index("neutral")
        return torch.nonzero(neutral & (self.m >= 0.999))[:, 0]

    @property
    def expressive(self) -> Tensor:
        """Rows of all faces at full strength, the neutral ones with them."""
        return torch.nonzero(self.m >= 0.999)[:, 0]

    @property
    def spread(self) -> Tensor:
        """Standard deviation (d,) of each dimension of mu over faces, never quite 0."""
        return self.mu.std(0).clamp_min(1e-3)


def face_latents(data: TrainingData, encoder: Encoder, part: str) -> Latents:
    """Of all faces of a part."""
    rows = data.of_faces.where(part)
    return _latents(rows, data.pictures, encoder, data.of_faces, data.emotions)


def voice_latents(data: TrainingData, encoder: Encoder, part: str) -> Latents:
    """Of all voices of a part."""
    rows = data.of_voices.where(part)
    return _latents(rows, data.spectrograms, encoder, data.of_voices, data.emotions, keep=True)


@torch.inference_mode()
def _latents(
    rows: np.ndarray, read, encoder: Encoder, labels: Labels, emotions, *, keep: bool = False
) -> Latents:
    was_training = encoder.training
    encoder.eval()  # frozen nets stay frozen, batch-norm statistics too
    device = next(encoder.parameters()).device
    batches = (read(rows[i : i + BATCH]).to(device) for i in range(0, len(rows), BATCH))
    features = [encoder.features(batch) for batch in batches]
    parts = [encoder.end(part) for part in features]
    encoder.train(was_training)
    known = {
        name: torch.from_numpy(np.asarray(getattr(labels, name)[rows])).to(torch.int64)
        for name in ("actor", "gender", "emotion", "group", "clip")
    }
    return Latents(
        _joined([p.mu for p in parts]), _joined([p.log_var for p in parts]),
        m=torch.from_numpy(labels.m[rows]), emotions=emotions, **known,
        features=_joined(features) if keep else None,
    )  # fmt: skip


def _joined(parts: list[Tensor]) -> Tensor:
    """On the CPU, and no inference tensor: something is trained on it."""
    return torch.cat(parts).float().cpu().clone()
