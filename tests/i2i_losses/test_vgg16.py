"""VGG-16 against the same network as torch's own layers, of narrow ones that have its shape."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from i2i.errors import DataError, UsageError
from i2i_losses.perceptual import Perceptual
from i2i_losses.vgg16 import VGG16

ROW_D: list[int | str] = [4, 4, "M", 6, 6, "M", 8, 8, 8, "M", 8, 8, 8, "M", 8, 8, 8, "M"]
"""Table 1, column D, but narrow: channels of convolutions, and M for max pooling."""


@pytest.fixture
def features() -> nn.Sequential:
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    channels = 3
    for each in ROW_D:
        if isinstance(each, str):
            layers.append(nn.MaxPool2d(2))
        else:
            layers += [nn.Conv2d(channels, each, 3, padding=1), nn.ReLU()]
            channels = each
    return nn.Sequential(*layers)


def named(features: nn.Sequential) -> dict[str, Tensor]:
    return {f"features.{name}": tensor for name, tensor in features.state_dict().items()}


def test_features_are_those_before_each_pooling(features: nn.Sequential) -> None:
    image = torch.rand(2, 3, 32, 32) * 2 - 1
    mean, deviation = (torch.tensor(v)[:, None, None] for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    x, expected = ((image + 1) / 2 - mean) / deviation, []
    for layer in features:
        if isinstance(layer, nn.MaxPool2d):
            expected.append(x)
        x = layer(x)
    seen = VGG16(named(features))(image)
    assert [tuple(each.shape[1:]) for each in seen] == [(4, 32, 32), (6, 16, 16), (8, 8, 8), (8, 4, 4), (8, 2, 2)]
    for ours, theirs in zip(seen, expected, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_it_is_a_trunk_of_the_perceptual_loss_by_a_file(features: nn.Sequential, tmp_path: Path) -> None:
    save_file(named(features), tmp_path / "vgg16.safetensors")
    torch.save(named(features) | {"classifier.0.weight": torch.zeros(2)}, tmp_path / "vgg16.pth")
    output, target = (torch.rand(1, 3, 17, 24).requires_grad_() for _ in range(2))
    figures = []
    for file in ("vgg16.safetensors", "vgg16.pth"):
        loss = Perceptual(trunk="vgg16", weights=str(tmp_path / file))
        figures.append(loss(output, target))
        assert loss(output, output) == 0
        assert not loss.state_dict()
        assert not list(loss.parameters())
    assert figures[0] == figures[1]
    (gradient,) = torch.autograd.grad(figures[0], output)
    assert bool(gradient.isfinite().all())
    assert bool(gradient.any())


def test_what_is_no_vgg16_is_refused(features: nn.Sequential) -> None:
    with pytest.raises(UsageError, match="vgg16 has no weights of its own here"):
        Perceptual(trunk="vgg16")
    whole: dict[str, Any] = named(features)
    with pytest.raises(DataError, match=r"no 'features.28.bias'"):
        VGG16({name: tensor for name, tensor in whole.items() if name != "features.28.bias"})
    with pytest.raises(DataError, match=r"features.5 of the weights is .* That is no VGG-16"):
        VGG16(whole | {"features.5.weight": torch.zeros(6, 5, 3, 3)})
