"""The energy score against closed forms, and a network that learns by it how far people differ."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from models.reaction.attributes import in_range
from models.reaction.bases import make_base
from models.reaction.scoring import energy_score, reaction_score, within
from tests.reaction_models import BASES


def drawn(shape, seed, size=1.0):
    return size * torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("size", [0.4, 1.0, 2.5])
def test_of_normal_draws_it_is_what_the_closed_form_says(size):
    """E|X - Y| is √(2 (s² + 1) / π) and E|X - X'| is 2 s / √π for N(0, s²) and N(0, 1)."""
    found, true = drawn((4_000, 5, 1), 1, size), drawn((4_000, 4, 1), 2)
    expected = math.sqrt(2 * (size**2 + 1) / math.pi) - size / math.sqrt(math.pi)
    assert float(energy_score(found, true)) == pytest.approx(expected, abs=0.02)


def test_it_is_least_where_draws_spread_as_truths_do():
    true = drawn((2_000, 4, 6), 1)
    scores = {size: float(energy_score(drawn((2_000, 6, 6), 2, size), true))
              for size in (0.0, 0.5, 0.8, 1.0, 1.25, 2.0)}  # fmt: skip
    assert min(scores, key=scores.__getitem__) == 1.0
    assert scores[0.0] > scores[0.5] > scores[0.8]
    assert scores[2.0] > scores[1.25]


def test_two_draws_of_every_truth_cost_the_same_as_one_by_one():
    found, true = drawn((3, 4, 2, 7), 1), drawn((3, 5, 2, 7), 2)
    by_hand = [
        np.mean([np.linalg.norm(x - y) for x in f for y in t])
        - 0.5 * np.mean([np.linalg.norm(f[i] - f[j]) for i in range(4) for j in range(4) if i != j])
        for n in range(3) for w in range(2)
        for f, t in [(found[n, :, w].numpy(), true[n, :, w].numpy())]
    ]  # fmt: skip
    expected = np.mean(by_hand) / math.sqrt(7)
    assert float(energy_score(found, true)) == pytest.approx(expected, abs=1e-4)


def test_attributes_within_their_ranges_stay_and_others_lead_back():
    faces = torch.rand(50, 25, generator=torch.Generator().manual_seed(1))
    faces[:, 17:] /= faces[:, 17:].sum(1, keepdim=True)
    np.testing.assert_allclose(within(faces), in_range(faces.numpy()), atol=1e-5)
    beyond = torch.full((1, 25), -0.5, requires_grad=True)
    cut = within(beyond)
    assert cut[0, 0].detach() == pytest.approx(-0.05)
    cut[0, 0].backward()
    assert beyond.grad is not None
    assert float(beyond.grad[0, 0]) > 0


def test_regnn_learns_how_far_listeners_differ():
    """A smile of two strengths answers everything: alike at first, then as far apart as these."""
    settings = replace(
        BASES["regnn"], scored="energy", draws=4, styles=2, spread=0.03, smooth=0.0, learning=2,
        unrolled=1, middle=0.0,
    )  # fmt: skip
    base = make_base(settings)
    fused = torch.ones(8, 10, 6)
    truth = torch.zeros(8, 4, 10, 25)
    truth[..., 17] = 1.0
    truth[:, ::2, :, 7], truth[:, 1::2, :, 7] = 0.2, 0.6
    optimiser = torch.optim.Adam(base.parameters(), 2e-2)

    def losses(step):
        generators = [torch.Generator().manual_seed(9 * step + row) for row in range(8)]
        decode = lambda samples, rows: base.decode(samples, 10)  # noqa: E731
        return base.losses(base.distribution(fused), truth, decode, generators)

    def apart():
        generators = [torch.Generator().manual_seed(row) for row in range(8)]
        samples = base.distribution(fused).sample(16, generators).flatten(0, 1)
        with torch.no_grad():
            return float(base.decode(samples, 10)[..., 7].mean(1).std())

    before = apart()
    for step in range(120):
        optimiser.zero_grad()
        torch.stack(list(losses(step).values())).sum().backward()
        optimiser.step()
    assert before < 0.1
    assert apart() == pytest.approx(0.2, abs=0.07)


def test_faces_that_are_as_people_s_score_less_than_the_mean_face():
    true = torch.zeros(6, 4, 3, 10, 25)
    true[..., 17] = 1.0
    true[:, ::2, ..., 7] = 0.6
    mean = true.mean(1, keepdim=True).expand(-1, 4, -1, -1, -1)
    assert float(reaction_score(true, true)) < float(reaction_score(mean, true))
