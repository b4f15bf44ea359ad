"""What editors of valence and arousal learn from: people all over the plane, each in one part."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed: data of networks are not tested")

from models.valence_arousal.data import PARTS, load_data  # noqa: E402
from stimuli.actors import plane  # noqa: E402
from stimuli.actors.cast import actor  # noqa: E402
from stimuli.actors.casting_sheet import BALANCES, draw_looks  # noqa: E402
from stimuli.actors.portrait import Studio  # noqa: E402
from stimuli.context_faces.faces import DRAWN, cropped  # noqa: E402
from stimuli.corpora.arrays.settings import ArraySettings  # noqa: E402
from stimuli.valence_arousal.data import (  # noqa: E402
    FOR_JUDGES,
    DataSettings,
    build,
    part_of,
    points,
)

FEW = DataSettings(people=1, across=1, cast=(), held_out=("30",))


@pytest.fixture
def crowd(monkeypatch):
    """Actors stand for a crowd, whose casting is tested elsewhere."""
    monkeypatch.setattr("stimuli.actors.crowd.make_crowd", lambda *_: [actor("01"), actor("02")])


def test_points_cover_the_plane_a_square_each_and_neutral_comes_first():
    found = points(4, np.random.default_rng(1))
    assert found.shape == (17, 2)
    assert (found[0] == 0).all()
    squares = np.floor((found[1:] + 1) * 2).astype(int)
    assert len({tuple(square) for square in squares}) == 16
    assert squares.min() == 0
    assert squares.max() == 3
    drawn = np.concatenate([points(4, np.random.default_rng(seed))[1:] for seed in range(200)])
    np.testing.assert_allclose(drawn.mean(0), 0, atol=0.05)
    np.testing.assert_allclose(drawn.var(0), 1 / 3, atol=0.02)  # of the uniform distribution


def test_most_of_a_crowd_train_a_quarter_judge_and_a_few_validate_as_many_women_as_men():
    looks = draw_looks(320, seed=5, ages=(18, 90), balance=BALANCES, prefix="x")
    for settings, wanted in (
        (DataSettings(), {"train": 112, "judge": 40, "validation": 8}),
        (FOR_JUDGES, {"judge": 76, "validation": 4}),
    ):
        dealt = Counter((look["gender"], part_of(number, settings))
                        for number, look in enumerate(looks[: settings.people]))  # fmt: skip
        genders = ("female", "male")
        assert dealt == {(g, part): count for part, count in wanted.items() for g in genders}


def test_those_who_teach_judges_alone_are_strangers_to_the_editor(monkeypatch, tmp_path):
    crowd = [f"{number:02d}" for number in range(1, 5)]
    monkeypatch.setattr("stimuli.actors.crowd.make_crowd", lambda *_: [actor(a) for a in crowd])
    drawn = []
    monkeypatch.setattr("stimuli.valence_arousal.data.draw_people",
                        lambda people, *_: drawn.append([a.id for a in people]) or [])  # fmt: skip
    monkeypatch.setattr("stimuli.valence_arousal.data.write", lambda *_: tmp_path)
    for first in (0, 2):
        build(tmp_path, replace(FEW, first=first, people=2))
    assert drawn == [["01", "02", "30"], ["03", "04", "30"]]
    assert FOR_JUDGES.first == DataSettings().people
    assert FOR_JUDGES.crowd.n == FOR_JUDGES.first + FOR_JUDGES.people


def test_one_file_holds_everybody_as_they_truly_look(crowd, tmp_path):
    data = load_data(build(tmp_path, FEW))
    assert data.faces.shape == (2 * 2, 128, 128, 3)
    assert [PARTS[part] for part in data.labels.part] == 2 * ["validation"] + 2 * ["test"]
    assert data.labels.person.tolist() == [0, 0, 1, 1]
    assert (data.labels.valence[::2] == 0).all()
    last = data.labels.both(np.array([3]))[0].tolist()
    studio = Studio(size=DRAWN, supersample=2, cache_dir=tmp_path / "cache")
    true = cropped(actor("30"), plane.at(*last), studio, ArraySettings())
    assert np.abs(data.faces[3].astype(float) - true).mean() < 2.5  # of coding alone
    assert np.abs(data.faces[2].astype(float) - true).mean() > 2.5
    assert data.facts["licence"] == "CC0-1.0"
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "faces").iterdir()}
    assert len(before) == 2
    build(tmp_path, FEW)  # nobody is drawn again
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "faces").iterdir()} == before
