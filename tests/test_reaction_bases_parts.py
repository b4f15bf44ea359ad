"""Distributions, the reversible graph, tokens: what the base models are made of."""

import math
from dataclasses import replace

import pytest
import torch

from models.layers import size_of
from models.reaction.base import expressed, shown
from models.reaction.bases import make_base
from models.reaction.distributions import (
    ClipNormal,
    FrameNormal,
    Manners,
    categorical_divergence,
    drawn_category,
)
from models.reaction.face_tokenizer import FaceTokenizer, Stack, patches, pooled
from models.reaction.fsq import Fsq
from models.reaction.graph import CONTRACTION, Edges, GraphLayer, Motor
from models.reaction.regnn import EachFrame, Regnn
from models.reaction.settings import PAPER, RegnnSettings, TokenizerSettings
from models.reaction.transformer import CHANCES, Dropout, NormBefore, begin_all, drop_by
from models.reaction.windows import joined, windows_of
from tests.small_bases import TINY, fused, seeded, speakers

kl = torch.distributions.kl_divergence
PUBLISHED = PAPER["regnn"]


def graph(size=1.0, settings=PUBLISHED, windows=6):
    """A motor processor and edges; size: of the weights, in those that training starts from."""
    motor, edges = Motor(settings), Edges(settings)
    for part in (motor, edges):
        begin_all(part, *seeded(1))
    with torch.no_grad():
        for weight in motor.parameters():
            weight *= size
    x = torch.rand(windows, 25, settings.frames, generator=seeded(2)[0])
    return motor, edges(torch.rand_like(x)), x


def test_divergences_of_normal_distributions_equal_those_of_torch():
    n, d = 3, 4
    mean, other, log_var, other_log_var = torch.randn(4, n, d)
    one, two = ClipNormal(mean, log_var), ClipNormal(other, other_log_var)
    expected = kl(
        torch.distributions.Normal(mean, (log_var / 2).exp()),
        torch.distributions.Normal(other, (other_log_var / 2).exp()),
    )
    torch.testing.assert_close(one.divergence(two), expected.sum(1).mean())
    assert one.divergence(one) == 0
    frames = torch.randn(2, n, 7, d)
    one, two = FrameNormal(frames[0], 0.5), FrameNormal(frames[1], 0.7)
    expected = kl(
        torch.distributions.Normal(frames[0], 0.5), torch.distributions.Normal(frames[1], 0.7)
    )
    torch.testing.assert_close(one.divergence(two), expected.sum(2).mean())


def test_divergence_of_tokens_equals_that_of_torch():
    one, two = torch.randn(2, 3, 5, 11)
    expected = kl(
        torch.distributions.Categorical(logits=one), torch.distributions.Categorical(logits=two)
    )
    torch.testing.assert_close(categorical_divergence(one, two), expected)


def test_samples_have_the_mean_and_spread_of_their_distribution():
    z = ClipNormal(torch.tensor([[2.0, -1.0]]), torch.tensor([[0.0, 2.0]]))
    drawn = z.sample(20_000, seeded(1))[0, :, 0]
    torch.testing.assert_close(drawn.mean(0), z.mean[0], atol=0.08, rtol=0)
    torch.testing.assert_close(drawn.std(0), (z.log_var[0] / 2).exp(), atol=0, rtol=0.03)


@pytest.mark.parametrize("smooth", [0.0, 4.0])
def test_noise_of_frames_keeps_its_size_and_is_as_smooth_as_asked(smooth):
    z = FrameNormal(torch.zeros(1, 400, 25), 0.3, smooth)
    drawn = z.sample(20, seeded(1))[0]
    assert drawn.std() == pytest.approx(0.3, rel=0.03)
    lag = 3
    alike = float((drawn[:, lag:] * drawn[:, :-lag]).mean() / drawn.square().mean())
    # a Gaussian kernel with itself is one √2 as wide
    expected = math.exp(-(lag**2) / (4 * smooth**2)) if smooth else 0.0
    assert alike == pytest.approx(expected, abs=0.03)


