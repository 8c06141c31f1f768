"""VGG-16 and AlexNet against the same networks as torch's own layers, of narrow ones that have their shape."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from chains import alexnet, looked, named, vgg16
from safetensors.torch import save_file
from torch import nn

from i2i.contracts import Features
from i2i.errors import DataError, UsageError
from i2i_features import VGG16, AlexNet

Layers = Callable[[], nn.Sequential]
Places = tuple[int, ...]

CHAINS = pytest.mark.parametrize(
    ("cls", "layers", "seen_at"),
    [(VGG16, vgg16, (3, 8, 15, 22, 29)), (AlexNet, alexnet, (1, 4, 7, 9, 11))],
    ids=["vgg16", "alexnet"],
)
"""Each with the places of the ReLUs that are looked behind."""


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


@CHAINS
def test_features_are_behind_the_relus_of_torch(
    cls: Any, layers: Layers, seen_at: tuple[int, ...], tmp_path: Path
) -> None:
    features = layers()
    save_file(named(features), tmp_path / "weights.safetensors")
    network = cls(weights=str(tmp_path / "weights.safetensors"))
    assert isinstance(network, Features)
    image = torch.rand(1, 3, 67, 96) * 2 - 1
    expected = looked(features, image, seen_at)
    for ours, theirs in zip(network(image), expected, strict=True):
        torch.testing.assert_close(ours, theirs)
    small = torch.rand(1, 3, 112, 56) * 2 - 1
    large = small.repeat_interleave(2, 2).repeat_interleave(4, 3)  # each pixel covers several of 224x224
    torch.testing.assert_close(network.pooled(small), looked(features, large, seen_at)[-1].mean((2, 3)))


@CHAINS
def test_they_leave_no_trace_and_read_state_dicts_too(
    cls: Any, layers: Layers, seen_at: tuple[int, ...], tmp_path: Path
) -> None:
    weights = named(layers())
    save_file(weights, tmp_path / "weights.safetensors")
    torch.save(weights | {"classifier.0.weight": torch.zeros(2)}, tmp_path / "weights.pth")
    image = torch.rand(1, 1, 64, 64)
    one, other = (cls(weights=str(tmp_path / f"weights.{end}")) for end in ("safetensors", "pth"))
    assert torch.equal(one(image)[-1], other(image)[-1])
    assert not one.state_dict()
    assert not list(one.parameters())


@CHAINS
def test_what_does_not_fit_is_refused(cls: Any, layers: Layers, seen_at: Places, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"has no weights of its own here. Set weights to torchvision's .*\.pth"):
        cls()
    whole = named(layers())
    torch.save({name: tensor for name, tensor in whole.items() if name != "features.10.bias"}, tmp_path / "short.pth")
    with pytest.raises(DataError, match=r"'features.10.bias' of \d, but there is no such tensor"):
        cls(weights=str(tmp_path / "short.pth"))
    torch.save(whole | {"features.10.weight": torch.zeros(6, 5, 3, 3)}, tmp_path / "other.pth")
    with pytest.raises(DataError, match=r"'features.10.weight' of \?x\dx3x3, but there is one of shape \(6, 5, 3, 3\)"):
        cls(weights=str(tmp_path / "other.pth"))
