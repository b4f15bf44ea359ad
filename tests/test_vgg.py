"""VGG-16 and VGG-19 with weights that the user brings."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: networks are not tested")

from safetensors.torch import save_file  # noqa: E402

from models.vgg import MEAN, SPREAD, Vgg16, Vgg19, load_vgg16, load_vgg19  # noqa: E402
from models.weights import WeightsError  # noqa: E402


def delta(gain: float) -> torch.Tensor:
    """A convolution that lets each of three channels pass, times gain."""
    kernel = torch.zeros(3, 3, 3, 3)
    for channel in range(3):
        kernel[channel, channel, 1, 1] = gain
    return kernel


@pytest.fixture
def small(monkeypatch):
    """Tensors, as torchvision names them, of a network that only pools, and doubles twice."""
    monkeypatch.setattr(Vgg16, "BLOCKS", ((3,), (3, 3)))
    monkeypatch.setattr(Vgg16, "HIDDEN", 12)
    monkeypatch.setattr(Vgg16, "SIDE", 8)
    tensors = {}
    for number, gain in ((0, 1.0), (3, 2.0), (5, 1.0)):  # 1, 4, 6: ReLU; 2, 7: poolings
        tensors[f"features.{number}.weight"] = delta(gain)
        tensors[f"features.{number}.bias"] = torch.zeros(3)
    tensors["classifier.0.weight"] = torch.eye(12).flip(0).contiguous()
    tensors["classifier.3.weight"] = 2 * torch.eye(12)
    tensors["classifier.6.weight"] = torch.ones(1000, 12)  # the thousand classes: not asked for
    for number, bias in ((0, 0.0), (3, -0.5)):
        tensors[f"classifier.{number}.bias"] = torch.full((12,), bias)
    return tensors


def test_what_is_seen_is_what_its_layers_say(small, tmp_path):
    save_file(small, tmp_path / "vgg16.safetensors")
    network = load_vgg16(tmp_path / "vgg16.safetensors")
    pictures = np.random.default_rng(1).random((5, 8, 8, 3))
    usual = np.maximum((pictures - np.array(MEAN)) / np.array(SPREAD), 0)
    pooled = usual.reshape(5, 2, 4, 2, 4, 3).max((2, 4)).transpose(0, 3, 1, 2)  # (5, 3, 2, 2)
    wanted = np.maximum(2 * 2 * pooled.reshape(5, 12)[:, ::-1] - 0.5, 0)
    given = torch.from_numpy(2 * pictures - 1).permute(0, 3, 1, 2).float()
    np.testing.assert_allclose(network(given), wanted, atol=1e-5)
    larger = given.repeat_interleave(3, 2).repeat_interleave(3, 3)  # brought to its own size
    np.testing.assert_allclose(network(larger), wanted, atol=1e-5)
    assert not any(p.requires_grad for p in network.parameters())


def test_names_of_timm_are_as_good_and_half_precision_is(small, tmp_path):
    renamed = {
        name.replace("classifier.0", "pre_logits.fc1").replace("classifier.3", "pre_logits.fc2")
        .replace("classifier.6", "head.fc"): tensor.half() for name, tensor in small.items()
    }  # fmt: skip
    renamed["pre_logits.fc1.weight"] = renamed["pre_logits.fc1.weight"].reshape(12, 3, 2, 2)
    renamed["pre_logits.fc2.weight"] = renamed["pre_logits.fc2.weight"].reshape(12, 12, 1, 1)
    for name, tensors in (("torchvision", small), ("timm", renamed)):
        save_file(tensors, tmp_path / f"{name}.safetensors")
    one, other = (
        load_vgg16(tmp_path / f"{name}.safetensors")(torch.ones(1, 3, 8, 8).cumsum(2) / 8)
        for name in ("torchvision", "timm")
    )
    assert one.any()
    torch.testing.assert_close(one, other)


def test_sizes_are_those_of_the_published_networks():
    with torch.device("meta"):
        both = Vgg16(), Vgg19()
        seen = both[0](torch.empty(2, 3, 128, 128))
        maps = both[1].features(torch.empty(2, 3, 256, 256))
    assert seen.shape == (2, 4096)
    assert [tuple(m.shape[1:]) for m in maps] == [
        (64, 128, 128), (128, 64, 64), (256, 32, 32), (512, 16, 16), (512, 8, 8)
    ]  # fmt: skip
    sizes = [sum(p.numel() for p in network.parameters()) for network in both]
    classes = 1000 * (4096 + 1)
    assert sizes[0] + classes == 138_357_544  # as everywhere written of VGG-16
    hidden = 4096 * (512 * 49 + 1) + 4096 * (4096 + 1)
    assert sizes[1] + hidden + classes == 143_667_240  # and of VGG-19
    assert isinstance(both[1].convolutions[36], torch.nn.MaxPool2d)


def test_a_file_of_something_else_is_refused_in_one_line(small, tmp_path):
    del small["features.3.weight"]
    small["classifier.0.weight"] = torch.ones(12, 5)
    save_file(small, tmp_path / "part.safetensors")
    (tmp_path / "broken.safetensors").write_bytes(b"nothing")
    for name, why in (
        ("part", "2 of 10 tensors are not there"), ("broken", "not the weights of VGG-16"),
        ("none", "No such file"),
    ):  # fmt: skip
        with pytest.raises(WeightsError, match=why) as refused:
            load_vgg16(tmp_path / f"{name}.safetensors")
        assert "\n" not in str(refused.value)
        assert "give a safetensors file with torchvision's names" in str(refused.value)
    with pytest.raises(WeightsError, match="not the weights of VGG-19"):
        load_vgg19(tmp_path / "part.safetensors")
