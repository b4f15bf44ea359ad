"""Portraits of the cast: the eyes stand where the manifest says, the same bytes every time."""

import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stimuli.actors import camera, eyes, facs, film, mesh, portrait, raster, scene, sitter, store
from stimuli.actors.cast import actor, load_cast
from stimuli.actors.portrait import Studio
from stimuli.actors.rig import load_rig

ROOT = Path(__file__).parents[1]
EMOTIONS = ("happy", "sad", "angry", "fearful", "disgusted", "surprised")
LIGHT_EYED, DARK = "04", "05"
NEUTRAL = np.zeros(52)


@pytest.fixture
def rng():
    return np.random.default_rng(20)


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    return Studio(size=128, supersample=2, cache_dir=tmp_path_factory.mktemp("actors"))


def take(studio, emotion="neutral", m=1.0, who=LIGHT_EYED):
    return portrait.portrait(actor(who), facs.weights(emotion, m), studio)


def distance(a, b):
    return float(np.sqrt(np.mean((a.astype(float) - b) ** 2)))


def test_every_actors_eyeballs_project_onto_the_two_eye_pixels():
    size = 512
    for someone in load_cast():
        rig = load_rig(someone.id)
        centres = rig.eye_centres()
        studio_centres = camera.to_studio(centres, *camera.alignment(centres))
        seen = camera.project(studio_centres, size)[:, :2]
        np.testing.assert_allclose(seen, camera.eye_pixels(size), atol=0.01)


def test_the_pupils_are_drawn_where_the_manifest_says(studio):
    big = replace(studio, size=512)
    picture = take(big).astype(float).mean(axis=2)
    for x, y in (big.eye_left, big.eye_right):
        rows, columns = np.mgrid[0:512, 0:512] + 0.5
        near = np.hypot(columns - x, rows - y) < 0.075 * camera.EYE_DISTANCE * 512
        dark = near & (picture < np.percentile(picture[near], 45))
        assert abs(columns[dark].mean() - x) < 1.2
        assert abs(rows[dark].mean() - y) < 2  # the upper lid shades the iris from above


def test_the_eyes_do_not_move_with_the_face(studio):
    someone = sitter.sit(actor(LIGHT_EYED), 256, studio.cache_dir)
    layout = scene.layout()
    for emotion in EMOTIONS:
        points = someone.rig_points(facs.weights(emotion, 1.0))
        posed = scene.stage(points, someone.fold)
        frame = raster.Frame.empty(256, 256)
        raster.draw(frame, camera.project(posed.points, 256), layout.triangles)
        shown = np.where(frame.triangle >= 0, layout.material[frame.triangle], -1)
        for material, (x, y) in zip(
            (scene.EYE_LEFT, scene.EYE_RIGHT), camera.eye_pixels(256), strict=True
        ):
            assert shown[int(y), int(x)] == material, emotion


def test_the_same_request_gives_the_same_bytes_in_any_order(studio):
    first = take(studio, "happy", 0.6)
    take(studio, "angry", who=DARK)
    take(studio, "sad")
    assert np.array_equal(first, take(studio, "happy", 0.6))


def test_a_fresh_process_with_an_empty_cache_gives_the_same_bytes(studio, tmp_path):
    here = hashlib.sha256(take(studio, "fearful", 0.8).tobytes()).hexdigest()
    program = (
        "import hashlib, pathlib, sys\n"
        "from stimuli.actors import cast, facs, portrait\n"
        "studio = portrait.Studio(size=128, supersample=2, cache_dir=pathlib.Path(sys.argv[1]))\n"
        "weights = facs.weights('fearful', 0.8)\n"
        f"picture = portrait.portrait(cast.actor('{LIGHT_EYED}'), weights, studio)\n"
        "sys.stdout.write(hashlib.sha256(picture.tobytes()).hexdigest())\n"
    )
    threads = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1")
    there = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        cwd=ROOT, env={**os.environ, **threads}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert there.stdout == here


