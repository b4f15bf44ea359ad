"""Blinks and head movements of clips: alike in every cell, at the same sounds, and visible."""

from __future__ import annotations

import numpy as np
import pytest

from protocols.errors import UserError
from protocols.filming import DynamicClip, TalkingClip
from stimuli import actor_voices
from stimuli.actor_curves import Clock, Curves, speaking, unfolding
from stimuli.actors import cast, facs
from stimuli.actors.clip import clip
from stimuli.actors.idling import CLOSING, EDGE, LIDS, OPENING, sway
from stimuli.actors.nodding import DEGREES, LATE_SD, nods
from stimuli.actors.portrait import Studio
from stimuli.corpora.synthetic.acting import eye_pixels
from stimuli.faces.detector import find_faces
from stimuli.faces.expression import MODEL
from stimuli.faces.weights import load
from stimuli.seeds import generator_of
from stimuli.video import read_video, write_video
from stimuli.voices.recordings import load_recording
from stimuli.voices.speech import SILENCE, VOWELS, Speech
from stimuli.voices.stress import stresses
from stimuli.voices.talking import combine

WHO, SENTENCE = cast.actor("03"), "TIE"
LID = facs.ACTIONS.index(LIDS[0])
BLINKING = 9  # a seed that blinks once in the sentence
# Primary stress of a dictionary, by number of the vowel, in words that carry the sense.
DICTIONARY = {
    "IEO": {2, 5}, "TIE": {0, 3, 5, 6}, "IOM": {3, 6}, "IWW": {1, 3, 7}, "TAI": {1, 4, 6},
    "MTI": {0, 3, 8}, "IWL": {2, 4, 6, 7}, "ITH": {1, 3, 5, 8}, "DFA": {0, 2, 4}, "ITS": {1, 3, 6},
    "TSI": {1, 4}, "WSI": {1, 4, 7}, "kids": {0, 2, 6}, "dogs": {0, 2, 6},
}  # fmt: skip


def said(emotion: str, seed: int, settings: TalkingClip | None = None) -> Speech:
    return actor_voices.say(settings or TalkingClip(), WHO, SENTENCE, emotion, 1.0, seed)


def curves(voice: str, face: str, seed: int, **settings) -> Curves:
    """WHO says SENTENCE in one emotion with the face of another."""
    talking = TalkingClip(**settings)
    reading = actor_voices.reading(WHO, SENTENCE)
    speech = said(voice, seed, talking)
    return speaking(talking, WHO, speech, reading, facs.weights(face, 1.0), seed)


def middles(speech: Speech) -> np.ndarray:
    """Middle of every sound that is heard (s)."""
    heard = [p for p in speech.phones if p.symbol != SILENCE]
    return np.array([(p.start + p.end) / 2 for p in heard])


def shut(moved: Curves) -> np.ndarray:
    """When the eyes are closed (s)."""
    return moved.times[moved.weights[:, LID] >= 1]


def test_faces_over_one_voice_blink_and_move_alike():
    angry, happy = curves("sad", "angry", BLINKING), curves("sad", "happy", BLINKING)
    assert len(shut(angry)) == 1
    assert (shut(angry) == shut(happy)).all()
    assert angry.head.any(axis=0).all()
    assert (angry.head == happy.head).all()
    other = curves("sad", "happy", BLINKING + 1)
    assert not np.allclose(other.head, happy.head, atol=0.5)


def test_slow_and_fast_voices_move_the_head_alike_at_every_sound():
    slow, fast = curves("sad", "happy", BLINKING), curves("angry", "happy", BLINKING)
    assert len(slow.times) > 1.2 * len(fast.times)
    sad, angry = middles(said("sad", BLINKING)), middles(said("angry", BLINKING))
    for angle in range(3):
        at_slow = np.interp(sad, slow.times, slow.head[:, angle])
        at_fast = np.interp(angry, fast.times, fast.head[:, angle])
        np.testing.assert_allclose(at_slow, at_fast, atol=0.15)  # degrees, between frames
    assert np.ptp(at_slow) > 0.15
    for blink, there in zip(shut(slow), shut(fast), strict=True):
        assert there == pytest.approx(np.interp(blink, sad, angry), abs=0.045)  # a frame


def test_shared_time_runs_through_pauses_and_sounds_in_order():
    clock = Clock.of(said("sad", 1), actor_voices.reading(WHO, SENTENCE))
    own = np.linspace(0, clock.own[-1], 500)
    assert (np.diff(clock.to_shared(own)) > 0).all()
    np.testing.assert_allclose(clock.to_own(clock.to_shared(own)), own, atol=1e-9)
    assert clock.to_shared(np.array([0.1]))[0] == 0.1
    with pytest.raises(ValueError, match="give one sentence"):
        Clock.of(said("sad", 1), load_recording("rms", "IEO"))


def test_without_blinks_and_head_nothing_is_added_to_expression_and_speech():
    bare = curves("sad", "happy", BLINKING, blinks=0, head=0)
    apex = np.tile(facs.weights("happy", 1.0), (len(bare.times), 1))
    assert (bare.weights == combine(WHO, said("sad", BLINKING), apex)).all()
    assert not bare.head.any()
    nodding, swaying = (curves("sad", "happy", BLINKING, nods=on) for on in (True, False))
    assert (nodding.head[:, [0, 2]] == swaying.head[:, [0, 2]]).all()
    dips = nodding.head[:, 1] - swaying.head[:, 1]
    assert dips.max() <= 1e-9
    assert -2 * DEGREES[1] < dips.min() < -0.5 * DEGREES[0]


