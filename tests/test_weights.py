"""Weights and training: what is written comes back; what is interrupted goes on the same."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

torch = pytest.importorskip("torch", reason="PyTorch is not installed: training is not tested")
pytest.importorskip("lightning", reason="Lightning is not installed: training is not tested")

from lightning.fabric import Fabric  # noqa: E402
from safetensors.torch import load_file  # noqa: E402

from models import coding  # noqa: E402
from models.context_face.attention import shifted  # noqa: E402
from models.context_face.data import Labels, load_data, save_data  # noqa: E402
from models.context_face.latents import Latents, face_latents, voice_latents  # noqa: E402
from models.context_face.learn import learn  # noqa: E402
from models.context_face.pretraining import (  # noqa: E402
    Extras,
    Pretraining,
    PretrainingSettings,
    share_of_rate,
)
from models.context_face.recipes import Recipe  # noqa: E402
from models.context_face.settings import (  # noqa: E402
    ContextFaceSettings,
    MelSettings,
    VaeSettings,
)
from models.context_face.shifting import HeadStart, Shifting, ShiftingSettings, Way  # noqa: E402
from models.context_face.stored import load_model, training_of  # noqa: E402
from models.context_face.teaching import Teaching, TeachingSettings, varied  # noqa: E402
from models.context_face.vae import Encoder, Vae  # noqa: E402
from models.training import Engine, RunSettings, TrainingError, train  # noqa: E402
from models.weights import WeightsError, load_weights, save_weights  # noqa: E402

FACE = VaeSettings(size=32, widths=(8, 12, 16), latent=12, discriminator_widths=(4, 8, 8),
                   discriminator_features=16)  # fmt: skip
PLAIN = RunSettings(precision="32-true", accelerator="cpu", threads=1, log_every=1)


def smooth_pictures(n, side=64):
    rng = np.random.default_rng(1)
    noise = ndimage.gaussian_filter(rng.uniform(0, 1, (n, side, side, 3)), (0, 6, 6, 0))
    low, high = noise.min((1, 2), keepdims=True), noise.max((1, 2), keepdims=True)
    return ((noise - low) / (high - low) * 255).astype(np.uint8)


def test_coded_pictures_come_back_close_and_small():
    pictures = smooth_pictures(70)
    coded = coding.encode(pictures)
    back = coding.decode_all(coded)
    assert back.shape == pictures.shape
    error = np.mean((back.astype(float) - pictures) ** 2)
    assert 10 * np.log10(255**2 / error) > 34
    assert len(coded.data) < pictures.nbytes / 12
    np.testing.assert_array_equal(coding.decode(coded, 1), back[64:])


def test_plain_colours_are_coded_within_three_grey_levels():
    colours = [(0, 0, 0), (255, 255, 255), (200, 30, 90), (128, 128, 128), (10, 220, 240)]
    plain = np.stack([np.full((16, 16, 3), colour, np.uint8) for colour in colours])
    back = coding.decode_all(coding.encode(plain)).astype(int)
    assert np.abs(back - plain).max() <= 3


def test_the_basis_of_the_code_is_orthonormal():
    basis = coding._basis()
    np.testing.assert_allclose(basis @ basis.T, np.eye(8), atol=1e-6)


def test_weights_come_back_and_every_other_file_is_refused(tmp_path):
    path = tmp_path / "w.safetensors"
    network = Vae(FACE)
    sha = save_weights(path, "vae", network.state_dict(), {"latent": 12}, licence="CC0-1.0")
    found = load_weights(path, "vae")
    assert found.settings == {"latent": 12}
    assert found.facts["licence"] == "CC0-1.0"
    assert found.facts["sha256"] == sha
    for name, tensor in network.state_dict().items():
        assert torch.equal(found.tensors[name], tensor)
    with pytest.raises(WeightsError, match="holds weights of vae; give weights of judge"):
        load_weights(path, "judge")
    with pytest.raises(WeightsError, match="no such file"):
        load_weights(tmp_path / "none", "vae")
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(WeightsError, match="changed"):
        load_weights(path, "vae")
    path.write_bytes(b"a pickle, perhaps")
    with pytest.raises(WeightsError, match="not a safetensors file"):
        load_weights(path, "vae")


def test_half_precision_halves_the_file_and_changes_weights_by_a_thousandth(tmp_path):
    tensors = {"a": torch.randn(1000)}
    for half in (False, True):
        save_weights(tmp_path / str(half), "x", tensors, {}, half=half)
    whole, half = (len((tmp_path / str(half)).read_bytes()) for half in (False, True))
    assert whole - half == 2000
    back = load_weights(tmp_path / "True", "x").tensors["a"]
    assert back.dtype == torch.float32
    torch.testing.assert_close(back, tensors["a"], rtol=1e-3, atol=1e-4)


@pytest.fixture(scope="module")
def pictures():
    found = smooth_pictures(24, 32)
    return torch.from_numpy(found).permute(0, 3, 1, 2).float() / 255


def pretraining(pictures, **changes):
    settings = {"steps": 12, "batch": 8, "rate": 1e-3, "cosine": True, "seed": 2, **changes}
    return Pretraining("face", FACE, PretrainingSettings(**settings), len(pictures),
                       lambda rows: pictures[rows])  # fmt: skip


def test_an_interrupted_training_ends_in_the_same_bytes(pictures, tmp_path):
    ends = []
    for name, stops in (("whole", ()), ("broken", (1, 5, 11))):
        for stop in (*stops, None):
            task, done = pretraining(pictures), []
            finished = train(
                task, tmp_path / name, PLAIN, progress=lambda step, _, done=done: done.append(step),
                until=lambda stop=stop, done=done: done[-1:] == [stop],
            )  # fmt: skip
            assert finished is (stop is None)
        folder = tmp_path / name / "face"
        ends.append([path.read_bytes() for path in sorted(folder.iterdir())])
    assert ends[0] == ends[1]
    rows = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == list(range(1, 13))


def test_a_training_that_comes_apart_stops_and_keeps_its_last_good_state(pictures, tmp_path):
    train(pretraining(pictures), tmp_path, PLAIN, until=iter([False, True]).__next__)
    kept = (tmp_path / "face" / "checkpoint.safetensors").read_bytes()
    broken = pretraining(pictures * torch.nan)
    with pytest.raises(TrainingError, match="face: step 2 gives no number for prior"):
        train(broken, tmp_path, PLAIN)
    assert (tmp_path / "face" / "checkpoint.safetensors").read_bytes() == kept


def test_every_epoch_shows_every_picture_once(pictures):
    task = Pretraining("x", FACE, PretrainingSettings(steps=9, batch=8, flip=False), 24,
                       lambda rows: rows)  # fmt: skip
    seen = [row for step in range(6) for row in task.batch(step, slice(None)).pictures.tolist()]
    assert sorted(seen[:24]) == sorted(seen[24:]) == list(range(24))
    assert seen[:24] != seen[24:]
    parts = [task.batch(3, slice(rank, None, 2)).pictures.tolist() for rank in (0, 1)]
    assert sorted(parts[0] + parts[1]) == sorted(task.batch(3, slice(None)).pictures.tolist())


def test_a_vae_learns_to_give_back_what_it_sees(pictures, tmp_path):
    task = pretraining(
        pictures,
        steps=500,
        rate=3e-3,
        flip=False,
        extras=Extras(pixels=1.0, features=0.0, adversary=0.0, first_log_var=-6.0),
    )
    train(task, tmp_path, PLAIN)
    vae = task.vae.eval()
    with torch.inference_mode():
        error = (vae(pictures) - pictures).pow(2).mean()
    assert error < 0.5 * pictures.var()  # half of what a plain mean picture leaves unexplained


def test_the_papers_schedule_drops_to_a_tenth_twice():
    settings = PretrainingSettings()
    third = settings.steps // 400
    rates = [share_of_rate(settings, third * epoch) for epoch in (0, 149, 151, 299, 301, 399)]
    assert rates == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01])


def test_miens_own_schedule_warms_up_and_falls_along_a_cosine():
    settings = PretrainingSettings(steps=1000, cosine=True)  # 20 steps warm up
    rates = [share_of_rate(settings, step) for step in (0, 9, 250, 500, 750, 999)]
    fallen = [0.5 + 0.5 * math.cos(math.pi * share) for share in (0, 0.009, 0.25, 0.5, 0.75, 0.999)]
    warm = [1 / 20, 10 / 20, 1, 1, 1, 1]
    assert rates == pytest.approx([a * b for a, b in zip(warm, fallen, strict=True)])


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Eight people, three emotions; faces and voices are noise around a code of the emotion."""
    rng = np.random.default_rng(3)
    emotions = ("neutral", "happy", "angry")
    people = np.repeat(np.arange(8), 6)
    labels = {
        "actor": people, "gender": people % 2, "emotion": np.tile([0, 1, 2, 0, 1, 2], 8),
        "m": np.ones(48), "part": np.where(people < 6, 0, 2), "group": np.zeros(48),
    }  # fmt: skip
    codes = smooth_pictures(3, 32)
    faces = np.clip(codes[labels["emotion"]] * 0.6 + rng.uniform(0, 90, (48, 1, 1, 3)), 0, 255)
    voices = rng.integers(0, 40, (48, 32, 32)) + 20 * labels["emotion"][:, None, None]
    path = tmp_path_factory.mktemp("data") / "data.safetensors"
    sha = save_data(
        path, coding.encode(faces.astype(np.uint8)), Labels(**labels),
        voices.astype(np.uint8), Labels(**labels), emotions, licence="CC0-1.0",
    )  # fmt: skip
    found = load_data(path)
    assert found.facts == {"licence": "CC0-1.0", "sha256": sha}
    np.testing.assert_array_equal(found.voices, voices)
    assert np.abs(found.faces - faces).mean() < 4
    return found


