"""Networks of Lindt et al. (2019): the paper's sizes, labels, losses, both games, and measures."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: networks are not tested")

import torch.nn.functional as F  # noqa: E402

from models.layers import begin, size_of  # noqa: E402
from models.valence_arousal import losses  # noqa: E402
from models.valence_arousal.agreement import ccc, rmse, sagr  # noqa: E402
from models.valence_arousal.critics import ImageCritic, LatentCritic  # noqa: E402
from models.valence_arousal.identity import VggFace, load_vgg_face  # noqa: E402
from models.valence_arousal.judge import Judges, JudgeSettings  # noqa: E402
from models.valence_arousal.network import LABELS, Editor  # noqa: E402
from models.valence_arousal.settings import (  # noqa: E402
    PAPER,
    PAPER_128,
    SHIPPED,
    CriticSettings,
    EditorSettings,
)
from models.valence_arousal.stages import SPREAD, begin_evenly, changing  # noqa: E402
from models.weights import WeightsError  # noqa: E402

TINY = EditorSettings(
    size=32, widths=(4, 6, 8), latent=5, enlarged=3, start=8, doubled=(8, 6, 4), drawn=(3,)
)
MIEN = replace(TINY, doubled=(8, 6), drawn=(), skips=True, warped=True)
BOTH = pytest.mark.parametrize("settings", [TINY, MIEN], ids=["paper", "mien"])


def begun(network, seed: int = 1):
    begin(network, torch.Generator().manual_seed(seed), lively=True)
    return network.eval()


def drawn(*shape: int, seed: int = 2):
    return 2 * torch.rand(*shape, generator=torch.Generator().manual_seed(seed)) - 1


def test_the_paper_s_networks_have_the_paper_s_sizes():
    with torch.device("meta"):
        editor = Editor(PAPER)
        e = [5 * 5 * i * o + o for i, o in ((3, 64), (64, 128), (128, 256), (256, 512))]
        e.append(512 * 6 * 6 * 50 + 50)
        assert size_of(editor.encoder) == sum(e) == 5_228_210
        g = [150 * 1024 * 6 * 6 + 1024 * 6 * 6]
        g += [5 * 5 * i * o + o for i, o in ((1024, 512), (512, 256), (256, 128), (128, 64))]
        g += [5 * 5 * 64 * 32 + 32, 5 * 5 * 32 * 3 + 3]
        assert size_of(editor.generator) == sum(g) == 23_029_059
        layers = [m for m in editor.generator.modules() if isinstance(m, torch.nn.ConvTranspose2d)]
        assert [layer.stride[0] for layer in layers] == [2, 2, 2, 2, 1, 1]  # section III-B
        assert [layer.stride[0] for layer in editor.encoder.layers] == 4 * [2]
        assert {m.kernel_size for m in (*layers, *editor.encoder.layers)} == {(5, 5)}
        for settings in (PAPER, PAPER_128, SHIPPED):
            made, z = Editor(settings)(
                torch.empty(2, 3, settings.size, settings.size), torch.empty(2, 7, 2)
            )
            assert made.shape == (2, 7, 3, settings.size, settings.size)
            assert z.shape == (2, 50)


def test_weights_begin_as_the_paper_says():
    editor = Editor(TINY)
    begin_evenly(editor, torch.Generator().manual_seed(3))
    weights = torch.cat([p.detach().flatten() for p in editor.parameters() if p.ndim > 1])
    assert float(weights.std()) == pytest.approx(SPREAD, rel=0.05)
    assert float(weights.mean()) == pytest.approx(0, abs=4 * SPREAD / math.sqrt(len(weights)))
    assert all((p == 0).all() for p in editor.parameters() if p.ndim == 1)
    again = Editor(TINY)
    begin_evenly(again, torch.Generator().manual_seed(3))  # whatever else is drawn in between
    for one, other in zip(editor.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)


@BOTH
def test_a_face_encoded_once_is_the_face_encoded_49_times(settings):
    editor, picture, labels = begun(Editor(settings)), drawn(3, 32, 32), drawn(49, 2, seed=3)
    with torch.no_grad():
        copies, _ = editor(picture.expand(49, -1, -1, -1), labels[:, None])
        once = editor.decode(editor.encode(picture[None]), labels[None])
    torch.testing.assert_close(once[0], copies[:, 0], atol=1e-5, rtol=0)
    torch.testing.assert_close(editor.edit(picture, labels), once[0], atol=1e-5, rtol=0)


@BOTH
def test_a_picture_has_the_same_bits_however_many_labels_are_asked_for(settings):
    editor, picture, labels = begun(Editor(settings)), drawn(3, 32, 32), drawn(LABELS + 4, 2)
    many = editor.edit(picture, labels)
    assert many.shape == (LABELS + 4, 3, 32, 32)
    for row in (0, LABELS - 1, LABELS + 3):
        assert torch.equal(editor.edit(picture, labels[row : row + 1])[0], many[row])
    assert torch.equal(editor.edit(picture, labels[3:9]), many[3:9])
    assert editor.edit(picture, labels[:0]).shape == (0, 3, 32, 32)


@BOTH
def test_pictures_stay_within_their_range_and_follow_the_label(settings):
    editor = begun(Editor(settings))
    with torch.no_grad():
        for weights in editor.parameters():
            weights *= 4  # far outside what is trained
    made = editor.edit(drawn(3, 32, 32), torch.tensor([[-1.0, 0.5], [1.0, 0.5], [1.0, -0.5]]))
    assert made.abs().max() <= 1
    assert (made[0] != made[1]).any()
    assert (made[1] != made[2]).any()


def test_an_editor_of_mien_begins_as_a_copy_of_the_picture():
    editor, labels = begun(Editor(MIEN)), drawn(4, 2)
    picture = F.interpolate(drawn(1, 3, 4, 4), size=(32, 32), mode="bilinear")[0]
    before = (editor.edit(picture, labels) - picture).abs().mean()
    editor.generator.begin_as_copy()
    assert (editor.edit(picture, labels) - picture).abs().mean() < min(0.1, before / 2)


@pytest.mark.parametrize(
    ("picture", "labels", "said"),
    [
        (drawn(3, 32, 32), [[0.0, 1.01]], r"arousal: found 1\.01; accepted: -1 to 1"),
        (drawn(3, 32, 32), [[0.0, 0.0], [math.nan, 0.0]], "valence: found nan"),
        (drawn(3, 32, 32), [[-math.inf, 0.0]], "valence: found -inf"),
        (drawn(3, 32, 32), [0.0, 0.0], r"labels: found \(2,\); accepted: \(L, 2\)"),
        (drawn(3, 48, 48), [[0.0, 0.0]], r"picture: found \(3, 48, 48\); accepted: \(3, 32, 32\)"),
    ],
)
def test_what_cannot_be_edited_is_one_clear_line(picture, labels, said):
    with pytest.raises(ValueError, match=said):
        Editor(TINY).edit(picture, torch.tensor(labels))


def test_sizes_that_cannot_be_built_are_refused():
    with pytest.raises(ValueError, match="size 100 cannot be halved 4 times; give a mult"):
        replace(PAPER, size=100)
    with pytest.raises(ValueError, match="needs 4"):
        replace(PAPER, doubled=(512, 256, 128))


def test_the_label_follows_every_block_of_the_image_critic():
    critic = ImageCritic(PAPER, CriticSettings())
    assert [layer.in_channels for layer in critic.layers] == [3, 16 + 32, 32 + 32, 64 + 32]
    assert critic.hidden.in_features == (128 + 32) * 6 * 6
    seen = []
    for layer in (*critic.layers[1:], critic.hidden):
        layer.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    labels = torch.tensor([[0.25, -1.0], [0.75, 0.5]])
    said = critic(drawn(2, 3, 96, 96), labels)
    assert said.shape == (2,)
    seen[-1] = seen[-1].unflatten(1, (160, 6, 6))
    for maps in seen:
        written = maps[:, -32:]
        for axis, part in enumerate(written.split(16, 1)):
            assert torch.equal(part, labels[:, axis, None, None, None].expand_as(part))


def test_the_critic_of_latents_finds_the_known_optimum():
    """D* = p / (p + q): z uniform on ±0.5 against the prior's ±1 gives 1/3 inside, 1 outside."""
    critic = LatentCritic(replace(TINY, latent=1), CriticSettings())
    generator = torch.Generator().manual_seed(4)
    begin(critic, generator, lively=True)
    learner = torch.optim.Adam(critic.parameters(), lr=3e-3, betas=(0.5, 0.999))
    paid = []
    for _ in range(300):
        prior, z = torch.rand(2, 256, 1, generator=generator) * torch.tensor([[[2.0]], [[1.0]]])
        uniform, found = critic.both(prior - 1, z - 0.5)
        loss = losses.true_loss(uniform) + losses.made_loss(found)
        learner.zero_grad()
        loss.backward()
        learner.step()
        paid.append(loss.detach())
    best = 0.5 * math.log(3) - math.log(2 / 3)  # -E log D* - E log (1 - D*)
    assert float(torch.stack(paid[-50:]).mean()) == pytest.approx(best, abs=0.08)
    critic.eval().requires_grad_(False)
    inside, outside = critic(torch.linspace(-0.4, 0.4, 50)[:, None]), critic(
        torch.cat([torch.linspace(-0.95, -0.65, 25), torch.linspace(0.65, 0.95, 25)])[:, None]
    )  # fmt: skip
    assert float(inside.sigmoid().mean()) == pytest.approx(1 / 3, abs=0.08)
    assert float(outside.sigmoid().mean()) > 0.85


