"""`mien train reaction`: from a fresh folder to weights, from data files, refused and told."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: training is not tested")
pytest.importorskip("lightning", reason="Lightning is not installed: training is not tested")

import mien  # noqa: E402
from models.reaction import learn as learning  # noqa: E402
from models.reaction.data import load_data, save_data  # noqa: E402
from models.reaction.hearing import HearingStage  # noqa: E402
from models.reaction.inference import react  # noqa: E402
from models.reaction.settings import NAMES  # noqa: E402
from models.reaction.stages import ReactingStage, TokenizingStage  # noqa: E402
from models.reaction.stored import FRAMEWORKS, load_model  # noqa: E402
from models.training import RunSettings  # noqa: E402
from protocols.errors import UserError  # noqa: E402
from stimuli.reactions.data import DataSettings  # noqa: E402
from stimuli.reactions.training import Asked, train_reaction  # noqa: E402
from stimuli.trainings import DATA  # noqa: E402

RUN = RunSettings(precision="32-true", accelerator="cpu", threads=1, log_every=1)
TINY = DataSettings(
    speakers=(2, 1, 1), listeners=(2, 2, 2), reactions=(4, 4, 4), clips=1, seconds=6.0
)
STAGE = ReactingStage(steps=2, batch=2, frames=64, reactions=2)


@pytest.fixture
def short(monkeypatch):
    """Every recipe, with hardly a step."""
    for recipes in learning.RECIPES.values():
        for base, recipe in dict(recipes).items():
            few = replace(
                recipe, hearing=HearingStage(steps=2, batch=2), reacting=STAGE,
                tokenizer=TokenizingStage(steps=2, batch=2, frames=64),
                varying=recipe.varying and replace(recipe.varying, reacting=STAGE),
            )  # fmt: skip
            monkeypatch.setitem(recipes, base, few)


class Show:
    """Notes which steps were shown, and that each came to its end."""

    def __init__(self) -> None:
        self.ended: list[str] = []

    @contextmanager
    def __call__(self, name):
        last = [0, 1]

        def move(done, total):
            last[:] = done, total

        yield move
        assert last[0] == last[1], name
        self.ended.append(name)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    rng = np.random.default_rng(1)
    face = rng.random((4, 80, 25)).astype(np.float32)
    path = tmp_path_factory.mktemp("file") / "data.safetensors"
    save_data(
        path, face=face, voice=rng.standard_normal((4, 80, 78)).astype(np.float32),
        heard=face[..., 15:], part=np.array([0, 0, 1, 2]), speaker=np.arange(4),
        reactions=np.repeat(face, 3, 0), of=np.repeat(np.arange(4), 3),
        listener=4 + np.arange(12), licence="CC0-1.0",
    )  # fmt: skip
    return path


def test_from_a_fresh_folder_to_weights_that_listen(tmp_path, short):
    told, show = [], Show()
    weights = train_reaction(Asked(), tmp_path, RUN, 1, show, told.append, TINY)
    first = "data are made first, of speakers and listeners; later trainings: --data"
    assert told == [first, str(weights)]
    assert show.ended[0] == "speakers and listeners"
    assert show.ended[-2:] == ["reactions", "variety"]
    model, known = load_model(weights)
    data = load_data(next((tmp_path / DATA).glob("*.safetensors")))
    assert known.facts["data_sha256"] == data.facts["sha256"]
    assert known.facts["licence"] == "CC0-1.0"
    speaker = [torch.from_numpy(table[data.where("test")]) for table in (data.face, data.voice)]
    reacted = react(model.eval(), *speaker, count=2, seeds=[[3, 4]])
    assert reacted.attributes.shape == (1, 2, 150, 25)
    assert torch.isfinite(reacted.attributes).all()
    told.clear()
    content = weights.read_bytes()
    again = train_reaction(Asked(), tmp_path, RUN, 1, Show(), told.append, TINY)
    assert again == weights
    assert told == [str(weights)]  # nothing is made again
    assert weights.read_bytes() == content


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_base_framework_and_seed_are_those_asked_for(file, tmp_path, short, framework):
    asked = Asked(data=file, base="trans-vae", framework=framework, seed=7)
    weights = train_reaction(asked, tmp_path, RUN, 1, Show(), str)
    facts = load_model(weights)[1].facts
    assert facts["seed"] == "7"
    assert '"seed": 7' in facts["training"]
    with pytest.raises(UserError, match="seed"):
        train_reaction(replace(asked, seed=8), tmp_path, RUN, 1, Show(), str)


def test_all_trains_every_base_with_every_framework_for_three_seeds(file, tmp_path, monkeypatch):
    ran = []

    def learn(data, folder, recipe, framework="emc", run=None, stage=None, first=None):
        ran.append((folder.name, framework, recipe.reacting.seed))
        return folder / "reaction.safetensors"

    monkeypatch.setattr(learning, "learn", learn)
    told: list[str] = []
    out = train_reaction(Asked(data=file, every=True), tmp_path, RUN, 1, Show(), told.append)
    assert out == tmp_path
    assert told == [str(tmp_path)]
    assert sorted(ran) == sorted(
        (f"{base}-{framework}-{seed}", framework, seed)
        for base in NAMES for framework in FRAMEWORKS for seed in (1, 2, 3)
    )  # fmt: skip


def test_what_is_not_known_or_contradicts_is_refused_before_anything_is_made(file, tmp_path):
    wrong: tuple[tuple[dict[str, Any], str], ...] = (
        ({"base": "regn"}, "--base: found 'regn'.*did you mean 'regnn'"),
        ({"framework": "cma"}, "--framework: found 'cma'"),
        ({"recipe": "small"}, "--recipe: found 'small'"),
        ({"data": file, "corpus": "react2024"}, "--data or --corpus, not both"),
        ({"every": True, "seed": 2}, "--all trains every base.*leave out --seed"),
        ({"every": True, "base": "regnn"}, "leave out --base"),
    )
    for asked, said in wrong:
        with pytest.raises(UserError, match=said):
            Asked(**asked)
    assert not list(tmp_path.iterdir())
    with pytest.raises(UserError, match="a file that mien train reaction made"):
        train_reaction(Asked(data=tmp_path / "no.safetensors"), tmp_path, RUN, 1, Show(), str)


def test_words_of_the_command_line_become_settings(monkeypatch):
    asked = []
    monkeypatch.setattr(
        "stimuli.reactions.training.train_reaction", lambda *words: asked.append(words[:4])
    )
    line = (
        "train reaction -o out --corpus react2024 --base facevis --framework none --recipe paper "
        "--seed 7 --precision 32-true --devices auto --accelerator cpu --threads 2 --workers 3"
    )
    mien.app(line.split(), standalone_mode=False)
    mien.app(["train", "reaction", "-o", "out", "--all"], standalone_mode=False)
    words = Asked(None, "react2024", "facevis", "none", recipe="paper", seed=7)
    run = RunSettings("32-true", "auto", "cpu", threads=2)
    assert asked[0] == (words, Path("out"), run, 3)
    assert asked[1][0] == Asked(every=True)
    wanted = words.wanted
    assert wanted.base == learning.RECIPES["paper"]["facevis"].base
    assert {wanted.hearing.seed, wanted.tokenizer.seed, wanted.reacting.seed} == {7}
    assert Asked().wanted == learning.RECIPES["shipped"][learning.SHIPPED_BASE]
