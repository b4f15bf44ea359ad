"""What talking faces learn from: clips of a crowd, sentences without pictures, one file of both."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: no data for networks")
pytest.importorskip("soundfile", reason="soundfile is not installed: nobody speaks")
pytest.importorskip("pyworld", reason="pyworld is not installed: nobody speaks")

from models.talking_face.data import PARTS, load_data  # noqa: E402
from models.talking_face.settings import EMOTIONS  # noqa: E402
from stimuli.actors.cast import actor  # noqa: E402
from stimuli.talking_faces import data  # noqa: E402
from stimuli.talking_faces.clips import FRAMES, RATE, film_people, read_filmed, spread  # noqa: E402
from stimuli.talking_faces.data import write  # noqa: E402
from stimuli.talking_faces.sayings import ACTIONS, hear_sayings, read_sayings  # noqa: E402

JAW = ACTIONS.index("jawOpen")


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    """One actor in two clips, and what two people of other voices say."""
    folder = tmp_path_factory.mktemp("talk")
    filmed = film_people([actor("31")], folder / "clips", 9, 2, 1, listed=True)
    heard = hear_sayings([actor("02"), actor("05")], folder / "sayings", 9, 2, 1)
    return filmed, heard


@pytest.mark.parametrize("count", [8, 14, 37, 60, 1000])
def test_pictures_are_spread_over_the_clip_and_never_its_first(count):
    for seed in range(20):
        kept = spread(count, FRAMES, np.random.default_rng(seed))
        assert len(kept) == FRAMES
        assert kept.min() >= 1
        assert kept.max() <= count - 1
        if count > FRAMES + 1:
            assert len(set(np.diff(kept))) == 1


def test_as_many_women_as_men_validate(monkeypatch, tmp_path):
    told = []
    crowd = [actor("01")] * 80  # rows alone count; in a crowd men and women take turns
    monkeypatch.setattr(data, "make_crowd_beside", lambda *_: (crowd, [actor("31")]))
    monkeypatch.setattr(data, "hear_sayings", lambda *_: [])
    monkeypatch.setattr(data, "film_people", lambda *_, **__: [])
    monkeypatch.setattr(data, "write", lambda path, shards, parts, heard: told.append(parts))
    data.build(tmp_path, replace(data.DataSettings(), people=80))
    (parts,) = told
    assert np.flatnonzero(np.array(parts) == PARTS.index("validation")).tolist() == [0, 1, 40, 41]
    assert parts[80:] == [PARTS.index("test")]


def test_a_clip_shows_what_its_labels_say(shards):
    filmed = read_filmed(shards[0][0])
    assert filmed.frames.shape == (2, FRAMES, 128, 128, 3)
    assert len(set(filmed.emotion)) == 2  # dealt, not drawn
    for clip in range(2):
        frames, gap = filmed.frames[clip].astype(float), filmed.gap[clip]
        x, y = filmed.mouth[clip].round().astype(int).T
        assert (np.abs(x - 64) < 6).all()
        assert ((y > 85) & (y < 110)).all()
        left, right, top, bottom = x.min() - 12, x.max() + 12, y.min() - 6, y.max() + 8
        lips = frames[:, top:bottom, left:right]
        changed = np.abs(np.diff(lips, axis=0)).mean((1, 2, 3))
        assert (
            np.corrcoef(changed, np.abs(np.diff(gap)))[0, 1] > 0.5
        )  # lips move as they are said to
        start = filmed.ends[clip - 1] if clip else 0
        sound = filmed.sound[start : filmed.ends[clip]]
        assert np.abs(sound).max() == pytest.approx(1, abs=1e-5)
        assert filmed.number[clip].max() < len(sound) / RATE * 25 + 1
        assert np.abs(sound[: RATE // 10]).max() < 0.01  # the silence that it begins with


def test_sayings_move_the_mouth_with_the_voice_and_not_without(shards):
    for path in shards[1]:
        said = read_sayings(path)
        hop = RATE // 25
        assert len(said.sound) == hop * len(said.mouth)
        loud = np.sqrt((said.sound.reshape(-1, hop) ** 2).mean(1))
        assert np.corrcoef(loud, said.mouth[:, JAW])[0, 1] > 0.3
        for start in (0, *said.ends[:-1]):
            assert said.mouth[start : start + 3, JAW].max() < 0.05  # lips may round already
        assert (said.mouth.max(0) > 0.02).sum() >= 6  # not the jaw alone


def test_one_file_holds_all_and_training_reads_it(shards, tmp_path):
    filmed, heard = shards
    path = write(tmp_path / "data.safetensors", [*filmed, *filmed], [0, 2], heard)
    data, one = load_data(path), read_filmed(filmed[0])
    assert data.emotions == EMOTIONS
    assert data.clips.part.tolist() == [0, 0, 2, 2]
    assert data.clips.first.tolist() == [0, 0, 1, 1]
    away = data.frames[2:].astype(float) - one.frames
    assert 10 * np.log10(255**2 / (away**2).mean()) > 38
    np.testing.assert_allclose(data.sound(3), one.sound[one.ends[0] :], atol=0.025)
    assert data.sayings is not None
    said = read_sayings(heard[1])
    sound, mouth = data.sayings.saying(2, RATE // 25)
    np.testing.assert_allclose(mouth, said.mouth[: said.ends[0]], atol=0.5 / 255 + 1e-6)
    np.testing.assert_allclose(sound, said.sound[: len(sound)], atol=0.025)
