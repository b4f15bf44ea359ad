"""EMC around three bases: what its parts compute, and what a missing modality does."""

from __future__ import annotations

from functools import cache

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: networks are not tested")
pytest.importorskip("lightning", reason="Lightning is not installed: training is not tested")

import numpy as np  # noqa: E402
from torch.distributions import Normal, kl_divergence  # noqa: E402

from models.reaction.alignment import (  # noqa: E402
    Alignment,
    AlignmentSettings,
    prior_divergence,
)
from models.reaction.attributes import ATTRIBUTES, NEUTRAL, RATE  # noqa: E402
from models.reaction.emc import Emc  # noqa: E402
from models.reaction.emotion_attention import (  # noqa: E402
    Attention,
    AttentionSettings,
    EmotionAttention,
    EmotionMlp,
)
from models.reaction.inference import react, seeds_of  # noqa: E402
from models.reaction.network import Speaker  # noqa: E402
from models.reaction.stored import SHIPPED_FILE, load_model  # noqa: E402
from tests.reaction_models import BASES, EMC, enliven, made, speakers  # noqa: E402

FRAMES = 47
FEW = AttentionSettings(emotion=6, inner=8, pooled=5, reach=10, lags=(0, 5))


def drawn(*shape: int, seed: int = 3) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def generators(*seeds: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def whole(n: int = 2, frames: int = FRAMES) -> Speaker:
    there = torch.ones(n, frames, dtype=torch.bool)
    return Speaker(*speakers(n, frames), there, there)


# --- Compensatory Modality Alignment


def test_the_divergence_from_the_prior_is_that_of_two_normal_distributions():
    mean, log_variance = drawn(4, 9, 5), drawn(4, 9, 5, seed=4)
    other = kl_divergence(Normal(mean, (0.5 * log_variance).exp()), Normal(0.0, 1.0))
    torch.testing.assert_close(prior_divergence(mean, log_variance), other.sum(-1).mean())
    assert prior_divergence(torch.zeros(2, 3, 4), torch.zeros(2, 3, 4)) == 0


def test_the_alignment_loss_is_the_squared_distance_of_what_the_posterior_makes():
    cma = Alignment(6, AlignmentSettings(latent=3, hidden=8))
    target, condition, noise = drawn(2, 20, 6), drawn(2, 20, 6, seed=4), drawn(2, 3, seed=5)
    align, divergence = cma.losses(target, condition, noise)
    mean, log_variance = cma.posterior(target, condition)
    made_up = cma.decoded(mean + (0.5 * log_variance).exp() * noise[:, None], condition)
    torch.testing.assert_close(align, (made_up - target).square().sum(-1).mean() / 6)
    torch.testing.assert_close(divergence, prior_divergence(mean, log_variance) / 6)


def test_embeddings_take_no_gradient_from_being_compensated():
    cma = Alignment(6, AlignmentSettings(latent=3, hidden=8))
    target, condition = drawn(2, 9, 6).requires_grad_(), drawn(2, 9, 6, seed=4).requires_grad_()
    sum(cma.losses(target, condition, drawn(2, 3))).backward()
    assert target.grad is None
    assert condition.grad is None
    assert cma.condition.weight.grad is not None


def test_alignment_learns_what_follows_from_the_condition_and_how_far_the_rest_spreads():
    """Targets are a linear map of the condition and a number of the clip's own, of variance 4."""
    generator = torch.Generator().manual_seed(1)
    cma = Alignment(4, AlignmentSettings(latent=2, hidden=32, around=1))
    enliven(cma, generator)
    mix, own = drawn(4, 4, seed=7) / 2, torch.tensor([2.0, 0.0, 0.0, 0.0])
    optimiser = torch.optim.Adam(cma.parameters(), lr=5e-3)
    for _ in range(600):
        condition = torch.randn(32, 6, 4, generator=generator)
        target = condition @ mix + own * torch.randn(32, 1, 1, generator=generator)
        align, divergence = cma.losses(target, condition, torch.randn(32, 2, generator=generator))
        optimiser.zero_grad()
        (align + 0.05 * divergence).backward()
        optimiser.step()
    condition, there = torch.randn(400, 6, 4, generator=generator), torch.ones(400, 6) > 0
    with torch.no_grad():
        made_up = cma.compensated(condition, there, torch.randn(400, 2, generator=generator))
    rest = made_up - condition @ mix
    assert 1.4 < float(rest[..., 0].std()) < 2.6
    assert float(rest[..., 1:].std()) < 0.35 < 0.5 * float((condition @ mix)[..., 1:].std())
    assert float((rest[..., 0].mean(1)).std()) > 1.2  # one draw for the whole clip


def test_what_is_not_there_of_the_condition_is_not_seen():
    cma = Alignment(6, AlignmentSettings(latent=3, hidden=8))
    condition, there = drawn(1, 20, 6), torch.arange(20)[None] < 12
    other = condition.masked_fill(~there[..., None], float("nan"))
    noise = drawn(1, 3)
    assert torch.equal(
        cma.compensated(condition, there, noise), cma.compensated(other, there, noise)
    )


# --- Emotion-aware Attention


def test_attention_is_what_its_definition_gives():
    attention = Attention(5, 6, FEW)
    enliven(attention, torch.Generator().manual_seed(1))
    torch.nn.init.normal_(attention.near, generator=torch.Generator().manual_seed(2))
    x, given = drawn(1, 30, 5), drawn(1, 8, 6, seed=4)
    distance = torch.arange(30)[:, None] - 5 * torch.arange(8)[None]
    found = attention(x, given, distance)[0]
    q, k, v = attention.query(x)[0], attention.key(given)[0], attention.value(given)[0]
    heads = []
    for head, columns in enumerate((slice(0, 4), slice(4, 8))):
        rows = []
        for t in range(30):
            logits = []
            for p in range(8):
                d = int(distance[t, p])
                near = min(max(d, -10), 10)
                bias = attention.near[head, near + 10] - FEW.slope * abs(d - near)
                logits.append(q[t, columns] @ k[p, columns] / 2 + bias)
            rows.append(torch.stack(logits).softmax(0) @ v[:, columns])
        heads.append(torch.stack(rows))
    torch.testing.assert_close(found, attention.out(torch.cat(heads, 1)))


def test_heads_begin_by_looking_back():
    attention = Attention(5, 6, FEW)
    attention.draw(torch.Generator())
    back = torch.arange(-10, 11)
    assert back[attention.near[0].argmax()] == 0
    assert back[attention.near[1].argmax()] == 5  # a key that lies five frames before the query


@pytest.mark.parametrize(("steps", "stride"), [(47, 1), (12, 4), (1, 47)])
def test_emotion_reaches_every_feature_and_gradients_reach_emotion(steps, stride):
    ea = EmotionAttention(8, FEW)
    enliven(ea, torch.Generator().manual_seed(1))
    x, emotion = drawn(2, steps, 8).requires_grad_(), drawn(2, FRAMES, 6).requires_grad_()
    found = ea(x, ea.context(emotion), FRAMES, stride)
    assert found.shape == x.shape
    found.square().sum().backward()
    for given in (x, emotion):
        assert (given.grad.abs().sum(-1) > 0).all()


def test_a_fresh_module_lets_features_pass_unchanged():
    ea = EmotionAttention(8, FEW)
    for module in ea.modules():
        if isinstance(module, Attention):
            torch.nn.init.zeros_(module.out.bias)
            module.draw(torch.Generator())
    x = drawn(2, FRAMES, 8)
    assert torch.equal(ea(x, ea.context(drawn(2, FRAMES, 6)), FRAMES), x)


def test_without_distances_the_order_of_emotions_does_not_matter_and_with_them_it_does():
    attention = Attention(5, 6, FEW)
    enliven(attention, torch.Generator().manual_seed(1))
    x, given, order = drawn(1, 9, 5), drawn(1, 9, 6, seed=4), torch.randperm(9)
    distance = torch.arange(9)[:, None] - torch.arange(9)[None]
    flat = torch.zeros_like(distance)
    torch.testing.assert_close(
        attention(x, given, flat), attention(x, given[:, order], flat), atol=1e-6, rtol=1e-5
    )
    attention.draw(torch.Generator())
    enliven(attention.out, torch.Generator().manual_seed(1))
    assert not torch.allclose(
        attention(x, given, distance), attention(x, given[:, order], distance), atol=1e-3
    )


def test_emotion_is_that_of_the_face_else_of_the_voice_else_nothing():
    mlp = EmotionMlp(FEW)
    torch.nn.init.normal_(mlp.nothing)
    face, heard = torch.rand(1, 4, 25), torch.rand(1, 4, 10)
    face_there = torch.tensor([[True, True, False, False]])
    voice_there = torch.tensor([[True, False, True, False]])
    found = mlp(face, heard, face_there, voice_there)[0]
    yes, no = torch.ones(1, 4) > 0, torch.zeros(1, 4) > 0
    torch.testing.assert_close(found[:2], mlp(face, 0 * heard, yes, no)[0, :2])
    torch.testing.assert_close(found[2], mlp(0 * face, heard, no, yes)[0, 2])
    torch.testing.assert_close(found[3], mlp.nothing)


# --- the framework


@pytest.mark.parametrize("base", BASES)
def test_emc_begins_as_the_base_it_is_around(base):
    emc, original = made(base, lively=False), made(base, "none", lively=False)
    original.base.load_state_dict(emc.base.state_dict())
    speaker, samples = whole(), {}
    for model in (emc, original):
        z, decode = model.encode(speaker, generators(1, 2))
        g = z.sample(2, generators(3, 4))
        samples[model] = g, decode(g.flatten(0, 1), torch.tensor([0, 0, 1, 1]))
    torch.testing.assert_close(samples[emc][0], samples[original][0], atol=1e-6, rtol=1e-5)
    if base != "trans-vae":  # which gets its one sample for every frame from EMC
        torch.testing.assert_close(samples[emc][1], samples[original][1], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("framework", ["emc", "no-attention"])
def test_nothing_depends_on_what_would_be_made_up_where_everything_is_there(base, framework):
    model = made(base, framework)
    face, voice = speakers(2, FRAMES)
    before = react(model, face, voice, 8, seeds_of(1, 2, 8)).attributes
    with torch.no_grad():
        for cma in (model.face_alignment, model.voice_alignment):
            for weight in cma.parameters():
                weight.add_(1.0)
    assert torch.equal(before, react(model, face, voice, 8, seeds_of(1, 2, 8)).attributes)
    other = react(model, None, voice, 8, seeds_of(1, 2, 8)).attributes
    assert not torch.equal(before, other)


@pytest.mark.parametrize("base", BASES)
def test_what_a_voice_expresses_counts_where_there_is_no_face_and_only_there(base):
    model = made(base)
    speaker = whole()
    emotions = {}
    for name, face_there in (("face", True), ("no face", False)):
        seen = model.seen(speaker._replace(face_there=speaker.face_there & face_there))
        noise = torch.zeros(2, 2, EMC.alignment.latent)
        told = model._fused(seen, noise)[1]
        with torch.no_grad():
            model.hearing.last.bias.add_(torch.linspace(-3, 3, 10))
        emotions[name] = told, model._fused(seen, noise)[1]
    assert torch.equal(*emotions["face"])
    assert not torch.allclose(*emotions["no face"], atol=1e-3)


@pytest.mark.parametrize("base", BASES)
def test_two_fusions_are_compared_in_the_order_of_equation_14(base):
    model = made(base)
    speaker, truth = whole(), speakers(6, FRAMES, 9)[0].unflatten(0, (2, 3))
    gone = torch.zeros_like(speaker.face_there)
    dropped = [(speaker.face_there, gone), (gone, speaker.voice_there)]
    given = [speaker, speaker._replace(voice_there=gone), speaker._replace(face_there=gone)]
    zs = []
    for one in given:
        noise = model._noise(generators(1, 2))
        zs.append(model.base.distribution(model._fused(model.seen(one), noise)[0], truth[:, 0]))
    for first, second in ((0, 1), (0, 2), (1, 2)):
        expected = 3 * EMC.fusion * zs[first].divergence(zs[second])
        for taught, beside in ((first, second), (second, first)):
            said = model.losses(speaker, truth, dropped, taught, beside, generators(1, 2))
            torch.testing.assert_close(said["fusion"], expected, rtol=1e-4, atol=1e-7)
            assert all(torch.isfinite(value) for value in said.values())


# --- reactions


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("framework", ["emc", "no-attention", "none"])
def test_reactions_do_not_depend_on_who_else_is_in_the_batch(base, framework):
    model = made(base, framework)
    face, voice = speakers(3, FRAMES)
    there = torch.ones(3, FRAMES, dtype=torch.bool)
    there[1, 10:30] = False
    seeds = seeds_of(7, 3, 4)
    all_at_once = react(model, face, voice, 4, seeds, there).attributes
    for row in range(3):
        own = slice(row, row + 1)
        alone = react(model, face[own], voice[own], 1, [[seeds[row][2]]], there[own]).attributes
        torch.testing.assert_close(alone[0, 0], all_at_once[row, 2], atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize("base", BASES)
def test_ten_reactions_encode_the_speaker_once(base, monkeypatch):
    model, calls = made(base), []
    for name in ("embed_face", "embed_voice", "fuse", "distribution"):
        true = getattr(model.base, name)

        def counted(*given, true=true, name=name, **named):
            calls.append((name, len(given[0])))
            return true(*given, **named)

        monkeypatch.setattr(model.base, name, counted)
    face, voice = speakers(1, FRAMES)
    made_all = react(model, face, voice, 10, seeds_of(1, 1, 10)).attributes
    assert made_all.shape == (1, 10, FRAMES, 25)
    assert sorted(calls) == [
        (name, 1) for name in ("distribution", "embed_face", "embed_voice", "fuse")
    ]
    assert not torch.equal(made_all[0, 0], made_all[0, 1])


@pytest.mark.parametrize("base", BASES)
def test_what_stands_in_missing_frames_does_not_matter(base):
    model = made(base)
    face, voice = speakers(1, FRAMES)
    there = torch.ones(1, FRAMES, dtype=torch.bool)
    there[0, 12:30] = False
    other, silent = face.clone(), voice.clone()
    other[0, 12:30], silent[0, 12:30] = float("nan"), 100.0
    seeds = seeds_of(1, 1, 2)
    assert torch.equal(
        react(model, face, voice, 2, seeds, there, there).attributes,
        react(model, other, silent, 2, seeds, there, there).attributes,
    )


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("framework", ["emc", "none"])
def test_without_any_speaker_somebody_listens_all_the_same_and_it_is_said(base, framework):
    model = made(base, framework)
    nobody = react(model, None, None, 3, seeds_of(1, 2, 3), frames=FRAMES)
    assert nobody.had_input == (False, False)
    assert nobody.attributes.shape == (2, 3, FRAMES, 25)
    face, voice = speakers(2, FRAMES)
    there = torch.zeros(2, FRAMES, dtype=torch.bool)
    there[1, 3] = True
    some = react(model, face, voice, 1, seeds_of(1, 2, 1), there, there)
    assert some.had_input == (False, True)
    for found in (nobody.attributes, some.attributes):
        numbers = found.numpy()
        assert np.isfinite(numbers).all()
        assert numbers[..., :15].min() >= 0
        assert numbers[..., :15].max() <= 1
        assert np.abs(numbers[..., 15:17]).max() <= 1
        np.testing.assert_allclose(numbers[..., 17:].sum(-1), 1, atol=1e-5)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"face": torch.zeros(1, 9, 24)}, r"face: found shape \(1, 9, 24\)"),
        ({"voice": torch.zeros(1, 8, 78)}, r"voice: found shape \(1, 8, 78\); accepted: \(1, 9"),
        ({"voice": torch.full((1, 9, 78), torch.nan)}, "voice: values that are no numbers"),
        ({"face": None, "voice": None}, "nothing of the speaker, and no length"),
        ({"face": torch.zeros(1, 0, 25), "voice": None}, "nothing of the speaker, and no length"),
        ({"seeds": [[1, 2]]}, "seeds: give 1 for each speaker"),
        ({"face_there": torch.ones(1, 8) > 0}, "face_there: found shape"),
    ],
)
def test_what_cannot_be_reacted_to_is_refused_in_one_line(given, says):
    face, voice = speakers(1, 9)
    words = {"face": face, "voice": voice, "count": 1, "seeds": [[1]]} | given
    with pytest.raises(ValueError, match=says) as raised:
        react(made("regnn"), **words)
    assert "\n" not in str(raised.value)


