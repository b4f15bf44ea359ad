"""Emotion-aware Attention (EA): features that attend to the speaker's emotion.

Hu et al. 2024, section 3.3 and fig. 4: a self-attention of the features, one of the emotion, and a
cross-attention whose queries are features and whose keys and values are emotions. Emotion comes in
through the e-MLP: 25 columns of a face, or the 10 that a voice has as well.

Each attention adds to what comes in, and begins by adding nothing: a framework that is put around a
base starts as that base. Instead of positions, attention knows how far a key lies from a query: a
learned number for each distance up to `reach`, falling on a line beyond. So a listener's delay is
one peak to be learned, and a clip may be longer than those of the training. Heads begin by looking
at different times before a query (`lags`). Keys are means over `pooled` frames.

Symbols: N speakers, T frames, S steps of samples, P pooled frames, d widths.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.reaction.attributes import AFFECT, ATTRIBUTES
from models.reaction.base import CALM, USUAL, expressed

OF_FACE = len(ATTRIBUTES)
OF_VOICE = AFFECT.stop - AFFECT.start


@dataclass(frozen=True)
class AttentionSettings:
    """Sizes, which the paper leaves open."""

    emotion: int = 32  # width of an emotion's embedding
    inner: int = 32  # width of queries, keys and values, all heads together
    pooled: int = 5  # frames that a key stands for; 0.2 s, in which an emotion hardly changes
    reach: int = 64  # frames to either side whose distance is learned: 2.6 s, twice a long delay
    lags: tuple[int, ...] = (0, 10, 20, 30)  # frames back that each head looks at first: to 1.2 s
    slope: float = 0.1  # how fast logits fall with each frame away from there

    def __post_init__(self) -> None:
        """Refuse what cannot be built."""
        if not self.lags or self.inner % len(self.lags):
            raise ValueError(f"inner {self.inner}: give a multiple of the {len(self.lags)} heads")


class EmotionMlp(nn.Module):
    """The e-MLP: emotion of a face or of a voice, as one embedding; or of neither."""

    def __init__(self, settings: AttentionSettings) -> None:
        super().__init__()
        width = settings.emotion
        self.face = nn.Sequential(nn.Linear(OF_FACE, width), nn.GELU(), nn.Linear(width, width))
        self.voice = nn.Sequential(nn.Linear(OF_VOICE, width), nn.GELU(), nn.Linear(width, width))
        self.nothing = nn.Parameter(torch.zeros(width))

    def forward(
        self, face: Tensor, heard: Tensor, face_there: Tensor, voice_there: Tensor
    ) -> Tensor:
        """Emotion e (N, T, emotion): of the face where it is there, else of the voice, else none.

        face (N, T, 25), heard (N, T, 10), both masks (N, T).
        """
        seen = self.face(expressed(face))
        nothing = self.nothing.to(seen.dtype)
        calm, usual = CALM[AFFECT].to(heard), USUAL[AFFECT].to(heard)
        voice = self.voice((heard - calm) / usual)
        other = torch.where(voice_there[..., None], voice, nothing)
        return torch.where(face_there[..., None], seen, other)


class Attention(nn.Module):
    """Attention with several heads whose weights know the distance in time."""

    def __init__(self, asking: int, asked: int, settings: AttentionSettings) -> None:
        """Widths of what asks (queries) and of what is asked (keys, values)."""
        super().__init__()
        s = settings
        self.heads, self.reach, self.slope, self.lags = len(s.lags), s.reach, s.slope, s.lags
        self.query = nn.Linear(asking, s.inner)
        self.key = nn.Linear(asked, s.inner)
        self.value = nn.Linear(asked, s.inner)
        self.out = nn.Linear(s.inner, asking)
        self.near = nn.Parameter(torch.zeros(self.heads, 2 * s.reach + 1))

    def forward(self, x: Tensor, given: Tensor, distance: Tensor) -> Tensor:
        """What queries x (N, S, asking) get from given (N, P, asked); (N, S, asking).

        distance (S, P): frames from each key to each query.
        """
        q, k, v = (
            layer(of).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for layer, of in ((self.query, x), (self.key, given), (self.value, given))
        )
        logits = (q / math.sqrt(q.shape[-1])) @ k.mT + self._bias(distance).to(q.dtype)
        seen = logits.softmax(-1).to(v.dtype) @ v
        return self.out(seen.transpose(1, 2).flatten(2))

    def _bias(self, distance: Tensor) -> Tensor:
        """(heads, S, P) added to the attention's logits."""
        near = distance.clamp(-self.reach, self.reach)
        beyond = (distance - near).abs()
        return self.near[:, near + self.reach] - self.slope * beyond

    def draw(self, generator: torch.Generator) -> None:
        """First weights: it adds nothing, and each head looks at its lag."""
        nn.init.zeros_(self.out.weight)
        away = torch.arange(-self.reach, self.reach + 1) - torch.tensor(self.lags)[:, None]
        with torch.no_grad():
            self.near.copy_(-self.slope * away.abs())


class EmotionAttention(nn.Module):
    """One EA module, for features of a width."""

    def __init__(self, width: int, settings: AttentionSettings) -> None:
        super().__init__()
        self.settings = settings
        emotion = settings.emotion
        self.norm_own, self.own = nn.LayerNorm(width), Attention(width, width, settings)
        self.norm_emotion = nn.LayerNorm(emotion)
        self.emotional = Attention(emotion, emotion, settings)
        self.norm_asking, self.norm_asked = nn.LayerNorm(width), nn.LayerNorm(emotion)
        self.cross = Attention(width, emotion, settings)

    def context(self, emotion: Tensor) -> Tensor:
        """The emotion (N, T, emotion) after its self-attention, pooled: (N, P, emotion).

        Done once for a speaker, whatever then attends to it.
        """
        pooled = _pooled(emotion, self.settings.pooled)
        at = _middles(emotion.shape[1], self.settings.pooled, emotion.device)
        normed = self.norm_emotion(pooled)
        return self.norm_asked(pooled + self.emotional(normed, normed, _distance(at, at)))

    def forward(self, x: Tensor, context: Tensor, length: int, stride: int = 1) -> Tensor:
        """Features (N, S, d) that know of the emotion; same shape.

        context (N, P, emotion): from `context`, of a clip of `length` frames; stride: frames that
        a step of x stands for.
        """
        pooled = max(1, self.settings.pooled // stride)  # steps of x that a key stands for
        at = _middles(stride * x.shape[1], stride, x.device)
        keys = _middles(stride * x.shape[1], stride * pooled, x.device)
        normed = self.norm_own(x)
        x = x + self.own(normed, _pooled(normed, pooled), _distance(at, keys))
        emotions = _middles(length, self.settings.pooled, x.device)
        return x + self.cross(self.norm_asking(x), context, _distance(at, emotions))


def _pooled(x: Tensor, frames: int) -> Tensor:
    """Means over so many frames of (N, T, d); the last may be of fewer."""
    if frames == 1:
        return x
    return F.avg_pool1d(x.mT, frames, ceil_mode=True, count_include_pad=False).mT


def _middles(length: int, frames: int, device: torch.device) -> Tensor:
    """Where the middles of stretches of so many frames lie (P,); the last may be shorter."""
    starts = torch.arange(0, length, frames, device=device)
    ends = (starts + frames).clamp(max=length)
    return (starts + ends - 1) / 2


def _distance(to: Tensor, from_: Tensor) -> Tensor:
    """Whole frames (S, P) from each place to each other."""
    return (to[:, None] - from_[None]).round().long()
