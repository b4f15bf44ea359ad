"""What a mouth does while it speaks: phones -> visemes -> weights of the 52 facial actions.

    mouth = speaking(speech.phones, n)       (n, 52), at 25 frames a second

A phone looks like one of 15 visemes; a diphthong passes from one to another. Shapes flow into each
other by the dominance functions of Cohen & Massaro (1993): with targets T_i and dominances D_i,

    F(t) = sum_i D_i(t) T_i / sum_i D_i(t),   D_i(t) = alpha_i exp(-theta_i d_i(t)),

where d_i(t) is how far, in seconds, t lies outside the core of phone i. Protruded lips keep their
shape longer than the rest. Consonants that are made behind the lips have a small alpha, so that
the lips keep the shape of the vowels around. `combine` sees to what may never blend away: that
lips close on /m b p/, the lip meets the teeth on /f v/, and teeth stay together on hissing sounds.

Frame i shows the middle of its time, (i + 0.5) / 25 s.

Sources
    [CM]    Cohen & Massaro (1993), Modeling coarticulation in synthetic visual speech.
    [JALI]  Edwards, Landreth, Fiume & Singh (2016), ACM Trans. Graph. 35, 127: what must close.
    [MPEG]  The 14 visemes of MPEG-4 (ISO/IEC 14496-2) and silence, named as in Oculus Lipsync.
    Shapes were started from openfacefx's ARKit preset (MIT) and set by eye on these meshes.
"""

import re
from collections.abc import Sequence

import numpy as np

from stimuli.actors.facs import ACTIONS
from stimuli.voices.speech import Phone

FPS = 25
INDEX = {action: i for i, action in enumerate(ACTIONS)}

# Viseme -> action -> weight; a trailing * stands for Left and Right. jawOpen at 1 drops the chin
# by 34 mm; mouthFunnel at 1 parts the lips by 14 mm.
VISEMES: dict[str, dict[str, float]] = {
    "sil": {},
    "PP": {"mouthPress*": 0.35, "mouthRollLower": 0.12, "mouthRollUpper": 0.1},
    "FF": {"mouthUpperUp*": 0.55, "mouthRollLower": 0.8, "mouthShrugLower": 0.15, "jawOpen": 0.07},
    "TH": {"tongueOut": 0.45, "jawOpen": 0.1, "mouthUpperUp*": 0.2, "mouthLowerDown*": 0.2},
    "DD": {"jawOpen": 0.08, "tongueOut": 0.05, "mouthUpperUp*": 0.12, "mouthLowerDown*": 0.15},
    "kk": {"jawOpen": 0.12, "mouthLowerDown*": 0.12},
    "CH": {"mouthFunnel": 0.35, "mouthPucker": 0.3, "jawOpen": 0.05},
    "SS": {
        "jawOpen": 0.04, "mouthStretch*": 0.25, "mouthUpperUp*": 0.22, "mouthLowerDown*": 0.28,
    },
    "nn": {"jawOpen": 0.07, "tongueOut": 0.04, "mouthLowerDown*": 0.12},
    "RR": {"mouthPucker": 0.4, "mouthFunnel": 0.15, "jawOpen": 0.08},
    "aa": {"jawOpen": 0.35, "mouthLowerDown*": 0.15, "mouthUpperUp*": 0.08},
    "E": {"jawOpen": 0.22, "mouthStretch*": 0.2, "mouthLowerDown*": 0.15, "mouthUpperUp*": 0.1},
    "I": {
        "jawOpen": 0.08, "mouthStretch*": 0.35, "mouthSmile*": 0.2, "mouthUpperUp*": 0.15,
        "mouthLowerDown*": 0.15,
    },
    "O": {"mouthFunnel": 0.3, "mouthPucker": 0.4, "jawOpen": 0.2},
    "U": {"mouthPucker": 0.8, "mouthFunnel": 0.2, "jawOpen": 0.05},
}  # fmt: skip

# ARPAbet -> the visemes it passes through, in equal parts.
PHONE_VISEMES: dict[str, tuple[str, ...]] = {
    "sil": ("sil",),
    **dict.fromkeys(["P", "B", "M"], ("PP",)),
    **dict.fromkeys(["F", "V"], ("FF",)),
    **dict.fromkeys(["TH", "DH"], ("TH",)),
    **dict.fromkeys(["T", "D"], ("DD",)),
    **dict.fromkeys(["K", "G", "NG", "HH"], ("kk",)),
    **dict.fromkeys(["CH", "JH", "SH", "ZH"], ("CH",)),
    **dict.fromkeys(["S", "Z"], ("SS",)),
    **dict.fromkeys(["N", "L"], ("nn",)),
    **dict.fromkeys(["R", "ER"], ("RR",)),
    **dict.fromkeys(["AA", "AE", "AH"], ("aa",)),
    **dict.fromkeys(["EH", "IH"], ("E",)),
    **dict.fromkeys(["IY", "Y"], ("I",)),
    **dict.fromkeys(["UH", "UW", "W"], ("U",)),
    "AO": ("O",),
    "EY": ("E", "I"),
    "AY": ("aa", "I"),
    "OY": ("O", "I"),
    "OW": ("O", "U"),
    "AW": ("aa", "U"),
}

