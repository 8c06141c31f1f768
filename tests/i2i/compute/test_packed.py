"""Packed weights give what the weights give, alone and in a batch to the same bits, and change no network."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from i2i.compute import packed
from i2i.compute.packed import UnpackableError, pack
from i2i.translation.modes import in_mode
from i2i_pix2pix import UNet

LAYERS = (
    (nn.Conv2d(8, 8, 4, 2, 1), 8),
    (nn.Conv2d(8, 16, (3, 2), (1, 2), (2, 0), (1, 2), groups=2, bias=False), 8),
    (nn.Conv2d(8, 4, 1), 2),
    (nn.ConvTranspose2d(8, 4, 4, 2, 1), 1),
    (nn.ConvTranspose2d(8, 4, 3, 2, 1, output_padding=1, groups=2), 4),
)


@pytest.fixture
def one_thread() -> Iterator[None]:
    """By several, torch's norms sum up a batch in another order than an image."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def network() -> nn.Module:
    torch.manual_seed(0)
    return in_mode(UNet(3, 3, depth=4, base_channels=8), "running")


def images(count: int, size: int = 16) -> Tensor:
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(1)) * 2 - 1


def weights_of(*networks: nn.Module, image: Tensor) -> Any:
    found = pack(networks, lambda: networks[0](image), "float32")
    assert found is not None
    return found


@pytest.mark.parametrize(("layer", "size"), LAYERS)
def test_convolutions_of_all_settings_have_their_values(layer: nn.Module, size: int) -> None:
    layer, image = in_mode(layer, "running"), torch.rand(2, 8, size, size)
    found = weights_of(layer, image=image)
    with found.used():
        made = layer(image)
    torch.testing.assert_close(made, layer(image))


@pytest.mark.usefixtures("one_thread")
def test_a_network_makes_the_same_alone_and_in_a_batch_to_the_bit(network: nn.Module) -> None:
    found, batch = weights_of(network, image=images(1)), images(3)
    with found.used():
        made, alone = network(batch), torch.cat([network(image[None]) for image in batch])
    assert torch.equal(made, alone)
    torch.testing.assert_close(made, network(batch), rtol=1e-4, atol=1e-5)


def test_maps_of_other_sizes_are_computed_as_ever(network: nn.Module) -> None:
    found, image = weights_of(network, image=images(1)), images(1, 32)
    with found.used():
        made = network(image)
    with torch.inference_mode():
        assert torch.equal(made, network(image))


def test_the_network_is_what_it_was(network: nn.Module) -> None:
    state, own = copy.deepcopy(network.state_dict()), [dict(vars(module)) for module in network.modules()]
    found = weights_of(network, image=images(1))
    with found.used():
        network(images(1))
    assert all(torch.equal(value, state[name]) for name, value in network.state_dict().items())
    assert [dict(vars(module)) for module in network.modules()] == own


def test_nothing_is_packed_where_a_weight_meets_many_pixels() -> None:
    layer = nn.Conv2d(3, 3, 3, padding=1).requires_grad_(False)
    assert pack([layer], lambda: layer(images(1, 32)), "float32") is None
    assert pack([nn.Identity()], lambda: images(1), "float32") is None


def test_a_torch_that_has_not_the_operators_says_so(network: nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "NEEDED", ("_no_such_operator",))
    with pytest.raises(UnpackableError, match="_no_such_operator"):
        pack([network], lambda: network(images(1)), "float32")


def test_what_does_not_make_the_same_is_not_used(network: nn.Module) -> None:
    shifts = iter((0.0, 1.0))
    with pytest.raises(UnpackableError, match="something else"):
        pack([network], lambda: network(images(1)) + next(shifts), "float32")
