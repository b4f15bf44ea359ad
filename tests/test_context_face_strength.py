"""How strong a shift is at m = 1: the gains that are fitted, and what they do."""

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: networks are not tested")

from models.context_face import strength  # noqa: E402
from models.context_face.latents import Latents  # noqa: E402
from models.context_face.network import ContextFace  # noqa: E402
from models.context_face.settings import (  # noqa: E402
    ContextFaceSettings,
    MelSettings,
    VaeSettings,
)
from models.context_face.stored import load_model, save_model  # noqa: E402
from models.context_face.strength import (  # noqa: E402
    GAINS,
    WAY,
    covered,
    farthest_shifts,
    fitted_gains,
)
from models.context_face.vae import Latent  # noqa: E402

EMOTIONS = ("neutral", "happy", "angry")
D, SIZE, PEOPLE = 6, 16, 12
SMALL = ContextFaceSettings(
    face=VaeSettings(size=SIZE, widths=(4, 4), latent=D),
    context=VaeSettings(channels=1, size=SIZE, widths=(4, 4), latent=D),
    mel=MelSettings(bins=SIZE, frames=SIZE), emotions=EMOTIONS,
)  # fmt: skip


def seeded(number: int):
    return torch.Generator().manual_seed(number)


def latents(emotion, actor):
    """Latents that say the emotion and nothing else."""
    mu = torch.nn.functional.one_hot(emotion, D).float()
    n = torch.zeros(len(mu), dtype=torch.int64)
    return Latents(mu, torch.zeros_like(mu), actor, n, emotion, torch.ones(len(mu)), n, EMOTIONS)


WAYS = 0.2 * torch.randn(3, 3, SIZE, SIZE, generator=seeded(1))
WAYS[0] = 0


def people():
    """Faces at rest, happy and angry, and their pictures; and voices."""
    emotion = torch.arange(3).repeat(PEOPLE)
    faces = latents(emotion, torch.arange(PEOPLE).repeat_interleave(3))
    own = torch.rand(PEOPLE, 3, SIZE, SIZE, generator=seeded(2)).repeat_interleave(3, 0)
    voices = latents(torch.arange(3).repeat(5), torch.arange(15))
    return faces, own + WAYS[emotion], voices


class Shifts:
    """Moves pictures this share of the way of the voice's emotion."""

    def __init__(self, *shares, most=9.0):
        self.shares, self.most = torch.tensor(shares), most

    def series(self, face, context, levels, *, given):
        heard = context.mu.argmax(1)
        m = torch.tensor(levels)[None, :] * self.shares[heard][:, None]
        m = m.clamp(max=self.most)[:, :, None, None, None]
        return given[:, None] + m * WAYS[heard][:, None]


def fitted(network):
    faces, pictures, voices = people()
    return fitted_gains(network, faces, voices, lambda rows: pictures[rows])


def test_each_emotion_gets_the_gain_with_which_it_covers_the_way():
    assert fitted(Shifts(0.0, 1.0, 0.6)) == pytest.approx((1.0, WAY, WAY / 0.6), abs=1e-3)


def test_a_gain_has_bounds_and_a_shift_that_never_gets_there_the_largest():
    assert fitted(Shifts(0.0, 3.0, 0.1)) == (1.0, GAINS[0], GAINS[-1])


def test_a_gain_ends_where_more_of_it_leads_no_nearer():
    assert fitted(Shifts(0.0, 1.0, 1.0, most=0.7)) == (1.0, 0.75, 0.75)  # .5, .7, .7, ...


def test_what_lies_across_the_way_or_elsewhere_in_the_picture_covers_nothing():
    true = WAYS[1:2].clone()
    corner = torch.zeros(1, 1, 3, SIZE, SIZE)
    corner[..., -2:, :2] = 5  # far from mouth, eyes and brows
    half = 0.5 * true[:, None]
    assert float(covered(half, true)) == pytest.approx(0.5)
    assert float(covered(half + corner, true)) == pytest.approx(0.5, abs=0.02)
    regions = (strength.MOUTH, strength.EYES, strength.BROWS)
    weight = sum(strength.bump(SIZE, place) for place in regions)
    across = torch.randn(true.shape, generator=seeded(4))
    across -= true * (across * true * weight).sum() / (true * true * weight).sum()
    assert float(covered(half + across[:, None], true)) == pytest.approx(0.5, abs=1e-4)


def test_without_voices_or_people_who_show_it_a_gain_is_1():
    faces, pictures, voices = people()
    network, few = Shifts(0.0, 0.8, 0.8), torch.nonzero(voices.emotion == 2)[:, 0]
    gains = fitted_gains(network, faces, voices.only(few), lambda rows: pictures[rows])
    assert gains == pytest.approx((1.0, 1.0, WAY / 0.8), abs=1e-3)
    happy = torch.nonzero(faces.emotion == 1)[:, 0]  # nobody at rest
    assert fitted_gains(network, faces.only(happy), voices, lambda rows: pictures[rows]) == (
        (1.0,) * 3
    )


