"""What networks learn of places in a picture."""

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: networks are not tested")
pytest.importorskip("lightning", reason="Lightning is not installed: training is not tested")

from models.context_face.composer import Composer  # noqa: E402
from models.context_face.inference import Quick  # noqa: E402
from models.context_face.pretraining import Pretraining, PretrainingSettings  # noqa: E402
from models.context_face.settings import ComposerSettings, VaeSettings  # noqa: E402
from models.context_face.vae import Decoder, Vae  # noqa: E402
from models.layers import Places, begin  # noqa: E402

SIZE, LATENT = 32, 12
FACE = VaeSettings(size=SIZE, widths=(6, 8), latent=LATENT, stem_stride=2, places=True,
                   discriminator_widths=(4,))  # fmt: skip
SEES = ComposerSettings(widths=(6, 8, 8), around=5, places=True)


def seeded(number: int):
    return torch.Generator().manual_seed(number)


def learned(network, seed: int = 1):
    """A network that was never trained but for its places, which differ everywhere."""
    begin(network, seeded(seed), lively=True)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, Places):
                for maps in module.parameters():
                    maps.normal_(generator=seeded(seed + 1))
    return network.eval()


def test_places_of_the_middle_are_multiplied_and_shifted_and_others_stay():
    places, x = Places(3, 20), torch.randn(2, 3, 20, 20, generator=seeded(1))
    assert torch.equal(places(x), x), "nothing is known before anything was learned"
    learned(places)
    made = places(x)
    wanted = x.clone()
    for channel in range(3):
        for row in range(4, 18):  # 0.2 to 0.9 of 20
            for column in range(4, 16):  # 0.2 to 0.8
                gain = places.gain[channel, row - 4, column - 4]
                shift = places.shift[channel, row - 4, column - 4]
                wanted[:, channel, row, column] = x[:, channel, row, column] * (1 + gain) + shift
    torch.testing.assert_close(made, wanted)
    assert (made - x).abs()[:, :, 4:18, 4:16].min() > 0


def test_the_quick_decoder_knows_the_same_places():
    decoder = learned(Decoder(FACE))
    z = torch.randn(5, LATENT, generator=seeded(2))
    with torch.inference_mode():
        wanted, made = decoder(z), Quick().of(decoder)(z)
        decoder.places = torch.nn.Identity()
        without = decoder(z)
    torch.testing.assert_close(made, wanted, atol=1e-5, rtol=1e-5)
    assert (without - wanted).abs().mean() > 0.01, "without its places it would draw the same"


def test_the_quick_composer_knows_the_same_places_in_batches_of_any_size():
    composer = learned(Composer(SEES, LATENT, SIZE))
    parts = *torch.rand(3, 5, 3, SIZE, SIZE, generator=seeded(3)), torch.randn(5, LATENT)
    with torch.inference_mode():
        quick = Quick().of(composer)
        wanted, made = composer(*parts), quick(*parts)
        torch.testing.assert_close(made, wanted, atol=1e-5, rtol=1e-5)
        for row in range(5):
            assert torch.equal(quick(*(x[row : row + 1] for x in parts))[0], made[row])
        composer.places = torch.nn.Identity()
        assert (composer(*parts) - wanted).abs().mean() > 1e-3


def test_training_goes_on_from_networks_that_knew_no_places():
    before = learned(Vae(replace(FACE, places=False)))
    training = Pretraining("polish", FACE, PretrainingSettings(), 4, lambda rows: torch.zeros(1))
    training.begin_with(before, torch.zeros(1, LATENT))
    x = torch.rand(3, 3, SIZE, SIZE, generator=seeded(4))
    with torch.inference_mode():
        assert torch.equal(training.vae.eval()(x), before(x))


def test_what_differs_by_column_alone_is_learned_where_convolutions_learn_a_band():
    """Stripes of two pixels, the same in every picture, whose brightness alone the latent says."""
    columns = torch.arange(SIZE) // 2 % 2
    stripes = (columns * torch.ones(SIZE, 1))[None, None].expand(1, 3, -1, -1)
    z = torch.randn(16, LATENT, generator=seeded(5))
    wanted = stripes * (0.3 + 0.2 * z[:, :1, None, None].tanh())
    left = {}
    for known in (False, True):
        decoder = Decoder(replace(FACE, places=known))
        begin(decoder, seeded(6))
        optimiser = torch.optim.Adam(decoder.parameters(), 1e-2)
        for _ in range(80):
            optimiser.zero_grad()
            loss = (decoder(z) - wanted)[..., 8:28, 8:24].abs().mean()
            loss.backward()
            optimiser.step()
        left[known] = float(loss.detach())
    assert left[True] < 0.7 * left[False], left


def test_places_are_refused_where_the_last_maps_have_full_size():
    with pytest.raises(ValueError, match="stem_stride 1"):
        VaeSettings(places=True)
