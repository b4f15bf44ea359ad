"""Facial expressions in the language of FACS, as weights of a rig's 52 facial actions.

    parse("6E 12E 25D")       what a FACS coder would write -> action weights (52,)
    weights("happy", 0.6)     the prototype of an emotion at 60 % of its full strength

A code is a list of action units (AU), each with an intensity letter from A (trace) to E (maximum),
and L or R in front when only the actor's left or right half acts: "AU12D+6C", "R14B". FACS orders
the letters but gives them no numbers; INTENSITY is ours, and rises evenly enough to be read as
0.15 to 1. The weight of an action is AU weight x GAIN x intensity, summed over the AUs of the
code. An emotion at m is m times its prototype: linear, and at m = 0 the same neutral face for all.

Sources
    [FACS]    Ekman, Friesen & Hager (2002), Facial Action Coding System: the manual.
    [EMFACS]  Friesen & Ekman (1983), EMFACS-7; prototypes as in Ekman & Friesen (1978), table 11-1.
    [Unmasking] Ekman & Friesen (1975), Unmasking the Face, chapters 5 and 6: fear, disgust.
    [Du]      Du, Tao & Martinez (2014), PNAS 111, E1454: table 1, AUs seen in more than 70 % of
              people, and in brackets those seen in fewer.
    [ARKit]   Apple, ARFaceAnchor.BlendShapeLocation: what each facial action does; its
              correspondence to FACS after M. Ozel's ARKit to FACS cheat sheet.
    [fit]     set on these meshes, by eye and by an expression classifier; see DATASHEET.md.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np

from stimuli.actors.compounds import COMPOUNDS

ACTIONS = (
    "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight",
    "cheekPuff", "cheekSquintLeft", "cheekSquintRight", "eyeBlinkLeft", "eyeBlinkRight",
    "eyeLookDownLeft", "eyeLookDownRight", "eyeLookInLeft", "eyeLookInRight", "eyeLookOutLeft",
    "eyeLookOutRight", "eyeLookUpLeft", "eyeLookUpRight", "eyeSquintLeft", "eyeSquintRight",
    "eyeWideLeft", "eyeWideRight", "jawForward", "jawLeft", "jawOpen", "jawRight", "mouthClose",
    "mouthDimpleLeft", "mouthDimpleRight", "mouthFrownLeft", "mouthFrownRight", "mouthFunnel",
    "mouthLeft", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthPressLeft", "mouthPressRight",
    "mouthPucker", "mouthRight", "mouthRollLower", "mouthRollUpper", "mouthShrugLower",
    "mouthShrugUpper", "mouthSmileLeft", "mouthSmileRight", "mouthStretchLeft",
    "mouthStretchRight", "mouthUpperUpLeft", "mouthUpperUpRight", "noseSneerLeft",
    "noseSneerRight", "tongueOut",
)  # fmt: skip
INTENSITY = {"A": 0.15, "B": 0.30, "C": 0.50, "D": 0.75, "E": 1.00}

# How much of an action makes its AU at E on this mesh; 1 where not listed. [fit]
# The upper face of the underlying blend shapes is timid: at weight 1 browDown moves the skin by at
# most 7 mm and eyeSquint by 4 mm, while jawOpen moves it 39 mm and mouthSmile 19 mm.
GAIN = {
    "browDown": 1.7,
    "browInnerUp": 1.35,
    "browOuterUp": 1.25,
    "cheekSquint": 1.4,
    "eyeSquint": 1.4,
    "eyeWide": 1.3,
    "mouthFrown": 1.5,
    "mouthPress": 1.3,
    "mouthStretch": 1.3,
    "mouthUpperUp": 1.2,
    "noseSneer": 1.7,
}


@dataclass(frozen=True)
class ActionUnit:
    """One AU of FACS: what it is called, and the facial actions it takes at E before GAIN.

    In `actions` a trailing * stands for Left and Right.
    """

    number: int
    name: str
    actions: Mapping[str, float]

    @property
    def two_sided(self) -> bool:
        """Whether the AU can act on one half of the face."""
        return all(action.endswith("*") for action in self.actions)


AU = {
    au.number: au
    for au in (
        # One facial action each, by its definition [ARKit].
        ActionUnit(1, "inner brow raiser", {"browInnerUp": 1.0}),
        ActionUnit(2, "outer brow raiser", {"browOuterUp*": 1.0}),
        ActionUnit(4, "brow lowerer", {"browDown*": 1.0}),
        ActionUnit(5, "upper lid raiser", {"eyeWide*": 1.0}),
        ActionUnit(6, "cheek raiser", {"cheekSquint*": 1.0}),
        ActionUnit(7, "lid tightener", {"eyeSquint*": 1.0}),
        # The nose and the infraorbital triangle beside it are pulled up, the lip a little [FACS];
        # noseSneer at its gain lifts the wings of the nose by 3 mm and pulls the inner ends of the
        # brows down by 7, an angry V: less of it, lower brows as a whole, and raised cheeks [fit].
        ActionUnit(
            9,
            "nose wrinkler",
            {"noseSneer*": 0.5, "browDown*": 0.2, "cheekSquint*": 0.4, "mouthUpperUp*": 0.2},
        ),
        ActionUnit(10, "upper lip raiser", {"mouthUpperUp*": 1.0}),
        ActionUnit(12, "lip corner puller", {"mouthSmile*": 1.0}),
        ActionUnit(14, "dimpler", {"mouthDimple*": 1.0}),
        ActionUnit(15, "lip corner depressor", {"mouthFrown*": 1.0}),
        ActionUnit(16, "lower lip depressor", {"mouthLowerDown*": 1.0}),
        # The chin boss pushes the lower lip up, and the lower lip the upper one [FACS]; in equal
        # parts, or the lower lip runs 5 mm into the upper [fit].
        ActionUnit(17, "chin raiser", {"mouthShrugLower": 1.0, "mouthShrugUpper": 1.0}),
        ActionUnit(18, "lip pucker", {"mouthPucker": 1.0}),
        # Straight back to the ears [FACS]; mouthStretch alone pulls the corners down by 3 mm, as
        # AU 15 does [fit].
        ActionUnit(20, "lip stretcher", {"mouthStretch*": 1.0, "mouthSmile*": 0.15}),
        ActionUnit(22, "lip funneler", {"mouthFunnel": 1.0}),
        # Tightened and pressed lips roll in, and the mouth gets no wider [FACS]. mouthPress also
        # pulls the corners out by 6 mm, which a pucker takes back [fit].
        ActionUnit(
            23,
            "lip tightener",
            {
                "mouthPress*": 0.2,
                "mouthRollLower": 0.4,
                "mouthRollUpper": 0.5,
                "mouthPucker": 0.3,
            },
        ),
        ActionUnit(
            24,
            "lip pressor",
            {
                "mouthPress*": 0.25,
                "mouthRollLower": 0.25,
                "mouthRollUpper": 0.4,
                "mouthPucker": 0.3,
            },
        ),
        # Parted lips without a dropped jaw [FACS]; a trace of jaw opens the line [fit].
        ActionUnit(
            25, "lips part", {"mouthLowerDown*": 0.30, "mouthUpperUp*": 0.25, "jawOpen": 0.06}
        ),
        # The jaw falls open by relaxing (26) or is pulled down (27); 27 is 33 mm at the chin [fit].
        ActionUnit(26, "jaw drop", {"jawOpen": 0.38}),
        ActionUnit(27, "mouth stretch", {"jawOpen": 0.85}),
        # The jaw must fall a little to suck the lips in [FACS], or they run through each other;
        # a press closes the corners that rolling leaves open [fit].
        ActionUnit(
            28,
            "lip suck",
            {"mouthRollLower": 0.8, "mouthRollUpper": 0.8, "mouthPress*": 0.2, "jawOpen": 0.05},
        ),
        ActionUnit(29, "jaw thrust", {"jawForward": 1.0}),
        ActionUnit(34, "puff", {"cheekPuff": 1.0}),
        ActionUnit(43, "eyes closed", {"eyeBlink*": 1.0}),
        ActionUnit(61, "eyes turn left", {"eyeLookOutLeft": 1.0, "eyeLookInRight": 1.0}),
        ActionUnit(62, "eyes turn right", {"eyeLookInLeft": 1.0, "eyeLookOutRight": 1.0}),
        ActionUnit(63, "eyes up", {"eyeLookUp*": 1.0}),
        ActionUnit(64, "eyes down", {"eyeLookDown*": 1.0}),
    )
}

# Emotion -> code at full strength (m = 1).
PROTOTYPES = {
    "neutral": "",
    # [EMFACS] 6+12; [Du] 12 25 [6]; a trace of 7 and 26 as in an open smile [fit]
    "happy": "6E 7A 12E 25E 26A",
    # [EMFACS] 1+4+15 (+17); [Du] 4 15 [1 6 11 17]; heavy lids [fit]
    "sad": "1E 4D 15E 17C 43A",
    # [EMFACS] 4+5+7+10+25+26 with 22 and 23, the open-mouthed form; [Du] 4 7 24 [10 17 23];
    # 16 bares the lower teeth [fit]
    "angry": "4E 5C 7E 10E 16E 22A 23C 25E 26B",
    # [EMFACS] 1+2+4+5+20+25+26; [Du] 1 4 20 25 [2 5 26]; tense lower lids, which surprise has not
    # [Unmasking]; 16 bares the lower teeth, the jaw hangs little, or it is surprise [fit]
    "fearful": "1E 2C 4E 5E 7B 16D 20E 25E 26B",
    # [EMFACS] 9 or 10 with 17 (or 16); [Du] 9 10 17 [4 24]; cheeks up and lids narrowed, brows
    # low but not drawn together [Unmasking]; the lower lip pushed up, or it is a snarl [fit]
    "disgusted": "4B 6C 7D 9E 10D 17E",
    # [EMFACS] 1+2+5+26 or 27; [Du] 1 2 25 26 [5]
    "surprised": "1D 2E 5D 25C 27C",
    # no standard; after the look of RAVDESS's calm: a trace of a smile, relaxed lids [fit]
    "calm": "12A 43A",
    # [EMFACS] unilateral 12 and 14
    "contempt": "R12B R14E",
    **COMPOUNDS,
}
EMOTIONS = tuple(PROTOTYPES)
MOST = 1.5  # m of the strongest caricature
_TERM = re.compile(r"^([LR]?)(\d+)([A-E])$")


def weights(emotion: str, m: float, *, caricature: bool = False) -> np.ndarray:
    """Action weights (52,) of an emotion at strength m: m times its prototype, 0 at m = 0.

    m runs from 0 (neutral) to 1 (the prototype), and to 1.5 with `caricature`.
    Raises ValueError on an unknown emotion or an m out of range.
    """
    if emotion not in PROTOTYPES:
        near = get_close_matches(str(emotion), EMOTIONS, n=1, cutoff=0.4)
        hint = f"; did you mean '{near[0]}'?" if near else ""
        raise ValueError(f"emotion '{emotion}': not known; give one of {', '.join(EMOTIONS)}{hint}")
    most = MOST if caricature else 1.0
    if not 0 <= m <= most:
        more = "" if caricature else f" (to {MOST} with caricature=True)"
        raise ValueError(f"strength m of '{emotion}': found {m}; give 0 to {most:g}{more}")
    return m * parse(PROTOTYPES[emotion])


def parse(code: str) -> np.ndarray:
    """Action weights (52,) of a FACS code such as "6E 12E 25D", "AU12D+6C" or "1C R14B".

    Terms are separated by blanks, commas or +; the empty code is the neutral face.
    Raises ValueError on a term that is no AU with intensity, an AU that is not known, has no sides
    or comes twice.
    """
    terms = re.split(r"[\s,+]+", code.strip()) if code.strip() else []
    return _add_up([_read_term(term, code) for term in terms], code)


def combine(units: Mapping[str, float]) -> np.ndarray:
    """Action weights (52,) of action units at any strength from 0 to 1 (E).

    units: "12", "AU6" or "R14" -> strength. Raises ValueError as `parse` does.
    """
    code = " ".join(units)
    read = [_read_term(f"{unit}E", code) for unit in units]
    strengths = units.values()
    return _add_up(
        [(unit, side, float(x)) for (unit, side, _), x in zip(read, strengths, strict=True)], code
    )


def _add_up(terms: list[tuple[ActionUnit, str, float]], code: str) -> np.ndarray:
    totals: dict[str, float] = dict.fromkeys(ACTIONS, 0.0)
    seen: set[tuple[int, str]] = set()
    for unit, side, intensity in terms:
        for each in (side,) if side else ("L", "R"):
            if (unit.number, each) in seen:
                raise ValueError(f"FACS code '{code}': AU {unit.number} comes twice; give it once")
            seen.add((unit.number, each))
        for action, weight in unit.actions.items():
            gain = GAIN.get(action.rstrip("*"), 1.0)
            for name in _sides(action, side):
                totals[name] += weight * gain * intensity
    return np.array(list(totals.values()))


def actions_array(weights: Mapping[str, float]) -> np.ndarray:
    """Weights (52,) from names; a trailing * stands for Left and Right.

    Raises ValueError on a name that is no facial action.
    """
    out = np.zeros(len(ACTIONS))
    for action, weight in weights.items():
        for name in _sides(action, ""):
            if name not in ACTIONS:
                raise ValueError(f"facial action '{name}': not known; give one of ARKit's 52")
            out[ACTIONS.index(name)] = weight
    return out


def _read_term(term: str, code: str) -> tuple[ActionUnit, str, float]:
    found = _TERM.match(re.sub(r"AU", "", term.upper()))
    if not found:
        raise ValueError(
            f"FACS code '{code}': '{term}' is no action unit with intensity; write its number and "
            "a letter A to E, as in 12D, with L or R in front for one side"
        )
    side, number, letter = found[1], int(found[2]), found[3]
    if number not in AU:
        near = min(AU, key=lambda known: abs(known - number))
        known = ", ".join(str(n) for n in AU)
        raise ValueError(
            f"FACS code '{code}': AU {number} is not one these faces can do; known are {known} "
            f"(nearest: {near}, {AU[near].name})"
        )
    unit = AU[number]
    if side and not unit.two_sided:
        raise ValueError(
            f"FACS code '{code}': AU {number} ({unit.name}) moves both sides at once; "
            f"write {number}{letter}"
        )
    return unit, side, INTENSITY[letter]


def _sides(action: str, side: str) -> list[str]:
    """'mouthSmile*' and 'L' -> ['mouthSmileLeft']; without a side both; without * the action."""
    if not action.endswith("*"):
        return [action]
    named = {"L": ["Left"], "R": ["Right"], "": ["Left", "Right"]}
    return [action[:-1] + name for name in named[side]]
