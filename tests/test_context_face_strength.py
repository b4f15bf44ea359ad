"""How strong a shift is at m = 1: the gain that is fitted, and what it does."""

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: networks are not tested")

from models.context_face.attention import Offsets  # noqa: E402
from models.context_face.latents import Latents  # noqa: E402
from models.context_face.network import ContextFace  # noqa: E402
from models.context_face.settings import (  # noqa: E402
    ContextFaceSettings,
    MelSettings,
    VaeSettings,
)
from models.context_face.stored import load_model, save_model  # noqa: E402
from models.context_face.strength import MOST, fitted_gain  # noqa: E402
from models.context_face.vae import Latent  # noqa: E402

EMOTIONS = ("neutral", "happy", "angry")
D = 6
SMALL = ContextFaceSettings(
    face=VaeSettings(size=16, widths=(4, 4), latent=D),
    context=VaeSettings(channels=1, size=16, widths=(4, 4), latent=D),
    mel=MelSettings(bins=16, frames=16), emotions=EMOTIONS,
)  # fmt: skip


def latents(mu, emotion, actor):
    n = torch.zeros(len(mu), dtype=torch.int64)
    return Latents(mu, torch.zeros_like(mu), actor, n, emotion, torch.ones(len(mu)), n, EMOTIONS)


def people(count=40):
    """Faces at rest, happy and angry; and voices whose latent says nothing but their emotion."""
    generator = torch.Generator().manual_seed(1)
    ways = torch.tensor([[0.0] * D, [1, 2, 0, 0, 0, 0], [0, 0, -3, 1, 0, 0]])
    actor = torch.arange(count).repeat_interleave(3)
    emotion = torch.arange(3).repeat(count)
    own = torch.randn(count, D, generator=generator).repeat_interleave(3, 0)
    voices = torch.arange(3).repeat(10)
    heard = latents(torch.nn.functional.one_hot(voices, D).float(), voices, torch.arange(30))
    return ways, latents(own + ways[emotion], emotion, actor), heard


class Shifts:
    """What a network with this share of the true way does; `aside`: something across it."""

    def __init__(self, ways, share, aside=0.0):
        self.ways, self.share, self.aside = ways, share, aside

    def shift(self, face, context):
        moved = self.share * self.ways[context.mu.argmax(1)]
        moved[:, 5] += self.aside
        return Offsets(moved, torch.zeros_like(moved))


@pytest.mark.parametrize("share", [0.6, 1.0, 1.6])
def test_shifts_of_a_share_of_the_way_get_the_gain_that_makes_it_whole(share):
    ways, faces, heard = people()
    for aside in (0.0, 0.7):  # across the way: not to be made up for
        assert fitted_gain(Shifts(ways, share, aside), faces, heard) == pytest.approx(
            1 / share, abs=1e-3
        )


def test_people_who_differ_are_not_shifted_as_weakly_as_their_mean():
    ways, faces, heard = people(2000)
    generator = torch.Generator().manual_seed(3)
    faces.mu[:] += 0.5 * torch.randn(faces.mu.shape, generator=generator)
    noise = 2 * 0.5**2  # of each dimension of a difference
    wanted = 0.0
    part = 0.0
    for way in ways[1:]:
        scaled = 1 / faces.spread**2
        wanted += float(((way**2 + noise) * scaled).sum())
        part += float((way**2 * scaled).sum())
    found = fitted_gain(Shifts(ways, 1.0), faces, heard)
    assert wanted / part > 1.3
    assert found == pytest.approx(wanted / part, rel=0.08)  # 480 pairs were drawn


def test_half_of_the_voices_misheard_count_as_shifts_of_half_the_length():
    ways, faces, heard = people()
    heard.mu[:15] = torch.nn.functional.one_hot(torch.zeros(15, dtype=torch.int64), D).float()
    assert fitted_gain(Shifts(ways, 1.0), faces, heard) == pytest.approx(2.0, abs=1e-3)


def test_a_gain_has_bounds_and_without_voices_or_pairs_there_is_none():
    ways, faces, heard = people()
    assert fitted_gain(Shifts(ways, 0.01), faces, heard) == MOST
    assert fitted_gain(Shifts(ways, -1.0), faces, heard) == 1.0
    assert fitted_gain(Shifts(ways, 0.6), faces, heard.only(torch.arange(0))) == 1.0
    neutral = torch.nonzero(faces.emotion == 0)[:, 0]
    assert fitted_gain(Shifts(ways, 0.6), faces.only(neutral), heard) == 1.0


def test_a_gain_of_two_makes_of_m_what_twice_m_was(tmp_path):
    generator = torch.Generator().manual_seed(2)
    face, voice = (Latent(*torch.randn(2, 3, D, generator=generator)) for _ in range(2))
    plain = ContextFace(SMALL, seed=4).eval()
    strong = ContextFace(replace(SMALL, gain=2.0), seed=4).eval()
    save_model(tmp_path / "strong.safetensors", strong)
    strong, _ = load_model(tmp_path / "strong.safetensors")
    plain.load_state_dict(strong.state_dict())
    once = plain.series(face, voice, (0.0, 0.5, 1.0))
    assert not torch.equal(once[:, 0], once[:, 2])
    torch.testing.assert_close(strong.series(face, voice, (0.0, 0.25, 0.5)), once)
    twice = [2 * part for part in plain.shift(face, voice)]
    torch.testing.assert_close(list(strong.shift(face, voice)), twice)
