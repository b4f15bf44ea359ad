"""FaceVIS: a listener's tokens, one after the other, from the speaker and from those before.

Dam et al. 2024 (FaceAIS). N speakers, S tokens of a clip, M = N * count reactions. The published
network knows places within blocks of 256 frames; here it knows distances, so that any length fits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.reaction.base import ATTRIBUTES, Base, Decode, expressed, uniform
from models.reaction.distributions import categorical_divergence, drawn_category
from models.reaction.face_tokenizer import FaceTokenizer, Stack, pooled
from models.reaction.settings import FaceVisSettings
from models.reaction.transformer import Attention, Dropout, Near, NormBefore

Known = tuple[Tensor, Tensor]  # keys and values (M, heads, steps, d)


class Joining(NormBefore):
    """A layer that sees earlier steps of its own and, through a gate, another series.

    Gated cross-attention after FIBER (Dou et al. 2022), as published: x + a + gate * cross(a), a
    being what x sees of itself.
    """

    def __init__(self, settings: FaceVisSettings, *, crossed: bool = True) -> None:
        s = settings
        super().__init__(s.width, s.heads, s.inner, s.dropout, bias=False)
        self.cross = Attention(s.width, s.heads, bias=False) if crossed else None
        self.other_norm = nn.LayerNorm(s.width, bias=False) if crossed else None
        self.gate = nn.Parameter(torch.tensor(s.gate)) if crossed else None

    def remember(self, other: Tensor) -> Known | None:
        """Keys and values of the other series (N, S, width)."""
        if self.cross is None or self.other_norm is None:
            return None
        return self.cross.remember(self.other_norm(other))

    def forward(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, x: Tensor, mask: Tensor, other: Known | None, other_mask: Tensor,
        before: Known | None = None,
    ) -> tuple[Tensor, Known]:  # fmt: skip
        """X (M, steps, width) after the steps that `before` remembers; and all that are known now.

        mask: from steps to all known; other_mask: from steps to those of the other series.
        """
        normed = self.norm(x)
        keys, values = self.attention.remember(normed)
        if before is not None:
            keys, values = torch.cat([before[0], keys], 2), torch.cat([before[1], values], 2)
        seen = self.attention.look(normed, keys, values, mask)
        x = x + self.drop(seen)
        if self.cross is not None and other is not None and self.gate is not None:
            x = x + self.gate * self.drop(self.cross.look(self.norm(seen), *other, other_mask))
        return self.ended(x), (keys, values)


@dataclass(frozen=True)
class TokenReactions:
    """Categorical distributions of tokens, each given those before it.

    base: what predicts them; speaker: (N, S, width) what it looks at; tokens (N, S) of one
    appropriate reaction and logits (N, S, codes) that they lead to, where one was given.
    """

    base: FaceVis = field(repr=False)
    speaker: Tensor
    tokens: Tensor | None = None
    logits: Tensor | None = None

    def divergence(self, other: TokenReactions) -> Tensor:
        """KL(self || other) of every token given the true ones before, averaged.

        Raises:
            ValueError: No truth was given, so there is nothing to condition on.
        """
        if self.logits is None or other.logits is None:
            raise ValueError("a divergence of tokens: give `distribution` a true reaction")
        return categorical_divergence(self.logits, other.logits).mean()

    def sample(self, count: int, generators: Sequence[torch.Generator]) -> Tensor:
        """Samples (N, count, S, width of the tokenizer); no gradients pass a token."""
        with torch.no_grad():
            tokens = self.base.drawn(self.speaker, count, generators)
        return self.base.tokenizer.embedded(tokens)


class FaceVis(Base):
    """E_m lets face and voice meet, E_p predicts tokens, D is the tokenizer's decoder."""

    name = "facevis"

    def __init__(self, settings: FaceVisSettings) -> None:
        super().__init__()
        s = self.settings = settings
        self.tokenizer = FaceTokenizer(s.tokenizer)
        self.width = self.fused_width = s.width
        self.sample_width, self.stride = s.tokenizer.width, s.tokenizer.patch

        def stack(layers: int, reach: int) -> Stack:
            return Stack(layers, s.width, s.heads, s.inner, s.dropout, reach)

        self.face, self.voice = nn.Linear(ATTRIBUTES, s.width), nn.Linear(s.voice, s.width)
        self.face_alone = stack(s.unimodal, s.around * self.stride)
        self.voice_alone = stack(s.unimodal, s.around * self.stride)
        self.fusing = nn.ModuleList(Joining(s) for _ in range(s.fusing))
        self.meeting, self.fused_norm = (
            Near(s.heads, s.around, s.around),
            nn.LayerNorm(s.width, bias=False),
        )
        self.speaking = stack(s.speaking, s.around)
        codes = self.tokenizer.fsq.size
        self.token = nn.Embedding(codes, s.width)
        self.nothing = nn.Parameter(torch.zeros(2, s.width))  # before the first token; a hidden one
        self.hiding = Dropout(s.forgotten)
        self.listening = nn.ModuleList(Joining(s, crossed=False) for _ in range(s.listening))
        self.joining = nn.ModuleList(Joining(s) for _ in range(s.joining))
        self.before = Near(s.heads, s.back, s.together - 1)
        self.looking, self.last_norm = (
            Near(s.heads, s.around, s.around),
            nn.LayerNorm(s.width, bias=False),
        )
        self.head = nn.Linear(s.width, codes, bias=False)

    def draw(self, generator: torch.Generator) -> None:
        """Begin what no layer is made of; logits begin nearly equal."""
        with torch.no_grad():
            self.token.weight.normal_(0, 0.5, generator=generator)
            self.nothing.normal_(0, 0.5, generator=generator)

    def first_stage(self) -> FaceTokenizer:
        """The tokenizer learns first, and is held then."""
        return self.tokenizer

    def embed_face(self, face: Tensor) -> Tensor:
        """One layer frame by frame, then those of the face alone."""
        return self.face_alone(self.face(expressed(face)))

    def embed_voice(self, voice: Tensor) -> Tensor:
        """One layer frame by frame, then those of the voice alone."""
        return self.voice_alone(self.voice(voice))

    def fuse(self, face: Tensor, voice: Tensor) -> Tensor:
        """The face looks at the voice, in steps of a token; all frames of a patch get the same."""
        x, other = pooled(face, self.stride), pooled(voice, self.stride)
        steps = torch.arange(x.shape[1], device=x.device)
        mask = self.meeting(steps, steps)
        for layer in self.fusing:
            assert isinstance(layer, Joining)
            x, _ = layer(x, mask, layer.remember(other), mask)
            other = x  # as published: from the second layer on both are the same
        return self.fused_norm(x).repeat_interleave(self.stride, 1)[:, : face.shape[1]]

    def distribution(self, fused: Tensor, truth: Tensor | None = None) -> TokenReactions:
        """What the next token may be; with a true reaction (N, T, 25), after each of its own."""
        speaker = self.speaking(pooled(fused, self.stride))
        if truth is None:
            return TokenReactions(self, speaker)
        with torch.no_grad():
            tokens = self.tokenizer.tokens(truth)
        return TokenReactions(self, speaker, tokens, self.after(tokens, speaker))

    def after(self, tokens: Tensor, speaker: Tensor) -> Tensor:
        """Logits (N, S, codes) of every token (N, S), given those before it and the speaker."""
        s, count = self.settings, tokens.shape[1]
        start = self.nothing[0].expand(len(tokens), s.together, -1)
        x = torch.cat([start, self._hidden(self.token(tokens))], 1)[:, :count]
        steps = torch.arange(count, device=tokens.device)
        later = (steps // s.together)[None] > (steps // s.together)[:, None]
        mask = self.before(steps, steps).masked_fill(later, -torch.inf)
        others = [layer.remember(speaker) for layer in self._layers()]
        return self._predicted(x, mask, others, self.looking(steps, steps), None)[0]

    def drawn(self, speaker: Tensor, count: int, generators: Sequence[torch.Generator]) -> Tensor:
        """Tokens (N, count, S), drawn `together` at a time; each step is computed once.

        Every reaction is drawn with numbers of its own, made before the first token, so that none
        depends on who else is in the batch.
        """
        s, (n, steps) = self.settings, speaker.shape[:2]
        chance = uniform(generators, n, count, (steps,)).flatten(0, 1).to(speaker.device)
        others = [_repeated(layer.remember(speaker), count) for layer in self._layers()]
        at = torch.arange(steps, device=speaker.device)
        x = self.nothing[0].expand(n * count, min(s.together, steps), -1)
        known, found = None, []
        for first in range(0, steps, s.together):
            here = at[first : first + s.together]
            mask, far = self.before(here, at[: first + len(here)]), self.looking(here, at)
            logits, known = self._predicted(x[:, : len(here)], mask, others, far, known)
            found.append(drawn_category(logits, chance[:, here], s.top_k, s.temperature))
            x = self.token(found[-1])
        return torch.cat(found, 1).unflatten(0, (n, count))

    def decode(self, samples: Tensor, length: int) -> Tensor:
        """Faces of tokens' vectors (M, S, width), or of vectors of frames: their mean counts."""
        if samples.shape[1] != self.steps(length):
            samples = pooled(samples, self.stride)
        return self.tokenizer.decode(samples, length)

    def losses(
        self, z: TokenReactions, truth: Tensor, decode: Decode,
        generators: Sequence[torch.Generator],
    ) -> dict[str, Tensor]:  # fmt: skip
        """Cross-entropy of the true tokens, and what is decoded of drawn ones.

        The latter is for what a framework puts before the decoder: the tokenizer is held, and no
        gradient passes a drawn token, so that the base alone learns nothing from it.
        """
        if z.tokens is None or z.logits is None:
            raise ValueError("losses of tokens: give `distribution` a true reaction")
        s = self.settings
        chance = uniform(generators, len(truth), 1, z.tokens.shape[1:])[:, 0].to(truth.device)
        drawn = drawn_category(z.logits.detach(), chance, s.top_k, s.temperature)
        rows = torch.arange(len(truth), device=truth.device)
        reaction = decode(self.tokenizer.embedded(drawn), rows)
        return {
            "tokens": F.cross_entropy(z.logits.flatten(0, 1), z.tokens.flatten()),
            "decoded": s.decoded * F.l1_loss(reaction, truth[:, 0]),
        }

    def _layers(self) -> list[Joining]:
        return [m for m in [*self.listening, *self.joining] if isinstance(m, Joining)]

    def _predicted(
        self, x: Tensor, mask: Tensor, others: Sequence[Known | None], far: Tensor,
        known: list[Known] | None,
    ) -> tuple[Tensor, list[Known]]:  # fmt: skip
        """Logits (M, steps, codes) of inputs x (M, steps, width), and what every layer knows."""
        now = []
        for number, (layer, other) in enumerate(zip(self._layers(), others, strict=True)):
            x, kept = layer(x, mask, other, far, known[number] if known else None)
            now.append(kept)
        return self.head(self.last_norm(x)), now

    def _hidden(self, x: Tensor) -> Tensor:
        """Some of the earlier tokens (N, S, width), while training, as if they were not known."""
        generator = self.hiding.generator
        if not (self.training and self.hiding.share and generator):
            return x
        gone = torch.rand(x.shape[:2], generator=generator) < self.hiding.share
        return torch.where(gone[..., None].to(x.device), self.nothing[1], x)


def _repeated(known: Known | None, count: int) -> Known | None:
    """Keys and values of each speaker, once for every reaction."""
    if known is None:
        return None
    return known[0].repeat_interleave(count, 0), known[1].repeat_interleave(count, 0)
