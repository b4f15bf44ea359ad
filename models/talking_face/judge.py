"""The video emotion classifier of table II: the emotion critic without the class of fakes.

It learns from real clips of training people only, and names the emotion of real and of generated
clips of others. Videos are (N, FRAMES, 3, S, S) in [-1, 1], their frames spread over a clip; it
sees them smaller, for what an emotion does to a face is large.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.layers import SLOPE, begin
from models.talking_face.critics import EmotionCritic
from models.talking_face.settings import EMOTIONS, CriticSettings
from models.training import Engine, rising_then_falling, set_rate
from models.variation import NUMBERS, VariationSettings, vary
from models.weights import Weights, load_network, save_weights

KIND = "talking-face-judge"
SHIPPED_FILE = Path(__file__).with_name("judge.safetensors")  # the one that mien brings
FRAMES = 12  # pictures of a clip that it looks at
LEAST_M = 0.6  # weakest emotion that it learns from; neutral clips have none


@dataclass(frozen=True)
class JudgeSettings:
    """Its network: the paper's, narrower, so that its weights are a megabyte."""

    size: int = 64  # pixels a side that a frame is shrunk to
    emotions: tuple[str, ...] = EMOTIONS
    critic: CriticSettings = CriticSettings((16, 32, 64, 96), hidden=192, sequence=96)


@dataclass(frozen=True)
class JudgingSettings:
    """How it learns.

    Attributes:
        steps, batch, rate: of AdamW, whose rate falls to nothing after a tenth of warming up.
        frames: how many of a clip's pictures are drawn, in order.
        decay, smoothing: of weights, and of labels, against learning people by heart.
        variation: how far faces and their colours are varied, in pixels of shrunk frames.
        shift: farthest that a shrunk clip is moved, in pixels, the same for all of its frames.
        seed: of weights, batches and changes.
    """

    steps: int = 1000
    batch: int = 24
    frames: int = 6
    rate: float = 1e-3
    decay: float = 0.01
    smoothing: float = 0.0
    variation: VariationSettings = VariationSettings(light=0.2, tint=0.1)
    shift: int = 2
    seed: int = 1


class EmotionJudge(nn.Module):
    """Names the emotion of a video."""

    def __init__(self, settings: JudgeSettings | None = None) -> None:
        super().__init__()
        self.settings = s = settings or JudgeSettings()
        self.critic = EmotionCritic(s.size, len(s.emotions), s.critic, fake=False)

    def forward(self, videos: Tensor) -> Tensor:
        """Logits (N, emotions) of videos (N, T, 3, S, S) in [-1, 1]."""
        return self.critic(shrunk(videos, self.settings.size))

    @torch.inference_mode()
    def named(self, videos: Tensor) -> Tensor:
        """Probabilities (N, emotions)."""
        return self(videos).softmax(1)


