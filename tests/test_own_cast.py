"""`mien cast`: who is drawn, and a folder of actors that are all unlike each other.

Anny is stood in for by faces mixed from the shipped rigs, which needs no PyTorch.
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from protocols.errors import UserError
from stimuli.actors import casting, identity
from stimuli.actors.cast import HAIR_STYLES, SKIN_TONES, load_cast, read_entry
from stimuli.actors.casting_sheet import TONES, draw_looks
from stimuli.actors.face_space import FaceSpace
from stimuli.actors.own_cast import Settings, make_cast
from stimuli.actors.portrait import Studio, portrait
from stimuli.actors.rig import load_rig, load_topology
from stimuli.actors.variation import expected_changes

ROOT = Path(__file__).parents[1]
YOUNG = Settings.read(7, "20-40", "gender,origin")


class MixedHead:
    """What casting asks of Anny: a face that moves linearly with about 100 local changes."""

    local_changes = tuple(f"nose-{k:02d}" for k in range(60)) + ("eye-bag", "head-fat")

    def __init__(self, reach: float = 0.4) -> None:
        self.topology = load_topology()
        bases = np.stack([load_rig(f"{i:02d}").base for i in range(1, 25)]).astype(float)
        self.mean = bases.mean(axis=0)
        mix = np.random.default_rng(3).standard_normal((len(self.local_changes), len(bases)))
        steps = np.tensordot(mix, bases - self.mean, axes=1) * reach
        self.steps = dict(zip(self.local_changes, steps, strict=True))
        self.actions = load_rig("01").deltas.astype(float)

    def vertices(self, phenotype, changes, actions=None):
        shift = sum(weight * self.steps[name] for name, weight in changes.items())
        return self.mean + shift


@pytest.fixture(scope="module")
def head() -> MixedHead:
    return MixedHead()


@pytest.fixture(scope="module")
def three(head, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("casts") / "three"
    make_cast(folder, 3, YOUNG, head)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_looks_are_balanced_adult_and_go_on_where_fewer_ended():
    people = draw_looks(200, seed=5, ages=(20, 40), prefix="c")
    assert people[:60] == draw_looks(60, seed=5, ages=(20, 40), prefix="c")
    actors = [read_entry(entry) for entry in people]
    groups = Counter((a.gender, a.origin.word) for a in actors)
    assert groups == dict.fromkeys(groups, 25)
    assert len(groups) == 8
    for gender in ("male", "female"):
        ages = [a.age for a in actors if a.gender == gender]
        assert (min(ages), max(ages)) == (20, 40)
        assert max(Counter(ages).values()) <= 7  # 100 people on 21 years
    assert len({a.seed for a in actors}) == len({a.id for a in actors}) == 200


def test_every_origin_shows_the_skin_tones_that_it_may_have_and_looks_are_known_ones():
    actors = [read_entry(entry) for entry in draw_looks(800, seed=2)]
    for origin, shares in TONES.items():
        tones = Counter(a.skin for a in actors if a.origin.word == origin)
        expected = 200 * np.array(shares)
        found = np.array([tones[tone] for tone in SKIN_TONES])
        assert np.all(np.abs(found - expected) <= 4 * np.sqrt(expected) + 1e-9), origin
        assert np.count_nonzero(found) >= 5
    assert {a.hair for a in actors} == set(HAIR_STYLES)
    assert all(sum(vars(a.origin).values()) == pytest.approx(1) for a in actors)


def test_nobody_drawn_is_a_child():
    for entry in draw_looks(100, seed=1, ages=(18, 30)):
        assert entry["age"] >= 18
        assert casting.phenotype(read_entry(entry), entry["shape"])["age"] >= 2 / 3


def test_what_is_not_balanced_is_drawn_at_random():
    free = draw_looks(400, seed=3, balance=())
    genders = Counter(entry["gender"] for entry in free)
    assert 0 < abs(genders["male"] - 200) < 4 * 10  # binomial, standard deviation 10


def test_all_are_unlike_each_other_and_the_shipped_cast(three):
    people = [identity.Likeness.read(a) for a in (*load_cast(), *load_cast(three))]
    for i in range(len(load_cast()), len(people)):
        assert identity.nearest(people[i], people[:i])[0] >= YOUNG.distance


def test_a_cast_that_goes_on_has_the_bytes_of_one_made_at_once(three, head, tmp_path):
    folder = tmp_path / "cast"
    assert make_cast(folder, 1, YOUNG, head).made == 1
    (folder / "rigs" / "c002.npz").write_bytes(b"cut short")  # killed before its entry was written
    assert make_cast(folder, 3, YOUNG, head).made == 2
    assert contents(folder) == contents(three)
    assert make_cast(folder, 3, YOUNG, head).made == 0
    assert "0 actors cast, 3 already there" in make_cast(folder, 2, YOUNG, head).lines()[0]


def test_an_own_actor_sits_for_a_portrait(three, tmp_path):
    studio = Studio(size=96, supersample=1, cache_dir=tmp_path)
    picture = portrait(load_cast(three)[0], {"jawOpen": 0.3}, studio).astype(float)
    assert picture.shape == (96, 96, 3)
    assert np.all(picture[:8, :8] == 128)  # the wall
    assert picture[40:70, 35:60].std() > 10  # a face before it


def test_when_nobody_new_is_different_enough_the_rest_is_kept_and_one_line_says_so(tmp_path):
    class Twins(MixedHead):
        def vertices(self, phenotype, changes, actions=None):
            return self.mean + self.steps["head-fat"]

    folder = tmp_path / "twins"
    with pytest.raises(UserError, match=r"an identity distance of 0\.035 to everybody") as caught:
        make_cast(folder, 200, YOUNG, Twins())
    assert len(str(caught.value).splitlines()) == 1
    twins = load_cast(folder)
    assert f"use the {len(twins)} actors that are there" in str(caught.value)
    assert 1 <= len(twins) <= 8  # as many as there are skins far enough apart


@pytest.mark.parametrize(
    ("age", "balance", "words"),
    [
        ("10-40", "gender", r"--age: found 10-40; .* from 18 to 90"),
        ("40-20", "gender", "--age: found 40-20"),
        ("young", "gender", "--age: found young"),
        ("20-40", "gendre", "did you mean 'gender'"),
        ("20-40", "gender,skin", "accepted: gender, origin, none"),
    ],
)
def test_wishes_that_cannot_be_are_refused(age, balance, words):
    with pytest.raises(UserError, match=words):
        Settings.read(1, age, balance)


def test_a_folder_of_other_settings_or_other_things_is_refused(three, head, tmp_path):
    before = contents(three)
    with pytest.raises(UserError, match="made with --age 20-40 --balance gender,origin --seed 7"):
        make_cast(three, 9, Settings.read(8, "20-40", "gender,origin"), head)
    assert contents(three) == before
    (tmp_path / "thesis.docx").write_text("mine")
    with pytest.raises(UserError, match="holds thesis.docx and no cast"):
        make_cast(tmp_path, 2, YOUNG, head)


def test_casting_without_anny_says_what_to_install_and_leaves_nothing(tmp_path):
    block = "import sys; sys.modules['anny'] = None; import mien; mien.main()"
    done = subprocess.run(
        [sys.executable, "-c", block, "cast", "--n", "2", "-o", str(tmp_path / "cast")],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert "anny is not installed; casting needs the part 'cast' of mien" in line
    assert not (tmp_path / "cast").exists()


def test_faces_as_sums_are_the_faces_of_the_head_itself(head):
    names = tuple(expected_changes(head.local_changes, load_cast()[0]))
    space = FaceSpace(head, names)
    rng = np.random.default_rng(3)
    takes = [dict(zip(names, rng.normal(0, 0.2, len(names)), strict=True)) for _ in range(3)]
    for take, face in zip(takes, space.faces({}, takes), strict=True):
        np.testing.assert_allclose(
            face, identity.face_of(head.vertices({}, take), head.topology), atol=1e-9
        )
