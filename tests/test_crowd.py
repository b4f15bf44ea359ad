"""What context-face networks learn from: a crowd, its pictures and its voices, in one file."""

from collections import Counter
from dataclasses import replace
from unittest.mock import Mock

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed: data of networks are not tested")

from models.context_face.data import PARTS, load_data  # noqa: E402
from protocols.errors import UserError  # noqa: E402
from stimuli.actors.casting_sheet import draw_looks  # noqa: E402
from stimuli.actors.crowd import CrowdSettings, bearded, make_crowd  # noqa: E402
from stimuli.actors.facs import weights  # noqa: E402
from stimuli.actors.identity import Likeness, nearest  # noqa: E402
from stimuli.context_faces.data import DataSettings, _parts, build  # noqa: E402
from stimuli.context_faces.poses import EMOTIONS, Wanted, poses  # noqa: E402
from stimuli.voices.visemes import INDEX  # noqa: E402
from tests.test_own_cast import MixedHead  # noqa: E402

SETTINGS = DataSettings(
    crowd=CrowdSettings(n=3, distance=0.01), validation=1, speakers=3, sentences=1, cast=(),
    held_out=("30",), held_out_sentences=1,
)  # fmt: skip


@pytest.fixture(scope="module")
def head():
    return MixedHead(reach=0.05)