def test_listeners_differ_by_what_lasts_and_by_what_changes_as_slowly_as_asked():
    moved = torch.zeros(1, 300, 2, 3)
    moved[..., 0, 0] = 2.0  # a style moves the first attribute, what changes the second
    moved[..., 1, 1:] = torch.tensor([3.0, 4.0])
    mean = torch.tensor([5.0, 7.0]).expand(1, 300, 2)
    for temperature in (1.0, 0.5):
        z = FrameNormal(mean, 1e-6, 0.0, Manners(moved, 1, 20.0, temperature))
        drawn = z.sample(3_000, seeded(1))[0] - mean
        lasting, changing = drawn.unbind(2)
        torch.testing.assert_close(lasting, lasting[:, :1].expand(-1, 300), atol=1e-4, rtol=0)
        assert lasting[:, 0].std() == pytest.approx(2 * temperature, rel=0.05)
        assert changing.std() == pytest.approx(5 * temperature, rel=0.03)
        alike = (changing[:, 30:] * changing[:, :-30]).mean() / changing.square().mean()
        assert float(alike) == pytest.approx(math.exp(-(30**2) / (4 * 20**2)), abs=0.03)
    # whoever else is drawn, and whatever noise lies around it, a listener stays the same
    around = FrameNormal(mean, 0.3, 4.0, Manners(moved, 1, 20.0))
    torch.testing.assert_close(around.sample(3, seeded(1))[:, :2], around.sample(2, seeded(1)))


def test_divergence_with_manners_is_that_of_the_same_listener_averaged_over_listeners():
    moved, others = torch.randn(2, 1, 5, 4, 3, generator=seeded(1)[0])
    mean, other = torch.randn(2, 1, 5, 4, generator=seeded(2)[0])
    one, two = (
        FrameNormal(m, 0.5, manners=Manners(a, 3, 0.0)) for m, a in ((mean, moved), (other, others))
    )
    who = torch.randn(20_000, 1, 1, 3, generator=seeded(3)[0])
    at, there = (
        (a * who[..., None, :]).sum(-1) + m for a, m in ((moved, mean), (others, other))
    )  # fmt: skip
    expected = kl(torch.distributions.Normal(at, 0.5), torch.distributions.Normal(there, 0.5))
    assert float(one.divergence(two)) == pytest.approx(float(expected.sum(-1).mean()), rel=0.02)


def test_a_number_picks_the_category_that_its_share_of_the_whole_belongs_to():
    logits = torch.tensor([0.1, 0.5, 0.2, 0.2]).log().expand(40_000, -1)
    chance = torch.rand(40_000, generator=seeded(1)[0])
    whole = drawn_category(logits, chance, 4, 1.0)
    shares = torch.bincount(whole, minlength=4) / 40_000
    torch.testing.assert_close(shares, logits[0].exp(), atol=0.01, rtol=0)
    two = torch.tensor([0.6, 0.3, 0.1]).log().expand(40_000, -1)
    best = torch.bincount(drawn_category(two, chance, 2, 0.5), minlength=3) / 40_000
    torch.testing.assert_close(best, torch.tensor([0.8, 0.2, 0.0]), atol=0.01, rtol=0)
    edges = drawn_category(two[:2], torch.tensor([0.0, 1 - 1e-7]), 2, 1.0)
    assert edges.tolist() == [0, 1]


@pytest.mark.parametrize("size", [1.0, 20.0])
@torch.no_grad()
def test_the_inverse_of_the_motor_gives_back_what_went_in(size):
    motor, edges, x = graph(size)
    images = motor(x, edges)
    assert (images - x).abs().mean() > 0.01
    assert (motor.inverse(images, edges) - x).abs().max() < 1e-4
    assert (motor(motor.inverse(x, edges), edges) - x).abs().max() < 1e-4