def people(n, seed):
    """Latents of n people in three emotions: a code of the emotion, one of the person, noise."""
    generator = torch.Generator().manual_seed(seed)
    draw = lambda *shape: torch.randn(*shape, generator=generator)  # noqa: E731
    who, emotion = torch.arange(n).repeat_interleave(3), torch.arange(3).repeat(n)
    codes = 2 * torch.randn(3, 12, generator=torch.Generator().manual_seed(9))
    mu = codes[emotion] + draw(n, 12)[who] + 0.1 * draw(3 * n, 12)
    ones = torch.ones(3 * n)
    return Latents(mu, -2 * torch.ones_like(mu), who, who % 2, emotion, ones, ones.long(),
                   ("neutral", "happy", "angry"))  # fmt: skip


@pytest.mark.parametrize("way", list(Way))
def test_a_context_moves_the_class_of_a_face(tmp_path, way):
    faces, voices = people(40, 1), people(40, 2)
    head = HeadStart(faces, ShiftingSettings(steps=120, batch=64, rate=0.05))
    train(head, tmp_path, PLAIN)
    before = head.head.weight.detach().clone()
    task = Shifting(faces, voices, head.head,
                    ShiftingSettings(way=way, steps=200, batch=64, rate=0.02))  # fmt: skip
    train(task, tmp_path, PLAIN)
    assert torch.equal(head.head.weight, before) is (way is not Way.PAPER)
    new, heard = people(40, 3), people(40, 4)  # the same emotions, other people
    neutral = torch.arange(0, 120, 3)
    for emotion in (1, 2):
        context = heard[neutral + emotion]
        moved = shifted(new[neutral], task.can(context, new[neutral]))
        found = task.head(moved.mu).argmax(1)
        if way is not Way.PAPER:  # which never sees a neutral face in an emotional context
            assert (found == emotion).float().mean() > 0.9
        if way is Way.PAIRED:
            apart, still = ((mu - new.mu[neutral + emotion]).norm(dim=1).mean()
                            for mu in (moved.mu, new.mu[neutral]))  # fmt: skip
            assert apart < 0.6 * still


