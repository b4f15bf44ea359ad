"""What every model of appropriate facial reactions has in common: Hu et al. 2024, section 2.

N speakers, T frames at 25 a second; M = N times count reactions. Attributes are (…, 25) in the
order of `models.reaction.attributes`. A base embeds face and voice (E_f, E_s; eq. 1), fuses them
(E_m; eq. 2), makes a distribution of appropriate reactions of them (E_p; eq. 3), and decodes
samples of it (D; eq. 4). The framework of the paper puts its own parts between these steps and
leaves the steps as they are.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from models.reaction import attributes
from models.reaction.attributes import AUS, EXPRESSIONS, NEUTRAL, PLACE

ATTRIBUTES = len(attributes.ATTRIBUTES)  # 25 of a face at one frame
USUAL = torch.ones(ATTRIBUTES)  # how far an attribute usually is from a calm face
USUAL[AUS], USUAL[PLACE], USUAL[EXPRESSIONS] = 0.1, 0.15, 0.2
CALM = torch.from_numpy(NEUTRAL.copy())

# samples (M, T', sample_width) and the speaker (M,) of each, 0 to N - 1; gives (M, T, 25)
Decode = Callable[[Tensor, Tensor], Tensor]


class Reactions(Protocol):
    """The distribution of appropriate reactions Z (eq. 3), one for each speaker."""

    def divergence(self, other: Any) -> Tensor:
        """KL(self || other), averaged over speakers and time; one number (eq. 14)."""
        ...

    def sample(self, count: int, generators: Sequence[torch.Generator]) -> Tensor:
        """Samples g (N, count, T', sample_width), gradients kept where the base has them.

        T' is 1 where the base's `per_clip`, else `base.steps(T)`.

        Args:
            count: samples of each speaker.
            generators: one for each speaker, which draws its samples one after the other, or one
                for each sample (N * count, samples of a speaker side by side).
        """
        ...


class Base(nn.Module, ABC):
    """One model of appropriate reactions, as a framework sees it."""

    name: str  # as in `settings.NAMES`
    width: int  # d_u, of the embeddings of face and voice
    fused_width: int  # d_m
    sample_width: int  # d_g
    per_clip: bool = False  # one sample for a whole clip, else one for each step
    stride: int = 1  # frames that a step of samples stands for

    def steps(self, length: int) -> int:
        """Steps of samples that a clip of so many frames has: T' where there is one a step."""
        return -(-length // self.stride)

    def first_stage(self) -> nn.Module | None:
        """What is trained alone beforehand and then held, or None.

        It has `losses(truth (N, T, 25)) -> dict[str, Tensor]`.
        """
        return None

    @abstractmethod
    def embed_face(self, face: Tensor) -> Tensor:
        """Embeddings u^f (N, T, width) of a speaker's face (N, T, 25) (eq. 1)."""

    @abstractmethod
    def embed_voice(self, voice: Tensor) -> Tensor:
        """Embeddings u^s (N, T, width) of a speaker's voice (N, T, V) (eq. 1)."""

    @abstractmethod
    def fuse(self, face: Tensor, voice: Tensor) -> Tensor:
        """Both embeddings (N, T, width) as one, m (N, T, fused_width) (eq. 2)."""

    @abstractmethod
    def distribution(self, fused: Tensor, truth: Tensor | None = None) -> Reactions:
        """Distributions Z of N speakers (eq. 3).

        Args:
            fused: m (N, T, fused_width).
            truth: (N, T, 25) one appropriate reaction of each. A base that predicts step by step
                learns from it (teacher forcing); the others ignore it. Without it such a base's Z
                can be sampled but has no divergence and no losses.
        """

    @abstractmethod
    def decode(self, samples: Tensor, length: int) -> Tensor:
        """Reactions (M, length, 25) of samples (M, T', sample_width) (eq. 4).

        T' is what `sample` gives, or `length`: a framework may make of one sample one for each
        frame.
        """

    @abstractmethod
    def losses(
        self, z: Any, truth: Tensor, decode: Decode, generators: Sequence[torch.Generator]
    ) -> dict[str, Tensor]:
        """The losses that the base was published with, weighted; their sum is minimised.

        Args:
            z: what `distribution` gave (of this base).
            truth: (N, K, T, 25) appropriate reactions. The first of each is the one that
                `distribution` was given, and the one that a base with a single target learns.
            decode: makes reactions of samples: `self.decode`, or a framework's way to it.
            generators: one for each speaker.
        """


def expressed(face: Tensor) -> Tensor:
    """What a face (…, 25) shows beside a calm one, in numbers of about 1: what networks read.

    As it is, a face is nearly the same all the time, and layers that normalise see nothing else.
    """
    return (face - CALM.to(face)) / USUAL.to(face)


def shown(expression: Tensor) -> Tensor:
    """The face (…, 25) that shows this: the inverse of `expressed`."""
    return expression * USUAL.to(expression) + CALM.to(expression)


def noise(
    generators: Sequence[torch.Generator], n: int, count: int, shape: tuple[int, ...]
) -> Tensor:
    """Unit Gaussian noise (n, count, *shape), of one generator a speaker or one a sample.

    Row i of a speaker is the same however many follow it, and whoever else is in the batch.

    Raises:
        ValueError: Neither n nor n * count generators.
    """
    return torch.stack(
        [torch.randn(shape, generator=each) for each in _one_each(generators, n, count)]
    ).unflatten(0, (n, count))


def uniform(
    generators: Sequence[torch.Generator], n: int, count: int, shape: tuple[int, ...]
) -> Tensor:
    """Numbers (n, count, *shape) in [0, 1), drawn as `noise` does."""
    return torch.stack(
        [torch.rand(shape, generator=each) for each in _one_each(generators, n, count)]
    ).unflatten(0, (n, count))


def _one_each(
    generators: Sequence[torch.Generator], n: int, count: int
) -> Sequence[torch.Generator]:
    """The generator of each sample, speaker after speaker."""
    if len(generators) == n * count:
        return generators
    if len(generators) == n:
        return [each for each in generators for _ in range(count)]
    raise ValueError(
        f"generators: found {len(generators)}; accepted: {n} (one a speaker) or {n * count} "
        "(one a sample)"
    )
