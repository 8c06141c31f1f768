"""The perceptual distance beside the loss, and LPIPS against its formula with torch's own layers."""

from pathlib import Path
from typing import Any

import lite0
import pytest
import torch
from chains import alexnet, looked, named, vgg16
from safetensors.torch import save_file
from torch import Tensor, nn

from i2i.errors import DataError, UsageError
from i2i_losses import Perceptual
from i2i_metrics import LPIPS, PerceptualLite0


def images(seed: int, count: int = 2) -> Tensor:
    return torch.rand(count, 3, 64, 96, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def test_figure_of_each_image_is_its_loss(tmp_path: Path) -> None:
    weights = str(tmp_path / "lite0.safetensors")
    save_file(lite0.drawn().state_dict(), weights)
    metric, loss = PerceptualLite0(weights=weights), Perceptual(weights=weights)
    figures = metric(images(0), images(1))
    for image, figure in enumerate(figures):
        one = slice(image, image + 1)
        torch.testing.assert_close(figure, loss(images(0)[one], images(1)[one]))
    assert metric(images(0), images(0)).tolist() == [0, 0]
    changed = images(0)
    changed[:, :, :16, :16] = -1
    where = metric.map(changed, images(0))
    assert where.shape == (2, 64, 96)
    assert float(where[:, :16, :16].mean()) > 2 * float(where[:, 32:, 48:].mean())


@pytest.fixture(params=["alexnet", "vgg16"])
def lpips(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[LPIPS, nn.Sequential, list[Tensor], dict[str, Any]]:
    torch.manual_seed(0)
    layers, channels = (alexnet(), (4, 6, 8, 7, 5)) if request.param == "alexnet" else (vgg16(), (4, 6, 8, 8, 8))
    heads = [torch.rand(1, each, 1, 1) for each in channels]
    save_file(named(layers), tmp_path / "weights.safetensors")
    torch.save({f"lin{layer}.model.1.weight": head for layer, head in enumerate(heads)}, tmp_path / "heads.pth")
    options = {"features": request.param, "weights": str(tmp_path / "weights.safetensors")}
    return LPIPS(**options, heads=str(tmp_path / "heads.pth")), layers, heads, options


PLACES = {"alexnet": (1, 4, 7, 9, 11), "vgg16": (3, 8, 15, 22, 29)}


def test_lpips_is_the_weighed_distance_of_unit_features(lpips: Any) -> None:
    metric, layers, heads, options = lpips
    output, target = images(0), images(1)
    expected = torch.zeros(2)
    pairs = zip(*(looked(layers, image, PLACES[options["features"]]) for image in (output, target)), strict=True)
    for head, (a, b) in zip(heads, pairs, strict=True):
        apart = nn.functional.normalize(a, dim=1) - nn.functional.normalize(b, dim=1)
        expected += nn.functional.conv2d(apart.square(), head).mean((1, 2, 3))
    torch.testing.assert_close(metric(output, target), expected)
    assert metric(target, target).tolist() == [0, 0]
    assert metric.map(output, target).shape == (2, 64, 96)
    assert not metric.state_dict()
    assert not list(metric.parameters())


def test_lpips_needs_both_files_and_that_they_fit(lpips: Any, tmp_path: Path) -> None:
    *_, heads, options = lpips
    with pytest.raises(UsageError, match=r"Set heads to weights/v0.1/\*.pth of lpips"):
        LPIPS(**options)
    file = str(tmp_path / "others.pth")
    more = {f"lin{layer}.model.1.weight": head for layer, head in enumerate([*heads, heads[0]])}
    torch.save(more, file)
    with pytest.raises(DataError, match=f"more layers than the 5 of {options['features']}"):
        LPIPS(**options, heads=file)
    torch.save({name: torch.rand(1, 9, 1, 1) for name in list(more)[:5]}, file)
    with pytest.raises(DataError, match=r"'lin0.model.1.weight' of 1x4x1x1, but there is one of shape \(1, 9, 1, 1\)"):
        LPIPS(**options, heads=file)
    with pytest.raises(UsageError, match="has no weights of its own here"):
        LPIPS(features=options["features"], heads=file)
