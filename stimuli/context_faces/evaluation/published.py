"""What Blume et al. (2024) printed: tables 1 to 3, accuracies in per cent.

Source: F. Blume, R. Qu, P. Bideau, M. Maier, R. Abdel Rahman, O. Hellwich, How Do You Perceive My
Face? Recognizing Facial Expressions in Multi-Modal Context by Modeling Mental Representations
(2024), section 4.3 and 4.4. Text and table 2 differ for MEAD: 79.34 and 79.0.
"""

from __future__ import annotations

from typing import NamedTuple

SOURCE = "Blume et al. (2024)"


class Printed(NamedTuple):
    """A row of table 1 or 2."""

    model: str
    modalities: str  # V = videos, A = audio, K = facial keypoints
    year: int
    generates: bool
    accuracy: float


OURS = "Blume et al."
RAVDESS = (
    Printed("Franceschini et al.", "A + V + K", 2022, False, 78.54),
    Printed("Fu et al.", "A + V", 2021, False, 75.76),
    Printed("Ghaleb et al.", "A + V", 2020, False, 76.30),
    Printed("Chumachenko et al.", "A + V", 2022, False, 81.58),
    Printed("Dahmouni et al.", "A + V", 2023, False, 85.76),
    Printed("Sadok et al.", "A + V", 2024, True, 68.8),
    Printed(OURS, "A + V", 2024, True, 81.01),
)
MEAD = (
    Printed("wav2vec", "A", 2019, False, 68.4),
    Printed("Sadok et al.", "A + V", 2024, True, 73.2),
    Printed(OURS, "A + V", 2024, True, 79.0),
)
CHANCE = 100 / 7  # both corpora: seven classes
# table 3, on RAVDESS; keys as `models.context_face.ablations.Ablation`
ABLATIONS = {
    "linear-face": 68.06,
    "can-face": 68.99,
    "linear-voice": 48.66,
    "can-voice": 50.05,
    "can-strict": 79.64,
    "can-swap": 81.01,
    "vgg16": 64.40,
}
WORDS = {
    "linear-face": ("Single layer", "Video"),
    "can-face": ("CAN, face given twice", "Video"),
    "linear-voice": ("Single layer", "Audio"),
    "can-voice": ("CAN, voice given twice", "Audio"),
    "can-strict": ("CAN, strict audio", "Video + audio"),
    "can-swap": ("CAN, voices swapped", "Video + audio"),
    "vgg16": ("VGG16", "Video"),
}
# section 4.5: b of happy against angry at m = 0, .25, .5, .75, 1; the first two are not printed
APART = (float("nan"), float("nan"), 0.37, 0.51, 0.73)
RATED = (  # section 4.5, experiment 2: pictures of the paper's model, rated by people
    "People in the paper rated happy and angry pictures alike at m = 0 and 0.25 (b at most 0.19, p "
    "over .269), and apart at 0.5 (b = 0.37), 0.75 (0.51) and 1 (0.73)."
)
