"""What the three base models of reactions have in common, and Trans-VAE."""

import inspect
from dataclasses import replace

import pytest
import torch

from models.layers import size_of
from models.reaction import trans_vae
from models.reaction.bases import make_base
from models.reaction.distributions import ClipNormal
from models.reaction.settings import (
    NAMES,
    PAPER,
    SHIPPED,
    FaceVisSettings,
    RegnnSettings,
    TokenizerSettings,
    TransVaeSettings,
    name_of,
    restored_settings,
    stored_settings,
)
from models.reaction.transformer import drop_by, positions
from tests.small_bases import TINY, fused, seeded, speakers

EVERY = pytest.mark.parametrize("name", TINY)


@EVERY
@pytest.mark.parametrize("length", [1, 13, 60])
def test_every_step_has_the_shape_that_a_framework_expects(name, length):
    base, n, count = make_base(TINY[name]).eval(), 2, 3
    face, voice = speakers(n, length)
    assert base.embed_face(face).shape == base.embed_voice(voice).shape == (n, length, base.width)
    m = fused(base, face, voice)
    assert m.shape == (n, length, base.fused_width)
    samples = base.distribution(m).sample(count, seeded(1, 2))
    steps = 1 if base.per_clip else base.steps(length)
    assert samples.shape == (n, count, steps, base.sample_width)
    assert base.decode(samples.flatten(0, 1), length).shape == (n * count, length, 25)
    of_frames = torch.zeros(n, length, base.sample_width)
    assert base.decode(of_frames, length).shape == (n, length, 25)


def all_losses(base, length=60, truths=3):
    face, voice = speakers(2, length)
    truth = torch.rand(2, truths, length, 25, generator=seeded(3)[0])
    z = base.distribution(fused(base, face, voice), truth[:, 0])
    losses = base.losses(z, truth, lambda samples, rows: base.decode(samples, length), seeded(4, 5))
    first = base.first_stage()
    if first is not None:
        losses |= {f"first {name}": loss for name, loss in first.losses(truth[:, 0]).items()}
    return losses


@EVERY
def test_gradients_of_its_losses_reach_every_weight(name):
    base = make_base(TINY[name])
    drop_by(base, seeded(9)[0])
    sum(all_losses(base).values()).backward()
    unreached = {n for n, p in base.named_parameters() if p.grad is None or not p.grad.any()}
    # one key has weight 1 whatever is asked and whatever it is: see the test below
    single = {"asking.cross.query.weight", "asking.cross.query.bias", "asking.cross.key.weight",
              "asking.cross.key.bias"}  # fmt: skip
    # a bias of the keys moves all logits of a row alike, and softmax does not see it
    blind = {n for n, _ in base.named_parameters() if n.endswith("key.bias")}
    assert unreached - blind <= (single if base.per_clip else set())


@EVERY
def test_a_few_steps_bring_a_base_nearer_to_what_it_is_taught(name):
    base = make_base(TINY[name])
    optimiser = torch.optim.Adam(base.parameters(), lr=1e-2)
    seen = []
    for _ in range(12):
        losses = all_losses(base, length=24, truths=2)
        optimiser.zero_grad()
        sum(losses.values()).backward()
        optimiser.step()
        main = next(n for n in ("attributes", "nearest", "tokens") if n in losses)
        seen.append(float(losses[main].detach()))
    assert seen[-1] < 0.95 * seen[0]


@EVERY
@torch.inference_mode()
def test_reactions_to_a_speaker_do_not_depend_on_who_else_is_in_the_batch(name):
    base, length = make_base(TINY[name]).eval(), 60
    face, voice = speakers(3, length)
    together = base.distribution(fused(base, face, voice)).sample(4, seeded(1, 2, 3))
    m = fused(base, face[1:2], voice[1:2])
    alone = base.distribution(m).sample(2, seeded(2))
    torch.testing.assert_close(alone[0], together[1, :2], atol=1e-5, rtol=1e-5)
    apart = base.decode(alone[0], length)
    among = base.decode(together.flatten(0, 1), length).unflatten(0, (3, 4))
    torch.testing.assert_close(apart, among[1, :2], atol=1e-5, rtol=1e-5)
    assert not torch.allclose(together[1, 0], together[1, 1])


@EVERY
@torch.inference_mode()
def test_a_generator_for_each_sample_gives_what_it_gives_alone(name):
    base = make_base(TINY[name]).eval()
    z = base.distribution(fused(base, *speakers(2, 60)))
    both = z.sample(2, seeded(1, 2, 3, 4))
    torch.testing.assert_close(both[:, :1], z.sample(1, seeded(1, 3)))
    torch.testing.assert_close(both[:, 1:], z.sample(1, seeded(2, 4)))
    with pytest.raises(ValueError, match=r"found 3; accepted: 2 .* or 4"):
        z.sample(2, seeded(1, 2, 3))


@EVERY
def test_weights_and_what_is_dropped_follow_from_their_generators_alone(name):
    settings = TINY[name]
    torch.manual_seed(1)
    base = make_base(settings, *seeded(7))
    torch.manual_seed(2)
    again, other = make_base(settings, *seeded(7)), make_base(settings, *seeded(8))
    for (key, one), (_, two) in zip(
        base.state_dict().items(), again.state_dict().items(), strict=True
    ):
        assert torch.equal(one, two), key
    assert any(
        not torch.equal(one, two)
        for one, two in zip(base.parameters(), other.parameters(), strict=True)
    )
    found = []
    for each, seed in ((base, 5), (again, 5), (again, 6)):
        drop_by(each, *seeded(seed))
        found.append(all_losses(each))
    assert all(torch.equal(found[0][key], found[1][key]) for key in found[0])
    assert any(not torch.equal(found[0][key], found[2][key]) for key in found[0])


