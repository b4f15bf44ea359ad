"""A listener before the camera: what attributes move, what smoothing keeps, what happens anyway."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed: networks are not tested")
pytest.importorskip("pyworld", reason="pyworld is not installed: speakers are not tested")

from models.reaction.attributes import ATTRIBUTES, NEUTRAL, RATE  # noqa: E402
from stimuli.actors import facs  # noqa: E402
from stimuli.actors.cast import actor  # noqa: E402
from stimuli.actors.idling import LIDS  # noqa: E402
from stimuli.actors.rig import load_rig  # noqa: E402
from stimuli.reactions.filming import (  # noqa: E402
    UNITS,
    action_weights,
    attribute_table,
    glances,
    listening,
)
from stimuli.reactions.listeners import nods  # noqa: E402
from stimuli.reactions.phrases import phrases_of  # noqa: E402
from stimuli.reactions.speakers import speak  # noqa: E402
from stimuli.reactions.speaking import Speaking  # noqa: E402
from stimuli.reactions.styles import style_of  # noqa: E402
from tests.test_action_units import MOTIONS, POINTS, UP  # noqa: E402

T = 50


def calm(frames: int = T) -> np.ndarray:
    return np.tile(NEUTRAL, (frames, 1)).astype(float)


def with_unit(name: str, course: np.ndarray) -> np.ndarray:
    face = calm(len(course))
    face[:, ATTRIBUTES.index(name)] = course
    return face


@pytest.mark.parametrize("unit", UNITS)
def test_an_attribute_moves_the_face_as_its_action_unit_says(unit):
    rig = load_rig("04")
    held = with_unit(f"AU{unit}", np.full(3, 0.8))
    moved = rig.pose(action_weights(held)[1]) - rig.base
    coded = rig.pose(0.8 * facs.parse(f"{unit}E")) - rig.base
    assert np.abs(moved - coded).max() < 1e-6  # metres; as a FACS coder would write it
    ups = [point for point, way in MOTIONS[int(unit)] if way == UP]
    assert all(moved[POINTS[point], 2] > 0.0005 for point in ups)


def test_corners_of_the_lips_rise_with_the_attribute_and_come_down_with_it():
    course = np.interp(np.arange(T), [0, 10, 20, 30, T], [0, 0, 0.9, 0.9, 0])
    weights = action_weights(with_unit("AU12", course))
    height = load_rig("07").pose(weights)[:, POINTS["lip corner"], 2]
    risen = (height - height[0]) / (height.max() - height[0])
    assert np.abs(risen - course / 0.9).max() < 0.08  # the corners of the course are rounded
    assert 0.003 < height.max() - height[0] < 0.02  # metres


def test_gain_makes_reactions_plainer_up_to_the_most_a_face_can_do():
    held = with_unit("AU12", np.full(3, 0.3))
    assert action_weights(held, 1.5) == pytest.approx(1.5 * action_weights(held))
    full = np.tile(facs.parse("12E"), (3, 1))
    assert action_weights(held, 3) == pytest.approx(0.9 * full)
    assert action_weights(2 * held, 3) == pytest.approx(full)
    assert (listening(held, 5, gain=2, head=0).weights > listening(held, 5, head=0).weights).any()


def test_what_a_face_means_moves_nothing():
    face = calm()
    face[:, 15:25] = np.random.default_rng(1).random((T, 10))
    assert not action_weights(face).any()


def test_smoothing_keeps_height_and_time_of_movements_and_stills_trembling():
    def shown(course):
        return action_weights(with_unit("AU12", course))[:, facs.ACTIONS.index("mouthSmileLeft")]

    times = np.arange(100)
    assert shown(np.full(100, 0.37)) == pytest.approx(0.37)  # held: as it was
    smile = 0.8 * np.exp(-0.5 * ((times - 50) / 7) ** 2)  # 0.7 s at half its height
    drawn = shown(smile)
    assert drawn.argmax() == 50
    # a Gaussian of variance 49, smoothed by one of variance 4, has sqrt(49 / 53) of its height
    assert drawn.max() == pytest.approx(0.8 * np.sqrt(49 / 53), rel=1e-3)
    trembling = 0.4 + 0.2 * np.where(times % 4 < 2, 1, -1)  # 6.25 Hz
    assert np.ptp(shown(trembling)[10:-10]) < 0.02 * np.ptp(trembling)


def test_blinks_glances_and_sway_are_the_same_whatever_the_face_does():
    smiling = with_unit("AU12", np.full(T, 0.7))
    one, other = listening(calm(), 5), listening(smiling, 5)
    assert (one.gaze == other.gaze).all()
    assert (one.head == other.head).all()
    lids = [facs.ACTIONS.index(name) for name in LIDS]
    assert (one.weights[:, lids] == other.weights[:, lids]).all()
    longer = listening(calm(3 * T), 5)
    assert (longer.gaze[:T] == one.gaze).all()
    assert (longer.head[:T] == one.head).all()
    assert (listening(calm(), 6).head != one.head).any()


def test_listeners_look_at_the_speaker_most_of_the_time_and_away_in_glances():
    seconds = 3000.0
    looks = glances(seconds, np.random.default_rng(3))
    begins = np.array([look.at for look in looks] + [seconds])
    away = np.array([look.left != 0 for look in looks])
    lasts = np.diff(begins)
    assert 0.71 < lasts[~away].sum() / seconds < 0.81  # Argyle & Ingham 1972: 75 %
    assert 0.4 < lasts[away].min() < lasts[away].max() < 1.6
    assert not away[0]
    assert (away[1:] != away[:-1]).all()


def test_no_clip_begins_with_closed_eyes():
    lids = [facs.ACTIONS.index(name) for name in LIDS]
    begins = [listening(calm(150), seed).weights[:, lids] for seed in range(60)]
    assert not any(weights[0].any() for weights in begins)
    counted = [np.diff((weights[:, 0] > 0.99).astype(int)) for weights in begins]
    # 17 a minute are 1.7 in 6 s; the first comes within 3.5 s, which makes it 0.4 more
    assert 1.6 < np.mean([(change > 0).sum() for change in counted]) < 2.6


def test_without_sway_and_nods_the_head_is_still_and_without_blinks_the_eyes_stay_open():
    still = listening(calm(), 5, head=0, blinks_a_minute=0)
    assert not still.head.any()
    assert not still.weights.any()


@pytest.fixture(scope="module")
def speaker() -> Speaking:
    return speak(actor("30"), 12, 7, ("happy",), both=True)


def test_phrases_are_found_in_the_sound_alone(speaker):
    found = phrases_of(speaker.samples, speaker.rate)
    assert len(found) == len(speaker.phrases)
    for heard, said in zip(found, speaker.phrases, strict=True):
        assert abs(heard.onset_s - said.onset_s) < 0.12
        assert abs(heard.offset_s - said.offset_s) < 0.2
    assert phrases_of(np.zeros(48_000, np.float32), 48_000) == ()


def test_nods_come_after_phrases_and_go_down(speaker):
    eager = next(style_of(n) for n in range(99) if style_of(n).nods_per_minute > 14)
    told = Speaking(*(vars(speaker) | {"episodes": ()}).values())
    pitch = nods(told, eager, 3)[:, 1]
    assert pitch.min() < -1.5
    assert pitch.max() <= 0
    begins = np.flatnonzero((pitch[1:] < 0) & (pitch[:-1] == 0)) / RATE
    ends = np.array([phrase.offset_s for phrase in speaker.phrases])
    assert len(begins)
    assert all(((begin - ends > 0) & (begin - ends < 0.7)).any() for begin in begins)
    moved = listening(calm(len(pitch)), 5, head=0, nodding=nods(told, eager, 3))
    assert moved.head[:, 1] == pytest.approx(pitch)


def test_the_table_of_attributes_has_time_and_the_columns_of_react_in_order():
    from stimuli.corpora.react2024 import COLUMNS

    table = attribute_table(with_unit("AU12", np.linspace(0, 1, T)))
    assert tuple(table.columns) == ("time_s", *COLUMNS)
    assert table["time_s"].tolist() == pytest.approx(np.arange(T) / 25)
    assert table["AU12"].iloc[-1] == 1


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        (np.zeros((10, 24)), r"found shape \(10, 24\); give \(frames, 25\)"),
        (np.zeros((0, 25)), r"found shape \(0, 25\)"),
        (np.full((10, 25), np.nan), "not finite; fill gaps"),
    ],
)
def test_attributes_that_nobody_could_show_are_refused(attributes, words):
    with pytest.raises(ValueError, match=words):
        action_weights(attributes)
