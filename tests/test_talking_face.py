"""The generator of talking faces: the paper's sizes, any length, nothing computed wrongly."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch, the extra 'models'")

import torch.nn.functional as F  # noqa: E402

from models import folding  # noqa: E402
from models.layers import SLOPE, size_of  # noqa: E402
from models.talking_face import losses  # noqa: E402
from models.talking_face.critics import EmotionCritic, FrameCritic  # noqa: E402
from models.talking_face.decoder import SkipConv  # noqa: E402
from models.talking_face.encoders import PictureEncoder  # noqa: E402
from models.talking_face.inference import FastDecoder  # noqa: E402
from models.talking_face.network import TalkingFace  # noqa: E402
from models.talking_face.settings import (  # noqa: E402
    PAPER,
    CriticSettings,
    Filters,
    SpeechSettings,
    TalkingFaceSettings,
)
from models.talking_face.speech import SpeechEncoder, whole_frames  # noqa: E402

SMALL = TalkingFaceSettings(
    size=32,
    speech=SpeechSettings(
        filters=(Filters(8, 63, 4), Filters(8, 31, 4), Filters(8, 17, 2), Filters(8, 9, 2),
                 Filters(4, 1, 1)),
        width=16,
    ),
    widths=(8, 16, 16), picture=16, emotion=8, noise=8, hidden=32, last_kernel=3,
)  # fmt: skip
CRITIC = CriticSettings(widths=(8, 8), hidden=16, sequence=8)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(4)
    return TalkingFace(SMALL).eval()


def sound(seconds, seed=1, rate=8000):
    drawn = np.random.default_rng(seed).random(round(rate * seconds), np.float32)
    return torch.from_numpy(drawn) - 0.5


def picture(seed=2):
    return torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def spoken(network, seconds, emotions=None, **options):
    emotions = torch.eye(6) if emotions is None else emotions
    generator = torch.Generator().manual_seed(7)
    made = network.speak(picture(), sound(seconds), emotions, generator, **options)
    return torch.cat(list(made), 1)


def test_the_paper_s_network_has_the_paper_s_sizes():
    assert (PAPER.speech.step, PAPER.speech.hop, PAPER.speech.fps) == (64, 320, 25)
    with torch.device("meta"):  # shapes without numbers
        network, frames = TalkingFace(), 3
        kept = network.picture(torch.zeros(1, 3, 128, 128))
        video = network(
            torch.zeros(1, 3, 128, 128), torch.zeros(1, frames * 320), torch.zeros(1, 6),
            torch.zeros(1, frames, 128),
        )  # fmt: skip
        of_frames = FrameCritic(128)(video, video[:, 0])
        of_emotions = EmotionCritic(128, 6)(video)
    assert network.speech.join.in_features == 560  # 35 steps of 16 features
    assert kept.embedding.shape == (1, 512)
    assert [tuple(s.shape[1:3]) for s in kept.skips] == [
        (64, 64), (128, 32), (256, 16), (512, 8), (512, 4)
    ]  # fmt: skip
    assert video.shape == (1, frames, 3, 128, 128)
    assert of_frames.shape == (1, frames)
    assert of_emotions.shape == (1, 7)


@pytest.mark.parametrize("seconds", [0.021, 0.04, 0.5, 1.0, 1.019, 1.021, 2.33])
def test_a_video_has_exactly_the_frames_of_the_sound(network, seconds):
    video = spoken(network, seconds, torch.eye(6)[:1])
    assert video.shape[1] == round(25 * seconds)


def test_less_than_half_a_frame_is_refused(network):
    with pytest.raises(ValueError, match="found 15 ms of sound; a video needs at least 20 ms"):
        spoken(network, 0.015)


def test_pieces_are_equal_to_one_pass(network):
    whole = spoken(network, 1.4, piece=1000)
    for piece in (1, 8, 25):
        torch.testing.assert_close(spoken(network, 1.4, piece=piece), whole, atol=2e-6, rtol=0)


def test_frames_hear_the_same_asked_for_together_or_apart():
    torch.manual_seed(0)
    encoder = SpeechEncoder(SMALL.speech).eval()
    heard = whole_frames(sound(1.7)[None], SMALL.speech)
    with torch.no_grad():
        together = encoder.heard(heard, 0, encoder.frames(heard))
        apart = torch.cat([encoder.heard(heard, i, i + 1) for i in range(together.shape[1])], 1)
    torch.testing.assert_close(apart, together, atol=1e-6, rtol=0)


def test_a_frame_hears_what_is_around_its_middle_and_nothing_else():
    """A click is heard by the frames that kernels and context reach, not by others."""
    torch.manual_seed(0)
    encoder = SpeechEncoder(SMALL.speech).eval()
    quiet = torch.zeros(1, 320 * 40)
    with torch.no_grad():
        for at in (6400, 6543, 0, 12799):
            click = quiet.clone()
            click[0, at] = 1.0
            changed = (encoder.heard(click, 0, 40) - encoder.heard(quiet, 0, 40))[0].abs().amax(1)
            middles = (torch.arange(40) * 5 + 2) * 64
            near = (middles - at).abs() <= 17 * 64 + SMALL.speech.reach
            assert not (changed > 0)[~near].any()
            surely = (middles - at).abs() <= 17 * 64 - 64
            assert (changed > 0)[surely].all()


def test_videos_of_several_emotions_are_those_of_each_alone(network):
    together = spoken(network, 1.2)
    for row in (0, 3, 5):
        alone = spoken(network, 1.2, torch.eye(6)[row : row + 1])
        torch.testing.assert_close(together[row : row + 1], alone, atol=2e-6, rtol=0)
    assert (together[0] - together[1]).abs().max() > 1e-3


def test_speaking_is_what_training_trains(network):
    numbers = torch.Generator().manual_seed(7)
    heard = sound(1.0)
    noise = torch.stack([torch.randn(8, generator=numbers) for _ in range(25)])
    with torch.no_grad():
        trained = network(picture()[None], heard[None], torch.eye(6)[2:3], noise[None])
    made = spoken(network, 1.0, torch.eye(6)[2:3])
    torch.testing.assert_close(made[:, 1:], trained[:, 1:], atol=2e-6, rtol=0)
    torch.testing.assert_close(made[0, 0], picture())  # as every clip that was learned from


def test_later_sound_never_changes_what_was_said_long_before(network):
    """Streaming is only right if nothing of the future is needed beyond the context's reach."""
    long = spoken(network, 3.0, torch.eye(6)[:1])
    short = spoken(network, 2.0, torch.eye(6)[:1])
    reach = -(-(17 * 64 + SMALL.speech.reach) // 320)  # frames
    same = slice(0, 50 - reach - 1)
    torch.testing.assert_close(long[:, same], short[:, same], atol=2e-6, rtol=0)


def test_a_skip_convolution_is_one_over_both_maps_side_by_side():
    torch.manual_seed(1)
    layer = SkipConv(5, 4, 6)
    x, skip = torch.randn(2 * 3, 5, 9, 9), torch.randn(2, 4, 9, 9)
    found = layer(x, layer.still(skip))
    weight = torch.cat([layer.moving.weight, layer.still.weight], 1)
    both = torch.cat([x, skip.repeat_interleave(3, 0)], 1)
    wanted = F.leaky_relu(F.conv2d(both, weight, layer.still.bias, padding=1), SLOPE)
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)


