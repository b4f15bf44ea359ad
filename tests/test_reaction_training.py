"""Training of listener reactions: the data file, stages, resumed, refused and shipped."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: training is not tested")
pytest.importorskip("lightning", reason="Lightning is not installed: training is not tested")

from models.reaction import learn as learning  # noqa: E402
from models.reaction.attributes import ATTRIBUTES  # noqa: E402
from models.reaction.data import CODES, ReactionData, load_data, save_data  # noqa: E402
from models.reaction.hearing import (  # noqa: E402
    Hearing,
    HearingSettings,
    HearingStage,
    voice_scale,
)
from models.reaction.inference import react, seeds_of  # noqa: E402
from models.reaction.learn import RECIPES, Recipe, Varying, learn, learn_all  # noqa: E402
from models.reaction.missing import DroppingSettings, dropped, given, with_gaps  # noqa: E402
from models.reaction.settings import NAMES  # noqa: E402
from models.reaction.stages import Reacting, ReactingStage, TokenizingStage  # noqa: E402
from models.reaction.stored import FRAMEWORKS, load_model, make_model  # noqa: E402
from models.training import RunSettings, TrainingError, train  # noqa: E402
from models.weights import WeightsError, load_weights  # noqa: E402
from tests.reaction_models import BASES, EMC  # noqa: E402

CLIPS, EACH, FRAMES = 6, 3, 60
RUN = RunSettings("32-true", threads=1, save_every_s=1e9, log_every=1)
FEW = ReactingStage(steps=4, batch=2, frames=30, reactions=2)


def recipe(base: str, **reacting) -> Recipe:
    """Stages of a few steps, in small networks."""
    return Recipe(
        BASES[base], EMC, HearingStage(steps=2, batch=2, frames=30),
        TokenizingStage(steps=2, batch=2, frames=30), replace(FEW, **reacting),
    )  # fmt: skip


def bytes_of(path) -> bytes:
    return path.read_bytes()


def tables(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Arrays of a data file: six speakers, two in each part, three reactions to each."""
    face = rng.random((CLIPS, FRAMES, 25), np.float32)
    face[..., 15:17] = 2 * face[..., 15:17] - 1
    return {
        "face": face, "voice": rng.standard_normal((CLIPS, FRAMES, 78)).astype(np.float32),
        "heard": face[..., 15:], "part": np.array([0, 0, 1, 1, 2, 2]),
        "speaker": np.arange(CLIPS), "reactions": np.repeat(face, EACH, 0),
        "of": np.repeat(np.arange(CLIPS), EACH), "listener": CLIPS + np.arange(CLIPS * EACH),
    }  # fmt: skip


def saved(tmp_path, **changed) -> ReactionData:
    path = tmp_path / "data.safetensors"
    save_data(path, **(tables(np.random.default_rng(1)) | changed), licence="ours")
    return load_data(path)


def test_a_data_file_gives_back_what_was_written_to_half_a_step(tmp_path):
    given, data = tables(np.random.default_rng(1)), saved(tmp_path)
    half = np.full(25, 0.5 / CODES)
    half[15:17] *= 2  # valence and arousal reach from -1 to 1
    for name, step in (("face", half), ("reactions", half), ("heard", half[15:])):
        assert (np.abs(getattr(data, name)[:] - given[name]) <= step + 1e-6).all()
    spread = given["voice"].std((0, 1))
    assert (np.abs(data.voice[:] - given["voice"]) <= 0.025 * spread).all()
    for name in ("part", "speaker", "of", "listener"):
        assert np.array_equal(getattr(data, name), given[name])
    assert data.facts["licence"] == "ours"
    assert len(data.facts["sha256"]) == 64


