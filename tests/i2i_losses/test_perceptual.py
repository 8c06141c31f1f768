"""The perceptual loss against its formula written out a second time, and what it leaves no trace in."""

import copy

import lite0
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from i2i.errors import UnknownNameError, UsageError
from i2i_losses import Perceptual


@pytest.fixture(scope="module")
def reference() -> lite0.Lite0:
    return lite0.drawn()


@pytest.fixture(scope="module")
def loss(reference: lite0.Lite0, tmp_path_factory: pytest.TempPathFactory) -> Perceptual:
    file = tmp_path_factory.mktemp("weights") / "lite0.safetensors"
    save_file(reference.state_dict(), file)
    return Perceptual(weights=str(file))


def images(seed: int, channels: int = 3) -> Tensor:
    return torch.rand(2, channels, 64, 32, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def test_loss_is_twice_one_less_the_cosine(loss: Perceptual, reference: lite0.Lite0) -> None:
    output, target = images(0), images(1)
    with torch.no_grad():
        pairs = zip(reference((output + 1) * 127.5), reference((target + 1) * 127.5), strict=True)
    cosines = [2 - 2 * nn.functional.cosine_similarity(a, b).mean() for a, b in pairs]
    torch.testing.assert_close(loss(output, target), torch.stack(cosines).mean(), rtol=1e-4, atol=1e-5)
    assert loss(target, target).item() == 0


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


def test_head_that_only_sets_are_compared_by_is_not_looked_through(loss: Perceptual) -> None:
    headless = copy.deepcopy(loss)
    del headless.features.head  # type: ignore[attr-defined]
    assert torch.equal(headless(images(0), images(1)), loss(images(0), images(1)))


def test_it_looks_through_any_features_by_name() -> None:
    with pytest.raises(UsageError, match="VGG-16 has no weights of its own here"):
        Perceptual(features="vgg16")
    with pytest.raises(UnknownNameError, match="No features named 'vgg19'"):
        Perceptual(features="vgg19")
