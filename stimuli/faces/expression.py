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
    """Probability of each of WORDS for a face of a picture (H, W, 3) uint8; they add up to 1."""
    part, _ = cut(pixels, around(face.landmarks))
    return _named(_probabilities(part))


def steady_expression(pixels: np.ndarray, face: Face) -> dict[str, float]:
    """The same, as the mean over three widths of the cut and their mirror images.

    One cut alone is a matter of luck: on crops of actors its words are right in 79 % of full
    emotions, the mean's in 88 %, and weak expressions move the mean a little instead of not at all.
    A mirrored face is called the same.
    """
    parts = [cut(pixels, around(face.landmarks, margin=margin))[0] for margin in MARGINS]
    parts += [np.ascontiguousarray(part[:, ::-1]) for part in parts]
    return _named(np.mean([_probabilities(part) for part in parts], axis=0))


def _probabilities(part: np.ndarray) -> np.ndarray:
    """Probabilities (7,) for the part (H, W, 3) of a picture with the face."""
    logits = head(part, load(MODEL)).astype(float)
    odds = np.exp(logits - logits.max())
    return odds / odds.sum()


def _named(probabilities: np.ndarray) -> dict[str, float]:
    return dict(zip(WORDS, probabilities.tolist(), strict=True))