def test_windows_are_what_rows_give_cut_out(tmp_path):
    data = saved(tmp_path)
    rows, starts = np.array([4, 0, 4]), np.array([0, 7, 30])
    window = data.face.window(rows, starts, 20)
    for got, row, start in zip(window, rows, starts, strict=True):
        assert np.array_equal(got, data.face[row][start : start + 20])


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"speaker": np.array([0, 1, 1, 3, 4, 5])}, "person 1: is in two parts"),
        ({"of": np.repeat([0, 1, 2, 3, 4, 4], EACH)}, "clip 5: has no reaction"),
        ({"heard": np.zeros((CLIPS, FRAMES + 1, 10))}, "heard: found 6 series of 61 frames"),
        ({"face": np.full((CLIPS, FRAMES, 25), np.nan)}, "face: found values that are no numbers"),
        ({"face": np.zeros((CLIPS, FRAMES, 24))}, "face: found shape"),
    ],
)
def test_tables_that_contradict_each_other_are_refused(tmp_path, changed, says):
    with pytest.raises(ValueError, match=says):
        saved(tmp_path, **changed)


# --- what is missing


def test_as_much_is_dropped_as_was_asked_and_the_other_only_where_the_first_is():
    asked = DroppingSettings(whole=0.4, gaps=1, gap_s=(1.0, 3.0), nothing=0.25)
    there, other = dropped(4_000, 200, asked, torch.Generator().manual_seed(1))
    nothing, gone = ~there.any(1), (~there).sum(1)
    assert abs(float(nothing.float().mean()) - 0.4) < 0.03
    # gaps of 2 s on average, whose middle is anywhere: those at an end reach beyond it
    inner = gone[~nothing].float()
    middle = torch.linspace(0, 200, 20_001)[:, None]
    length = torch.linspace(25, 75, 51)[None]
    inside = (middle + length / 2).clamp(max=200) - (middle - length / 2).clamp(min=0)
    assert abs(float(inner.mean()) - float(inside.mean())) < 1
    assert not (there & ~other).any()
    of_both = ~(other | there).all(1)
    assert abs(float(of_both.float().mean()) - 0.25) < 0.03


def test_gaps_are_as_long_as_asked():
    asked = DroppingSettings(gaps=1, gap_s=(2.0, 2.0))
    there = with_gaps(50, 2_000, asked, torch.Generator().manual_seed(1))
    lengths = (~there).sum(1)
    assert int(lengths.max()) == 50
    assert (lengths >= 25).all()  # half of it at least lies within the clip


def test_what_is_missing_is_zero_whatever_stood_there():
    x = torch.tensor([[[1.0, 2.0], [torch.nan, torch.inf]]])
    there = torch.tensor([[True, False]])
    assert torch.equal(given(x, there), torch.tensor([[[1.0, 2.0], [0.0, 0.0]]]))


# --- stages


def test_the_speech_emotion_model_hears_what_voices_express(tmp_path):
    """Each clip has an expression of its own, which shifts a few features of its voice."""
    rng = np.random.default_rng(2)
    which = rng.integers(8, size=(CLIPS, 3)).repeat(20, 1)  # changes every 20 frames
    heard = np.zeros((CLIPS, FRAMES, 10), np.float32)
    np.put_along_axis(heard, 2 + which[..., None], 1.0, 2)
    heard[..., 0] = which / 7 - 0.5
    voice = rng.standard_normal((CLIPS, FRAMES, 78)) + 2 * rng.standard_normal((8, 78))[which]
    data = saved(tmp_path, heard=heard, voice=voice.astype(np.float32))
    task = Hearing(data, HearingSettings(width=16, layers=2),
                   HearingStage(steps=200, batch=4, frames=60, rate=5e-3,
                                dropping=DroppingSettings(gap_s=(0.2, 0.4))))  # fmt: skip
    assert train(task, tmp_path, RUN)
    mean, spread = voice_scale(data)
    told = task.network.eval()((torch.from_numpy(data.voice[:]) - mean) / spread)
    rows = data.where("train")
    right = told[rows][..., 2:].argmax(-1).numpy() == which[rows]
    assert right.mean() > 0.9
    assert np.abs(told[rows][..., 0].detach().numpy() - heard[rows][..., 0]).mean() < 0.15
    np.testing.assert_allclose(told[..., 2:].sum(-1).detach(), 1, atol=1e-5)


def test_voices_are_standardised_by_those_of_the_training(tmp_path):
    voice = np.random.default_rng(1).normal(3, 2, (CLIPS, FRAMES, 78)).astype(np.float32)
    voice[2:] += 100  # of the other parts
    data = saved(tmp_path, voice=voice)
    mean, spread = voice_scale(data)
    np.testing.assert_allclose(mean, data.voice[:2].mean((0, 1)), atol=1e-3)
    np.testing.assert_allclose(spread, data.voice[:2].std((0, 1)), rtol=1e-3)


