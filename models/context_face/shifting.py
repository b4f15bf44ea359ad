"""Stage 2 and 3: the classification head, then CAN and head together (section 3.2, 4.2).

FRN and CRN are frozen, all but the last two layers of CRN (its mean and log-variance, as we read
section 4.2; the published code freezes these, too: `fine_tune`); what comes before is made once.
The paper's way is `Way.PAPER`. mien's extensions keep CAN from hiding the class in directions that
the decoder does not show:

- `FIXED_HEAD`: neutral faces in emotional contexts; the head learned on true expressive faces alone
  and stays as it is.
- `PAIRED`: that, and the shifted mean is pulled to the latent of the same person's true expression.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.context_face import losses
from models.context_face.attention import ContextAttention, shifted
from models.context_face.latents import Latents
from models.context_face.vae import Encoder, Latent
from models.layers import begin
from models.training import Engine, along_cosine, set_rate


class Way(StrEnum):
    """How CAN is trained."""

    PAPER = "paper"
    FIXED_HEAD = "fixed-head"
    PAIRED = "paired"


@dataclass(frozen=True)
class ShiftingSettings:
    """Optimisation of head and CAN."""

    way: Way = Way.PAPER
    steps: int = 3_000
    batch: int = 256
    rate: float = 3e-5
    cosine: bool = False  # of the rate of CAN, down to nothing after 2% of warming up
    weight_decay: float = 0.01
    divergence: float = 1e-5  # alpha of eq. 15
    paired: float = 1.0  # weight of `losses.paired_loss`
    fine_tune: bool = True  # the last two layers of CRN
    strict: bool = False  # "strict audio": a face is shifted by the voice of its own clip alone
    seed: int = 1


@dataclass(frozen=True)
class Pairs:
    """A batch: faces in contexts, the class of each context, and the face's true expression.

    context: what CRN makes of the voice, or what its last two layers see (n, f) if they are tuned.
    """

    face: Latent
    context: Latent | Tensor
    emotion: Tensor  # (N,)
    true: Tensor  # (N, d)
    shown: Tensor  # (N,) bool: whether there is a picture of the person's true expression


class HeadStart:
    """E, trained directly on the means of faces with expressions: a task of `models.training`."""

    name = "head"

    def __init__(self, faces: Latents, settings: ShiftingSettings) -> None:
        self.faces, self.settings, self.steps = faces, settings, settings.steps
        self.rows = faces.expressive
        self.head = nn.Linear(faces.mu.shape[1], len(faces.emotions))
        begin(self.head, torch.Generator().manual_seed(settings.seed))
        self.networks = {"head": self.head}
        self.optimisers = {"head": _adam(self.head, settings)}

    def batch(self, step: int, share: slice) -> tuple[Tensor, Tensor]:
        """Means (n, d) and classes (n,)."""
        generator = _generator(self.settings, step)
        drawn = torch.randint(len(self.rows), (self.settings.batch,), generator=generator)
        rows = self.rows[drawn[share]]
        return self.faces.mu[rows], self.faces.emotion[rows]

    def update(self, batch: tuple[Tensor, Tensor], step: int, engine: Engine) -> dict[str, Tensor]:
        """Cross-entropy."""
        mu, emotion = (t.to(engine.fabric.device) for t in batch)
        logits = self.head(mu)
        loss = F.cross_entropy(logits.float(), emotion)
        engine.step(loss, self.optimisers["head"])
        right = (logits.argmax(1) == emotion).float().mean()
        return {"cross-entropy": loss.detach(), "right": right}


class Shifting:
    """CAN and E, by eq. 15: a task of `models.training`."""

    name = "shift"

    def __init__(
        self,
        faces: Latents,
        voices: Latents,
        head: nn.Linear,
        settings: ShiftingSettings,
        context: Encoder | None = None,
    ) -> None:
        """context: encoder of CRN, whose last two layers are tuned in place; None: they are not."""
        self.faces, self.voices = faces, voices
        self.settings, self.steps = settings, settings.steps
        self.partners = _Partners(faces, voices)
        if settings.strict:
            self.partners.check_strict(settings.way, faces.clip[faces.expressive])
        self.can, self.head = ContextAttention(head.in_features), head
        begin(self.can, torch.Generator().manual_seed(settings.seed))
        self.networks = {"can": self.can, "head": self.head}
        self.optimisers = {"can": _adam(self.can, settings)}
        if settings.way is Way.PAPER:
            self.optimisers["head"] = _adam(self.head, settings)
        self.head.requires_grad_(settings.way is Way.PAPER)
        self.end = None
        if context is not None and settings.fine_tune:
            if voices.features is None:
                raise ValueError("voices have no features to tune the last layers of CRN with")
            self.end = context.end
            last = nn.ModuleList([context.mu, context.log_var])
            self.networks["end of context"] = last
            self.optimisers["end of context"] = _adam(last, settings)

    def batch(self, step: int, share: slice) -> Pairs:
        """Faces and voices of one actor (or, of who never speaks, of the same gender).

        The paper's way pairs a face with a voice of its own class, or with `strict` of its own
        clip; mien's two ways pair neutral faces with voices of any class.
        """
        s, faces = self.settings, self.faces
        generator = _generator(s, step)
        rows = faces.expressive if s.way is Way.PAPER else faces.neutral
        face = rows[torch.randint(len(rows), (s.batch,), generator=generator)]
        emotion = faces.emotion[face]
        if s.way is not Way.PAPER:
            emotion = torch.randint(len(faces.emotions), (s.batch,), generator=generator)
        if s.strict:
            voice = self.partners.voices_of_clips(faces.clip[face], generator)
        else:
            voice = self.partners.voices(faces.actor[face], faces.gender[face], emotion, generator)
        true = self.partners.expressions(faces.actor[face], emotion, generator)
        shown, true = true >= 0, true.clamp_min(0)  # where there is none, any row: it counts not
        face, voice, emotion, true, shown = (t[share] for t in (face, voice, emotion, true, shown))
        heard = self.voices[voice]
        if self.end is not None and self.voices.features is not None:
            heard = self.voices.features[voice]
        return Pairs(faces[face], heard, emotion, faces.mu[true], shown)

    def update(self, batch: Pairs, step: int, engine: Engine) -> dict[str, Tensor]:
        """Eq. 15, and for `paired` the distance to the true expression."""
        if self.settings.cosine:
            rate = self.settings.rate * along_cosine(step, self.steps)
            set_rate(rate, *self.optimisers.values())
        device = engine.fabric.device
        face = Latent(*(t.to(device) for t in batch.face))
        context = self._context(batch.context, device)
        emotion = batch.emotion.to(device)
        with torch.autocast(device.type, enabled=False):  # softmax of products: float32
            moved = shifted(face, self.can(context, face))
            right = F.cross_entropy(self.head(moved.mu), emotion)
        far = losses.shift_divergence(face, moved)
        loss = right + self.settings.divergence * far
        said = {"cross-entropy": right, "divergence": far}
        if self.settings.way is Way.PAIRED:
            apart = losses.paired_loss(
                moved.mu, batch.true.to(device), self.faces.spread.to(device),
                batch.shown.to(device),
            )  # fmt: skip
            said, loss = {**said, "paired": apart}, loss + self.settings.paired * apart
        engine.step(loss, *self.optimisers.values())
        return {name: value.detach() for name, value in said.items()}

    def _context(self, heard: Latent | Tensor, device: torch.device) -> Latent:
        if isinstance(heard, Latent):
            return Latent(*(t.to(device) for t in heard))
        assert self.end is not None
        return self.end(heard.to(device))


def _adam(part: nn.Module, settings: ShiftingSettings) -> torch.optim.Optimizer:
    return torch.optim.Adam(part.parameters(), lr=settings.rate, weight_decay=settings.weight_decay)


def _generator(settings: ShiftingSettings, step: int) -> torch.Generator:
    return torch.Generator().manual_seed((settings.seed << 40) + step)


class _Partners:
    """Which voices and which pictures belong to an actor's emotion."""

    def __init__(self, faces: Latents, voices: Latents) -> None:
        self.own = _groups(zip(voices.actor.tolist(), voices.emotion.tolist(), strict=True))
        self.gender = _groups(zip(voices.gender.tolist(), voices.emotion.tolist(), strict=True))
        full = (faces.m >= 0.999).tolist()
        keys = zip(faces.actor.tolist(), faces.emotion.tolist(), strict=True)
        self.faces = _groups(key if whole else None for key, whole in zip(keys, full, strict=True))
        self.clips = _groups(clip if clip >= 0 else None for clip in voices.clip.tolist())

    def check_strict(self, way: Way, clips: Tensor) -> None:
        """Refuse strict audio where a face has no voice of its own clip, or mien's own ways."""
        if way is not Way.PAPER:
            raise ValueError(f"strict audio: found the way '{way}'; accepted: {Way.PAPER}")
        alone = sum(clip not in self.clips for clip in clips.tolist())
        if alone:
            raise ValueError(
                f"strict audio: {alone} of {len(clips)} faces have no voice of their own clip; "
                "give data with clips, or leave strict out"
            )

    def voices_of_clips(self, clips: Tensor, generator: torch.Generator) -> Tensor:
        return torch.tensor([_one(self.clips[clip], generator) for clip in clips.tolist()])

    def voices(
        self, actor: Tensor, gender: Tensor, emotion: Tensor, generator: torch.Generator
    ) -> Tensor:
        rows = []
        for a, g, e in zip(actor.tolist(), gender.tolist(), emotion.tolist(), strict=True):
            rows.append(_one(self.own.get((a, e)) or self.gender[(g, e)], generator))
        return torch.tensor(rows)

    def expressions(self, actor: Tensor, emotion: Tensor, generator: torch.Generator) -> Tensor:
        keys = zip(actor.tolist(), emotion.tolist(), strict=True)
        return torch.tensor([_one(self.faces.get(key, [-1]), generator) for key in keys])


def _groups(keys) -> dict:
    found: dict = {}
    for row, key in enumerate(keys):
        if key is not None:
            found.setdefault(key, []).append(row)
    return found


def _one(rows: list[int], generator: torch.Generator) -> int:
    return rows[math.floor(float(torch.rand((), generator=generator)) * len(rows))]