def test_halving_by_stride_is_halving_by_nearest_neighbour():
    torch.manual_seed(1)
    encoder = PictureEncoder(SMALL)
    x = torch.randn(1, 3, 32, 32)
    first = encoder.convolutions[0]
    wanted = F.interpolate(F.conv2d(x, first.weight, first.bias, padding=1), scale_factor=0.5)
    torch.testing.assert_close(encoder(x).skips[0], F.leaky_relu(wanted, SLOPE))


def test_bfloat16_is_near_float32(network):
    exact, short = spoken(network, 1.0), spoken(network, 1.0, precision="bfloat16")
    assert (exact - short).abs().mean() < 0.01


def test_a_mixture_of_emotions_is_neither(network):
    mixed = spoken(network, 0.4, torch.tensor([[0.5, 0, 0, 0.5, 0, 0]]))
    pure = spoken(network, 0.4)
    assert min((mixed[0] - pure[i]).abs().max() for i in (0, 3)) > 1e-4


def test_settings_that_cannot_be_built_are_refused():
    for change, words in (
        (lambda: SpeechSettings(filters=(Filters(4, 8, 4),)), r"filters\[0\]: kernel 8"),
        (lambda: SpeechSettings(rate=8001), "rate 8001: not a multiple of the 320"),
        (lambda: TalkingFaceSettings(size=100), "size 100 cannot be halved 5 times"),
        (lambda: TalkingFaceSettings(emotions=("sad", "sad")), "stands twice"),
    ):
        with pytest.raises(ValueError, match=words):
            change()


# --- losses ----------------------------------------------------------------------------------


def test_the_mouth_mask_is_a_gaussian_over_a_floor():
    mask = losses.mouth_mask(torch.tensor([[64.5, 90.5]]), 128)[0]
    assert mask.max().item() == pytest.approx(1.01)
    assert divmod(int(mask.argmax()), 128) == (90, 64)
    assert mask[90, 64 + 9].item() == pytest.approx(0.01 + np.exp(-0.5))
    assert mask[90 - 18, 64].item() == pytest.approx(0.01 + np.exp(-2))
    half = losses.mouth_mask(torch.tensor([32.25, 45.25]), 64)
    assert half.sum().item() == pytest.approx(mask.sum().item() / 4, rel=0.02)


def test_the_mouth_loss_weighs_by_place():
    true = torch.zeros(1, 2, 3, 64, 64)
    mask = losses.mouth_mask(torch.tensor([[[32.0, 45.0]] * 2]), 64)
    at_mouth, elsewhere = true.clone(), true.clone()
    at_mouth[..., 43:47, 30:34] = 0.5
    elsewhere[..., 3:7, 30:34] = 0.5
    assert losses.mouth_loss(at_mouth, true, mask) > 50 * losses.mouth_loss(elsewhere, true, mask)
    constant = losses.mouth_loss(true + 0.25, true, mask)
    assert constant.item() == pytest.approx(0.25 * mask.mean().item())