@pytest.mark.parametrize("base", NAMES)
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_every_base_trains_with_every_framework_and_says_what_it_is(tmp_path, base, framework):
    data = saved(tmp_path)
    path = learn(data, tmp_path / "run", recipe(base).of_seed(3), framework, RUN)
    model, weights = load_model(path)
    told = {name: weights.facts[name] for name in ("base", "framework", "seed", "data_sha256")}
    assert told == {"base": base, "framework": framework, "seed": "3",
                    "data_sha256": data.facts["sha256"]}  # fmt: skip
    assert model.framework == framework
    reacted = react(model, torch.from_numpy(data.face[:2]), None, 2, seeds_of(1, 2, 2))
    assert reacted.attributes.shape == (2, 2, FRAMES, len(ATTRIBUTES))
    log = (tmp_path / "run" / "reactions" / "log.jsonl").read_text().splitlines()
    assert len(log) == FEW.steps
    assert all(np.isfinite(list(json.loads(line).values())).all() for line in log)


@pytest.mark.parametrize("base", NAMES)
def test_an_interrupted_training_ends_in_the_same_bytes(tmp_path, base):
    data, asked = saved(tmp_path), recipe(base)
    whole = learn(data, tmp_path / "whole", asked, "emc", RUN)
    steps = 0

    class Stop(Exception):
        pass

    def stage(name: str):
        def progress(done: int, total: int) -> None:
            nonlocal steps
            steps += 1
            if steps == total + (base == "facevis") * 2:  # half way through the last stage
                raise Stop

        return progress

    with pytest.raises(Stop):
        learn(data, tmp_path / "parts", asked, "emc", RUN, stage)
    assert not (tmp_path / "parts" / learning.WEIGHTS).exists()
    assert bytes_of(learn(data, tmp_path / "parts", asked, "emc", RUN)) == bytes_of(whole)


def test_what_is_learned_first_is_held_and_learned_once_for_all_runs_of_a_seed(tmp_path):
    data, stages = saved(tmp_path), []

    def stage(name: str):
        stages.append(name)
        return lambda done, total: None

    paths = learn_all(data, tmp_path, {"facevis": recipe("facevis")}, (1, 2), RUN, stage)
    assert [p.parent.name for p in paths] == [
        f"facevis-{framework}-{seed}" for seed in (1, 2) for framework in FRAMEWORKS
    ]
    first = load_weights(paths[0], "reaction").tensors
    held = [name for name in first if name.startswith(("hearing.", "base.tokenizer."))]
    assert len(held) > 10
    for path in paths[:3]:
        other = load_weights(path, "reaction").tensors
        assert all(torch.equal(first[name], other[name]) for name in held if name in other)
    second = load_weights(paths[3], "reaction").tensors
    assert not torch.equal(first["base.tokenizer.entry.weight"],
                           second["base.tokenizer.entry.weight"])  # fmt: skip


@pytest.mark.parametrize("base", NAMES)
def test_a_base_begins_alike_whatever_is_around_it(tmp_path, base):
    data, begun = saved(tmp_path), []
    for framework in FRAMEWORKS:
        emc = replace(EMC, attention=framework == "emc")
        task = Reacting(data, make_model(framework, BASES[base], emc), FEW)
        begun.append(task.model.base.state_dict())
        batch = task.batch(3, slice(None))
        begun[-1]["truth"] = batch.truth
    for other in begun[1:]:
        assert all(torch.equal(value, other[name]) for name, value in begun[0].items())


def test_two_devices_share_what_one_sees(tmp_path):
    data = saved(tmp_path)
    task = Reacting(data, make_model("emc", BASES["regnn"], EMC), replace(FEW, batch=4))
    whole = task.batch(2, slice(None))
    for rank in range(2):
        part = task.batch(2, slice(rank, None, 2))
        assert part.taught == whole.taught
        assert torch.equal(part.truth, whole.truth[rank::2])
        assert torch.equal(part.dropped[1][0], whole.dropped[1][0][rank::2])


