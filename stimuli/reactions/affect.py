"""Displays of a face, and the 25 attributes that any mixture of them shows.

A display is what a face does at full strength: action units in the letters of FACS, a place on the
plane of valence and arousal, and what judges call it. All 25 attributes of a frame come from the
same strengths a_k in [0, 1] of the displays k, so they agree with each other:

    AU_u      = 1 - prod_k (1 - a_k I_ku)                   I: intensities of the letters
    (V, A)    = sum_k a_k (V_k, A_k), within -1 to 1
    P(e)      = g q_e / (1 - q + g q),  q_e = sum_k a_k S_ke,  q = sum_e q_e (at most 1)

and P(Neutral) is the rest. S shares out what a display is called; with g = CALLED an expression at
a quarter of its strength is called by its name half of the time.

Sources
    [Du]      Du, Tao & Martinez (2014), PNAS 111, E1454, table 1: action units of emotions.
    [EMFACS]  Friesen & Ekman (1983): those of anger with closed lips (4 7 23 24), and of contempt.
    [RM]      Russell & Mehrabian (1977), J. Res. Pers. 11, 273: valence and arousal of words.
    [G]       Goetz, Keltner & Simon-Thomas (2010), Psychol. Bull. 136, 351: compassion has a face
              of its own; that it is oblique brows (1 + 4) and pressed lips is told of it.
    [ours]    set so that curves and films look right to us; no study stands behind the number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from models.reaction.attributes import ATTRIBUTES, AUS, EXPRESSIONS, NEUTRAL, PLACE
from stimuli.actors.facs import INTENSITY

CALLED = 3.0  # g [ours]; thresholds of morphed expressions lie at 20 to 40 % of their strength
NAMES = ATTRIBUTES[EXPRESSIONS]


@dataclass(frozen=True)
class Display:
    """Action units with letters, valence, arousal, and the shares in which judges name it."""

    code: str
    valence: float
    arousal: float
    called: Mapping[str, float]


# Confusions are the usual ones: fear with surprise, disgust with anger; their sizes are [ours].
DISPLAYS: dict[str, Display] = {
    # Emotions; [Du] and [RM], with AU25 and 26 weak, as in talk and not as posed.
    "happy": Display("6D 12E 25B", 0.81, 0.51, {"Happy": 1.0}),
    "sad": Display("1D 4C 15D 17C", -0.63, -0.27, {"Sad": 0.9, "Disgust": 0.05, "Fear": 0.05}),
    "surprised": Display("1D 2D 25C 26C", 0.40, 0.67, {"Surprise": 0.85, "Fear": 0.15}),
    "fearful": Display("1D 2C 4C 7A 25C 26A", -0.64, 0.60,
                       {"Fear": 0.7, "Surprise": 0.25, "Sad": 0.05}),
    "disgusted": Display("4A 6B 7B 9D 10C 17C", -0.60, 0.35,
                         {"Disgust": 0.8, "Anger": 0.15, "Contempt": 0.05}),
    "angry": Display("4D 7D 23C 24B", -0.51, 0.59,
                     {"Anger": 0.85, "Disgust": 0.1, "Contempt": 0.05}),
    "contempt": Display("12A 14D", -0.55, 0.38,
                        {"Contempt": 0.75, "Happy": 0.15, "Anger": 0.1}),
    # What listeners show besides; places and shares are [ours], weaker than their emotions.
    "smile": Display("6B 12D", 0.60, 0.20, {"Happy": 0.9}),
    "polite smile": Display("12C 14A", 0.35, 0.05, {"Happy": 0.6, "Contempt": 0.05}),
    "concern": Display("1D 4C 17A 24B", -0.40, 0.10, {"Sad": 0.7, "Fear": 0.1}),  # [G]
    "interest": Display("1C 2C", 0.10, 0.35, {"Surprise": 0.3}),
    "pressed lips": Display("14A 17B 24C", -0.15, 0.0, {"Sad": 0.15, "Contempt": 0.1}),
    "displeasure": Display("4C 7C 10A 24B", -0.45, 0.30, {"Anger": 0.6, "Disgust": 0.15}),
    "wary": Display("1C 2B 4B 25B", -0.40, 0.45, {"Fear": 0.55, "Surprise": 0.15}),
    "oh": Display("1A 25C 26B", 0.05, 0.20, {"Surprise": 0.2}),
}  # fmt: skip


def attributes(
    strengths: Mapping[str, np.ndarray], gains: np.ndarray | None = None,
    resting: np.ndarray | None = None,
) -> np.ndarray:  # fmt: skip
    """Attributes (T, 25) float32 of a face that shows displays at strengths (T,) each, 0 to 1.

    gains: (15,) how readily this face shows each action unit, 1 as others do: 1 - (1 - AU)^gain;
    resting: (15,), or (T, 15), what the face shows anyway. Both move the action units alone.

    Raises ValueError on a display that is not known.
    """
    for name in strengths:
        if name not in DISPLAYS:
            raise ValueError(f"display '{name}': not known; give one of {', '.join(DISPLAYS)}")
    frames = len(next(iter(strengths.values())))
    amount = np.stack([strengths.get(name, np.zeros(frames)) for name in DISPLAYS], 1).clip(0, 1)
    units, places, called = _tables()
    shown = 1 - np.exp(_log1m(amount[:, :, None] * units).sum(1))  # (T, 15)
    if gains is not None:
        shown = 1 - (1 - shown) ** gains
    if resting is not None:
        shown = 1 - (1 - shown) * (1 - resting)
    out = np.tile(NEUTRAL, (frames, 1)).astype(float)
    out[:, AUS] = shown.clip(0, 1)
    out[:, PLACE] = (amount @ places).clip(-1, 1)
    q = amount @ called  # (T, 8), Neutral's column 0
    total = q.sum(1, keepdims=True)
    q = q / np.maximum(total, 1)
    total = np.minimum(total, 1)
    out[:, EXPRESSIONS] = CALLED * q / (1 - total + CALLED * total)
    out[:, EXPRESSIONS.start] = (1 - total[:, 0]) / (1 - total[:, 0] + CALLED * total[:, 0])
    return out.astype(np.float32)


@lru_cache(maxsize=1)
def _tables() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Intensities (K, 15), places (K, 2) and shares (K, 8) of the displays."""
    units = np.zeros((len(DISPLAYS), AUS.stop))
    called = np.zeros((len(DISPLAYS), len(NAMES)))
    for row, display in enumerate(DISPLAYS.values()):
        for term in display.code.split():
            units[row, ATTRIBUTES.index(f"AU{term[:-1]}")] = INTENSITY[term[-1]]
        for name, share in display.called.items():
            called[row, NAMES.index(name)] = share
    places = np.array([(display.valence, display.arousal) for display in DISPLAYS.values()])
    return units, places, called


def _log1m(x: np.ndarray) -> np.ndarray:
    """log(1 - x), finite at 1."""
    return np.log(np.maximum(1 - x, 1e-9))
