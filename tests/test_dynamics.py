"""Expressions over time, blinks, gaze and sway: the parameters are found again in the frames."""

import math

import numpy as np
import pytest

from stimuli.actors import eyes, facs, headpose, idling, lids
from stimuli.actors.dynamics import Course, express, frame_times, s_curve, unfold, usual_course
from stimuli.actors.rig import load_rig

FINE = np.linspace(0, 3, 30_001)


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def action(weights: np.ndarray, name: str) -> np.ndarray:
    return weights[..., facs.ACTIONS.index(name)]


def test_the_six_parameters_are_found_again_in_the_curve():
    course = Course(
        0.8, onset=0.3, peak=0.9, offset=2.4, acceleration=3, deceleration=1.5, hold=0.5
    )
    x = course.at(FINE)
    moving = FINE[(x > 1e-9) & (x < 0.8 - 1e-9)]
    assert x.max() == pytest.approx(0.8)
    assert moving.min() == pytest.approx(0.3, abs=2e-3)
    assert moving.max() == pytest.approx(2.4, abs=2e-3)
    assert FINE[x > 0.8 - 1e-12].min() == pytest.approx(0.9, abs=2e-3)
    assert FINE[x > 0.8 - 1e-12].max() == pytest.approx(1.4, abs=2e-3)
    # speed half-way, in units of the mean speed, is the acceleration, and the deceleration
    speed = np.gradient(x, FINE)
    assert np.interp(0.6, FINE, speed) == pytest.approx(3 * 0.8 / 0.6, rel=1e-3)
    assert np.interp(1.9, FINE, speed) == pytest.approx(-1.5 * 0.8 / 1.0, rel=1e-3)


def test_a_course_rises_then_falls_and_never_jumps():
    for k in (1, 2, 5):
        x = Course(acceleration=k, deceleration=k).at(FINE)
        top = int(np.argmax(x))
        assert np.all(np.diff(x[: top + 1]) >= 0)
        assert np.all(np.diff(x[top:]) <= 0)
        assert np.abs(np.diff(x)).max() < 0.002


def test_steepness_one_is_a_straight_line():
    u = np.linspace(0, 1, 11)
    np.testing.assert_allclose(s_curve(u, 1), u)
    np.testing.assert_allclose(s_curve(1 - u, 4), 1 - s_curve(u, 4), atol=1e-12)


def test_a_course_without_end_stays_at_the_apex():
    assert Course(0.5, offset=math.inf).at(np.array([100.0]))[0] == 0.5


def test_frames_are_those_of_25_a_second():
    assert len(frame_times(2)) == 50
    assert frame_times(2)[25] == 1.0
    assert len(frame_times(0.5, 60)) == 30


def test_each_unit_runs_its_own_course():
    early = Course(0.6, peak=0.4, offset=1.0)
    late = Course(0.9, onset=0.8, peak=1.2, offset=1.8)
    w = unfold({"AU12": early, "R4": late}, 2)
    times = frame_times(2)
    assert w.shape == (50, 52)
    np.testing.assert_allclose(action(w, "mouthSmileLeft"), early.at(times))
    np.testing.assert_allclose(action(w, "browDownRight"), facs.GAIN["browDown"] * late.at(times))
    assert not action(w, "browDownLeft").any()


def test_a_frame_at_full_strength_is_the_face_of_the_code():
    courses = {unit: Course(peak=0.4) for unit in ("6", "12", "24", "R14")}
    np.testing.assert_allclose(unfold(courses, 1)[10], facs.parse("6E 12E 24E R14E"))


@pytest.mark.parametrize("emotion", ["happy", "surprised", "awed", "contempt"])
def test_an_emotion_starts_and_ends_neutral_and_is_held_at_its_strength(emotion):
    course = usual_course(emotion, 2.4)
    w = express(emotion, 0.5, course, 2.4)
    assert not w[0].any()
    assert np.abs(w[-1]).max() < 0.05
    np.testing.assert_allclose(w[30], facs.weights(emotion, 0.5))
    assert course.peak == (0.25 if emotion == "surprised" else 0.5)


@pytest.mark.parametrize("seconds", [0.2, 1.0, 1.5, 4.0])
def test_the_usual_course_fits_clips_of_any_length(seconds):
    course = usual_course("angry", seconds)
    assert course.at(np.array([0, course.peak, seconds])) == pytest.approx([0, 1, 0])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"amplitude": 1.2}, "amplitude: found 1.2"),
        ({"onset": 0.6}, "onset < peak"),
        ({"hold": 0.8}, "peak \\+ hold < offset"),
        ({"hold": -0.1}, "found onset"),
        ({"acceleration": 0.5}, "acceleration: found 0.5; give 1 to 10"),
    ],
)
def test_an_impossible_course_is_told_in_one_line(wrong, message):
    with pytest.raises(ValueError, match=message):
        Course(**wrong)


