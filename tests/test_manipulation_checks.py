"""Manipulation checks: what the judge measures is what the actors' faces are known to do."""

import json

import numpy as np
import pytest

from protocols.errors import UserError
from stimuli.actors import camera, facs
from stimuli.actors.cast import actor
from stimuli.actors.portrait import Studio, portrait
from stimuli.context_faces.checks import (
    MEASURES,
    VALENCE,
    Seen,
    expected_valence,
    manipulation_checks,
)
from stimuli.context_faces.faces import DRAWN
from stimuli.corpora.arrays.crop import cut, eyes_to
from stimuli.corpora.arrays.settings import ArraySettings
from stimuli.faces.actions import ACTIONS, open_share
from stimuli.faces.expression import WORDS
from stimuli.faces.identity import SAME_PERSON
from stimuli.faces.weights import load

PEOPLE = ("29", "44")  # a lighter and a darker skin
STRENGTHS = {"29": (0.5, 1.0), "44": (1.0,)}
# Which way an action goes in an emotion, by its FACS code (stimuli/actors/facs.py).
KNOWN = {
    "happy": {"mouth_corners_up": 1, "mouth_width": 1, "mouth_open": 1, "eyes_open": -1},
    "sad": {"mouth_corners_up": -1, "brows_slanted": 1, "brow_distance": -1, "eyes_open": -1},
    "angry": {"brow_inner_up": -1, "brow_outer_up": -1, "brow_distance": -1, "mouth_open": 1},
    "fearful": {"eyes_open": 1, "mouth_open": 1, "mouth_width": 1, "brow_distance": -1},
    "disgusted": {"brow_inner_up": -1, "eyes_open": -1},
    "surprised": {"brow_inner_up": 1, "brow_outer_up": 1, "mouth_open": 1, "eyes_open": 1},
}


@pytest.fixture(scope="module", autouse=True)
def networks():
    try:
        load("face_expression_model")
    except UserError as error:
        pytest.skip(f"no weights of the face networks: {error}")


def crop(person: str, emotion: str, m: float) -> np.ndarray:
    """A crop (128, 128, 3) as context faces are: tight, eyes on the two fixed points."""
    settings = ArraySettings()
    place = eyes_to(np.array(sorted(camera.eye_pixels(DRAWN))), settings.eyes)
    studio = Studio(size=DRAWN, supersample=2)
    drawn = portrait(actor(person), facs.weights(emotion, m), studio)
    return cut(drawn, place, settings.size)[0]


@pytest.fixture(scope="module")
def neutral():
    return {person: crop(person, "neutral", 0) for person in PEOPLE}


@pytest.fixture(scope="module")
def rest(neutral):
    """Person -> what is seen of the neutral face."""
    return {person: Seen.of(picture) for person, picture in neutral.items()}


@pytest.fixture(scope="module")
def checks(rest):
    """Person, emotion and m -> checks."""
    return {
        (person, emotion, m): manipulation_checks(crop(person, emotion, m), rest[person])
        for person in PEOPLE
        for emotion in KNOWN
        for m in STRENGTHS[person]
    }


@pytest.mark.parametrize("emotion", KNOWN)
def test_actions_go_the_way_of_their_facs_code_and_farther_at_full_strength(checks, emotion):
    for person in PEOPLE:
        for action, sign in KNOWN[emotion].items():
            strengths = STRENGTHS[person]
            sizes = [0.0, *(sign * checks[person, emotion, m][action] for m in strengths)]
            assert sizes == sorted(set(sizes)), (person, action, sizes)


def test_full_expressions_are_called_by_their_name_and_stay_the_same_person(checks):
    full = {key: found for key, found in checks.items() if key[2] == 1.0}
    right = [max(WORDS, key=lambda w: found[f"p_{w}"]) == key[1] for key, found in full.items()]
    assert np.mean(right) >= 0.75  # seven words: chance is 0.14
    assert max(found["identity_distance"] for found in full.values()) < SAME_PERSON


def test_valence_rises_for_happy_and_falls_for_the_unpleasant_emotions(checks):
    for person in PEOPLE:
        assert checks[person, "happy", 1.0]["valence"] > 0.3
        for emotion in ("sad", "angry", "disgusted"):
            assert checks[person, emotion, 1.0]["valence"] < -0.3


def test_valence_is_the_mean_over_published_valences():
    assert VALENCE["happy"] == 0.81
    assert VALENCE["sad"] == -0.63
    assert set(VALENCE) == set(WORDS)
    assert expected_valence({"happy": 0.5, "sad": 0.25, "neutral": 0.25}) == pytest.approx(
        0.5 * 0.81 - 0.25 * 0.63
    )


def test_the_neutral_picture_has_changed_in_nothing(neutral):
    found = manipulation_checks(neutral["29"], neutral["29"])
    assert set(found) == set(MEASURES)
    assert {name: found[name] for name in ACTIONS} == dict.fromkeys(ACTIONS, 0.0)
    assert found["identity_distance"] == 0
    assert sum(found[f"p_{word}"] for word in WORDS) == pytest.approx(1)
    json.dumps(found)


def test_two_people_are_farther_apart_than_one_persons_expressions(rest, checks):
    other = np.linalg.norm(rest["29"].descriptor - rest["44"].descriptor)
    own = [found["identity_distance"] for key, found in checks.items() if key[1] == "happy"]
    assert other > max(own)


def test_a_face_is_found_in_every_tight_crop(checks):
    assert [key for key, found in checks.items() if not found["face_found"]] == []


def test_luminance_and_contrast_are_grey_levels():
    flat = np.full((128, 128, 3), 70, np.uint8)
    found = manipulation_checks(flat, None)
    assert (found["luminance"], found["contrast"]) == (pytest.approx(70), pytest.approx(0))


def test_a_picture_without_a_face_is_missing_not_an_error(rest):
    noise = np.random.default_rng(1).integers(0, 256, (128, 128, 3), dtype=np.uint8)
    for picture in (noise, noise[:1, :1], noise[:3], np.zeros((128, 128, 3), np.uint8)):
        found = manipulation_checks(picture, rest["29"])
        given = {name for name, value in found.items() if value is not None}
        assert given == {"face_found", "luminance", "contrast"}
        assert found["face_found"] is False


def test_without_a_neutral_face_only_the_changes_are_missing(neutral):
    for rest in (None, np.zeros((128, 128, 3), np.uint8)):
        found = manipulation_checks(neutral["29"], rest)
        missing = {name for name, value in found.items() if value is None}
        assert missing == {*ACTIONS, "identity_distance"}


def test_grey_pictures_have_no_opening_of_the_eyes(neutral):
    grey = np.repeat(neutral["29"].mean(2, keepdims=True), 3, axis=2).astype(np.uint8)
    found = manipulation_checks(grey, grey)
    assert found["eyes_open"] is None
    assert found["mouth_open"] == 0


def test_the_opening_of_an_eye_is_the_area_that_is_not_skin():
    """Two drawn discs of grey on skin: what the windows hold of them, counted by hand."""
    picture = np.full((100, 200, 3), (200, 140, 110), np.uint8)
    eyes = np.array([[50.0, 40.0], [150.0, 40.0]])
    y, x = np.mgrid[0:100, 0:200] + 0.5
    for eye_x, eye_y in eyes:
        picture[(x - eye_x) ** 2 + (y - eye_y) ** 2 < 10**2] = 90
    discs = np.pi * 10**2 / (np.pi * 27 * 18)
    assert open_share(picture, eyes) == pytest.approx(discs, rel=0.03)
