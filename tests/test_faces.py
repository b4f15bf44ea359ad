"""Face networks: the numbers of face-api.js itself, photographs with points set by hand, errors."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from protocols.errors import UserError
from stimuli.faces import expression as words
from stimuli.faces import identity
from stimuli.faces.boxes import boxes
from stimuli.faces.detector import find_faces
from stimuli.faces.expression import expression
from stimuli.faces.features import head
from stimuli.faces.identity import SAME_PERSON, descriptor
from stimuli.faces.landmarks import MODEL, landmarks
from stimuli.faces.layers import average_pool, convolve, depthwise, max_pool
from stimuli.faces.weights import load, read

PHOTOGRAPHS = Path(__file__).parents[1].parent / "shared" / "data" / "faces_london"
PEOPLE = ("001", "005", "024", "066", "117")
# Landmark -> point of the photographs' templates: corners of eyes and mouth, lips, nose, chin.
SET_BY_HAND = {36: 18, 39: 22, 42: 23, 45: 27, 48: 87, 54: 93, 33: 55, 51: 90, 57: 106, 8: 129}
# What face-api.js 1.7.15 itself says (tfjs, plain JavaScript) of `pattern` in the network's size.
EXPRESSION_OF_PATTERN = (0.2067, 0.7769, 0.0022, 0.0002, 0.0000, 0.0098, 0.0041)
POINTS_OF_PATTERN = {
    0: (8.611, 48.632),
    8: (55.074, 108.758),
    16: (105.028, 51.426),
    30: (54.809, 65.969),
    36: (30.880, 44.820),
    45: (81.309, 46.019),
    48: (38.284, 81.624),
    54: (73.582, 81.801),
}
DESCRIPTOR_OF_PATTERN = (
    -0.04761,
    0.08334,
    0.02653,
    -0.01623,
    -0.10136,
    -0.08060,
    -0.09306,
    -0.05480,
)
BOX_OF_PATTERN = (0.027, 206.680, 196.007, 398.686, 422.722)  # score, left, top, right, bottom


@pytest.fixture(scope="module", autouse=True)
def networks():
    try:
        load(MODEL)
    except UserError as error:
        pytest.skip(f"no weights of the face networks: {error}")


@pytest.fixture(scope="module")
def photographs():
    """Person and 03 (neutral) or 08 (smiling) -> picture and its faces."""
    if not PHOTOGRAPHS.is_dir():
        pytest.skip("needs shared/data/faces_london beside the repository")
    found = {}
    for person in PEOPLE:
        for face in ("03", "08"):
            picture = np.asarray(Image.open(PHOTOGRAPHS / f"{person}_{face}.jpg").convert("RGB"))
            found[person, face] = picture, find_faces(picture)
    return found


def pattern(n: int) -> np.ndarray:
    """A picture (n, n, 3) uint8 that any program can draw: dark spots and a bar on warm waves."""
    y, x = np.mgrid[0:n, 0:n] / n
    c = np.stack(
        [170 + 40 * np.sin(7 * x + 3 * y), 130 + 40 * np.cos(5 * y - 2 * x),
         110 + 30 * np.sin(9 * x * y)], -1
    )  # fmt: skip
    for cx, cy, rx, ry in [
        (0.35, 0.4, 0.07, 0.04),
        (0.65, 0.4, 0.07, 0.04),
        (0.5, 0.72, 0.15, 0.04),
    ]:
        c[((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 < 1] = 40
    return c.astype(np.uint8)


def set_by_hand(person: str) -> np.ndarray:
    lines = (PHOTOGRAPHS / f"{person}_03.tem").read_text().splitlines()
    return np.array([line.split() for line in lines[1 : 1 + int(lines[0])]], float)


def test_layers_do_what_their_definition_says():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(7, 6, 3)).astype(np.float32)
    filters = rng.normal(size=(3, 3, 3, 4)).astype(np.float32)
    bias = rng.normal(size=4).astype(np.float32)
    padded = np.pad(x, ((1, 1), (0, 1), (0, 0)))  # 7 -> 4 and 6 -> 3 at stride 2
    by_hand = np.array(
        [[np.einsum("ijc,ijcd->d", padded[2 * r : 2 * r + 3, 2 * c : 2 * c + 3], filters) + bias
          for c in range(3)] for r in range(4)]
    )  # fmt: skip
    np.testing.assert_allclose(convolve(x, filters, bias, 2), by_hand, atol=1e-5)
    own = filters[:, :, :, :1]
    apart = [convolve(x[:, :, c : c + 1], own[:, :, c : c + 1], np.zeros(1), 1) for c in range(3)]
    np.testing.assert_allclose(depthwise(x, own), np.concatenate(apart, -1), atol=1e-5)
    assert max_pool(x).shape == (4, 3, 3)
    np.testing.assert_array_equal(max_pool(x)[3, 0], x[6, :2].max(0))
    np.testing.assert_allclose(average_pool(x)[1, 2], x[2:4, 4:6].mean((0, 1)), atol=1e-6)


def test_expression_and_points_are_those_of_face_api_js():
    picture = pattern(112)
    logits = head(picture, load(words.MODEL))
    odds = np.exp(logits - logits.max())
    np.testing.assert_allclose(odds / odds.sum(), EXPRESSION_OF_PATTERN, atol=2e-4)
    points = head(picture, load(MODEL)).reshape(68, 2) * 112
    np.testing.assert_allclose(points[list(POINTS_OF_PATTERN)], [*POINTS_OF_PATTERN.values()],
                               atol=2e-3)  # fmt: skip


def test_descriptor_is_that_of_face_api_js(monkeypatch):
    monkeypatch.setattr(identity, "cut", lambda pixels, edges: (pixels, edges))
    face = type("Whole", (), {"landmarks": np.array([(0.0, 0.0), (150.0, 150.0)])})()
    numbers = descriptor(pattern(150), face)
    np.testing.assert_allclose(numbers[:8], DESCRIPTOR_OF_PATTERN, atol=2e-5)


def test_boxes_are_those_of_face_api_js(monkeypatch):
    monkeypatch.setattr("stimuli.faces.boxes.SIDES", (416,))
    first = boxes(pattern(416), least_score=0.001)[0]
    np.testing.assert_allclose([first.score, *first.edges], BOX_OF_PATTERN, atol=2e-2)


def test_each_photograph_has_exactly_one_face(photographs):
    assert {key: len(faces) for key, (_, faces) in photographs.items() if len(faces) != 1} == {}


def test_no_face_is_found_where_there_is_none():
    rng = np.random.default_rng(5)
    noise = rng.integers(0, 256, (300, 400, 3), dtype=np.uint8)
    coarse = np.asarray(Image.fromarray(noise[:8, :10]).resize((400, 300)))
    for picture in (noise, coarse, np.full((300, 400, 3), 128, np.uint8), pattern(300)):
        assert find_faces(picture) == []


def test_landmarks_lie_where_people_set_them(photographs):
    """In distances between the eyes: mean 0.04 or less, none beyond 0.12."""
    errors = []
    for person in PEOPLE:
        truth = set_by_hand(person)
        apart = np.linalg.norm(truth[1] - truth[0])
        (face,) = photographs[person, "03"][1]
        points = face.landmarks[list(SET_BY_HAND)]
        off = np.linalg.norm(points - truth[list(SET_BY_HAND.values())], axis=1)
        pupils = np.linalg.norm(face.eyes - truth[:2], axis=1)
        errors.append(np.concatenate([off, pupils]) / apart)
    assert np.mean(errors) < 0.04
    assert np.max(errors) < 0.12


def test_a_mirrored_face_has_mirrored_eyes(photographs):
    picture, (face,) = photographs["001", "03"]
    width = picture.shape[1]
    edges = face.box.round()
    flipped = np.array([width - edges[2], edges[1], width - edges[0], edges[3]])
    here, there = (landmarks(p, e) for p, e in ((picture, edges), (picture[:, ::-1], flipped)))
    np.testing.assert_allclose(here[30], [width - there[30, 0], there[30, 1]], atol=0.01)
    np.testing.assert_allclose(here[36], [width - there[45, 0], there[45, 1]], atol=0.01)


def test_neutral_is_neutral_and_open_smiles_are_happy(photographs):
    """Two of the five smile with closed lips, hardly at all; the network calls them neutral."""
    for (person, face), (picture, found) in photographs.items():
        said = expression(picture, found[0])
        assert sum(said.values()) == pytest.approx(1)
        if face == "03":
            assert said["neutral"] > 0.9, person
        elif person in ("001", "024", "117"):
            assert said["happy"] > 0.5, person


def test_the_same_person_is_nearer_than_any_other(photographs):
    who = list(photographs)
    numbers = np.array([descriptor(p, found[0]) for p, found in photographs.values()])
    apart = np.linalg.norm(numbers[:, None] - numbers, axis=-1)
    for i, (person, _) in enumerate(who):
        same = [apart[i, j] for j, key in enumerate(who) if key[0] == person and j != i]
        others = [apart[i, j] for j, key in enumerate(who) if key[0] != person]
        assert max(same) < SAME_PERSON < min(others)


def test_an_array_that_is_no_picture_is_refused():
    for array in (np.zeros((8, 8), np.uint8), np.zeros((8, 8, 3)), np.zeros((0, 8, 3), np.uint8)):
        with pytest.raises(UserError, match=r"give \(H, W, 3\) uint8"):
            find_faces(array)


def test_weights_that_were_cut_short_are_refused(tmp_path):
    entry = {"name": "a", "shape": [2, 3], "dtype": "float32"}
    manifest = tmp_path / "x-weights_manifest.json"
    manifest.write_text(json.dumps([{"paths": ["x.bin"], "weights": [entry]}]))
    (tmp_path / "x.bin").write_bytes(np.arange(6, dtype="<f4").tobytes())
    np.testing.assert_array_equal(read(manifest)["a"], [[0, 1, 2], [3, 4, 5]])
    (tmp_path / "x.bin").write_bytes(bytes(20))
    with pytest.raises(UserError, match="a ends beyond the file"):
        read(manifest)
    (tmp_path / "x.bin").write_bytes(bytes(28))
    with pytest.raises(UserError, match="28 bytes where the list has 24"):
        read(manifest)
    (tmp_path / "x.bin").unlink()
    with pytest.raises(UserError, match=r"the weights cannot be read .*to have them installed"):
        read(manifest)
