"""Mouths that speak: lips close when the sound says so, and the expression stays readable."""

import hashlib
import math

import numpy as np
import pytest

from stimuli.actors import facs
from stimuli.actors.cast import actor
from stimuli.actors.rig import load_rig
from stimuli.voices.speech import PHONES, Phone, Speech
from stimuli.voices.talking import combine, frame_count, frames_of, lip_gap, talking
from stimuli.voices.visemes import (
    FPS,
    INDEX,
    PHONE_VISEMES,
    VISEMES,
    arpabet,
    frame_times,
    segments,
    speaking,
    targets,
)
from tests import made_voice

WHO = actor("07")
MOUTH = [i for name, i in INDEX.items() if name.startswith(("mouth", "jaw", "tongue"))]
UPPER = [i for name, i in INDEX.items() if name.startswith(("brow", "eye", "noseSneer", "cheekS"))]


def say(*phones):
    """Silent speech with phones given as (symbol, seconds)."""
    ends = np.cumsum([seconds for _, seconds in phones])
    starts = np.concatenate([[0], ends[:-1]])
    named = tuple(
        Phone(symbol, float(a), float(b))
        for (symbol, _), a, b in zip(phones, starts, ends, strict=True)
    )
    return Speech(np.zeros(round(ends[-1] * 16000), np.float32), 16000, named, "", "", "test")


def opening(weights, who=WHO):
    """Gap (T,) in mm between the lips of the posed rig, against the rig at rest."""
    rig = load_rig(who.id)
    upper, lower = rig.pose(weights)[:, [474, 493], 2].T * 1000
    at_rest = (rig.base[474, 2] - rig.base[493, 2]) * 1000
    return upper - lower - at_rest


def random_speech(rng, rate=12.0):
    """20 phones in random order and of random length, silence at both ends."""
    symbols = rng.choice(sorted(PHONES - {"sil"}), 20)
    lengths = np.clip(rng.gamma(6, 1 / rate / 6, 20), 0.02, 0.3)
    return say(("sil", 0.2), *zip(symbols.tolist(), lengths.tolist(), strict=True), ("sil", 0.2))


def test_every_phone_has_a_viseme_and_every_viseme_known_actions():
    assert set(PHONE_VISEMES) == set(PHONES)
    used = {viseme for parts in PHONE_VISEMES.values() for viseme in parts}
    assert used == set(VISEMES)
    assert len(VISEMES) == 15
    for shape in targets().values():
        assert shape.shape == (52,)
        assert shape.min() >= 0
        assert shape.max() <= 1


@pytest.mark.parametrize(
    ("ipa", "expected"),
    [("ð", "DH"), ("ˈɑː", "AA"), ("oʊ", "OW"), ("tʃ", "CH"), ("AA1", "AA"), ("uː", "UW")],
)  # fmt: skip
def test_ipa_and_arpabet_name_the_same_phones(ipa, expected):
    assert arpabet(ipa) == expected


def test_an_unknown_phone_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="phone 'ʘ': neither ARPAbet"):
        arpabet("ʘ")


@pytest.mark.parametrize("emotion", ["neutral", "happy", "angry", "surprised", "fearful"])
def test_lips_close_within_one_frame_of_every_m_b_and_p(emotion):
    rng = np.random.default_rng(4)
    closures = 0
    for _ in range(8):
        speech = random_speech(rng)
        gap = opening(talking(WHO, speech, emotion))
        for phone in speech.phones:
            if phone.symbol in ("P", "B", "M"):
                closures += 1
                shut = frame_times(len(gap))[gap <= 0.05]
                nearest = np.abs(shut - np.clip(shut, phone.start, phone.end)).min()
                assert nearest <= 1 / FPS, phone
    assert closures > 5


def test_lips_are_open_on_vowels_and_shut_in_silence():
    speech = say(("sil", 0.4), ("B", 0.08), ("AA", 0.2), ("B", 0.08), ("AE", 0.2), ("sil", 0.4))
    gap = opening(talking(WHO, speech, "neutral"))
    for phone in speech.phones:
        middle = gap[int((phone.start + phone.end) / 2 * FPS)]
        if phone.symbol in ("AA", "AE"):
            assert middle > 7  # mm
        if phone.symbol == "sil":
            assert middle < 1


def test_the_lip_gap_of_the_weights_is_the_gap_of_the_posed_mesh():
    weights = talking(WHO, made_voice.speech(), "happy", 0.7)
    np.testing.assert_allclose(weights @ lip_gap(WHO), opening(weights), atol=0.01)


def test_teeth_meet_the_lip_on_f_and_stay_together_on_s_in_a_shout():
    speech = say(("sil", 0.2), ("AA", 0.15), ("F", 0.1), ("AA", 0.15), ("S", 0.1), ("AA", 0.15))
    weights = talking(WHO, speech, "surprised")
    f, s = (frames_of(p.start, p.end, len(weights)) for p in speech.phones if p.symbol in "FS")
    assert weights[f, INDEX["mouthRollLower"]].min() >= 0.6
    assert weights[f, INDEX["jawOpen"]].max() < 0.15
    assert weights[s, INDEX["jawOpen"]].max() <= 0.08
    assert weights[:, INDEX["jawOpen"]].max() > 0.35


