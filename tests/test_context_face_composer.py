"""Frames composed of the given picture's pixels: what stays, what moves, and what is learned."""

from dataclasses import asdict, replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: networks are not tested")
pytest.importorskip("lightning", reason="Lightning is not installed: training is not tested")

from models import coding  # noqa: E402
from models.context_face import composer as composers  # noqa: E402
from models.context_face import losses  # noqa: E402
from models.context_face.composer import Composer, fetched  # noqa: E402
from models.context_face.composing import Composing, ComposingSettings, mean_directions  # noqa: E402
from models.context_face.critic import (  # noqa: E402
    Criticised,
    CriticSettings,
    PatchCritic,
    balanced,
    critic_loss,
    doubt_loss,
)
from models.context_face.data import Labels, load_data, save_data  # noqa: E402
from models.context_face.directions import Relatives  # noqa: E402
from models.context_face.going_on import compose_onto  # noqa: E402
from models.context_face.inference import FastComposer  # noqa: E402
from models.context_face.latents import Latents, face_latents  # noqa: E402
from models.context_face.network import ContextFace  # noqa: E402
from models.context_face.recipes import Recipe  # noqa: E402
from models.context_face.settings import (  # noqa: E402
    ComposerSettings,
)
from models.context_face.stored import KIND, load_model, save_model, training_of  # noqa: E402
from models.context_face.vae import Latent, Vae  # noqa: E402
from models.context_face.window import Window  # noqa: E402
from models.layers import begin  # noqa: E402
from models.training import RunSettings, TrainingError, train  # noqa: E402
from models.weights import save_weights  # noqa: E402
from tests.bars import EMOTIONS, FACE, LATENT, SETTINGS, SIZE, SMALL, drawn, people  # noqa: E402

PLAIN = RunSettings(accelerator="cpu", precision="32-true", threads=1)


def seeded(number: int):
    return torch.Generator().manual_seed(number)


def lively(seed: int = 1) -> Composer:
    """A composer that was never trained, but whose frames differ from what it is given."""
    made = Composer(SMALL, LATENT, SIZE)
    begin(made, seeded(seed), lively=True)
    return made.eval()


def material(n: int = 5):
    """Given, rest and drawn pictures (n, 3, S, S), and shifts (n, d)."""
    pictures = torch.rand(3, n, 3, SIZE, SIZE, generator=seeded(2))
    return (*pictures, torch.randn(n, LATENT, generator=seeded(3)))


@pytest.fixture(scope="module")
def network() -> ContextFace:
    made = ContextFace(SETTINGS, seed=3)
    made.composer = lively()
    with torch.no_grad():
        for name, values in made.named_parameters():
            if values.ndim > 1 and not name.startswith("composer"):
                values.mul_(3)  # without it the signal fades in networks that were never trained
    return made.eval()


def test_where_the_decoder_changes_nothing_the_picture_stays_whatever_the_network_says():
    given, rest, _, shift = material()
    with torch.inference_mode():
        frame = lively()(given, rest, rest, shift)
    torch.testing.assert_close(frame, given, atol=1e-5, rtol=0)


def test_far_from_any_change_the_picture_stays():
    given, rest, _, shift = material(1)
    drawn = rest.clone()
    drawn[:, :, 2:6, 2:6] = 1 - drawn[:, :, 2:6, 2:6]
    with torch.inference_mode():
        off = (lively()(given, rest, drawn, shift) - given).abs()[0].amax(0)
    assert off[2:6, 2:6].max() > 0.05
    assert off[16:, :].max() < 1e-5
    assert off[:, 16:].max() < 1e-5


def test_pixels_are_fetched_from_as_far_away_as_is_asked():
    pictures = torch.rand(2, 3, SIZE, SIZE, generator=seeded(4))
    far = torch.zeros(2, 2, SIZE, SIZE)
    far[:, 0], far[:, 1] = 3 * 2 / SIZE, -2 * 2 / SIZE  # 3 pixels to the right, 2 above
    moved = fetched(pictures, far, Window.of(SIZE))
    torch.testing.assert_close(moved[:, :, 2:, :-3], pictures[:, :, :-2, 3:], atol=1e-5, rtol=0)
    torch.testing.assert_close(moved[:, :, 5, -1], pictures[:, :, 3, -1], atol=1e-5, rtol=0)  # edge


