"""`mien train context-face`: from a prepared corpus to weights, resumed, refused, told."""

from __future__ import annotations

import json
import sys
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: training is not tested")
pytest.importorskip("lightning", reason="Lightning is not installed: training is not tested")

from models import coding  # noqa: E402
from models.context_face.data import load_data  # noqa: E402
from models.context_face.mel import fit, mel_spectrogram  # noqa: E402
from models.context_face.pretraining import Extras, Pretraining, PretrainingSettings  # noqa: E402
from models.context_face.recipes import RECIPES, Recipe  # noqa: E402
from models.context_face.settings import (  # noqa: E402
    ContextFaceSettings,
    MelSettings,
    VaeSettings,
)
from models.context_face.shifting import ShiftingSettings, Way  # noqa: E402
from models.context_face.stored import load_model, training_of  # noqa: E402
from models.training import RunSettings  # noqa: E402
from protocols.errors import UserError  # noqa: E402
from protocols.tables import TableError  # noqa: E402
from stimuli.context_faces.corpus_data import CorpusChoice, data_of_corpus  # noqa: E402
from stimuli.context_faces.training import Asked, train_context_face  # noqa: E402
from stimuli.trainings import run_settings  # noqa: E402
from tests.command import command  # noqa: E402
from tests.tones_corpus import PARTS, clips, made, speech  # noqa: E402

MEL = MelSettings(bins=32, frames=32)
NETWORK = ContextFaceSettings(
    face=VaeSettings(size=32, widths=(4, 6), latent=8, discriminator_widths=(4, 4, 4)),
    context=VaeSettings(channels=1, size=32, widths=(4, 4), latent=8,
                        discriminator_widths=(4, 4, 4)),
    mel=MEL,
)  # fmt: skip
_QUICK = PretrainingSettings(
    steps=4, batch=6, rate=1e-3, extras=Extras(pixels=1.0, features=0.0, adversary=0.0)
)
TINY = Recipe(
    NETWORK, _QUICK, replace(_QUICK, flip=False), ShiftingSettings(steps=3, batch=8),
    ShiftingSettings(steps=3, batch=8, way=Way.PAIRED),
)  # fmt: skip
RUN = RunSettings(precision="32-true", accelerator="cpu", threads=1)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return made(tmp_path_factory.mktemp("corpus") / "arrays", clips()).parent


@pytest.fixture
def tiny(monkeypatch, corpus):
    """The verb with a tiny recipe, and a corpus of which only the arrays are there."""
    monkeypatch.setitem(RECIPES, "tiny", TINY)
    monkeypatch.setattr("stimuli.trainings.find_corpus", Path)

    def run(folder: Path, said=None, settings=RUN, **words) -> Path:
        words = {"recipe": "tiny", **words}
        if "data" not in words:
            words.setdefault("corpus", str(corpus))
        tell = (said if said is not None else []).append
        asked = Asked(**words)
        return train_context_face(asked, folder, settings, 1, lambda _: nullcontext(quiet), tell)

    return run


def quiet(done: int, total: int) -> None:
    """Nothing is shown."""


def test_the_data_file_holds_the_corpus_as_the_rules_say(corpus, tmp_path):
    found = data_of_corpus(corpus, tmp_path, CorpusChoice(frames=2), NETWORK)
    data = load_data(found.path)
    assert data.emotions == ("neutral", "happy", "calm")
    assert len(data.of_faces) == 2 * 24
    assert len(data.of_voices) == 24
    index = clips()
    for row, clip in enumerate(data.of_voices.clip):
        of = data.of_faces.clip == clip
        said = index.iloc[clip]
        pictures = data.faces[of].mean((1, 2, 3))
        grey = 40 + 8 * clip % 160
        np.testing.assert_allclose(pictures, [grey + 1, grey + 3], atol=2.5)  # of 5 frames, 2
        assert set(data.of_faces.m[of]) == {np.float32(1 if said.intensity == "high" else 1 / 3)}
        assert data.emotions[data.of_voices.emotion[row]] == said.emotion
        wave = fit(speech(clip % 7), 22_050, MEL)
        heard = mel_spectrogram(torch.from_numpy(wave)[None], MEL)[0, 0].numpy()
        assert np.abs(data.voices[row] / 100 - heard).max() <= 0.0051
    for part, name in enumerate(("train", "validation", "test")):
        people = {index.iloc[c].actor for c in data.of_faces.clip[data.of_faces.part == part]}
        assert people == {actor for actor, own in PARTS.items() if own == name}
    assert data.facts["licence"].startswith("not known")


