"""U-Net and encoder-decoder against section 6.1 of the paper and the layout of published checkpoints."""

import math
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from i2i.errors import UsageError
from i2i.options import complete
from i2i.system.unfilled import unfilled
from i2i_pix2pix import EncoderDecoder, UNet

NORMS = ("batch", "instance", "none")


def count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def convolutions(blocks: Any) -> list[Any]:
    return [m for block in blocks for m in block if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]


def holds(blocks: Any, kind: type[nn.Module]) -> list[bool]:
    return [any(isinstance(m, kind) for m in block) for block in blocks]


@pytest.mark.parametrize(
    ("norm", "parameters"), [("batch", 54_413_955), ("instance", 54_409_603), ("none", 54_404_099)]
)
def test_unet_has_the_parameters_of_published_checkpoints(norm: Any, parameters: int) -> None:
    with unfilled("it"):
        assert count(UNet(3, 3, norm=norm)) == parameters


def test_unet_of_depth_7_has_the_parameters_of_published_checkpoints() -> None:
    with unfilled("it"):
        assert count(UNet(3, 3, depth=7)) == 41_828_995


def test_defaults_are_the_papers() -> None:
    paper = {"depth": 8, "base_channels": 64, "norm": "batch", "dropout": 0.5}
    assert complete(EncoderDecoder, {}, "") == paper
    assert complete(UNet, {}, "") == {**paper, "dropout_layers": [1, 2, 3]}


@pytest.mark.parametrize(
    ("cls", "seen"),
    [
        (UNet, [512, 1024, 1024, 1024, 1024, 512, 256, 128]),  # CD512-CD1024-CD1024-C1024-C1024-C512-C256-C128
        (EncoderDecoder, [512, 512, 512, 512, 512, 256, 128, 64]),
    ],
)
def test_widths_are_the_papers(cls: Any, seen: list[int]) -> None:
    with unfilled("it"):
        network = cls(1, 2)
    down, up = convolutions(network.down), convolutions(network.up)
    assert [c.in_channels for c in down] == [1, 64, 128, 256, 512, 512, 512, 512]
    assert [c.out_channels for c in down] == [64, 128, 256, 512, 512, 512, 512, 512]
    assert [c.in_channels for c in up] == seen
    assert [c.out_channels for c in up] == [512, 512, 512, 512, 256, 128, 64, 2]
    assert {(c.kernel_size, c.stride, c.padding) for c in down + up} == {((4, 4), (2, 2), (1, 1))}


@pytest.mark.parametrize("cls", [UNet, EncoderDecoder])
def test_norm_stands_everywhere_but_at_the_ends_and_the_bottleneck(cls: Any) -> None:
    with unfilled("it"):
        network = cls(3, 3)
    assert holds(network.down, nn.BatchNorm2d) == [False, *[True] * 6, False]
    assert holds(network.up, nn.BatchNorm2d) == [*[True] * 7, False]


@pytest.mark.parametrize("cls", [UNet, EncoderDecoder])
def test_dropout_stands_after_the_norm_of_the_first_three_decoder_layers(cls: Any) -> None:
    with unfilled("it"):
        network = cls(3, 3)
    assert holds(network.up, nn.Dropout) == [True] * 3 + [False] * 5
    assert not any(holds(network.down, nn.Dropout))
    kinds = [type(module) for module in network.up[0]]
    assert kinds == [nn.ReLU, nn.ConvTranspose2d, nn.BatchNorm2d, nn.Dropout]


def test_dropout_stands_where_published_checkpoints_have_it_when_told_so() -> None:
    with unfilled("it"):
        network = UNet(3, 3, dropout_layers=(2, 3, 4))
    assert holds(network.up, nn.Dropout) == [False, True, True, True, False, False, False, False]


def test_output_layer_never_has_dropout() -> None:
    assert holds(UNet(3, 3, depth=2, base_channels=1).up, nn.Dropout) == [True, False]


@pytest.mark.parametrize("cls", [UNet, EncoderDecoder])
@pytest.mark.parametrize("norm", NORMS)
def test_biases_stand_where_published_checkpoints_have_them(cls: Any, norm: Any) -> None:
    network = cls(3, 3, depth=4, base_channels=1, norm=norm)
    down, up = convolutions(network.down), convolutions(network.up)
    assert [c.bias is not None for c in down] == [norm == "instance"] * 4
    assert [c.bias is not None for c in up] == [norm == "instance"] * 3 + [True]


class Nested(nn.Module):
    """One level of the U-Net of published checkpoints: a block around the next smaller one."""

    def __init__(self, outer: int, inner: int, below: nn.Module | None, norm: str, source: int | None = None) -> None:
        super().__init__()
        bias, deepest, outermost = norm == "instance", below is None, source is not None
        down = nn.Conv2d(outer if source is None else source, inner, 4, 2, 1, bias=bias)
        up = nn.ConvTranspose2d(inner if deepest else 2 * inner, outer, 4, 2, 1, bias=bias or outermost)
        self.outermost = outermost
        if outermost:
            assert below is not None
            layers = [down, below, nn.ReLU(), up, nn.Tanh()]
        elif below is None:
            layers = [nn.LeakyReLU(0.2), down, nn.ReLU(), up, normed(norm, outer)]
        else:
            layers = [nn.LeakyReLU(0.2), down, normed(norm, inner), below, nn.ReLU(), up, normed(norm, outer)]
        self.model = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.model(x)
        return made if self.outermost else torch.cat([x, made], dim=1)