@torch.no_grad()
def test_each_window_is_inverted_by_itself_in_far_fewer_steps_than_the_bound_asks(monkeypatch):
    motor, edges, x = graph(20.0)
    y = x * torch.tensor([0.0, 1.0, 30.0, *[1.0] * (len(x) - 3)])[:, None, None]
    worked, residual = [], GraphLayer._residual

    def counted(layer, x, *of):
        worked.append(len(x))
        return residual(layer, x, *of)

    monkeypatch.setattr(GraphLayer, "_residual", counted)
    whole = motor.inverse(y, edges)
    assert len(set(worked)) > 1  # windows leave one after the other
    together, most = sum(worked), sum(
        layer.steps(*map(float, layer.lipschitz()), motor.settings.tolerance)
        for layer in motor.layers
    )  # fmt: skip
    assert together < len(y) * most / 2
    worked.clear()
    alone = torch.cat([motor.inverse(y[i : i + 1], edges[i : i + 1]) for i in range(len(y))])
    assert sum(worked) == pytest.approx(together, abs=len(y))  # rounding may cost a step
    torch.testing.assert_close(whole, alone, atol=2e-6, rtol=0)
    assert (motor(whole, edges) - y).abs().max() < 1e-4


@pytest.mark.parametrize("size", [1.0, 20.0, 200.0])
def test_a_graph_layer_changes_less_than_its_bound_says(size):
    motor, edges, x = graph(size)
    layer = motor.layers[0]
    assert isinstance(layer, GraphLayer)
    most, contraction = layer.lipschitz()
    assert 0 < contraction <= CONTRACTION + 1e-6

    def farthest(change):
        return change.norm(dim=2).amax(1)  # the largest of a graph's nodes

    # start where both halves of sigmoid(relu(x)) are, near each other and far apart
    for near in (1e-2, 1.0, 10.0):
        base = torch.randn_like(x)
        other = base + near * torch.randn_like(x)
        moved = layer.residual(other, edges, most) - layer.residual(base, edges, most)
        assert (farthest(moved) <= contraction * farthest(other - base) + 1e-6).all()


def test_gradients_of_the_inverse_are_those_of_the_whole_way():
    short, edges, x = graph(5.0)
    long = Motor(replace(PUBLISHED, unrolled=1000, learning=None))
    long.load_state_dict(short.state_dict())
    found = []
    for motor in (short, long):
        y = x.clone().requires_grad_()
        motor.inverse(y, edges.detach()).square().sum().backward()
        found.append((y.grad, motor.layers[0].both.weight.grad))
    for one, two in zip(*found, strict=True):
        assert (one - two).norm() < 1e-3 * two.norm()


def test_edges_are_kept_to_the_nearest_nodes_and_to_itself():
    settings = replace(PUBLISHED, neighbours=1, channels=2)
    layer = Edges(settings)
    begin_all(layer, *seeded(1))
    found = layer(torch.randn(3, 25, 50))
    assert found.shape == (3, 25, 2, 25)
    assert (found >= 0).all()
    assert (found.diagonal(dim1=1, dim2=3) > 0).all()  # (3, 2, 25)
    few, many = ((found > 0).float().sum(3).mean(), 25)
    assert 1 < few < many / 2


@pytest.mark.parametrize("size", [1.0, 30.0, 1000.0])
def test_gradients_of_the_graph_are_numbers_however_large_the_weights(size):
    motor, *_ = graph(size)
    with torch.no_grad():
        edges_of = Edges(PUBLISHED)
        begin_all(edges_of, *seeded(1))
        for weight in edges_of.parameters():
            weight *= size
    x = torch.rand(6, 25, 50, generator=seeded(2)[0])
    motor.inverse(motor(x, edges_of(x)), edges_of(x.flip(0))).square().sum().backward()
    for part in (motor, edges_of):
        assert all(p.grad.isfinite().all() for p in part.parameters())


def test_regnn_has_the_weights_of_the_published_one():
    base = make_base(PUBLISHED)
    assert isinstance(base, Regnn)
    assert isinstance(base.converted, EachFrame)
    assert size_of(base.motor) == 2 * (50 * 100 + 100 + 8)
    assert size_of(base.converted) == 50 * (64 * 64 + 64 + 64 * 25 + 25)
    assert size_of(base.edges) == 2 * (50 * 50 + 50) + 50 * 2 * 8 * 50
    layer = 4 * (128 * 128 + 128) + (128 * 512 + 512) + (512 * 128 + 128) + 2 * 2 * 128
    assert size_of(base.looking) == size_of(base.remembering) == 5 * layer