def test_the_quick_composer_gives_what_the_composer_gives_in_batches_of_any_size():
    slow = lively()
    with torch.no_grad():
        slow.trust += 0.3
    quick, parts = FastComposer(slow).eval(), material()
    with torch.inference_mode():
        wanted, made = slow(*parts), quick(*parts)
        torch.testing.assert_close(made, wanted, atol=1e-5, rtol=1e-5)
        assert (made - parts[0]).abs().mean() > 0.02, "a copy would prove nothing"
        for row in range(len(made)):
            assert torch.equal(quick(*(x[row : row + 1] for x in parts))[0], made[row])


def series(network, given, levels, batch=32, seed=1):
    face = network.encode_faces(given)
    voice = Latent(*torch.randn(2, len(given), LATENT, generator=seeded(seed)))
    return network.series(face, voice, levels, batch, given=given)


def test_level_0_is_the_given_picture_in_every_voice_and_others_are_not(network):
    given = material()[0]
    for seed in (1, 2):
        made = series(network, given, (0.0, 0.5, 1.0), seed=seed)
        assert torch.equal(made[:, 0], given)
        assert (made[:, 1:] - given[:, None]).abs().mean() > 0.005
    face = network.encode_faces(given)
    voice = Latent(*torch.randn(2, len(given), LATENT, generator=seeded(1)))
    alone = network.series(face, voice, (0.0, 1.0))  # without the pictures: decoded alone
    torch.testing.assert_close(alone[:, 0], network.decode(face.mu), atol=1e-5, rtol=0)


def test_a_composed_picture_does_not_depend_on_what_is_made_beside_it(network):
    given, levels = material()[0], (0.0, 0.25, 1.0)
    whole = series(network, given, levels)
    for batch in (1, 2, 4):
        assert torch.equal(series(network, given, levels, batch), whole)


def test_frames_follow_m_without_jumps(network):
    given = material()[0]
    at = [0.4 + step for step in (0.0, 0.001, 0.01, 0.1)]
    made = series(network, given, at)
    off = [float((made[:, i] - made[:, 0]).abs().max()) for i in (1, 2, 3)]
    assert 0 < off[0] < 0.03
    assert off[0] < off[1] < off[2] < 30 * off[1]
    near = series(network, given, (1e-4,))[:, 0]
    assert (near - given).abs().max() < 0.02  # nor at 0, where the given picture itself is taken


def test_mean_directions_are_those_that_latents_were_made_with():
    rng = np.random.default_rng(5)
    labels = people(30)
    vectors = rng.standard_normal((3, LATENT))
    vectors[0] = 0
    strength = np.eye(3)[labels.emotion] * labels.m[:, None]
    own = rng.standard_normal((40, LATENT))[labels.actor]
    mu = own + strength @ vectors + 1e-3 * rng.standard_normal((len(labels), LATENT))
    relatives = Relatives(labels, np.arange(len(labels)), EMOTIONS)
    found = mean_directions(torch.from_numpy(mu).float(), relatives)
    np.testing.assert_allclose(found.numpy(), vectors, atol=3e-3)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    labels = people(12)
    heard = Labels(*(np.zeros(3) for _ in range(6)))
    path = tmp_path_factory.mktemp("data") / "faces.safetensors"
    silence = np.zeros((3, SIZE, SIZE), np.uint8)
    save_data(path, coding.encode(drawn(labels)), labels, silence, heard, EMOTIONS,
              licence="lab only")  # fmt: skip
    return load_data(path)


QUICK = ComposingSettings(steps=80, batch=8, rate=4e-3, structure=0.0, apart=0.0)
FEW = 8  # pixels a side that the blurring network below keeps


