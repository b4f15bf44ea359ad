"""Pictures varied in colour and shape: by how much, where, and alike for what belongs together."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch, the extra 'models'")

from models.context_face.data import Labels  # noqa: E402
from models.context_face.directions import Relatives  # noqa: E402
from models.context_face.losses import structure_loss  # noqa: E402
from models.context_face.pretraining import (  # noqa: E402
    Extras,
    Pretraining,
    PretrainingSettings,
)
from models.context_face.quality import ssim  # noqa: E402
from models.context_face.settings import VaeSettings  # noqa: E402
from models.variation import (  # noqa: E402
    NODES,
    NUMBERS,
    VariationSettings,
    numbers,
    vary,
)

SIZE = 64
FACE = VaeSettings(size=SIZE, widths=(8, 8), latent=4, discriminator_widths=(8,))
ALL = VariationSettings(light=0.2, tint=0.05, colour=0.3, shape=2.0)


def _pictures(n: int = 3, seed: int = 1):
    return 0.2 + 0.6 * torch.rand(n, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(seed))


def test_numbers_of_nought_change_nothing():
    x = _pictures()
    torch.testing.assert_close(vary(x, torch.zeros(3, NUMBERS), ALL), x, atol=1e-5, rtol=0)


def test_each_number_does_what_it_is_for():
    x = _pictures(1)
    for column, settings, wanted in (
        (0, VariationSettings(light=0.2), x**1.2),
        (1, VariationSettings(colour=0.3), x + 0.3 * (x - x.mean(1, keepdim=True))),
        (3, VariationSettings(tint=0.05), x * torch.tensor([1, 1.05, 1])[:, None, None]),
    ):
        chance = torch.zeros(1, NUMBERS)
        chance[:, column] = 1
        torch.testing.assert_close(vary(x, chance, settings), wanted.clamp(0, 1))


def test_places_move_smoothly_by_no_more_than_was_asked_and_the_edge_stays():
    ramp = (torch.arange(SIZE) / SIZE).expand(1, 3, SIZE, SIZE).contiguous()  # grows to the right
    generator = torch.Generator().manual_seed(3)
    chance = torch.cat([numbers(1, generator) for _ in range(40)])
    settings = VariationSettings(shape=2.0)
    moved = (vary(ramp.expand(40, -1, -1, -1).contiguous(), chance, settings) - ramp)[:, 0] * SIZE
    at_nodes = moved[:, SIZE // 2, SIZE // 2]  # the middle node, whose number is known
    middle = chance[:, 5 + (NODES**2) // 2]
    torch.testing.assert_close(at_nodes, 2 * middle, atol=0.15, rtol=0)
    assert moved.abs().max() < 2.6  # between nodes a cubic may go a little farther
    assert moved[:, [0, -1]].abs().max() < 0.05
    assert moved[:, :, [0, -1]].abs().max() < 0.2
    assert moved.diff(dim=1).abs().max() < 0.5  # no pixel is torn from the next


def test_batches_are_varied_the_same_however_they_are_shared():
    one = _pictures(1)
    task = Pretraining(
        "face", FACE,
        PretrainingSettings(
            steps=2, batch=6,
            extras=Extras(pixels=1, features=0, adversary=0, variation=ALL),
        ),
        12, lambda rows: one.expand(len(rows), -1, -1, -1).contiguous(),
    )  # fmt: skip
    whole = task.batch(1, slice(None)).pictures
    shares = [task.batch(1, share).pictures for share in (slice(0, 2), slice(2, 6))]
    torch.testing.assert_close(torch.cat(shares), whole)  # whatever the number of machines
    assert (whole[0] - whole[1]).abs().max() > 0.02  # each in its own way
    again = task.batch(1, slice(None)).pictures
    torch.testing.assert_close(again, whole, atol=0, rtol=0)


def test_origins_are_varied_like_the_pictures_that_are_made_from_them():
    one = _pictures(1)
    of_two, nought = np.repeat([1, 2], 3), np.zeros(6)  # each neutral, happy and angry
    labels = Labels(of_two, nought, np.tile(np.arange(3), 2), np.ones(6), nought, nought)
    settings = PretrainingSettings(
        steps=1, batch=12,
        extras=Extras(pixels=1, features=0, adversary=0, directed=1.0, variation=ALL),
    )  # fmt: skip
    task = Pretraining(
        "face", FACE, settings, 6, lambda rows: one.expand(len(rows), -1, -1, -1).contiguous(),
        Relatives(labels, np.arange(6), ("neutral", "happy", "angry")),
    )  # fmt: skip
    batch = task.batch(0, slice(None))
    assert batch.origins is not None
    assert batch.strength is not None
    assert batch.strength.abs().sum() > 0
    torch.testing.assert_close(batch.origins, batch.pictures, atol=0, rtol=0)
    assert (batch.pictures[0] - batch.pictures[1]).abs().max() > 0.02


def test_the_structure_loss_is_what_ssim_lacks_of_1():
    x, y = _pictures(2), _pictures(2, seed=2)
    x = (x + 3 * y) / 4
    even = torch.ones(SIZE, SIZE)
    assert structure_loss(x, y, even).item() == pytest.approx(
        1 - ssim(x, y).mean().item(), abs=1e-5
    )
    assert structure_loss(y, y, even).item() == pytest.approx(0, abs=1e-6)


def test_the_structure_loss_weighs_by_place():
    y = _pictures(1)
    x = y.clone()
    x[:, :, 40:50, 20:40] = 0.5  # a blurred mouth
    there, elsewhere = torch.ones(SIZE, SIZE), torch.ones(SIZE, SIZE)
    there[40:50, 20:40], elsewhere[:20] = 9, 9
    assert structure_loss(x, y, there) > 2 * structure_loss(x, y, elsewhere)
