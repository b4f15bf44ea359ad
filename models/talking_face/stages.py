"""The two stages of section IV-B: reconstruction first, then the game with both critics.

A step sees whole sounds, because a frame depends on what was said before it, but draws only a few
frames of each. The picture that a video is made from is its first frame (section IV-A).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from models.layers import begin
from models.talking_face import losses
from models.talking_face.critics import EmotionCritic, FrameCritic
from models.talking_face.data import ClipData
from models.talking_face.losses import Shares
from models.talking_face.network import TalkingFace
from models.talking_face.settings import CriticSettings, TalkingFaceSettings
from models.training import Engine, along_cosine
from models.variation import VariationSettings, numbers, vary

Features = Callable[[Tensor], list[Tensor]]
CLIP = 5.0  # largest norm of the generator's gradient


@dataclass(frozen=True)
class StageSettings:
    """Optimisation of one stage; the paper's first by default."""

    steps: int = 100_000
    batch: int = 8
    frames: int = 32  # drawn of a clip
    rate: float = 1e-4
    critics_rate: float = 1e-4
    betas: tuple[float, float] = (0.5, 0.99)
    speech_share: float = 1.0  # of the rate, for a speech encoder that has learned; 0: as it is
    cosine: bool = False  # down to nothing, after 2% of warming up
    shares: Shares = field(default_factory=Shares)
    spread: float = 9.0  # of the mouth's mask, pixels of 128
    floor: float = 0.01  # of it
    adversaries: bool = False
    flip: bool = False  # an addition of mien: half of the clips mirrored
    variation: VariationSettings = VariationSettings()
    seed: int = 1


class Drawn(NamedTuple):
    """A batch of n clips, k frames each.

    picture (n, 3, S, S) and video (n, k, 3, S, S) in [-1, 1]; sound (n, samples) with noise
    (n, frames, noise); shown (n, k) frames; emotion (n, E) weights, and which (n,); mouth (n, k, 2)
    in pixels; between (n, k) in [0, 1).
    """

    picture: Tensor
    video: Tensor
    sound: Tensor
    noise: Tensor
    shown: Tensor
    emotion: Tensor
    which: Tensor
    mouth: Tensor
    between: Tensor


