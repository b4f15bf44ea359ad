"""Clips: frames are portraits of their moment, or nearly; heads turn rigidly, eyes look aside."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial import KDTree

from stimuli import video
from stimuli.actors import (
    camera,
    clip,
    eyes,
    facs,
    film,
    hairpiece,
    headpose,
    portrait,
    posture,
    raster,
    scene,
    sitter,
)
from stimuli.actors.cast import actor
from stimuli.actors.portrait import Studio
from stimuli.actors.rig import load_topology

WHO = "04"
NEUTRAL = np.zeros(52)


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    return Studio(size=96, supersample=2, cache_dir=tmp_path_factory.mktemp("actors"))


@pytest.fixture(scope="module")
def moving(studio):
    """Five frames of a smile during which eyes, then head move, then all rest."""
    curve = np.stack([facs.weights("happy", m) for m in (0, 0.4, 0.9, 0.9, 0.9)])
    gaze = np.array([[0, 0], [12, -6], [12, -6], [0, 0], [0, 0]], float)
    head = np.array([[0, 0, 0], [0, 0, 0], [8, -4, 3], [0, 0, 0], [0, 0, 0]], float)
    return curve, gaze, head


def points_of(studio, pose, weights=NEUTRAL):
    """Rig vertices of the actor in this head pose, studio space."""
    sitting = sitter.sit(actor(WHO), studio.grain, studio.cache_dir)
    taken = posture.take_up(sitting, actor(WHO), pose, studio.grain)
    return taken.turn(sitting.rig_points(weights)), sitting


def test_frames_of_an_upright_head_have_the_bytes_of_their_portraits(studio, moving):
    curve, gaze, head = moving
    frames = list(clip.clip(actor(WHO), curve, studio, gaze=gaze, head=head))
    assert len(frames) == len(curve)
    for t in np.flatnonzero(~head.any(axis=1)):
        alone = portrait.portrait(actor(WHO), curve[t], studio, gaze=tuple(gaze[t]))
        assert np.array_equal(frames[t], alone), t


@pytest.mark.parametrize("who", ["04", "01"])
def test_frames_of_a_turned_head_are_close_to_their_portraits(studio, who):
    """Hair is carried along, not drawn anew; at most as far as between two key poses."""
    head = np.array([[0.5, 0, 0], [1.5, -1, 1], [2.5, 2.5, 0], [-3.5, 1, 4], [9, -6, 2]], float)
    curve = np.stack([facs.weights("happy", 0.5)] * len(head))
    frames = list(clip.clip(actor(who), curve, studio, head=head))
    for frame, row, pose in zip(frames, curve, head, strict=True):
        alone = portrait.portrait(actor(who), row, studio, head=tuple(pose)).astype(float)
        off = np.abs(frame - alone)
        assert off.mean() < 1.0
        assert np.percentile(off, 99) < 10
        assert (off.max(axis=2) > 40).mean() < 0.002
        middle = off[studio.size // 3 : studio.size // 2, studio.size // 3 : -studio.size // 3]
        assert middle.max() <= 16  # eyes and brows: little hair comes near


@pytest.mark.parametrize("pose", [(7, -2, 0), (-8, 3, 0)])
def test_no_wall_shines_through_where_a_turning_jaw_uncovers_hair(studio, pose):
    """Dark long hair, before a black and before a white wall: what differs is wall."""
    who, wall = actor("32"), {}
    sitting = sitter.sit(who, studio.grain, studio.cache_dir)
    for name, grey in (("black", 0), ("white", 255)):
        before = replace(studio, background=(grey,) * 3)
        carried = posture.follow(sitting, who, pose, studio.grain, studio.cache_dir)
        clipped = portrait.develop(carried, who, NEUTRAL, (0, 0), before)
        wall[name] = clipped, portrait.portrait(who, NEUTRAL, before, head=pose)
    seen, truly = (
        film.decode(white / 255) - film.decode(black / 255)
        for white, black in zip(wall["white"], wall["black"], strict=True)
    )
    covered = truly.max(axis=-1) < 0.002  # hair or skin alone
    assert (seen.max(axis=-1)[covered] > 0.02).sum() <= 3


def test_hair_does_not_jump_from_frame_to_frame(studio):
    """Through a change of key poses, in steps of half a degree."""
    head = np.zeros((7, 3))
    head[:, 0], head[:, 1] = np.linspace(1.0, 4.0, len(head)), -1.0
    still = np.zeros((len(head), 52))
    frames = list(clip.clip(actor(WHO), still, studio, head=head))
    alone = [portrait.portrait(actor(WHO), NEUTRAL, studio, head=tuple(pose)) for pose in head]
    fast, exact = (np.abs(np.diff(np.stack(f).astype(float), axis=0)).mean(axis=(1, 2, 3))
                   for f in (frames, alone))  # fmt: skip
    assert fast.max() < 1.35 * exact.max()
    assert fast.mean() < 1.15 * exact.mean()


def test_weights_of_key_poses_add_up_and_change_smoothly():
    angles = np.arange(-15, 15.001, 0.05)
    before: dict = {}
    for yaw in angles:
        now = {key: weight for weight, key in hairpiece.keys((float(yaw), -2.6, 5.0))}
        assert sum(now.values()) == pytest.approx(1)
        assert all(abs(key[0] - yaw) <= 3.5 + 1e-9 for key in now)
        steps = [abs(now.get(k, 0) - before.get(k, 0)) for k in now | before]
        assert not before or max(steps) < 0.05
        before = now
    assert hairpiece.keys((5.0, -10.0, 3.0)) == [(1.0, (5.0, -10.0, 0.0))]


def test_hair_of_a_key_pose_is_carried_nowhere(studio):
    sitting = sitter.sit(actor(WHO), studio.grain, studio.cache_dir)
    pose = (5.0, 0.0, 0.0)
    carried = posture.follow(sitting, actor(WHO), pose, studio.grain, studio.cache_dir)
    drawn = posture.take_up(sitting, actor(WHO), pose, studio.grain)
    wall = np.full((studio.grain, studio.grain), np.inf, np.float32)
    front, _ = carried.hair(wall)
    np.testing.assert_allclose(front, drawn.hair(wall)[0], atol=1e-3)


def test_a_surface_before_the_hair_hides_it(studio):
    sitting = sitter.sit(actor(WHO), studio.grain, studio.cache_dir)
    carried = posture.follow(sitting, actor(WHO), (2.0, 1.0, 0.0), studio.grain, studio.cache_dir)
    near = np.full((studio.grain, studio.grain), camera.DISTANCE - 3, np.float32)
    front, behind = carried.hair(near)
    assert front.max() == 0
    assert behind.max() == 0
    far = np.full_like(near, camera.DISTANCE + 9)
    assert carried.hair(far)[0][..., 3].mean() > 0.15


@pytest.mark.parametrize("pose", [(15.0, -5.0, 5.0), (-9.0, 4.0, 0.0)])
def test_turning_back_undoes_a_turn(pose):
    points = np.random.default_rng(2).uniform((-1.5, -4, -2.5), (1.5, 2, 0.5), (500, 3))
    turned = headpose.turn(points, headpose.share(points), pose)
    np.testing.assert_allclose(headpose.turned_back(turned, pose), points, atol=0.02)


def test_workers_cannot_be_seen_in_the_pictures(studio, moving):
    curve, gaze, head = moving
    by_one, by_three = (
        list(clip.clip(actor(WHO), curve, studio, gaze=gaze, head=head, workers=workers))
        for workers in (1, 3)
    )
    assert all(np.array_equal(a, b) for a, b in zip(by_one, by_three, strict=True))


def test_a_clip_becomes_a_video_of_its_frames(studio, moving, tmp_path):
    pytest.importorskip("av", reason="PyAV is not installed: videos are not tested")
    curve, gaze, head = moving
    path = tmp_path / "clip.mp4"
    video.write_video(path, clip.clip(actor(WHO), curve, studio, gaze=gaze, head=head))
    facts = video.video_facts(path)
    assert (facts.frames, facts.width, facts.rate) == (len(curve), studio.size, 25)
    frames = clip.clip(actor(WHO), curve, studio, gaze=gaze, head=head)
    for decoded, source in zip(video.read_video(path), frames, strict=True):
        error = np.mean((decoded.astype(float) - source) ** 2)
        assert 10 * np.log10(255**2 / error) > 32  # half the colour resolution costs most


def test_frames_belong_to_who_takes_them(studio):
    still = np.zeros((3, 52))
    frames = clip.clip(actor(WHO), still, studio, workers=1)
    first = next(frames)
    kept = first.copy()
    first[:] = 0
    assert np.array_equal(next(frames), kept)


def test_a_clip_left_early_ends_its_threads(studio):
    frames = clip.clip(actor(WHO), np.zeros((500, 52)), studio)
    next(frames)
    frames.close()  # type: ignore[attr-defined]
    assert next(frames, None) is None


def test_only_a_few_frames_are_drawn_ahead(studio, monkeypatch):
    drawn = []
    monkeypatch.setattr(clip, "_draw", lambda *_: drawn.append(1) or np.zeros((2, 2, 3), np.uint8))
    curve = np.random.default_rng(1).uniform(0, 1, (60, 52))
    frames = clip.clip(actor(WHO), curve, studio, workers=2)
    for taken in range(1, 20):
        next(frames)
        assert len(drawn) <= taken + 2 * clip.AHEAD_OF_NEED
    frames.close()  # type: ignore[attr-defined]


def test_a_rotation_turns_the_face_where_its_name_says():
    ahead, up = np.array([0.0, 0, 1]), np.array([0.0, 1, 0])
    assert (headpose.rotation((10, 0, 0)) @ ahead)[0] == pytest.approx(np.sin(np.radians(10)))
    assert (headpose.rotation((0, 10, 0)) @ ahead)[1] == pytest.approx(np.sin(np.radians(10)))
    assert (headpose.rotation((0, 0, 10)) @ up)[0] == pytest.approx(np.sin(np.radians(10)))
    turned = headpose.rotation((7, -11, 4))
    np.testing.assert_allclose(turned @ turned.T, np.eye(3), atol=1e-12)


@pytest.mark.parametrize("pose", [(15.0, 0.0, 0.0), (0.0, -15.0, 0.0), (9.0, 12.0, -14.0)])
def test_the_head_turns_rigidly_and_the_shoulders_stay(studio, pose):
    surprised = facs.weights("surprised", 1.0)
    before, sitting = points_of(studio, headpose.AHEAD, surprised)
    after, _ = points_of(studio, pose, surprised)
    rest = camera.to_studio(sitting.rig.base, sitting.turn, sitting.origin)
    topology = load_topology()
    parts = [topology.vertices(p) for p in topology.quads if p != "body"]
    head = np.unique(np.concatenate([topology.face, *parts]))
    pivot = np.array(headpose.PIVOT)
    expected = (before[head] - pivot) @ headpose.rotation(pose).T + pivot
    face = rest[head, 1] > -1.9  # down to the chin
    np.testing.assert_allclose(after[head][face], expected[face], atol=2e-5)
    low = rest[:, 1] < -3.6
    np.testing.assert_array_equal(after[low], before[low])


@pytest.mark.parametrize("pose", [(15.0, 0.0, 0.0), (-15.0, 15.0, 15.0), (0.0, -15.0, 0.0)])
def test_a_turned_head_has_no_holes(studio, pose):
    after, sitting = points_of(studio, pose)
    posed = scene.stage(after, sitting.fold)
    frame = raster.Frame.empty(512, 512)
    raster.draw(frame, camera.project(posed.points, 512), scene.layout().triangles)
    seen = frame.triangle >= 0
    around = np.ones((3, 3))  # wall that shows behind an ear touches the other wall diagonally
    holes = ndimage.binary_fill_holes(seen, around) & ~seen
    assert holes.sum() == 0


def test_brows_and_hair_stay_on_a_turned_head(studio):
    pose = (12.0, -8.0, 6.0)
    after, sitting = points_of(studio, pose)
    posed = scene.stage(after, sitting.fold)
    body = scene.layout().body
    skin = posed.points[body]
    for hairs in sitting.rooted:
        points, _ = hairs.follow(skin, posed.normals[body])
        carried = np.einsum("nk,nki->ni", hairs.weights, skin[hairs.vertices])
        assert np.linalg.norm(points[:, 0] - carried, axis=1).max() < 0.05
    grown, head = posture._grown(sitting, actor(WHO), studio.grain)
    roots = headpose.turn(grown.strands.points[:, 0], grown.shares[:, 0], pose)
    gap_before = KDTree(head.points).query(grown.strands.points[:, 0])[0]
    gap_after = KDTree(skin).query(roots)[0]
    assert np.abs(gap_after - gap_before).max() < 0.03


def test_hair_drawn_for_a_hardly_turned_head_is_the_hair_of_the_upright_one(studio):
    upright = portrait.portrait(actor(WHO), NEUTRAL, studio).astype(float)
    hardly = portrait.portrait(actor(WHO), NEUTRAL, studio, head=(0.01, 0.0, 0.0))
    assert np.abs(hardly - upright).mean() < 0.5
    assert np.percentile(np.abs(hardly - upright), 99) < 6


def test_the_gaze_keeps_to_the_lens_while_the_head_turns(studio):
    sitting = sitter.sit(actor(WHO), studio.grain, studio.cache_dir)
    taken = posture.take_up(sitting, actor(WHO), (12.0, 5.0, 0.0), studio.grain)
    look = taken.gaze({}, (0.0, 0.0))
    to_lens = camera.LENS - look.centre
    to_lens /= np.linalg.norm(to_lens, axis=1, keepdims=True)
    np.testing.assert_allclose(look.direction, to_lens, atol=1e-6)
    aside = taken.gaze({}, (20.0, 0.0)).direction - look.direction
    assert (aside[:, 0] > 0.3).all()  # to the actor's left, the right of the picture


def test_looking_aside_moves_the_iris_by_the_angle(studio):
    centres = np.array([[0.5, 0, 0], [-0.5, 0, 0]])
    ahead, aside = (eyes.gaze(centres, {}, angle).direction for angle in ((0, 0), (15, -10)))
    turned = np.degrees(np.arctan2(aside[:, 0], aside[:, 2]) - np.arctan2(ahead[:, 0], ahead[:, 2]))
    np.testing.assert_allclose(turned, 15, atol=0.3)
    assert (aside[:, 1] < ahead[:, 1]).all()


def test_lids_follow_the_eyes_in_the_head():
    down = posture.eyes_in_head(headpose.AHEAD, (0.0, -20.0))
    assert set(down) == {"eyeLookDownLeft", "eyeLookDownRight"}
    # a head that is lowered while the eyes stay on the lens: eyes are raised in the head
    raised = posture.eyes_in_head((0.0, -10.0, 0.0), (0.0, 0.0))
    assert set(raised) == {"eyeLookUpLeft", "eyeLookUpRight"}
    # eyes that turn with the head do not turn in it
    assert posture.eyes_in_head((10.0, 0.0, 0.0), (10.0, 0.0)) == {}


def test_poses_and_shapes_that_no_clip_can_have_are_refused(studio):
    still = np.zeros((3, 52))
    for wrong in (
        {"head": np.zeros((3, 2))}, {"head": np.full((3, 3), 40.0)}, {"gaze": np.zeros((2, 2))},
        {"gaze": np.full((3, 2), np.nan)}, {"gaze": np.full((3, 2), 60.0)}, {"workers": 0},
    ):  # fmt: skip
        with pytest.raises(ValueError, match="give"):
            clip.clip(actor(WHO), still, studio, **wrong)
    for curve in (np.zeros(52), np.zeros((3, 51)), np.full((3, 52), np.inf)):
        with pytest.raises(ValueError, match="give"):
            clip.clip(actor(WHO), curve, studio)