# IPA of English -> ARPAbet; length and stress marks are dropped first.
_IPA = dict(
    re.findall(
        r"(\S+):(\S+)",
        "p:P b:B m:M f:F v:V θ:TH ð:DH t:T d:D ɾ:D ʔ:T l:L ɫ:L n:N ŋ:NG k:K g:G ɡ:G h:HH ɦ:HH "
        "tʃ:CH ʧ:CH dʒ:JH ʤ:JH ʃ:SH ʒ:ZH s:S z:Z ɹ:R r:R ɻ:R w:W ʍ:W j:Y "
        "ɑ:AA ɒ:AA a:AA æ:AE ʌ:AH ə:AH ɐ:AH ɔ:AO ɛ:EH e:EH ɝ:ER ɚ:ER ɜ:ER ɪ:IH ɨ:IH i:IY "
        "o:OW ʊ:UH u:UW ʉ:UW aɪ:AY aʊ:AW eɪ:EY oʊ:OW əʊ:OW ɔɪ:OY ɔʏ:OY",
    )
)
_MARKS = str.maketrans("", "", "ˈˌːˑʰʲ̩̯̃͡")

ALPHA = {"DD": 0.5, "kk": 0.4, "nn": 0.5, "SS": 0.8}  # others 1; ours
PAUSE, PAUSE_ALPHA = 0.15, 0.2  # s; in a shorter silence the mouth has no time to rest
THETA = 26.0  # 1/s of a phone of TYPICAL length; shorter ones fade faster [CM; the size is ours]
TYPICAL = 0.09  # s
PROTRUSION_THETA = 9.0  # 1/s; rounding starts some 0.15 s early [JALI]
PROTRUSION = ("mouthPucker", "mouthFunnel")
CORE_EDGE = 0.05  # s from the edges of a long phone to its core


def arpabet(symbol: str) -> str:
    """ARPAbet of a phone given in ARPAbet (stress digits allowed) or in English IPA.

    Raises ValueError on a symbol of neither.
    """
    plain = symbol.rstrip("012") if symbol.isascii() else symbol
    if plain in PHONE_VISEMES:
        return plain
    bare = symbol.translate(_MARKS)
    if bare in _IPA:
        return _IPA[bare]
    raise ValueError(
        f"phone '{symbol}': neither ARPAbet ({', '.join(PHONE_VISEMES)}) nor English IPA "
        f"({', '.join(_IPA)})"
    )


def targets() -> dict[str, np.ndarray]:
    """The shape of each viseme as action weights (52,)."""
    shapes = {}
    for viseme, actions in VISEMES.items():
        weights = np.zeros(len(ACTIONS))
        for action, weight in actions.items():
            sides = ("Left", "Right") if action.endswith("*") else ("",)
            for side in sides:
                weights[INDEX[action.rstrip("*") + side]] = weight
        shapes[viseme] = weights
    return shapes


def segments(phones: Sequence[Phone]) -> list[tuple[str, float, float]]:
    """(viseme, start, end) in seconds; diphthongs make two."""
    out = []
    for phone in phones:
        parts = PHONE_VISEMES[arpabet(phone.symbol)]
        edges = np.linspace(phone.start, phone.end, len(parts) + 1)
        out += [(v, float(a), float(b)) for v, a, b in zip(parts, edges, edges[1:], strict=False)]
    return [segment for segment in out if segment[2] > segment[1]]


def frame_times(n: int) -> np.ndarray:
    """Times (n,) in seconds that the frames show: the middle of each."""
    return (np.arange(n) + 0.5) / FPS


def frames_of(start: float, end: float, n: int) -> np.ndarray:
    """The frames (k,) of n that show start to end (s); the nearest if it falls between two."""
    times = frame_times(n)
    inside = np.flatnonzero((times >= start) & (times < end))
    return inside if len(inside) else np.array([np.abs(times - (start + end) / 2).argmin()])


def speaking(phones: Sequence[Phone], n: int) -> np.ndarray:
    """Action weights (n, 52) of a face without expression that says the phones [CM]."""
    if n == 0:
        return np.zeros((0, len(ACTIONS)))
    parts = segments(phones)
    shapes = targets()
    wanted = np.stack([shapes[viseme] for viseme, _, _ in parts])  # (P, 52)
    weights = _blend(dominance(parts, n, THETA), wanted)
    for action in PROTRUSION:
        column = [INDEX[action]]
        slow = dominance(parts, n, PROTRUSION_THETA)
        weights[:, column] = _blend(slow, wanted[:, column])
    return weights


def dominance(parts: Sequence[tuple[str, float, float]], n: int, theta: float) -> np.ndarray:
    """How much each of P segments shapes each frame: (n, P)."""
    start = np.array([part[1] for part in parts])
    end = np.array([part[2] for part in parts])
    length = end - start
    alpha = np.array([ALPHA.get(part[0], 1.0) for part in parts])
    alpha[(length < PAUSE) & np.array([part[0] == "sil" for part in parts])] = PAUSE_ALPHA
    core = np.maximum(length / 4, length / 2 - CORE_EDGE)  # half of it, s
    outside = np.maximum(np.abs(frame_times(n)[:, None] - (start + end) / 2) - core, 0)
    return alpha * np.exp(-theta * np.sqrt(TYPICAL / np.minimum(length, TYPICAL)) * outside)


def _blend(weight: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    total = np.maximum(weight.sum(axis=1, keepdims=True), 1e-12)
    return (weight / total) @ wanted
