"""Trainings that go on with voices alone, and voices in a small file."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: networks are not tested")
pytest.importorskip("lightning", reason="Lightning is not installed: training is not tested")

from models import coding  # noqa: E402
from models.context_face.attention import shifted  # noqa: E402
from models.context_face.data import (  # noqa: E402
    LEVELS,
    Labels,
    TrainingData,
    coded_voices,
    load_data,
    save_data,
)
from models.context_face.going_on import hear_on  # noqa: E402
from models.context_face.latents import face_latents, voice_latents  # noqa: E402
from models.context_face.learn import main  # noqa: E402
from models.context_face.network import ContextFace  # noqa: E402
from models.context_face.recipes import Recipe  # noqa: E402
from models.context_face.shifting import ShiftingSettings, Way  # noqa: E402
from models.context_face.stored import load_model, save_model, training_of  # noqa: E402
from models.context_face.teaching import Teaching, TeachingSettings  # noqa: E402
from models.training import RunSettings, TrainingError  # noqa: E402
from protocols.errors import UserError  # noqa: E402
from stimuli.context_faces.training import Asked  # noqa: E402
from tests.bars import EMOTIONS, SETTINGS, SIZE, drawn, people  # noqa: E402

PLAIN = RunSettings(accelerator="cpu", precision="32-true", threads=1)
STEPS = ShiftingSettings(way=Way.PAIRED, steps=250, batch=32, rate=3e-3)
RECIPE = Recipe(
    network=SETTINGS, head=replace(STEPS, way=Way.PAPER), shift=STEPS, gains=True,
    teaching=TeachingSettings(steps=80, batch=24, late=2, higher=1, hidden=4),
)  # fmt: skip


def spoken(emotion: np.ndarray, seed: int) -> np.ndarray:
    """Loud noise in which each emotion has louder bins, beside louder frames that mean nothing."""
    rng = np.random.default_rng(seed)
    bins = np.arange(SIZE)
    voices = rng.integers(20, 60, (len(emotion), SIZE, SIZE))
    place = 6 + 8 * emotion + rng.integers(-1, 2, len(emotion))
    voices += 40 * (np.abs(bins[None] - place[:, None]) < 3)[:, :, None]
    frames = rng.integers(0, SIZE - 6, len(emotion))
    voices += 30 * (np.abs(bins[None] - frames[:, None]) < 4)[:, None, :]
    return np.clip(voices, 0, LEVELS).astype(np.uint8)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """24 people of whom six validate, each with three pictures of an emotion and two voices."""
    labels = people(24)
    labels = replace(labels, part=(labels.actor >= 18).astype(np.int8))
    who, emotion = np.arange(144) // 6, np.arange(144) % 3
    heard = Labels(who, who % 2, emotion, np.ones(144), who >= 18, np.zeros(144))
    path = tmp_path_factory.mktemp("data") / "faces.safetensors"
    save_data(path, coding.encode(drawn(labels)), labels, spoken(emotion, 1), heard, EMOTIONS,
              licence="mine")  # fmt: skip
    return load_data(path)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    path = tmp_path_factory.mktemp("finished") / "weights.safetensors"
    made = ContextFace(SETTINGS, seed=4)
    made.face.encoder.mu.weight.data *= 500  # as far apart as latents are that were learned
    save_model(path, made, licence="CC0-1.0", data_sha256="abc",
               training='{"recipe": "old", "shift": {"steps": 9}}')  # fmt: skip
    return path


def heard_as_meant(network: ContextFace, data: TrainingData) -> float:
    """The share of voices of people who validate that the head names in a shifted neutral face."""
    faces = face_latents(data, network.face.encoder, "validation")
    voices = voice_latents(data, network.context.encoder, "validation")
    neutral = faces.neutral[torch.arange(len(voices)) % len(faces.neutral)]
    with torch.inference_mode():
        moved = shifted(faces[neutral], network.can(voices[torch.arange(len(voices))],
                                                    faces[neutral]))  # fmt: skip
        return float((network.head(moved.mu).argmax(1) == voices.emotion).float().mean())


def test_voices_are_taught_and_faces_stay(data, finished, tmp_path):
    path = hear_on(data, tmp_path / "a", finished, RECIPE, PLAIN)
    network, weights = load_model(path)
    before, _ = load_model(finished)
    assert heard_as_meant(before.eval(), data) < 0.6
    assert heard_as_meant(network.eval(), data) > 0.9
    own, old = network.state_dict(), before.state_dict()
    for name, values in own.items():
        if name.startswith(("face.", "composer.")):
            assert torch.equal(values, old[name]), name
    for part in ("context.encoder.stem", "context.encoder.mu", "can", "head"):
        assert any(not torch.equal(own[n], old[n]) for n in own if n.startswith(part)), part
    assert len(network.settings.gains) == len(network.settings.farthest) == 3
    assert weights.facts["licence"] == "CC0-1.0 and mine"
    assert weights.facts["data_sha256"] == "abc"
    assert weights.facts["hearing_data_sha256"] == data.facts["sha256"]
    told = training_of(weights)
    assert told["teaching"]["steps"] == 80
    assert told["heard before"] == [{"shift": {"steps": 9}, "data_sha256": "abc"}]
    assert told["recipe"] == "old"

    def ctrl_c(self, batch, step, engine, update=Teaching.update):
        if step == 30:
            raise KeyboardInterrupt
        return update(self, batch, step, engine)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Teaching, "update", ctrl_c)
        with pytest.raises(KeyboardInterrupt):
            hear_on(data, tmp_path / "b", finished, RECIPE, PLAIN)
    again = hear_on(data, tmp_path / "b", finished, RECIPE, PLAIN)
    assert again.read_bytes() == path.read_bytes()
    with pytest.raises(TrainingError, match="another training has begun there"):
        hear_on(data, tmp_path / "b", finished, replace(RECIPE, gains=False), PLAIN)


def test_what_cannot_go_on_is_one_clear_line(data, finished, tmp_path, capsys):
    with pytest.raises(TrainingError, match="teaches no voices; take the recipe shipped"):
        hear_on(data, tmp_path, finished, replace(RECIPE, teaching=None), PLAIN)
    other = replace(data, emotions=("neutral", "happy", "sad"))
    with pytest.raises(TrainingError, match="of neutral, happy, angry; the data show neutral, hap"):
        hear_on(other, tmp_path, finished, RECIPE, PLAIN)
    short = replace(data, voices=data.voices[:, :16])
    with pytest.raises(TrainingError, match=f"of {SIZE} × {SIZE}; the data, 16 × {SIZE}"):
        hear_on(short, tmp_path, finished, RECIPE, PLAIN)
    with pytest.raises(UserError, match="--from and --voices: give one of them"):
        Asked(start=finished, voices=finished)
    with pytest.raises(UserError, match="--voices: the recipe paper teaches no voices"):
        Asked(voices=finished, recipe="paper")
    with pytest.raises(UserError, match="--polish: --voices has no polish"):
        Asked(polish=3, voices=finished)
    with pytest.raises(SystemExit):
        main(["x", "-o", str(tmp_path), "--voices", "a", "--polish", "3"])
    assert "--polish: not allowed with argument --voices" in capsys.readouterr().err


def test_coded_voices_come_back_near_and_in_less_than_half_of_the_bytes(tmp_path):
    """Harmonics that glide, with breath, and silence: as near as the comment of COARSER says."""
    rng = np.random.default_rng(2)
    n, bins, frames = 70, np.arange(128)[:, None], np.arange(128)
    glide = 3 * np.sin(frames / 20)[None] * rng.uniform(0.5, 1, (n, 1, 1))
    waves = 70 + 12 * np.cos(2 * np.pi * (bins[None] - glide) / 9) - 0.3 * bins
    waves = (waves + rng.normal(0, 2, (n, 128, 128))) * (np.abs(frames - 50) < 45)
    voices = np.clip(np.rint(waves), 0, LEVELS).astype(np.uint8)
    labels = Labels(*(np.zeros(n) for _ in range(6)))
    faces = coding.encode(np.zeros((n, 16, 16, 3), np.uint8))
    sizes, found = {}, {}
    for name, given in (("whole", voices), ("coded", coded_voices(voices))):
        path = tmp_path / name
        save_data(path, faces, labels, given, labels, EMOTIONS)
        sizes[name], found[name] = path.stat().st_size, load_data(path).voices
    np.testing.assert_array_equal(found["whole"], voices)
    assert found["coded"].shape == voices.shape
    assert found["coded"].max() <= LEVELS
    apart = found["coded"].astype(float) - voices
    assert np.sqrt((apart**2).mean()) < 2.2
    assert not found["coded"][:, :, 104:120].any()  # silence stays silence
    assert sizes["coded"] < 0.5 * sizes["whole"]


def test_grey_pictures_are_the_luma_of_coloured_ones():
    rng = np.random.default_rng(3)
    grey = (rng.integers(0, 8, (3, 16, 32, 1)) * 4 + 60).astype(np.uint8)
    for coarser in (1.0, 1.6):
        back = coding.decode_all(coding.encode(grey, coarser), coarser)
        coloured = np.repeat(grey, 3, 3)
        both = coding.decode_all(coding.encode(coloured, coarser), coarser)
        assert np.abs(both.astype(int) - back).max() <= 1
    with pytest.raises(ValueError, match="give uint8"):
        coding.encode(grey[..., 0][..., None].repeat(2, 3))