def test_the_game_spreads_latents_over_the_prior():
    """z = a u + b of uniform u begins narrow and off the middle, and ends with a = 1 and b = 0."""
    critic = LatentCritic(replace(TINY, latent=4), CriticSettings())
    generator = torch.Generator().manual_seed(5)
    begin(critic, generator, lively=True)
    a, b = torch.tensor(0.1, requires_grad=True), torch.tensor(0.5, requires_grad=True)
    telling = torch.optim.Adam(critic.parameters(), lr=2e-3, betas=(0.5, 0.999))
    passing = torch.optim.Adam([a, b], lr=2e-2, betas=(0.5, 0.999))
    ends = []
    for _ in range(300):
        own, prior = 2 * torch.rand(2, 128, 4, generator=generator) - 1
        z = a * own + b
        uniform, found = critic.both(prior, z.detach())
        telling.zero_grad()
        (losses.true_loss(uniform) + losses.made_loss(found)).backward()
        telling.step()
        passing.zero_grad()
        losses.true_loss(critic.both(prior, z)[1]).backward()
        passing.step()
        ends.append((float(a.detach()), float(b.detach())))
    width, middle = np.mean(ends[-100:], 0)
    assert abs(width) == pytest.approx(1, abs=0.12)
    assert middle == pytest.approx(0, abs=0.08)