def test_the_penalty_of_a_linear_critic_is_known():
    """The slope of sum(w x) is w everywhere: the penalty is (|w| - 1)^2."""
    w = torch.randn(3, 8, 8, generator=torch.Generator().manual_seed(1))
    real, made = torch.randn(2, 4, 3, 8, 8), torch.randn(2, 4, 3, 8, 8)
    found = losses.gradient_penalty(lambda x: (x * w).sum((2, 3, 4)), real, made, torch.rand(2, 4))
    assert found.item() == pytest.approx((w.norm().item() - 1) ** 2, rel=1e-4)


def test_a_critic_that_descends_its_loss_tells_real_from_made():
    torch.manual_seed(3)
    critic = FrameCritic(32, CRITIC)
    optimiser = torch.optim.Adam(critic.parameters(), 1e-3, betas=(0.5, 0.99))
    real, made = torch.rand(2, 4, 3, 32, 32), -torch.rand(2, 4, 3, 32, 32)
    still = real[:, 0]
    for _ in range(15):
        loss = losses.critic_loss(critic(real, still), critic(made, still))
        loss = loss + 10 * losses.gradient_penalty(
            lambda x: critic(x, still), real, made, torch.rand(2, 4)
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert critic(real, still).min() > critic(made, still).max()
    assert losses.frame_loss(critic(real, still)) < losses.frame_loss(critic(made, still))


def test_emotion_losses_are_cross_entropies_of_the_right_class():
    """The same logits: what pleases the generator is what the critic calls generated."""
    logits = torch.zeros(2, 7)
    logits[:, 1] = 3.0  # looks disgusted
    one = torch.tensor([1, 1])
    sure = float(torch.log(torch.exp(torch.tensor(3.0)) + 6) - 3)
    assert losses.emotion_loss(logits, one).item() == pytest.approx(sure, rel=1e-5)
    both = losses.emotion_critic_loss(logits, one, logits).item()
    assert both == pytest.approx((sure + sure + 3) / 2, rel=1e-5)


def test_the_perceptual_loss_sums_over_layers_and_leaves_the_truth_alone():
    made = torch.rand(1, 2, 3, 8, 8, requires_grad=True)
    true = torch.rand(1, 2, 3, 8, 8, requires_grad=True)
    found = losses.perceptual_loss(made, true, lambda x: [x, 2 * x[:, :1]])
    wanted = F.mse_loss(made, true) + 4 * F.mse_loss(made[:, :, :1], true[:, :, :1])
    torch.testing.assert_close(found, wanted)
    found.backward()
    assert made.grad is not None
    assert true.grad is None


def test_everything_is_trained(network):
    """No part of the generator is cut off from the loss."""
    network = TalkingFace(SMALL)
    noise = torch.randn(2, 25, 8, generator=torch.Generator().manual_seed(1))
    pictures = torch.stack([picture(), picture(3)])
    sounds = torch.stack([sound(1.0), sound(1.0, 2)])
    network(pictures, sounds, torch.eye(6)[:2], noise).square().mean().backward()
    unmoved = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert not unmoved
    assert size_of(network) > 10_000


@pytest.mark.parametrize("warped", [False, True])
def test_the_decoder_for_use_draws_what_the_trained_one_draws(warped):
    settings = replace(SMALL, warped=warped, last_kernel=3 if warped else 7)
    network = TalkingFace(settings).eval()
    generator = torch.Generator().manual_seed(3)
    portrait = network.picture(torch.rand(2, 3, settings.size, settings.size, generator=generator))
    width = settings.speech.width + settings.picture + settings.noise + settings.emotion
    joined = torch.randn(2, 3, width, generator=generator)
    still = network.decoder.still(portrait)
    with torch.no_grad():
        wanted = network.decoder(joined, still)
        torch.testing.assert_close(FastDecoder(network.decoder)(joined, still), wanted,
                                   atol=2e-5, rtol=0)  # fmt: skip
        short = FastDecoder(network.decoder, torch.bfloat16)(joined, still)
    assert (short - wanted).abs().mean() < 0.01


@pytest.mark.parametrize("kernel", [3, 7])
def test_a_convolution_before_a_doubling_is_one_after_it(kernel):
    generator = torch.Generator().manual_seed(kernel)
    weight = torch.randn(5, 4, kernel, kernel, generator=generator, dtype=torch.float64)
    bias = torch.randn(5, generator=generator, dtype=torch.float64)
    x = torch.randn(2, 4, 6, 7, generator=generator, dtype=torch.float64)
    after = F.conv2d(F.interpolate(x, scale_factor=2), weight, bias, padding=kernel // 2)
    torch.testing.assert_close(folding.joined(folding.after_doubling(weight, bias)(x)), after)
    with pytest.raises(ValueError, match="a kernel of 5; 3 or 7"):
        folding.after_doubling(weight.new_zeros(1, 1, 5, 5), None)