def test_layers_of_each_frame_are_normalised_and_each_its_own():
    layer = EachFrame(4, 3, 2)
    begin_all(layer, *seeded(1))
    x = torch.randn(5, 4, 3)
    before = layer(x)
    with torch.no_grad():
        layer.first *= 7
        layer.second[2] *= 0.1
    torch.testing.assert_close(layer(x), before)
    before = layer(x)
    with torch.no_grad():
        layer.second[2, 0] += 1
    changed = (layer(x) != before).any(2).any(0)
    assert changed.tolist() == [False, False, True, False]


@pytest.mark.parametrize("length", [7, 50, 61, 75, 256])
def test_windows_cover_every_frame_and_join_to_what_they_were_cut_from(length):
    x = torch.randn(2, length, 3)
    windows = windows_of(x, 50, 25)
    assert windows.shape[1] == max(1, math.ceil((length - 50) / 25) + 1)
    torch.testing.assert_close(joined(windows, length, 25), x)
    marked = torch.zeros_like(windows)
    marked[:, 0] = 1.0
    share = joined(marked, length, 25)[0, :, 0]
    if length == 75:
        assert share.tolist() == [1.0] * 25 + [0.5] * 25 + [0.0] * 25


def test_losses_of_regnn_are_0_where_everything_is_the_same():
    base = make_base(replace(TINY["regnn"], layers=0))
    truth = torch.rand(2, 1, 60, 25).expand(-1, 3, -1, -1)
    z = base.distribution(fused(base, *speakers(2, 60)))
    losses = base.losses(z, truth, lambda samples, rows: truth[:, 0], seeded(1, 2))
    assert losses["middle"] < 1e-12
    assert losses["decoded"] == 0
    far = truth.clone()
    far[:, 1:] += 5.0
    again = base.losses(z, far, lambda samples, rows: far[:, 1] + 0.5, seeded(1, 2))
    assert again["decoded"] == pytest.approx(0.25)
    assert again["nearest"].detach() <= losses["nearest"].detach() + 1e-6
    assert again["middle"] > 1


def test_every_code_is_a_token_and_every_token_a_code():
    fsq = Fsq((8, 5, 5, 5))
    tokens = torch.arange(1000)
    codes = fsq.codes(tokens)
    assert codes.abs().max() <= 1
    assert len(codes.unique(dim=0)) == fsq.size == 1000
    assert torch.equal(fsq.tokens(codes), tokens)


def test_numbers_reach_every_level_and_no_other():
    fsq = Fsq((8, 5, 3))
    found = fsq(torch.linspace(-6, 6, 500)[:, None].expand(-1, 3))
    for column, levels in enumerate((8, 5, 3)):
        assert len(found[:, column].unique()) == levels
    assert torch.equal(fsq.codes(fsq.tokens(found)), found)


def test_gradients_pass_rounding_as_if_it_were_not_there():
    fsq, z = Fsq((8, 5)), torch.randn(20, 2, requires_grad=True)
    fsq(z).sum().backward()
    smooth = z.detach().clone().requires_grad_()
    half = torch.tensor([7.0, 4.0]) * 1.001 / 2
    offset = torch.tensor([0.5, 0.0])
    bounded = torch.tanh(smooth + torch.atanh(offset / half)) * half - offset
    (bounded / torch.tensor([4.0, 2.0])).sum().backward()
    torch.testing.assert_close(z.grad, smooth.grad)
    assert z.grad.abs().min() > 0


def test_the_tokenizer_has_the_weights_of_the_published_one():
    s = PAPER["facevis"].tokenizer
    stack = Stack(s.layers, s.width, s.heads, s.inner, s.dropout, s.reach)
    of_distance = s.heads * (2 * s.reach + 1)  # places of blocks of 32 in the published one
    layer = 4 * 252**2 + 2 * 252 * 1008 + 2 * 252
    assert size_of(stack) == 12 * layer + 252 + of_distance
    assert Fsq(s.levels).size == 1000