@dataclass
class Judging:
    """Its training: a task of `models.training`.

    emotion: (C,) rows of the settings' emotions; read: from clips (n,) to videos in [0, 1].
    """

    emotion: Tensor
    read: Callable[[np.ndarray], Tensor]
    settings: JudgeSettings = field(default_factory=JudgeSettings)
    learning: JudgingSettings = field(default_factory=JudgingSettings)
    name: str = "judge"

    def __post_init__(self) -> None:
        """Draw the first weights."""
        drawn = torch.Generator().manual_seed(self.learning.seed)
        self.judge = EmotionJudge(self.settings)
        begin(self.judge, drawn)
        for module in self.judge.modules():  # so that signals neither fade nor grow (He 2015)
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.kaiming_uniform_(module.weight, SLOPE, generator=drawn)
        self.networks: Mapping[str, nn.Module] = {"judge": self.judge}
        self.optimiser = torch.optim.AdamW(
            self.judge.parameters(), lr=self.learning.rate, weight_decay=self.learning.decay
        )
        self.optimisers: Mapping[str, torch.optim.Optimizer] = {"judge": self.optimiser}

    @property
    def steps(self) -> int:
        """How many updates there are."""
        return self.learning.steps

    def batch(self, step: int, share: slice) -> tuple[Tensor, Tensor]:
        """Videos (n, T, 3, S, S), changed by chance, and their emotions (n,)."""
        s = self.learning
        rng = np.random.default_rng([s.seed, step])
        rows = rng.integers(len(self.emotion), size=s.batch)[share]
        videos = shrunk(self.read(rows), self.settings.size)
        drawn = torch.stack([varied(video[_few(len(video), s, rng)], s, rng) for video in videos])
        return drawn * 2 - 1, self.emotion[torch.from_numpy(rows)]

    def update(self, batch: tuple[Tensor, Tensor], step: int, engine: Engine) -> dict[str, Tensor]:
        """One step of cross-entropy."""
        videos, emotion = (part.to(engine.fabric.device) for part in batch)
        done = step / self.steps
        set_rate(self.learning.rate * rising_then_falling(done / 0.1 + 0.01, done), self.optimiser)
        logits = self.judge(videos)
        loss = F.cross_entropy(logits, emotion, label_smoothing=self.learning.smoothing)
        engine.step(loss, self.optimiser, clip=1.0)
        return {"loss": loss.detach(), "right": (logits.argmax(1) == emotion).float().mean()}


def shrunk(videos: Tensor, size: int) -> Tensor:
    """Videos (N, T, 3, S, S) with frames of `size` pixels a side, means of what they cover."""
    if videos.shape[-1] == size:
        return videos
    return F.adaptive_avg_pool2d(videos.flatten(0, 1), size).unflatten(0, videos.shape[:2])


def varied(video: Tensor, settings: JudgingSettings, rng: np.random.Generator) -> Tensor:
    """A video (T, 3, S, S) in [0, 1] of another face in another light, mirrored or not, aside.

    All frames are varied alike, so that what lies between them stays an expression.
    """
    s = settings
    chance = torch.from_numpy(rng.uniform(-1, 1, NUMBERS)).float().expand(len(video), -1)
    video = vary(video, chance, s.variation)
    if rng.random() < 0.5:
        video = video.flip(3)
    side, (x, y) = s.shift, rng.integers(2 * s.shift + 1, size=2)
    size = video.shape[-1]
    padded = F.pad(video, 4 * [side], mode="replicate")
    return padded[:, :, y : y + size, x : x + size]


def learnable(emotion: np.ndarray, m: np.ndarray, emotions: tuple[str, ...]) -> np.ndarray:
    """Which clips show their emotion: m of LEAST_M or more, and the neutral ones."""
    return (m >= LEAST_M) | (emotion == emotions.index("neutral"))


def looked_at(count: int) -> np.ndarray:
    """Which FRAMES of `count` the judge looks at: evenly spread, the first picture left out."""
    return np.linspace(min(1, count - 1), count - 1, FRAMES).round().astype(int)


def save_judge(path: Path, judge: EmotionJudge, **facts: str) -> str:
    """Write its weights, as float16; returns the SHA-256 of its tensors."""
    return save_weights(path, KIND, judge.state_dict(), asdict(judge.settings), half=True, **facts)


def load_judge(path: Path = SHIPPED_FILE) -> tuple[EmotionJudge, Weights]:
    """A judge ready to look, and what its file says of it.

    Raises:
        WeightsError: No such file, another model, changed, or not fitting its own settings.
    """
    return load_network(path, KIND, lambda stored: EmotionJudge(_settings(stored)))


def _settings(stored: Mapping[str, Any]) -> JudgeSettings:
    critic = stored["critic"]
    return JudgeSettings(
        stored["size"], tuple(stored["emotions"]),
        CriticSettings(tuple(critic["widths"]), critic["hidden"], critic["sequence"]),
    )  # fmt: skip


def _few(count: int, settings: JudgingSettings, rng: np.random.Generator) -> np.ndarray:
    """Which of `count` pictures are drawn, in order."""
    return np.sort(rng.permutation(count)[: settings.frames])
