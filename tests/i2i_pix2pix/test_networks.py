"""The networks against their papers and against what published checkpoints compute."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from cyclegan import Patches, Pixels, Resnet, Unet, trained
from torch import nn

from i2i.errors import UsageError
from i2i.options import complete
from i2i.system.unfilled import unfilled
from i2i.testing import check_generator
from i2i_pix2pix import EncoderDecoder, PatchGAN, ResNet, UNet

NORMS = ("batch", "instance", "none")
PATCHES = [(0, 1, 256), (1, 16, 126), (2, 34, 62), (3, 70, 30), (4, 142, 14), (5, 286, 6)]
"""Layers of PatchGAN, pixels that a logit sees, and logits along a side at 256 (section 6.1)."""


def paper_sized(cls: Any, *channels: int, **options: Any) -> Any:
    with unfilled("it"):
        return cls(*channels, **options)


def convolutions(network: nn.Module) -> list[Any]:
    return [module for module in network.modules() if isinstance(module, nn.Conv2d | nn.ConvTranspose2d)]


def holds(blocks: Any, kind: type[nn.Module]) -> list[bool]:
    return [any(isinstance(module, kind) for module in block) for block in blocks]


@pytest.mark.parametrize(
    ("cls", "channels", "options", "parameters"),
    [
        (UNet, (3, 3), {}, 54_413_955),
        (UNet, (3, 3), {"norm": "instance"}, 54_409_603),
        (UNet, (3, 3), {"norm": "none"}, 54_404_099),
        (UNet, (3, 3), {"depth": 7}, 41_828_995),
        (ResNet, (3, 3), {}, 11_378_179),
        (ResNet, (3, 3), {"norm": "batch"}, 11_383_427),
        (ResNet, (3, 3), {"blocks": 6}, 7_837_699),
        (PatchGAN, (6,), {}, 2_768_705),
        (PatchGAN, (6,), {"norm": "instance"}, 2_767_809),
        (PatchGAN, (6,), {"layers": 0}, 9_024),
        (PatchGAN, (6,), {"layers": 0, "norm": "instance"}, 8_897),
    ],
)
def test_parameters_are_those_of_published_checkpoints(cls: Any, channels: Any, options: Any, parameters: int) -> None:
    assert sum(p.numel() for p in paper_sized(cls, *channels, **options).parameters()) == parameters


GENERATORS = {"upsample": "transposed", "bounded": True}
PAPER = {"depth": 8, "base_channels": 64, "norm": "batch", "dropout": 0.5, "dropout_layers": [1, 2, 3], **GENERATORS}


@pytest.mark.parametrize(
    ("cls", "defaults"),
    [
        (UNet, PAPER),
        (EncoderDecoder, PAPER),
        (PatchGAN, {"layers": 3, "base_channels": 64, "norm": "batch", "spectral": False}),
        (ResNet, {"blocks": 9, "base_channels": 64, "norm": "instance", "dropout": 0.0, **GENERATORS}),
    ],
)
def test_defaults_are_the_papers(cls: Any, defaults: dict[str, Any]) -> None:
    assert complete(cls, {}, "") == defaults


@pytest.mark.parametrize(
    ("cls", "seen"),
    [
        (UNet, [512, 1024, 1024, 1024, 1024, 512, 256, 128]),  # CD512-CD1024-CD1024-C1024-C1024-C512-C256-C128
        (EncoderDecoder, [512, 512, 512, 512, 512, 256, 128, 64]),
    ],
)
def test_u_net_and_baseline_are_the_papers(cls: Any, seen: list[int]) -> None:
    network = paper_sized(cls, 1, 2)
    down, up = convolutions(network.down), convolutions(network.up)
    assert [c.in_channels for c in down] == [1, 64, 128, 256, 512, 512, 512, 512]
    assert [c.out_channels for c in down] == [64, 128, 256, 512, 512, 512, 512, 512]
    assert [c.in_channels for c in up] == seen
    assert [c.out_channels for c in up] == [512, 512, 512, 512, 256, 128, 64, 2]
    assert {(c.kernel_size, c.stride, c.padding) for c in down + up} == {((4, 4), (2, 2), (1, 1))}
    assert holds(network.down, nn.BatchNorm2d) == [False, *[True] * 6, False]
    assert holds(network.up, nn.BatchNorm2d) == [*[True] * 7, False]
    assert holds([*network.down, *network.up], nn.Dropout) == [*[False] * 8, *[True] * 3, *[False] * 5]
    assert [type(module) for module in network.up[0]] == [nn.ReLU, nn.ConvTranspose2d, nn.BatchNorm2d, nn.Dropout]


def test_residual_generator_is_the_papers() -> None:
    found = convolutions(paper_sized(ResNet, 1, 2, blocks=2))
    ends = [(7, 1, 64), (3, 2, 128), (3, 2, 256)], [(3, 2, 128), (3, 2, 64), (7, 1, 2)]
    assert [(c.kernel_size[0], c.stride[0], c.out_channels) for c in found] == [*ends[0], *[(3, 1, 256)] * 4, *ends[1]]
    assert [isinstance(c, nn.ConvTranspose2d) for c in found] == [*[False] * 7, True, True, False]


@pytest.mark.parametrize(("layers", "_patch", "size"), PATCHES)
def test_patchgan_has_the_widths_and_the_score_map_of_the_paper(layers: int, _patch: int, size: int) -> None:
    network = paper_sized(PatchGAN, 6, layers=layers).to("meta")
    widths = [64, 128, 256, 512, 512, 512][: max(layers, 1) + 1]
    assert [c.out_channels for c in convolutions(network)] == [*widths, 1]
    hidden = [nn.Conv2d, nn.BatchNorm2d, nn.LeakyReLU]
    assert [type(m) for m in network.stack] == [nn.Conv2d, nn.LeakyReLU, *hidden * max(layers, 1), nn.Conv2d]
    assert network(torch.zeros(1, 6, 256, 256, device="meta")).shape == (1, 1, size, size)


@pytest.mark.parametrize(("layers", "patch", "_size"), PATCHES)
def test_one_logit_sees_one_patch(layers: int, patch: int, _size: int) -> None:
    torch.manual_seed(0)
    network = PatchGAN(1, layers=layers, base_channels=1, norm="none").double()  # a norm would look at all of it
    side = patch + 3 * 2**layers
    image = torch.rand(1, 1, side, side, dtype=torch.float64, requires_grad=True)
    logits = network(image)
    logits[0, 0, logits.shape[2] // 2, logits.shape[3] // 2].backward()
    assert image.grad is not None
    seen = image.grad[0, 0] != 0
    for axis in (0, 1):
        places = seen.any(axis).nonzero().flatten()
        assert len(places) == places[-1] - places[0] + 1 == patch


def patchgan(layers: int, norm: Any) -> nn.Module:
    return PatchGAN(2, layers=layers, base_channels=4, norm=norm)


PUBLISHED: list[tuple[Callable[..., nn.Module], Callable[..., nn.Module]]] = [
    (
        lambda norm: UNet(2, 3, depth=6, base_channels=4, norm=norm, dropout_layers=(2,)),
        lambda norm: Unet(2, 3, 6, 4, norm, dropout=True),
    ),
    (
        lambda norm: ResNet(2, 3, blocks=2, base_channels=4, norm=norm, dropout=0.5),
        lambda norm: Resnet(2, 3, 2, 4, norm, dropout=True),
    ),
    (lambda norm: patchgan(3, norm), lambda norm: Patches(2, 3, 4, norm)),
    (lambda norm: patchgan(0, norm), lambda norm: Pixels(2, 4, norm)),
]


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("ours", "theirs"), PUBLISHED, ids=["unet", "resnet", "patchgan", "pixels"])
def test_they_compute_what_published_checkpoints_do(ours: Any, theirs: Any, training: bool, norm: str) -> None:
    reference, network = trained(theirs(norm)).train(training), ours(norm).train(training)
    with_tensors = ([m for m in each.modules() if list(m.parameters(recurse=False))] for each in (network, reference))
    for mine, other in zip(*with_tensors, strict=True):  # in the order of use
        mine.load_state_dict(other.state_dict(), strict=True)
    source, outputs = torch.rand(2, 2, 64, 128) * 2 - 1, []
    for module in (network, reference):
        torch.manual_seed(3)  # of dropout
        outputs.append(module(source))
    torch.testing.assert_close(*outputs)


def test_encoder_decoder_is_a_chain() -> None:
    network = EncoderDecoder(1, 1, depth=3, base_channels=2, dropout=0)
    source = torch.rand(1, 1, 16, 16)
    chain = nn.Sequential(*network.down, *network.up, nn.Tanh())
    torch.testing.assert_close(network(source), chain(source))


@pytest.mark.parametrize("network", [UNet(3, 3, base_channels=12), PatchGAN(6)], ids=["unet", "patchgan"])
def test_initial_weights_are_the_papers(network: nn.Module) -> None:
    weights = torch.cat([c.weight.flatten() for c in convolutions(network)]).detach()
    scales = torch.cat([m.weight for m in network.modules() if isinstance(m, nn.BatchNorm2d)]).detach()
    for sample, mean in ((weights, 0.0), (scales, 1.0)):
        assert abs(sample.mean().item() - mean) < 5 * 0.02 / math.sqrt(len(sample))
        assert sample.std().item() == pytest.approx(0.02, rel=5 / math.sqrt(2 * len(sample)))
        within_one_deviation = ((sample - mean).abs() < 0.02).float().mean().item()
        assert within_one_deviation == pytest.approx(math.erf(math.sqrt(0.5)), abs=2.5 / math.sqrt(len(sample)))
    biases = [p for name, p in network.named_parameters() if name.endswith("bias")]
    assert biases
    assert not any(bool(bias.any()) for bias in biases)


@pytest.mark.parametrize(
    ("network", "least", "others", "message"),
    [
        (UNet(1, 1, depth=1, base_channels=1), 2, (3, 4), r"divisible by 2, got 3x4\. .*lower `depth` \(now 1\)"),
        (EncoderDecoder(1, 1, depth=6, base_channels=1), 64, (64, 80), "EncoderDecoder needs .* by 64, got 64x80"),
        (ResNet(1, 1, blocks=1, base_channels=1), 8, (4, 8), r"divisible by 4 and at least 8, got 4x8\."),
        (ResNet(1, 1, blocks=1, base_channels=1), 8, (8, 10), r"divisible by 4 and at least 8, got 8x10\."),
        (PatchGAN(1, layers=1, base_channels=1), 6, (6, 5), "at least 6x6, got 6x5"),
        (PatchGAN(1, layers=3, base_channels=1), 24, (23, 24), "at least 24x24, got 23x24"),
    ],
)
def test_least_image_is_taken_and_one_that_does_not_fit_refused(
    network: nn.Module, least: int, others: tuple[int, int], message: str
) -> None:
    side = 1 if isinstance(network, PatchGAN) else least
    assert network.eval()(torch.zeros(1, 1, least, least)).shape == (1, 1, side, side)
    with pytest.raises(UsageError, match=message):
        network(torch.zeros(1, 1, *others))


def test_smallest_image_trains_with_one_image_a_batch() -> None:
    network = UNet(3, 3, base_channels=1)
    network(torch.rand(1, 3, 256, 256)).mean().backward()
    assert all(p.grad is not None and bool(p.grad.isfinite().all()) for p in network.parameters())


@pytest.mark.parametrize("norm", NORMS)
def test_residual_generator_keeps_the_contract_with_any_norm(norm: str) -> None:
    check_generator(ResNet, {"blocks": 1, "base_channels": 4, "norm": norm})
