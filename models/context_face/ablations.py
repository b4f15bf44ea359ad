"""The classifiers of table 3: one linear layer, and CAN with its head.

FRN and CRN are frozen. In training a frame is mirrored by chance; `CAN_SWAP` shifts it by any voice
of its person and class (the paper's augmentation), `CAN_STRICT` by that of its own clip. Whoever
has one modality only gives it to CAN twice. Tested are clips with their own voice. The baseline
is a linear layer on what VGG-16 sees, in place of FRN.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.context_face import losses
from models.context_face.attention import Attention, ContextAttention, outer_attention
from models.context_face.clips import Clips
from models.context_face.interpolation import interpolated_attention
from models.context_face.vae import Latent
from models.context_face.votes import vote
from models.layers import begin


class Ablation(StrEnum):
    """Rows of table 3, in its order; the baseline, which comes first there, last."""

    LINEAR_FACE = "linear-face"
    CAN_FACE = "can-face"
    LINEAR_VOICE = "linear-voice"
    CAN_VOICE = "can-voice"
    CAN_STRICT = "can-strict"
    CAN_SWAP = "can-swap"
    VGG16 = "vgg16"


LINEAR = (Ablation.LINEAR_FACE, Ablation.LINEAR_VOICE, Ablation.VGG16)
VOICE_ONLY = (Ablation.LINEAR_VOICE, Ablation.CAN_VOICE)
BOTH = (Ablation.CAN_STRICT, Ablation.CAN_SWAP)
BATCH = 256  # pairs at a time where nothing is learned
Attend = Callable[[Tensor, Tensor, Tensor], Tensor]  # q, k, v (N, d) to offsets (N, d)


@dataclass(frozen=True)
class FittingSettings:
    """How each classifier is trained; the validating people choose the number of steps.

    rate is Adam's; the paper's is 3e-5 (`PAPER_FITTING`), with which a classifier on latents learns
    for hours where 1e-3 takes seconds.
    """

    rate: float = 1e-3
    steps: int = 300  # at most
    look_every: int = 20  # steps between two looks at the validating people
    patience: int = 4  # looks without a better one, after which training ends
    batch: int = 256
    weight_decay: float = 0.01
    divergence: float = 1e-5  # alpha of eq. 15
    flip: bool = True
    seed: int = 1


# section 4.2; the number of epochs is that of the published code (30 of about 4,000 frames)
PAPER_FITTING = FittingSettings(rate=3e-5, steps=500, patience=500)


class Classifier(nn.Module):
    """CAN, where there is one, and the head E."""

    def __init__(self, latent: int, classes: int, can: bool, seed: int) -> None:
        super().__init__()
        self.can = ContextAttention(latent) if can else None
        self.head = nn.Linear(latent, classes)
        begin(self, torch.Generator().manual_seed(seed))

    def forward(self, face: Latent, context: Latent) -> Latent:
        """Shifted latents, by interpolated attention: for training."""
        if self.can is None:
            return face
        o = _offset(self.can.of_log_var, context.log_var, face.log_var, interpolated_attention)
        return Latent(self.mean(face, context, interpolated_attention), face.log_var + o)

    def mean(self, face: Latent, context: Latent, attend: Attend = outer_attention) -> Tensor:
        """mu_S (N, d) of eq. 13: what the head classifies."""
        if self.can is None:
            return face.mu
        return face.mu + _offset(self.can.of_mu, context.mu, face.mu, attend)


@dataclass(frozen=True)
class Fitted:
    """A trained classifier: steps taken until the best look, and votes right at that look."""

    classifier: Classifier
    steps: int
    validation: float


def pairs(ablation: Ablation, clips: Clips) -> tuple[Latent, Latent]:
    """What a trained classifier is given: faces and contexts (C * F, d) or, of voices, (C, d)."""
    if ablation in VOICE_ONLY:
        return clips.voice, clips.voice
    face = Latent(*(t.flatten(0, 1) for t in clips.face))
    if ablation not in BOTH:
        return face, face
    voice = Latent(*(t.repeat_interleave(clips.frames, 0) for t in clips.voice))
    return face, voice


@torch.inference_mode()
def shifted_means(
    classifier: Classifier, ablation: Ablation, clips: Clips, attend: Attend = outer_attention
) -> Tensor:
    """mu_S (C, F, d), or (C, 1, d) of voices."""
    face, context = pairs(ablation, clips)
    parts = [
        classifier.mean(Latent(*(t[i : i + BATCH] for t in face)),
                        Latent(*(t[i : i + BATCH] for t in context)), attend)
        for i in range(0, len(face.mu), BATCH)
    ]  # fmt: skip
    return torch.cat(parts).unflatten(0, (len(clips), -1))


def fit_classifier(
    ablation: Ablation,
    train: Clips,
    validation: Clips,
    settings: FittingSettings,
    head: nn.Linear | None = None,
) -> Fitted:
    """Train one classifier; head: where its own head begins (section 3.2).

    Of all looks the one counts at which most validating clips are voted right, the lower
    cross-entropy where there are several.
    """
    latent = train.face.mu.shape[2]
    classifier = Classifier(latent, train.classes, ablation not in LINEAR, settings.seed)
    if head is not None:
        classifier.head.load_state_dict(head.state_dict())
    adam = torch.optim.Adam(
        classifier.parameters(), lr=settings.rate, weight_decay=settings.weight_decay
    )
    draw = _drawing(ablation, train, settings)
    best, best_step, since = _look(classifier, ablation, validation), 0, 0
    state = copy.deepcopy(classifier.state_dict())
    for step in range(1, settings.steps + 1):
        face, context, emotion = draw()
        moved = classifier(face, context)
        loss = F.cross_entropy(classifier.head(moved.mu), emotion)
        if classifier.can is not None:
            loss = loss + settings.divergence * losses.shift_divergence(face, moved)  # eq. 15
        adam.zero_grad()
        loss.backward()
        adam.step()
        if step % settings.look_every and step < settings.steps:
            continue
        found = _look(classifier, ablation, validation)
        since += 1
        if found > best:
            best, best_step, since = found, step, 0
            state = copy.deepcopy(classifier.state_dict())
        if since >= settings.patience:
            break
    classifier.load_state_dict(state)
    return Fitted(classifier, best_step, best[0])


def _drawing(
    ablation: Ablation, clips: Clips, settings: FittingSettings
) -> Callable[[], tuple[Latent, Latent, Tensor]]:
    """The function that draws a batch: faces, contexts, classes."""
    generator = torch.Generator().manual_seed(settings.seed)
    partners, count = _partners(clips)
    voices_alone = ablation in VOICE_ONLY

    def below(ends: Tensor) -> Tensor:
        drawn = torch.rand(len(ends), generator=generator, dtype=torch.float64)
        return (drawn * ends).long()

    def draw() -> tuple[Latent, Latent, Tensor]:
        n = min(settings.batch, len(clips) * (1 if voices_alone else clips.frames))
        clip = below(torch.full((n,), len(clips)))
        frame, swap = below(torch.full((n,), clips.frames)), below(count[clip])
        mirror = torch.rand(n, generator=generator)[:, None] < 0.5 * settings.flip
        voice = Latent(*(t[partners[clip, swap] if ablation is Ablation.CAN_SWAP else clip]
                         for t in clips.voice))  # fmt: skip
        if voices_alone:
            return voice, voice, clips.emotion[clip]
        both = zip(clips.face, clips.mirrored, strict=True)
        face = Latent(*(torch.where(mirror, b[clip, frame], a[clip, frame]) for a, b in both))
        return face, voice if ablation in BOTH else face, clips.emotion[clip]

    return draw


def _partners(clips: Clips) -> tuple[Tensor, Tensor]:
    """For each clip those of the same person and class: numbers (C, most), how many (C,)."""
    cell = clips.actor * clips.classes + clips.emotion
    same = cell[:, None] == cell[None, :]
    count = same.sum(1)
    first = same.int().argsort(dim=1, descending=True, stable=True)
    return first[:, : int(count.max())], count


@torch.inference_mode()
def _look(classifier: Classifier, ablation: Ablation, clips: Clips) -> tuple[float, float]:
    """Share of clips voted right, and minus the cross-entropy of their frames."""
    mu = shifted_means(classifier, ablation, clips, interpolated_attention)
    logits = classifier.head(mu)  # (C, F, K)
    right = (vote(logits) == clips.emotion).float().mean()
    emotion = clips.emotion.repeat_interleave(logits.shape[1])
    return float(right), -float(F.cross_entropy(logits.flatten(0, 1), emotion))


def _offset(half: Attention, context: Tensor, face: Tensor, attend: Attend) -> Tensor:
    return attend(half.query(context), half.key(face), half.value(face))
