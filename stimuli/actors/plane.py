"""Any point of the valence–arousal plane as a face: `at(0.5, -0.3)` gives action weights (52,).

Symbols
    x = (valence, arousal)   each from -1 to 1; (0, 0) is the neutral face
    x_i                      where people place emotion i (ANCHORS)
    P_i                      its prototype, action weights (52,)

    face(x) = sum_i b_i(x) s(|x| / |x_i|) P_i + axis terms

Radial basis functions share out the emotions, b_i ~ exp(-|x' - x_i|^2 / 2 WIDTH^2) with sum 1. Here
x' is x moved out to RIM where it lies nearer to neutral: there the direction alone decides, or a
slightly pleasant face would be a little of everything, and most emotions are unpleasant. Strength
grows with the distance from neutral: s(0) = 0, s(1) = 1 as far out as people place the emotion,
and it levels off at MOST. The axis terms grow with |valence| or |arousal| alone; they keep lip
corners rising with valence and eyes opening with arousal where the emotions at hand would not.

Sources
    [RM]   Russell & Mehrabian (1977), Journal of Research in Personality 11, 273: mean ratings of
           pleasure and arousal of emotion words. Dominance is left out.
    [fit]  set on these meshes, so that the faces change in the right direction along both axes.
The faces are mien's; how people rate them is for a study to show (lindt2019-valence-arousal).
"""

from functools import lru_cache

import numpy as np

from stimuli.actors import facs

# emotion -> (valence, arousal) [RM], and the face that stands for it: an emotion of facs, or a code
ANCHORS: dict[str, tuple[tuple[float, float], str]] = {
    "happy": ((0.81, 0.51), "happy"),
    "excited": ((0.62, 0.75), "happily surprised"),  # our choice of face
    "surprised": ((0.40, 0.67), "surprised"),
    "fearful": ((-0.64, 0.60), "fearful"),
    "angry": ((-0.51, 0.59), "angry"),
    "disgusted": ((-0.60, 0.35), "disgusted"),
    "sad": ((-0.63, -0.27), "sad"),
    "bored": ((-0.65, -0.62), "15C 17A 43B"),  # heavy lids, dropped corners [fit]
    "sleepy": ((0.20, -0.70), "43B"),  # [fit]
    "relaxed": ((0.68, -0.46), "6A 12C 43A"),  # calm, as seen at full strength [fit]
}
WIDTH = 0.25  # standard deviation of a basis function, in units of the plane [fit]
RIM = 0.6  # least distance from neutral at which the emotions are shared out [fit]
MOST = 1.2  # strength of an emotion far beyond where people place it [fit]

# Facial actions at the ends of each axis, on top of the emotions [fit]; * is Left and Right.
PLEASANT = {"mouthSmile*": 0.25, "cheekSquint*": 0.15}
UNPLEASANT = {"mouthFrown*": 0.30, "browDown*": 0.30}
AROUSED = {"eyeWide*": 0.55, "browInnerUp": 0.20, "browOuterUp*": 0.20, "jawOpen": 0.06}
CALM = {"eyeBlink*": 0.22}


def at(valence: float, arousal: float) -> np.ndarray:
    """Action weights (52,) of the face at a point of the plane; all 0 at (0, 0).

    Raises ValueError when a coordinate lies outside -1…1.
    """
    for name, value in (("valence", valence), ("arousal", arousal)):
        if not -1 <= value <= 1:
            raise ValueError(f"{name}: found {value}; give -1 to 1")
    x = np.array([valence, arousal], float)
    places, faces = _anchors()
    radius = np.linalg.norm(x)
    outwards = x * max(radius, RIM) / max(radius, 1e-9)
    away = np.sum((outwards - places) ** 2, axis=1)
    near = np.exp(-(away - away.min()) / (2 * WIDTH**2))
    much = strength(radius / np.linalg.norm(places, axis=1))
    return (near / near.sum() * much) @ faces + _axis_terms(*x)


def strength(q: np.ndarray) -> np.ndarray:
    """0 at q = 0, 1 at q = 1, rising to MOST."""
    return MOST * q / (q**4 + MOST**4 - 1) ** 0.25


def _axis_terms(valence: float, arousal: float) -> np.ndarray:
    pleasant, unpleasant, aroused, calm = _ends()
    return abs(valence) * (pleasant if valence > 0 else unpleasant) + abs(arousal) * (
        aroused if arousal > 0 else calm
    )


@lru_cache(maxsize=1)
def _anchors() -> tuple[np.ndarray, np.ndarray]:
    """Where the emotions lie (N, 2), and their faces (N, 52)."""
    codes = [facs.PROTOTYPES.get(face, face) for _, face in ANCHORS.values()]
    places = np.array([place for place, _ in ANCHORS.values()])
    return places, np.stack([facs.parse(code) for code in codes])


@lru_cache(maxsize=1)
def _ends() -> tuple[np.ndarray, ...]:
    return tuple(facs.actions_array(end) for end in (PLEASANT, UNPLEASANT, AROUSED, CALM))
