"""How strong a shift is at m = 1: an addition of mien.

CAN learns the mean of what people show, and knows the faces that it learned from; of other faces it
says the mean alone. But people differ, and their mean is weaker than any of them; more so in some
emotions than in others. So offsets are multiplied by a gain for each emotion. Which of them counts,
the head says (`ContextFace.shift`): it names the emotion of the shifted face.

The rule: with its gain, an emotion covers WAY of the way from the neutral picture of a person to
the true one, in pixels of mouth, eyes and brows, along it. It is fitted on people of the validation
part alone, in voices of that part: nothing else of the networks learned from them, and no judge has
a say. Beyond a gain of 1.5 mouths smear, of people of the validation part too; and before it, where
a stronger shift leads hardly any nearer to the true picture: there it ends.

A gain is right on average over voices, but a voice that leaves no doubt shifts further than one
that does. So no offset gets longer than the mean change of people who show the emotion: without
that bound, cheeks of the strongest smiles smeared.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from models.context_face.directions import NEUTRAL
from models.context_face.latents import Latents
from models.context_face.losses import bump
from models.context_face.pretraining import BROWS, EYES, MOUTH
from models.context_face.vae import Latent

WAY = 0.75  # at .8, people of the validation part were nearer to others more often
WORTH = 1 / 3  # least that more gain must add, of what it would in proportion
GAINS = (0.5, 0.75, 1.0, 1.25, 1.5)  # looked at; one outside is cut to the nearest
VOICES = 2  # drawn for each picture


class Shifts(Protocol):
    """What shifts faces, such as `ContextFace`."""

    def series(
        self, face: Latent, context: Latent, levels: Sequence[float], *, given: Tensor
    ) -> Tensor:
        """N faces in their contexts at L levels of m, (N, L, 3, S, S)."""
        ...


@torch.inference_mode()
def fitted_gains(
    network: Shifts,
    faces: Latents,
    voices: Latents,
    read: Callable[[Tensor], Tensor],
    seed: int = 1,
) -> tuple[float, ...]:
    """Gains of all emotions for a network that has none yet (`ContextFaceSettings.gains` empty).

    faces, voices: of people whom nothing was learned from, with neutral and expressive pictures of
    the same ones; read: from numbers (n,) of faces to their pictures (n, 3, S, S) in [0, 1].

    1 for neutral contexts, and for emotions without voices or such people.
    """
    generator = torch.Generator().manual_seed(seed)
    base, own = _neutral(faces)
    gains = []
    for emotion in range(len(faces.emotions)):
        pairs = _pairs(faces, own, emotion)
        heard = torch.nonzero(voices.emotion == emotion)[:, 0]
        if emotion == base or not pairs or not len(heard):
            gains.append(1.0)
            continue
        neutral, true = (torch.stack(rows).repeat(VOICES) for rows in zip(*pairs, strict=True))
        voice = heard[torch.randint(len(heard), (len(true),), generator=generator)]
        given = read(neutral)
        made = network.series(faces[neutral], voices[voice], (0.0, *GAINS), given=given)
        gains.append(_reaching(WAY, covered(made[:, 1:] - made[:, :1], read(true) - given)))
    return tuple(gains)


def farthest_shifts(faces: Latents) -> tuple[float, ...]:
    """How far latents lie from neutral ones in each emotion: the length of the mean change.

    faces: with neutral and expressive ones of the same people. Of neutral contexts, and of emotions
    that nobody shows, the longest of all: these bound nothing.
    """
    lengths = [0.0 if of is None else float(of.norm()) for of in mean_changes(faces)]
    longest = max(lengths)
    return tuple(round(length or longest, 4) for length in lengths) if longest else ()


def mean_changes(faces: Latents) -> list[Tensor | None]:
    """From people's neutral latents to their expressive ones, the mean (d,) for each emotion.

    faces: as of `farthest_shifts`. None: no emotion, or one that nobody shows.
    """
    base, own = _neutral(faces)
    changes: list[Tensor | None] = []
    for emotion in range(len(faces.emotions)):
        pairs = _pairs(faces, own, emotion)
        if emotion == base or not pairs:
            changes.append(None)
            continue
        neutral, true = (torch.stack(rows) for rows in zip(*pairs, strict=True))
        changes.append((faces.mu[true] - faces.mu[neutral]).mean(0))
    return changes


def covered(made: Tensor, true: Tensor) -> Tensor:
    """Share (L,) of the way that changes (N, L, 3, S, S) cover of the true ones (N, 3, S, S)."""
    weight = sum(bump(true.shape[-1], place) for place in (MOUTH, EYES, BROWS))
    along = (made * true[:, None] * weight).double().sum((0, 2, 3, 4))
    return along / (true * true * weight).double().sum().clamp_min(1e-12)


def _neutral(faces: Latents) -> tuple[int, dict[int, Tensor]]:
    """Which emotion is none (-1: not there), and the neutral picture of each person."""
    if NEUTRAL not in faces.emotions:
        return -1, {}
    return faces.emotions.index(NEUTRAL), {int(faces.actor[row]): row for row in faces.neutral}


def _pairs(faces: Latents, own: dict[int, Tensor], emotion: int) -> list[tuple[Tensor, Tensor]]:
    """Neutral pictures and true ones of an emotion, of the same people."""
    shown = faces.expressive[faces.emotion[faces.expressive] == emotion]
    return [(own[a], row) for row in shown if (a := int(faces.actor[row])) in own]


def _reaching(way: float, shares: Tensor) -> float:
    """The first gain at which shares (GAINS,) reach a way, straight lines between.

    Or that after which the next adds less than WORTH of what it would in proportion.
    """
    found = shares.tolist()
    if found[0] >= way:
        return GAINS[0]
    for i in range(1, len(GAINS)):
        if found[i] >= way:
            return round(float(np.interp(way, found[i - 1 : i + 1], GAINS[i - 1 : i + 1])), 4)
        due = found[i - 1] * (GAINS[i] / GAINS[i - 1] - 1)
        if found[i] - found[i - 1] < WORTH * due:
            return GAINS[i - 1]
    return GAINS[-1]