def test_expressions_that_people_were_not_shown_in_weaken_no_shift(tmp_path):
    """Everybody lacks one of two expressions; shifts of new people are as long as true changes."""
    whole, voices = people(80, 1), people(80, 2)
    lacking = 1 + whole.actor // 2 % 2
    faces = whole.only(torch.nonzero(whole.emotion != lacking)[:, 0])
    head = HeadStart(faces, ShiftingSettings(steps=120, batch=64, rate=0.05))
    train(head, tmp_path, PLAIN)
    task = Shifting(faces, voices, head.head,
                    ShiftingSettings(way=Way.PAIRED, steps=300, batch=64, rate=0.02))  # fmt: skip
    shown = task.batch(0, slice(None)).shown
    assert shown.any()
    assert not shown.all()
    train(task, tmp_path, PLAIN)
    new, heard = people(80, 3), people(80, 4)
    neutral = torch.arange(0, 240, 3)
    for emotion in (1, 2):
        change = (new.mu[neutral + emotion] - new.mu[neutral]).mean(0)
        moved = shifted(new[neutral], task.can(heard[neutral + emotion], new[neutral]))
        covered = ((moved.mu - new.mu[neutral]) @ change).mean() / change.square().sum()
        assert 0.85 < covered < 1.15


@pytest.mark.parametrize("way", [Way.PAPER, Way.PAIRED])
def test_the_rate_of_shifts_falls_along_a_cosine_if_that_is_asked(way):
    faces, voices = people(40, 1), people(40, 2)
    engine = Engine(Fabric(accelerator="cpu", devices=1, precision="32-true"))
    for cosine in (False, True):
        settings = ShiftingSettings(way=way, steps=100, batch=8, rate=0.02, cosine=cosine)
        task = Shifting(faces, voices, torch.nn.Linear(12, 3), settings)
        rates = []
        for step in range(settings.steps):
            task.update(task.batch(step, slice(None)), step, engine)
            rates.append({g["lr"] for o in task.optimisers.values() for g in o.param_groups})
        wanted = 0.02 * (1 + np.cos(np.pi * np.arange(100) / 100)) / 2
        wanted[0] /= 2  # 2 % of warming up
        found = [one for (one,) in rates]  # the same for CAN and, if it learns, the head
        assert found == pytest.approx(list(wanted) if cosine else [0.02] * 100)


