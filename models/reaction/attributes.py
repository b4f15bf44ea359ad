"""The 25 attributes of a face, in the order of REACT 2024, 25 times a second.

Intensities of 15 action units (0 to 1), valence and arousal (-1 to 1), probabilities of eight
expressions (0 to 1, together 1). REACT's own action units are 0 or 1.
"""

from __future__ import annotations

import numpy as np

ATTRIBUTES: tuple[str, ...] = (
    "AU1", "AU2", "AU4", "AU6", "AU7", "AU9", "AU10", "AU12", "AU14", "AU15", "AU17", "AU23",
    "AU24", "AU25", "AU26", "valence", "arousal", "Neutral", "Happy", "Sad", "Surprise", "Fear",
    "Disgust", "Anger", "Contempt",
)  # fmt: skip
AUS = slice(0, 15)
PLACE = slice(15, 17)  # valence, arousal
EXPRESSIONS = slice(17, 25)
AFFECT = slice(15, 25)  # what a voice expresses as well
RATE = 25  # frames a second

NEUTRAL = np.zeros(len(ATTRIBUTES), np.float32)  # a calm face
NEUTRAL[EXPRESSIONS.start] = 1.0
NEUTRAL.setflags(write=False)


def in_range(attributes: np.ndarray) -> np.ndarray:
    """Attributes (…, 25) float32 within their ranges; expressions share out 1, or are neutral."""
    inside = np.array(attributes, np.float32)
    inside[..., AUS] = inside[..., AUS].clip(0, 1)
    inside[..., PLACE] = inside[..., PLACE].clip(-1, 1)
    shares = inside[..., EXPRESSIONS].clip(0, 1)
    total = shares.sum(-1, keepdims=True)
    calm = np.broadcast_to(NEUTRAL[EXPRESSIONS], shares.shape)
    inside[..., EXPRESSIONS] = np.where(total > 1e-6, shares / np.maximum(total, 1e-6), calm)
    return inside
