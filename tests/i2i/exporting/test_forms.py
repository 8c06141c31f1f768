"""What is written otherwise computes the same: transposed convolutions, norms, folded averages, mirrored borders."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from i2i.exporting.folding import fold
from i2i.exporting.forms import PerImage, per_image, rewrite, taps2
from i2i.exporting.pictures import mirrored
from i2i.translation.modes import in_mode, inference
from i2i.translation.padding import Margins


def drawn(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("kernel", "outside"), [(4, 0), (3, 1)])
def test_four_phases_of_2x2_are_the_transposed_convolution(kernel: int, outside: int, bias: bool) -> None:
    transposed = nn.ConvTranspose2d(3, 5, kernel, stride=2, padding=1, output_padding=outside, bias=bias)
    written = taps2(transposed)
    assert written is not None
    for size in ((2, 3, 1, 1), (1, 3, 5, 7)):
        x = drawn(*size)
        torch.testing.assert_close(written(x), transposed(x))


@pytest.mark.parametrize("said", [{"stride": 1}, {"padding": 0}, {"groups": 3}, {"dilation": 2}], ids=str)
def test_other_transposed_convolutions_stay(said: dict[str, int]) -> None:
    settings: dict[str, Any] = {"stride": 2, "padding": 1, **said}
    assert taps2(nn.ConvTranspose2d(3, 3, 4, **settings)) is None
    assert taps2(nn.Conv2d(3, 3, 4)) is None


def test_a_norm_without_averages_norms_each_image_as_if_it_were_alone() -> None:
    norm = nn.BatchNorm2d(4)
    nn.init.normal_(norm.weight)
    network = nn.Sequential(nn.Conv2d(3, 4, 3), norm)
    form = in_mode(network, "deterministic")
    x = drawn(3, 3, 8, 8)
    with inference(0, 3):
        expected = form(x)
    rewrite(form, per_image)
    assert isinstance(form.get_submodule("1"), PerImage)
    torch.testing.assert_close(form(x), expected)
    assert per_image(nn.BatchNorm2d(4)) is None


class Net(nn.Module):
    """Two convolutions with norms; the output of the first is perhaps looked at twice."""

    def __init__(self, first: nn.Module, *, twice: bool = False) -> None:
        super().__init__()
        self.first, self.second = first, nn.ConvTranspose2d(4, 6, 4, stride=2, padding=1, groups=2, bias=False)
        self.norms = nn.ModuleList([nn.BatchNorm2d(4), nn.BatchNorm2d(6)])
        for norm in self.norms:
            for value in (norm.weight, norm.bias, norm.running_mean):
                nn.init.normal_(value)  # type: ignore[arg-type]
            nn.init.uniform_(norm.running_var, 0.5, 2)  # type: ignore[arg-type]
        self.twice = twice

    def forward(self, x: Tensor) -> Tensor:
        convolved = self.first(x)
        x = self.norms[0](convolved).relu()
        made: Tensor = self.norms[1](self.second(x + convolved if self.twice else x))
        return made


@pytest.mark.parametrize(("twice", "left"), [(False, 0), (True, 1)])
def test_averages_are_folded_where_one_convolution_is_before_a_norm_alone(twice: bool, left: int) -> None:
    torch.manual_seed(0)
    network = Net(nn.Conv2d(3, 4, 3, padding=1), twice=twice).eval()
    weights = {name: value.clone() for name, value in network.state_dict().items()}
    x = drawn(2, 3, 6, 6)
    with torch.inference_mode():
        expected = network(x)
    form = in_mode(network, "running")
    fold(form, lambda: form(x))
    assert sum(isinstance(module, nn.BatchNorm2d) for module in form.modules()) == left
    with torch.inference_mode():
        torch.testing.assert_close(form(x), expected)
    assert all(torch.equal(value, weights[name]) for name, value in network.state_dict().items())


def test_a_convolution_that_serves_twice_is_not_folded() -> None:
    shared = nn.Conv2d(4, 4, 3, padding=1)
    network = in_mode(nn.Sequential(shared, nn.BatchNorm2d(4), shared, nn.BatchNorm2d(4)), "running")
    x = drawn(1, 4, 6, 6)
    expected = network(x)
    fold(network, lambda: network(x))
    torch.testing.assert_close(network(x), expected)


@pytest.mark.parametrize(("length", "multiple"), [(5, 4), (2, 8), (1, 4), (7, 16), (8, 8)])
def test_borders_are_mirrored_as_translating_does(length: int, multiple: int) -> None:
    margins, total = Margins.of(length, 1, multiple), -(-length // multiple) * multiple
    line = torch.arange(length)[:, None]
    assert torch.equal(line[mirrored(length, margins.top, total)], margins._replace(left=0, right=0).pad(line))
