"""Groups of actors: light meter against closed forms, landmarks that tell emotions, tables."""

from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from stimuli.actors.cast import load_cast
from stimuli.actors.film import encode
from stimuli.actors.portrait import Studio
from stimuli.faces import geometry, groups, quality, verdicts
from stimuli.faces.expression import WORDS
from stimuli.faces.judge import Sight

STUDIO = Studio(size=256)
CAST = load_cast()
EYES = np.array([[36, 39], [42, 45]])  # corners: left of the picture, right of it


def plate(luminance: np.ndarray | float) -> np.ndarray:
    """A grey picture (256, 256, 3) uint8 of given linear luminance."""
    grey = np.broadcast_to(np.asarray(luminance, float), (256, 256))
    return np.rint(encode(grey) * 255).astype(np.uint8)[..., None].repeat(3, axis=2)


def columns() -> np.ndarray:
    return np.tile(np.arange(256.0), (256, 1))


@pytest.mark.parametrize(("luminance", "l_star"), [(0.18418652, 50), (1, 100), (0.0, 0)])
def test_a_grey_plate_has_the_lightness_of_the_cie_and_nothing_else(luminance, l_star):
    seen = quality.measure(plate(luminance), STUDIO)
    assert seen.lightness == pytest.approx(l_star, abs=0.25)  # a step of 8 bits is .4
    assert seen.contrast == pytest.approx(0, abs=1e-6)
    assert seen.texture == pytest.approx(0, abs=1e-6)
    assert seen.furrows == pytest.approx(0, abs=1e-6)
    assert seen.clipped == (l_star in (0, 100))


def test_lightness_is_that_of_the_cie_s_two_pieces():
    # Poynton's table: L* 8 at 0.008856, 50 at 0.1842, 76.07 at half the light
    given = quality.lightness(np.array([0.0, 0.001, 216 / 24389, 0.18418652, 0.5, 1.0]))
    assert given == pytest.approx([0, 0.9033, 8, 50, 76.069, 100], abs=1e-3)


def test_contrast_is_the_spread_of_light_by_its_mean():
    half = np.where(columns() < 128, 0.3, 0.1)  # the face is cut in two equal halves
    assert quality.measure(plate(half), STUDIO).contrast == pytest.approx(0.5, rel=0.02)
    assert quality.measure(plate(half / 3), STUDIO).contrast == pytest.approx(0.5, rel=0.03)


@pytest.mark.parametrize("period", [4.0, 8.0])
def test_texture_keeps_of_a_sine_what_a_gaussian_does_not(period):
    wave = 50 + 8 * np.sin(2 * np.pi * columns() / period + 0.3)
    blurred = np.exp(-2 * (np.pi * quality.FINE / period) ** 2)
    found = quality.measure(plate(((wave + 16) / 116) ** 3), STUDIO).texture
    assert found == pytest.approx(8 / np.sqrt(2) * (1 - blurred), rel=0.04)


def test_furrows_count_alike_on_pale_and_dark_skin():
    stops = 0.5 * np.sin(2 * np.pi * columns() / 6.0 + 0.4)  # the same share of light everywhere
    kept = 1 - np.exp(-2 * (np.pi * quality.COARSE / 6.0) ** 2)
    for skin in (0.5, 0.06):
        found = quality.measure(plate(skin * 2**stops), STUDIO).furrows
        assert found == pytest.approx(0.5 / np.sqrt(2) * kept, rel=0.06)


def test_clipped_is_the_share_of_the_face_that_is_black_or_burnt_out():
    face, _, _ = quality.regions(256)
    picture = plate(0.2)
    rows, places = np.nonzero(face)
    picture[rows[:50], places[:50]] = 0
    picture[rows[50:80], places[50:80], 0] = 255  # one channel is enough
    picture[~face] = 255  # what is not face does not count
    found = quality.measure(picture, STUDIO).clipped
    assert found == pytest.approx(80 / face.sum())