def test_a_damaged_cache_entry_is_made_again_with_the_same_bytes(studio, tmp_path):
    fresh = replace(studio, cache_dir=tmp_path)
    before = take(fresh)
    (entry,) = tmp_path.glob("*.npz")
    entry.write_bytes(entry.read_bytes()[:1000])
    sitter._sit.cache_clear()
    assert np.array_equal(take(fresh), before)
    assert [path.name for path in tmp_path.iterdir()] == [entry.name]  # no litter
    with np.load(entry, allow_pickle=False) as file:
        assert "front" in file.files  # whole again


def test_a_cache_that_cannot_be_written_costs_time_but_not_the_picture(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    entry = store.fetch(blocked, "x", "key", lambda: {"a": np.arange(3.0)})
    np.testing.assert_array_equal(entry["a"], [0, 1, 2])


def test_at_m_0_every_emotion_is_the_neutral_face(studio):
    neutral = take(studio, "neutral")
    for emotion in EMOTIONS:
        assert np.array_equal(take(studio, emotion, 0.0), neutral)


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_the_picture_moves_away_from_neutral_steadily_with_m(studio, emotion):
    neutral = take(studio)
    gone = [distance(take(studio, emotion, m), neutral) for m in (0, 0.25, 0.5, 0.75, 1)]
    assert gone[0] == 0
    assert (np.diff(gone) > 0.2).all(), gone


def test_a_small_step_of_m_makes_a_small_step_of_the_picture(studio):
    steps = [take(studio, "surprised", m) for m in np.linspace(0.4, 0.6, 9)]
    jumps = [distance(a, b) for a, b in zip(steps, steps[1:], strict=False)]
    assert max(jumps) < 3 * np.median(jumps)


def test_the_wall_has_the_background_colour_in_the_upper_corners(studio):
    red = replace(studio, background=(90, 120, 150))
    for settings in (studio, red):
        picture = take(settings)
        for corner in (picture[:4, :4], picture[:4, -4:]):
            assert (corner == settings.background).all()


def test_an_action_of_one_side_changes_that_side(studio):
    neutral = take(studio).astype(float)
    for action in ("mouthSmile", "browDown", "eyeBlink", "noseSneer"):
        for side, half in (("Left", slice(64, 128)), ("Right", slice(0, 64))):
            picture = portrait.portrait(actor(LIGHT_EYED), {action + side: 1.0}, studio)
            change = np.abs(picture - neutral).sum(axis=(0, 2))
            assert change[half].sum() > 0.75 * change.sum(), action + side


def test_closed_lids_hide_the_eyeballs(studio):
    layout = scene.layout()
    for someone in load_cast()[:12]:
        rig = load_rig(someone.id)
        turn = camera.alignment(rig.eye_centres())
        shut = rig.pose({"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0})
        fold = np.zeros(layout.cloth.stop - layout.cloth.start, np.float32)
        posed = scene.stage(camera.to_studio(shut, *turn), fold)
        frame = raster.Frame.empty(512, 512)
        raster.draw(frame, camera.project(posed.points, 512), layout.triangles)
        shown = layout.material[frame.triangle[frame.triangle >= 0]]
        eyes = np.isin(shown, (scene.EYE_LEFT, scene.EYE_RIGHT)).sum()
        assert eyes < 60, someone.id  # of about 1,500 with open eyes


@pytest.mark.parametrize("who", ["04", "46"])
def test_no_iris_shows_through_a_half_closed_lid(who, studio):
    """The edge of a lid is a smooth line: where the eye pokes through it, it jumps."""
    big = replace(studio, size=256)
    one = sitter.sit(actor(who), big.grain, big.cache_dir)
    staged = scene.stage(one.rig_points(facs.parse("43C")), one.fold)
    plan = scene.layout()
    edges = []
    for yielding in (plan.yielding, None):
        frame = raster.Frame.empty(big.grain, big.grain)
        points = camera.project(staged.points, big.grain)
        raster.draw(frame, points, plan.triangles, yielding=yielding)
        kind = np.where(frame.triangle >= 0, plan.material[frame.triangle], -1)
        eye = kind == scene.EYE_LEFT
        columns = np.flatnonzero(eye.sum(0) > 2)[3:-3]  # not the very corners
        edges.append(np.abs(np.diff(eye[:, columns].argmax(0))).max())
    assert edges[0] <= 2 < edges[1]


def test_only_what_is_clearly_nearer_hides_where_triangles_yield():
    corners = np.array([[0, 0], [0, 8], [8, 0]], float)
    for nearer, seen in ((0.05, 0), (0.2, 1)):
        points = np.concatenate([np.c_[corners, np.full(3, z)] for z in (2.0, 2.0 - nearer)])
        frame = raster.Frame.empty(8, 8)
        raster.draw(
            frame, points.astype(np.float32), np.arange(6, dtype=np.int32).reshape(2, 3),
            cull=False, yielding=np.array([0, 0.1], np.float32),
        )  # fmt: skip
        assert frame.triangle[1, 1] == seen
        assert frame.depth[1, 1] == pytest.approx(2.0 - nearer * seen)


def test_the_gaze_follows_the_eye_actions(studio):
    big = replace(studio, size=256)
    look = {"eyeLookOutLeft": 0.6, "eyeLookInRight": 0.6}  # to the actor's left
    aside = portrait.portrait(actor(LIGHT_EYED), look, big)
    for x, y in (big.eye_left, big.eye_right):
        before, after = (_blue_centre(picture, x, y) for picture in (take(big), aside))
        assert after - before > 1.5  # the actor's left is the picture's right


def _blue_centre(picture, x, y):
    """Column of the centre of the blue iris in a window around an eye of a 256 px picture."""
    eye = picture[int(y) - 5 : int(y) + 6, int(x) - 12 : int(x) + 13].astype(float)
    blue = (eye[..., 2] - eye[..., 0] - 15).clip(0).sum(axis=0)
    return (blue * np.arange(25)).sum() / blue.sum()


def test_darker_skin_gives_a_darker_face(studio):
    faces, tones = [], []
    for who in ("03", LIGHT_EYED, DARK):
        picture = take(studio, who=who)
        x, y = (int(v) for v in studio.eye_right)
        cheek = film.decode(picture[y + 12 : y + 18, x - 3 : x + 5] / 255).mean()
        faces.append(cheek)
        tones.append(film.decode(actor(who).skin_rgb).mean())
    assert (np.argsort(faces) == np.argsort(tones)).all()


def test_light_stays_finite_however_far_a_face_is_pulled(studio):
    someone = sitter.sit(actor(DARK), 256, studio.cache_dir)
    rng = np.random.default_rng(5)
    for weights in (np.full(52, 1.5), *(rng.uniform(0, 1.5, (3, 52)))):
        actions = dict(zip(someone.rig.actions, weights.tolist(), strict=True))
        points = someone.rig_points(weights)
        posed = scene.stage(points, someone.fold)
        frame = raster.Frame.empty(256, 256)
        raster.draw(frame, camera.project(posed.points, 256), scene.layout().triangles)
        open_ = someone.openness(points)
        ahead = eyes.gaze(np.array([[0.5, 0, 0], [-0.5, 0, 0]]), actions)
        light = portrait._light(someone, posed, frame, open_, actions, 0.5, ahead, None)
        assert np.isfinite(light).all()
        assert light.min() >= 0


def test_settings_and_weights_that_make_no_picture_are_refused(studio):
    for wrong in ({"size": 8}, {"size": 10_000}, {"supersample": 9}):
        with pytest.raises(ValueError, match="give"):
            Studio(**wrong)
    with pytest.raises(ValueError, match="unknown action"):
        portrait.portrait(actor(DARK), {"wink": 1.0}, studio)


def test_products_do_not_depend_on_how_rows_are_split(rng):
    vectors = rng.standard_normal((1001, 3)).astype(np.float32)
    matrix = rng.standard_normal((3, 3)).astype(np.float32)
    halves = [mesh.dot(part, matrix) for part in np.array_split(vectors, 7)]
    assert np.array_equal(np.concatenate(halves), mesh.dot(vectors, matrix))