def test_losses_are_their_closed_forms():
    chance = torch.tensor([0.1, 0.5, 0.8])
    logits = torch.logit(chance)
    assert float(losses.true_loss(logits)) == pytest.approx(float(-chance.log().mean()), rel=1e-5)
    assert float(losses.made_loss(logits)) == pytest.approx(
        float(-(1 - chance).log().mean()), rel=1e-5
    )
    assert losses.Shares() == losses.Shares(1.0, 1 / 3, 0.01, 0.01)  # section III-B2
    true, made = drawn(2, 3, 8, 8), drawn(2, 3, 8, 8, seed=6)
    pooled = F.avg_pool2d
    found = losses.identity_loss(made, true, lambda x: [3 * x, pooled(x, 4)])
    wanted = 3 * (made - true).abs().mean() + (pooled(made, 4) - pooled(true, 4)).abs().mean()
    torch.testing.assert_close(found, wanted)
    both = [x.requires_grad_() for x in (made, true)]
    losses.identity_loss(*both, lambda x: [2 * x]).backward()
    assert made.grad is not None
    assert true.grad is None


def test_what_is_to_change_is_where_the_true_picture_differs_from_the_given_one():
    given = drawn(2, 3, 16, 16)
    true = given[:, None].repeat(1, 2, 1, 1, 1)
    true[1, 0, :, 8, 8] += torch.tensor([0.3, 0.6, 0.9])  # one pixel: mean .6 of three colours
    found = changing(given, true)
    assert found.shape == (2, 2, 1, 16, 16)
    expected = torch.zeros(16, 16)
    expected[6:11, 6:11] = 0.6 / 25
    torch.testing.assert_close(found[1, 0, 0], expected)
    assert not found[0].any()
    assert not found[1, 1].any()


