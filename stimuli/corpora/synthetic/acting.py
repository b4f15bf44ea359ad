"""What an actor does in one recording: voice, face, eyes and head, frame by frame.

    acted = act(recording, seed=0, size=128)
    frames = clip(actor, acted.weights, Studio(size=128), gaze=acted.gaze, head=acted.head)

A clip begins with LEAD_IN seconds of silence, in which the actor looks up from neutral: frame 0 is
the face at rest, and when the voice sets in the expression is about there. It stays to the end.
Blinks and sway of the head are drawn anew for every recording. Take 1 shows prototype and prosody
as they are; further takes vary the strength of each facial action, and the voice, a little.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from stimuli.actor_pictures import TAKE_SD
from stimuli.actors import camera, cast, facs, headpose, idling, plane
from stimuli.actors.dynamics import SUDDEN, s_curve
from stimuli.actors.headpose import Pose
from stimuli.actors.rig import DATA
from stimuli.corpora.synthetic.recordings import Recording
from stimuli.seeds import generator_of
from stimuli.voices.library import voice_for
from stimuli.voices.prosody import Delivery, with_emotion
from stimuli.voices.recordings import load_recording
from stimuli.voices.speech import SILENCE, Phone, Speech
from stimuli.voices.talking import combine, frame_count
from stimuli.voices.timbre import in_timbre
from stimuli.voices.visemes import FPS, frame_times

LEAD_IN = 0.2  # s of silence before the recorded sound, which has about 0.1 s of its own
RISE, SUDDEN_RISE = 0.4, 0.25  # s from neutral to the expression
BLINKS_PER_MINUTE = 26.0  # while talking (Bentivoglio et al., 1997; see idling)
TAKE_VOICE_SD = {"rate": 0.03, "f0": 0.02, "range": 0.08}  # factors on a take's voice [ours]
DECIMALS = 4  # of the facial actions of a picture, in which a table has them
STEP_PX = 0.25  # the head is moved on when its sway would move the face by more than this
FACE_RADIUS = 0.3  # of the picture's width: from the neck's pivot to the middle of the face, about


@dataclass(frozen=True, eq=False)
class Acted:
    """One recording as it is performed; T frames, one for a picture."""

    weights: np.ndarray  # (T, 52) float32, facial actions in the order of facs.ACTIONS
    strength: np.ndarray  # (T,) float32, m of the emotion
    head: np.ndarray  # (T, 3) yaw, pitch and roll, degrees
    gaze: np.ndarray  # (T, 2) degrees to the actor's left and up from the lens
    eyes: np.ndarray  # (T, 2, 2) x and y in pixels of the actor's left and right eye
    speech: Speech | None  # None: a picture


def act(recording: Recording, seed: int, size: int, home: Path = DATA) -> Acted:
    """The performance of a recording; the same for the same arguments, whatever else is made.

    `home` is the folder of the actor's cast.
    """
    rng = generator_of(seed, recording.name)
    if recording.sentence is None:
        return _pose(recording, rng, size)
    person = cast.actor(recording.actor, home)
    speech = spoken(recording, rng, home)
    n = frame_count(speech.duration)
    strength = recording.m * rise(recording.emotion or "", n)
    prototype = facs.weights(recording.emotion or "", 1.0) * varied(recording, rng)
    weights = combine(person, speech, strength[:, None] * prototype)
    seconds = n / FPS
    weights = idling.close_lids(weights, idling.blinks(seconds, rng, BLINKS_PER_MINUTE))
    head = in_steps(idling.sway(seconds, rng), size)
    return Acted(
        weights.astype(np.float32), strength.astype(np.float32), head, np.zeros((n, 2)),
        eye_pixels(head, size), speech,
    )  # fmt: skip


def _pose(recording: Recording, rng: np.random.Generator, size: int) -> Acted:
    """A picture: the head at rest, the eyes on the lens."""
    if recording.emotion is None:
        assert recording.valence is not None
        assert recording.arousal is not None
        weights = plane.at(recording.valence, recording.arousal)
    else:
        weights = facs.weights(recording.emotion, recording.m) * varied(recording, rng)
    head, weights = np.zeros((1, 3)), weights.round(DECIMALS)
    return Acted(
        weights[None].astype(np.float32), np.array([recording.m], np.float32), head,
        np.zeros((1, 2)), eye_pixels(head, size), None,
    )  # fmt: skip


def spoken(recording: Recording, rng: np.random.Generator, home: Path = DATA) -> Speech:
    """The sentence in the actor's voice, in the emotion, after LEAD_IN seconds of silence."""
    factors = 1 + rng.standard_normal(len(TAKE_VOICE_SD)) * list(TAKE_VOICE_SD.values())
    jitter = int(rng.integers(2**31))
    usual = recording.take == 1
    said = neutrally(
        recording.actor, recording.sentence or "", () if usual else tuple(factors.tolist()), home
    )
    said = with_emotion(said, recording.emotion or "neutral", recording.m, Delivery(seed=jitter))
    return after_silence(said, LEAD_IN)


