"""The networks of Blume 2024: sizes of the published code, equations in closed form."""

import math

import numpy as np
import pytest
from scipy import signal

torch = pytest.importorskip("torch", reason="PyTorch is not installed: networks are not tested")

from models.context_face import losses, mel  # noqa: E402
from models.context_face.attention import (  # noqa: E402
    ContextAttention,
    at_levels,
    outer_attention,
    shifted,
)
from models.context_face.discriminator import Discriminator  # noqa: E402
from models.context_face.network import ContextFace  # noqa: E402
from models.context_face.settings import (  # noqa: E402
    PAPER,
    ContextFaceSettings,
    MelSettings,
    VaeSettings,
)
from models.context_face.vae import Decoder, Encoder, Latent, Vae  # noqa: E402
from models.layers import size_of  # noqa: E402

SMALL = ContextFaceSettings(
    face=VaeSettings(size=32, widths=(8, 12, 16), latent=20, discriminator_widths=(4, 8, 8),
                     discriminator_features=16),
    context=VaeSettings(channels=1, size=32, widths=(4, 8, 8), latent=20),
    mel=MelSettings(bins=32, frames=32),
)  # fmt: skip


def gaussian(n, d, seed):
    generator = torch.Generator().manual_seed(seed)
    return Latent(
        torch.randn(n, d, generator=generator), 0.5 * torch.randn(n, d, generator=generator)
    )


@pytest.fixture(scope="module")
def network():
    return ContextFace(SMALL, seed=3).eval()


def test_the_papers_networks_have_the_sizes_of_its_published_code():
    assert size_of(Encoder(PAPER.face)) == 22_656_320
    assert size_of(Decoder(PAPER.face)) == 16_218_819
    assert size_of(Discriminator(PAPER.face)) == 36_119_681
    assert size_of(ContextAttention(512)) == 6 * (512 * 512 + 512)


@pytest.mark.parametrize("stride", [1, 2])
def test_a_decoder_gives_back_the_size_that_the_encoder_saw(stride):
    settings = VaeSettings(size=64, widths=(4, 8, 8), latent=5, stem_stride=stride)
    x = torch.rand(2, 3, 64, 64)
    latent = Encoder(settings)(x)
    assert latent.mu.shape == latent.log_var.shape == (2, 5)
    assert Vae(settings)(x).shape == x.shape


def test_attention_without_maps_is_attention_with_maps():
    q, k, v = (torch.randn(3, 40, dtype=torch.float64, requires_grad=True) for _ in range(3))
    maps = torch.softmax(q[:, :, None] * k[:, None, :], dim=-1)  # eq. 11
    torch.testing.assert_close(outer_attention(q, k, v), (maps @ v[:, :, None])[:, :, 0])
    assert torch.autograd.gradcheck(outer_attention, (q, k, v))


def test_a_batch_of_attention_needs_no_map_of_its_own_for_each_pair():
    n, d = 64, 256
    q, k, v = (torch.randn(n, d, requires_grad=True) for _ in range(3))
    seen = []
    with torch.autograd.graph.saved_tensors_hooks(
        lambda t: seen.append(t.numel()) or t, lambda t: t
    ):
        outer_attention(q, k, v).sum().backward()
    assert max(seen) == n * d


def test_m_moves_a_face_along_its_offset_and_0_leaves_it(network):
    face, context = gaussian(4, 20, 1), gaussian(4, 20, 2)
    offsets = network.shift(face, context)
    assert torch.equal(shifted(face, offsets, 0.0).mu, face.mu)
    half, whole = (shifted(face, offsets, m) for m in (0.5, 1.0))
    torch.testing.assert_close(half.mu, (face.mu + whole.mu) / 2)
    torch.testing.assert_close(half.log_var, (face.log_var + whole.log_var) / 2)
    levels = at_levels(face.mu, offsets.mu, torch.tensor([0.0, 0.5, 1.0]))
    torch.testing.assert_close(levels, torch.stack([face.mu, half.mu, whole.mu], 1))


def test_level_0_is_the_reconstruction_whatever_the_context_and_the_batch(network):
    x = torch.rand(3, 3, 32, 32)
    with torch.inference_mode():
        plain = network.face(x).clamp(0, 1)
    face = network.encode_faces(x)
    for seed, batch in ((1, 32), (2, 1), (3, 2)):
        series = network.series(face, gaussian(3, 20, seed), (0.0, 1.0), batch=batch)
        torch.testing.assert_close(series[:, 0], plain, atol=1e-5, rtol=0)
        assert not torch.equal(series[:, 0], series[:, 1])


def test_the_prior_is_the_divergence_from_a_unit_gaussian():
    latent = gaussian(5, 7, 4)
    normal = torch.distributions.Normal
    mine = normal(latent.mu, (latent.log_var / 2).exp())
    true = torch.distributions.kl_divergence(mine, normal(0.0, 1.0)).sum(1).mean()
    torch.testing.assert_close(losses.prior_loss(latent), true)