def test_lips_round_before_oo_and_the_consonant_between_follows_the_vowels():
    pucker = INDEX["mouthPucker"]
    two = speaking(say(("sil", 0.2), ("S", 0.12), ("UW", 0.2), ("sil", 0.2)).phones, 18)
    tea = speaking(say(("sil", 0.2), ("S", 0.12), ("IY", 0.2), ("sil", 0.2)).phones, 18)
    during_s = int(0.28 * FPS)
    assert two[during_s, pucker] > 0.2
    assert tea[during_s, pucker] < 0.02


def test_a_short_consonant_that_no_frame_shows_still_closes_the_lips():
    speech = say(("AA", 0.205), ("B", 0.012), ("AA", 0.2))  # between the frames at 0.18 and 0.22
    gap = opening(talking(WHO, speech, "neutral"))
    assert gap.min() <= 0.05


@pytest.mark.parametrize("seconds", [0.04, 1.0, 1.001, 1.04, 1.6950566893424037, 2.999])
def test_a_clip_has_as_many_frames_as_the_sound_needs(seconds):
    n = frame_count(seconds)
    assert n / FPS >= seconds - 1e-9
    assert (n - 1) / FPS < seconds
    assert n == math.ceil(round(seconds * FPS, 6))
    speech = say(("AA", seconds))
    assert talking(WHO, speech, "happy").shape == (n, 52)


def test_at_m_0_all_emotions_speak_alike_and_the_upper_face_rests():
    speech = made_voice.speech()
    neutral = talking(WHO, speech, "neutral")
    for emotion in ("happy", "angry", "surprised"):
        np.testing.assert_array_equal(talking(WHO, speech, emotion, 0.0), neutral)
    assert not neutral[:, UPPER].any()


def test_the_upper_face_shows_all_of_the_expression_and_grows_with_m():
    speech = made_voice.speech()
    for m in (0.25, 0.5, 1.0):
        weights = talking(WHO, speech, "angry", m)
        expected = facs.weights("angry", m)
        np.testing.assert_allclose(
            weights[:, UPPER], np.broadcast_to(expected[UPPER], (len(weights), len(UPPER)))
        )
    smiles = [
        talking(WHO, speech, "happy", m)[:, INDEX["mouthSmileLeft"]].mean()
        for m in (0, 0.25, 0.5, 0.75, 1)
    ]
    assert np.all(np.diff(smiles) > 0.05)


def test_in_silence_the_mouth_shows_the_whole_expression():
    speech = say(("sil", 1.0))
    np.testing.assert_allclose(
        talking(WHO, speech, "happy"), np.tile(facs.weights("happy", 1.0), (25, 1))
    )


def test_strength_may_change_from_frame_to_frame():
    speech = made_voice.speech()
    n = frame_count(speech.duration)
    curve = np.linspace(0, 1, n)
    weights = talking(WHO, speech, "happy", curve)
    cheek = INDEX["cheekSquintLeft"]
    np.testing.assert_allclose(weights[:, cheek], curve * facs.weights("happy", 1.0)[cheek])
    with pytest.raises(ValueError, match=f"give one, or {n}"):
        talking(WHO, speech, "happy", curve[:-1])
    with pytest.raises(ValueError, match="give 0 to 1"):
        talking(WHO, speech, "happy", 1.2)


def test_visemes_stay_within_their_shapes_and_speech_never_jerks():
    rng = np.random.default_rng(9)
    top = np.max(list(targets().values()), axis=0)
    for _ in range(10):
        speech = random_speech(rng)
        mouth = speaking(speech.phones, frame_count(speech.duration))
        assert mouth.min() >= 0
        assert np.all(mouth <= top + 1e-12)
        assert np.abs(np.diff(mouth, axis=0)).max() < 0.75


def test_diphthongs_pass_through_two_shapes_and_tile_their_time():
    parts = segments((Phone("AY", 0.1, 0.3), Phone("M", 0.3, 0.4)))
    assert [part[0] for part in parts] == ["aa", "I", "PP"]
    assert parts[0][2] == parts[1][1] == pytest.approx(0.2)


def test_the_same_speech_gives_the_same_bytes_whatever_else_was_asked():
    speech = made_voice.speech()
    first = talking(WHO, speech, "sad", 0.5)
    talking(actor("08"), speech, "angry")
    again = talking(WHO, made_voice.speech(), "sad", 0.5)
    assert hashlib.sha256(first.tobytes()).digest() == hashlib.sha256(again.tobytes()).digest()
    still = combine(WHO, speech, np.zeros((len(first), 52)))
    np.testing.assert_array_equal(still, talking(WHO, speech, "neutral"))