@lru_cache(maxsize=2)  # one sentence is said in many emotions
def neutrally(actor: str, sentence: str, factors: tuple[float, ...], home: Path = DATA) -> Speech:
    """A sentence in an actor's voice; factors on it in the order of TAKE_VOICE_SD, or ()."""
    person = cast.actor(actor, home)
    voice = voice_for(person.id, person.gender, person.age)
    now = {name: getattr(voice.timbre, name) for name in TAKE_VOICE_SD}
    new = {name: now[name] * factor for name, factor in zip(now, factors, strict=False)}
    recorded = load_recording(voice.source, sentence)
    return in_timbre(recorded, replace(voice.timbre, **new), person.id)


def after_silence(speech: Speech, seconds: float) -> Speech:
    """The same speech, `seconds` later."""
    more = round(seconds * speech.rate)
    by = more / speech.rate
    first, *rest = [Phone(p.symbol, p.start + by, p.end + by) for p in speech.phones]
    if first.symbol == SILENCE:
        phones = (Phone(SILENCE, 0.0, first.end), *rest)
    else:
        phones = (Phone(SILENCE, 0.0, by), first, *rest)
    return speech.with_sound(np.concatenate([np.zeros(more, np.float32), speech.samples]), phones)


def rise(emotion: str, n: int) -> np.ndarray:
    """(n,) how far the expression has come: 0 on frame 0, 1 from RISE seconds on."""
    takes = SUDDEN_RISE if emotion in SUDDEN else RISE
    times = frame_times(n)
    return s_curve((times - times[0]) / takes, 2)


def varied(recording: Recording, rng: np.random.Generator) -> np.ndarray:
    """(52,) factors of a take on the facial actions; 1 for the first."""
    factors = 1 + TAKE_SD * rng.standard_normal(len(facs.ACTIONS))
    return factors if recording.take > 1 else np.ones(len(factors))


def in_steps(sway: np.ndarray, size: int) -> np.ndarray:
    """Head poses (T, 3) that stand still until sway (T, 3) has gone STEP_PX away from them.

    A pose costs more to draw than a face; a step this small is not seen.
    """
    step = np.degrees(STEP_PX / (FACE_RADIUS * size))
    limit = headpose.LIMIT
    poses = np.clip(np.round(sway, 3), -limit, limit) + 0.0
    for t in range(1, len(poses)):
        if np.linalg.norm(poses[t] - poses[t - 1]) < step:
            poses[t] = poses[t - 1]
    return poses


def eye_pixels(head: np.ndarray, size: int) -> np.ndarray:
    """Centres (T, 2, 2) of the actor's left and right eyeball in pixels, x and y; exact."""
    return np.stack([_eyes(tuple(pose), size) for pose in head.tolist()])


def _eyes(pose: Pose, size: int) -> np.ndarray:
    centres = np.array([[0.5, 0, 0], [-0.5, 0, 0]])
    turned = headpose.turn(centres, np.ones(2, np.float32), pose)
    return camera.project(turned, size)[:, :2].astype(np.float64)
