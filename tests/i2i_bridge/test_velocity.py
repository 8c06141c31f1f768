"""The network of a velocity against its papers."""

import math
from itertools import pairwise
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from i2i.errors import UsageError
from i2i.options import complete
from i2i.testing import check_options
from i2i_bridge import VelocityUNet
from i2i_bridge.blocks import TimedBlock, norm, waves

TINY: dict[str, Any] = {"base_channels": 4, "depth": 2, "blocks": 1}


def awake(network: nn.Module) -> nn.Module:
    """Give every parameter a value other than 0, so that no layer is silent."""
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.3)
    return network


def convolution(before: int, after: int, size: int = 3) -> int:
    return (before * size**2 + 1) * after


def block(before: int, after: int, base: int) -> int:
    """Count the parameters of one block, by hand."""
    norms = 2 * before + 2 * after
    timed = (4 * base + 1) * 2 * after
    past = convolution(before, after, 1) if before != after else 0
    return norms + convolution(before, after) + timed + convolution(after, after) + past


@pytest.mark.parametrize(("depth", "blocks", "levels"), [(1, 1, [1, 2]), (3, 2, [1, 2, 4, 4])])
@pytest.mark.parametrize("base", [4, 12])
def test_parameters_follow_width_depth_and_blocks(base: int, depth: int, blocks: int, levels: list[int]) -> None:
    channels = [base * each for each in levels]
    total = (base + 1) * 4 * base + (4 * base + 1) * 4 * base  # of the time
    total += convolution(2 + 3, base) + 2 * base + convolution(base, 3)
    for c, smaller in pairwise(channels):
        total += 2 * blocks * block(c, c, base) + block(2 * c, c, base) - block(c, c, base)
        total += convolution(c, smaller) + convolution(smaller, c)
    total += blocks * block(channels[-1], channels[-1], base)
    network = VelocityUNet(2, 3, base_channels=base, depth=depth, blocks=blocks)
    assert sum(parameter.numel() for parameter in network.parameters()) == total


def test_defaults_are_those_of_a_miniature() -> None:
    assert complete(VelocityUNet, {}, "") == {"base_channels": 64, "depth": 3, "blocks": 2}


def test_waves_are_those_of_ho_and_others() -> None:
    made = waves(torch.tensor([0.0, 0.25], dtype=torch.float64), 6)
    angles = [250.0, 250.0 / 100, 250.0 / 10_000]  # time in thousandths; frequencies 10000 ** -(0, 1/2, 1)
    by_hand = [[0, 0, 0, 1, 1, 1], [*map(math.sin, angles), *map(math.cos, angles)]]
    assert torch.allclose(made, torch.tensor(by_hand, dtype=torch.float64), rtol=0, atol=1e-10)


@pytest.mark.parametrize(("channels", "groups"), [(4, 1), (12, 1), (64, 16), (128, 32), (512, 32), (96, 8)])
def test_norms_have_at_most_32_groups_of_at_least_4_channels(channels: int, groups: int) -> None:
    assert norm(channels).num_groups == groups


def normed(x: Tensor, scale: Tensor, shift: Tensor, groups: int) -> Tensor:
    parts = x.reshape(len(x), groups, -1)
    centred = parts - parts.mean(2, keepdim=True)
    parts = centred / (centred.square().mean(2, keepdim=True) + 1e-5).sqrt()
    return parts.reshape(x.shape) * scale.view(-1, 1, 1) + shift.view(-1, 1, 1)


def silu(x: Tensor) -> Tensor:
    return x / (1 + (-x).exp())


@pytest.mark.parametrize(("before", "after"), [(8, 8), (16, 8)])
def test_a_block_is_the_papers(before: int, after: int) -> None:
    torch.manual_seed(0)
    network = awake(TimedBlock(before, after, 5)).double()
    x, time = torch.randn(2, before, 3, 4, dtype=torch.float64), torch.randn(2, 5, dtype=torch.float64)
    values = dict(network.named_parameters())
    n1w, n1b, c1w, c1b, tw, tb, n2w, n2b, c2w, c2b, *past = values.values()
    y = F.conv2d(silu(normed(x, n1w, n1b, before // 4)), c1w, c1b, padding=1)
    scale, shift = (silu(time) @ tw.T + tb)[:, :, None, None].split(after, dim=1)
    y = normed(y, n2w, n2b, after // 4) * (1 + scale) + shift
    y = F.conv2d(silu(y), c2w, c2b, padding=1)
    kept = F.conv2d(x, past[0], past[1]) if past else x
    assert torch.allclose(network(x, time), kept + y, rtol=0, atol=1e-11)


def test_a_block_begins_as_the_identity_and_the_network_as_rest() -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 8, 4, 4)
    assert torch.equal(TimedBlock(8, 8, 5)(x, torch.randn(2, 5)), x)
    place, source = torch.randn(2, 3, 8, 8), torch.randn(2, 1, 8, 8)
    assert not VelocityUNet(1, 3, **TINY)(place, torch.rand(2), source).any()


def test_gradients_reach_every_parameter_place_and_source() -> None:
    torch.manual_seed(0)
    network = awake(VelocityUNet(2, 3, **TINY))
    place, source = torch.randn(2, 3, 8, 12, requires_grad=True), torch.randn(2, 2, 8, 12, requires_grad=True)
    network(place, torch.rand(2), source).square().mean().backward()
    reached = {"place": place, "source": source, **dict(network.named_parameters())}
    assert [name for name, each in reached.items() if each.grad is None or not each.grad.any()] == []


def test_each_image_has_its_own_time() -> None:
    torch.manual_seed(0)
    network = awake(VelocityUNet(1, 1, **TINY))
    place, source = torch.randn(2, 1, 8, 8), torch.randn(2, 1, 8, 8)
    first, second = network(place, torch.tensor([0.2, 0.9]), source)
    assert torch.allclose(first, network(place[:1], torch.tensor([0.2]), source[:1])[0], atol=1e-4)
    assert torch.allclose(second, network(place[1:], torch.tensor([0.9]), source[1:])[0], atol=1e-4)
    assert not torch.allclose(first, network(place[:1], torch.tensor([0.9]), source[:1])[0], atol=1e-2)


def test_options_are_described() -> None:
    check_options(VelocityUNet, TINY)


def test_sizes_that_do_not_halve_are_refused() -> None:
    with pytest.raises(UsageError, match=r"divisible by 4, got 6x8"):
        VelocityUNet(1, 1, **TINY)(torch.zeros(1, 1, 6, 8), torch.zeros(1), torch.zeros(1, 1, 6, 8))
