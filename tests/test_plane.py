"""The valence–arousal plane: faces that change in the right direction along both axes."""

import numpy as np
import pytest

from stimuli.actors import facs, plane
from stimuli.actors.rig import load_rig

GRID = np.linspace(-1, 1, 7)
FINE = np.linspace(-1, 1, 31)
# Vertices of the topology, the same in every rig.
CORNER, UPPER_LIP, LOWER_LIP, UPPER_LID, LOWER_LID = 3148, 467, 495, 4401, 4415


def faces(steps: np.ndarray) -> np.ndarray:
    """Action weights (arousal, valence, 52)."""
    return np.array([[plane.at(v, a) for v in steps] for a in steps])


def mean_of_sides(weights: np.ndarray, action: str) -> np.ndarray:
    both = [facs.ACTIONS.index(action + side) for side in ("Left", "Right")]
    return weights[..., both].mean(axis=-1)


def test_the_origin_is_the_neutral_face():
    assert np.array_equal(plane.at(0, 0), np.zeros(52))


def test_near_the_origin_the_face_is_nearly_neutral_in_every_direction():
    for angle in np.linspace(0, 2 * np.pi, 16, endpoint=False):
        slight = plane.at(0.01 * np.cos(angle), 0.01 * np.sin(angle))
        assert 0 < np.abs(slight).max() < 0.05


@pytest.mark.parametrize("steps", [GRID, FINE], ids=["7x7", "31x31"])
def test_weights_that_mean_valence_and_arousal_rise_along_every_row_and_column(steps):
    w = faces(steps)
    pleasant = mean_of_sides(w, "mouthSmile") - mean_of_sides(w, "mouthFrown")
    frowning = mean_of_sides(w, "browDown") + mean_of_sides(w, "noseSneer")
    awake = mean_of_sides(w, "eyeWide") - mean_of_sides(w, "eyeBlink")
    assert np.all(np.diff(pleasant, axis=1) > 0)
    assert np.all(np.diff(pleasant - frowning, axis=1) > 0)
    assert np.all(np.diff(awake, axis=0) > 0)


@pytest.mark.parametrize("actor_id", ["01", "04", "07", "18", "22"])
def test_lip_corners_rise_with_valence_and_eyes_open_with_arousal(actor_id):
    rig, w = load_rig(actor_id), faces(GRID)

    def height(vertex: int) -> np.ndarray:
        return rig.base[vertex, 2] + w @ rig.deltas[:, vertex, 2].astype(float)

    smile = height(CORNER) - (height(UPPER_LIP) + height(LOWER_LIP)) / 2
    aperture = height(UPPER_LID) - height(LOWER_LID)
    assert np.all(np.diff(smile, axis=1) > 0)
    assert np.all(np.diff(aperture, axis=0) > 0)
    # and visibly so: from end to end by more than 6 mm at the lips, and 3 mm at the lids
    assert np.all(smile[:, -1] - smile[:, 0] > 0.006)
    assert np.all(aperture[-1] - aperture[0] > 0.003)


def test_where_people_place_an_emotion_its_own_face_weighs_most():
    lone = ("happy", "sad", "relaxed")  # no other emotion within 0.3
    for emotion in lone:
        place, face = plane.ANCHORS[emotion]
        shown = plane.at(*place)
        alike = {
            name: _cosine(shown, facs.parse(facs.PROTOTYPES.get(code, code)))
            for name, (_, code) in plane.ANCHORS.items()
        }
        assert max(alike, key=alike.__getitem__) == emotion, (face, alike)


def _cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def test_strength_grows_with_the_distance_from_neutral_and_levels_off():
    q = np.linspace(0, 10, 200)
    s = plane.strength(q)
    assert s[0] == 0
    assert plane.strength(np.ones(1))[0] == pytest.approx(1)
    assert np.all(np.diff(s) > 0)
    assert s[-1] < plane.MOST


def test_the_plane_has_no_jumps():
    coarse, fine = faces(np.linspace(-1, 1, 51)), faces(np.linspace(-1, 1, 101))
    for axis in (0, 1):  # a jump would stay as large on a finer grid
        step = np.abs(np.diff(coarse, axis=axis)).max()
        assert np.abs(np.diff(fine, axis=axis)).max() < 0.6 * step


@pytest.mark.parametrize(("point", "message"), [((1.2, 0), "valence: found 1.2"),
                                                ((0, -3), "arousal: found -3")])  # fmt: skip
def test_a_point_outside_the_plane_is_told_in_one_line(point, message):
    with pytest.raises(ValueError, match=message):
        plane.at(*point)