@pytest.mark.parametrize("tuned", [True, False])
def test_only_tuned_last_layers_learn_to_hear_what_the_first_ones_kept(tmp_path, tuned):
    faces, voices = people(40, 1), people(40, 2)
    deaf = torch.nn.Module()  # the last two layers of an encoder that pass on nothing yet
    deaf.mu, deaf.log_var = torch.nn.Linear(12, 12), torch.nn.Linear(12, 12)
    deaf.end = lambda features: Encoder.end(deaf, features)
    for layer in (deaf.mu, deaf.log_var):
        torch.nn.init.zeros_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    silent = replace(voices, mu=torch.zeros_like(voices.mu), features=voices.mu)
    head = HeadStart(faces, ShiftingSettings(steps=120, batch=64, rate=0.05))
    train(head, tmp_path, PLAIN)
    settings = ShiftingSettings(way=Way.FIXED_HEAD, steps=200, batch=64, rate=0.02, fine_tune=tuned)
    task = Shifting(faces, silent, head.head, settings, deaf)
    train(task, tmp_path, PLAIN)
    new, heard = people(40, 3), people(40, 4)
    neutral = torch.arange(0, 120, 3)
    right = []
    for emotion in (1, 2):
        context = deaf.end(heard.mu[neutral + emotion])
        moved = shifted(new[neutral], task.can(context, new[neutral]))
        right.append((task.head(moved.mu).argmax(1) == emotion).float().mean())
    assert bool(sum(right) / 2 > 0.9) is tuned
    assert bool(deaf.mu.weight.any()) is tuned


def test_pairs_are_of_one_actor_and_of_the_emotion_that_is_asked_for():
    faces, voices = people(40, 1), people(30, 2)  # ten never speak
    voices = replace(voices, mu=torch.arange(90.0)[:, None].expand(90, 12))
    for way in Way:
        head = torch.nn.Linear(12, 3)
        task = Shifting(faces, voices, head, ShiftingSettings(way=way, batch=200))
        pairs = task.batch(7, slice(None))
        voice = pairs.context.mu[:, 0].long()
        assert torch.equal(voices.emotion[voice], pairs.emotion)
        face = (pairs.face.mu[:, None] == faces.mu[None]).all(2).int().argmax(1)
        who = faces.actor[face]
        assert torch.equal(voices.actor[voice][who < 30], who[who < 30])
        assert torch.equal(voices.gender[voice], faces.gender[face])
        neutral = faces.emotion[face] == 0
        if way is Way.PAPER:
            assert torch.equal(faces.emotion[face], pairs.emotion)
        else:
            assert neutral.all()
            assert len(pairs.emotion.unique()) == 3


