"""Several reactions to each speaker: attributes from a model, within their ranges.

A speaker is encoded once, however many reactions are asked for. Each reaction has a seed of its
own, and no number depends on who else is in the batch, but for rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from models.reaction.attributes import ATTRIBUTES, in_range
from models.reaction.network import Model, Speaker


@dataclass(frozen=True)
class Reacted:
    """What listeners do.

    Attributes:
        attributes: (N, count, T, 25), action units and expressions from 0 to 1, expressions
            together 1, valence and arousal from -1 to 1.
        had_input: of each speaker, whether anything was seen or heard at all; if not, listeners are
            as people are who listen, but react to nobody.
    """

    attributes: Tensor
    had_input: tuple[bool, ...]


@torch.inference_mode()
def react(
    model: Model,
    face: Tensor | None,
    voice: Tensor | None,
    count: int,
    seeds: Sequence[Sequence[int]],
    face_there: Tensor | None = None,
    voice_there: Tensor | None = None,
    *,
    frames: int | None = None,
    made_up: Sequence[int] | None = None,
) -> Reacted:
    """Reactions to N speakers.

    Args:
        model: trained, in `eval`.
        face: (N, T, 25) attributes, or None: no face is seen.
        voice: (N, T, V) features of models.reaction.voice, or None: no voice is heard.
        count: reactions to each speaker.
        seeds: (N, count), one for each of them.
        face_there: (N, T) where a face is seen; None: everywhere. What stands in the other frames,
            numbers or none, does not matter.
        voice_there: likewise.
        frames: T, needed where there is neither.
        made_up: seeds (N) of what is made up of a missing modality, the same for all reactions of
            a speaker; 0 by default.

    Raises:
        ValueError: Shapes that do not fit, no frame, or values that are no numbers where something
            is there.
    """
    n = len(seeds)
    if count < 1 or not n or any(len(each) != count for each in seeds):
        raise ValueError(f"seeds: give {max(count, 1)} for each speaker, as many as reactions")
    speaker = _speaker(model, n, face, voice, face_there, voice_there, frames)
    before = [torch.Generator().manual_seed(seed) for seed in made_up or [0] * n]
    z, decode = model.encode(speaker, before)
    samples = z.sample(count, [torch.Generator().manual_seed(s) for each in seeds for s in each])
    rows = torch.arange(n, device=samples.device).repeat_interleave(count)
    made = decode(samples.flatten(0, 1), rows).unflatten(0, (n, count))
    had = (speaker.face_there | speaker.voice_there).any(1)
    inside = torch.from_numpy(in_range(made.float().cpu().numpy()))
    return Reacted(inside, tuple(bool(one) for one in had))


def _speaker(
    model: Model, n: int, face: Tensor | None, voice: Tensor | None, face_there: Tensor | None,
    voice_there: Tensor | None, frames: int | None,
) -> Speaker:  # fmt: skip
    """What is given, in shape and without anything that is no number."""
    given = face if face is not None else voice
    length = frames if given is None else given.shape[1] if given.dim() == 3 else None
    if not length:
        raise ValueError("nothing of the speaker, and no length: give face, voice, or frames")
    device = model.voice_mean.device
    parts: list[Tensor] = []
    masks: list[Tensor] = []
    for name, values, there, width in (
        ("face", face, face_there, len(ATTRIBUTES)),
        ("voice", voice, voice_there, len(model.voice_mean)),
    ):
        if values is None:
            parts.append(torch.zeros(n, length, width, device=device))
            masks.append(torch.zeros(n, length, dtype=torch.bool, device=device))
            continue
        mask = torch.ones(values.shape[:2], dtype=torch.bool) if there is None else there
        for what, found, wanted in (
            (name, values.shape, (n, length, width)), (f"{name}_there", mask.shape, (n, length)),
        ):  # fmt: skip
            if tuple(found) != wanted:
                raise ValueError(f"{what}: found shape {tuple(found)}; accepted: {wanted}")
        if not torch.isfinite(values[mask]).all():
            raise ValueError(
                f"{name}: values that are no numbers; leave these frames out by {name}_there"
            )
        parts.append(torch.where(mask[..., None], values, torch.zeros(())).float().to(device))
        masks.append(mask.to(device))
    return Speaker(*parts, *masks)


def seeds_of(first: int, speakers: int, count: int) -> list[list[int]]:
    """Seeds for so many speakers and reactions, one after the other."""
    return np.arange(first, first + speakers * count).reshape(speakers, count).tolist()
