"""Layers that double the size against their papers' formulas, and generators that have them."""

from typing import Any, get_args

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from i2i.system.unfilled import unfilled
from i2i.testing import check_generator
from i2i_pix2pix import EncoderDecoder, ResNet, UNet
from i2i_pix2pix.blocks import ResizeConvolution, SubpixelConvolution, Upsample, doubling, initialize

SMALL: list[tuple[Any, dict[str, Any]]] = [
    (UNet, {"depth": 2, "base_channels": 4}),
    (EncoderDecoder, {"depth": 2, "base_channels": 4}),
    (ResNet, {"blocks": 1, "base_channels": 4}),
]
KINDS = get_args(Upsample)


def untrained(kind: Upsample, kernel: int = 4) -> nn.Conv2d | nn.ConvTranspose2d:
    torch.manual_seed(0)
    layer = doubling(kind, 3, 2, kernel=kernel, bias=True)
    initialize(layer)
    return layer


def inner(image: Tensor) -> Tensor:
    return image[..., 2:-2, 2:-2]


def test_resize_convolves_each_pixel_four_times() -> None:
    layer, image = untrained("resize"), torch.randn(2, 3, 5, 6)
    wide = image.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    torch.testing.assert_close(layer(image), F.conv2d(wide, layer.weight, layer.bias, padding=1))


def test_subpixel_lays_four_channels_out_in_space() -> None:
    layer, image = SubpixelConvolution(3, 2, bias=True), torch.randn(2, 3, 5, 6)
    made, channels = layer(image), F.conv2d(image, layer.weight, layer.bias, padding=1)
    assert made.shape == (2, 2, 10, 12)
    for phase in range(4):
        assert torch.equal(made[:, :, phase // 2 :: 2, phase % 2 :: 2], channels[:, phase::4])


def test_untrained_subpixel_convolution_gives_nearest_neighbours() -> None:
    layer, image = untrained("subpixel"), torch.randn(2, 3, 5, 6)
    small = layer(image)[:, :, ::2, ::2]
    assert bool(layer.weight.std() > 0)
    torch.testing.assert_close(layer(image), small.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3))


@pytest.mark.parametrize("kernel", [3, 4])
def test_only_transposed_convolutions_make_a_grid_of_a_flat_image(kernel: int) -> None:
    def spread(kind: Upsample) -> float:
        made = inner(untrained(kind, kernel)(torch.ones(1, 3, 8, 8)))
        return (made.amax((2, 3)) - made.amin((2, 3))).max().item()

    assert spread("transposed") > 0.01
    assert spread("resize") < 1e-6
    assert spread("subpixel") < 1e-6


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("cls", "options"), SMALL)
def test_generators_keep_the_contract_with_any_upsampling(cls: Any, options: dict[str, Any], kind: str) -> None:
    check_generator(cls, {**options, "upsample": kind})


@pytest.mark.parametrize(("cls", "options"), SMALL)
def test_every_layer_of_the_way_up_is_of_that_kind(cls: Any, options: dict[str, Any]) -> None:
    expected = {"transposed": nn.ConvTranspose2d, "resize": ResizeConvolution, "subpixel": SubpixelConvolution}
    for kind in KINDS:
        with unfilled("it"):
            up = cls(1, 2, upsample=kind, **options).up
        assert [type(layer) for layer in up.modules() if hasattr(layer, "kernel_size")] == [expected[kind]] * 2


@pytest.mark.parametrize(("cls", "options"), SMALL)
def test_unbounded_generator_gives_what_tanh_would_bound(cls: Any, options: dict[str, Any]) -> None:
    bounded, unbounded = (cls(1, 2, **options, bounded=kept).eval() for kept in (True, False))
    with torch.no_grad():
        for weight in unbounded.parameters():
            weight.mul_(20)
    bounded.load_state_dict(unbounded.state_dict())
    source = torch.rand(1, 1, 16, 16) * 2 - 1
    logits = unbounded(source)
    assert logits.abs().max() > 1
    torch.testing.assert_close(bounded(source), torch.tanh(logits))