def test_regions_lie_where_studios_draw_them():
    face, cheeks, nose = quality.regions(400)
    assert face.sum() / 400**2 == pytest.approx(np.pi * 1.05 * 1.45 * 0.19**2, rel=0.01)
    assert (face & cheeks).sum() == cheeks.sum()
    assert (face & nose).sum() == nose.sum()
    assert not (cheeks & nose).any()
    assert (face == face[:, ::-1]).all()


def test_aligned_points_know_neither_place_nor_size_nor_slant():
    rng = np.random.default_rng(1)
    points = rng.normal(0, 60, (68, 2))
    turn, scale, shift = np.deg2rad(20), 1.7, np.array([310.0, -40.0])
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    moved = scale * points @ matrix.T + shift
    assert geometry.aligned(moved) == pytest.approx(geometry.aligned(points), abs=1e-9)
    eyes = geometry.aligned(points).reshape(68, 2)[EYES].mean(axis=1)
    assert eyes == pytest.approx(np.array([[-0.5, 0], [0.5, 0]]))
    mirrored = geometry.aligned(points * [-1, 1])
    assert np.abs(mirrored - geometry.aligned(points)).max() > 0.1  # a mirror image is another face


def test_the_discriminant_weighs_features_by_how_they_vary():
    rng = np.random.default_rng(2)
    kinds = np.repeat([0, 1], 20_000)
    means = np.array([[0.0, 0.0], [1.0, 3.0]])
    learnt = geometry.fit(rng.normal(0, [0.5, 3], (40_000, 2)) + means[kinds], kinds)
    shrunken = (1 - geometry.SHRINKAGE) * np.diag(
        [0.25, 9]
    ) + geometry.SHRINKAGE * 9.25 / 2 * np.eye(2)
    assert learnt.means == pytest.approx(means, abs=0.06)
    assert np.linalg.inv(learnt.precision) == pytest.approx(shrunken, rel=0.03, abs=0.03)
    # (0.9, -1) is like the second in what varies little, (0.1, 3.5) like the first;
    # unweighted distances say the opposite of both.
    assert learnt.nearest(np.array([[0.9, -1.0], [0.1, 3.5]])).tolist() == [1, 0]


def test_a_face_is_told_by_rules_learnt_from_others_alone():
    # What is sad in one actor is angry in the other: whoever learns from others is always wrong.
    features = np.array([[0.0], [0.1], [1.0], [1.1]] * 2)
    words = ["sad", "sad", "angry", "angry", "angry", "angry", "sad", "sad"]
    opposite = ["angry", "angry", "sad", "sad", "sad", "sad", "angry", "angry"]
    assert geometry.told(features, words, ["01"] * 4 + ["02"] * 4) == opposite


def faces(of_group=lambda actor: 0.0, least: float = 0.5) -> list[Sight]:
    """Made-up sights of the whole cast: each emotion moves points of its own, plus a little noise.

    of_group: how much of the motion an actor lacks, 0 to 1.
    """
    rng = np.random.default_rng(3)
    rest = rng.normal(0, 40, (68, 2)) + 128
    rest[EYES] = [[[90, 124], [110, 124]], [[146, 124], [166, 124]]]
    moves = {w: rng.normal(0, 1, (68, 2)) for w in WORDS} | {"neutral": np.zeros((68, 2))}
    sights = []
    for who in CAST:
        own = rng.normal(0, 0.5, (68, 2))
        for word in WORDS:
            for m in (1.0,) if word == "neutral" else (1.0, least):
                points = rest + own + moves[word] * 6 * m * (1 - of_group(who))
                points = points + rng.normal(0, 0.3, (68, 2))
                drawn = quality.Quality(50.0, 0.4, 0.5, 0.3, 0.0)
                sights.append(Sight(who.id, word, m, 1, 0.9, 0.04, {word: 1.0}, [0.0] * 128,
                                    points.tolist(), asdict(drawn)))  # fmt: skip
    return sights


