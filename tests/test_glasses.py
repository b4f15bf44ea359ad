"""Glasses and beards: where they sit, what they change in a picture, and what they leave alone."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from protocols.reading import ProtocolError, load
from protocols.wear import GROWN
from stimuli.actors import camera, eyewear, facs, glasses, headpose
from stimuli.actors.anatomy import load_anatomy
from stimuli.actors.cast import actor, load_cast
from stimuli.actors.portrait import Studio, portrait
from stimuli.actors.rig import load_rig
from stimuli.actors.scene import layout, stage
from stimuli.actors.wearing import wear
from stimuli.corpora import identities_of
from stimuli.errors import PlanError
from stimuli.generators import make_generator
from stimuli.stimulus import plan_stimuli

FRAMES = tuple(glasses.STYLES)
FACES = ("01", "04", "13", "18", "27")
STUDIO = Studio(size=128, supersample=1)


@lru_cache(maxsize=8)
def posed(name: str, code: str = ""):
    rig = load_rig(name)
    points = camera.to_studio(rig.pose(facs.parse(code)), *camera.alignment(rig.eye_centres()))
    return stage(points, np.zeros(len(layout().shirt.vertices), np.float32))


@lru_cache(maxsize=32)
def fitted(name: str, frame: str):
    return glasses.fit(frame, [posed(name), *(posed(name, code) for code in glasses.CLEARED)])


@lru_cache(maxsize=8)
def picture(name: str, frame: str, beard: str, emotion: str = "neutral", yaw: float = 0.0):
    who = replace(actor(name), glasses=frame, beard=beard)
    return portrait(who, facs.weights(emotion, 1.0), STUDIO, head=(yaw, 0.0, 0.0))


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize("name", FACES)
def test_each_rim_goes_around_an_eye_and_stands_before_the_cornea(name, frame):
    worn = fitted(name, frame)
    anatomy = load_anatomy()
    rim = worn.of(glasses.RIM)
    for eye, side in (("eye_left", 1), ("eye_right", -1)):
        ball = posed(name).points[anatomy.vertices[eye]]
        around = rim[side * rim[:, 0] > 0] - [side * 0.5, 0, 0]
        angle = np.sort(np.arctan2(around[:, 1], around[:, 0]))
        gaps = np.diff(np.append(angle, angle[0] + 2 * np.pi))
        assert gaps.max() < np.radians(20)  # all around the centre of the eye
        assert np.hypot(around[:, 0], around[:, 1]).min() > 0.18  # and not over the iris
        lens = worn.lens_points[side * worn.lens_points[:, 0] > 0]
        assert lens[:, 2].min() > ball[:, 2].max() + 0.05
        middle = lens[np.argmin(np.hypot(lens[:, 0] - side * 0.5, lens[:, 1]))]
        assert middle[2] > ball[:, 2].max() + 0.9 * glasses.VERTEX


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize("name", FACES)
def test_rims_and_bridge_touch_no_skin_at_rest_nor_in_strong_expressions(name, frame):
    worn = fitted(name, frame)
    skin = layout().triangles[layout().material == 0]
    for code in ("", "AU6E+12E", "AU4E", "AU1D+2E+5D+26D"):
        height = glasses._front_map(posed(name, code).points, skin)
        for part in (glasses.RIM, glasses.BRIDGE):
            points = worn.of(part)
            clear = points[:, 2] - glasses._read(height, points[:, 0], points[:, 1])
            assert clear.min() > 0, (code, part)


@pytest.mark.parametrize("name", FACES)
def test_arms_pass_beside_the_head_and_end_at_the_ears(name):
    worn, scene = fitted(name, "rectangular"), posed(name)
    skin = layout().triangles[layout().material == 0]
    arms = worn.of(glasses.ARM)
    body = scene.points[layout().body]
    for side in (1, -1):
        beside = glasses._side_map(scene.points, skin, side)
        one = arms[side * arms[:, 0] > 0]
        before_ear = one[(one[:, 2] > -0.8) & (one[:, 2] < 0.2)]
        least = glasses._read(beside, before_ear[:, 2], before_ear[:, 1])
        assert (side * before_ear[:, 0] - least).min() > 0
        root, _ = glasses._ear(body, side)
        assert np.linalg.norm(one - root, axis=1).min() < 0.12


def test_glasses_turn_rigidly_with_the_head():
    worn = fitted("01", "round")
    pose = (12.0, -6.0, 4.0)
    moved = eyewear.turned(worn, pose)
    centres = headpose.turn(np.array([[0.5, 0, 0], [-0.5, 0, 0]]), np.ones(2), pose)
    for before, after in ((worn.points, moved.points), (worn.lens_points, moved.lens_points)):
        for at, then in zip(([0.5, 0, 0], [-0.5, 0, 0]), centres, strict=True):
            apart = np.linalg.norm(before - at, axis=1)
            assert np.abs(np.linalg.norm(after - then, axis=1) - apart).max() < 1e-4
    assert eyewear.turned(worn, headpose.AHEAD) is worn


def test_a_frame_grows_with_the_head_it_is_fitted_to():
    widths = {name: glasses._half_width(posed(name).points[layout().body]) for name in FACES}
    frames = {name: np.abs(fitted(name, "metal").of(glasses.RIM)[:, 0]).max() for name in FACES}
    assert np.corrcoef(list(widths.values()), list(frames.values()))[0, 1] > 0.99


def test_glasses_change_no_pixel_far_from_them_and_darken_the_skin_beside_them():
    bare, worn = picture("13", "none", "own"), picture("13", "rectangular", "own")
    changed = (bare != worn).any(axis=2)
    eye = STUDIO.eye_left[0] - STUDIO.eye_right[0]
    rows, columns = np.nonzero(changed)
    assert rows.min() > STUDIO.eye_left[1] - 0.6 * eye
    assert rows.max() < STUDIO.eye_left[1] + 1.0 * eye
    assert np.abs(columns - STUDIO.size / 2).max() < 1.55 * eye
    frame = fitted("13", "rectangular")
    shown = camera.project(frame.points, STUDIO.size)
    lens = camera.project(frame.lens_points, STUDIO.size)
    cover = np.zeros_like(changed)
    for x, y in np.concatenate([shown, lens])[:, :2]:
        cover[max(int(y) - 2, 0) : int(y) + 3, max(int(x) - 2, 0) : int(x) + 3] = True
    lower = np.arange(STUDIO.size)[:, None] > STUDIO.eye_left[1] + 0.3 * eye
    shadow = changed & ~cover & lower
    assert shadow.sum() > 5
    difference = worn.astype(int).sum(axis=2) - bare.astype(int).sum(axis=2)
    assert difference[shadow].mean() < 0


def test_beards_cover_the_mouths_surroundings_only_and_shaving_bares_them():
    assert actor("13").gender == "male"
    shaven = picture("13", "none", "shaven").astype(int).sum(axis=2)
    eye = STUDIO.eye_left[0] - STUDIO.eye_right[0]
    for beard in GROWN:
        grown = picture("13", "none", beard).astype(int).sum(axis=2)
        rows, columns = np.nonzero(grown != shaven)
        assert len(rows) > 20
        assert (rows > STUDIO.eye_left[1] - 0.2 * eye).all()
        assert (np.abs(columns - STUDIO.size / 2) < 1.35 * eye).all()
        if beard in ("moustache", "goatee"):
            assert (rows > STUDIO.eye_left[1] + 0.6 * eye).all()
            assert (np.abs(columns - STUDIO.size / 2) < 0.85 * eye).all()


def test_a_full_beard_moves_with_the_jaw():
    from stimuli.actors.sitter import sit

    sitter = sit(replace(actor("13"), beard="full"), STUDIO.grain)
    body = load_anatomy().body
    hairs, ends = sitter.rooted[-1], []
    for code in ("", "AU27E"):
        scene = stage(sitter.rig_points(facs.parse(code)), sitter.fold)
        ends.append(hairs.follow(scene.points[body], scene.normals[body])[0])
    rest, open_ = ends
    chin = (rest[:, 0, 1] < -1.6) & (np.abs(rest[:, 0, 0]) < 0.3)
    cheek = rest[:, 0, 1] > -0.6
    fallen = (open_ - rest)[..., 1].mean(axis=1)
    assert chin.sum() > 100
    assert cheek.sum() > 50
    assert fallen[chin].mean() < -0.15  # a jaw opens by a third of a unit or more
    assert np.abs(fallen[cheek]).mean() < 0.03


def test_the_same_glasses_and_beard_give_the_same_bytes_twice():
    who = replace(actor("13"), glasses="metal", beard="goatee")
    first = portrait(who, facs.weights("happy", 1.0), STUDIO, head=(10.0, 0.0, 0.0))
    again = portrait(who, facs.weights("happy", 1.0), STUDIO, head=(10.0, 0.0, 0.0))
    assert (first == again).all()
    assert (first != picture("13", "none", "own")).any()


def test_a_beard_for_a_woman_and_unknown_words_are_refused_and_shaving_is_not():
    with pytest.raises(ValueError, match="actor 04, a woman; beards are for men"):
        wear(actor("04"), beard="full")
    with pytest.raises(ValueError, match="accepted: none, metal.*did you mean 'round'"):
        wear(actor("04"), glasses="rond")
    with pytest.raises(ValueError, match="beard: found 'mustache'.*did you mean 'moustache'"):
        wear(actor("03"), beard="mustache")
    assert wear(actor("04"), glasses="metal", beard="shaven").glasses == "metal"


def worn_protocol(tmp_path, people, wear_words="{glasses: round, beard: goatee}"):
    file = tmp_path / "worn.yaml"
    file.write_text(
        "name: worn\ntitle: Worn\n"
        "stimuli:\n  generator: actor\n  size: 64\n"
        f"  identities: {people}\n  factors: {{emotion: [happy]}}\n  wear: {wear_words}\n"
        "tasks:\n  - {id: v, type: likert, question: How, points: 3, anchors: {1: a, 3: b}}\n"
        "design: {practice: {trials: 1}}\n"
    )
    return load(file)


def test_a_study_puts_glasses_and_beards_on_its_men_and_says_so_in_the_manifest(tmp_path):
    protocol = worn_protocol(tmp_path, "['13']")
    stimuli = plan_stimuli(protocol, identities_of(protocol))
    genders = {person.id: person.gender for person in load_cast()}
    assert {genders[s.identity] for s in stimuli} == {"male"}
    generator = make_generator(protocol)
    assert generator.recipe(stimuli[0])["wear"] == {"glasses": "round", "beard": "goatee"}
    (shown,) = generator.render(stimuli[:1])
    who = wear(actor("13"), glasses="round", beard="goatee")
    assert (shown.pixels == portrait(who, facs.weights("happy", 1.0), Studio(size=64))).all()
    plain = worn_protocol(tmp_path, "['13']", "{}")
    assert "wear" not in make_generator(plain).recipe(stimuli[0])


def test_a_study_with_women_in_beards_is_refused_with_men_to_choose(tmp_path):
    protocol = worn_protocol(tmp_path, "['13', '04']")
    with pytest.raises(PlanError, match="goatee asked for 04, women.*name men.*'13', '01'"):
        plan_stimuli(protocol, identities_of(protocol))
    with pytest.raises(ProtocolError, match="accepted: none, metal, rectangular.*did you mean"):
        worn_protocol(tmp_path, "['13']", "{glasses: rectangle}")