def test_making_latents_leaves_the_network_as_it_was(data):
    face, voice = Vae(FACE).train(), Vae(replace(FACE, channels=1))
    before = {name: t.clone() for name, t in face.state_dict().items()}
    found = face_latents(data, face.encoder, "train")
    assert len(found) == len(voice_latents(data, voice.encoder, "train")) == 36
    assert found.mu.shape == (36, 12)
    assert face.encoder.training
    assert all(torch.equal(t, before[name]) for name, t in face.state_dict().items())


def test_one_command_leads_from_data_to_a_model_that_makes_pictures(data, tmp_path):
    few = PretrainingSettings(steps=6, batch=8, extras=Extras(pixels=1.0))
    shift = ShiftingSettings(way=Way.PAIRED, steps=6, batch=8)
    recipe = Recipe(
        ContextFaceSettings(FACE, replace(FACE, channels=1), MelSettings(bins=32, frames=32),
                            data.emotions),
        few, replace(few, flip=False), shift, shift,
    )  # fmt: skip
    recipe = replace(recipe, polish=replace(few, steps=3, seed=5))
    path = learn(data, tmp_path / "a", recipe, PLAIN)
    first, second = (
        load_file(tmp_path / "a" / stage / "checkpoint.safetensors") for stage in ("face", "polish")
    )
    moved = first["network/vae/decoder.grow.weight"] - second["network/vae/decoder.grow.weight"]
    assert 0 < moved.abs().max() < 0.01  # it went on from there
    again = learn(data, tmp_path / "b", recipe, PLAIN)
    assert path.read_bytes() == again.read_bytes()
    network, weights = load_model(path)
    assert weights.facts["licence"] == "CC0-1.0"
    assert weights.facts["data_sha256"] == data.facts["sha256"]
    assert training_of(weights)["shift"]["way"] == "paired"
    face = network.encode_faces(data.pictures(np.arange(3)))
    context = network.encode_contexts(data.spectrograms(np.arange(3)))
    series = network.series(face, context, (0.0, 0.5, 1.0))
    assert series.shape == (3, 3, 3, 32, 32)
    assert torch.isfinite(series).all()
    save_weights(tmp_path / "odd", "context-face", {"x": torch.ones(1)}, weights.settings)
    with pytest.raises(WeightsError, match="does not fit its own settings"):
        load_model(tmp_path / "odd")


def test_a_voice_that_is_moved_loses_what_leaves_and_silence_enters():
    x = torch.rand(1, 40, 50) + 0.5
    still = TeachingSettings(late=5, higher=0, hidden=0)
    late = varied(x, torch.tensor([0.9999, 0.5, 0, 0, 0, 0]), still)  # by +5 frames
    assert torch.equal(late[:, :, 5:], x[:, :, :-5])
    assert not late[:, :, :5].any()
    early = varied(x, torch.tensor([0.0, 0.5, 0, 0, 0, 0]), still)
    assert torch.equal(early[:, :, :-5], x[:, :, 5:])
    hidden = varied(x, torch.tensor([0.5, 0.5, 1, 0.5, 1, 0]), TeachingSettings(hidden=8))
    assert (hidden == 0).sum() == 8 * 40 + 2 * 50 - 2 * 8
    assert torch.equal(varied(x, torch.full((6,), 0.5), TeachingSettings(late=0, hidden=0)), x)


def test_teaching_makes_emotions_of_unheard_speakers_tell_apart(tmp_path):
    generator = torch.Generator().manual_seed(4)
    emotion = torch.arange(60) % 3
    height = 2 + 3 * emotion  # each class is a stripe of its own, in noise
    x = torch.rand(60, 1, 32, 32, generator=generator)
    x[torch.arange(60), 0, height] += 0.7
    encoder = Vae(replace(FACE, channels=1)).encoder
    settings = TeachingSettings(steps=60, batch=16, late=4, higher=0, hidden=4)
    task = Teaching(encoder, settings, emotion[:40], 3, lambda rows: x[rows])
    train(task, tmp_path, PLAIN)
    encoder.eval()
    with torch.no_grad():
        found = task.head(encoder(x[40:]).mu).argmax(1)
    assert (found == emotion[40:]).float().mean() > 0.9
