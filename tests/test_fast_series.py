"""The quick way to shifted faces gives what the plain one gives, in batches of any size."""

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: networks are not tested")

from models.context_face.inference import FastDecoder, FastEncoder  # noqa: E402
from models.context_face.network import ContextFace  # noqa: E402
from models.context_face.settings import (  # noqa: E402
    ContextFaceSettings,
    MelSettings,
    VaeSettings,
)
from models.context_face.vae import Latent, Vae  # noqa: E402

LEVELS = (0.0, 0.25, 0.5, 0.75, 1.0)


def settings_of(stride=1):
    return ContextFaceSettings(
        face=VaeSettings(size=32, widths=(8, 12, 16), latent=20, stem_stride=stride),
        context=VaeSettings(channels=1, size=32, widths=(4, 8, 8), latent=20, stem_stride=stride),
        mel=MelSettings(bins=32, frames=32),
    )


def as_if_trained(network):
    """Statistics and gains of batch norms that are not those of a new network."""
    generator = torch.Generator().manual_seed(5)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.3, generator=generator)
            module.running_var.uniform_(0.3, 3, generator=generator)
            module.weight.data.uniform_(0.5, 1.5, generator=generator)
            module.bias.data.normal_(0, 0.3, generator=generator)
    return network.eval()


@pytest.fixture(scope="module")
def network():
    return as_if_trained(ContextFace(settings_of(), seed=3))


@pytest.fixture(scope="module")
def pairs(network):
    generator = torch.Generator().manual_seed(1)
    faces = torch.rand(3, 3, 32, 32, generator=generator)
    voices = torch.rand(2, 1, 32, 32, generator=generator)
    return faces.repeat_interleave(2, 0), voices.repeat(3, 1, 1, 1)


def plain_series(network, faces, voices, levels):
    """For each face, context and m: encode both again, shift, decode one picture."""
    pictures = []
    with torch.inference_mode():
        for face, voice in zip(faces, voices, strict=True):
            for m in levels:
                seen = network.face.encoder(face[None])
                offset = network.shift(seen, network.context.encoder(voice[None])).mu
                pictures.append(network.face.decoder(seen.mu + m * offset).clamp(0, 1)[0])
    return torch.stack(pictures).unflatten(0, (len(faces), len(levels)))


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("size", [32, 64])
def test_folded_networks_give_what_the_networks_give(stride, size):
    settings = VaeSettings(size=size, widths=(8, 12, 12, 16), latent=20, stem_stride=stride)
    vae = as_if_trained(Vae(settings))
    x, z = torch.rand(3, 3, size, size), torch.randn(3, 20)
    with torch.inference_mode():
        plain, fast = vae.encoder(x), FastEncoder(vae.encoder)(x)
        torch.testing.assert_close(fast.mu.float(), plain.mu, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(fast.log_var.float(), plain.log_var, atol=1e-5, rtol=1e-5)
        made = FastDecoder(vae.decoder)(z)
        wanted = vae.decoder(z)
    assert float(wanted.std()) > 0.01, "an empty picture would prove nothing"
    torch.testing.assert_close(made, wanted, atol=1e-5, rtol=1e-5)


def test_batched_series_are_those_of_the_plain_loop(network, pairs):
    wanted = plain_series(network, *pairs, LEVELS)
    face, voice = network.encode_faces(pairs[0]), network.encode_contexts(pairs[1])
    made = network.series(face, voice, LEVELS, batch=7)
    assert (made - wanted).abs().max() < 1e-4
    assert not torch.equal(made[:, 0], made[:, -1])


def test_a_picture_does_not_depend_on_what_is_made_beside_it(network, pairs):
    whole = network.encode_faces(pairs[0])
    voice = network.encode_contexts(pairs[1])
    series = network.series(whole, voice, LEVELS)
    for batch in (1, 2, 5):
        assert torch.equal(network.encode_faces(pairs[0], batch).mu, whole.mu)
        assert torch.equal(network.series(whole, voice, LEVELS, batch), series)
    for row in range(6):
        one = slice(row, row + 1)
        alone = network.series(
            Latent(whole.mu[one], whole.log_var[one]), Latent(voice.mu[one], voice.log_var[one]),
            LEVELS,
        )  # fmt: skip
        assert torch.equal(alone[0], series[row])
    assert torch.equal(series[0, 0], network.decode(whole.mu[:1])[0])  # m = 0: the reconstruction


def test_what_is_the_same_is_decoded_once(network, pairs, monkeypatch):
    seen = []
    decode = ContextFace.decode
    monkeypatch.setattr(
        ContextFace, "decode", lambda self, z, *a: seen.append(len(z)) or decode(self, z, *a)
    )
    face, voice = network.encode_faces(pairs[0]), network.encode_contexts(pairs[1])
    network.series(face, voice, LEVELS)
    assert seen == [3 * 1 + 3 * 2 * 4]


def test_changed_weights_are_never_used_as_they_were(pairs):
    network = as_if_trained(ContextFace(settings_of(), seed=4))
    z = torch.randn(2, 20)
    before = network.decode(z)
    with torch.no_grad():
        network.face.decoder.picture.bias.add_(2)
    assert (network.decode(z) == 1).all()
    other = as_if_trained(ContextFace(settings_of(), seed=8))
    network.load_state_dict(other.state_dict())
    assert torch.equal(network.decode(z), other.decode(z))
    network.face = other.face
    assert torch.equal(network.decode(z), other.decode(z))
    network.train()
    shown = network.decode(z)  # batch norms use the statistics of the batch
    assert not torch.allclose(shown, before)


def test_bfloat16_pictures_differ_by_few_grey_levels(network, pairs):
    face, voice = network.encode_faces(pairs[0]), network.encode_contexts(pairs[1])
    exact = network.series(face, voice, LEVELS)
    short = network.series(face, voice, LEVELS, precision="bfloat16")
    assert short.dtype == torch.float32
    assert 0 < (short - exact).abs().mean() < 1 / 255
    assert (short - exact).abs().max() < 5 / 255
    assert torch.equal(short[0, 0], short[1, 0])
    with pytest.raises(ValueError, match="accepted: float32, bfloat16"):
        network.series(face, voice, LEVELS, precision="half")


def test_weights_on_disk_are_those_of_the_networks_alone(network, tmp_path):
    from models.context_face.stored import load_model, save_model

    network.decode(torch.randn(2, 20))
    names = set(network.state_dict())
    assert names == set(ContextFace(settings_of()).state_dict())
    save_model(tmp_path / "w.safetensors", network)
    assert load_model(tmp_path / "w.safetensors")[0].settings == network.settings
