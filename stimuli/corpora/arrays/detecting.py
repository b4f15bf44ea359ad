"""The detector that a preparation uses unless it is given another: stimuli.faces.

Its landmarks are means over a face and its mirror image (stimuli/faces/landmarks.py), so eyes lean
to neither side of the picture.
"""

from __future__ import annotations

import json
from pathlib import Path

from protocols.clips import read_clips
from stimuli.corpora.arrays.given import GIVEN
from stimuli.faces import landmarks, weights
from stimuli.faces.boxes import MODEL as BOXES

NETWORKS = "@vladmandic/face-api"


def detector() -> str:
    """Name and version of the networks, for the record of a preparation."""
    recipe = json.loads((weights.RECIPE / "package.json").read_text(encoding="utf-8"))
    return f"{NETWORKS} {recipe['dependencies'][NETWORKS]}, mean with the mirror image"


def have_weights(folder: Path) -> None:
    """Fetch the weights before the work begins, if any clip of the corpus in `folder` needs them.

    Raises:
        UserError: they cannot be had, or there is no such corpus.
    """
    clips = read_clips(folder)
    seen = clips["video"].notna() | clips["image"].notna()
    known = clips["annotation"].fillna("").str.endswith(GIVEN)
    if (seen & ~known).any():
        for model in (BOXES, landmarks.MODEL):
            weights.load(model)
