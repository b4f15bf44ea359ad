"""Each action unit moves the points that FACS says, where it says, and nothing else.

Points are vertices of the topology, the same in every rig; motion is that of their picture (pixels
at 512 x 512) or, towards the viewer, in the studio. Directions are those of the FACS manual
(Ekman, Friesen & Hager 2002); which points show them is ours.
"""

from functools import lru_cache

import numpy as np
import pytest

from stimuli.actors import camera, eyes, facs
from stimuli.actors.rig import Rig, load_rig, load_topology

ACTORS = ["01", "04", "07", "10", "18", "22"]
SIZE = 512
# On the actor's left: vertex, and for whoever reads this its place on the mean face in distances
# between the eyes, from the midpoint between them.
POINTS = {
    "inner brow": 2860,  # 0.26 left, 0.27 up
    "outer brow": 2859,  # 0.81, 0.23
    "upper lid": 4401,  # 0.51, 0.07
    "lower lid": 4415,  # 0.51, -0.14
    "cheek": 4453,  # 0.56, -0.56
    "nose wing": 4496,  # 0.25, -0.65
    "lower cheek": 4571,  # 0.69, -1.16
    "lip corner": 3148,  # 0.39, -1.17
    "upper lip": 467,  # 0.00, -1.10
    "lower lip": 495,  # 0.00, -1.28
    "chin": 2024,  # 0.00, -1.69
}
UP, DOWN, OUT, IN, FORTH, BACK = "up", "down", "out", "in", "forth", "back"
MOTIONS = {  # unit: (point, direction) ...
    1: (("inner brow", UP),),
    2: (("outer brow", UP),),
    4: (("inner brow", DOWN), ("inner brow", IN)),
    5: (("upper lid", UP),),
    6: (("cheek", UP), ("lower lid", UP)),
    7: (("lower lid", UP),),
    9: (("nose wing", UP), ("inner brow", DOWN), ("cheek", UP), ("upper lip", UP)),
    10: (("upper lip", UP),),
    12: (("lip corner", UP), ("lip corner", OUT), ("lip corner", BACK)),
    14: (("lip corner", OUT), ("lip corner", BACK)),
    15: (("lip corner", DOWN),),
    16: (("lower lip", DOWN),),
    17: (("lower lip", UP), ("chin", UP)),
    18: (("lip corner", IN), ("upper lip", FORTH), ("lower lip", FORTH)),
    20: (("lip corner", OUT), ("lip corner", BACK)),
    22: (("upper lip", FORTH), ("lower lip", FORTH), ("upper lip", UP), ("lower lip", DOWN)),
    23: (("upper lip", BACK),),
    24: (("upper lip", BACK), ("lower lip", UP)),
    25: (("upper lip", UP), ("lower lip", DOWN)),
    26: (("chin", DOWN), ("lower lip", DOWN)),
    27: (("chin", DOWN), ("lower lip", DOWN)),
    28: (("upper lip", BACK), ("lower lip", BACK)),
    29: (("chin", FORTH), ("lower lip", FORTH)),
    34: (("lower cheek", FORTH),),
    43: (("upper lid", DOWN),),
    61: (("upper lid", OUT),),
    62: (("upper lid", IN),),
    63: (("upper lid", UP), ("lower lid", UP)),
    64: (("upper lid", DOWN),),
}
# Where a unit may act: lowest and highest point, in distances between the eyes from their line.
BROWS, LIDS, CHEEKS = (-0.60, 1.35), (-0.75, 0.35), (-1.75, 0.35)
NOSE = (CHEEKS[0], BROWS[1])  # wrinkled, it takes the cheeks beside it along
MOUTH, JAW = (-2.15, 0.20), (-2.50, 0.20)
REGIONS = {
    **dict.fromkeys((1, 2, 4), BROWS),
    **dict.fromkeys((5, 43, 61, 62, 63, 64), LIDS),
    **dict.fromkeys((6, 7), CHEEKS),
    9: NOSE,
    **dict.fromkeys((10, 12, 14, 15, 16, 17, 18, 20, 22, 23, 24, 25, 28, 34), MOUTH),
    **dict.fromkeys((26, 27, 29), JAW),
}
STILL = 0.0005  # metres: what does not count as motion


def picture_motion(rig: Rig, code: str) -> np.ndarray:
    """How far a code moves every vertex (V, 3): right and down in pixels, forth in 100 units."""
    turn, origin = camera.alignment(rig.eye_centres())
    places = [camera.to_studio(p, turn, origin) for p in (rig.base, rig.pose(facs.parse(code)))]
    at = [camera.project(p, SIZE) for p in places]
    moved = at[1] - at[0]
    moved[:, 2] = 100 * (places[1] - places[0])[:, 2]
    return moved