def normed(norm: str, channels: int) -> nn.Module:
    kinds: dict[str, type[nn.Module]] = {"batch": nn.BatchNorm2d, "instance": nn.InstanceNorm2d, "none": nn.Identity}
    return kinds[norm](channels)


def nested(depth: int, base: int, source: int, target: int, norm: str) -> Nested:
    width = [base * min(2**level, 8) for level in range(depth)]
    block: Nested | None = None
    for level in reversed(range(1, depth)):
        block = Nested(width[level - 1], width[level], block, norm)
    return Nested(target, width[0], block, norm, source)


def in_order_of_use(block: Nested) -> Iterator[nn.Module]:
    """Layers with weights, from the image down to the bottleneck and up again."""
    for module in block.model:
        if isinstance(module, Nested):
            yield from in_order_of_use(module)
        elif list(module.parameters()):
            yield module


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("depth", [2, 3, 5])
def test_unet_computes_what_the_nested_blocks_of_published_checkpoints_do(depth: int, norm: Any) -> None:
    torch.manual_seed(0)
    reference = nested(depth, 4, 2, 3, norm)
    network = UNet(2, 3, depth=depth, base_channels=4, norm=norm, dropout=0)
    ours = [m for m in network.modules() if list(m.parameters(recurse=False))]
    for mine, theirs in zip(ours, in_order_of_use(reference), strict=True):
        mine.load_state_dict(theirs.state_dict(), strict=True)
    source = torch.rand(2, 2, 2**depth, 2 * 2**depth) * 2 - 1
    torch.testing.assert_close(network(source), reference(source))


def test_encoder_decoder_is_a_chain() -> None:
    network = EncoderDecoder(1, 1, depth=3, base_channels=2, dropout=0)
    source = torch.rand(1, 1, 16, 16)
    chain = nn.Sequential(*network.down, *network.up, nn.Tanh())
    torch.testing.assert_close(network(source), chain(source))


@pytest.mark.parametrize("cls", [UNet, EncoderDecoder])
def test_initial_weights_are_the_papers(cls: Any) -> None:
    torch.manual_seed(0)
    network = cls(3, 3, base_channels=12)
    weights = torch.cat([c.weight.flatten() for c in convolutions([*network.down, *network.up])]).detach()
    scales = torch.cat([m.weight for m in network.modules() if isinstance(m, nn.BatchNorm2d)]).detach()
    for sample, mean in ((weights, 0.0), (scales, 1.0)):
        assert abs(sample.mean().item() - mean) < 5 * 0.02 / math.sqrt(len(sample))
        assert sample.std().item() == pytest.approx(0.02, rel=5 / math.sqrt(2 * len(sample)))
        within_one_deviation = ((sample - mean).abs() < 0.02).float().mean().item()
        assert within_one_deviation == pytest.approx(math.erf(math.sqrt(0.5)), abs=2.5 / math.sqrt(len(sample)))
    biases = [p for name, p in network.named_parameters() if name.endswith("bias")]
    assert biases
    assert not any(bool(bias.any()) for bias in biases)


@pytest.mark.parametrize("cls", [UNet, EncoderDecoder])
@pytest.mark.parametrize("depth", [1, 2, 6])
def test_size_multiple_is_the_least_size(cls: Any, depth: int) -> None:
    network = cls(1, 1, depth=depth, base_channels=1).eval()
    assert network.size_multiple == 2**depth
    assert network(torch.zeros(1, 1, 2**depth, 3 * 2**depth)).shape == (1, 1, 2**depth, 3 * 2**depth)


@pytest.mark.parametrize("cls", [UNet, EncoderDecoder])
def test_size_that_does_not_fit_is_refused_with_divisor_and_remedy(cls: Any) -> None:
    with unfilled("it"):
        network = cls(3, 3)
        with pytest.raises(UsageError, match=r"divisible by 256, got 250x256\. .*lower `depth` \(now 8\)"):
            network(torch.zeros(1, 3, 250, 256))


def test_smallest_image_trains_with_one_image_a_batch() -> None:
    network = UNet(3, 3, base_channels=1)
    network(torch.rand(1, 3, 256, 256)).mean().backward()
    assert all(p.grad is not None and bool(p.grad.isfinite().all()) for p in network.parameters())


def test_dropout_is_the_only_noise() -> None:
    network, source = UNet(1, 1, depth=4, base_channels=2), torch.rand(1, 1, 16, 16)
    assert not torch.equal(network(source), network(source))
    network.eval()
    assert torch.equal(network(source), network(source))
