"""How the pictures of context-face networks are judged: closed forms, identities, stub decoders."""

import math

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

torch = pytest.importorskip("torch", reason="PyTorch is not installed: networks are not tested")

from models.context_face.quality import Region, psnr, ssim, ssim_map  # noqa: E402


def test_a_constant_difference_has_the_psnr_of_its_size():
    x = torch.rand(2, 3, 32, 32, dtype=torch.float64) * 0.5
    assert psnr(x, x + 0.1).tolist() == pytest.approx([20.0, 20.0])
    assert torch.isinf(psnr(x, x)).all()


def test_noise_in_a_box_counts_in_that_box_alone():
    x, box = torch.zeros(1, 3, 64, 64), Region(0.25, 0.5, 0.75, 1.0)
    y = x.clone()
    y[:, :, 32:, 16:48] = 0.2
    assert float(psnr(x, y, box)) == pytest.approx(-20 * math.log10(0.2), abs=1e-4)
    assert float(psnr(x, y)) == pytest.approx(-10 * math.log10(0.04 / 4), abs=1e-4)
    assert torch.isinf(psnr(x, y, Region(0.0, 0.0, 1.0, 0.5)))
    assert float(ssim(x, y, Region(0.0, 0.0, 1.0, 0.25))) == pytest.approx(1)
    assert float(ssim(x, y, box)) < 0.9


def test_flat_pictures_have_the_ssim_of_their_means():
    a, b, c1 = 0.3, 0.5, 0.01**2
    x, y = torch.full((1, 3, 20, 20), a), torch.full((1, 3, 20, 20), b)
    assert float(ssim(x, y)) == pytest.approx((2 * a * b + c1) / (a * a + b * b + c1), abs=1e-6)
    assert float(ssim(x, x)) == 1


def test_a_picture_and_its_negative_have_opposite_structure():
    x = (torch.randn(1, 1, 40, 40, dtype=torch.float64) * 0.1 + 0.5).expand(-1, 3, -1, -1)
    assert float(ssim(x, 1 - x)) < -0.8  # equal means, covariance of the other sign


def test_ssim_is_that_of_a_filter_by_scipy():
    rng = np.random.default_rng(5)
    x, y = rng.random((2, 3, 48, 40))
    a, b = (np.tensordot([0.299, 0.587, 0.114], p, 1) for p in (x, y))

    def mean(z):
        return gaussian_filter(z, 1.5, truncate=5 / 1.5)[5:-5, 5:-5]

    covariance = mean(a * b) - mean(a) * mean(b)
    variances = mean(a * a) - mean(a) ** 2 + mean(b * b) - mean(b) ** 2
    light = (2 * mean(a) * mean(b) + 1e-4) / (mean(a) ** 2 + mean(b) ** 2 + 1e-4)
    expected = light * (2 * covariance + 9e-4) / (variances + 9e-4)
    found = ssim_map(*(torch.from_numpy(p)[None] for p in (x, y)))[0].numpy()
    np.testing.assert_allclose(found, expected, atol=1e-10)
