"""How strong a shift is at m = 1: an addition of mien.

CAN learns the mean of what people show, and knows the faces that it learned from; of other faces it
says the mean alone. But people differ, and their mean is weaker than any of them (measured with the
shipped weights: shifts of strange faces to anger cover .65 of the way, whoever speaks). So the
offset is multiplied by a gain, one number for all, with which shifts of people whom nothing was
learned from are, on average, as long as the way to their own true expression, along it.
"""

from __future__ import annotations

from typing import Protocol

import torch

from models.context_face.attention import Offsets
from models.context_face.latents import Latents
from models.context_face.vae import Latent

FACES = 8  # drawn for each voice
LEAST, MOST = 0.5, 2.0  # a gain outside means that the networks learned something else


class Shifts(Protocol):
    """What shifts faces, such as `ContextFace`."""

    def shift(self, face: Latent, context: Latent) -> Offsets:
        """Offsets of N faces in N contexts."""
        ...


@torch.inference_mode()
def fitted_gain(network: Shifts, faces: Latents, voices: Latents, seed: int = 1) -> float:
    """Gain for offsets of a network that has none yet (`ContextFaceSettings.gain` 1).

    faces, voices: of people whom nothing was learned from, with neutral and expressive pictures of
    the same ones. With D the difference between a person's expressive and neutral latents, and O
    the offset of that person in a voice of the emotion, in standard deviations of each dimension:
    sum D D / sum O D over faces and voices, cut to LEAST to MOST. 1 without voices or such people.
    """
    generator, spread = torch.Generator().manual_seed(seed), faces.spread
    base = faces.emotions.index("neutral") if "neutral" in faces.emotions else -1
    full, rest = faces.expressive, faces.neutral
    true = along = 0.0
    for emotion in range(len(faces.emotions)):
        shown = full[faces.emotion[full] == emotion]
        heard = torch.nonzero(voices.emotion == emotion)[:, 0]
        own = (faces.actor[rest][:, None] == faces.actor[shown]).float()  # (neutral, shown)
        known = torch.nonzero(own.sum(1))[:, 0]
        if emotion == base or not len(known) or not len(heard):
            continue
        ways = own @ faces.mu[shown] / own.sum(1, keepdim=True).clamp_min(1) - faces.mu[rest]
        drawn = known[torch.randint(len(known), (len(heard) * FACES,), generator=generator)]
        offset = network.shift(faces[rest[drawn]], voices[heard.repeat(FACES)]).mu / spread
        way = ways[drawn] / spread
        true, along = true + float((way * way).sum()), along + float((offset * way).sum())
    if not along > 0:
        return 1.0
    return round(min(MOST, max(LEAST, true / along)), 4)
