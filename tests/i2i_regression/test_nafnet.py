"""The residual U-Net against its paper."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from i2i.errors import UsageError
from i2i.options import complete
from i2i.system.unfilled import unfilled
from i2i.testing import check_generator
from i2i_regression import NAFNet
from i2i_regression.nafnet import NAFBlock

TINY: dict[str, Any] = {
    "base_channels": 4,
    "encoder_blocks": (1, 2),
    "middle_blocks": 1,
    "decoder_blocks": (0, 1),
}


def awake(network: nn.Module) -> nn.Module:
    """Give every parameter a value other than 0, so that no branch is silent."""
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.3)
    return network


def count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def block(channels: int) -> int:
    """Count the parameters of one block, by hand."""
    norms = 2 * 2 * channels
    depthwise = 2 * channels * (9 + 1)
    to_double = 2 * (channels + 1) * 2 * channels
    back = 3 * (channels + 1) * channels  # attention and the end of each branch
    return norms + depthwise + to_double + back + 2 * channels


def expected(source: int, target: int, width: int, encoder: list[int], middle: int, decoder: list[int]) -> int:
    """Count the parameters of a network, by hand."""
    total = (9 * source + 1) * width + (9 * width + 1) * target
    for level, (down, up) in enumerate(zip(encoder, reversed(decoder), strict=True)):
        channels = width * 2**level
        total += (down + up) * block(channels)
        total += (4 * channels + 1) * 2 * channels  # the convolution that halves the size
        total += 2 * channels * 4 * channels  # the one before pixel shuffle, from twice the channels, without bias
    return total + middle * block(width * 2 ** len(encoder))


def test_defaults_are_the_papers_36_blocks_of_width_32() -> None:
    options = complete(NAFNet, {}, "")
    assert options == {
        "base_channels": 32,
        "encoder_blocks": [2, 2, 4, 8],
        "middle_blocks": 12,
        "decoder_blocks": [2, 2, 2, 2],
        "residual": False,
        "bounded": True,
    }
    with unfilled("it"):
        network = NAFNet(3, 3)
    assert count(network) == expected(3, 3, 32, [2, 2, 4, 8], 12, [2, 2, 2, 2])
    assert sum(isinstance(module, NAFBlock) for module in network.modules()) == 36


@pytest.mark.parametrize(("encoder", "middle", "decoder"), [([], 2, []), ([1], 0, [3]), ([1, 0, 2], 1, [0, 1, 2])])
def test_parameters_follow_the_blocks(encoder: list[int], middle: int, decoder: list[int]) -> None:
    options: Any = {"encoder_blocks": encoder, "middle_blocks": middle, "decoder_blocks": decoder}
    assert count(NAFNet(2, 5, base_channels=6, **options)) == expected(2, 5, 6, encoder, middle, decoder)


def norm(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    mean = x.mean(1, keepdim=True)
    variance = ((x - mean) ** 2).mean(1, keepdim=True)
    return (x - mean) / (variance + 1e-6).sqrt() * weight.view(-1, 1, 1) + bias.view(-1, 1, 1)


def mixed(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """A 1x1 convolution, as a product of matrices."""
    return torch.einsum("oi,nihw->nohw", weight[:, :, 0, 0], x) + bias.view(-1, 1, 1)


def test_a_block_is_the_papers() -> None:
    torch.manual_seed(0)
    channels = 4
    network = awake(NAFBlock(channels)).double()
    x = torch.randn(2, channels, 5, 6, dtype=torch.float64)
    n1w, n1b, c1w, c1b, c2w, c2b, aw, ab, c3w, c3b, n2w, n2b, c4w, c4b, c5w, c5b = (
        value for name, value in network.named_parameters() if "." in name
    )
    y = mixed(norm(x, n1w, n1b), c1w, c1b)
    y = torch.stack([F.conv2d(y[:, i : i + 1], c2w[i : i + 1], c2b[i : i + 1], padding=1)[:, 0] for i in range(8)], 1)
    y = y[:, :channels] * y[:, channels:]
    y = y * mixed(y.mean((2, 3), keepdim=True), aw, ab)
    y = x + network.get_parameter("beta") * mixed(y, c3w, c3b)
    z = mixed(norm(y, n2w, n2b), c4w, c4b)
    z = y + network.get_parameter("gamma") * mixed(z[:, :channels] * z[:, channels:], c5w, c5b)
    assert torch.allclose(network(x), z, rtol=0, atol=1e-12)


def test_a_block_begins_as_the_identity() -> None:
    x = torch.randn(2, 4, 5, 6)
    assert torch.equal(NAFBlock(4)(x), x)


def test_the_network_is_the_papers_u() -> None:
    """Without blocks, what is left is written out here."""
    torch.manual_seed(0)
    network = NAFNet(2, 3, base_channels=4, encoder_blocks=(0, 0), middle_blocks=0, decoder_blocks=(0, 0)).double()
    source = torch.rand(2, 2, 8, 12, dtype=torch.float64)
    enter, down, down2, up, up2, leave = (m for m in network.modules() if isinstance(m, nn.Conv2d))
    full = F.conv2d(source, enter.weight, enter.bias, padding=1)
    half = F.conv2d(full, down.weight, down.bias, stride=2)
    quarter = F.conv2d(half, down2.weight, down2.bias, stride=2)
    half = half + F.pixel_shuffle(F.conv2d(quarter, up.weight), 2)
    full = full + F.pixel_shuffle(F.conv2d(half, up2.weight), 2)
    assert torch.allclose(network(source), F.conv2d(full, leave.weight, leave.bias, padding=1).tanh(), atol=1e-12)


@pytest.mark.parametrize("bounded", [True, False])
def test_a_residual_network_adds_the_source_before_it_is_bounded(bounded: bool) -> None:
    torch.manual_seed(0)
    network = awake(NAFNet(2, 2, **TINY, residual=True, bounded=bounded))
    plain = NAFNet(2, 2, **TINY, bounded=False)
    plain.load_state_dict(network.state_dict())
    source = torch.rand(1, 2, 8, 8)
    summed = plain(source) + source
    assert torch.allclose(network(source), summed.tanh() if bounded else summed)


def test_logits_are_not_held() -> None:
    torch.manual_seed(0)
    network = NAFNet(1, 12, **TINY, bounded=False)
    nn.init.constant_(network.get_parameter("leave.bias"), 7.0)
    assert network(torch.zeros(1, 1, 8, 8)).min() > 1


def test_gradients_reach_every_parameter_once_no_scale_is_zero() -> None:
    torch.manual_seed(0)
    network = awake(NAFNet(2, 3, **TINY))
    network(torch.rand(2, 2, 8, 8)).square().mean().backward()
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_it_keeps_the_contract_of_generators() -> None:
    check_generator(NAFNet, TINY)


@pytest.mark.parametrize(
    ("channels", "options", "named"),
    [
        ((3, 3), {"encoder_blocks": (1, 1), "decoder_blocks": (1,)}, "2 levels and decoder_blocks 1"),
        ((12, 3), {"residual": True}, "12 channels to a target of 3"),
    ],
)
def test_what_does_not_fit_together_is_refused(channels: Any, options: dict[str, Any], named: str) -> None:
    with pytest.raises(UsageError, match=named):
        NAFNet(*channels, **options)


def test_sizes_that_do_not_halve_are_refused() -> None:
    with pytest.raises(UsageError, match=r"divisible by 4, got 6x8"):
        NAFNet(1, 1, **TINY)(torch.zeros(1, 1, 6, 8))