def test_pictures_coded_in_pieces_are_those_coded_together(corpus, tmp_path, monkeypatch):
    whole = data_of_corpus(corpus, tmp_path / "a", CorpusChoice(), NETWORK).path
    monkeypatch.setattr("stimuli.corpora.material.AT_ONCE", coding.CHUNK)
    pieces = data_of_corpus(corpus, tmp_path / "b", CorpusChoice(), NETWORK).path
    assert whole.read_bytes() == pieces.read_bytes()


def test_a_training_from_a_corpus_resumes_and_ends_in_the_same_weights(tiny, tmp_path, monkeypatch):
    said = []
    whole = tiny(tmp_path / "whole", said)
    assert said[1] == "classes: neutral, happy, calm"
    model, weights = load_model(whole)
    assert model.settings.emotions == ("neutral", "happy", "calm")
    assert model.head.out_features == 3
    assert training_of(weights)["shift"]["way"] == "paired"

    from models import training

    save, calls = training.save_checkpoint, []

    def interrupted(task, path, step):
        save(task, path, step)
        calls.append((task.name, step))

    def ctrl_c(self, batch, step, engine, update=Pretraining.update):
        if step == 2 and not calls:
            raise KeyboardInterrupt
        return update(self, batch, step, engine)

    monkeypatch.setattr(training, "save_checkpoint", interrupted)
    monkeypatch.setattr(Pretraining, "update", ctrl_c)
    with pytest.raises(KeyboardInterrupt):
        tiny(tmp_path / "broken")
    assert calls == [("face", 2)]
    again = tiny(tmp_path / "broken")
    assert calls[1:] == [("face", 4), ("context", 4), ("head", 3), ("shift", 3)]
    assert again.read_bytes() == whole.read_bytes()


def test_a_folder_of_another_training_is_refused(tiny, tmp_path, corpus):
    tiny(tmp_path)
    before = (tmp_path / "shift" / "checkpoint.safetensors").read_bytes()
    with pytest.raises(UserError, match=r"recipe\.shift\.way paired there, fixed-head now"):
        tiny(tmp_path, way="fixed-head")
    with pytest.raises(UserError, match=r"recipe\.face\.seed 1 there, 5 now"):
        tiny(tmp_path, seed=5)
    other = data_of_corpus(corpus, tmp_path / "other", CorpusChoice(frames=1), NETWORK).path
    with pytest.raises(UserError, match=r"another training has begun there \(data "):
        tiny(tmp_path, data=other)
    with pytest.raises(UserError, match="other choices"):
        tiny(tmp_path, choice=CorpusChoice(leave_out=("calm",)))
    assert (tmp_path / "shift" / "checkpoint.safetensors").read_bytes() == before
    assert json.loads((tmp_path / "training.json").read_text())["recipe"]["shift"]["steps"] == 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"choice": CorpusChoice(leave_out=("neutral",))}, "holds no neutral face.*--way paper"),
        ({"choice": CorpusChoice(leave_out=("joyful",))}, "tones has no 'joyful'; it has calm"),
        ({"recipe": "papers"}, "found 'papers'"),
        ({"way": "pared"}, "found 'pared'.*paired"),
        ({"strict": True}, "--strict: .*give --way paper"),
        ({"recipe": "shipped"}, "faces of 32 pixels; the networks take 128.*--size 128"),
        ({"corpus": "x", "data": Path("y")}, "--data or --corpus, not both"),
        ({"settings": replace(RUN, accelerator="cuda", devices=64)}, "cannot train on accelerator"),
    ],
)
def test_what_cannot_be_trained_is_one_clear_line(tiny, tmp_path, words, said):
    with pytest.raises(UserError, match=said) as raised:
        tiny(tmp_path, **words)
    assert "\n" not in str(raised.value)