def along(moved: np.ndarray, point: str, direction: str) -> float:
    """Motion of a point of the actor's left side in a direction."""
    right, down, forth = moved[POINTS[point]]  # the actor's left is on the right of the picture
    return {UP: -down, DOWN: down, OUT: right, IN: -right, FORTH: forth, BACK: -forth}[direction]


@lru_cache
def skin() -> np.ndarray:
    return load_topology().vertices("body")


def from_eyes(rig: Rig) -> np.ndarray:
    """Resting vertices (V, 3) from the midpoint of the eyes, in distances between them."""
    eyes = rig.eye_centres()
    return (rig.base - eyes.mean(axis=0)) / np.linalg.norm(eyes[0] - eyes[1])


def test_every_unit_is_looked_at():
    assert set(MOTIONS) == set(REGIONS) == set(facs.AU)


@pytest.mark.parametrize("actor_id", ACTORS)
@pytest.mark.parametrize("unit", MOTIONS)
def test_points_move_as_published_and_further_with_every_letter(actor_id, unit):
    rig = load_rig(actor_id)
    moved = [picture_motion(rig, f"{unit}{letter}") for letter in "ABCDE"]
    for point, direction in MOTIONS[unit]:
        steps = [along(m, point, direction) for m in moved]
        assert np.all(np.diff([0.0, *steps]) > 0), (point, direction, steps)


@pytest.mark.parametrize("actor_id", ACTORS)
@pytest.mark.parametrize("unit", REGIONS)
def test_nothing_outside_the_region_of_a_unit_moves(actor_id, unit):
    rig = load_rig(actor_id)
    distance = np.linalg.norm(rig.pose(facs.parse(f"{unit}E")) - rig.base, axis=1)[skin()]
    height = from_eyes(rig)[skin(), 2]
    low, high = REGIONS[unit]
    outside = (height < low - 0.1) | (height > high + 0.15)  # faces are not all of one length
    assert outside.any()
    assert distance[outside].max() < STILL
    assert distance[~outside].max() > 0.0009


@pytest.mark.parametrize("actor_id", ACTORS)
@pytest.mark.parametrize("unit", [n for n in facs.AU if facs.AU[n].two_sided])
def test_a_unit_on_the_left_leaves_the_other_half_alone(actor_id, unit):
    rig = load_rig(actor_id)
    side = from_eyes(rig)[:, 0]
    distance = np.linalg.norm(rig.pose(facs.parse(f"L{unit}E")) - rig.base, axis=1)
    distance[np.setdiff1d(np.arange(len(distance)), skin())] = 0
    assert distance[side < -0.75].max() < STILL
    assert (distance[side > 0] ** 2).sum() > 3 * (distance[side < 0] ** 2).sum()


@pytest.mark.parametrize("actor_id", ACTORS)
@pytest.mark.parametrize("unit", facs.AU)
def test_eyeballs_and_upper_teeth_stay_where_they_are(actor_id, unit):
    rig = load_rig(actor_id)
    moved = rig.pose(facs.parse(f"{unit}E")) - rig.base
    balls = () if unit in (61, 62, 63, 64) else ("eye_left", "eye_right")  # these turn the eyes
    for part in (*balls, "teeth_upper"):
        assert np.abs(moved[rig.topology.vertices(part)]).max() < STILL


@pytest.mark.parametrize(
    ("unit", "axis", "sign"), [(61, 0, 1), (62, 0, -1), (63, 1, 1), (64, 1, -1)]
)
def test_both_eyes_turn_together_and_further_with_every_letter(unit, axis, sign):
    turned = []
    for letter in ("", *"ABCDE"):
        weights = facs.parse(f"{unit}{letter}" if letter else "")
        actions = dict(zip(map(str, facs.ACTIONS), weights.tolist(), strict=True))
        turned.append(eyes.gaze(np.array([[0.5, 0, 0], [-0.5, 0, 0]]), actions).direction)
    along_axis = sign * np.array(turned)[:, :, axis]  # (6, 2 eyes)
    assert np.all(np.diff(along_axis, axis=0) > 0.01)
    other = np.array(turned)[:, :, 1 - axis]
    assert np.abs(other - other[0]).max() < 0.01


@pytest.mark.parametrize("actor_id", ACTORS)
def test_upper_and_lower_face_do_not_touch_each_other(actor_id):
    rig = load_rig(actor_id)
    upper = [rig.pose(facs.parse(code)) for code in ("1E 2E", "4E", "5E", "43E", "63E", "64E")]
    lower = [rig.pose(facs.parse(f"{unit}E")) for unit in REGIONS if REGIONS[unit] in (MOUTH, JAW)]
    for point in ("lip corner", "upper lip", "lower lip", "chin"):
        assert max(np.abs(p - rig.base)[POINTS[point]].max() for p in upper) < STILL
    for point in ("inner brow", "outer brow", "upper lid"):
        assert max(np.abs(p - rig.base)[POINTS[point]].max() for p in lower) < STILL
