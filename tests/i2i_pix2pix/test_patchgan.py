"""PatchGAN against section 6.1 of the paper and the layout of published checkpoints."""

import math
from typing import Any

import pytest
import torch
from torch import nn

from i2i.errors import UsageError
from i2i.options import complete
from i2i.system.unfilled import unfilled
from i2i_pix2pix import PatchGAN

PAPER = [(0, 1, 256), (1, 16, 126), (2, 34, 62), (3, 70, 30), (4, 142, 14), (5, 286, 6)]
WIDTHS = {
    0: [64, 128, 1],
    1: [64, 128, 1],
    2: [64, 128, 256, 1],
    3: [64, 128, 256, 512, 1],
    4: [64, 128, 256, 512, 512, 1],
    5: [64, 128, 256, 512, 512, 512, 1],
}


def convolutions(network: PatchGAN) -> list[nn.Conv2d]:
    return [m for m in network.stack if isinstance(m, nn.Conv2d)]


@pytest.mark.parametrize(
    ("layers", "norm", "parameters"),
    [(3, "batch", 2_768_705), (3, "instance", 2_767_809), (0, "batch", 9_024), (0, "instance", 8_897)],
)
def test_parameters_are_those_of_published_checkpoints(layers: int, norm: Any, parameters: int) -> None:
    with unfilled("it"):
        network = PatchGAN(6, layers=layers, norm=norm)
    assert sum(p.numel() for p in network.parameters()) == parameters


def test_default_is_the_70x70_patch() -> None:
    assert complete(PatchGAN, {}, "") == {"layers": 3, "base_channels": 64, "norm": "batch"}


def published(norm: str) -> nn.Sequential:
    """The 70x70 discriminator of published checkpoints for 6 channels, its layers at their numbers."""
    kinds: dict[str, Any] = {"batch": nn.BatchNorm2d, "instance": nn.InstanceNorm2d, "none": nn.Identity}
    stack: list[nn.Module] = [nn.Conv2d(6, 4, 4, 2, 1), nn.LeakyReLU(0.2)]
    for before, after, stride in ((4, 8, 2), (8, 16, 2), (16, 32, 1)):
        stack += [
            nn.Conv2d(before, after, 4, stride, 1, bias=norm == "instance"),
            kinds[norm](after),
            nn.LeakyReLU(0.2),
        ]
    return nn.Sequential(*stack, nn.Conv2d(32, 1, 4, 1, 1))


@pytest.mark.parametrize("norm", ["batch", "instance", "none"])
def test_stack_computes_what_published_checkpoints_do(norm: Any) -> None:
    torch.manual_seed(0)
    reference, network = published(norm), PatchGAN(6, base_channels=4, norm=norm)
    theirs = [m for m in reference if list(m.parameters())]
    ours = [m for m in network.stack if list(m.parameters())]
    for mine, other in zip(ours, theirs, strict=True):
        mine.load_state_dict(other.state_dict(), strict=True)
    image = torch.rand(2, 6, 64, 48) * 2 - 1
    torch.testing.assert_close(network(image), reference(image))


def test_initial_weights_are_the_papers() -> None:
    torch.manual_seed(0)
    network = PatchGAN(6)
    weights = torch.cat([c.weight.flatten() for c in convolutions(network)]).detach()
    assert abs(weights.mean().item()) < 5 * 0.02 / math.sqrt(len(weights))
    assert weights.std().item() == pytest.approx(0.02, rel=5 / math.sqrt(2 * len(weights)))
    assert not any(bool(c.bias.any()) for c in convolutions(network) if c.bias is not None)


@pytest.mark.parametrize(("layers", "patch", "_map"), PAPER)
def test_one_logit_sees_one_patch(layers: int, patch: int, _map: int) -> None:
    torch.manual_seed(0)
    network = PatchGAN(1, layers=layers, base_channels=2, norm="none").double()  # a norm would look at the whole image
    image = torch.rand(1, 1, 640, 640, dtype=torch.float64, requires_grad=True)
    logits = network(image)
    logits[0, 0, logits.shape[2] // 2, logits.shape[3] // 2].backward()
    assert image.grad is not None
    seen = image.grad[0, 0] != 0
    for axis in (0, 1):
        places = seen.any(axis).nonzero().flatten()
        assert len(places) == places[-1] - places[0] + 1 == patch


@pytest.mark.parametrize(("layers", "_patch", "size"), PAPER)
def test_score_map_at_256_is_the_papers(layers: int, _patch: int, size: int) -> None:
    with unfilled("it"):
        network = PatchGAN(6, layers=layers).to("meta")
    assert network(torch.zeros(1, 6, 256, 256, device="meta")).shape == (1, 1, size, size)


@pytest.mark.parametrize("layers", WIDTHS)
def test_widths_are_the_papers(layers: int) -> None:
    with unfilled("it"):
        assert [c.out_channels for c in convolutions(PatchGAN(6, layers=layers))] == WIDTHS[layers]


@pytest.mark.parametrize("layers", range(6))
def test_norm_stands_everywhere_but_at_the_ends(layers: int) -> None:
    hidden = [nn.BatchNorm2d, nn.LeakyReLU]
    with unfilled("it"):
        kinds = [type(m) for m in PatchGAN(6, layers=layers).stack]
    middle = max(layers, 1)
    assert kinds == [nn.Conv2d, nn.LeakyReLU, *[nn.Conv2d, *hidden] * middle, nn.Conv2d]


@pytest.mark.parametrize("layers", [0, 3])
@pytest.mark.parametrize("norm", ["batch", "instance", "none"])
def test_biases_stand_where_published_checkpoints_have_them(layers: int, norm: Any) -> None:
    first, *hidden, last = (c.bias is not None for c in convolutions(PatchGAN(6, layers=layers, norm=norm)))
    assert first
    assert set(hidden) == {norm == "instance"}
    assert last == (layers > 0 or norm == "instance")


@pytest.mark.parametrize("layers", range(6))
def test_least_image_gives_one_logit_and_a_smaller_one_is_refused(layers: int) -> None:
    network = PatchGAN(3, layers=layers, base_channels=1)
    least = 3 * 2**layers if layers else 1
    assert network.eval()(torch.zeros(1, 3, least, least)).shape == (1, 1, 1, 1)
    if layers:
        with pytest.raises(UsageError, match=f"at least {least}x{least}, got {least}x{least - 1}"):
            network(torch.zeros(1, 3, least, least - 1))