@pytest.fixture(scope="module")
def folder(head, tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    build(folder, SETTINGS, head=head)
    return folder


@pytest.fixture(scope="module")
def data(folder):
    return load_data(folder / "context-face-data.safetensors")


def test_a_crowd_grows_and_keeps_away_from_who_is_held_out(head, folder, tmp_path):
    somebody = make_crowd(tmp_path / "one", CrowdSettings(n=1, distance=0.0), [], head)
    held = [Likeness.read(somebody[0])]
    away = CrowdSettings(n=3, distance=0.02)
    crowd = make_crowd(tmp_path / "three", away, held, head)
    assert min(nearest(Likeness.read(person), held)[0] for person in crowd) >= 0.02
    for n in (1, 3):
        grown = make_crowd(tmp_path / "grown", CrowdSettings(n=n, distance=0.02), held, head)
    assert grown[0].id == crowd[0].id
    for path in sorted((tmp_path / "three" / "rigs").iterdir()):
        assert (tmp_path / "grown" / "rigs" / path.name).read_bytes() == path.read_bytes()
    with pytest.raises(UserError, match="holds another cast"):
        make_crowd(tmp_path / "grown", CrowdSettings(n=3, seed=8), held, head)


def test_men_of_a_crowd_get_full_beards_and_keep_all_else(head, tmp_path):
    looks = draw_looks(600, seed=4, prefix="x")
    changed = [(a, b) for a in looks if (b := bearded(a, 0.35)) != a]
    assert all(a["gender"] == "male" for a, _ in changed)
    assert 300 * 0.35 - 25 < len(changed) < 300 * 0.35 + 25  # binomial: three deviations
    assert all({**b, "stubble": a["stubble"]} == a for a, b in changed)
    assert all(0.55 <= b["stubble"] <= 1 for _, b in changed)
    assert max(b["stubble"] for _, b in changed) > 0.95, "fuller than a casting sheet has them"
    assert all(bearded(a, 0) == a for a in looks)
    for share in (0.0, 1.0):
        make_crowd(tmp_path / str(share), CrowdSettings(n=1, bearded=share), [], head)
    rigs = [next((tmp_path / f"{share}" / "rigs").iterdir()) for share in (0.0, 1.0)]
    assert rigs[0].read_bytes() == rigs[1].read_bytes()
    with pytest.raises(UserError, match="holds another cast"):
        make_crowd(tmp_path / "0.0", CrowdSettings(n=2, bearded=1.0), [], head)


def test_everybody_shows_every_emotion_at_full_strength_and_weaker():
    found = poses(np.random.default_rng(1))
    assert [p.emotion for p in found if p.m == 1 and not p.speaking] == list(EMOTIONS)
    assert sorted(p.emotion for p in found if p.m < 1) == sorted(EMOTIONS[1:])
    assert all(p.weights.min() >= 0 and p.weights[INDEX["jawOpen"]] <= 1 for p in found)
    happy, weaker = (p for p in found if p.emotion == "happy" and not p.speaking)
    assert weaker.weights.sum() < happy.weights.sum()


def test_of_some_people_fewer_pictures_are_wanted_all_emotions_alike():
    drawn = [poses(np.random.default_rng(seed), Wanted(4, 2, 1)) for seed in range(600)]
    for found in drawn:
        assert len(found) == 8
        assert found[0].emotion == "neutral"
        for full, n in ((True, 4), (False, 2)):
            shown = [p.emotion for p in found[1:] if not p.speaking and (p.m == 1) == full]
            assert len(set(shown)) == len(shown) == n, "nothing twice"
    full = Counter(p.emotion for one in drawn for p in one[1:] if p.m == 1 and not p.speaking)
    assert set(full) == set(EMOTIONS[1:])
    assert all(abs(n - 400) < 3 * (600 * 2 / 9) ** 0.5 for n in full.values())  # binomial


def test_full_expressions_are_those_that_actors_show():
    """Actions of up to 1.7 are not cut at 1: anger and fear with half their brows are others."""
    drawn = [poses(np.random.default_rng(seed)) for seed in range(200)]
    for emotion in EMOTIONS[1:]:
        full = [p.weights for one in drawn for p in one
                if p.emotion == emotion and p.m == 1 and not p.speaking]  # fmt: skip
        assert len(full) == 200
        exact = weights(emotion, 1.0)
        np.testing.assert_allclose(np.mean(full, 0), exact, atol=0.03 * exact.max())
        assert np.std(full, 0).max() < 0.12 * exact.max(), "they vary, but little"


def test_one_file_holds_faces_and_voices_of_people_who_are_in_one_part_each(data):
    assert data.faces.shape == (8 + 3 * 16, 128, 128, 3), "few of who trains, all of the others"
    assert data.voices.shape == (4 * 7, 128, 128)
    assert data.emotions == EMOTIONS
    pairs = {*zip(data.of_faces.actor.tolist(), data.of_faces.part.tolist(), strict=True)}
    assert len(pairs) == 4
    parts = [PARTS[part] for _, part in pairs]
    assert sorted(parts) == ["test", "train", "validation", "validation"]
    heard = {*zip(data.of_voices.actor.tolist(), data.of_voices.part.tolist(), strict=True)}
    assert heard <= pairs
    assert data.facts["licence"] == "CC0-1.0"


def test_as_many_women_as_men_validate():
    crowd = [Mock(id=look["id"], gender=look["gender"]) for look in draw_looks(400, seed=3)]
    part = _parts(crowd, [], [], DataSettings())
    who = [person for person in crowd if part[person.id]]
    assert Counter(person.gender for person in who) == {"female": 20, "male": 20}
    assert all(part[person.id] == 0 for person in crowd[:340]), "the last ones do"
    for wanted, found in ((0, 0), (1_000, 400)):
        part = _parts(crowd, [], [], replace(DataSettings(), validation=wanted))
        assert sum(map(bool, part.values())) == found


def test_faces_are_cut_so_that_expressions_fill_the_picture(data):
    """Eyes on their points are darker than the cheeks; a face moves most at brows and mouth."""
    faces = data.faces.astype(float).mean(3)
    whole = data.of_faces.part > 0  # of whom all emotions are there
    neutral, surprised = (
        faces[(data.of_faces.emotion == EMOTIONS.index(e)) & (data.of_faces.m == 1)
              & (data.of_faces.group == 0) & whole]
        for e in ("neutral", "surprised")
    )  # fmt: skip
    assert len(neutral) == len(surprised) == 3
    change = np.abs(surprised - neutral).mean(0)
    mouth, corner = change[85:105, 50:78].mean(), change[:16, :16].mean()
    assert mouth > 10 * max(corner, 0.1)
    for face in neutral:
        eyes = [face[46:52, x - 3 : x + 4].mean() for x in (46, 82)]
        cheeks = [face[66:72, x - 3 : x + 4].mean() for x in (46, 82)]
        assert max(eyes) < min(cheeks)


def test_building_again_changes_nothing(folder, head, data):
    path = folder / "context-face-data.safetensors"
    before = path.read_bytes()
    (folder / "voices" / "30.npz").unlink()
    next((folder / "faces").glob("x*.npz")).unlink()
    build(folder, SETTINGS, workers=2, head=head)
    assert path.read_bytes() == before