@pytest.mark.parametrize("length", [3, 8, 29])
def test_neighbouring_tokens_fade_into_each_other(length):
    tokenizer = FaceTokenizer(TokenizerSettings(patch=4, width=8, heads=2, inner=8, layers=1))
    begin_all(tokenizer, *seeded(1))
    with torch.no_grad():
        tokenizer.face.weight.zero_()
        tokenizer.face.bias.fill_(0.7)
    face = tokenizer(torch.rand(2, length, 25))
    torch.testing.assert_close(expressed(face), torch.full((2, length, 25), 0.7))


def test_a_tokenizer_that_learned_keeps_a_face_within_its_first_error():
    tokenizer = FaceTokenizer(
        TokenizerSettings(patch=4, width=16, heads=2, inner=32, layers=1, velocity=1.0)
    )
    begin_all(tokenizer, *seeded(1))
    time, place = torch.linspace(0, 6, 100)[:, None], torch.linspace(0, 3, 25)
    faces = shown(torch.stack([(time + k * place).sin() for k in (1, 2)]))
    optimiser = torch.optim.Adam(tokenizer.parameters(), lr=1e-2)
    first = float(tokenizer.losses(faces)["face"].detach())
    for _ in range(150):
        optimiser.zero_grad()
        sum(tokenizer.losses(faces).values()).backward()
        optimiser.step()
    assert float(tokenizer.losses(faces)["face"].detach()) < 0.4 * first
    with torch.no_grad():
        again = tokenizer.decode(tokenizer.embedded(tokenizer.tokens(faces)), 100)
        torch.testing.assert_close(again, tokenizer(faces))
    # between tokens a face moves no more than within them
    moved = again.diff(dim=1).abs().mean((0, 2))
    assert moved[3::4].mean() < 1.5 * moved.mean()


def test_patches_go_on_as_the_clip_ends():
    x = torch.arange(5.0)[None, :, None]
    assert patches(x, 2)[0].tolist() == [[0, 1], [2, 3], [4, 4]]
    assert pooled(x, 2)[0, :, 0].tolist() == [0.5, 2.5, 4]


@pytest.mark.parametrize("name", ["facevis", "facevis, together"])
@torch.inference_mode()
def test_tokens_drawn_step_by_step_are_those_of_computing_everything_anew(name):
    base, n, count, steps = make_base(TINY[name]).eval(), 2, 3, 14
    s = base.settings
    speaker = 2 * torch.randn(n, steps, s.width, generator=seeded(1)[0])
    found = base.drawn(speaker, count, seeded(3, 4)).flatten(0, 1)
    rows = []
    for generator in seeded(3, 4):
        rows += [torch.rand(steps, generator=generator) for _ in range(count)]
    chance, others = torch.stack(rows), speaker.repeat_interleave(count, 0)
    tokens = torch.zeros(n * count, steps, dtype=torch.long)
    for first in range(0, steps, s.together):
        here = slice(first, first + s.together)
        logits = base.after(tokens, others)[:, here]
        tokens[:, here] = drawn_category(logits, chance[:, here], s.top_k, s.temperature)
    assert torch.equal(tokens, found)
    assert len(found.unique()) > 10


