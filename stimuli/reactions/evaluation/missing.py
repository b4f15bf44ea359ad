"""What is missing of a speaker when models are tried: nothing, a modality, a while, or everything.

Names are those of the tables: what is missing, so `voice` is a speaker who is seen but not heard.
"""

from __future__ import annotations

import torch
from torch import Tensor

from models.reaction.attributes import RATE
from models.reaction.inference import Reacted, react
from models.reaction.network import Model

GAP_S = 2.0  # in the middle of the clip, in voice and face
MISSING = ("nothing", "face", "voice", "gap", "everything")
WORDS = {"nothing": "everything there", "face": "without face", "voice": "without voice",
         "gap": f"a gap of {GAP_S:g} s", "everything": "nothing there"}  # fmt: skip
TRIED = {"none": MISSING, "emc": MISSING, "no-attention": MISSING[:1]}  # of each framework


def react_without(
    model: Model, missing: str, face: Tensor, voice: Tensor, seeds: list[list[int]]
) -> Reacted:
    """Reactions to speakers (N, T, 25), (N, T, V) of whom something is missing."""
    n, frames = face.shape[:2]
    there = torch.ones(n, frames, dtype=torch.bool)
    if missing == "gap":
        start = (frames - round(GAP_S * RATE)) // 2
        there[:, start : start + round(GAP_S * RATE)] = False
    return react(
        model,
        None if missing in ("face", "everything") else face,
        None if missing in ("voice", "everything") else voice,
        len(seeds[0]),
        seeds,
        None if missing in ("face", "everything") else there,
        None if missing in ("voice", "everything") else there,
        frames=frames,
        made_up=[each[0] for each in seeds],
    )
