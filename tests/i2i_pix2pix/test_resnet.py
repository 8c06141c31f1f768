"""The residual generator against section 7.2 of CycleGAN's paper and the layout of published checkpoints."""

from typing import Any

import pytest
import torch
from cyclegan import Pixels, Resnet, trained
from torch import nn

from i2i.errors import UsageError
from i2i.options import complete
from i2i.system.unfilled import unfilled
from i2i.testing import check_generator
from i2i_pix2pix import PatchGAN, ResNet

NORMS = ("batch", "instance", "none")
CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d)


def convolutions(network: nn.Module) -> list[Any]:
    return [module for module in network.modules() if isinstance(module, CONVOLUTIONS)]


def with_tensors(network: nn.Module) -> list[nn.Module]:
    return [module for module in network.modules() if list(module.parameters(recurse=False))]


def adopt(network: nn.Module, reference: nn.Module) -> None:
    """Take over all tensors in the order of use."""
    for mine, theirs in zip(with_tensors(network), with_tensors(reference), strict=True):
        mine.load_state_dict(theirs.state_dict(), strict=True)


@pytest.mark.parametrize(
    ("blocks", "norm", "parameters"),
    [(9, "instance", 11_378_179), (9, "batch", 11_383_427), (6, "instance", 7_837_699)],
)
def test_parameters_are_those_of_published_checkpoints(blocks: int, norm: Any, parameters: int) -> None:
    with unfilled("it"):
        network = ResNet(3, 3, blocks=blocks, norm=norm)
    assert sum(p.numel() for p in network.parameters()) == parameters


def test_defaults_are_the_papers() -> None:
    assert complete(ResNet, {}, "") == {"blocks": 9, "base_channels": 64, "norm": "instance", "dropout": 0.0}


def test_widths_are_the_papers() -> None:
    with unfilled("it"):
        found = convolutions(ResNet(1, 2, blocks=2))
    assert [(c.kernel_size[0], c.stride[0], c.out_channels) for c in found] == [
        (7, 1, 64),
        (3, 2, 128),
        (3, 2, 256),
        *[(3, 1, 256)] * 4,
        (3, 2, 128),
        (3, 2, 64),
        (7, 1, 2),
    ]
    assert [isinstance(c, nn.ConvTranspose2d) for c in found] == [*[False] * 7, True, True, False]


@pytest.mark.parametrize("norm", NORMS)
def test_biases_stand_where_published_checkpoints_have_them(norm: Any) -> None:
    *hidden, last = (c.bias is not None for c in convolutions(ResNet(3, 3, blocks=1, base_channels=1, norm=norm)))
    assert set(hidden) == {norm == "instance"}
    assert last


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("training", [True, False])
def test_it_computes_what_published_checkpoints_do(norm: Any, training: bool) -> None:
    reference = trained(Resnet(2, 3, 2, 4, norm, dropout=True)).train(training)
    network = ResNet(2, 3, blocks=2, base_channels=4, norm=norm, dropout=0.5).train(training)
    adopt(network, reference)
    source = torch.rand(2, 2, 16, 24) * 2 - 1
    outputs = []
    for module in (network, reference):
        torch.manual_seed(3)
        outputs.append(module(source))
    torch.testing.assert_close(*outputs)


@pytest.mark.parametrize("norm", NORMS)
def test_discriminator_of_pixels_computes_what_published_checkpoints_do(norm: Any) -> None:
    reference, network = trained(Pixels(5, 4, norm)), PatchGAN(5, layers=0, base_channels=4, norm=norm)
    adopt(network, reference)
    image = torch.rand(2, 5, 6, 7)
    torch.testing.assert_close(network(image), reference(image))


def test_dropout_stands_once_in_each_block_and_is_off_by_default() -> None:
    def count(**options: Any) -> int:
        network = ResNet(1, 1, blocks=3, base_channels=1, **options)
        return sum(isinstance(module, nn.Dropout) for module in network.modules())

    assert count() == 0
    assert count(dropout=0.5) == 3


@pytest.mark.parametrize("norm", NORMS)
def test_it_keeps_the_contract(norm: str) -> None:
    check_generator(ResNet, {"blocks": 1, "base_channels": 4, "norm": norm})


def test_least_image_is_translated_and_smaller_or_odd_ones_are_refused() -> None:
    network = ResNet(1, 1, blocks=1, base_channels=1)
    assert network(torch.zeros(1, 1, 8, 8)).shape == (1, 1, 8, 8)
    for size in ((4, 8), (8, 10)):
        with pytest.raises(UsageError, match=rf"divisible by 4 and at least 8, got {size[0]}x{size[1]}\."):
            network(torch.zeros(1, 1, *size))