def test_a_mistaken_unit_is_told_in_one_line():
    with pytest.raises(ValueError, match="nearest: 12"):
        unfold({"13": Course()}, 1)
    with pytest.raises(ValueError, match="comes twice"):
        unfold({"12": Course(), "AU12": Course()}, 1)
    with pytest.raises(ValueError, match="give up to an hour"):
        unfold({"12": Course()}, 0)


def test_blinks_come_at_the_asked_rate_and_last_a_third_of_a_second():
    closed = idling.blinks(1800, rng(), per_minute=17)
    shut = np.flatnonzero(closed == 1)
    assert len(shut) / 30 == pytest.approx(17, rel=0.1)
    assert np.diff(shut).min() >= 12  # half a second: never a flutter
    lone = shut[np.flatnonzero(np.diff(shut) > 25)[0]]
    assert (closed[lone - 5 : lone + 10] > 0).sum() in range(5, 9)  # frames of 40 ms
    assert closed.min() == 0


def test_no_blinks_and_other_seeds():
    assert not idling.blinks(10, rng(), per_minute=0).any()
    assert np.array_equal(idling.blinks(60, rng(3)), idling.blinks(60, rng(3)))
    assert not np.array_equal(idling.blinks(60, rng(3)), idling.blinks(60, rng(4)))
    with pytest.raises(ValueError, match="give 0 to 60"):
        idling.blinks(10, rng(), per_minute=100)


@pytest.mark.parametrize("actor_id", ["01", "06", "18"])
@pytest.mark.parametrize("emotion", ["happy", "surprised", "fearful", "disgusted"])
def test_a_blink_closes_the_eyes_whatever_the_expression(actor_id, emotion):
    rig, face = load_rig(actor_id), facs.weights(emotion, 1)
    w = idling.close_lids(np.tile(face, (3, 1)), np.array([0, 0.5, 1]))
    np.testing.assert_array_equal(w[0], face)
    seen = [lids.opening(rig, frame, "left").sum() for frame in w]
    assert seen[0] > seen[1] > seen[2]
    assert seen[2] < 0.02 * lids.opening(rig, {}, "left").sum()


def test_gaze_reaches_its_targets_and_saccades_last_as_published():
    looks = [idling.Look(0), idling.Look(0.5, left=20), idling.Look(1.5, left=-10, up=10)]
    g = idling.gaze(looks, 2, fps=240)
    times = frame_times(2, 240)
    np.testing.assert_allclose(g.angles[times < 0.5], 0)
    np.testing.assert_allclose(g.angles[(times > 0.6) & (times <= 1.5)], [[20, 0]] * 216)
    np.testing.assert_allclose(g.angles[-1], [-10, 10], atol=1e-9)
    moving = times[(g.angles[:, 0] > 1e-6) & (g.angles[:, 0] < 20 - 1e-6) & (times < 1)]
    takes = 0.021 + 0.0022 * 20
    assert np.ptp(moving) == pytest.approx(takes, abs=3 / 240)
    assert not g.vergence.any()  # all as far away as the lens


@pytest.mark.parametrize("distance", [0.3, 0.6, 4.0])
def test_both_eyes_look_at_the_same_thing(distance):
    g = idling.gaze([idling.Look(0, distance=distance)], 0.2)
    w = idling.converge(np.zeros((len(g.vergence), 52)), g.vergence)[0]
    actions = dict(zip(map(str, facs.ACTIONS), w.tolist(), strict=True))
    centres = np.array([[0.5, 0, 0], [-0.5, 0, 0]])
    (left, right) = eyes.gaze(centres, actions).direction.astype(float)
    # where the two lines of sight cross, in distances between the eyes
    crossing = 1.0 / (right[0] / right[2] - left[0] / left[2])
    assert crossing * idling.EYE_DISTANCE == pytest.approx(distance, rel=0.02)


def test_impossible_looks_are_told_in_one_line():
    with pytest.raises(ValueError, match="gaze: found"):
        idling.Look(0, left=80)
    with pytest.raises(ValueError, match="distance of 0 m"):
        idling.Look(0, distance=0)
    with pytest.raises(ValueError, match="order of time"):
        idling.gaze([idling.Look(1), idling.Look(0.5)], 2)


def test_heads_sway_slowly_and_little():
    one = idling.sway(10, rng(5))
    assert one.shape == (250, 3)
    assert not one[0].any()
    assert np.array_equal(one, idling.sway(20, rng(5))[:250])  # a longer clip begins alike
    long = idling.sway(600, rng(6))
    np.testing.assert_allclose(long.std(axis=0), idling.SWAY, rtol=0.1)
    assert np.abs(np.diff(long, axis=0)).max() < 0.6  # degrees a frame: no jerk
    spectrum = np.abs(np.fft.rfft(long - long.mean(axis=0), axis=0)) ** 2
    hertz = np.fft.rfftfreq(len(long), 1 / 25)
    assert spectrum[hertz < 1].sum() > 0.99 * spectrum.sum()
    for row in long[::50]:
        headpose.checked(row)
