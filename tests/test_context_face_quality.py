"""How the pictures of context-face networks are judged: closed forms, identities, stub decoders."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.stats import mannwhitneyu

torch = pytest.importorskip("torch", reason="PyTorch is not installed: networks are not tested")

from models.context_face.attention import Offsets, at_levels  # noqa: E402
from models.context_face.network import ContextFace  # noqa: E402
from models.context_face.quality import Region, psnr, ssim, ssim_map  # noqa: E402
from models.context_face.settings import ContextFaceSettings, MelSettings, VaeSettings  # noqa: E402
from models.context_face.stored import save_model  # noqa: E402
from models.context_face.vae import Latent  # noqa: E402
from protocols.errors import UserError  # noqa: E402
from stimuli.actors.cast import actor  # noqa: E402
from stimuli.actors.facs import weights  # noqa: E402
from stimuli.actors.portrait import Studio  # noqa: E402
from stimuli.context_faces.evaluation import (  # noqa: E402
    contrast,
    hearing,
    identity,
    judging,
    reconstruction,
)
from stimuli.context_faces.evaluation import held_out as held_outs  # noqa: E402
from stimuli.context_faces.evaluation import pictures as command  # noqa: E402
from stimuli.context_faces.evaluation import pictures_part as parts  # noqa: E402
from stimuli.context_faces.evaluation import series as m_series  # noqa: E402
from stimuli.context_faces.evaluation.held_out import Drawn, HeldOut, held_out  # noqa: E402
from stimuli.context_faces.evaluation.judging import ACTIONS, Judge, Sights  # noqa: E402
from stimuli.context_faces.evaluation.part import Figure, Table  # noqa: E402
from stimuli.context_faces.evaluation.resampling import interval, ratio  # noqa: E402
from stimuli.context_faces.faces import DRAWN, cropped  # noqa: E402
from stimuli.context_faces.poses import EMOTIONS  # noqa: E402
from stimuli.corpora.arrays.settings import ArraySettings  # noqa: E402
from stimuli.faces.detector import Face  # noqa: E402
from stimuli.faces.expression import MODEL, WORDS  # noqa: E402
from stimuli.faces.weights import load  # noqa: E402

TINY = ContextFaceSettings(
    face=VaeSettings(widths=(4, 4, 4, 4, 4), latent=8, stem_stride=2),
    context=VaeSettings(channels=1, widths=(2, 2, 2, 2, 2), latent=8, stem_stride=2),
)
LEVELS, HAPPY, ANGRY = m_series.LEVELS, EMOTIONS.index("happy"), EMOTIONS.index("angry")


def test_a_constant_difference_has_the_psnr_of_its_size():
    x = torch.rand(2, 3, 32, 32, dtype=torch.float64) * 0.5
    assert psnr(x, x + 0.1).tolist() == pytest.approx([20.0, 20.0])
    assert torch.isinf(psnr(x, x)).all()


def test_noise_in_a_box_counts_in_that_box_alone():
    x, box = torch.zeros(1, 3, 64, 64), Region(0.25, 0.5, 0.75, 1.0)
    y = x.clone()
    y[:, :, 32:, 16:48] = 0.2
    assert float(psnr(x, y, box)) == pytest.approx(-20 * math.log10(0.2), abs=1e-4)
    assert float(psnr(x, y)) == pytest.approx(-10 * math.log10(0.04 / 4), abs=1e-4)
    assert torch.isinf(psnr(x, y, Region(0.0, 0.0, 1.0, 0.5)))
    assert float(ssim(x, y, Region(0.0, 0.0, 1.0, 0.25))) == pytest.approx(1)
    assert float(ssim(x, y, box)) < 0.9


def test_flat_pictures_have_the_ssim_of_their_means():
    a, b, c1 = 0.3, 0.5, 0.01**2
    x, y = torch.full((1, 3, 20, 20), a), torch.full((1, 3, 20, 20), b)
    assert float(ssim(x, y)) == pytest.approx((2 * a * b + c1) / (a * a + b * b + c1), abs=1e-6)
    assert float(ssim(x, x)) == 1


def test_a_picture_and_its_negative_have_opposite_structure():
    x = (torch.randn(1, 1, 40, 40, dtype=torch.float64) * 0.1 + 0.5).expand(-1, 3, -1, -1)
    assert float(ssim(x, 1 - x)) < -0.8  # equal means, covariance of the other sign


def test_ssim_is_that_of_a_filter_by_scipy():
    rng = np.random.default_rng(5)
    x, y = rng.random((2, 3, 48, 40))
    a, b = (np.tensordot([0.299, 0.587, 0.114], p, 1) for p in (x, y))

    def mean(z):
        return gaussian_filter(z, 1.5, truncate=5 / 1.5)[5:-5, 5:-5]

    covariance = mean(a * b) - mean(a) * mean(b)
    variances = mean(a * a) - mean(a) ** 2 + mean(b * b) - mean(b) ** 2
    light = (2 * mean(a) * mean(b) + 1e-4) / (mean(a) ** 2 + mean(b) ** 2 + 1e-4)
    expected = light * (2 * covariance + 9e-4) / (variances + 9e-4)
    found = ssim_map(*(torch.from_numpy(p)[None] for p in (x, y)))[0].numpy()
    np.testing.assert_allclose(found, expected, atol=1e-10)


def people(actors=2, sentences=2, size=128):
    rng = np.random.default_rng(7)
    return HeldOut(
        tuple(actor(f"{29 + i}") for i in range(actors)),
        rng.integers(0, 256, (actors, len(EMOTIONS), size, size, 3), np.uint8),
        rng.integers(0, 101, (actors, sentences, len(EMOTIONS), 128, 128), np.uint8),
        rng.integers(0, 256, (actors, 2, 3, size, size, 3), np.uint8),
    )


class Cards:
    """A judge that reads brightness: valence of grey 0 to 255 is about -0.6 to 0.8."""

    def __init__(self, workers=1):
        assert workers == 1

    def see(self, pictures, *, identity=False, progress=None):
        bright = pictures.mean((-1, -2, -3)) / 255
        said = np.zeros((*bright.shape, len(WORDS)))
        said[..., WORDS.index("happy")] = bright
        said[..., WORDS.index("angry")] = 1 - bright
        actions = np.repeat(bright[..., None], len(ACTIONS), -1)
        known = np.zeros((*bright.shape, 2)) + bright[..., None] if identity else actions[..., :0]
        noise = np.random.default_rng(1).normal(0, 0.01, (*bright.shape, 2))
        points = np.stack([bright, 0 * bright], -1) + noise
        return Sights(said, actions, known, points)


class Painter(ContextFace):
    """Latent: the grey of a picture; a happy voice adds to it, an angry one takes from it."""

    def encode_faces(self, faces, *args, **kwargs):
        grey = faces.mean((1, 2, 3))[:, None]
        return Latent(grey, torch.zeros_like(grey))

    def encode_contexts(self, spectrograms, *args, **kwargs):
        emotion = torch.arange(len(spectrograms))[:, None] % len(EMOTIONS)
        return Latent(emotion.float(), torch.zeros(len(emotion), 1))

    def shift(self, face, context):
        moved = 0.2 * (context.mu == HAPPY).float() - 0.1 * (context.mu == ANGRY).float()
        return Offsets(moved, torch.zeros_like(moved))

    def series(self, face, context, levels, *args, **kwargs):
        z = at_levels(face.mu, self.shift(face, context).mu, torch.tensor(levels))
        return self.decode(z.flatten(0, 1)).unflatten(0, (len(z), len(levels)))

    def decode(self, z, *args, **kwargs):
        return z[:, :, None, None].expand(-1, 3, 128, 128)


def grey_people(happy=0.8, angry=0.3):
    """Faces of one grey each: neutral 0.5."""
    held = people()
    grey = np.full(len(EMOTIONS), 0.5)
    grey[HAPPY], grey[ANGRY] = happy, angry
    faces = np.rint(grey * 255).astype(np.uint8)[None, :, None, None, None]
    shares = np.array([0.25, 0.5, 0.75])[None] * np.array([[happy - 0.5], [angry - 0.5]]) + 0.5
    graded = np.rint(shares * 255).astype(np.uint8)[None, :, :, None, None, None]
    return HeldOut(
        held.actors, np.broadcast_to(faces, held.faces.shape).copy(), held.voices,
        np.broadcast_to(graded, held.graded.shape).copy(),
    )  # fmt: skip


@pytest.fixture(scope="module")
def painter():
    network = Painter(TINY)
    network.head = torch.nn.Linear(1, len(EMOTIONS))
    return network


def test_a_judge_looks_at_a_picture_once(monkeypatch):
    looked = []

    class Look:
        words = dict.fromkeys(WORDS, 1 / 7)
        measures = dict.fromkeys(ACTIONS, 0.0)
        descriptor = np.ones(128)
        face = Face(np.zeros(4), 1.0, np.random.default_rng(1).random((68, 2)))

    monkeypatch.setattr(judging, "look", lambda pixels: looked.append(pixels) or Look())
    judge, picture = Judge(), people().faces
    sights = judge.see(picture[:, :3], identity=True)
    assert len(looked) == 6
    judge.see(np.concatenate([picture, picture]))
    assert len(looked) == picture.shape[0] * picture.shape[1]
    assert sights.said.shape == (2, 3, 7)
    assert sights.actions.shape == (2, 3, len(ACTIONS))
    assert sights.descriptors.shape == (2, 3, 128)
    assert sights.points.shape == (2, 3, 136)
    assert sights.valence == pytest.approx(judging.PLEASURE.mean())


def test_levels_of_an_untrained_model_begin_at_its_reconstruction_in_every_voice():
    held = people()
    network = ContextFace(TINY, seed=2).eval()
    series = m_series.shift(network, held)
    assert series.pictures.shape == (2, 2, 7, len(LEVELS), 128, 128, 3)
    made = reconstruction.reconstruct(network, held.faces)[:, m_series.NEUTRAL]
    first = series.pictures[:, :, :, 0].astype(int)
    assert abs(first - made[:, None, None]).max() <= 1  # rounded from batches of another size
    assert (series.head[..., 0] == series.head[:, :1, :, :1, ...][..., 0]).all()
    assert (series.head > 0).all()


def test_a_linear_decoder_gives_even_steps_and_the_expected_share(painter):
    held = grey_people()
    series = m_series.shift(painter, held)
    sights, originals = Cards().see(series.pictures), Cards().see(held.faces)
    found = m_series.verdict(series, sights, originals)
    assert found.rises
    assert found.falls
    assert found.sure == 2 * (len(LEVELS) - 1)
    assert found.same == 0
    slope = Sights(np.eye(7), *3 * [np.empty(0)]).valence  # of each word
    slope = slope[WORDS.index("happy")] - slope[WORDS.index("angry")]
    np.testing.assert_allclose(found.steps[0], 0.05 * slope, atol=0.005 * slope)
    np.testing.assert_allclose(found.steps[1], -0.025 * slope, atol=0.005 * slope)
    assert found.apart == pytest.approx(0.3 / 0.5, abs=0.01)
    assert found.low <= found.apart <= found.high
    assert found.actors_right == 1
    wanted = slope * np.array(LEVELS)
    beside = contrast.contrast(sights, originals, Cards().see(held.graded))
    assert beside["m"].tolist() == list(LEVELS)
    np.testing.assert_allclose(beside["apart"], 0.3 * wanted, atol=0.006)
    np.testing.assert_allclose(beside["true"], 0.5 * wanted, atol=0.006)
    np.testing.assert_allclose(beside["apart, share"], LEVELS, atol=0.02)
    assert (beside["low"] <= beside["apart"]).all()
    assert (beside["apart"] <= beside["high"]).all()
    assert beside["people"].tolist()[2:] == [0.37, 0.51, 0.73]
    table = m_series.by_level(series, sights).set_index(["context", "m"])
    assert table.loc[("happy", 1.0), "judge"] == pytest.approx(0.7, abs=0.005)
    assert table.loc[("sad", 1.0), "valence"] == table.loc[("sad", 0.0), "valence"]
    done = m_series.actions(sights, originals).set_index(["context", "action"])
    assert done.loc[("happy", "mouth_corners_up"), "actors"] == 1
    assert done.loc[("happy", "mouth_corners_up"), "share"] == pytest.approx(0.2 / 0.3, abs=0.02)
    assert done.loc[("angry", "brow_inner_up"), "share"] == pytest.approx(0.5, abs=0.03)
    assert done.loc[("surprised", "mouth_open"), "actors"] == 0  # nothing moved: no sign


@pytest.mark.parametrize("own", ["neutral", "calm"])
def test_voices_are_counted_by_what_the_head_names(own):
    """Bright is happy to it, dark angry, grey neutral (or a class of its own), whatever is said."""
    network = Painter(replace(TINY, emotions=(own, *EMOTIONS[1:])))
    network.head = torch.nn.Linear(1, len(EMOTIONS))
    with torch.no_grad():
        network.head.weight.zero_()
        network.head.bias.fill_(-9)
        network.head.bias[0] = 0
        for row, slope, edge in ((HAPPY, 20, 0.6), (ANGRY, -20, 0.45)):
            network.head.weight[row], network.head.bias[row] = slope, -slope * edge
    table = hearing.heard(m_series.shift(network, grey_people())).set_index("context")
    assert (table.voices[:-1] == 4).all(), "two actors, two sentences"
    assert table.loc["happy", ["right", "happy", "angry"]].tolist() == [1, 4, 0]
    assert table.loc["angry", ["right", "happy", "angry"]].tolist() == [1, 0, 4]
    grey = 4 * (own == "neutral")
    assert table.loc["neutral", ["right", "neutral"]].tolist() == [grey / 4, grey]
    assert table.loc["sad", ["right", "neutral", "sad"]].tolist() == [0, grey, 0]
    assert table.loc["all", ["voices", "neutral"]].tolist() == [28, 5 * grey]
    assert table.loc["all", "right"] == pytest.approx((8 + grey) / 28)
    assert hearing.in_words(table.reset_index()).startswith(f"of 28 voices {(8 + grey) / 28:.3f} ")


def test_a_model_that_goes_the_wrong_way_is_told_so(painter, monkeypatch):
    held = grey_people()
    kind = type(painter)
    right = kind.shift
    monkeypatch.setattr(
        kind, "shift", lambda self, f, c: Offsets(*(-part for part in right(self, f, c)))
    )
    series = m_series.shift(painter, held)
    found = m_series.verdict(series, Cards().see(series.pictures), Cards().see(held.faces))
    assert not found.rises
    assert not found.falls
    assert found.sure == 0
    assert found.apart == pytest.approx(-0.6, abs=0.01)
    assert found.actors_right == 0


def test_accuracy_kept_is_counted_for_each_emotion_and_group():
    words = np.tile([WORDS.index(e) for e in EMOTIONS], (2, 1))
    before, after = words.copy(), words.copy()
    before[1, HAPPY] = after[1, HAPPY] = WORDS.index("sad")  # wrong before and after
    after[0, ANGRY] = WORDS.index("sad")  # lost

    def sights(said):
        return Sights(np.eye(7)[said], *3 * [np.empty((2, 7, 0))])

    table = reconstruction.judged(sights(before), sights(after)).set_index("emotion")
    columns = ["originals", "reconstructions", "kept", "same"]
    assert table.loc["happy", columns].tolist() == [0.5, 0.5, 1, 1]
    assert table.loc["angry", columns].tolist() == [1, 0.5, 0.5, 0.5]
    assert table.loc["all", columns].tolist() == pytest.approx([13 / 14, 12 / 14, 12 / 13, 13 / 14])
    assert table.loc["all", "low"] < 12 / 13 < table.loc["all", "high"]
    groups = reconstruction.judged_by_group(people().actors, sights(before), sights(after))
    assert set(groups.factor) == {"gender", "age", "origin", "skin"}
    assert (groups.groupby("factor").actors.sum() == 2).all()


def test_the_same_pictures_are_the_same_people():
    rng = np.random.default_rng(3)
    neutral = rng.standard_normal((6, 128))
    row = identity.kept("same", np.repeat(neutral[:, None], 3, 1), neutral)
    assert (row["nearest"], row["pairs"], row["auc"], row["own"]) == (1, 1, 1, 0)
    swapped = identity.kept("swapped", np.roll(neutral, 1, 0)[:, None], neutral)
    assert swapped["nearest"] == 0
    near = neutral[:, None] + 0.8 * rng.standard_normal((6, 5, 128))
    far = np.linalg.norm(near[:, :, None] - neutral, axis=-1)
    own = np.stack([far[a, :, a] for a in range(6)]).ravel()
    others = np.concatenate([np.delete(far[a], a, 1).ravel() for a in range(6)])
    expected = mannwhitneyu(others, own).statistic / (len(own) * len(others))
    row = identity.kept("near", near, neutral)
    assert row["auc"] == pytest.approx(expected)
    closer = [far[a, k, a] < far[a, k, b]
              for a in range(6) for k in range(5) for b in range(6) if b != a]  # fmt: skip
    assert row["pairs"] == pytest.approx(np.mean(closer))


def test_everybody_alike_is_nobodys_likeness():
    row = identity.kept("alike", np.zeros((4, 2, 128)), np.zeros((4, 128)))
    assert (row["nearest"], row["pairs"], row["auc"]) == (0, 0, 0.5)


def test_intervals_over_actors_are_those_of_a_mean():
    values = np.random.default_rng(1).normal(5, 2, 200)
    low, high = interval(values)
    half = 1.96 * values.std(ddof=1) / math.sqrt(200)
    assert (float(low), float(high)) == pytest.approx((values.mean() - half, values.mean() + half),
                                                      abs=0.05)  # fmt: skip
    assert ratio(np.array([[[1.0, 2.0], [2.0, 4.0]]])).tolist() == [0.5]
    assert np.isnan(ratio(np.zeros((1, 3, 2)))).all()


def test_true_pictures_between_neutral_and_full_take_even_steps():
    held = grey_people()
    found = m_series.true_steps(Cards().see(held.faces), Cards().see(held.graded))
    grey = np.rint(255 * (0.5 + np.outer([0.3, -0.2], LEVELS))) / 255
    pleasure = dict(zip(WORDS, judging.PLEASURE, strict=True))
    wanted = np.diff(grey) * (pleasure["happy"] - pleasure["angry"])
    np.testing.assert_allclose(found, wanted, atol=1e-9)


def test_models_stand_side_by_side_in_every_table(painter, monkeypatch):
    monkeypatch.setattr(parts, "Judge", Cards)
    part = parts.pictures_part(
        {"paper": ContextFace(TINY, seed=2).eval(), "paired": painter}, grey_people()
    )
    tables = {block.name: block.frame for block in part.blocks if isinstance(block, Table)}
    for name, table in tables.items():
        assert table.model.unique().tolist() == ["paper", "paired"], name
    verdict = tables["series-verdicts"].set_index("model")
    assert verdict.loc["paired", "apart"] == pytest.approx(0.6, abs=0.01)
    near = tables["reconstruction-nearness"].set_index(["model", "region"])
    assert near.loc[("paired", "mouth"), "psnr"] > 45 > near.loc[("paper", "mouth"), "psnr"]
    each = tables["reconstruction-actors"]
    assert each.actor.tolist() == ["29", "30"] * 2
    for name, of in each.groupby("model"):
        assert of["mouth psnr"].mean() == pytest.approx(near.loc[(name, "mouth"), "psnr"])
        assert of["brows ssim"].min() == pytest.approx(near.loc[(name, "brows"), "ssim_least"])
    figures = [block for block in part.blocks if isinstance(block, Figure)]
    assert len(figures) == 2 + 1 + 2 * 3
    assert all(figure.alt and figure.png.startswith(b"\x89PNG") for figure in figures)
    assert len(part.headline) == 2 * 8 + 1


def test_a_second_judge_stands_beside_the_first(painter, monkeypatch):
    monkeypatch.setattr(parts, "Judge", Cards)
    held = grey_people()
    part = parts.pictures_part({"one": painter}, held, known=Drawn(held.faces, held.graded))
    tables = {block.name: block.frame for block in part.blocks if isinstance(block, Table)}
    verdict = tables["shape-verdicts"].set_index("model").loc["one"]
    assert verdict["happy rises"]
    assert verdict["angry falls"]
    assert verdict["apart"] == pytest.approx(0.6, abs=0.05)  # its points follow the grey
    assert set(tables["shape-judged"].pictures) == {
        "given back by the decoder", "neutral, changed"}  # fmt: skip
    assert len(part.headline) == 8 + 1 + 2 + 1
    assert "second judge" in part.headline[9]


def test_a_model_of_other_spectrograms_is_refused():
    other = ContextFaceSettings(face=TINY.face, context=TINY.context, mel=MelSettings(hop=655))
    with pytest.raises(ValueError, match="odd: a model of 128 pixels .*655"):
        parts.pictures_part({"odd": ContextFace(other)}, people())


def test_held_out_people_are_made_once(tmp_path, monkeypatch):
    drawn, heard = [], []

    def draw(person, action_weights, studio, settings):
        drawn.append(person.id)
        return np.full((128, 128, 3), round(100 * float(action_weights.max())), np.uint8)

    def hear(persons, folder, *args, **kwargs):
        heard.extend(p.id for p in persons)
        paths = [folder / f"{p.id}.npz" for p in persons]
        for path in paths:
            path.parent.mkdir(parents=True, exist_ok=True)
            voices = np.arange(14, dtype=np.uint8)[:, None, None] * np.ones((1, 4, 4), np.uint8)
            np.savez(path, voices=voices, emotion=np.tile(range(7), 2), sentence=np.zeros(14))
        return paths

    monkeypatch.setattr(held_outs, "cropped", draw)
    monkeypatch.setattr(held_outs, "hear_people", hear)
    first = held_out(tmp_path, ("29", "30"))
    again = held_out(tmp_path, ("29", "30", "31"))
    assert drawn == [name for name in ("29", "30", "31") for _ in range(7 + 6)]
    assert first.graded.shape == (2, 2, 3, 128, 128, 3)
    strength = [*first.graded[0, 0, :, 0, 0, 0].tolist(), int(first.faces[0, HAPPY, 0, 0, 0])]
    assert sorted(set(strength)) == strength  # happier and happier
    assert (again.faces[:2] == first.faces).all()
    assert first.faces.shape == (2, 7, 128, 128, 3)
    assert first.voices[0, 1, HAPPY, 0, 0] == 7 + HAPPY  # second sentence, in order of EMOTIONS
    assert again.only(2, 1).voices.shape == (2, 1, 7, 4, 4)


def test_the_command_names_what_is_wrong_in_one_line(tmp_path, capsys):
    for words in (["missing.safetensors"], ["a=x.safetensors", "a=y.safetensors"]):
        with pytest.raises(SystemExit) as end:
            command.main([*words, "-o", str(tmp_path)])
        assert "\n" not in str(end.value)
    save_model(tmp_path / "a.safetensors", ContextFace(TINY))
    with pytest.raises(UserError, match="'a' was given twice"):
        command.named([str(tmp_path / "a.safetensors")] * 2)
    assert list(command.named([f"mine={tmp_path / 'a.safetensors'}"])) == ["mine"]


def test_the_judge_sees_joy_in_a_crop_without_looking_for_the_face(tmp_path):
    try:
        load(MODEL)
    except UserError as error:
        pytest.skip(f"no weights of the face networks: {error}")
    studio, settings = Studio(size=DRAWN, supersample=2, cache_dir=tmp_path), ArraySettings()
    crops = np.stack([cropped(actor("29"), weights(emotion, 1.0), studio, settings)
                      for emotion in ("neutral", "happy")])  # fmt: skip
    sights, by_two = (Judge(workers).see(crops, identity=True) for workers in (1, 2))
    np.testing.assert_array_equal(sights.said, by_two.said)
    np.testing.assert_array_equal(sights.descriptors, by_two.descriptors)
    assert [WORDS[w] for w in sights.word] == ["neutral", "happy"]
    assert np.diff(sights.valence) > 0.2
    assert np.diff(sights.actions[:, ACTIONS.index("mouth_corners_up")]) > 0.02
    assert np.linalg.norm(np.diff(sights.descriptors, axis=0)) < 0.6
