"""Checkpoints built from a description of their format: the same bits, the same outputs, or one clear line."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from cyclegan import Patches, Pixels, Resnet, Unet, stray_statistics, trained
from torch import Tensor, nn

from i2i.config import Mode
from i2i.errors import DataError
from i2i.plugins import lookup
from i2i.translation.modes import in_mode, inference
from i2i_import.importing import fit
from i2i_import.networks import Network
from i2i_import.recognition import recognise_discriminator, recognise_generator

NORMS = ("batch", "instance", "none")
MODES: dict[Mode, bool] = {"running": False, "paper": True}
"""Our mode -> whether that code is in training mode, which changes running averages and so comes last."""
BASE = 4


def converted(state: dict[str, Tensor], kind: str = "generator") -> tuple[Network, dict[str, Tensor], list[str]]:
    recognise = recognise_generator if kind == "generator" else recognise_discriminator
    network, notes = recognise(state, "net.pth"), list[str]()
    return network, fit(state, network, "net.pth", notes), notes


def ours(network: Network, weights: dict[str, Tensor]) -> nn.Module:
    module: nn.Module = lookup(network.kind, network.component).cls(*network.channels, **network.options)
    module.load_state_dict(weights, strict=True)
    return module


def assert_same_outputs(network: nn.Module, reference: nn.Module, source: Tensor) -> None:
    for mode, training in MODES.items():
        reference.train(training)
        with torch.no_grad():
            torch.manual_seed(5)
            expected = reference(source)
        with inference(seed=5):
            torch.testing.assert_close(in_mode(network, mode)(source).clone(), expected, rtol=1e-5, atol=2e-6)
        assert expected.std() > 0.01


@pytest.mark.parametrize(("depth", "norm"), [(5, "batch"), (6, "instance"), (7, "none"), (8, "batch")])
def test_unet_gives_the_same_output_in_each_mode(depth: int, norm: str) -> None:
    reference = trained(Unet(1, 3, depth, BASE, norm, dropout=True))
    network, weights, notes = converted(reference.state_dict())
    assert (network.options["depth"], network.options["base_channels"], network.norm) == (depth, BASE, norm)
    assert network.channels == (1, 3)
    assert not notes
    assert_same_outputs(ours(network, weights), reference, torch.rand(1, 1, 2**depth, 2**depth) * 2 - 1)


def test_unet_without_dropout_gives_the_same_output_in_each_mode() -> None:
    reference = trained(Unet(3, 2, 7, BASE, "batch", dropout=False))
    network, weights, _ = converted(reference.state_dict())
    network.options["dropout"] = 0.0
    assert_same_outputs(ours(network, weights), reference, torch.rand(1, 3, 128, 128) * 2 - 1)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize(("blocks", "dropout"), [(1, True), (6, False)])
def test_resnet_gives_the_same_output_in_each_mode(blocks: int, norm: str, dropout: bool) -> None:
    reference = trained(Resnet(3, 1, blocks, BASE, norm, dropout))
    network, weights, notes = converted(reference.state_dict())
    options = {"blocks": blocks, "base_channels": BASE, "norm": norm, "dropout": 0.5 if dropout else 0.0}
    assert (network.options, network.channels, notes) == (options, (3, 1), [])
    assert_same_outputs(ours(network, weights), reference, torch.rand(1, 3, 16, 20) * 2 - 1)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("layers", [0, 1, 3, 5])
def test_discriminator_gives_the_same_logits_in_each_mode(layers: int, norm: str) -> None:
    reference = trained(Patches(6, layers, BASE, norm) if layers else Pixels(6, BASE, norm))
    network, weights, notes = converted(reference.state_dict(), "discriminator")
    assert network.options == {"layers": layers, "base_channels": BASE, "norm": norm}
    assert (network.channels, notes) == ((6,), [])
    assert_same_outputs(ours(network, weights), reference, torch.rand(1, 6, 128, 128) * 2 - 1)


@pytest.mark.parametrize(
    "build",
    [
        lambda: Unet(3, 3, 6, 2, "batch", dropout=True),
        lambda: Unet(3, 3, 5, 2, "instance", dropout=False),
        lambda: Resnet(3, 3, 2, 2, "batch", dropout=True),
    ],
)
def test_every_tensor_is_the_files_bit_for_bit(build: Callable[[], nn.Module]) -> None:
    state = trained(build()).state_dict()
    network, weights, _ = converted(state)
    renamed = {ours: theirs for theirs, ours in network.layers.items()}
    assert len(weights) == len(state)
    for name, tensor in weights.items():
        module, _, suffix = name.rpartition(".")
        assert torch.equal(tensor, state[f"{renamed[module]}.{suffix}"])


@pytest.mark.parametrize(
    "reference",
    [
        Unet(3, 3, 7, 2, "instance", dropout=False),
        Resnet(3, 3, 2, 2, "instance", dropout=True),
        Patches(6, 2, 2, "instance"),
    ],
    ids=["unet", "resnet", "discriminator"],
)
def test_stray_statistics_of_instance_norms_are_left_out_and_counted(reference: nn.Module) -> None:
    kind = "discriminator" if isinstance(reference, Patches) else "generator"
    _, weights, _ = converted(reference.state_dict(), kind)
    _, stripped, notes = converted(stray_statistics(reference), kind)
    assert stripped.keys() == weights.keys()
    norms = sum(isinstance(module, nn.InstanceNorm2d) for module in reference.modules())
    assert notes == [f"net.pth: {3 * norms} statistics of instance norms left out: they are not used."]


def test_batch_norms_that_count_nothing_count_from_0() -> None:
    state = trained(Resnet(3, 3, 1, 2, "batch", dropout=False)).state_dict()
    old = {name: tensor for name, tensor in state.items() if not name.endswith("num_batches_tracked")}
    _, weights, notes = converted(old)
    counted = [tensor for name, tensor in weights.items() if name.endswith("num_batches_tracked")]
    assert len(counted) == 7
    assert not any(counted)
    assert notes == ["net.pth: it counts no batches, so they count from 0."]


@pytest.mark.parametrize("half", [torch.float16, torch.bfloat16])
def test_half_precision_is_widened_without_loss(half: torch.dtype) -> None:
    state = {name: tensor.to(half) for name, tensor in Unet(3, 3, 5, 1, "none", dropout=True).state_dict().items()}
    _, weights, notes = converted(state)
    assert {tensor.dtype for tensor in weights.values()} == {torch.float32}
    assert torch.equal(weights["down.0.0.weight"].to(half), state["model.model.0.weight"])
    assert "widened to single" in notes[0]


UNET = "U-Net of depth 5, 2 wide, with batch norm, for channels 3 -> 3"
INNER = "model.model.1.model.3.model.1.weight"


def without(name: str) -> Callable[[dict[str, Any]], Any]:
    return lambda state: state.pop(name)


def having(name: str, tensor: Tensor) -> Callable[[dict[str, Any]], Any]:
    return lambda state: state.update({name: tensor})


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (
            without("model.model.1.model.6.bias"),
            f"net.pth lacks the tensor 'model.model.1.model.6.bias' of a {UNET}. Give the file as it was saved.",
        ),
        (
            having("model.model.7.weight", torch.zeros(1)),
            f"net.pth has the tensor 'model.model.7.weight', which is none of a {UNET}. Give the file as it was saved.",
        ),
        (
            having(INNER, torch.zeros(8, 4, 3, 3)),
            f"net.pth: {INNER!r} is of shape (8, 4, 3, 3), and (8, 4, 4, 4) in a {UNET}. "
            "Give the file as it was saved.",
        ),
        (
            having(INNER, torch.zeros(8, 4, 4, 4, dtype=torch.float64)),
            f"net.pth: {INNER!r} is torch.float64, and torch.float32 in that format. Save it again as such.",
        ),
        (
            having("model.model.3.weight", torch.zeros(4)),
            "net.pth: 'model.model.3.weight' of shape (4,) is no weight of a convolution. Save it again.",
        ),
        (
            without("model.model.3.weight"),
            "net.pth lacks the tensor 'model.model.3.weight'. Give the file as it was saved.",
        ),
        (
            having("model.model.1.model.2.running_var2", torch.zeros(1)),
            "net.pth has the tensor 'model.model.1.model.2.running_var2', which is none of a "
            f"{UNET}. Give the file as it was saved.",
        ),
        (
            without("model.model.1.model.3.model.1.weight"),
            "net.pth is a U-Net of depth 2, and that format begins at 5. Give the file as it was saved.",
        ),
    ],
    ids=["missing", "extra", "shape", "type", "rank", "output missing", "extra statistic", "cut in depth"],
)
def test_what_does_not_fit_is_one_line(change: Callable[[dict[str, Any]], Any], line: str) -> None:
    state = dict(Unet(3, 3, 5, 2, "batch", dropout=True).state_dict())
    change(state)
    with pytest.raises(DataError) as error:
        converted(state)
    assert str(error.value) == line


def test_stray_statistics_are_only_those_of_norms() -> None:
    state = stray_statistics(Resnet(3, 3, 1, 2, "instance", dropout=False))
    state["model.1.running_mean"] = torch.zeros(2)
    with pytest.raises(DataError, match=r"has the tensor 'model\.1\.running_mean', which is none of"):
        converted(state)


def test_many_differences_are_counted() -> None:
    state = Resnet(3, 3, 3, 2, "batch", dropout=False).state_dict()
    holed = {name: tensor for name, tensor in state.items() if "model.11." not in name}
    with pytest.raises(DataError, match=r"lacks the tensor .* of a ResNet of 3 blocks.*\(11 more do not fit\)\."):
        converted(holed)


def test_unknown_layouts_are_refused_by_what_they_hold() -> None:
    state = {f"model{i}.1.weight": torch.zeros(1) for i in range(5)}
    expected = r"no generator of a known layout: it has 'model0\.1\.weight', .* and 2 more\. Give one of"
    with pytest.raises(DataError, match=expected):
        converted(state)
    with pytest.raises(DataError, match=r"no discriminator of a known layout: it has no tensors\. Give one of"):
        converted({}, "discriminator")
    with pytest.raises(DataError, match=r"net\.pth is a discriminator\. Give the generator's file"):
        converted(Patches(6, 3, 1, "batch").state_dict())