def test_a_group_whose_faces_show_less_is_told_less_often():
    table = groups.by_shape(faces(lambda actor: 0.97 * (actor.skin == "VI")), CAST)
    skin = table[table.factor == "skin"].set_index("group")
    assert skin.loc["VI", "right"] < 0.6
    assert skin.loc["VI", "unseen"] < 0.6
    assert skin.drop("VI").right.min() > 0.95
    assert skin.loc["VI", ["actors", "pictures"]].tolist() == [7, 49]
    assert any(line.startswith("skin: least often named right are VI")
               for line in groups.worst(table))  # fmt: skip


def test_groups_that_show_the_same_are_told_alike_and_a_missed_face_counts_as_wrong():
    sights = faces()
    assert groups.by_shape(sights, CAST).right.min() == 1
    lost = [replace(s, faces=0, points=[]) if (s.actor, s.emotion) == ("04", "sad") else s
            for s in sights]  # fmt: skip
    skin = groups.by_shape(lost, CAST).query("factor == 'skin'").set_index("group")
    paler = [actor for actor in CAST if actor.skin == "I"]
    assert skin.loc["I", "sad"] == pytest.approx(1 - 1 / len(paler))
    assert skin.loc["I", "half"] == pytest.approx(1 - 1 / (7 * len(paler)))
    assert (skin.drop("I").right == 1).all()


def test_rendering_averages_neutral_faces_and_names_the_worst_picture():
    women = [actor.id for actor in CAST if actor.gender == "female"]
    sights = []
    for s in faces():
        light = 30.0 if s.actor in women[::2] else 60.0
        drawn = {**s.quality, "lightness": light if s.emotion == "neutral" else 5.0,
                 "furrows": 0.4 if s.emotion == "disgusted" else 0.1,
                 "clipped": 0.25 if s.actor == women[3] else 0.0}  # fmt: skip
        odd = (s.actor, s.emotion, s.m) == (women[5], "sad", 1.0)
        sights.append(replace(s, quality=drawn, score=0.2 if odd else 0.9,
                              eye_error=0.3 if odd else 0.04))  # fmt: skip
    table = groups.rendering(sights, CAST).query("factor == 'gender'").set_index("group")
    n = len(women)
    assert table.loc["female", "lightness"] == pytest.approx(45)
    assert table.loc["male", "lightness"] == 60
    assert table.loc["female", ["furrows", "disgusted"]].tolist() == pytest.approx([0.1, 0.4])
    assert table.clipped_percent.tolist() == [25, 0]
    assert table.loc["female", "score"] == pytest.approx(0.9 - 0.7 / (7 * n))
    assert table.loc["female", ["score_least", "eye_error_most"]].tolist() == [0.2, 0.3]
    assert table.loc["male", ["score_least", "eye_error_most"]].tolist() == [0.9, 0.04]


def test_tables_of_groups_are_written_and_few_actors_have_none_of_shape(tmp_path, capsys):
    sights = faces()
    verdicts.report(sights, CAST, tmp_path, Console(width=200))
    said = capsys.readouterr().out
    assert "shape, skin: least often named right are I (1.00, 0.90 to 1.00, 5 actors)" in said
    shape = pd.read_csv(tmp_path / "shape.tsv", sep="\t")
    assert (shape.columns[3:9] == ["pictures", "right", "low", "high", "unseen", "half"]).all()
    drawn = pd.read_csv(tmp_path / "rendering.tsv", sep="\t").set_index(["factor", "group"])
    assert drawn.loc[("skin", "VI"), ["lightness", "furrows"]].tolist() == [50, 0.3]
    few = CAST[: geometry.LEAST_ACTORS - 1]
    ours = [s for s in sights if s.actor in {actor.id for actor in few}]
    verdicts.report(ours, few, tmp_path, Console(width=200))
    assert "shape" not in capsys.readouterr().out