def test_emc_around_each_base_is_an_emc():
    for base in BASES:
        assert isinstance(made(base), Emc)


# --- the weights that mien brings: voices and faces by chance would tell nothing


def conversation(frames: int = 750) -> tuple[torch.Tensor, torch.Tensor]:
    """A speaker who is calm, smiles from second 8 to 14, and frowns from 20 to 26."""
    face = torch.from_numpy(NEUTRAL.copy()).repeat(1, frames, 1)
    for begin, end, shown in ((8, 14, HAPPY), (20, 26, SAD)):
        for name, value in shown.items():
            face[0, RATE * begin : RATE * end, ATTRIBUTES.index(name)] = value
    return face, load_model(SHIPPED_FILE)[0].voice_mean.expand(1, frames, -1)


HAPPY = {"AU6": 0.5, "AU12": 0.8, "valence": 0.7, "arousal": 0.4, "Neutral": 0.05, "Happy": 0.95}
SAD = {"AU1": 0.6, "AU4": 0.4, "AU15": 0.5, "valence": -0.6, "arousal": -0.2, "Neutral": 0.05,
       "Sad": 0.95}  # fmt: skip


@cache
def answered() -> torch.Tensor:
    """Eight reactions (1, 8, 750, 25) to that speaker."""
    return react(load_model(SHIPPED_FILE)[0], *conversation(), 8, seeds_of(1, 1, 8)).attributes


