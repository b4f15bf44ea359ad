"""Faces are sound: no eyeball through a lid, no teeth through a lip, hair where hair grows."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial import KDTree

from stimuli.actors import camera, facial_hair, facs, scene, skin, soundness
from stimuli.actors.anatomy import load_anatomy
from stimuli.actors.cast import actor, load_cast
from stimuli.actors.identity import lab
from stimuli.actors.rig import load_rig

SOME = ("02", "06", "12", "21", "36", "48", "51", "52")
FACES = 6  # of the action space, for each of SOME
ALIKE = (("03", "49"), ("33", "49"), ("05", "29"), ("06", "12"), ("05", "16"), ("01", "43"),
         ("11", "45"))  # fmt: skip


def test_what_lies_apart_is_what_is_not_in_the_longest_run_of_a_column():
    picture = np.array([[1, 0, 0], [0, 1, 1], [1, 1, 1], [1, 0, 0], [1, 1, 0]], bool)
    assert soundness.apart(picture) == 2  # first column: one above three; second: one below two
    assert soundness.apart(np.zeros((4, 4), bool)) == 0


@pytest.mark.parametrize("actor_id", SOME)
def test_neither_eyeballs_nor_teeth_come_through_the_skin(actor_id):
    rig = load_rig(actor_id)
    faces = list(soundness.action_space(np.random.default_rng(int(actor_id)), 12))
    picked = np.random.default_rng(int(actor_id)).choice(len(faces), FACES, replace=False)
    for name, weights in (faces[i] for i in picked):
        assert soundness.eye_faults(rig, weights) <= soundness.MOST_EYE, name
        assert soundness.mouth_faults(rig, weights) <= soundness.MOST_MOUTH, name


def test_an_eyeball_too_far_forward_and_teeth_too_far_forward_are_found():
    rig, still = load_rig("04"), np.zeros(52)
    base = rig.base.copy()
    base[rig.topology.vertices("eye_left"), 1] -= 0.0015  # metres, towards the lens
    assert soundness.eye_faults(replace(rig, base=base), still) > 5 * soundness.MOST_EYE
    base = rig.base.copy()
    base[rig.topology.vertices("teeth_upper"), 1] -= 0.015
    assert soundness.mouth_faults(replace(rig, base=base), still) > 5 * soundness.MOST_MOUTH


@pytest.mark.parametrize("actor_id", SOME[::2])
@pytest.mark.parametrize("code", ["", "5E", "4E 5E", "1E 2E 5E", "43E"])
def test_lashes_stay_on_the_lids(actor_id, code):
    rig = load_rig(actor_id)
    points = camera.to_studio(
        rig.pose(facs.parse(code)), *camera.alignment(rig.eye_centres())
    ).astype(np.float32)
    plan = scene.layout()
    fold = np.zeros(plan.cloth.stop - plan.cloth.start, np.float32)
    lids = KDTree(scene.stage(points, fold).points[plan.body])
    roots = facial_hair.lashes(actor(actor_id)).follow(points)[:, 0]
    assert np.percentile(lids.query(roots)[0], 95) < 0.025  # units: 1.6 mm


@pytest.mark.parametrize("actor_id", SOME)
@pytest.mark.parametrize("code", ["23E", "24E"])
def test_tightened_and_pressed_lips_make_the_mouth_no_wider(actor_id, code):
    rig = load_rig(actor_id)
    face, smile = rig.topology.face, rig.deltas[rig.actions.index("mouthSmileLeft")]
    reach = np.linalg.norm(smile[face].astype(float), axis=1)
    corner = face[np.argsort(reach)[-8:]]
    out = (rig.pose(facs.parse(code)) - rig.base)[corner, 0].mean()
    assert out < 0.001  # metres


def test_no_beard_grows_on_ears_or_lips():
    anatomy = load_anatomy()
    x, y, z = anatomy.rest[anatomy.body].T
    area = skin.beard_area(x, y)
    assert area[anatomy.regions["ears"] > 0.9].max() < 0.4
    middle = (np.abs(x) < 0.3) & (z > -0.5)
    assert area[middle & (anatomy.regions["lips"] > 0.95)].mean() < 0.1
    chin = middle & (np.abs(y + 1.6) < 0.1)
    assert area[chin].min() > 0.8


def test_nobodys_shirt_could_be_taken_for_skin():
    for someone in load_cast():
        shirt, face = (lab(np.array(rgb)) for rgb in (someone.clothing_rgb, someone.skin_rgb))
        assert np.linalg.norm(shirt - face) > 15, someone.id  # Delta E


@pytest.mark.parametrize("pair", ALIKE)
def test_people_with_like_faces_differ_in_what_is_seen_first(pair):
    one, other = (actor(i) for i in pair)
    bearded = [someone.stubble > 0.5 for someone in (one, other)]
    differ = [
        one.hair != other.hair,
        np.linalg.norm(lab(np.array(one.hair_rgb)) - lab(np.array(other.hair_rgb))) > 8,
        bearded[0] != bearded[1],
        np.linalg.norm(lab(np.array(one.skin_rgb)) - lab(np.array(other.skin_rgb))) > 8,
        abs(one.brow_thickness - other.brow_thickness) > 0.15,
    ]
    assert sum(differ) >= 2
