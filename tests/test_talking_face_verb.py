"""`mien train talking-face`: from a prepared corpus to weights, refused and told."""

from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: training is not tested")
pytest.importorskip("lightning", reason="Lightning is not installed: training is not tested")

from models.talking_face import learn as learning  # noqa: E402
from models.talking_face.data import load_data  # noqa: E402
from models.talking_face.stored import load_model  # noqa: E402
from protocols.errors import UserError  # noqa: E402
from stimuli.talking_faces.clips import FRAMES  # noqa: E402
from stimuli.talking_faces.corpus_data import data_of_corpus  # noqa: E402
from stimuli.talking_faces.training import Asked, train_talking_face  # noqa: E402
from tests.test_talking_face_training import NETWORK, RUN, TINY  # noqa: E402
from tests.tones_corpus import PARTS, clips, made, speech  # noqa: E402

COUNT = 20  # pictures of a clip


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Its calm clips are none of the paper's; of its last clip nothing is known."""
    mouths = np.full((len(clips()), 2), [16.0, 24.0])
    mouths[-1] = np.nan
    folder = tmp_path_factory.mktemp("corpus") / "arrays"
    return made(folder, clips(), frames=COUNT, mouths=mouths).parent


def test_the_data_file_holds_the_clips_that_can_be_learned_from(corpus, tmp_path):
    data = load_data(data_of_corpus(corpus, tmp_path, NETWORK).path)
    index = clips()
    kept = index.loc[index["emotion"] != "calm"].iloc[:-1]
    assert data.emotions == ("happy", "neutral")
    assert len(data.clips) == len(kept)
    assert data.clips.number.shape == (len(kept), FRAMES)
    for row, (place, clip) in enumerate(kept.iterrows()):
        assert data.emotions[data.clips.emotion[row]] == clip.emotion
        assert ("train", "validation", "test")[data.clips.part[row]] == PARTS[clip.actor]
        grey = 40 + 8 * int(place) % 160  # frame k of it is so many levels brighter
        np.testing.assert_allclose(data.firsts[data.clips.first[row]].mean(), grey, atol=1.5)
        brighter = data.frames[row].mean((1, 2, 3)) - grey
        np.testing.assert_allclose(brighter, data.clips.number[row], atol=1.5)
        wave = speech(int(place) % 7) / 8000
        heard = np.fft.rfft(data.sound(row))
        meant = np.fft.rfft(wave)
        peak = np.abs(heard).argmax() * 8000 / len(data.sound(row))
        assert peak == pytest.approx(np.abs(meant).argmax() * 22_050 / len(wave), abs=3)
    assert (data.clips.mouth == [16, 24]).all()


def test_a_corpus_trains_and_what_cannot_is_refused(corpus, tmp_path, monkeypatch):
    monkeypatch.setitem(learning.RECIPES, "tiny", TINY)
    monkeypatch.setitem(learning.RECIPES, "first", replace(TINY, second=None))
    monkeypatch.setattr("stimuli.trainings.find_corpus", Path)
    said: list[str] = []

    def run(folder: Path, **words) -> Path:
        asked = Asked(**{"recipe": "tiny", **words})
        quiet = nullcontext(lambda done, total: None)
        return train_talking_face(asked, folder, RUN, 1, lambda _: quiet, said.append)

    weights = run(tmp_path / "a", corpus=str(corpus))
    assert said == [str(weights)]
    assert load_model(weights)[0].settings.emotions == ("happy", "neutral")
    further = run(tmp_path / "c", corpus=str(corpus), start=weights)
    told = json.loads(load_model(further)[1].facts["training"])
    assert told["second"]["adversaries"]
    for start, why in ((tmp_path / "none", "no such file"), (Path("shipped"), "the data show")):
        with pytest.raises(UserError, match=why):
            run(tmp_path / "c", corpus=str(corpus), start=start)
    for words, why in (
        ({"recipe": "big"}, "--recipe: found 'big'"),
        ({"recipe": "first", "start": weights}, "has no second stage; take shipped"),
        ({"data": corpus, "corpus": "x"}, "not both"),
        ({"data": weights}, "does not hold training data of talking faces"),
        ({"recipe": "paper", "corpus": str(corpus)}, "--size 128 --anew"),
        ({"corpus": str(corpus), "seed": 5}, "another training has begun there"),
        ({"corpus": str(corpus), "vgg19": weights}, "not the weights of VGG-19"),
    ):
        with pytest.raises(UserError, match=why):
            run(tmp_path / ("a" if "seed" in words else "b"), **words)
