"""`mien face`: the picture that was asked for, or one line that says what is accepted."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from protocols.reading import load
from stimuli.actor_pictures import ActorPictures
from stimuli.actors import cast, facs, plane
from stimuli.actors.portrait import Studio, portrait
from stimuli.face import FaceError, draw_face, expression
from stimuli.stimulus import Stimulus

ON_THE_PLANE = """\
name: plane
title: A grid
seed: 3
stimuli:
  generator: actor
  identities: 2
  factors: {valence: [-0.5, 0, 0.5], arousal: [0, 0.5]}
tasks:
  - {id: pleasant, type: likert, question: How pleasant?}
"""


def test_the_file_holds_the_portrait_and_says_what_it_is(tmp_path):
    file = tmp_path / "new" / "face.png"
    said = draw_face(file, "7", 96, code="AU12D+6C")
    picture = Image.open(file)
    expected = portrait(cast.actor("07"), facs.parse("12D 6C"), Studio(size=96))
    assert np.array_equal(np.asarray(picture), expected)
    assert "No person is shown" in picture.info["Comment"]
    assert said == f"{file}: actor 07 (male, 58), FACS AU12D+6C, 96 x 96 pixels"


@pytest.mark.parametrize(
    ("asked", "weights"),
    [
        ({"emotion": "happy", "m": 0.5}, facs.weights("happy", 0.5)),
        ({"emotion": "awed"}, facs.weights("awed", 1)),
        ({"emotion": "angry", "m": 1.3}, facs.weights("angry", 1.3, caricature=True)),
        ({"valence": 0.5, "arousal": -0.3}, plane.at(0.5, -0.3)),
        ({"code": "R14B"}, facs.parse("R14B")),
        ({"code": "1C+2C+5B"}, facs.parse("1C 2C 5B")),
        ({"code": ""}, np.zeros(52)),
    ],
)
def test_each_way_of_asking_gives_its_face(asked, weights):
    ways = dict.fromkeys(("code", "emotion", "m", "valence", "arousal")) | asked
    assert np.array_equal(expression(**ways)[0], weights)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"code": "happy"}, "give --emotion happy"),
        ({"code": "12F"}, "'12F' is no action unit with intensity"),
        ({"code": "13C"}, "nearest: 12, lip corner puller"),
        ({"code": "12C", "actor": "99"}, "did you mean"),
        ({"code": "12C", "actor": "anna"}, "actor 'anna': not in the cast"),
        ({"code": "12C", "emotion": "happy"}, "give one of a FACS code"),
        ({}, "give one of a FACS code"),
        ({"code": "12C", "m": 0.5}, "a code has letters"),
        ({"emotion": "happily suprised"}, "did you mean 'happily surprised'"),
        ({"emotion": "happy", "m": 2}, "give 0 to 1.5"),
        ({"valence": 0.5}, "add --arousal"),
        ({"valence": 0.5, "arousal": 0, "m": 0.5}, "leave it out"),
        ({"valence": 0.5, "arousal": -3}, "arousal: found -3"),
        ({"code": "12C", "size": 10}, "give 64 to 2048"),
        ({"code": "12C", "out": Path("face.jpg")}, "ends in .png"),
        ({"code": "12C", "size": 64, "out": Path("/dev/null/face.png")}, "cannot be written"),
    ],
)
def test_a_mistake_is_told_in_one_line(asked, message, tmp_path):
    settings = {"out": tmp_path / "face.png", "actor": "01", "size": 64} | asked
    with pytest.raises(FaceError, match=message) as error:
        draw_face(**settings)
    assert len(str(error.value).splitlines()) == 1
    assert not (tmp_path / "face.png").exists()


def test_the_generator_actor_shows_points_of_the_plane(tmp_path):
    path = tmp_path / "plane.yaml"
    path.write_text(ON_THE_PLANE)
    cells = load(path).stimuli.cells
    assert len(cells) == 6
    stimuli = [Stimulus(f"S{i}", "main", "01", cell, 0) for i, cell in enumerate(cells)]
    made = [rendered.pixels for rendered in ActorPictures(64).render(stimuli)]
    assert len({picture.tobytes() for picture in made}) == 6
    neutral = portrait(cast.actor("01"), np.zeros(52), Studio(size=64))
    assert np.array_equal(made[cells.index({"valence": 0, "arousal": 0})], neutral)


def test_the_grid_of_lindt_can_be_made_with_actors():
    grid = Path(__file__).parents[1] / "protocols" / "lindt2019-valence-arousal.yaml"
    protocol = load(grid, {"stimuli.generator": "actor"})
    assert len(protocol.stimuli.cells) == 49