def test_a_missing_tensorboard_is_one_clear_line(tiny, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    import lightning.fabric.loggers.tensorboard as loggers

    monkeypatch.setattr(loggers, "_TENSORBOARD_AVAILABLE", False)
    monkeypatch.setattr(loggers, "_TENSORBOARDX_AVAILABLE", False)
    with pytest.raises(UserError, match="pip install tensorboard"):
        tiny(tmp_path, settings=replace(RUN, tensorboard=True))


@pytest.mark.parametrize(
    ("changes", "sound", "said"),
    [
        ({"emotion": pd.NA}, True, "no clip with emotion"),
        ({}, False, "holds no sound"),
        ({"emotion": "happy"}, True, "one emotion only"),
        ({"split": "test"}, True, "there is no face"),
    ],
)
def test_a_corpus_that_says_too_little_is_refused(tmp_path, changes, sound, said):
    folder = made(tmp_path / "arrays", clips(**changes), frames=1, sound=sound)
    with pytest.raises(UserError, match=said):
        data_of_corpus(folder, tmp_path / "data", CorpusChoice(), NETWORK)


def test_an_emotion_that_nobody_of_a_gender_speaks_is_named(tmp_path):
    index = clips()
    index = index[(index.actor != "b2") | (index.emotion != "calm")]
    folder = made(tmp_path / "arrays", index.reset_index(drop=True), frames=1)
    with pytest.raises(UserError, match="no voice of male that is calm.*--leave-out calm"):
        data_of_corpus(folder, tmp_path / "data", CorpusChoice(), NETWORK)


def test_only_speech_from_the_front_is_taken(tmp_path):
    index = clips(view="front", channel="speech")
    index.loc[::2, "view"] = "left_30"
    folder = made(tmp_path / "arrays", index, frames=1)
    data = load_data(data_of_corpus(folder, tmp_path / "d", CorpusChoice(), NETWORK).path)
    assert len(data.of_faces) == 12
    assert set(data.of_faces.m) == {1.0}  # every second clip is the one at high intensity


def test_a_corpus_that_is_not_prepared_and_a_file_of_another_kind_are_told(tiny, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(TableError, match="mien corpus prepare"):
        tiny(tmp_path / "out", corpus=str(tmp_path / "empty"))
    with pytest.raises(UserError, match="cannot be read as training data"):
        tiny(tmp_path / "out", data=tmp_path / "none")
    weights = tiny(tmp_path / "fine")
    with pytest.raises(UserError, match="does not hold training data"):
        tiny(tmp_path / "out", data=weights)


def test_the_command_line_says_what_it_does_not_take(tmp_path):
    for words, said in (
        (["--recipe", "mine"], "--recipe: found 'mine'; accepted: paper, shipped"),
        (["--devices", "two"], "--devices: found 'two'"),
        (["--data", "nothing"], "nothing: cannot be read as training data"),
    ):
        done = command("train", "context-face", "-o", "out", *words, cwd=tmp_path)
        assert done.returncode == 1
        assert said in done.stderr
        assert "Traceback" not in done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_words_of_the_command_line_become_settings():
    assert run_settings("32-true", "auto", "cpu", 2, False) == RunSettings(
        precision="32-true", devices="auto", accelerator="cpu", threads=2
    )
    seeded = Asked(recipe="shipped", way="fixed-head", seed=7).wanted
    assert seeded.composing is not None
    stages = (seeded.face, seeded.context, seeded.head, seeded.shift, seeded.composing)
    assert {stage.seed for stage in stages} == {7}
    assert seeded.shift.way is Way.FIXED_HEAD