@pytest.mark.parametrize("name", ["facevis", "facevis, together"])
@torch.inference_mode()
def test_a_token_is_predicted_from_those_before_it_alone(name):
    base, steps = make_base(TINY[name]).eval(), 12
    tokens = torch.randint(0, 1000, (1, steps), generator=seeded(1)[0])
    speaker = torch.randn(1, steps, base.settings.width)
    changed = tokens.clone()
    changed[0, 5] = (changed[0, 5] + 500) % 1000
    moved = (base.after(tokens, speaker) - base.after(changed, speaker)).abs().amax(2)[0]
    together = base.settings.together
    first = (5 // together + 1) * together  # the next step of prediction
    assert moved[:first].max() < 1e-6
    assert moved[first : first + together].max() > 1e-4


def test_cross_entropy_of_facevis_is_of_the_true_reaction():
    base = make_base(TINY["facevis"]).eval()
    truth = torch.rand(2, 2, 40, 25)
    z = base.distribution(fused(base, *speakers(2, 40)), truth[:, 0])
    losses = base.losses(z, truth, lambda samples, rows: truth[:, 0] + 0.25, seeded(1, 2))
    tokens = base.tokenizer.tokens(truth[:, 0])
    expected = -z.logits.log_softmax(2).gather(2, tokens[..., None]).mean()
    torch.testing.assert_close(losses["tokens"], expected)
    assert losses["decoded"] == pytest.approx(0.25)
    assert z.divergence(z).abs() < 1e-6
    untold = base.distribution(fused(base, *speakers(2, 40)))
    with pytest.raises(ValueError, match="give `distribution` a true reaction"):
        untold.divergence(z)


def test_what_is_drawn_teaches_the_base_nothing_but_what_stands_before_its_decoder():
    base = make_base(TINY["facevis"])
    base.first_stage().requires_grad_(False)
    truth, shift = torch.rand(2, 1, 40, 25), torch.zeros(16, requires_grad=True)
    z = base.distribution(fused(base, *speakers(2, 40)), truth[:, 0])
    losses = base.losses(z, truth, lambda g, rows: base.decode(g + shift, 40), seeded(1, 2))
    losses["decoded"].backward()
    assert shift.grad.abs().sum() > 0
    assert all(p.grad is None for p in base.parameters())


def test_facevis_reacts_to_a_long_clip_as_to_any_part_of_it():
    """No step knows its place: what a token far from both ends sees is the same."""
    base = make_base(replace(TINY["facevis"], unimodal=0, listening=0, joining=1)).eval()
    face, voice = speakers(1, 400)
    with torch.inference_mode():
        whole = fused(base, face, voice)
        part = fused(base, face[:, 100:300], voice[:, 100:300])
    torch.testing.assert_close(part[:, 60:140], whole[:, 160:240], atol=1e-5, rtol=1e-4)


def test_dropped_values_are_as_many_as_asked_and_the_mean_stays():
    drop, x = Dropout(0.3), torch.ones(1000, 333)
    assert torch.equal(drop(x), x)  # nobody said by what to drop
    drop_by(drop, *seeded(1))
    dropped = drop(x)
    assert float((dropped == 0).float().mean()) == pytest.approx(0.3, abs=0.003)
    assert float(dropped.mean()) == pytest.approx(1, abs=0.005)
    columns = (dropped.flatten()[: 4 * 80_000].view(-1, 4) == 0).float()
    assert columns.mean(0).tolist() == pytest.approx([0.3] * 4, abs=0.01)
    torch.testing.assert_close(columns.T.corrcoef(), torch.eye(4), atol=0.02, rtol=0)
    assert torch.equal(drop.eval()(x), x)
    assert CHANCES == 2**15


def test_a_layer_equals_one_of_torch_with_the_same_weights():
    ours = NormBefore(8, 2, 12, 0.0)
    begin_all(ours, *seeded(1))
    theirs = torch.nn.TransformerEncoderLayer(
        8, 2, 12, 0.0, activation="gelu", batch_first=True, norm_first=True
    )
    a = ours.attention
    parts = (a.query, a.key, a.value)
    theirs.load_state_dict({
        "self_attn.in_proj_weight": torch.cat([p.weight for p in parts]),
        "self_attn.in_proj_bias": torch.cat([p.bias for p in parts]),
        "self_attn.out_proj.weight": a.out.weight, "self_attn.out_proj.bias": a.out.bias,
        "linear1.weight": ours.first.weight, "linear1.bias": ours.first.bias,
        "linear2.weight": ours.second.weight, "linear2.bias": ours.second.bias,
        "norm1.weight": ours.norm.weight, "norm1.bias": ours.norm.bias,
        "norm2.weight": ours.last_norm.weight, "norm2.bias": ours.last_norm.bias,
    })  # fmt: skip
    x = torch.randn(3, 9, 8)
    torch.testing.assert_close(ours(x), theirs(x))


def test_a_window_shorter_than_the_clip_still_has_a_reaction():
    base = make_base(RegnnSettings(width=16, inner=16, layers=1))
    m = fused(base, *speakers(1, 12))
    reaction = base.decode(base.distribution(m).sample(1, seeded(1))[0], 12)
    assert reaction.isfinite().all()
