"""What losses see expressions through, and trainings that go on from finished networks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: networks are not tested")
pytest.importorskip("lightning", reason="Lightning is not installed: training is not tested")

from models import coding  # noqa: E402
from models.context_face.composing import ComposingSettings  # noqa: E402
from models.context_face.critic import CriticSettings  # noqa: E402
from models.context_face.data import Labels, load_data, save_data  # noqa: E402
from models.context_face.directions import Relatives  # noqa: E402
from models.context_face.expressions import (  # noqa: E402
    Expressions,
    ExpressionsSettings,
    Telling,
    seen_loss,
)
from models.context_face.going_on import learn_on  # noqa: E402
from models.context_face.learn import main  # noqa: E402
from models.context_face.network import ContextFace  # noqa: E402
from models.context_face.pretraining import Extras, Pretraining, PretrainingSettings  # noqa: E402
from models.context_face.recipes import Recipe  # noqa: E402
from models.context_face.shifting import ShiftingSettings, Way  # noqa: E402
from models.context_face.stored import load_model, save_model, training_of  # noqa: E402
from models.training import RunSettings, TrainingError, train  # noqa: E402
from models.variation import VariationSettings  # noqa: E402
from protocols.errors import UserError  # noqa: E402
from stimuli.context_faces.training import Asked  # noqa: E402
from tests.bars import EMOTIONS, FACE, SETTINGS, SIZE, drawn, people  # noqa: E402

PLAIN = RunSettings(accelerator="cpu", precision="32-true", threads=1)
TOLD = ExpressionsSettings(
    widths=(8, 16), steps=150, batch=32, variation=VariationSettings(light=0.1)
)
FEW = Extras(pixels=1.0, features=0.0, adversary=0.0, directed=0.5, seen=0.2, eye_gain=1.0)
SHIFT = ShiftingSettings(way=Way.PAIRED, steps=4, batch=8)
RECIPE = Recipe(
    network=SETTINGS, head=SHIFT, shift=SHIFT, expressions=replace(TOLD, steps=4), gains=True,
    polish=PretrainingSettings(steps=5, batch=6, rate=1e-3, extras=FEW),
    composing=ComposingSettings(
        steps=3, batch=6, seen=0.2, critic=CriticSettings(widths=(8, 8, 8), since=0.3)
    ),
)  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    labels = people(12)
    labels = replace(labels, part=(labels.actor >= 10).astype(np.int8))
    heard = Labels(*(np.zeros(36) for _ in range(6)))
    heard = replace(heard, actor=np.arange(36) // 3, emotion=np.arange(36) % 3,
                    part=(np.arange(36) >= 30).astype(np.int8))  # fmt: skip
    voices = np.random.default_rng(1).integers(0, 100, (36, SIZE, SIZE)).astype(np.uint8)
    path = tmp_path_factory.mktemp("data") / "faces.safetensors"
    save_data(path, coding.encode(drawn(labels)), labels, voices, heard, EMOTIONS, licence="mine")
    return load_data(path)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    path = tmp_path_factory.mktemp("finished") / "weights.safetensors"
    made = ContextFace(SETTINGS, seed=4)
    save_model(path, made, licence="CC0-1.0", data_sha256="abc", training='{"recipe": "old"}')
    return path


def test_expressions_of_unknown_people_are_told(data, tmp_path):
    rows = data.of_faces.where("train")
    shown = Relatives(data.of_faces, rows, EMOTIONS).shown
    task = Telling(TOLD, shown, lambda picked: data.pictures(rows[picked]))
    train(task, tmp_path, PLAIN)
    others = data.of_faces.where("validation")
    with torch.inference_mode():
        said = task.network(data.pictures(others)).sigmoid().numpy()
    true = np.eye(3)[data.of_faces.emotion[others]] * data.of_faces.m[others, None]
    true[:, 0] = 0  # neutral: no strength of anything
    assert np.abs(said - true).mean() < 0.12  # all 0: .3
    assert np.corrcoef(said[:, 1], true[:, 1])[0, 1] > 0.9


def test_the_loss_sees_expressions_not_shades(data, tmp_path):
    rows = data.of_faces.where("train")
    shown = Relatives(data.of_faces, rows, EMOTIONS).shown
    task = Telling(TOLD, shown, lambda picked: data.pictures(rows[picked]))
    train(task, tmp_path, PLAIN)
    network = task.network.eval().requires_grad_(False)
    neutral, happy = (data.pictures(rows[[5 * i + k for i in range(8)]]) for k in (0, 2))
    assert float(seen_loss(network, happy, happy)) == 0
    apart = float((neutral - happy).abs().mean())
    shade = happy + apart  # as far in pixels, but nothing that is felt
    assert seen_loss(network, neutral, happy) > 2 * seen_loss(network, shade, happy)
    x = neutral.clone().requires_grad_()
    seen_loss(network, x, happy).backward()
    assert x.grad is not None
    bars = x.grad.abs().sum((0, 1, 3))
    assert bars[12:32].mean() > bars[:10].mean()  # where joy and mouth are


def test_a_polish_sees_only_where_it_is_told_to():
    pictures = torch.rand(6, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(1))
    network = Expressions((8, 16), 3).requires_grad_(False)
    for weight in (0.0, 0.5):
        settings = PretrainingSettings(
            steps=2, batch=4, extras=replace(FEW, directed=0, seen=weight)
        )
        task = Pretraining("x", FACE, settings, 6, lambda rows: pictures[rows], None, network)
        assert ("seen" in _logged(task)) is bool(weight)


def _logged(task: Pretraining) -> dict:
    from lightning.fabric import Fabric

    from models.training import Engine

    engine = Engine(Fabric(accelerator="cpu", devices=1, precision="32-true"))
    return task.update(task.batch(0, slice(None)), 0, engine)


def test_a_training_goes_on_from_finished_networks(data, finished, tmp_path):
    path = learn_on(data, tmp_path / "a", finished, RECIPE, PLAIN)
    network, weights = load_model(path)
    before, _ = load_model(finished)
    own, old = network.state_dict(), before.state_dict()
    kept = {name for name in own if torch.equal(own[name], old[name])}
    tuned = ("context.encoder.mu.", "context.encoder.log_var.")  # by the shift, as always
    for name in own:
        if name.startswith("context.encoder.") and not name.startswith(tuned):
            assert name in kept, name
    for part in ("face.encoder", "face.decoder", "head", "can", "composer"):
        changed = [n for n in own if n.startswith(part) and n not in kept]
        assert changed, part
    assert len(network.settings.gains) == 3
    assert weights.facts["licence"] == "CC0-1.0 and mine"
    assert training_of(weights)["before"] == {"recipe": "old"}
    assert training_of(weights)["polish"]["steps"] == 5

    def ctrl_c(self, batch, step, engine, update=Pretraining.update):
        if step == 3:
            raise KeyboardInterrupt
        return update(self, batch, step, engine)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Pretraining, "update", ctrl_c)
        with pytest.raises(KeyboardInterrupt):
            learn_on(data, tmp_path / "b", finished, RECIPE, PLAIN)
    again = learn_on(data, tmp_path / "b", finished, RECIPE, PLAIN)
    assert again.read_bytes() == path.read_bytes()


def test_the_emotions_may_be_others(data, finished, tmp_path):
    other = replace(data, emotions=("neutral", "joyful", "angry"))
    network, _ = load_model(learn_on(other, tmp_path, finished, RECIPE, PLAIN))
    assert network.settings.emotions == other.emotions


def test_a_polish_without_a_step_is_the_network_it_began_with(data, finished, tmp_path):
    still = replace(RECIPE, polish=replace(RECIPE.polish, steps=0), composing=None)
    network, _ = load_model(learn_on(data, tmp_path, finished, still, PLAIN))
    before, _ = load_model(finished)
    for name, values in before.face.state_dict().items():
        assert torch.equal(network.face.state_dict()[name], values), name
    assert network.composer is None


def test_what_does_not_fit_is_one_clear_line(data, finished, tmp_path, capsys):
    with pytest.raises(TrainingError, match="no polish; take the recipe shipped"):
        learn_on(data, tmp_path, finished, replace(RECIPE, polish=None), PLAIN)
    mute = replace(data.of_voices, part=np.full(36, 2))
    with pytest.raises(TrainingError, match="no voice to train from"):
        learn_on(replace(data, of_voices=mute), tmp_path, finished, RECIPE, PLAIN)
    short = replace(data, voices=data.voices[:, :16])
    with pytest.raises(TrainingError, match=f"of {SIZE} × {SIZE}; the data, 16 × {SIZE}"):
        learn_on(short, tmp_path, finished, RECIPE, PLAIN)
    with pytest.raises(UserError, match="--from and --onto: give one"):
        Asked(start=finished, onto=finished)
    with pytest.raises(UserError, match="--from: the recipe paper has no polish"):
        Asked(start=finished, recipe="paper")
    with pytest.raises(UserError, match="--polish: the recipe paper has no polish"):
        Asked(polish=3, recipe="paper")
    with pytest.raises(UserError, match="--polish: --onto has no polish"):
        Asked(polish=3, onto=finished)
    with pytest.raises(SystemExit):
        main(["x", "-o", str(tmp_path), "--from", "a", "--onto", "b"])
    assert "not allowed with" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["x", "-o", str(tmp_path), "--onto", "a", "--polish", "3"])
    assert "--polish: not allowed with argument --onto" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="--polish: this recipe has no polish"):
        main(["x", "-o", str(tmp_path), "--recipe", "paper", "--polish", "3"])
    with pytest.raises(SystemExit, match="--polish: found 0 steps; accepted: 1 or more"):
        main(["x", "-o", str(tmp_path), "--polish", "0"])


def test_the_polish_has_as_many_steps_as_asked_for():
    ours, asked = Asked().wanted, Asked(polish=900).wanted
    assert ours.polish is not None
    assert asked == replace(ours, polish=replace(ours.polish, steps=900))