def mean_of(attributes: torch.Tensor, name: str, begin: float, end: float) -> float:
    """Of all reactions, between two seconds."""
    column = attributes[..., round(RATE * begin) : round(RATE * end), ATTRIBUTES.index(name)]
    return float(column.mean())


def test_the_shipped_weights_fit_into_a_file_that_can_be_shipped():
    model, weights = load_model(SHIPPED_FILE)
    assert SHIPPED_FILE.stat().st_size < 16e6
    assert model.framework == "emc"
    assert weights.facts["licence"] == "CC0-1.0"


def test_shipped_listeners_answer_a_smile_and_a_frown_after_a_moment():
    found = answered()
    calm, smiled, frowned = (mean_of(found, "valence", *t) for t in ((4, 8), (10, 14), (22, 26)))
    assert smiled > calm + 0.1 > frowned + 0.2
    assert mean_of(found, "AU12", 10, 14) > mean_of(found, "AU12", 22, 26) + 0.1
    early = mean_of(found, "valence", 8, 8.3)
    assert early - calm < 0.5 * (smiled - calm)
    half = (found[0, :, :, 15].mean(0) > (calm + smiled) / 2).numpy()[RATE * 8 :].argmax() / RATE
    assert 0.2 < half < 1.6


def test_shipped_listeners_differ_and_do_not_jitter():
    found = answered()[0]
    apart = (found[:, None] - found[None]).square().mean((2, 3))
    assert float(apart[~torch.eye(8, dtype=torch.bool)].min()) > 5e-4
    assert float(found.diff(dim=1).abs().mean()) < 0.01


def test_a_gap_of_two_seconds_changes_little_beyond_its_reach():
    model = load_model(SHIPPED_FILE)[0]
    face, voice = conversation()
    there = torch.ones(1, 750, dtype=torch.bool)
    there[0, 250:300] = False
    gap = react(model, face, voice, 4, seeds_of(1, 1, 4), there).attributes
    off = (gap - answered()[:, :4]).abs().mean((0, 1, 3))
    assert float(off[:150].max()) < 0.02
    assert float(off[450:].max()) < 0.02
    assert float(off[250:330].mean()) > 3 * float(off[450:].mean())


def test_a_shipped_listener_of_nobody_is_calm():
    model = load_model(SHIPPED_FILE)[0]
    nobody = react(model, None, None, 4, seeds_of(1, 1, 4), frames=750)
    assert nobody.had_input == (False,)
    assert mean_of(nobody.attributes, "Neutral", 0, 30) > 0.4
    assert abs(mean_of(nobody.attributes, "valence", 0, 30)) < 0.15
    assert float(nobody.attributes.diff(dim=2).abs().mean()) < 0.01