@EVERY
def test_settings_survive_being_stored(name):
    settings = TINY[name]
    assert restored_settings(name_of(settings), stored_settings(settings)) == settings
    with pytest.raises(TypeError, match="unknown"):
        restored_settings(name_of(settings), stored_settings(settings) | {"unknown": 1})


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_base_is_small_and_is_named_as_its_settings(name):
    base = make_base(SHIPPED[name])
    assert base.name == name == name_of(PAPER[name]) == name_of(SHIPPED[name])
    assert 4 * size_of(base) < 8e6  # bytes in float32


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (lambda: TransVaeSettings(heads=3), "width 128: not a multiple of 3 heads"),
        (lambda: TransVaeSettings(sees="sounds"), "sees 'sounds': give attributes or frames"),
        (lambda: RegnnSettings(stride=51), "stride 51: give 1 to the 50 of a window"),
        (lambda: TokenizerSettings(patch=3), "patch 3: give 1 or an even number"),
        (lambda: FaceVisSettings(temperature=0), "temperature 0: give 1 or more, and more than 0"),
    ],
)
def test_settings_that_cannot_be_built_are_refused(settings, said):
    with pytest.raises(ValueError, match=said):
        settings()


def test_trans_vae_has_the_weights_of_the_published_one():
    base = make_base(replace(PAPER["trans-vae"], sees="frames"))
    unused = (128 + 58 + 25) * 128 + 128  # the published `fusion`: made, and never called
    assert round((size_of(base) + unused) / 1e6, 3) == 1.316
    pictures = torch.rand(1, 2, 3, 64, 64)
    assert base.embed_face(pictures).shape == (1, 2, 128)


def test_trans_vae_sees_each_picture_for_itself():
    base = make_base(replace(TINY["trans-vae"], sees="frames"))
    pictures = torch.rand(2, 3, 3, 64, 64)
    torch.testing.assert_close(
        base.embed_face(pictures)[1:, 2:], base.embed_face(pictures[1:, 2:]), atol=1e-5, rtol=1e-4
    )


def test_trans_vae_attends_to_its_one_sample_with_weight_1_whatever_is_asked():
    base = make_base(TINY["trans-vae"]).eval()
    queries, sample = torch.randn(2, 40, 16), torch.randn(2, 1, 16)
    weights = base.asking.cross.weights(queries, sample)
    assert torch.equal(weights, torch.ones(2, 4, 40, 1))
    seen = base.asking.cross(queries, sample)
    torch.testing.assert_close(seen, seen[:, :1].expand(-1, 40, -1))
    frames = torch.randn(2, 40, 16)
    assert base.asking.cross.weights(queries, frames).std() > 0.001


def test_trans_vae_with_one_sample_varies_over_time_through_positions_alone(monkeypatch):
    base, length = make_base(TINY["trans-vae"]).eval(), 40
    samples = torch.randn(2, 1, 16)
    assert base.decode(samples, length).std(1).mean() > 0.01
    monkeypatch.setattr(trans_vae, "positions", lambda *shape: 0 * positions(*shape))
    still = base.decode(samples, length)
    torch.testing.assert_close(still, still[:, :1].expand(-1, length, -1))
    assert base.decode(torch.randn(2, length, 16), length).std(1).mean() > 0.01


def test_trans_vae_that_repeats_does_so_without_a_jump_for_clips_of_any_length():
    base, period = make_base(TINY["trans-vae that repeats"]).eval(), 16
    reaction = base.decode(torch.randn(1, 1, 16), 8 * period)
    inner = reaction[:, 4 * period : 5 * period]
    torch.testing.assert_close(inner, reaction[:, 5 * period : 6 * period], atol=1e-5, rtol=1e-4)
    where = positions(3 * period, 16, period)
    torch.testing.assert_close(where[:period], where[period : 2 * period], atol=1e-5, rtol=0)
    assert torch.equal(positions(100, 16)[:50], positions(50, 16))


def test_losses_of_trans_vae_equal_their_formulas():
    settings = replace(TINY["trans-vae"], prior=0.5, diversity=3.0, alike=7.0)
    base, n, length = make_base(settings), 2, 5
    z = ClipNormal(torch.randn(n, 16), torch.randn(n, 16))
    truth, drawn = torch.rand(n, 3, length, 25), torch.rand(2, n, length, 25)
    answers = iter(drawn)
    losses = base.losses(z, truth, lambda samples, rows: next(answers), seeded(1, 2))
    normal = torch.distributions.Normal(z.mean, (0.5 * z.log_var).exp())
    unit = torch.distributions.Normal(0.0, 1.0)
    prior = torch.distributions.kl_divergence(normal, unit).mean()
    away = (drawn[0] - drawn[1]).flatten(1).norm(dim=1) ** 2
    torch.testing.assert_close(losses["attributes"], ((drawn[0] - truth[:, 0]) ** 2).mean())
    torch.testing.assert_close(losses["prior"], 0.5 * prior)
    torch.testing.assert_close(losses["diversity"], 3.0 * torch.exp(-away / 7.0).mean())


def test_every_base_answers_to_the_same_calls():
    signatures = [
        {name: str(inspect.signature(getattr(make_base(TINY[base]), name))).split(" ->")[0]
         for name in ("embed_face", "embed_voice", "fuse", "decode", "steps")}
        for base in ("trans-vae", "regnn", "facevis")
    ]  # fmt: skip
    assert signatures[0] == signatures[1] == signatures[2]