def test_no_blink_begins_or_ends_with_the_clip_and_their_rate_is_that_asked_for():
    first, last, number, room = [], [], 0, 0.0
    for seed in range(400):
        lid = unfolding(DynamicClip(seconds=4, blinks=26), np.zeros(52), seed).weights[:, LID]
        first.append(lid[: 1 + round(EDGE * 25)].max())
        last.append(lid[-round(EDGE * 25) :].max())
        number += int((lid >= 1).sum())
        room += 4 - 2 * EDGE - CLOSING - OPENING
    assert max(first) == 0
    assert max(last) == 0
    assert number == pytest.approx(26 * room / 60, rel=0.1)


def test_a_head_that_does_not_talk_sways_as_before():
    still = unfolding(DynamicClip(seconds=4), facs.weights("happy", 1.0), 7)
    assert (still.head == sway(4, generator_of(7, "head"))).all()


def test_nods_are_deepest_near_the_stress_and_the_same_at_any_tempo():
    times = np.arange(0, 400, 0.01)
    at = [(2.0 * k + 1, 1.0) for k in range(199)]
    pitch = nods(times, at, np.random.default_rng(3))
    late, depth = [], []
    for when, _ in at:
        near = (times > when - 1) & (times < when + 1)
        if pitch[near].min() < 0:
            late.append(times[near][pitch[near].argmin()] - when)
            depth.append(-pitch[near].min())
    assert len(depth) / len(at) == pytest.approx(0.8, abs=0.08)
    assert np.abs(late).max() <= 2 * LATE_SD + 0.01
    assert abs(np.mean(late)) < 0.02
    assert DEGREES[0] - 0.01 <= min(depth) < max(depth) <= DEGREES[1]
    some = np.sort(np.random.default_rng(1).uniform(0, 400, 500))
    again = nods(some, at, np.random.default_rng(3))
    np.testing.assert_allclose(again, np.interp(some, times, pitch), atol=0.01)
    faint = nods(times, [(when, 0.2) for when, _ in at], np.random.default_rng(3))
    assert 0.05 < np.sum(faint < -1e-6) / np.sum(pitch < -1e-6) < 0.4
    assert faint.min() > -0.2 * DEGREES[1]


def test_stress_lies_where_a_dictionary_puts_it():
    weight = right = by_chance = 0.0
    for code, stressed in DICTIONARY.items():
        for source in ("rms", "slt", "joe", "heart"):
            speech = load_recording(source, code)
            vowels = [p for p in speech.phones if p.symbol in VOWELS]
            places = [(p.start + p.end) / 2 for p in vowels]
            for stress in stresses(speech):
                number = int(np.abs(np.array(places) - stress.at).argmin())
                weight += stress.strength
                right += stress.strength * (number in stressed)
                by_chance += stress.strength * len(stressed) / len(vowels)
    assert right / weight > 0.7
    assert by_chance / weight < 0.42


def test_landmarks_of_the_finished_video_blink_and_move_as_the_curves_say(tmp_path):
    pytest.importorskip("av", reason="PyAV is not installed: videos are not tested")
    try:
        load(MODEL)
    except UserError as error:
        pytest.skip(f"no weights of the face networks: {error}")
    moved = curves("angry", "neutral", BLINKING, head=1.5)
    film = tmp_path / "film.mp4"
    write_video(film, clip(WHO, moved.weights, Studio(size=128), head=moved.head), note="")
    closed = int(np.flatnonzero(moved.weights[:, LID] >= 1)[0])
    wanted = sorted({*range(0, len(moved.times), 4), *range(closed - 8, closed + 10)})
    frames = list(read_video(film))
    faces = [find_faces(frames[i])[0].landmarks for i in wanted]
    left, right = (np.array([p[eye].mean(0) for p in faces])
                   for eye in (slice(36, 42), slice(42, 48)))  # fmt: skip
    roll = np.degrees(np.arctan2(*(right - left).T[::-1]))
    tilted = moved.head[wanted, 2]
    assert np.polyfit(tilted, roll, 1)[0] == pytest.approx(1, abs=0.2)
    assert np.corrcoef(tilted, roll)[0, 1] > 0.9
    drawn = eye_pixels(moved.head[wanted], 128).mean(axis=1)  # where the turned eyes lie
    seen = (left + right) / 2
    for axis in range(2):
        assert np.ptp(drawn[:, axis]) > 3
        assert np.corrcoef(drawn[:, axis], seen[:, axis])[0, 1] > 0.95
        assert np.abs((seen - drawn)[:, axis] - np.mean((seen - drawn)[:, axis])).max() < 1.5
    # an open eye is dark and white, a lid is of one colour
    contrast = np.array([_contrast(frames[i], p) for i, p in zip(wanted, faces, strict=True)])
    lid = moved.weights[wanted, LID]
    assert wanted[int(contrast.argmin())] in range(closed - 1, closed + 2)
    assert contrast[lid > 0.9].max() < 0.8 * contrast[lid < 0.3].min()


def _contrast(picture: np.ndarray, points: np.ndarray) -> float:
    """Spread of the grey levels between the corners of both eyes."""
    spread = []
    for eye in (slice(36, 42), slice(42, 48)):
        (x0, y0), (x1, y1) = points[eye].min(0), points[eye].max(0)
        part = picture[round(y0) : round(y1) + 1, round(x0) : round(x1) + 1]
        spread.append(part.mean(axis=-1).std())
    return float(np.mean(spread))