def test_the_divergence_of_a_shift_is_that_of_two_gaussians():
    face, moved = gaussian(5, 7, 4), gaussian(5, 7, 5)
    normal = torch.distributions.Normal
    p, q = (normal(latent.mu, (latent.log_var / 2).exp()) for latent in (face, moved))
    true = torch.distributions.kl_divergence(p, q).sum(1).mean()
    torch.testing.assert_close(losses.shift_divergence(face, moved), true)
    torch.testing.assert_close(losses.shift_divergence(face, face), torch.tensor(0.0))


def test_the_game_is_worth_most_to_who_tells_all_apart():
    real, made = torch.full((4,), 30.0), torch.full((4,), -30.0)
    assert float(losses.gan_loss(real, made, made)) == pytest.approx(0, abs=1e-6)
    undecided = torch.zeros(4)
    assert float(losses.gan_loss(undecided, undecided, undecided)) == pytest.approx(
        3 * math.log(0.5)
    )


def test_regions_weigh_more_and_the_mean_weight_is_1():
    mouth, brows = torch.tensor([0.5, 0.7, 0.1, 0.1]), torch.tensor([0.5, 0.3, 0.2, 0.05])
    weight = losses.region_weights(
        torch.stack([losses.bump(64, place) for place in (mouth, brows)]), (6.0, 5.0)
    )
    assert float(weight.mean()) == pytest.approx(1)
    corner = float(weight[0, 0])
    assert float(weight[45, 32]) == pytest.approx(7 * corner, rel=0.02)
    assert float(weight[19, 32]) == pytest.approx(6 * corner, rel=0.02)


def test_mel_filters_peak_where_their_neighbours_begin():
    settings = MelSettings()
    filters = mel.mel_filters(settings).numpy()
    assert filters.shape == (128, 656)
    centre = filters.argmax(1)
    inner = slice(40, None)  # the lowest triangles are narrower than a bin of the spectrum
    np.testing.assert_allclose(filters[inner].max(1), 1, atol=0.25)
    total = filters.sum(0)[centre[40] : centre[-1]]
    np.testing.assert_allclose(total, 1, atol=1e-5)  # neighbouring triangles add up to 1


def test_a_tone_lights_the_bin_of_its_frequency():
    settings = MelSettings()
    needed = mel.samples_needed(settings)
    tone = np.sin(2 * np.pi * 1000 * np.arange(needed) / settings.rate).astype(np.float32)
    picture = mel.mel_spectrogram(torch.from_numpy(tone)[None], settings)[0, 0]
    assert picture.shape == (128, 128)
    mels = 2595 * math.log10(1 + 1000 / 700) / (2595 * math.log10(1 + 11_025 / 700)) * 129 - 1
    assert abs(int(picture[:, 64].argmax()) - mels) <= 1
    assert float(picture.min()) >= 0
    assert float(picture.max()) == 1


def test_sound_of_any_rate_length_and_channels_becomes_the_same_tone():
    settings = MelSettings()
    for rate, seconds, channels in ((8_000, 1.5, 1), (44_100, 12.0, 2), (22_050, 4.0, 1)):
        t = np.arange(round(rate * seconds)) / rate
        wave = np.stack([np.sin(2 * np.pi * 440 * t)] * channels, axis=1)
        made = mel.fit((wave * 20_000).astype(np.int16), rate, settings)
        assert made.shape == (mel.samples_needed(settings),)
        frequencies, power = signal.periodogram(made, settings.rate)
        assert frequencies[power.argmax()] == pytest.approx(440, abs=1)


def test_short_sound_is_centred_in_silence_and_long_sound_cut_where_it_is_loudest():
    settings = MelSettings()
    needed = mel.samples_needed(settings)
    click = np.zeros(10_001)
    click[5_000] = 1
    assert mel.fit(click, settings.rate, settings).argmax() == (needed - 10_001) // 2 + 5_000
    long = np.full(3 * needed, 0.01)
    long[2 * needed : 2 * needed + 5_000] = 0.9
    assert (mel.fit(long, settings.rate, settings) > 0.5).sum() == 5_000


@pytest.mark.parametrize(
    ("wave", "said"),
    [
        (np.zeros(22_050), "silent"),
        (np.full(22_050, np.nan), "not numbers"),
        (np.ones(100), "lasts 0.00 s"),
        (np.zeros((0,)), "lasts 0.00 s"),
    ],
)
def test_sound_that_says_nothing_is_refused(wave, said):
    with pytest.raises(ValueError, match=said):
        mel.fit(wave, 22_050, MelSettings())


def test_settings_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="halved"):
        VaeSettings(size=100)
    with pytest.raises(ValueError, match="latent"):
        ContextFaceSettings(face=VaeSettings(latent=100))
    with pytest.raises(ValueError, match="bins"):
        ContextFaceSettings(mel=MelSettings(bins=64))