def test_vgg_face_is_compared_at_the_paper_s_layers(tmp_path):
    with torch.device("meta"):
        network = VggFace()
    maps = network.features(torch.empty(1, 3, 96, 96, device="meta"))
    widths, sides = (64, 128, 256, 512, 512), (224, 112, 56, 28, 14)
    assert [tuple(m.shape) for m in maps] == [
        (1, w, s, s) for w, s in zip(widths, sides, strict=True)
    ]
    assert size_of(network) == 14_714_688  # the convolutions of VGG-16
    (tmp_path / "none.safetensors").write_bytes(b"nothing")
    with pytest.raises(WeightsError, match="not the weights of VGG-Face"):
        load_vgg_face(tmp_path / "none.safetensors")


def test_judges_see_each_picture_by_itself_and_at_their_own_size():
    judges = begun(Judges(JudgeSettings(size=16, widths=(4, 6), hidden=8)))
    pictures = drawn(3, 3, 32, 32)
    seen = judges.seen(pictures)
    assert seen.shape == (3, 2)
    assert seen.abs().max() <= 1
    assert torch.equal(judges.seen(pictures[1:2]), seen[1:2])
    small = F.interpolate(pictures, size=(16, 16), mode="bilinear", antialias=True)
    torch.testing.assert_close(judges.seen(small), seen)
    assert sum(isinstance(m, torch.nn.Conv2d) for m in judges.valence.modules()) == 4


def test_measures_are_those_of_the_paper_computed_by_hand():
    x, y = [0.5, -0.5, 0.25, 0.0], [0.25, 0.5, 0.75, 0.0]
    assert rmse(x, y) == pytest.approx(math.sqrt((0.0625 + 1 + 0.25 + 0) / 4))
    assert sagr(x, y) == 0.75
    # means 0.0625 and 0.375; variances 0.13671875 and 0.078125; covariance 0.0078125 - 0.0234375
    top, apart = 2 * (0.015625 - 0.0234375), 0.13671875 + 0.078125 + 0.3125**2
    assert ccc(x, y) == pytest.approx(top / apart)
    assert sagr([0.1, -0.1, 0.0, 0.0], [0.0, 0.0, 0.0, 0.3]) == 0.25  # 0 agrees with 0 alone


def test_measures_keep_their_identities():
    rng = np.random.default_rng(7)
    x, y = rng.uniform(-1, 1, 200), rng.uniform(-1, 1, 200)
    for measure in (rmse, sagr, ccc):
        assert measure(x, y) == pytest.approx(measure(y, x))
    assert (rmse(x, x), sagr(x, x), ccc(x, x)) == (0, 1, pytest.approx(1))
    assert ccc(x, -x + 2 * x.mean()) == pytest.approx(-1)
    r = np.corrcoef(x, y)[0, 1]
    said = 2 * r * x.std() * y.std() / (x.var() + y.var() + (x.mean() - y.mean()) ** 2)
    assert ccc(x, y) == pytest.approx(said)  # the equation as it is printed
    noisy = x + 0.2 * rng.standard_normal(200)
    assert ccc(x, noisy + 0.5) < ccc(x, noisy) < 1
    assert np.corrcoef(x, noisy + 0.5)[0, 1] == pytest.approx(np.corrcoef(x, noisy)[0, 1])
    # rmse² = var x + var y - 2 cov + (difference of means)²: ccc = 1 - rmse² / the denominator
    apart = x.var() + y.var() + (x.mean() - y.mean()) ** 2
    assert ccc(x, y) == pytest.approx(1 - rmse(x, y) ** 2 / apart)
    assert (ccc([0.5, 0.5], [0.5, 0.5]), ccc([0.5, 0.5], [0.4, 0.4])) == (1, 0)
    for bad in (([], []), ([0.1], [0.1, 0.2]), ([[0.1]], [[0.1]])):
        with pytest.raises(ValueError, match="two vectors of one length"):
            rmse(*bad)