class Speaking:
    """One stage: a task of `models.training`."""

    def __init__(
        self, name: str, network: TalkingFaceSettings, settings: StageSettings, data: ClipData,
        features: Features, critics: CriticSettings | None = None,
    ) -> None:  # fmt: skip
        """features: of pictures (M, 3, S, S) in [-1, 1], for the perceptual loss."""
        self.name, self.steps, self.settings = name, settings.steps, settings
        self.data, self.features = data, features
        self.rows = data.clips.where("train")
        self.face = TalkingFace(network)
        self.networks: dict[str, torch.nn.Module] = {"face": self.face}
        if settings.adversaries:
            self.of_frames = FrameCritic(network.size, critics)
            self.of_emotions = EmotionCritic(network.size, len(network.emotions), critics)
            self.networks |= {"frame": self.of_frames, "emotion": self.of_emotions}
        generator = torch.Generator().manual_seed(settings.seed)
        for name, part in self.networks.items():
            begin(part, generator, lively=name != "face")
        self.optimisers = {
            name: torch.optim.Adam(
                part.parameters(), lr=settings.critics_rate, betas=settings.betas, fused=True
            )
            for name, part in self.networks.items() if name != "face"
        }  # fmt: skip
        heard = list(self.face.speech.parameters())
        others = [p for p in self.face.parameters() if all(p is not known for known in heard)]
        self.shares = (settings.speech_share, 1.0)
        self.face.speech.requires_grad_(settings.speech_share > 0)
        self.optimisers["face"] = torch.optim.Adam(
            [{"params": heard}, {"params": others}], lr=settings.rate, betas=settings.betas,
            fused=True,
        )  # fmt: skip

    def go_on_from(self, face: TalkingFace) -> None:
        """Begin with a generator as it is now."""
        self.face.load_state_dict(face.state_dict())

    def batch(self, step: int, share: slice) -> Drawn:
        """Clips of a step, drawn without replacement in each epoch; frames drawn in order."""
        s, clips, size = self.settings, self.data.clips, self.data.frames.shape[2]
        generator = torch.Generator().manual_seed((s.seed << 40) + step)
        rows = self._rows(step)[share]
        n, kept = len(rows), min(s.frames, clips.number.shape[1])
        chosen = torch.rand(s.batch, clips.number.shape[1], generator=generator)[share]
        chosen = chosen.argsort(1)[:, :kept].sort(1).values.numpy()  # (n, k) of the kept pictures
        chance = numbers(s.batch, generator)[share]
        turned = torch.rand(s.batch, generator=generator)[share] < (0.5 if s.flip else 0.0)
        between = torch.rand(s.batch, kept, generator=generator)[share]
        network = self.face.settings
        sound = self.data.together(rows, network.speech.hop)
        noise = torch.randn(
            s.batch, sound.shape[1] // network.speech.hop, network.noise, generator=generator
        )[share]
        pictures = torch.cat([self.data.pictures(rows)[:, None], self.data.videos(rows, chosen)], 1)
        mouth = torch.from_numpy(clips.mouth[rows[:, None], chosen])
        if not s.variation.none:
            same = chance.repeat_interleave(kept + 1, 0)  # one clip, one look
            varied = vary(pictures.flatten(0, 1), same, s.variation)
            pictures = varied.unflatten(0, (n, kept + 1))
        pictures = torch.where(turned[:, None, None, None, None], pictures.flip(4), pictures)
        mouth[..., 0] = torch.where(turned[:, None], size - mouth[..., 0], mouth[..., 0])
        pictures = 2 * pictures - 1
        which = torch.from_numpy(clips.emotion[rows]).long()
        return Drawn(
            pictures[:, 0], pictures[:, 1:], sound, noise,
            torch.from_numpy(clips.number[rows[:, None], chosen]).long(),
            strengths(which, torch.from_numpy(clips.m[rows]), self.data.emotions), which, mouth,
            between,
        )  # fmt: skip

    def update(self, batch: Drawn, step: int, engine: Engine) -> dict[str, Tensor]:
        """The critics' step where there are any, then the generator's (eq. 1)."""
        s = self.settings
        groups = self.optimisers["face"].param_groups
        for group, share in zip(groups, self.shares, strict=True):
            group["lr"] = share * s.rate * share_of_rate(s, step)
        batch = Drawn(*(one.to(engine.fabric.device) for one in batch))
        made = self.face(batch.picture, batch.sound, batch.emotion, batch.noise, batch.shown)
        mask = losses.mouth_mask(batch.mouth, made.shape[-1], s.spread, s.floor)
        said = {
            "mouth": losses.mouth_loss(made, batch.video, mask),
            "perceptual": losses.perceptual_loss(made, batch.video, self.features),
        }
        loss = s.shares.mouth * said["mouth"] + s.shares.perceptual * said["perceptual"]
        if s.adversaries:
            of_frames, of_emotions = self._against(batch, made.detach(), engine)
            for part in (self.of_frames, self.of_emotions):
                part.requires_grad_(False)
            said["fooled"] = losses.frame_loss(self.of_frames(made, batch.picture))
            said["shown"] = losses.emotion_loss(self.of_emotions(made), batch.which)
            for part in (self.of_frames, self.of_emotions):
                part.requires_grad_(True)
            loss = loss + s.shares.frame * said["fooled"] + s.shares.emotion * said["shown"]
            said |= {"frame critic": of_frames, "emotion critic": of_emotions}
        engine.step(loss, self.optimisers["face"], clip=CLIP)
        return {name: value.detach() for name, value in said.items()}

    def _against(self, batch: Drawn, made: Tensor, engine: Engine) -> tuple[Tensor, Tensor]:
        """One step of both critics; made: detached."""
        judge, s = self.of_frames, self.settings
        real, fake = judge(batch.video, batch.picture), judge(made, batch.picture)
        penalty = losses.gradient_penalty(
            lambda at: judge(at, batch.picture), batch.video, made, batch.between
        )
        game = losses.critic_loss(real, fake) + s.shares.penalty * penalty
        engine.step(game, self.optimisers["frame"])
        told = losses.emotion_critic_loss(
            self.of_emotions(batch.video), batch.which, self.of_emotions(made)
        )
        engine.step(told, self.optimisers["emotion"])
        return game.detach(), told.detach()

    def _rows(self, step: int) -> np.ndarray:
        s, found = self.settings, []
        while len(found) < s.batch:
            epoch, start = divmod(step * s.batch + len(found), len(self.rows))
            generator = torch.Generator().manual_seed((s.seed << 40) - 1 - epoch)
            order = torch.randperm(len(self.rows), generator=generator).numpy()
            found += list(self.rows[order[start : start + s.batch - len(found)]])
        return np.array(found)


def strengths(which: Tensor, m: Tensor, emotions: tuple[str, ...]) -> Tensor:
    """Weights (n, E) of emotions (n,) at strength m (n,); what is left is neutral."""
    asked = m[:, None] * torch.nn.functional.one_hot(which, len(emotions))
    asked[:, emotions.index("neutral")] += 1 - m
    return asked


def share_of_rate(settings: StageSettings, step: int) -> float:
    """The learning rate at a step, as a share of the first."""
    return along_cosine(step, settings.steps) if settings.cosine else 1.0
