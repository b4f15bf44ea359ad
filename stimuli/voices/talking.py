"""An actor who speaks: facial action weights of every frame, from speech and an expression.

    weights = talking(actor("07"), speech, "angry", 0.5)     (T, 52)
    pictures = [portrait(actor("07"), w, studio) for w in weights]

T = ceil(duration x 25): the picture lasts as long as the sound or up to one frame longer, never
less. Frame i shows the middle of its time, (i + 0.5) / 25 s. Eyes, gaze and head only follow the
expression; blinks and movements of the head are added by whoever makes the clip.
"""

import math

import numpy as np

from stimuli.actors import camera, facs
from stimuli.actors.cast import Actor
from stimuli.actors.rig import load_rig
from stimuli.voices.speech import SILENCE, Speech
from stimuli.voices.visemes import FPS, INDEX, frame_times, frames_of, segments, speaking, targets

MOUTH_SHARE = 0.45  # of an expression's mouth while speaking; all of it in silence
CORNER_SHARE = 0.7  # of its lip corners, which speech leaves freer: a talking smile is a smile
CORNERS = ("mouthSmile", "mouthFrown", "mouthDimple")
EASE_S = 0.12  # s in which the mouth of the expression gives way to speech, and returns
KEPT = {"PP": 0.9, "FF": 0.8}  # share of a shape that nothing blends away, after JALI (2016)
HISSING_JAW = 0.08  # most jawOpen on hissing sounds: teeth about 2 mm apart
HISSING = ("SS", "CH")
PARTING = (
    "jawOpen", "jawForward", "mouthFunnel", "mouthLowerDownLeft", "mouthLowerDownRight",
    "mouthShrugUpper", "mouthUpperUpLeft", "mouthUpperUpRight", "tongueOut",
)  # fmt: skip
LIPS = (474, 493)  # rig vertices in the middle of the upper and of the lower lip, where they meet
MOUTH_REACH = (0.45, 0.2, 0.4)  # to either side, up and down, in distances between the eyes
MOUTH = np.array([name.startswith(("mouth", "jaw", "tongue", "cheekPuff")) for name in INDEX])
SHARE = np.where([name.startswith(CORNERS) for name in INDEX], CORNER_SHARE, MOUTH_SHARE)
_PARTING = np.array([INDEX[name] for name in PARTING])


def frame_count(duration: float) -> int:
    """Frames of a clip of so many seconds: ceil(duration x 25), a billionth forgiven."""
    return math.ceil(duration * FPS - 1e-9)


def talking(actor: Actor, speech: Speech, emotion: str, m: float | np.ndarray = 1.0) -> np.ndarray:
    """Action weights (T, 52) of an actor who says `speech` with an emotion at strength m.

    m is one number in [0, 1], or (T,) numbers, one for each frame.
    Raises ValueError on an unknown emotion, an m out of range or a wrong number of frames.
    """
    n = frame_count(speech.duration)
    strength = np.broadcast_to(np.asarray(m, float), (n,)) if np.ndim(m) == 0 else np.asarray(m)
    if strength.shape != (n,):
        raise ValueError(
            f"strength m of '{emotion}': found {strength.shape[0]} numbers; give one, or {n} for "
            f"a clip of {speech.duration:.2f} s at {FPS} frames a second"
        )
    lowest, highest = float(strength.min()), float(strength.max())
    facs.weights(emotion, lowest)  # say what is wrong with them, if anything
    expression = strength[:, None] * facs.weights(emotion, 1.0)
    facs.weights(emotion, highest)
    return combine(actor, speech, expression)


def combine(actor: Actor, speech: Speech, expression: np.ndarray) -> np.ndarray:
    """Speech and an expression (T, 52) on one face, (T, 52).

    The upper face shows all of the expression. While the actor speaks its mouth shows MOUTH_SHARE
    of it (CORNER_SHARE where it smiles or frowns), with the visemes added; closures are made last,
    whatever the expression does.
    """
    n = len(expression)
    share = 1 - (1 - SHARE) * speaking_share(speech, n)[:, None]
    weights = np.where(MOUTH, expression * share, expression) + speaking(speech.phones, n)
    weights[:, INDEX["jawOpen"]] = np.minimum(weights[:, INDEX["jawOpen"]], 1.0)
    return _with_closures(weights, speech, lip_gap(actor))


def speaking_share(speech: Speech, n: int) -> np.ndarray:
    """(n,) 1 while the actor speaks, 0 more than EASE_S from any speech, straight in between."""
    share = np.zeros(n)
    for phone in speech.phones:
        if phone.symbol != SILENCE:
            t = frame_times(n)
            away = np.maximum(np.maximum(phone.start - t, t - phone.end), 0)
            share = np.maximum(share, 1 - away / EASE_S)
    return share


def lip_gap(actor: Actor) -> np.ndarray:
    """(52,) how far each action at weight 1 parts the lips in the middle, mm; < 0 closes them."""
    deltas = load_rig(actor.id, actor.folder / "rigs").deltas[:, LIPS, 2].astype(float)
    return 1000 * (deltas[:, 0] - deltas[:, 1])


def mouth_box(actor: Actor, size: int) -> tuple[int, int, int, int]:
    """Left, top, right and bottom pixel of the mouth at rest, with room for a jaw that drops."""
    rig = load_rig(actor.id, actor.folder / "rigs")
    turn, origin = camera.alignment(rig.eye_centres())
    lips = camera.to_studio(rig.base[list(LIPS)], turn, origin)
    x, y = camera.project(lips, size)[:, :2].mean(0)
    unit = camera.EYE_DISTANCE * size
    side, up, down = (share * unit for share in MOUTH_REACH)
    return round(x - side), round(y - up), round(x + side), round(y + down)


def _with_closures(weights: np.ndarray, speech: Speech, gap: np.ndarray) -> np.ndarray:
    """Weights (T, 52) in which bilabials close, labiodentals touch and hissing keeps the teeth."""
    weights = weights.copy()
    shapes = targets()
    jaw, close = INDEX["jawOpen"], INDEX["mouthClose"]
    for viseme, start, end in segments(speech.phones):
        frames = frames_of(start, end, len(weights))
        if viseme in KEPT:
            kept, shape = KEPT[viseme], shapes[viseme]
            made = weights[frames]
            parting = (1 - kept) * made[:, _PARTING] + kept * shape[_PARTING]
            made = np.maximum(made, kept * shape)
            made[:, _PARTING] = parting
            weights[frames] = made
        if viseme == "PP":
            weights[frames, close] += np.maximum(weights[frames] @ gap, 0) / -gap[close]
        if viseme in HISSING:
            weights[frames, jaw] = np.minimum(weights[frames, jaw], HISSING_JAW)
    return weights
