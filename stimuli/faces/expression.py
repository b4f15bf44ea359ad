"""What the expression network of face-api.js calls a face: probabilities of seven words.

The network was trained by others on photographs found online, with labels that few people gave. It
has no word for contempt, calm or compounds, and takes many half-strength faces for neutral. It
tells whether a picture shows what it should, not what people see in it.
"""

from __future__ import annotations

import numpy as np

from stimuli.faces.detector import Face
from stimuli.faces.features import head
from stimuli.faces.landmarks import around, cut
from stimuli.faces.weights import load

MODEL = "face_expression_model"
WORDS = ("neutral", "happy", "sad", "angry", "fearful", "disgusted", "surprised")


def expression(pixels: np.ndarray, face: Face) -> dict[str, float]:
    """Probability of each of WORDS for a face of a picture (H, W, 3) uint8; they add up to 1."""
    part, _ = cut(pixels, around(face.landmarks))
    logits = head(part, load(MODEL)).astype(float)
    odds = np.exp(logits - logits.max())
    return dict(zip(WORDS, (odds / odds.sum()).tolist(), strict=True))