def test_a_gain_of_two_makes_of_m_what_twice_m_was(tmp_path):
    face, voice = (Latent(*torch.randn(2, 3, D, generator=seeded(n))) for n in (5, 6))
    strong = ContextFace(replace(SMALL, gains=(2.0,) * 3), seed=4).eval()
    save_model(tmp_path / "strong.safetensors", strong)
    strong, _ = load_model(tmp_path / "strong.safetensors")
    plain = ContextFace(SMALL, seed=4).eval()
    plain.load_state_dict(strong.state_dict())
    once = plain.series(face, voice, (0.0, 0.5, 1.0))
    assert not torch.equal(once[:, 0], once[:, 2])
    torch.testing.assert_close(strong.series(face, voice, (0.0, 0.25, 0.5)), once)
    twice = [2 * part for part in plain.shift(face, voice)]
    torch.testing.assert_close(list(strong.shift(face, voice)), twice)


def test_shifts_end_where_people_who_show_the_emotion_do_on_average():
    faces, _, _ = people()
    aside = torch.randn(PEOPLE, D, generator=seeded(7)).repeat_interleave(3, 0)  # who it is
    changes = torch.zeros(3, D)
    changes[1, 0], changes[2, 1] = 3.0, -0.5
    each = 0.4 * torch.randn(PEOPLE, D, generator=seeded(8))  # how each shows joy
    mu = aside + changes[faces.emotion]
    mu[1::3] += each - each.mean(0)
    assert farthest_shifts(replace(faces, mu=mu)) == pytest.approx((3.0, 3.0, 0.5), abs=1e-4)
    happy = torch.nonzero(faces.emotion == 1)[:, 0]  # nobody at rest: nothing is known
    assert farthest_shifts(faces.only(happy)) == ()
    calm = torch.nonzero(faces.emotion != 2)[:, 0]  # nobody angry: joy bounds it
    assert farthest_shifts(replace(faces, mu=mu).only(calm)) == pytest.approx((3.0,) * 3, abs=1e-4)


def test_no_shift_gets_longer_than_the_farthest_and_shorter_ones_stay(tmp_path):
    face, voice = (Latent(*torch.randn(2, 40, D, generator=seeded(n))) for n in (5, 6))
    strong = replace(SMALL, gains=(2.0,) * 3)
    free = ContextFace(strong, seed=4).eval()
    before = free.shift(face, voice).mu.detach()
    most = float(before.norm(dim=1).median())
    save_model(tmp_path / "bound.safetensors", ContextFace(replace(strong, farthest=(most,) * 3)))
    bound, _ = load_model(tmp_path / "bound.safetensors")
    bound.load_state_dict(free.state_dict())
    after = bound.shift(face, voice).mu.detach()
    short = before.norm(dim=1) < most
    assert 10 < int(short.sum()) < 30
    torch.testing.assert_close(after[short], before[short])
    torch.testing.assert_close(after[~short].norm(dim=1), torch.full((int((~short).sum()),), most))
    torch.testing.assert_close(  # in the same direction
        torch.nn.functional.cosine_similarity(after, before), torch.ones(40)
    )
    levels = bound.series(face, voice, (0.0, 1.0))[:, 1]
    torch.testing.assert_close(levels, bound.decode(face.mu + after), atol=1e-4, rtol=0)
    with pytest.raises(ValueError, match=r"farthest: found 2; of 3 emotions"):
        replace(SMALL, farthest=(1.0, 2.0))


def test_the_gain_is_that_of_the_emotion_which_the_head_names():
    face, voice = (Latent(*torch.randn(2, 2, D, generator=seeded(n))) for n in (5, 6))
    plain = ContextFace(SMALL, seed=4).eval()
    own = ContextFace(replace(SMALL, gains=(0.5, 1.5, 3.0)), seed=4).eval()
    for network in (plain, own):
        with torch.no_grad():
            network.head.weight.zero_()
            network.head.weight[1:] = torch.stack([face.mu[0], -face.mu[0]]) * 1e3
            network.can.of_mu.value.weight.zero_()  # shifts that do not hide whose face it is
            network.can.of_mu.value.bias.fill_(0.01)
    named = plain.logits(face, voice).argmax(1)
    assert int(named[0]) == 1
    wanted = torch.tensor([0.5, 1.5, 3.0])[named][:, None] * plain.shift(face, voice).mu
    torch.testing.assert_close(own.shift(face, voice).mu, wanted)
    small = plain.series(face, voice, (1.5,))[:1]
    torch.testing.assert_close(own.series(face, voice, (1.0,))[:1], small)


def test_gains_of_other_emotions_are_refused():
    with pytest.raises(ValueError, match="gains: found 2; of 3 emotions"):
        replace(SMALL, gains=(1.0, 1.2))