class Seeing(torch.nn.Module):
    """An encoder whose latent is the picture, made small."""

    def __init__(self) -> None:
        super().__init__()
        self.unused = torch.nn.Parameter(torch.zeros(1))

    def forward(self, x):
        small = torch.nn.functional.avg_pool2d(x, SIZE // FEW).flatten(1).float()
        return Latent(small, torch.zeros_like(small))

    def features(self, x):
        return x

    def end(self, features):
        return self(features)


class Blurring(Seeing):
    """A decoder that makes it large again: no grain, no edges."""

    def forward(self, z):
        small = z.float().unflatten(1, (3, FEW, FEW))
        return torch.nn.functional.interpolate(small, size=SIZE, mode="bilinear")


@pytest.mark.parametrize("critic", [None, CriticSettings(widths=(8, 8, 8))])
def test_a_composer_learns_to_change_pictures_as_latents_say(data, tmp_path, critic):
    labels, vae = data.of_faces, Vae(FACE)
    vae.encoder, vae.decoder = Seeing(), Blurring()
    relatives = Relatives(labels, np.arange(len(labels)), EMOTIONS)
    faces = face_latents(data, vae.encoder, "train")  # pyright: ignore[reportArgumentType]
    settings = replace(QUICK, critic=critic)
    task = Composing(SMALL, settings, vae, faces, relatives, data.pictures)
    train(task, tmp_path, PLAIN)
    x = data.pictures(np.array([0, 2, 3]) + 5)  # neutral, happy and angry of one person
    z = faces.mu[[5, 7, 8]]
    rest, happy, angry = vae.decoder(z)
    with torch.inference_mode():
        made = task.composer.eval()(
            x[:1].expand(2, -1, -1, -1), rest.expand(2, -1, -1, -1), torch.stack([happy, angry]),
            z[1:] - z[:1],
        )  # fmt: skip
    left, decoded, composed = (
        float((wanted - x[1:]).abs().mean())
        for wanted in (x[:1].expand(2, -1, -1, -1), torch.stack([happy, angry]), made)
    )
    assert composed < 0.8 * left  # than the picture as it was given
    assert composed < 0.8 * decoded  # than the decoder's own


def test_a_critic_is_content_beyond_a_margin_and_weighs_places():
    weight = torch.tensor([[2.0, 0.0]])
    real, made = (torch.tensor(x).reshape(1, 1, 1, 2) for x in ([3.0, -9.0], [-0.5, 9.0]))
    assert float(critic_loss(real, made, weight)) == pytest.approx((0 + 0.5) * 2 / 2)
    assert float(critic_loss(-real, made, weight)) == pytest.approx((4 + 0.5) * 2 / 2)
    maps = (torch.zeros(1, 2), torch.ones(1, 2))
    true = Criticised(maps, real)
    assert float(doubt_loss(true, Criticised(maps, made), weight)) == pytest.approx(0.5)
    other = Criticised((maps[0] + 1, maps[1] - 2), made)
    assert float(doubt_loss(true, other, weight)) == pytest.approx(0.5 + 1 + 2)


def test_a_balanced_term_pulls_a_share_as_hard_as_the_other():
    at = torch.randn(5, generator=seeded(1)).requires_grad_()
    beside, term = (3 * at).square().sum(), at[0] * 1e-3
    scaled = balanced(term, beside, at, 0.3)
    own, other = (torch.autograd.grad(x, at, retain_graph=True)[0] for x in (scaled, beside))
    assert float(own.norm() / other.norm()) == pytest.approx(0.3, rel=1e-4)
    assert float(own[0]) > 0  # the direction stays
    assert not own[1:].any()


def test_a_critic_tells_blurred_pictures_from_true_ones():
    critic = PatchCritic(CriticSettings(widths=(8, 8, 8)))
    begin(critic, seeded(1), lively=True)
    optimiser = torch.optim.AdamW(critic.parameters(), lr=3e-3)
    even = torch.ones(SIZE // 4, SIZE // 4)

    def seen(seed):
        true = torch.rand(8, 3, SIZE, SIZE, generator=seeded(seed))
        blurred = torch.nn.functional.avg_pool2d(true, 3, stride=1, padding=1)
        return critic(true, blurred).real, critic(blurred, blurred).real

    for step in range(40):
        loss = critic_loss(*seen(100 + step), even)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    true, blurred = seen(7)
    above = true.flatten()[:, None] > blurred.flatten()[None]  # every patch beside every other
    assert float(above.float().mean()) > 0.95


def test_changes_that_are_half_as_large_as_they_should_be_are_faint():
    true = 0.2 * torch.randn(4, 3, SIZE, SIZE, generator=seeded(7))
    region = losses.bump(SIZE, (0.5, 0.5, 0.2, 0.2))[None]
    for share in (0.0, 0.5, 1.0, 1.2):
        found = float(losses.faintness(share * true, true, region))
        assert found == pytest.approx((1 - share) ** 2, abs=0.04)
    assert float(losses.faintness(true, torch.zeros_like(true), region)) == 0
    elsewhere = true.clone()
    elsewhere[..., :3] *= 5  # far from the region
    assert float(losses.faintness(elsewhere, true, region)) == pytest.approx(0, abs=0.01)


def test_a_blurred_grain_costs_more_than_one_that_lies_a_pixel_beside():
    true = torch.rand(2, 3, SIZE, SIZE, generator=seeded(9))
    even, beside = torch.ones(SIZE, SIZE), true.roll(1, dims=3)
    blurred = torch.nn.functional.avg_pool2d(true, 3, stride=1, padding=1)
    assert losses.weighted_l1(beside, true, even) > 1.3 * losses.weighted_l1(blurred, true, even)
    assert 3 * losses.grain_loss(beside, true, even) < losses.grain_loss(blurred, true, even)
    assert float(losses.grain_loss(true + 0.3, true, even)) == pytest.approx(
        0, abs=1e-5
    )  # no shade


def test_roughness_is_what_pooling_finds():
    """Matrix products give the means of windows, at edges of the picture, too."""
    pool = torch.nn.functional.avg_pool2d
    x = torch.rand(2, 3, 24, SIZE, generator=seeded(10), dtype=torch.float64)
    fine = x - pool(x, 3, stride=1, padding=1, count_include_pad=False)
    torch.testing.assert_close(losses.grain(x), fine)
    true = torch.rand(2, 3, SIZE, SIZE, generator=seeded(11))
    made = true + 0.1 * torch.randn(true.shape, generator=seeded(12))
    weight = losses.bump(SIZE, (0.5, 0.6, 0.2, 0.3))

    def rough(picture):
        fine = picture - pool(picture, 3, stride=1, padding=1, count_include_pad=False)
        return (pool(fine**2, 7, stride=1, padding=3) + 1e-6).sqrt()

    wanted = ((rough(made) - rough(true)).abs() * weight).mean()
    torch.testing.assert_close(losses.grain_loss(made, true, weight), wanted)
    with torch.autocast("cpu", torch.bfloat16):  # as trainings call it
        torch.testing.assert_close(losses.grain_loss(made, true, weight), wanted)


def test_so_many_pairs_begin_with_a_neutral_picture(data):
    relatives = Relatives(data.of_faces, np.arange(len(data.of_faces)), EMOTIONS)
    mu, no = torch.randn(len(data.of_faces), LATENT, generator=seeded(8)), torch.zeros(1)
    faces = Latents(mu, no, no, no, no, no, no, EMOTIONS)
    for share in (0.5, 0.9):
        settings = replace(QUICK, from_neutral=share, batch=2000, apart=0.0)
        seen: list[np.ndarray] = []

        def read(rows, seen=seen):
            seen.append(np.asarray(rows))
            return torch.zeros(len(rows), 3, 2, 2)

        Composing(SMALL, settings, Vae(FACE), faces, relatives, read).batch(0, slice(None))
        neutral = (data.of_faces.emotion[seen[0]] == 0).mean()
        assert neutral == pytest.approx(share + (1 - share) / 4, abs=0.04)  # a quarter of the own


def test_finished_networks_get_a_composer_and_stay_as_they_were(data, tmp_path):
    finished = tmp_path / "finished.safetensors"
    plain = ContextFace(replace(SETTINGS, composer=None), seed=4)
    save_model(finished, plain, licence="CC0-1.0", data_sha256="abc", training="{}")
    recipe = Recipe(network=SETTINGS, composing=replace(QUICK, steps=6))
    path = compose_onto(data, tmp_path / "out", finished, recipe, PLAIN)
    network, weights = load_model(path)
    old, _ = load_model(finished)
    assert network.settings == SETTINGS
    for name, values in old.state_dict().items():
        if not name.startswith("context.decoder."):  # training alone needs it; not stored
            assert torch.equal(network.state_dict()[name], values), name
    assert weights.facts["licence"] == "CC0-1.0 and lab only"
    assert weights.facts["data_sha256"] == "abc"
    assert weights.facts["composing_data_sha256"] == data.facts["sha256"]
    assert training_of(weights)["composing"]["steps"] == 6

    def ctrl_c(self, batch, step, engine, update=Composing.update):
        if step == 3:
            raise KeyboardInterrupt
        return update(self, batch, step, engine)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Composing, "update", ctrl_c)
        with pytest.raises(KeyboardInterrupt):
            compose_onto(data, tmp_path / "broken", finished, recipe, PLAIN)
    again = compose_onto(data, tmp_path / "broken", finished, recipe, PLAIN)
    assert again.read_bytes() == path.read_bytes()
    further = compose_onto(data, tmp_path / "further", path, recipe, PLAIN)
    end, facts = load_model(further)
    (learned,) = training_of(facts)["composed before"]
    assert learned["steps"] == 6
    assert learned["data_sha256"] == data.facts["sha256"]
    still = replace(recipe, composing=replace(QUICK, steps=1, rate=0.0, weight_decay=0.0))
    kept, _ = load_model(compose_onto(data, tmp_path / "still", path, still, PLAIN))
    assert network.composer is not None
    assert kept.composer is not None
    assert end.composer is not None
    for name, values in network.composer.state_dict().items():  # what it has goes on
        assert torch.equal(kept.composer.state_dict()[name], values), name
    assert not torch.equal(end.composer.planes.weight, network.composer.planes.weight)
    with pytest.raises(TrainingError, match="another training has begun there .*steps 6 there"):
        compose_onto(data, tmp_path / "out", finished, replace(recipe, composing=QUICK), PLAIN)
    other = replace(data, emotions=("neutral", "happy", "sad"))
    with pytest.raises(TrainingError, match="of neutral, happy, angry; the data show neutral, hap"):
        compose_onto(other, tmp_path / "other", finished, recipe, PLAIN)


def test_weights_from_before_composers_are_read(tmp_path):
    plain = ContextFace(replace(SETTINGS, composer=None), seed=4)
    said = asdict(plain.settings)
    said.pop("composer")
    kept = {k: v for k, v in plain.state_dict().items() if not k.startswith("context.decoder.")}
    save_weights(tmp_path / "old.safetensors", KIND, kept, said)
    network, _ = load_model(tmp_path / "old.safetensors")
    assert network.composer is None
    assert network.settings.gains == ()
    given = material()[0]
    voice = Latent(*torch.randn(2, len(given), LATENT, generator=seeded(1)))
    face = network.encode_faces(given)
    made = network.series(face, voice, (0.0, 1.0), given=given)
    assert torch.equal(made, network.series(face, voice, (0.0, 1.0)))
    del said["gains"]
    said["gain"] = 1.5  # later, one for all emotions
    save_weights(tmp_path / "one.safetensors", KIND, kept, said)
    network, _ = load_model(tmp_path / "one.safetensors")
    assert network.settings.gains == (1.5, 1.5, 1.5)


def test_settings_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="around: found 4; accepted: odd"):
        ComposerSettings(around=4)
    assert composers.PLANES == 18