def test_a_stage_that_varies_reactions_goes_on_from_what_was_learned(tmp_path):
    """After no step at all listeners react as before, and differ by the numbers that are new."""
    base = BASES["regnn"]
    varied = replace(base, scored="energy", draws=2, styles=2, changes=1, pace=4.0, temperature=0.5)
    data, plain = saved(tmp_path), recipe("regnn")
    before = Reacting(data, make_model("emc", base, plain.emc), FEW)
    after = Reacting(data, make_model("emc", varied, plain.emc), FEW, "variety")
    after.go_on(before.model)
    fused = torch.rand(2, 30, base.fused, generator=torch.Generator().manual_seed(1))
    one, other = (task.model.eval().base.distribution(fused) for task in (before, after))
    assert torch.equal(one.mean, other.mean)
    assert other.manners.temperature == 0.5
    frozen = {name for name, p in after.model.named_parameters() if not p.requires_grad}
    assert frozen == {name for name, p in before.model.named_parameters() if not p.requires_grad}
    with pytest.raises(ValueError, match="another network"):
        after.go_on(make_model("none", BASES["regnn"], EMC))
    # the whole training: both stages, and a file that says of itself what it is
    asked = replace(plain, varying=Varying(varied, 1e-5, FEW))
    path = learn(data, tmp_path / "run", asked, "emc", RUN)
    model, weights = load_model(path)
    assert model.base.settings == varied
    assert model.settings.fusion == 1e-5
    assert json.loads(weights.facts["training"])["varying"]["base"]["draws"] == 2
    for name in ("reactions", "variety"):
        log = (tmp_path / "run" / name / "log.jsonl").read_text().splitlines()
        assert len(log) == FEW.steps
    assert json.loads(log[0])["decoded"] > 0
    first = learn(data, tmp_path / "first", plain, "emc", RUN)
    face = torch.from_numpy(data.face[:1])
    for at, numbers in ((first, 0), (path, 3)):
        one = load_model(at)[0]
        found = 0 if one.base.manners is None else one.base.manners.out_features // 25
        assert found == numbers
        assert react(one, face, None, 2, seeds_of(1, 1, 2)).attributes.shape == (1, 2, FRAMES, 25)
    assert asked.of_steps(7).varying.reacting.steps == 7
    assert asked.of_seed(5).varying.reacting.seed == 5


def test_another_training_in_the_same_folder_is_refused(tmp_path):
    data = saved(tmp_path)
    learn(data, tmp_path / "run", recipe("regnn"), "none", RUN)
    with pytest.raises(TrainingError, match="another training has begun there"):
        learn(data, tmp_path / "run", recipe("regnn"), "no-attention", RUN)
    with pytest.raises(ValueError, match="framework 'more': give one of emc"):
        learn(data, tmp_path / "new", recipe("regnn"), "more", RUN)


def test_every_recipe_can_be_built():
    for recipes in RECIPES.values():
        assert tuple(recipes) == NAMES
    shipped = RECIPES["shipped"]
    for name in NAMES:
        assert make_model("emc", shipped[name].base, shipped[name].emc).base.name == name


def test_the_command_trains_and_prints_where_the_weights_are(tmp_path, monkeypatch, capsys):
    saved(tmp_path)
    monkeypatch.setitem(learning.RECIPES, "shipped", {name: recipe(name) for name in NAMES})
    words = [str(tmp_path / "data.safetensors"), "-o", str(tmp_path / "run"), "--base", "regnn",
             "--framework", "none", "--seed", "4", "--steps", "2", "--precision",
             "32-true"]  # fmt: skip
    learning.main(words)
    path = capsys.readouterr().out.strip()
    assert path == str(tmp_path / "run" / learning.WEIGHTS)
    facts = load_model(tmp_path / "run" / learning.WEIGHTS)[1].facts
    assert (facts["seed"], json.loads(facts["training"])["reacting"]["steps"]) == ("4", 2)
    with pytest.raises(SystemExit, match="another training has begun there"):
        learning.main([*words[:-3], "3", *words[-2:]])
    with pytest.raises(WeightsError, match="holds weights of"):
        load_weights(tmp_path / "run" / learning.WEIGHTS, "talking-face")
