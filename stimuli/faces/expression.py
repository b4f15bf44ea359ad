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
MARGINS = (0.0, 0.1, 0.2)  # around the landmarks, as shares of their extent


def expression(pixels: np.ndarray, face: Face) -> dict[str, float]:
    """Probability of each of WORDS for a face of a picture (H, W, 3) uint8; they add up to 1.

    The mean over three widths of the cut and their mirror images. One cut alone is a matter of
    luck: its word is right in 315 of the 364 full emotions of the cast, the mean's in 330, and weak
    expressions move the mean a little instead of not at all. A mirrored face is called the same.
    """
    parts = [cut(pixels, around(face.landmarks, margin=margin))[0] for margin in MARGINS]
    parts += [np.ascontiguousarray(part[:, ::-1]) for part in parts]
    mean = np.mean([_probabilities(part) for part in parts], axis=0)
    return dict(zip(WORDS, mean.tolist(), strict=True))


def _probabilities(part: np.ndarray) -> np.ndarray:
    """Probabilities (7,) for the part (H, W, 3) of a picture with the face."""
    logits = head(part, load(MODEL)).astype(float)
    odds = np.exp(logits - logits.max())
    return odds / odds.sum()
